"""Arrivals: what is new of each item, its events in their order and the days that are closed."""

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import compress, count
from operator import le
from typing import Self

import numpy as np
from sqlalchemy import Connection

from streaming_production.event_types import CLOSING, DayClosed
from streaming_production.events import Events, Key
from streaming_production.storage.facts import Run
from streaming_production.storage.ledger import IntArray, begins
from streaming_production.storage.standings import Standings


@dataclass(frozen=True, slots=True, eq=False)
class Arrivals:
    """What is new of the items that it moves or closes."""

    place: list[int]  # (items,) where they stand among all
    moving: IntArray  # (events,) which of the run move stock or price
    events: Events  # (events,) those, as they arrived
    keys: Sequence[Key]  # (events,)
    seqs: IntArray  # (events,) their numbers in the log
    item: IntArray  # (events,) the item of each
    order: IntArray  # (events,) which comes first, second...: by item, and within it by key
    moved: list[int]  # (moved,) items that have events
    bounds: list[int]  # (moved + 1,) where the events of each begin in that order, and the end
    closed: Mapping[int, Set[str]]  # days newly closed, by item
    after_closing: Set[int]  # which events are of days that were closed before they arrived

    @classmethod
    def of(cls, connection: Connection, epoch: int, new: Run, standings: Standings) -> Self:
        """Sort what is new by item, whose standings are read where they are not known.

        Raises UnknownItems.
        """
        _learn(connection, epoch, new, standings)
        moves, moving = new, np.arange(len(new.events))
        if CLOSING in new.types:
            moving = np.flatnonzero([kind != CLOSING for kind in new.columns.type])
            moves = new.part(moving.tolist())
        events, keys = moves.events, moves.events.keys()
        places = standings.places(moves.columns.subject)
        if CLOSING in new.types:
            closed, after_closing = _close(new, standings)
        else:
            closed, after_closing = {}, _after_closing(moves, places, standings)
        mine, items = np.unique([*places, *standings.places(closed)], return_inverse=True)
        item = items[: len(events)]
        order = _in_order(item, keys)
        begin = np.flatnonzero(begins(item[order]))
        return cls(
            place=mine.tolist(),
            moving=moving,
            events=events,
            keys=keys,
            seqs=np.array(moves.seqs, dtype=np.int64),
            item=item,
            order=order,
            moved=item[order[begin]].tolist(),
            bounds=[*begin.tolist(), len(events)],
            closed=dict(zip(items[len(events) :].tolist(), closed.values(), strict=True)),
            after_closing=after_closing,
        )

    def first_keys(self) -> list[Key]:
        """Return the key of the first event of each item that has events."""
        return [self.keys[event] for event in self.order[self.bounds[:-1]].tolist()]

    def last_events(self) -> list[int]:
        """Return which event is the last of each item that has events."""
        ends: list[int] = self.order[np.array(self.bounds[1:], dtype=np.int64) - 1].tolist()
        return ends

    def by_item(self) -> Mapping[int, list[int]]:
        """Return which events each item has that has any, in their order."""
        order = self.order.tolist()
        return {
            item: order[begin:end]
            for item, begin, end in zip(self.moved, self.bounds, self.bounds[1:], strict=False)
        }


def _in_order(item: IntArray, keys: Sequence[Key]) -> IntArray:
    if all(map(le, keys, keys[1:])):
        return np.argsort(item, kind="stable")
    both = list(zip(item.tolist(), keys, strict=True))
    return np.array(sorted(range(len(both)), key=both.__getitem__), dtype=np.int64)


def _learn(connection: Connection, epoch: int, new: Run, standings: Standings) -> None:
    names = set(new.columns.subject)
    if None in names:  # a day is closed for all
        standings.learn_all(connection, epoch)
    standings.learn(connection, epoch, {name for name in names if name is not None})


def _after_closing(moves: Run, places: Sequence[int], standings: Standings) -> Set[int]:
    """Return which moves are of days that are closed; no day is closed by what is new."""
    closed_until = [standings.last_closed_day[place] for place in places]
    return set(compress(count(), map(le, moves.columns.business_day, closed_until)))


def _close(new: Run, standings: Standings) -> tuple[Mapping[str, Set[str]], Set[int]]:
    """Return which days are closed, by item, and which moves come after that."""
    closed: defaultdict[str, set[str]] = defaultdict(set)
    after_closing, moves = set(), count()
    for one in new.events:
        names = standings.unique_id if one.subject is None else [one.subject]
        places = standings.places(names)
        if not isinstance(one.data, DayClosed):
            [name], [place], move = names, places, next(moves)
            closed_until = max(standings.last_closed_day[place], *closed.get(name, ("",)))
            if one.business_day <= closed_until:
                after_closing.add(move)
            continue
        day = one.data.day.isoformat()
        for name, place in zip(names, places, strict=True):
            if one.subject is not None or day > standings.opening_day[place]:
                closed[name].add(day)
    return closed, after_closing
