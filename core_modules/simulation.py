"""The simulation: days x items x replications, one physics for every policy.

Each day runs in the order of `inventory`: receive, sell, expire, show the evening to the policy,
place its orders. A policy sees an `Observation` and nothing else.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core_modules import inventory
from core_modules.inventory import IntArray
from core_modules.item_terms import ItemTerms
from core_modules.market import Market, SignalBoard, build_market
from core_modules.market_scenarios import MarketSignal
from core_modules.stock_room import OrdersUnderWay, Shelf

__all__ = [
    "Market",
    "Observation",
    "Policy",
    "SimulationResult",
    "build_market",
    "may_order",
    "simulate",
]

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Observation:
    """What a policy sees on the evening of a day; read-only arrays, (items, replications)."""

    day: int  # from 0
    today: date
    on_hand: IntArray  # units on the shelf
    backlog: IntArray  # units owed to customers
    due: IntArray  # (items, replications, days ahead): confirmed deliveries, column 0 tomorrow
    sales: IntArray  # units sold today; under backorders units asked for, as each is written down
    ran_out: BoolArray  # stock reached zero, so demand may have been higher than sales
    review: BoolArray  # (items, 1): tonight is one of the item's chances to order
    signals: Callable[[int], tuple[MarketSignal, ...]]  # known tonight, by replication

    @property
    def position(self) -> IntArray:
        """Inventory position: on hand plus on order less backlog."""
        return np.asarray(self.on_hand + self.due.sum(axis=-1) - self.backlog)


class Policy(Protocol):
    """Anything that turns what was seen into orders."""

    name: str

    def order(self, observation: Observation) -> IntArray:
        """Return the units to order tonight, (items, replications)."""
        ...


@dataclass(frozen=True, slots=True)
class SimulationResult:
    """What happened; arrays are (items, replications, days), end of day where a stock."""

    policy: str
    received: IntArray
    sold: IntArray
    unmet: IntArray  # lost, or owed under backorders
    wasted: IntArray
    on_hand: IntArray
    backlog: IntArray
    ordered: IntArray  # as placed; deliveries may be smaller
    on_order: IntArray  # confirmed and not yet received, after tonight's order
    opening_stock: IntArray  # (items,)


_BOOKED = (
    "received",
    "sold",
    "unmet",
    "wasted",
    "on_hand",
    "backlog",
    "ordered",
    "on_order",
)


def may_order(terms: Sequence[ItemTerms], day: int) -> BoolArray:
    """Tell which items may be ordered on the evening of a day, (items, 1).

    With a review period of R days those are the days R - 1, 2 R - 1, ..., counted from 0.
    """
    return np.array([[(day + 1) % one.review_period == 0] for one in terms])


def simulate(
    market: Market,
    terms: Sequence[ItemTerms],
    opening_stock: IntArray,
    policy: Policy,
    *,
    opening_orders: IntArray | None = None,
    backorders: bool = False,
    progress: Callable[[int], None] | None = None,
) -> SimulationResult:
    """Run a policy through a market.

    `opening_stock` is (items,) and counts as fresh; `opening_orders` (items, days) arrive at the
    start of each day. The supplier confirms an order's day and quantity by the next evening; what
    it cannot fill is cancelled. Raises ValueError for an order outside an item's limits or review
    period, and LedgerError if units do not balance.
    """
    items, replications, days = market.shape
    _check_opening(items, terms, opening_stock, opening_orders)
    limits = inventory.order_limits(terms)
    shelf = Shelf(np.repeat(opening_stock[:, None], replications, axis=1), terms)
    orders = OrdersUnderWay(market, opening_orders)
    board = SignalBoard(market)
    backlog = np.zeros((items, replications), dtype=np.int64)
    book = {name: np.zeros(market.shape, dtype=np.int64) for name in _BOOKED}
    for day in range(days):
        received, demand = orders.arrivals[:, :, day], market.demand[:, :, day]
        shelf.receive(received)
        sale = inventory.sell(shelf.on_hand, demand, backlog, backorders)
        wasted, backlog = shelf.sell(sale), sale.backlog
        observation = Observation(
            day=day,
            today=market.start + timedelta(days=day),
            on_hand=_read_only(shelf.on_hand),
            backlog=_read_only(backlog),
            due=_read_only(orders.arrivals[:, :, day + 1 :].copy()),
            sales=_read_only(demand if backorders else sale.sold),
            ran_out=(sale.on_hand == 0) & (not backorders),
            review=may_order(terms, day),
            signals=board.on(day),
        )
        quantity = _checked(policy.order(observation), observation, limits)
        evening = {
            "received": received,
            "sold": sale.sold,
            "unmet": sale.unmet,
            "wasted": wasted,
            "on_hand": shelf.on_hand,
            "backlog": backlog,
            "ordered": quantity,
            "on_order": orders.place(day, quantity),
        }
        for name, value in evening.items():
            book[name][:, :, day] = value
        if progress is not None:
            progress(day + 1)
    result = SimulationResult(policy=policy.name, **book, opening_stock=opening_stock)
    orders.check_balance()
    _check_conservation(market, result, backorders)
    return result


def _check_opening(
    items: int, terms: Sequence[ItemTerms], stock: IntArray, orders: IntArray | None
) -> None:
    if len(terms) != items or stock.shape != (items,):
        raise ValueError(
            f"a market of {items} items needs as many terms and opening stocks, got {len(terms)} "
            f"and {stock.shape}"
        )
    if orders is not None and (orders.ndim != 2 or orders.shape[0] != items):
        raise ValueError(f"opening_orders must be ({items}, days), got {orders.shape}")
    for name, units in (("opening_stock", stock), ("opening_orders", orders)):
        if units is not None and (units.dtype.kind not in "iu" or np.any(units < 0)):
            raise ValueError(f"{name} must be whole units >= 0, got {units.min()} ({units.dtype})")


def _checked(
    quantity: IntArray, observation: Observation, limits: inventory.OrderLimits
) -> IntArray:
    if quantity.shape != observation.on_hand.shape:
        raise ValueError(
            f"orders must be (items, replications) {observation.on_hand.shape}, "
            f"got {quantity.shape}"
        )
    inventory.check_orders(quantity, limits)
    if np.any((quantity > 0) & ~observation.review):
        item = int(np.nonzero((quantity > 0) & ~observation.review)[0][0])
        raise ValueError(f"item {item} may not be ordered on the evening of day {observation.day}")
    return quantity


def _read_only(array: IntArray) -> IntArray:
    view = array.view()
    view.flags.writeable = False
    return view


def _check_conservation(market: Market, result: SimulationResult, backorders: bool) -> None:
    opening = np.broadcast_to(result.opening_stock[:, None], result.on_hand.shape[:2])
    inventory.check_balance(
        opening,
        result.received.sum(axis=-1),
        result.sold.sum(axis=-1),
        result.wasted.sum(axis=-1),
        result.on_hand[:, :, -1],
    )
    lost = result.backlog[:, :, -1] if backorders else result.unmet.sum(axis=-1)
    nothing = np.zeros_like(lost)
    inventory.check_balance(
        market.demand.sum(axis=-1), nothing, result.sold.sum(axis=-1), lost, nothing
    )
