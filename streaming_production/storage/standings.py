"""Standings: where each item stands after the events that it has, column by column.

A batch of events concerns hundreds of items, and would be slow to book item by item.
"""

from collections.abc import Iterable, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, bindparam, func, select

from streaming_production.events import Key
from streaming_production.storage.engine import among
from streaming_production.storage.errors import UnknownItems
from streaming_production.storage.ledger import SUMS
from streaming_production.storage.tables import events, item_days, item_states

NO_KEY: tuple[()] = ()  # comes before every key

_TEXTS = (
    "unique_id",
    "opening_day",
    "last_closed_day",
    "last_decided_day",
    "day",  # the last one that has a row in item_days
    "event_day",  # with the next three: the key of the last event
    "instant",
    "source",
    "id",
)
_OPENING = ("opening_stock", "opening_price")
_OF_LAST_DAY = ("number", "closed", "last_seq", "last_event_seq", "opening", *SUMS)
# Numbers of days and events that there are not are 0; `sums` is what is added up of the last day.
_FIGURES = np.dtype(
    [
        ("opening_stock", np.int64),
        ("opening_price", np.float64),
        ("on_hand", np.int64),
        ("price", np.float64),
        ("number", np.int64),
        ("closed", np.bool_),
        ("last_seq", np.int64),
        ("last_event_seq", np.int64),
        ("opening", np.int64),
        ("sums", np.float64, (len(SUMS),)),
    ]
)

# Where an item stands is told by its last day; before the first one, as it opened.
LAST_DAY = item_days.alias("last_day")
IS_LAST_DAY = LAST_DAY.c.number == item_states.c.last_day_number
ON_HAND = func.coalesce(LAST_DAY.c.closing, item_states.c.opening_stock)
PRICE = func.coalesce(LAST_DAY.c.price, item_states.c.opening_price)


def _text(name: str) -> ColumnElement[Any]:
    if name == "day":
        return LAST_DAY.c.day
    if name == "event_day":
        return events.c.day
    return item_states.c[name] if name in item_states.c else events.c[name]


_ALL = (
    select(
        *map(_text, _TEXTS),
        *(item_states.c[name] for name in _OPENING),
        ON_HAND,
        PRICE,
        *(LAST_DAY.c[name] for name in _OF_LAST_DAY),
    )
    .select_from(item_states)
    .outerjoin(LAST_DAY, IS_LAST_DAY)
    .outerjoin(events, events.c.seq == LAST_DAY.c.last_event_seq)
    .where(item_states.c.epoch == bindparam("epoch"))
)
_SOME = _ALL.where(among(item_states.c.unique_id))


class Standings:
    """Where items stand; each item has a place in every column.

    Days that there are not are "" here, and so come before all others.
    """

    def __init__(self) -> None:
        """Know no item yet."""
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._places: dict[str, int] = {}
        self.unique_id: list[str] = []
        self.opening_day: list[str] = []
        self.last_closed_day: list[str] = []
        self.last_decided_day: list[str] = []
        self.last_day: list[str] = []  # that has a row in item_days
        self.last_key: list[Key | tuple[()]] = []  # of the last event
        self._figures = np.zeros(0, dtype=_FIGURES)  # (places,), some not taken yet

    def __len__(self) -> int:
        """Return how many items are known."""
        return len(self.unique_id)

    def places(self, names: Iterable[str | None]) -> list[int]:
        """Return the places of items that are known."""
        return list(map(self._places.__getitem__, cast(Iterable[str], names)))

    def figures(self, places: list[int]) -> NDArray[np.void]:
        """Return a copy of the figures at some places; (items,) of `_FIGURES`."""
        return self._figures[places]

    def put_figures(self, places: list[int], figures: NDArray[np.void]) -> None:
        """Put other figures at some places."""
        self._figures[places] = figures

    def learn(self, connection: Connection, epoch: int, names: Iterable[str]) -> None:
        """Read items that are not known.

        Raises UnknownItems.
        """
        missing = sorted(set(names) - self._places.keys())
        if missing:
            self._take(connection.execute(_SOME, {"epoch": epoch, "names": missing}).all())
            if unknown := set(missing) - self._places.keys():
                raise UnknownItems(unknown)

    def learn_all(self, connection: Connection, epoch: int) -> None:
        """Read all items of the catalogue."""
        self.clear()
        self._take(connection.execute(_ALL, {"epoch": epoch}).all())

    def _take(self, rows: Sequence[Sequence[Any]]) -> None:
        first = len(self)
        for row in rows:
            name, opening_day, closed, decided, last_day, *key = row[: len(_TEXTS)]
            self._places[name] = len(self)
            self.unique_id.append(name)
            self.opening_day.append(opening_day)
            self.last_closed_day.append(closed or "")
            self.last_decided_day.append(decided or "")
            self.last_day.append(last_day or "")
            self.last_key.append(NO_KEY if key[0] is None else tuple(key))
        if len(self) > self._figures.size:
            more = np.zeros(max(len(self), 2 * self._figures.size), dtype=_FIGURES)
            more[:first] = self._figures[:first]
            self._figures = more
        self._figures[first : len(self)] = [_read_figures(row[len(_TEXTS) :]) for row in rows]


def _read_figures(row: Sequence[Any]) -> tuple[Any, ...]:
    known = [value or 0 for value in row]
    return (*known[: -len(SUMS)], tuple(known[-len(SUMS) :]))
