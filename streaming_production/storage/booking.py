"""Booking: new ledger events and day closings -> item_states, item_days and what they correct.

An item whose new events come after all it had goes on from where it stands. Any other is folded
again from the first day that changes, from the events in the log.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import chain, repeat
from operator import eq
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, func, select, update

from streaming_production.event_types import Facts
from streaming_production.storage.arrivals import Arrivals
from streaming_production.storage.engine import upsert_rows
from streaming_production.storage.facts import Run
from streaming_production.storage.ledger import (
    SUMS,
    Folded,
    IntArray,
    Moves,
    Sheet,
    begins,
    carried,
    fold,
)
from streaming_production.storage.pasts import Past, Standing, past_from
from streaming_production.storage.standings import Standings
from streaming_production.storage.tables import decisions, item_days, item_states

# Columns of item_states: those that a row must have, and those that a booking changes.
_OPENED = ("epoch", "unique_id", "opening_stock", "opening_price", "opening_day", "corrected")
_MOVED = ("last_day_number", "last_closed_day")
_KEY = ("number", "epoch", "unique_id", "day")
_ALL_OF_DAY = tuple(column.name for column in item_days.columns)
_OF_DAY = tuple(name for name in _ALL_OF_DAY if name not in _KEY)
_NEWEST_NUMBER = select(func.coalesce(func.max(item_days.c.number), 0))
_UNMET = SUMS.index("unmet")


@dataclass(frozen=True, slots=True)
class Booked:
    """What a booking showed."""

    unmet: Mapping[str, int]  # by item, where it changed: units of demand that found no stock
    late: Sequence[int]  # which of the run came after later ones, or after their day was closed
    before: Sequence[int | None]  # (run,) number of the event before, of its item and day


def book(connection: Connection, epoch: int, new: Run, standings: Standings) -> Booked:
    """Bring the ledger up to date with events that are written in the log afterwards.

    `standings` are true before, and again afterwards.

    Raises UnknownItems.
    """
    arrivals = Arrivals.of(connection, epoch, new, standings)
    if not arrivals.place:
        return Booked({}, [], [None] * len(new.events))
    again = _read_again(connection, epoch, arrivals, standings)
    page = _page(arrivals, again, standings)
    folded = fold(page.sheet, Moves.of(page.facts, page.day_of_event))
    booked = Booked(
        _unmet(arrivals, page, folded, standings),
        _late(arrivals, again, standings),
        _link(new, arrivals, page),
    )
    _correct(connection, epoch, arrivals, standings)
    _write_days(connection, epoch, arrivals, page, folded, standings)
    changed = _move_on(arrivals, page, folded, standings)
    _write_states(connection, epoch, [arrivals.place[item] for item in changed], standings)
    return booked


def _read_again(
    connection: Connection, epoch: int, arrivals: Arrivals, standings: Standings
) -> dict[int, Past]:
    """Read what items had that do not go on from where they stand, by item."""
    place, first_keys = arrivals.place, arrivals.first_keys()
    first_days = {item: key[0] for item, key in zip(arrivals.moved, first_keys, strict=True)}
    for item, days in arrivals.closed.items():
        first_days[item] = min(days | {first_days.get(item, min(days))})
    late = [
        item
        for item, key in zip(arrivals.moved, first_keys, strict=True)
        if key < standings.last_key[place[item]]
    ]
    late += [item for item, day in first_days.items() if day < standings.last_day[place[item]]]
    by_first_day: defaultdict[str, list[int]] = defaultdict(list)
    for item in sorted(set(late)):
        by_first_day[first_days[item]].append(item)
    again: dict[int, Past] = {}
    for first, items in by_first_day.items():
        names = [standings.unique_id[place[item]] for item in items]
        again |= dict(zip(items, past_from(connection, epoch, names, first), strict=True))
    return again


class _Told(NamedTuple):
    """All events to be folded, by item and in order; every field is (events,)."""

    facts: Sequence[Facts]
    seq: IntArray  # numbers in the log
    item: IntArray
    day: Sequence[str]


@dataclass(frozen=True, slots=True, eq=False)
class _Page:
    """The days of items that are booked: those with events, those closed, those they had."""

    facts: Sequence[Facts]  # (events,) what all that is folded says, by item and in order
    day_of_event: IntArray  # (events,) place of its day
    day_of_new: IntArray  # (new events,) as they arrived
    day: Sequence[str]  # (days,) by item and in order
    closed: NDArray[np.bool_]  # (days,)
    number: IntArray  # (days,) of their rows; 0: none yet
    newest: IntArray  # (days,) number of the newest event before what is new; 0: none
    last_event: IntArray  # (days,) number of the item's last event until then; 0: none
    unmet: IntArray  # (items,) units, of these days before what is new
    sheet: Sheet

    def last_days(self) -> IntArray:
        """Return the place of each item's last day; (items,)."""
        return np.append(self.sheet.first_day[1:], len(self.day)) - 1


