"""Small random markets with every kind of disturbance, and policies to run through them."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from hypothesis import strategies as st

from core_modules.inventory import allowed_quantity, order_limits
from core_modules.item_terms import ItemTerms
from core_modules.market_scenarios import EventKind, MarketEvent
from core_modules.simulation import Market, Observation, Policy, SimulationResult, build_market
from core_modules.simulation import simulate as run_policy

START = date(2024, 1, 1)


@dataclass(frozen=True)
class World:
    """Everything of a run but the policy."""

    terms: tuple[ItemTerms, ...]
    market: Market
    opening_stock: np.ndarray  # (items,)
    opening_orders: np.ndarray  # (items, days)
    backorders: bool

    def run(self, policy: Policy) -> SimulationResult:
        return run_policy(
            self.market,
            self.terms,
            self.opening_stock,
            policy,
            opening_orders=self.opening_orders,
            backorders=self.backorders,
        )


class RandomOrders:
    """Orders any allowed quantity, or nothing, on any evening on which it may."""

    name = "random-orders"

    def __init__(self, terms: tuple[ItemTerms, ...], largest: int, seed: int) -> None:
        self._limits, self._largest = order_limits(terms), largest
        self._rng = np.random.default_rng(seed)

    def order(self, observation: Observation) -> np.ndarray:
        shape = observation.on_hand.shape
        wanted = self._rng.integers(0, self._largest + 1, size=shape)
        wanted *= (self._rng.random(shape) < 0.5) & observation.review
        return allowed_quantity(wanted, self._limits)


class Scripted:
    """Orders what it was told to, (items, replications, days)."""

    name = "scripted"

    def __init__(self, orders: np.ndarray) -> None:
        self._orders = orders

    def order(self, observation: Observation) -> np.ndarray:
        return self._orders[:, :, observation.day]


@st.composite
def item_terms(draw: st.DrawFn, unique_id: str = "a", *, plain: bool = False) -> ItemTerms:
    """Draw an item; a plain one may be ordered in any quantity on every evening."""
    limits: dict[str, Any] = {}
    if not plain:
        pack, moq = draw(st.integers(1, 4)), draw(st.integers(0, 5))
        fewest = -(-max(moq, 1) // pack) * pack
        limits = {
            "pack_size": pack,
            "moq": moq,
            "max_order": draw(st.one_of(st.none(), st.integers(fewest, fewest + 6))),
            "order_cost": draw(st.sampled_from([0.0, 0.0, 1.5, 7.0])),
            "review_period": draw(st.integers(1, 3)),
        }
    cost = draw(st.sampled_from([4.0, 6.0, 9.5]))
    return ItemTerms(
        unique_id,
        unit_price=10.0,
        unit_cost=cost,
        holding_cost=draw(st.sampled_from([0.0, 0.1, 1.0, 3.0])),
        goodwill=draw(st.sampled_from([0.0, 2.0])),
        salvage=draw(st.sampled_from([0.0, 1.0, 3.5])),
        lead_time=draw(st.integers(1, 4)),
        shelf_life=draw(st.one_of(st.none(), st.integers(1, 4))),
        **limits,
    )


@st.composite
def event_lists(draw: st.DrawFn, days: int) -> tuple[MarketEvent, ...]:
    """Draw disturbances of supply and price; demand is drawn apart."""
    return tuple(
        MarketEvent(
            f"event-{number}",
            draw(st.sampled_from(list(EventKind))),
            START + timedelta(days=draw(st.integers(-3, days))),
            draw(st.integers(1, 5)),
            price=draw(st.sampled_from([1.0, 1.0, 0.5, 0.8, 1.3])),
            lead_time_extra=draw(st.integers(0, 3)),
            filled_share=draw(st.sampled_from([1.0, 0.9, 0.6, 0.5, 0.25, 0.0])),
            supplier_shut=draw(st.booleans()),
            announced=draw(st.one_of(st.none(), st.integers(0, 5))),
            items=draw(st.sampled_from([(), ("a",)])),
        )
        for number in range(draw(st.integers(0, 3)))
    )


@st.composite
def worlds(
    draw: st.DrawFn,
    *,
    items: int = 2,
    replications: int = 2,
    days: int = 12,
    most: int = 9,
    plain: bool = False,
    backorders: bool | None = None,
) -> World:
    """Draw a world of at most so many items, replications, days and units a day."""
    count, paths = draw(st.integers(1, items)), draw(st.integers(1, replications))
    length = draw(st.integers(1, days))
    terms = tuple(draw(item_terms("abc"[number], plain=plain)) for number in range(count))
    units = st.integers(0, most)
    size = count * paths * length
    demand = np.array(draw(st.lists(units, min_size=size, max_size=size)), dtype=np.int64)
    events = [draw(event_lists(length)) for _ in range(paths)]
    ahead = count * length
    under_way = np.array(
        draw(st.lists(st.sampled_from([0, 0, 0, 2, 5]), min_size=ahead, max_size=ahead))
    )
    return World(
        terms=terms,
        market=build_market(START, demand.reshape(count, paths, length), terms, events),
        opening_stock=np.array(draw(st.lists(st.integers(0, 20), min_size=count, max_size=count))),
        opening_orders=under_way.reshape(count, length),
        backorders=draw(st.booleans()) if backorders is None else backorders,
    )
