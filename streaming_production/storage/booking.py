"""Booking: new ledger events and day closings -> item_states, item_days and what they correct.

An item whose new events come after all it had goes on from where it stands. Any other is folded
again from the first day that changes, from the events in the log.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import chain, repeat
from operator import eq

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, func, select, update

from streaming_production.events import Event
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
_Day = tuple[int, str]  # an item and a day of it


@dataclass(frozen=True, slots=True)
class Booked:
    """What a booking showed."""

    unmet: Mapping[str, int]  # by item, where it changed: units of demand that found no stock
    late: Sequence[Event]  # that came after later ones
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
    folded = fold(page.sheet, Moves.of(page.events, page.day_of_event))
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


@dataclass(frozen=True, slots=True, eq=False)
class _Page:
    """The days of items that are booked: those with events, those closed, those they had."""

    events: Sequence[Event]  # (events,) of all that is folded, by item and in order
    day_of_event: IntArray  # (events,) place of its day
    day_of_new: IntArray  # (new events,) as they arrived
    days: Sequence[_Day]  # (days,) in order
    closed: NDArray[np.bool_]  # (days,)
    number: IntArray  # (days,) of their rows; 0: none yet
    newest: IntArray  # (days,) number of the newest event before what is new; 0: none
    last_event: IntArray  # (days,) number of the item's last event until then; 0: none
    unmet: IntArray  # (items,) units, of these days before what is new
    sheet: Sheet

    def last_days(self) -> IntArray:
        """Return the place of each item's last day; (items,)."""
        return np.append(self.sheet.first_day[1:], len(self.days)) - 1


def _page(arrivals: Arrivals, again: Mapping[int, Past], standings: Standings) -> _Page:
    events, seq_of_event, item_of_event = _in_order(arrivals, again)
    of_event = list(zip(item_of_event.tolist(), [one.key[0] for one in events], strict=True))
    of_new = zip(arrivals.item.tolist(), [key[0] for key in arrivals.keys], strict=True)
    had = {(item, row.day): row for item, past in again.items() for row in past.days}
    closed = [(item, day) for item, days in arrivals.closed.items() for day in days]
    days = sorted({*of_event, *had, *closed})
    place_of = {day: place for place, day in enumerate(days)}

    def places(some: Iterable[_Day]) -> IntArray:
        return np.array([place_of[day] for day in some], dtype=np.int64)

    figures, item_of_day = standings.figures(arrivals.place), np.array([item for item, _ in days])
    sheet = Sheet(
        stock=figures["on_hand"],
        price=figures["price"],
        opening=figures["on_hand"].copy(),
        first_day=np.searchsorted(item_of_day, np.arange(figures.size)),
        item=item_of_day,
        before=np.zeros((len(days), len(SUMS))),
    )
    unmet = np.zeros(figures.size, dtype=np.int64)
    is_closed = np.zeros(len(days), dtype=np.bool_)
    number, newest, last_event = np.zeros((3, len(days)), dtype=np.int64)
    last_before = figures["last_event_seq"]
    for item, past in again.items():
        opened = Standing(figures["opening_stock"][item], figures["opening_price"][item], None)
        standing = past.standing or opened
        sheet.stock[item] = sheet.opening[item] = standing.on_hand
        sheet.price[item], last_before[item] = standing.price, standing.last_event_seq or 0
        unmet[item] = sum(row.unmet for row in past.days)
    if had:
        of_had = places(had)
        is_closed[of_had] = [row.closed for row in had.values()]
        number[of_had] = [row.number for row in had.values()]
        newest[of_had] = [row.last_seq or 0 for row in had.values()]
    going_on, day = _going_on(arrivals, again, standings, sheet, days)
    sheet.opening[going_on] = figures["opening"][going_on]
    sheet.before[day] = figures["sums"][going_on]
    unmet[going_on] = sheet.before[day, _UNMET]
    is_closed[day] = figures["closed"][going_on]
    number[day] = figures["number"][going_on]
    newest[day] = figures["last_seq"][going_on]
    is_closed[places(closed)] = True
    day_of_event = places(of_event)
    last_event[day_of_event] = seq_of_event  # of several the last one stays
    last_event = carried(last_event, sheet.first_day[item_of_day], last_before[item_of_day])
    return _Page(
        events=events,
        day_of_event=day_of_event,
        day_of_new=places(of_new),
        days=days,
        closed=is_closed,
        number=number,
        newest=newest,
        last_event=last_event,
        unmet=unmet,
        sheet=sheet,
    )


def _in_order(
    arrivals: Arrivals, again: Mapping[int, Past]
) -> tuple[list[Event], IntArray, IntArray]:
    """Return all events to be folded, by item and in order, their numbers and their items."""
    if not again:
        order, sent = arrivals.order, arrivals.events
        return [sent[place] for place in order.tolist()], arrivals.seqs[order], arrivals.item[order]
    by_item = dict(arrivals.by_item())
    for item, past in again.items():
        by_item[item] = sorted([*past.events, *by_item.get(item, ())], key=lambda one: one[1].key)
    runs = [by_item.get(item, []) for item in range(len(arrivals.place))]
    items = np.repeat(np.arange(len(runs)), list(map(len, runs)))
    numbered = list(chain.from_iterable(runs))
    seqs = np.array([seq for seq, _ in numbered], dtype=np.int64)
    return [event for _, event in numbered], seqs, items


def _going_on(
    arrivals: Arrivals,
    again: Mapping[int, Past],
    standings: Standings,
    sheet: Sheet,
    days: Sequence[_Day],
) -> tuple[IntArray, IntArray]:
    """Return the items that go on with the day on which they stand, and where it is."""
    last_days = [standings.last_day[place] for place in arrivals.place]
    first_days = [days[day][1] for day in sheet.first_day.tolist()]
    goes_on = np.array(list(map(eq, last_days, first_days)))
    goes_on[list(again)] = False
    items = np.flatnonzero(goes_on)
    return items, sheet.first_day[items]


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
        [names[item] for item, _ in page.days],
        [day for _, day in page.days],
        *folded.columns(),
        page.closed.tolist(),
        [one or None for one in page.newest.tolist()],
        [one or None for one in page.last_event.tolist()],
        strict=False,
    )
    upsert_rows(connection, item_days, list(rows), _ALL_OF_DAY, _OF_DAY)


def _move_on(arrivals: Arrivals, page: _Page, folded: Folded, standings: Standings) -> Set[int]:
    """Let the standings be those after what is new; return the items that have another day."""
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
        _, standings.last_day[arrivals.place[item]] = page.days[last[item]]
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
    by_item, after_closing = arrivals.by_item(), {id(one) for one in arrivals.after_closing}
    for item in suspect:
        place = arrivals.place[item]
        decided, name = decided_days[place], standings.unique_id[place]
        changed = {
            one.key[0]
            for _, one in by_item[item]
            if one.key[0] < decided or (one.key[0] == decided and id(one) in after_closing)
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


def _late(arrivals: Arrivals, again: Mapping[int, Past], standings: Standings) -> Sequence[Event]:
    """List the new events that come after later ones, or after their day was closed."""
    if not again:
        return arrivals.after_closing
    after_closing = {id(one) for one in arrivals.after_closing}
    last_keys = [standings.last_key[place] for place in arrivals.place]
    return [
        one
        for one, item in zip(arrivals.events, arrivals.item.tolist(), strict=True)
        if one.key < last_keys[item] or id(one) in after_closing
    ]
