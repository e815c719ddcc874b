"""The ledger arithmetic of a day: receive, sell, expire, and what may be ordered.

Order within day t: (1) `receive` what is due, (2) `sell` to the day's demand, (3) the holding
charge is due on what is left, then what expires tonight is thrown away, (4) the policy decides,
(5) its order is placed, which a lead time of L >= 1 days brings to the shelf at the start of day
t + L. All quantities are whole units.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core_modules.item_terms import ItemTerms

IntArray = NDArray[np.int64]


class LedgerError(RuntimeError):
    """Units came from nowhere or went nowhere: the ledger does not balance."""


@dataclass(frozen=True, slots=True)
class Sale:
    """What one day's demand did; every array has the shape of the stock, or stock by age."""

    sold: IntArray  # units handed over
    unmet: IntArray  # units of the day's demand not handed over: lost, or added to the backlog
    on_hand: IntArray  # units left
    backlog: IntArray  # units owed to customers, 0 under lost sales


def receive(on_hand: IntArray, delivered: IntArray) -> IntArray:
    """Put a delivery on the shelf, before the day's demand."""
    return on_hand + delivered


def sell(on_hand: IntArray, demand: IntArray, backlog: IntArray, backorders: bool) -> Sale:
    """Serve the backlog, then the day's demand, from stock; the rest is lost or owed.

    >>> sale = sell(np.array([5]), np.array([8]), np.array([0]), backorders=False)
    >>> sale.sold.item(), sale.unmet.item(), sale.on_hand.item(), sale.backlog.item()
    (5, 3, 0, 0)
    """
    sold = np.minimum(on_hand, backlog + demand)
    served_now = np.maximum(sold - backlog, 0)
    unmet = demand - served_now
    owed = backlog + demand - sold if backorders else np.zeros_like(backlog)
    return Sale(sold=sold, unmet=unmet, on_hand=on_hand - sold, backlog=owed)


def sell_oldest_first(stock_by_age: IntArray, sold: IntArray) -> IntArray:
    """Take `sold` units from stock by remaining life (..., days of life left), oldest first.

    Column 0 holds the units that expire tonight.

    >>> sell_oldest_first(np.array([[2, 3, 4]]), np.array([4])).tolist()
    [[0, 1, 4]]
    """
    older = np.cumsum(stock_by_age, axis=-1) - stock_by_age
    taken = np.clip(sold[..., None] - older, 0, stock_by_age)
    return np.asarray(stock_by_age - taken)


def expire(stock_by_age: IntArray) -> tuple[IntArray, IntArray]:
    """Throw away what expires tonight and age the rest by a day: (stock by age, units wasted)."""
    wasted = stock_by_age[..., 0]
    aged = np.zeros_like(stock_by_age)
    aged[..., :-1] = stock_by_age[..., 1:]
    return aged, wasted


NO_MAXIMUM = 2**53  # the largest order that a float still counts exactly


@dataclass(frozen=True, slots=True)
class OrderLimits:
    """What suppliers accept; numbers of one item, or arrays that broadcast with the orders."""

    moq: IntArray  # smallest order, units, >= 0
    pack_size: IntArray  # orders are multiples of it, units, >= 1
    max_order: IntArray  # largest order, units


def order_limits(terms: Sequence[ItemTerms]) -> OrderLimits:
    """Collect the limits of items as columns, (items, 1)."""
    maxima = [NO_MAXIMUM if one.max_order is None else one.max_order for one in terms]
    return OrderLimits(
        moq=np.array([[one.moq] for one in terms], dtype=np.int64),
        pack_size=np.array([[one.pack_size] for one in terms], dtype=np.int64),
        max_order=np.array([[maximum] for maximum in maxima], dtype=np.int64),
    )


def allowed_quantity(wanted: IntArray, limits: OrderLimits) -> IntArray:
    """Round wanted orders up to the minimum and pack size, then down to the maximum.

    >>> terms = ItemTerms("a", 10, 6, 0.01, moq=20, pack_size=12, max_order=50)
    >>> allowed_quantity(np.array([[0, 1, 25, 49, 400]]), order_limits([terms])).tolist()
    [[0, 24, 36, 48, 48]]
    """
    pack = limits.pack_size
    rounded = -(-np.maximum(wanted, limits.moq) // pack) * pack
    quantity = np.minimum(rounded, limits.max_order // pack * pack)
    return np.where((wanted > 0) & (quantity >= limits.moq), quantity, 0)


def check_orders(quantity: IntArray, limits: OrderLimits) -> None:
    """Raise ValueError if an order is negative or breaks its minimum, pack size or maximum."""
    broken = (quantity < 0) | (allowed_quantity(quantity, limits) != quantity)
    if np.any(broken):
        where = tuple(int(index[0]) for index in np.nonzero(broken))
        moq, pack, most = (
            np.broadcast_to(limit, quantity.shape)[where]
            for limit in (limits.moq, limits.pack_size, limits.max_order)
        )
        up_to = f" to {most}" if most < NO_MAXIMUM else ""
        raise ValueError(
            f"the order at {where} must be 0 or a multiple of {pack} from {moq}{up_to}, "
            f"got {quantity[where]}"
        )


def filled_quantity(quantity: IntArray, filled_share: NDArray[np.float64]) -> IntArray:
    """Return the whole units delivered of orders that a supplier fills in part.

    >>> filled_quantity(np.array([10, 7]), np.array([0.7, 0.5])).tolist()
    [7, 3]
    """
    # 0.29 * 100 is 28.999999999999996 in floating point; the supplier counts 29.
    return np.floor(quantity * filled_share + 1e-9).astype(np.int64)


def check_balance(
    opening: IntArray, received: IntArray, sold: IntArray, wasted: IntArray, closing: IntArray
) -> None:
    """Raise LedgerError unless opening + received = sold + wasted + closing, element by element."""
    gap = opening + received - sold - wasted - closing
    if np.any(gap):
        where = tuple(int(index[0]) for index in np.nonzero(gap))
        raise LedgerError(f"the ledger is off by {int(gap[where])} units at {where}")
