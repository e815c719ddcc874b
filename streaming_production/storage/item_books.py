"""The books of items: where each stands, what is new, and what the log has from a day on."""

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, select

from streaming_production.event_types import CLOSING, DayClosed
from streaming_production.events import Event, Key, stored_events
from streaming_production.storage.engine import AnyRow, among
from streaming_production.storage.errors import UnknownItems
from streaming_production.storage.facts import Logged
from streaming_production.storage.ledger import SUMS, DaySums
from streaming_production.storage.tables import events, item_days, item_states

IN_ORDER = attrgetter("key")


class State(NamedTuple):
    """Where an item stands; read far quicker than a row of SQLAlchemy's."""

    unique_id: str
    opening_stock: int
    opening_price: float
    opening_day: str
    on_hand: int
    price: float
    last_event_day: str | None
    last_instant: str | None
    last_source: str | None
    last_id: str | None
    last_closed_day: str | None
    last_decided_day: str | None
    last_day: str | None
    closed: bool | None  # of its last day, as all below
    last_seq: int | None  # of the events that moved it
    opening: int | None
    received: int | None
    demanded: int | None
    sold: int | None
    unmet: int | None
    returned: int | None
    unsaleable: int | None
    adjusted: int | None
    discrepancy: int | None
    revenue: float | None

    @property
    def last_key(self) -> Key | tuple[()]:
        """The key of its last event."""
        return () if self.last_event_day is None else self[6:10]  # type: ignore[return-value]

    @property
    def last_sums(self) -> DaySums:
        """What was added up of its last day."""
        return self[-len(SUMS) :]  # type: ignore[return-value]  # there is a last day


def _column(name: str) -> ColumnElement[Any]:
    return item_states.c[name] if name in item_states.c else item_days.c[name]


_ALL_STATES = (
    select(*(_column(name) for name in State._fields))
    .select_from(item_states)
    .outerjoin(
        item_days,
        and_(
            item_days.c.epoch == item_states.c.epoch,
            item_days.c.unique_id == item_states.c.unique_id,
            item_days.c.day == item_states.c.last_day,
        ),
    )
    .where(item_states.c.epoch == bindparam("epoch"))
)
_STATES = _ALL_STATES.where(among(item_states.c.unique_id))


@dataclass(slots=True)
class ItemBook:
    """One item while its events are booked."""

    state: State
    events: list[Event] = field(default_factory=list)  # new ones, in order
    closed: frozenset[str] = frozenset()  # days newly closed, or closed and folded again
    days: Sequence[str] = ()  # on the sheet
    newest: dict[str, int | None] = field(default_factory=dict)  # event that moved each day
    unmet_before: int = 0  # units, of those days
    after_closing: tuple[Event, ...] = ()  # new ones of days closed before
    first_day: str = ""  # that changes
    goes_on: bool = True  # everything new comes after all that the item had

    def settle(self) -> None:
        """Put the events in order, and see whether all come after what the item had."""
        events, state = self.events, self.state
        if len(events) > 1:
            events.sort(key=IN_ORDER)
        in_order = not events or events[0].key > state.last_key
        self.first_day = events[0].key[0] if events else min(self.closed)
        if events and self.closed:
            self.first_day = min(self.first_day, *self.closed)
        self.goes_on = in_order and self.first_day >= (state.last_day or "")

    def moved_to(self, day: str, figures: Sequence[Any]) -> State:
        """Return where the item stands once all is booked; `figures` are those of its last day.

        They are in the order of the columns of item_days, from `opening` to `revenue`.
        """
        state = self.state
        last_closed, last_key = state.last_closed_day, state[6:10]
        if self.closed:
            last_closed = max(last_closed or "", *self.closed)
        if self.events and self.events[-1].key > state.last_key:
            last_key = self.events[-1].key
        closed, last_seq = day in self.closed, self.newest.get(day)
        until = (last_closed, state.last_decided_day, day, closed, last_seq)
        *sums, closing, price, revenue = figures
        return State._make((*state[:4], closing, price, *last_key, *until, *sums, revenue))

    def late(self) -> Sequence[Event]:
        """List the new events that come after later ones, or after their day was closed."""
        if self.goes_on:
            return self.after_closing
        last = self.state.last_key
        after_closing = {id(one) for one in self.after_closing}
        return [one for one in self.events if one.key < last or id(one) in after_closing]


def open_books(
    connection: Connection, epoch: int, new: Sequence[Logged], known: Mapping[str, State]
) -> list[ItemBook]:
    """Open the books of all items that new events move or close.

    States that are `known` are not read.

    Raises UnknownItems.
    """
    arrived = [one.event for one in new]
    closing = any(one.type == CLOSING for one in arrived)
    subjects = {one.subject for one in arrived}
    names = {name for name in subjects if name is not None}
    states = _states(connection, epoch, names if len(names) == len(subjects) else None, known)
    books = {name: ItemBook(state) for name, state in states.items()}
    missing = names - books.keys()
    if missing:
        raise UnknownItems(missing)
    for one in arrived:
        if one.type != CLOSING:
            books[one.subject or ""].events.append(one)
    _close(books, arrived, closing)
    changed = [book for book in books.values() if book.events or book.closed]
    for book in changed:
        book.settle()
    return changed


