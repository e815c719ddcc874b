"""The ledger: events of items in their order -> what each day opened, moved and closed with.

Stock moves by the core's `receive` and `sell`, for all items at once in rounds: the first move of
every item, then the second, and so on. Sales in a row at one price are one move.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import IntEnum
from itertools import pairwise
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from core_modules.inventory import receive, sell
from streaming_production.event_types import (
    Facts,
    ItemChanged,
    PriceChanged,
    ReceiptRecorded,
    ReturnRecorded,
    SaleRecorded,
    StockAdjusted,
    StockCounted,
)

Number = TypeVar("Number", np.float64, np.int64)
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class Move(IntEnum):
    """Ways in which stock moves; a new price moves none."""

    SALE = 0
    RECEIPT = 1
    RETURN = 2
    UNSALEABLE = 3
    ADJUSTMENT = 4
    COUNT = 5
    PRICE = 6


_Said = tuple[Move, int, float]  # what an event does, its units, its price (0: none is told)
_SAYS: Mapping[type, Callable[[Any], _Said]] = {
    SaleRecorded: lambda said: (Move.SALE, said.quantity, said.price or 0.0),
    ReceiptRecorded: lambda said: (Move.RECEIPT, said.quantity, 0.0),
    ReturnRecorded: lambda said: (
        Move.RETURN if said.resaleable else Move.UNSALEABLE,
        said.quantity,
        0.0,
    ),
    StockAdjusted: lambda said: (Move.ADJUSTMENT, said.quantity, 0.0),
    StockCounted: lambda said: (Move.COUNT, said.on_hand, 0.0),
    PriceChanged: lambda said: (Move.PRICE, 0, said.price),
    ItemChanged: lambda said: (Move.PRICE, 0, float((said.terms or {}).get("unit_price") or 0.0)),
}

# What is added up of a day's moves, in this order.
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
# What each way of moving is added to, by its number: a sale is a demand first.
_SUM_OF = np.array(
    [
        SUMS.index(name)
        for name in ("demanded", "received", "returned", "unsaleable", "adjusted", "adjusted")
    ]
)
_SIGN_OF = np.array([-1, 1, 1, 0, 1, 0])  # what each does to stock; a count sets it
_NOTHING_OWED = np.zeros(1, dtype=np.int64)


def begins(values: IntArray) -> NDArray[np.bool_]:
    """Return where another value begins than the one before; (values,)."""
    changes = np.ones(values.size, dtype=np.bool_)
    np.not_equal(values[1:], values[:-1], out=changes[1:])
    return changes


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """Items, their days in order, and what each began with."""

    stock: IntArray  # (items,) units before the moves
    price: FloatArray  # (items,) money a unit, before the moves
    opening: IntArray  # (items,) units that its first day opened with
    first_day: IntArray  # (items,) place of its first day among the days
    item: IntArray  # (days,) whose it is
    before: FloatArray  # (days, sums) what was added up of each day already


@dataclass(frozen=True, slots=True, eq=False)
class Moves:
    """What moves stock or price, by day and within it in order; arrays are (moves,)."""

    day: IntArray  # place among the days of a sheet
    kind: IntArray  # of Move
    quantity: IntArray  # units
    price: FloatArray  # money a unit; 0: none is told

    @classmethod
    def of(cls, facts: Sequence[Facts], day: IntArray) -> Self:
        """Read what events do by what they say, each on its day of a sheet."""
        said = {id(one): one for one in facts}  # what is said alike is mostly one object
        does = [_SAYS[type(one)](one) for one in said.values()]
        kind, quantity, price = zip(*does, strict=True) if does else ((), (), ())
        place = {key: place for place, key in enumerate(said)}
        which = np.array([place[id(one)] for one in facts], dtype=np.int64)
        return cls(
            day,
            np.array(kind, dtype=np.int64)[which],
            np.array(quantity, dtype=np.int64)[which],
            np.array(price, dtype=np.float64)[which],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Folded:
    """The days of a sheet; every array is (days,).

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
    price: FloatArray
    revenue: FloatArray

    def columns(self) -> list[list[Any]]:
        """Return the figures as plain numbers, column by column."""
        return [getattr(self, one.name).tolist() for one in fields(self)]

    def sums(self) -> FloatArray:
        """Return what is added up of each day, (days, sums)."""
        return np.array([getattr(self, name) for name in SUMS]).T


def fold(sheet: Sheet, moves: Moves) -> Folded:
    """Move the stock of all items and add up their days."""
    price, moves = _priced(sheet, moves)
    moves = joined(moves)
    moved = _moved(sheet.stock, sheet.item[moves.day], moves)
    total = _added_up(sheet.before, moves, moved)
    sums = dict(
        zip(SUMS, (*total[:, :_REVENUE].astype(np.int64).T, total[:, _REVENUE]), strict=True)
    )
    change = sums["received"] + sums["returned"] + sums["adjusted"] - sums["sold"]
    opening, closing = _levels(sheet, change)
    return Folded(opening=opening, closing=closing, price=price, **sums)