def _page(arrivals: Arrivals, again: Mapping[int, Past], standings: Standings) -> _Page:
    told, had = _in_order(arrivals, again), [row for past in again.values() for row in past.days]
    of_day = _days_of(arrivals, again, told)
    codes, names = np.unique(np.concatenate(of_day.codes)), of_day.names
    of_told, of_new, of_had, of_closed = (np.searchsorted(codes, some) for some in of_day.codes)
    item, day = codes // len(names), [names[place] for place in (codes % len(names)).tolist()]
    figures = standings.figures(arrivals.place)
    sheet = Sheet(
        stock=figures["on_hand"],
        price=figures["price"],
        opening=figures["on_hand"].copy(),
        first_day=np.searchsorted(item, np.arange(figures.size)),
        item=item,
        before=np.zeros((codes.size, len(SUMS))),
    )
    unmet, last_before = np.zeros(figures.size, dtype=np.int64), figures["last_event_seq"]
    for mine, past in again.items():
        opened = Standing(figures["opening_stock"][mine], figures["opening_price"][mine], None)
        standing = past.standing or opened
        sheet.stock[mine] = sheet.opening[mine] = standing.on_hand
        sheet.price[mine], last_before[mine] = standing.price, standing.last_event_seq or 0
        unmet[mine] = sum(row.unmet for row in past.days)
    closed = np.zeros(codes.size, dtype=np.bool_)
    number, newest, last_event = np.zeros((3, codes.size), dtype=np.int64)
    closed[of_had] = [row.closed for row in had]
    number[of_had] = [row.number for row in had]
    newest[of_had] = [row.last_seq or 0 for row in had]
    going_on = _going_on(arrivals, again, standings, sheet, day)
    first = sheet.first_day[going_on]
    sheet.opening[going_on] = figures["opening"][going_on]
    sheet.before[first] = figures["sums"][going_on]
    unmet[going_on] = sheet.before[first, _UNMET]
    for column, name in ((closed, "closed"), (number, "number"), (newest, "last_seq")):
        column[first] = figures[name][going_on]
    closed[of_closed] = True
    last_event[of_told] = told.seq  # of several the last one stays
    last_event = carried(last_event, sheet.first_day[item], last_before[item])
    return _Page(
        facts=told.facts,
        day_of_event=of_told,
        day_of_new=of_new,
        day=day,
        closed=closed,
        number=number,
        newest=newest,
        last_event=last_event,
        unmet=unmet,
        sheet=sheet,
    )