def _states(
    connection: Connection, epoch: int, names: Set[str] | None, known: Mapping[str, State]
) -> dict[str, State]:
    """Return where items stand, all (None) or those that there are of `names`."""
    if names is None:
        rows = connection.execute(_ALL_STATES, {"epoch": epoch})
        return {row[0]: State(*row) for row in rows}
    states = {name: known[name] for name in names if name in known}
    if len(states) < len(names):
        asked = {"epoch": epoch, "names": sorted(names - states.keys())}
        states |= {row[0]: State(*row) for row in connection.execute(_STATES, asked)}
    return states


def _close(books: Mapping[str, ItemBook], new: Sequence[Event], closing: bool) -> None:
    """Note which days are closed, and which events come after that, as they arrived."""
    if not closing:
        for book in books.values():
            closed = book.state.last_closed_day
            if closed is not None:
                book.after_closing = tuple(one for one in book.events if one.key[0] <= closed)
        return
    closed_until = {name: book.state.last_closed_day or "" for name, book in books.items()}
    for one in new:
        if one.type != CLOSING:
            name = str(one.subject)
            if one.key[0] <= closed_until[name]:
                books[name].after_closing += (one,)
            continue
        day = _closed_day(one)
        for name in books if one.subject is None else (one.subject,):
            if one.subject is not None or day > books[name].state.opening_day:
                books[name].closed |= {day}
                closed_until[name] = max(closed_until[name], day)


def _closed_day(event: Event) -> str:
    if not isinstance(event.data, DayClosed):
        raise TypeError(f"{event.type} closes no day")
    return event.data.day.isoformat()


_FROM_FIRST = (
    item_days.c.epoch == bindparam("epoch"),
    among(item_days.c.unique_id),
    item_days.c.day >= bindparam("first"),
)
_DAYS = select(
    item_days.c.unique_id,
    item_days.c.day,
    item_days.c.unmet,
    item_days.c.closed,
    item_days.c.last_seq,
).where(*_FROM_FIRST)
_NEWEST = (
    select(item_days.c.last_seq.label("seq"))
    .where(*_FROM_FIRST, item_days.c.last_seq.is_not(None))
    .cte("chain", recursive=True)
)
_CHAIN = _NEWEST.union_all(
    select(events.c.before_seq)
    .join(_NEWEST, events.c.seq == _NEWEST.c.seq)
    .where(events.c.before_seq.is_not(None))
)
_BODIES = select(events.c.body).join(_CHAIN, events.c.seq == _CHAIN.c.seq)
_BEFORE = (
    select(item_days.c.unique_id, func.max(item_days.c.day).label("day"))
    .where(
        item_days.c.epoch == bindparam("epoch"),
        among(item_days.c.unique_id),
        item_days.c.day < bindparam("first"),
    )
    .group_by(item_days.c.unique_id)
    .subquery()
)
_STANDING = (
    select(item_days.c.unique_id, item_days.c.closing, item_days.c.price)
    .join(
        _BEFORE,
        and_(item_days.c.unique_id == _BEFORE.c.unique_id, item_days.c.day == _BEFORE.c.day),
    )
    .where(item_days.c.epoch == bindparam("epoch"))
)


@dataclass(frozen=True, slots=True)
class Past:
    """What items had from a day on, and stood at before it; by item."""

    events: Mapping[str, list[Event]]
    days: Mapping[str, list[AnyRow]]  # (unique_id, day, unmet, closed, last_seq)
    standing: Mapping[str, tuple[int, float]]  # stock and price; missing: as it opened


def past_from(connection: Connection, epoch: int, names: Sequence[str], first: str) -> Past:
    """Read what the log and the days of items say from `first` on."""
    asked = {"epoch": epoch, "names": names, "first": first}
    return Past(
        events=_logged(connection, asked),
        days=_days(connection, asked),
        standing=_standing(connection, asked),
    )


def _logged(connection: Connection, asked: Mapping[str, Any]) -> dict[str, list[Event]]:
    bodies = connection.execute(_BODIES, asked).scalars()
    by_item: defaultdict[str, list[Event]] = defaultdict(list)
    for event in stored_events(list(bodies)):
        by_item[str(event.subject)].append(event)
    return by_item


def _days(connection: Connection, asked: Mapping[str, Any]) -> dict[str, list[AnyRow]]:
    by_item: defaultdict[str, list[AnyRow]] = defaultdict(list)
    for row in connection.execute(_DAYS, asked):
        by_item[row.unique_id].append(row)
    return by_item


def _standing(connection: Connection, asked: Mapping[str, Any]) -> dict[str, tuple[int, float]]:
    rows = connection.execute(_STANDING, asked)
    return {name: (closing, price) for name, closing, price in rows}


def days_of(events_in_order: Sequence[Event]) -> dict[str, Sequence[Event]]:
    """Split an item's events by business day."""
    if events_in_order and events_in_order[0].key[0] == events_in_order[-1].key[0]:
        return {events_in_order[0].key[0]: events_in_order}  # mostly, and quicker
    grouped = groupby(events_in_order, key=lambda one: one.key[0])
    return {day: list(some) for day, some in grouped}
