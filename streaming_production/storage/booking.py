"""Booking: new ledger events and day closings -> item_states, item_days and what they correct.

An item whose new events come after all it had goes on from where it stands. Any other is folded
again from the first day that changes, from the events in the log.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from operator import attrgetter, eq

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, update

from streaming_production.event_types import Facts
from streaming_production.events import Events
from streaming_production.storage.arrivals import Arrivals
from streaming_production.storage.engine import upsert_rows
from streaming_production.storage.facts import Run
from streaming_production.storage.ledger import SUMS, Folded, IntArray, Moves, Sheet, begins, fold
from streaming_production.storage.pasts import Past, past_from
from streaming_production.storage.standings import Standings
from streaming_production.storage.tables import decisions, item_days, item_states

# Columns of item_states: those that a row must have, and those that a booking changes.
_OPENED = ("epoch", "unique_id", "opening_stock", "opening_price", "opening_day", "corrected")
_MOVED = ("on_hand", "price", "last_day", "last_closed_day", "last_event_seq")
_UNMET = SUMS.index("unmet")
_IN_ORDER = attrgetter("key")
_Day = tuple[int, str]  # an item and a day of it


@dataclass(frozen=True, slots=True)
class Booked:
    """What a booking showed."""

    unmet: Mapping[str, int]  # by item, where it changed: units of demand that found no stock
    late: Sequence[int]  # which of the run came after later ones
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
    figures = _move_on(new, arrivals, page, folded, standings)
    _write_states(connection, epoch, arrivals, figures, standings)
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

    facts: Sequence[Facts]  # (events,) what all that is folded says, by item and in order
    day_of_event: IntArray  # (events,) place of its day
    day_of_new: IntArray  # (new events,) as they arrived
    days: Sequence[_Day]  # (days,) in order
    closed: NDArray[np.bool_]  # (days,)
    newest: IntArray  # (days,) number of the newest event before what is new; 0: none
    unmet: IntArray  # (items,) units, of these days before what is new
    sheet: Sheet

    def last_days(self) -> IntArray:
        """Return the place of each item's last day; (items,)."""
        return np.append(self.sheet.first_day[1:], len(self.days)) - 1


def _page(arrivals: Arrivals, again: Mapping[int, Past], standings: Standings) -> _Page:
    facts, day_of_facts, item_of_facts = _in_order(arrivals, again)
    of_event = list(zip(item_of_facts.tolist(), day_of_facts, strict=True))
    of_new = zip(arrivals.item.tolist(), arrivals.events.columns.business_day, strict=True)
    had = {(item, row.day): row for item, past in again.items() for row in past.days}
    closed = [(item, day) for item, days in arrivals.closed.items() for day in days]
    days = sorted({*of_event, *had, *closed})
    number = {day: place for place, day in enumerate(days)}

    def places(some: Iterable[_Day]) -> IntArray:
        return np.array([number[day] for day in some], dtype=np.int64)

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
    is_closed, newest = np.zeros(len(days), dtype=np.bool_), np.zeros(len(days), dtype=np.int64)
    for item, past in again.items():
        at_opening = figures["opening_stock"][item], figures["opening_price"][item]
        sheet.stock[item], sheet.price[item] = past.standing or at_opening
        sheet.opening[item] = sheet.stock[item]
        unmet[item] = sum(row.unmet for row in past.days)
    if had:
        of_had = places(had)
        is_closed[of_had] = [row.closed for row in had.values()]
        newest[of_had] = [row.last_seq or 0 for row in had.values()]
    going_on, day = _going_on(arrivals, again, standings, sheet, days)
    sheet.opening[going_on] = figures["opening"][going_on]
    sheet.before[day] = figures["sums"][going_on]
    unmet[going_on] = sheet.before[day, _UNMET]
    is_closed[day] = figures["closed"][going_on]
    newest[day] = figures["last_seq"][going_on]
    is_closed[places(closed)] = True
    return _Page(facts, places(of_event), places(of_new), days, is_closed, newest, unmet, sheet)


def _in_order(
    arrivals: Arrivals, again: Mapping[int, Past]
) -> tuple[Sequence[Facts], Sequence[str], IntArray]:
    """Return what all events to be folded say, by item and in order, their days and items."""
    if not again:
        columns, order = arrivals.events.columns, arrivals.order.tolist()
        days = [columns.business_day[place] for place in order]
        return [columns.data[place] for place in order], days, arrivals.item[arrivals.order]
    new = list(arrivals.events)
    by_item = {item: [new[place] for place in some] for item, some in arrivals.by_item().items()}
    for item, past in again.items():
        by_item[item] = sorted([*past.events, *by_item.get(item, ())], key=_IN_ORDER)
    runs = [by_item.get(item, []) for item in range(len(arrivals.place))]
    columns = Events.of(chain.from_iterable(runs)).columns
    items = np.repeat(np.arange(len(runs)), list(map(len, runs)))
    return columns.data, columns.business_day, items


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
    number = np.array(new.seqs, dtype=np.int64)[place]
    before = np.zeros(len(new.events), dtype=np.int64)
    before[place] = np.where(begins(day), page.newest[day], np.append(0, number[:-1]))
    page.newest[day] = number  # of several the last one stays
    return [one or None for one in before.tolist()]


def _write_days(
    connection: Connection,
    epoch: int,
    arrivals: Arrivals,
    page: _Page,
    folded: Folded,
    standings: Standings,
) -> None:
    names = [standings.unique_id[place] for place in arrivals.place]
    rows = zip(
        repeat(epoch),
        [names[item] for item, _ in page.days],
        [day for _, day in page.days],
        *folded.columns(),
        page.closed.tolist(),
        [one or None for one in page.newest.tolist()],
        strict=False,
    )
    upsert_rows(connection, item_days, list(rows))


def _move_on(
    new: Run, arrivals: Arrivals, page: _Page, folded: Folded, standings: Standings
) -> NDArray[np.void]:
    """Let the standings be those after what is new; return their figures, (items,)."""
    last = page.last_days()
    figures = standings.figures(arrivals.place)
    figures["on_hand"], figures["price"] = folded.closing[last], folded.price[last]
    figures["opening"], figures["closed"] = folded.opening[last], page.closed[last]
    figures["last_seq"], figures["sums"] = page.newest[last], folded.sums()[last]
    for item, event in zip(arrivals.moved, arrivals.last_events(), strict=True):
        place, key = arrivals.place[item], arrivals.keys[event]
        if key > standings.last_key[place]:
            standings.last_key[place] = key
            figures["last_event_seq"][item] = new.seqs[arrivals.moving[event]]
    standings.put_figures(arrivals.place, figures)
    for place, day in zip(arrivals.place, last.tolist(), strict=True):
        _, standings.last_day[place] = page.days[day]
    for item, days in arrivals.closed.items():
        place = arrivals.place[item]
        standings.last_closed_day[place] = max(*days, standings.last_closed_day[place])
    return figures


def _write_states(
    connection: Connection,
    epoch: int,
    arrivals: Arrivals,
    figures: NDArray[np.void],
    standings: Standings,
) -> None:
    rows = zip(
        repeat(epoch),
        [standings.unique_id[place] for place in arrivals.place],
        figures["opening_stock"].tolist(),
        figures["opening_price"].tolist(),
        [standings.opening_day[place] for place in arrivals.place],
        repeat(False),
        figures["on_hand"].tolist(),
        figures["price"].tolist(),
        [standings.last_day[place] for place in arrivals.place],
        [standings.last_closed_day[place] or None for place in arrivals.place],
        [one or None for one in figures["last_event_seq"].tolist()],
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