def _in_order(arrivals: Arrivals, again: Mapping[int, Past]) -> _Told:
    columns, order = arrivals.events.columns, arrivals.order
    if not again:
        places = order.tolist()
        facts = [columns.data[place] for place in places]
        days = [columns.business_day[place] for place in places]
        return _Told(facts, arrivals.seqs[order], arrivals.item[order], days)
    new = list(zip(arrivals.seqs.tolist(), arrivals.events, strict=True))
    by_item = {item: [new[place] for place in some] for item, some in arrivals.by_item().items()}
    for item, past in again.items():
        by_item[item] = sorted([*past.events, *by_item.get(item, ())], key=lambda one: one[1].key)
    runs = [by_item.get(item, []) for item in range(len(arrivals.place))]
    numbered = list(chain.from_iterable(runs))
    return _Told(
        facts=[event.data for _, event in numbered],
        seq=np.array([seq for seq, _ in numbered], dtype=np.int64),
        item=np.repeat(np.arange(len(runs)), list(map(len, runs))),
        day=[event.business_day for _, event in numbered],
    )


class _Coded(NamedTuple):
    """Days of items as numbers, in the order of item and day."""

    names: Sequence[str]  # the days that there are, in order
    codes: Sequence[IntArray]  # of all that is told, of what is new, of days had, of days closed


def _days_of(arrivals: Arrivals, again: Mapping[int, Past], told: _Told) -> _Coded:
    had = [(item, row.day) for item, past in again.items() for row in past.days]
    closed = [(item, day) for item, days in arrivals.closed.items() for day in days]
    (items_had, days_had), (items_closed, days_closed) = map(_columns, (had, closed))
    names = sorted({*told.day, *days_had, *days_closed})
    number = {name: place for place, name in enumerate(names)}
    pairs = (
        (told.item, told.day),
        (arrivals.item, arrivals.events.columns.business_day),
        (np.array(items_had, dtype=np.int64), days_had),
        (np.array(items_closed, dtype=np.int64), days_closed),
    )
    codes = [
        item * len(names) + np.array(list(map(number.__getitem__, days)), dtype=np.int64)
        for item, days in pairs
    ]
    return _Coded(names, codes)


def _columns(days: Sequence[tuple[int, str]]) -> tuple[Sequence[int], Sequence[str]]:
    return ([item for item, _ in days], [day for _, day in days])


def _going_on(
    arrivals: Arrivals,
    again: Mapping[int, Past],
    standings: Standings,
    sheet: Sheet,
    day: Sequence[str],
) -> IntArray:
    """Return the items that go on with the day on which they stand."""
    last_days = [standings.last_day[place] for place in arrivals.place]
    first_days = [day[first] for first in sheet.first_day.tolist()]
    goes_on = np.array(list(map(eq, last_days, first_days)))
    goes_on[list(again)] = False
    return np.flatnonzero(goes_on)


def _link(new: Run, arrivals: Arrivals, page: _Page) -> list[int | None]:
    """Join each event to the one of its item and day before it; the newest ones are noted."""
    by_day = np.argsort(page.day_of_new, kind="stable")
    place, day = arrivals.moving[by_day], page.day_of_new[by_day]
    seq = arrivals.seqs[by_day]
    before = np.zeros(len(new.events), dtype=np.int64)
    before[place] = np.where(begins(day), page.newest[day], np.append(0, seq[:-1]))
    page.newest[day] = seq  # of several the last one stays
    return [one or None for one in before.tolist()]


def _write_days(
    connection: Connection,
    epoch: int,
    arrivals: Arrivals,
    page: _Page,
    folded: Folded,
    standings: Standings,
) -> None:
    """Write all days of a page; those that have no number yet get the next ones."""
    began = np.flatnonzero(page.number == 0)
    if began.size:
        newest = connection.execute(_NEWEST_NUMBER).scalar_one()
        page.number[began] = newest + 1 + np.arange(began.size)
    names = [standings.unique_id[place] for place in arrivals.place]
    rows = zip(
        page.number.tolist(),
        repeat(epoch),
        [names[item] for item in page.sheet.item.tolist()],
        page.day,
        *folded.columns(),
        page.closed.tolist(),
        [one or None for one in page.newest.tolist()],
        [one or None for one in page.last_event.tolist()],
        strict=False,
    )
    upsert_rows(connection, item_days, list(rows), _ALL_OF_DAY, _OF_DAY)


