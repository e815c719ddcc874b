"""The policies that the agent is compared with, and the bound that none can beat.

The textbook's rules on the agent's own forecasts are `Rule` (what each orders: `wanted_units`),
tuned among the values of `GRIDS`. The policies of this file need no forecast.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from core_modules.clairvoyant import clairvoyant_orders
from core_modules.inventory import IntArray, OrderLimits, allowed_quantity, order_limits
from core_modules.item_terms import ItemTerms
from core_modules.market_scenarios import EventKind, MarketSignal, affecting
from core_modules.order_chances import Foresight
from core_modules.policies.parameter_grids import GRIDS, TITLES
from core_modules.policies.rule_arithmetic import Rule, wanted_units
from core_modules.simulation import Market, Observation

__all__ = [
    "DEMO_RULES",
    "GRIDS",
    "TITLES",
    "Clairvoyant",
    "DaysOfCover",
    "OrderUpTo",
    "OriginalRules",
    "ReorderToLevel",
    "Rule",
    "wanted_units",
]

FloatArray = NDArray[np.float64]

MEAN_WINDOW = 28  # days of sales behind a trailing mean


class OrderUpTo:
    """Constant order-up-to (base stock): each review brings the inventory position to a level.

    `levels` are units, (items,).
    """

    name = "order-up-to"

    def __init__(self, terms: Sequence[ItemTerms], levels: FloatArray) -> None:
        self._limits = order_limits(terms)
        self._levels = np.rint(levels).astype(np.int64)[:, None]

    def order(self, observation: Observation) -> IntArray:
        """Order the level less the inventory position."""
        return _order_to(self._levels, observation, self._limits)


class ReorderToLevel:
    """Constant (s, S): a position of s units or less is brought to S; both are (items,)."""

    name = "reorder-to-level"

    def __init__(self, terms: Sequence[ItemTerms], points: IntArray, levels: IntArray) -> None:
        self._limits = order_limits(terms)
        self._points, self._levels = points[:, None], levels[:, None]

    def order(self, observation: Observation) -> IntArray:
        """Order the level less the inventory position where that is low."""
        levels = np.where(observation.position <= self._points, self._levels, 0)
        return _order_to(levels, observation, self._limits)


class DaysOfCover:
    """Constant days of cover: order up to so many days of the last 28 days' mean sales.

    `days` is one number, or one an item; `recent` are the sales of the days before the run,
    (items, days).
    """

    name = "days-of-cover"

    def __init__(
        self,
        terms: Sequence[ItemTerms],
        days: float | FloatArray,
        recent: IntArray,
        replications: int,
    ) -> None:
        self._limits = order_limits(terms)
        self._days = np.asarray(days, dtype=np.float64).reshape(-1, 1)
        self._mean = _TrailingMean(recent, replications, MEAN_WINDOW)

    def order(self, observation: Observation) -> IntArray:
        """Order the cover less the inventory position."""
        levels = np.rint(self._days * self._mean.after(observation.sales)).astype(np.int64)
        return _order_to(levels, observation, self._limits)


def _order_to(levels: IntArray, observation: Observation, limits: OrderLimits) -> IntArray:
    wanted = np.where(observation.review, levels - observation.position, 0)
    return allowed_quantity(wanted, limits)


class _TrailingMean:
    """Mean sales of the last days, or of those there are, by item and replication."""

    def __init__(self, recent: IntArray, replications: int, window: int) -> None:
        last = recent[:, -window:]
        self._days = np.full((recent.shape[0], replications, window), np.nan)
        self._days[:, :, window - last.shape[1] :] = last[:, None, :]
        self._next = 0  # the oldest day

    def after(self, sales: IntArray) -> FloatArray:
        """Take in a day's sales and return the mean, (items, replications)."""
        self._days[:, :, self._next] = sales
        self._next = (self._next + 1) % self._days.shape[2]
        return np.asarray(np.nanmean(self._days, axis=2))


@dataclass(frozen=True, slots=True)
class _DemoRule:
    reorder_point: float  # multiplier on the usual reorder point
    quantity: float  # multiplier on the usual quantity


