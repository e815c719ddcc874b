"""Booking: new ledger events and day closings -> item_states, item_days and what they correct.

An item whose new events come after all it had goes on from where it stands. Any other is folded
again from the first day that changes, from the events in the log.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection, update

from streaming_production.event_types import CLOSING
from streaming_production.events import Event
from streaming_production.storage.engine import update_rows, upsert_rows
from streaming_production.storage.facts import Logged
from streaming_production.storage.item_books import (
    IN_ORDER,
    ItemBook,
    State,
    days_of,
    open_books,
    past_from,
)
from streaming_production.storage.ledger import NOTHING, DaySums, Folded, Sheet
from streaming_production.storage.tables import decisions, item_days, item_states

# Columns of an item's state that a booking changes.
_STANDING = (
    "on_hand",
    "price",
    "last_event_day",
    "last_instant",
    "last_source",
    "last_id",
    "last_closed_day",
    "last_day",
)


@dataclass(frozen=True, slots=True)
class Booked:
    """What a booking showed."""

    unmet: Mapping[str, int]  # by item, where it changed: units of demand that found no stock
    late: list[Event]  # that came after later ones
    before: Mapping[int, int]  # by number of event: the one of its item and day before it


def book(
    connection: Connection, epoch: int, new: Sequence[Logged], states: dict[str, State]
) -> Booked:
    """Bring the ledger up to date with events that are written in the log afterwards.

    `states` are those of items that are known before, and those written here afterwards too.

    Raises UnknownItems.
    """
    books = open_books(connection, epoch, new, states)
    sheet = Sheet()
    order = [*_go_on(sheet, books), *_fold_again(connection, epoch, sheet, books)]
    before = _link(new, order)
    folded = sheet.fold()
    states |= _write(connection, epoch, order, folded)
    _correct(connection, epoch, order)
    return Booked(
        unmet=_unmet(sheet, folded, order),
        late=[event for one in order for event in one.late()],
        before=before,
    )


def _unmet(sheet: Sheet, folded: Folded, order: Sequence[ItemBook]) -> dict[str, int]:
    if not order:
        return {}
    units = np.add.reduceat(folded.unmet, sheet.first_day)
    changes = zip(order, units.tolist(), strict=True)
    return {
        one.state.unique_id: now - one.unmet_before
        for one, now in changes
        if now != one.unmet_before
    }


def _go_on(sheet: Sheet, books: Sequence[ItemBook]) -> Iterator[ItemBook]:
    for one in books:
        if not one.goes_on:
            continue
        state = one.state
        if state.last_day is not None and one.first_day == state.last_day:
            before = {state.last_day: state.last_sums}
            one.newest[state.last_day] = state.last_seq
            if state.closed:
                one.closed |= {state.last_day}
            one.unmet_before = state.unmet or 0
            sheet.begin_item(state.on_hand, state.price, state.opening or 0)
        else:
            before = {}
            sheet.begin_item(state.on_hand, state.price, state.on_hand)
        _lay_out(sheet, one, one.events, before)
        yield one


def _fold_again(
    connection: Connection, epoch: int, sheet: Sheet, books: Sequence[ItemBook]
) -> Iterator[ItemBook]:
    by_first_day: defaultdict[str, list[ItemBook]] = defaultdict(list)
    for one in books:
        if not one.goes_on:
            by_first_day[one.first_day].append(one)
    for first, some in by_first_day.items():
        past = past_from(connection, epoch, [one.state.unique_id for one in some], first)
        for one in some:
            name, state = one.state.unique_id, one.state
            had = past.days.get(name, [])
            one.closed |= {row.day for row in had if row.closed}
            one.unmet_before = sum(row.unmet for row in had)
            one.newest = {row.day: row.last_seq for row in had}
            opened = (state.opening_stock, state.opening_price)
            stock, price = past.standing.get(name, opened)
            sheet.begin_item(stock, price, stock)
            moving = sorted([*past.events.get(name, ()), *one.events], key=IN_ORDER)
            _lay_out(sheet, one, moving, {row.day: NOTHING for row in had})
            yield one


def _lay_out(
    sheet: Sheet, one: ItemBook, moving: Sequence[Event], before: dict[str, DaySums]
) -> None:
    """Put the item's days on the sheet: those with events, those closed, those it had."""
    by_day = days_of(moving)
    more = before.keys() | one.closed
    one.days = sorted(by_day.keys() | more) if more else list(by_day)
    for day in one.days:
        sheet.begin_day(before.get(day, NOTHING))
        if day in by_day:
            sheet.book(by_day[day])


def _link(new: Sequence[Logged], order: Sequence[ItemBook]) -> dict[int, int]:
    """Join each event to the one of its item and day before it; the newest ones are noted."""
    newest = {one.state.unique_id: one.newest for one in order}
    before = {}
    for seq, _, event in new:
        if event.type != CLOSING:
            mine, day = newest[event.subject or ""], event.key[0]
            if (last := mine.get(day)) is not None:
                before[seq] = last
            mine[day] = seq
    return before


def _write(
    connection: Connection, epoch: int, order: Sequence[ItemBook], folded: Folded
) -> dict[str, State]:
    """Write the days of items and where they stand now, and return the latter."""
    figures = folded.rows()
    day_rows, states = [], {}
    for one in order:
        name = one.state.unique_id
        for day in one.days:
            figure = next(figures)
            day_rows.append((epoch, name, day, *figure, day in one.closed, one.newest.get(day)))
        states[name] = one.moved_to(day, figure)
    upsert_rows(connection, item_days, day_rows)
    state_rows = [(*state[4:11], state.last_day, epoch, state[0]) for state in states.values()]
    update_rows(connection, item_states, _STANDING, ("epoch", "unique_id"), state_rows)
    return states


def _correct(connection: Connection, epoch: int, order: Sequence[ItemBook]) -> None:
    """Mark the decisions, and the items, whose closed days late events changed."""
    for one in order:
        decided, name = one.state.last_decided_day, one.state.unique_id
        if decided is None or not one.events or one.events[0].key[0] > decided:
            continue
        after_closing = {event.key[0] for event in one.after_closing}
        days = {event.key[0] for event in one.events}
        changed = {
            day for day in days if day < decided or (day <= decided and day in after_closing)
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
