"""The ledger: events of items in their order -> what each day opened, moved and closed with.

Stock moves by the core's `receive` and `sell`, for all items at once in rounds: the first move of
every item, then the second, and so on. Sales in a row at one price are one move.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from enum import IntEnum
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core_modules.inventory import receive, sell
from streaming_production.event_types import (
    ItemChanged,
    PriceChanged,
    ReceiptRecorded,
    ReturnRecorded,
    SaleRecorded,
    StockAdjusted,
    StockCounted,
)
from streaming_production.events import Event

IntArray = NDArray[np.int64]


class Move(IntEnum):
    """Ways in which stock moves."""

    SALE = 0
    RECEIPT = 1
    RETURN = 2
    UNSALEABLE = 3
    ADJUSTMENT = 4
    COUNT = 5


# What is added up of a day's moves; a day's sums are a tuple in this order.
SUMS = (
    "received",
    "demanded",
    "sold",
    "unmet",
    "returned",
    "unsaleable",
    "adjusted",
    "discrepancy",
    "revenue",
)
_SOLD, _UNMET, _DISCREPANCY, _REVENUE = map(SUMS.index, ("sold", "unmet", "discrepancy", "revenue"))
DaySums = tuple[float, ...]
# What each way of moving is added to, by its number: a sale is a demand first.
_SUM_OF = np.array(
    [
        SUMS.index(name)
        for name in ("demanded", "received", "returned", "unsaleable", "adjusted", "adjusted")
    ]
)
_SIGN_OF = np.array([-1, 1, 1, 0, 1, 0])  # what each does to stock; a count sets it
_NOTHING_OWED = np.zeros(1, dtype=np.int64)
NOTHING: DaySums = (0,) * len(SUMS)


@dataclass(frozen=True, slots=True, eq=False)
class Folded:
    """The days of a sheet; every array is (days,) in the order in which they were begun.

    The fields are in the order of the columns of item_days.
    """

    opening: IntArray
    received: IntArray
    demanded: IntArray
    sold: IntArray
    unmet: IntArray
    returned: IntArray
    unsaleable: IntArray
    adjusted: IntArray
    discrepancy: IntArray
    closing: IntArray
    price: NDArray[np.float64]
    revenue: NDArray[np.float64]

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Return the days one by one, as plain numbers."""
        columns = (getattr(self, one.name).tolist() for one in fields(self))
        return zip(*columns, strict=True)