def _priced(sheet: Sheet, moves: Moves) -> tuple[FloatArray, Moves]:
    """Return the price at the end of each day, and the moves of stock, each with its price."""
    told = moves.kind == Move.PRICE
    if not told.any():
        price = sheet.price[sheet.item]
        at = np.where(moves.price > 0, moves.price, price[moves.day])
        return price, Moves(moves.day, moves.kind, moves.quantity, at)
    new = np.where(told, moves.price, 0.0)
    item = sheet.item[moves.day]
    first_move = np.searchsorted(item, np.arange(sheet.stock.size))
    running = carried(new, first_move[item], sheet.price[item])
    at = np.where(moves.price > 0, moves.price, running)
    set_on = np.zeros(sheet.item.size)
    changed = new > 0
    set_on[moves.day[changed]] = new[changed]  # of several the last one stays
    price = carried(set_on, sheet.first_day[sheet.item], sheet.price[sheet.item])
    stays = ~told
    return price, Moves(moves.day[stays], moves.kind[stays], moves.quantity[stays], at[stays])


def carried(values: NDArray[Number], first: IntArray, default: NDArray[Number]) -> NDArray[Number]:
    """Return the newest value above 0 at each place since `first`, the default where none is."""
    newest = np.maximum.accumulate(np.where(values > 0, np.arange(values.size), -1))
    return np.where(newest >= first, values[newest], default)


def joined(moves: Moves) -> Moves:
    """Join sales in a row, of a day and at one price, to one."""
    sale = moves.kind == Move.SALE
    joins = sale[1:] & sale[:-1] & (moves.day[1:] == moves.day[:-1])
    joins &= moves.price[1:] == moves.price[:-1]
    if not joins.any():
        return moves
    first = np.flatnonzero(np.concatenate(([True], ~joins)))
    quantity = np.add.reduceat(moves.quantity, first)
    return Moves(moves.day[first], moves.kind[first], quantity, moves.price[first])


@dataclass(frozen=True, slots=True, eq=False)
class _Moved:
    """What each move did; arrays are (moves,)."""

    taken: IntArray  # units
    short: IntArray  # units wanted that were not there
    change: IntArray  # units that stock changed by


def _moved(stock: IntArray, item: IntArray, moves: Moves) -> _Moved:
    stock, size = stock.copy(), item.size
    signed = moves.quantity * _SIGN_OF[moves.kind]
    added = np.maximum(signed, 0)
    wanted = added - signed
    taken, short, change = np.zeros((3, size), dtype=np.int64)
    for now in _rounds(np.arange(size) - np.searchsorted(item, item)):
        mine = item[now]
        had = stock[mine]
        sale = sell(receive(had, added[now]), wanted[now], _NOTHING_OWED, False)
        left = np.where(moves.kind[now] == Move.COUNT, moves.quantity[now], sale.on_hand)
        taken[now], short[now], change[now] = sale.sold, sale.unmet, left - had
        stock[mine] = left
    return _Moved(taken, short, change)


def _rounds(place: IntArray) -> Iterator[slice | IntArray]:
    """Return the first moves of all items, then the second ones, and so on."""
    if not place.any():
        yield slice(None)
        return
    by_round = np.argsort(place, kind="stable")
    ends = np.searchsorted(place[by_round], np.arange(place.max() + 2))
    for first, last in pairwise(ends.tolist()):
        yield by_round[first:last]


def _added_up(before: FloatArray, moves: Moves, moved: _Moved) -> FloatArray:
    """Return the sums of each day, (days, sums), its moves added."""
    kind, size = moves.kind, moves.kind.size
    total = before.copy()
    if not size:
        return total
    sale, count = kind == Move.SALE, kind == Move.COUNT
    corrects = count | (kind == Move.ADJUSTMENT)
    sold = moved.taken * sale
    units = np.zeros((size, len(SUMS)))
    units[np.arange(size), _SUM_OF[kind]] = np.where(corrects, moved.change, moves.quantity)
    units[:, _SOLD] = sold
    units[:, _UNMET] = moved.short * sale
    units[:, _DISCREPANCY] = (np.abs(moved.change) * count + moved.short * ~count) * corrects
    units[:, _REVENUE] = sold * moves.price
    first = np.flatnonzero(begins(moves.day))
    total[moves.day[first]] += np.add.reduceat(units, first)
    return total


def _levels(sheet: Sheet, change: IntArray) -> tuple[IntArray, IntArray]:
    """Return what each day opened and closed with, from the days' changes."""
    starts = sheet.first_day
    ended = sheet.opening + np.add.reduceat(change, starts)  # what each item closed with
    steps = change.copy()
    steps[starts] += sheet.opening
    steps[starts[1:]] -= ended[:-1]
    closing = np.cumsum(steps)
    return closing - change, closing