DEMO_RULES = MappingProxyType(
    {
        EventKind.POST_HOLIDAY_CLEARANCE: _DemoRule(0.5, 0.4),
        EventKind.VIRAL: _DemoRule(2.5, 3),
        EventKind.COMPETITOR_STOCKOUT: _DemoRule(1.5, 2),
        EventKind.SUPPLY_DISRUPTION: _DemoRule(1.8, 0.7),
        EventKind.CELEBRITY_ENDORSEMENT: _DemoRule(2.5, 3),
        EventKind.ECONOMIC_DOWNTURN: _DemoRule(0.7, 0.6),
        EventKind.BLACK_FRIDAY: _DemoRule(3, 4),
    }
)
DEMO_COVER_DAYS = 17.5  # "2.5 weeks of the last 7 days' mean demand"


class OriginalRules:
    """The superseded demo's rule, under honest physics.

    When stock on hand is at or below the scenario's reorder point it orders the larger of the
    scenario's quantity and 2.5 weeks of the last 7 days' mean sales; what is under way already it
    does not look at. Usual reorder points and quantities are units, (items,); `recent` are the
    sales of the days before the run, (items, days).
    """

    name = "original-rules"

    def __init__(
        self,
        terms: Sequence[ItemTerms],
        reorder_points: FloatArray,
        quantities: FloatArray,
        recent: IntArray,
        replications: int,
    ) -> None:
        self._terms, self._limits = terms, order_limits(terms)
        self._reorder_points, self._quantities = reorder_points[:, None], quantities[:, None]
        self._mean = _TrailingMean(recent, replications, 7)

    def order(self, observation: Observation) -> IntArray:
        """Order by the rule of the day's scenario."""
        at, usual = self._factors(observation)
        mean = self._mean.after(observation.sales)
        quantity = np.maximum(self._quantities * usual, DEMO_COVER_DAYS * mean)
        low = observation.on_hand <= self._reorder_points * at
        wanted = np.where(low & observation.review, np.ceil(quantity - 1e-9), 0)
        return allowed_quantity(wanted.astype(np.int64), self._limits)

    def _factors(self, observation: Observation) -> tuple[FloatArray, FloatArray]:
        """Return the multipliers on reorder points and quantities, (items, replications)."""
        at, usual = np.ones(observation.on_hand.shape), np.ones(observation.on_hand.shape)
        for path in range(observation.on_hand.shape[1]):
            running = [s for s in observation.signals(path) if s.start <= observation.today]
            for item, one in enumerate(self._terms if running else ()):
                rule = _demo_rule(affecting(running, one.unique_id))
                at[item, path], usual[item, path] = rule.reorder_point, rule.quantity
        return at, usual


def _demo_rule(running: Sequence[MarketSignal]) -> _DemoRule:
    """Return the rule of the first event that the demo had a rule for."""
    rules = (DEMO_RULES[signal.kind] for signal in running if signal.kind in DEMO_RULES)
    return next(rules, _DemoRule(1, 1))


class Clairvoyant:
    """The bound: the best orders of somebody who knows demand and supply beforehand.

    Same opening stock and orders, lead times, limits, review periods and supply as everybody; see
    `clairvoyant`. `opening_orders` are as `simulate` takes them.
    """

    name = "clairvoyant"

    def __init__(
        self,
        terms: Sequence[ItemTerms],
        market: Market,
        opening_stock: IntArray,
        *,
        opening_orders: IntArray | None = None,
        backorders: bool = False,
    ) -> None:
        items, replications, days = market.shape
        arrivals = np.zeros((items, days), dtype=np.int64)
        if opening_orders is not None:
            ahead = min(days, opening_orders.shape[1])
            arrivals[:, :ahead] = opening_orders[:, :ahead]
        arrivals[:, 0] += opening_stock
        self._orders = np.zeros(market.shape, dtype=np.int64)
        for item, path in np.ndindex(items, replications):
            future = Foresight(
                demand=market.demand[item, path],
                lead_times=market.lead_times[item, path],
                filled_share=market.filled_share[item, path],
                price_multiplier=market.price_multiplier[item, path],
                arrivals=arrivals[item],
            )
            self._orders[item, path] = clairvoyant_orders(
                terms[item], future, backorders=backorders
            )

    def order(self, observation: Observation) -> IntArray:
        """Order what was planned for this evening."""
        return np.asarray(self._orders[:, :, observation.day])