@dataclass(slots=True)
class Sheet:
    """Collects items, their days in order and the moves of each, and folds them."""

    stock: list[int] = field(default_factory=list)  # by item: units before its moves
    first_day: list[int] = field(default_factory=list)  # by item: place of its first day
    opening: list[int] = field(default_factory=list)  # by item: units its first day opened with
    before: list[DaySums] = field(default_factory=list)  # by day
    prices: list[float] = field(default_factory=list)  # by day, at its end
    _price: float = 0.0
    _places: int = 0  # moves of the item so far
    _selling_at: float | None = None  # price of the move before, where the day's next sale joins it
    _item: list[int] = field(default_factory=list)  # by move, as all below
    _place: list[int] = field(default_factory=list)  # within the item
    _day: list[int] = field(default_factory=list)
    _kind: list[int] = field(default_factory=list)
    _quantity: list[int] = field(default_factory=list)
    _at: list[float] = field(default_factory=list)  # price

    def begin_item(self, stock: int, price: float, opening: int) -> None:
        """Begin with an item; `opening` is what its first day opened with."""
        self.stock.append(stock)
        self.opening.append(opening)
        self.first_day.append(len(self.before))
        self._price = price
        self._places = 0

    def begin_day(self, before: DaySums = NOTHING) -> None:
        """Begin with the item's next day."""
        self.before.append(before)
        self.prices.append(self._price)
        self._selling_at = None

    def book(self, events: Iterable[Event]) -> None:
        """Write down what events of the day do, in their order."""
        for event in events:
            match event.data:
                case SaleRecorded(quantity=quantity, price=price):
                    self._sell(quantity, price or self._price)
                case ReceiptRecorded(quantity=quantity):
                    self._move(Move.RECEIPT, quantity)
                case ReturnRecorded(quantity=quantity, resaleable=resaleable):
                    self._move(Move.RETURN if resaleable else Move.UNSALEABLE, quantity)
                case StockAdjusted(quantity=quantity):
                    self._move(Move.ADJUSTMENT, quantity)
                case StockCounted(on_hand=on_hand):
                    self._move(Move.COUNT, on_hand)
                case PriceChanged(price=price):
                    self._price = price
                case ItemChanged(terms=terms):
                    self._price = float((terms or {}).get("unit_price") or self._price)
        self.prices[-1] = self._price

    def _sell(self, quantity: int, price: float) -> None:
        if price == self._selling_at:
            self._quantity[-1] += quantity
        else:
            self._move(Move.SALE, quantity, price)
            self._selling_at = price

    def _move(self, kind: Move, quantity: int, price: float = 0.0) -> None:
        self._item.append(len(self.stock) - 1)
        self._place.append(self._places)
        self._day.append(len(self.before) - 1)
        self._kind.append(kind)
        self._quantity.append(quantity)
        self._at.append(price)
        self._places += 1
        self._selling_at = None

    def fold(self) -> Folded:
        """Move the stock of all items and add up their days."""
        day, kind = np.array(self._day, dtype=np.int64), np.array(self._kind, dtype=np.int64)
        quantity = np.array(self._quantity, dtype=np.int64)
        moved = self._moved(kind, quantity)
        sale, count = kind == Move.SALE, kind == Move.COUNT
        corrects = count | (kind == Move.ADJUSTMENT)
        sold = moved.taken * sale
        units = np.zeros((kind.size, len(SUMS)))
        units[np.arange(kind.size), _SUM_OF[kind]] = np.where(corrects, moved.change, quantity)
        units[:, _SOLD] = sold
        units[:, _UNMET] = moved.short * sale
        units[:, _DISCREPANCY] = (np.abs(moved.change) * count + moved.short * ~count) * corrects
        units[:, _REVENUE] = sold * np.array(self._at, dtype=np.float64)
        total = np.array(self.before, dtype=np.float64).reshape(-1, len(SUMS))  # (days, sums)
        np.add.at(total, day, units)
        sums = dict(
            zip(SUMS, (*total[:, :_REVENUE].astype(np.int64).T, total[:, _REVENUE]), strict=True)
        )
        change = sums["received"] + sums["returned"] + sums["adjusted"] - sums["sold"]
        opening, closing = self._levels(change)
        price = np.array(self.prices, dtype=np.float64)
        return Folded(opening=opening, closing=closing, price=price, **sums)

    def _moved(self, kind: IntArray, quantity: IntArray) -> "_Moved":
        item, place = np.array(self._item, dtype=np.int64), np.array(self._place, dtype=np.int64)
        stock = np.array(self.stock, dtype=np.int64)
        signed = quantity * _SIGN_OF[kind]
        added = np.maximum(signed, 0)
        wanted = added - signed
        taken, short, change = np.zeros((3, kind.size), dtype=np.int64)
        for now in _rounds(place):
            mine = item[now]
            had = stock[mine]
            sale = sell(receive(had, added[now]), wanted[now], _NOTHING_OWED, False)
            left = np.where(kind[now] == Move.COUNT, quantity[now], sale.on_hand)
            taken[now], short[now], change[now] = sale.sold, sale.unmet, left - had
            stock[mine] = left
        return _Moved(taken, short, change)

    def _levels(self, change: IntArray) -> tuple[IntArray, IntArray]:
        """Return what each day opened and closed with, from the days' changes."""
        starts = np.array(self.first_day, dtype=np.int64)
        opening = np.array(self.opening, dtype=np.int64)
        ended = opening + np.add.reduceat(change, starts)  # what each item closed with
        steps = change.copy()
        steps[starts] += opening
        steps[starts[1:]] -= ended[:-1]
        closing = np.cumsum(steps)
        return closing - change, closing


def _rounds(place: IntArray) -> Iterator[slice | IntArray]:
    """Return the first moves of all items, then the second ones, and so on."""
    if not place.any():
        yield slice(None)
        return
    by_round = np.argsort(place, kind="stable")
    ends = np.searchsorted(place[by_round], np.arange(place.max() + 2))
    for first, last in pairwise(ends.tolist()):
        yield by_round[first:last]


@dataclass(frozen=True, slots=True, eq=False)
class _Moved:
    """What each move did; arrays are (moves,)."""

    taken: IntArray  # units
    short: IntArray  # units wanted that were not there
    change: IntArray  # units that stock changed by