def _move_on(arrivals: Arrivals, page: _Page, folded: Folded, standings: Standings) -> Set[int]:
    """Let the standings be those after what is new; return the items whose states have changed."""
    last = page.last_days()
    figures = standings.figures(arrivals.place)
    figures["on_hand"], figures["price"] = folded.closing[last], folded.price[last]
    figures["opening"], figures["closed"] = folded.opening[last], page.closed[last]
    figures["last_seq"], figures["sums"] = page.newest[last], folded.sums()[last]
    figures["last_event_seq"] = page.last_event[last]
    changed = {*np.flatnonzero(figures["number"] != page.number[last]).tolist(), *arrivals.closed}
    figures["number"] = page.number[last]
    standings.put_figures(arrivals.place, figures)
    for item, event in zip(arrivals.moved, arrivals.last_events(), strict=True):
        place, key = arrivals.place[item], arrivals.keys[event]
        standings.last_key[place] = max(standings.last_key[place], key)
    for item in changed:
        standings.last_day[arrivals.place[item]] = page.day[last[item]]
    for item, days in arrivals.closed.items():
        place = arrivals.place[item]
        standings.last_closed_day[place] = max(*days, standings.last_closed_day[place])
    return changed


def _write_states(
    connection: Connection, epoch: int, places: list[int], standings: Standings
) -> None:
    figures = standings.figures(places)
    rows = zip(
        repeat(epoch),
        [standings.unique_id[place] for place in places],
        figures["opening_stock"].tolist(),
        figures["opening_price"].tolist(),
        [standings.opening_day[place] for place in places],
        repeat(False),
        figures["number"].tolist(),
        [standings.last_closed_day[place] or None for place in places],
        strict=False,
    )
    upsert_rows(connection, item_states, list(rows), (*_OPENED, *_MOVED), _MOVED)


def _correct(connection: Connection, epoch: int, arrivals: Arrivals, standings: Standings) -> None:
    """Mark the decisions, and the items, whose closed days late events changed."""
    decided_days = standings.last_decided_day
    suspect = [
        item
        for item, key in zip(arrivals.moved, arrivals.first_keys(), strict=True)
        if key[0] <= decided_days[arrivals.place[item]]
    ]
    if not suspect:
        return
    by_item, days = arrivals.by_item(), arrivals.events.columns.business_day
    for item in suspect:
        place = arrivals.place[item]
        decided, name = decided_days[place], standings.unique_id[place]
        changed = {
            days[event]
            for event in by_item[item]
            if days[event] < decided or (days[event] == decided and event in arrivals.after_closing)
        }
        if not changed:
            continue
        connection.execute(
            update(decisions)
            .where(
                decisions.c.epoch == epoch,
                decisions.c.unique_id == name,
                decisions.c.day >= min(changed),
            )
            .values(touched=True)
        )
        connection.execute(
            update(item_states)
            .where(item_states.c.epoch == epoch, item_states.c.unique_id == name)
            .values(corrected=True)
        )


def _unmet(arrivals: Arrivals, page: _Page, folded: Folded, standings: Standings) -> dict[str, int]:
    changes = np.add.reduceat(folded.unmet, page.sheet.first_day) - page.unmet
    return {
        standings.unique_id[arrivals.place[item]]: int(changes[item])
        for item in np.flatnonzero(changes).tolist()
    }


def _late(arrivals: Arrivals, again: Mapping[int, Past], standings: Standings) -> list[int]:
    """List which of the run come after later ones, or after their day was closed."""
    late = set(arrivals.after_closing)
    if again:
        last_keys = [standings.last_key[place] for place in arrivals.place]
        keys = enumerate(zip(arrivals.keys, arrivals.item.tolist(), strict=True))
        late |= {event for event, (key, item) in keys if key < last_keys[item]}
    places: list[int] = arrivals.moving[sorted(late)].tolist()
    return places
