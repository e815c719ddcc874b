"""The books of items: where each stands, what is new, and what the log has from a day on."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter

from sqlalchemy import Connection, and_, func, select

from streaming_production.event_types import CLOSING, LEDGER, DayClosed
from streaming_production.events import Event, Key, stored_events
from streaming_production.storage.engine import AnyRow, among
from streaming_production.storage.errors import UnknownItems
from streaming_production.storage.ledger import SUMS
from streaming_production.storage.tables import events, item_days, item_states

FOLDED = (*LEDGER, "item.changed")  # types that the ledger is folded from
_BY_ITEM = attrgetter("subject", "key")
_IN_ORDER = attrgetter("key")


@dataclass(slots=True)
class ItemBook:
    """One item while its events are booked."""

    state: AnyRow  # of item_states, with its last day's row
    events: list[Event] = field(default_factory=list)  # new ones, in order
    closed: set[str] = field(default_factory=set)  # days newly closed, or closed and folded again
    days: list[str] = field(default_factory=list)  # on the sheet
    unmet_before: int = 0  # units, of those days
    after_closing: list[Event] = field(default_factory=list)  # new ones of days closed before
    last_key: Key | tuple[()] = ()  # of the last event booked
    goes_on: bool = True  # everything new comes after all that the item had

    @property
    def first_day(self) -> str:
        """Return the first day that changes."""
        if not self.events:
            return min(self.closed)
        first = self.events[0].key[0]
        return min(first, *self.closed) if self.closed else first

    def settle(self) -> None:
        """See whether everything new comes after all that the item had."""
        state = self.state
        if state.last_event_day is not None:
            self.last_key = (
                state.last_event_day,
                state.last_instant,
                state.last_source,
                state.last_id,
            )
        in_order = not self.events or self.events[0].key > self.last_key
        self.goes_on = in_order and self.first_day >= (state.last_day or "")

    def late(self) -> list[Event]:
        """List the new events that come after later ones, or after their day was closed."""
        if self.goes_on:
            return self.after_closing
        last = self.last_key
        after_closing = {id(one) for one in self.after_closing}
        return [one for one in self.events if one.key < last or id(one) in after_closing]


def open_books(connection: Connection, epoch: int, new: Sequence[Event]) -> list[ItemBook]:
    """Open the books of all items that new events move or close.

    Raises UnknownItems.
    """
    closings = [one for one in new if one.type == CLOSING]
    of_all = any(one.subject is None for one in closings)
    names = {str(one.subject) for one in new if one.subject is not None}
    books = {
        state.unique_id: ItemBook(state)
        for state in _states(connection, epoch, None if of_all else sorted(names))
    }
    missing = names - books.keys()
    if missing:
        raise UnknownItems(missing)
    moving = sorted((one for one in new if one.type != CLOSING), key=_BY_ITEM)
    for name, mine in groupby(moving, key=attrgetter("subject")):
        books[name].events = list(mine)
    _close(books, new)
    changed = [book for book in books.values() if book.events or book.closed]
    for book in changed:
        book.settle()
    return changed


def _close(books: Mapping[str, ItemBook], new: Sequence[Event]) -> None:
    """Note which days are closed, and which events come after that, as they arrived."""
    if not any(one.type == CLOSING for one in new):
        for book in books.values():
            closed = book.state.last_closed_day or ""
            if book.events and book.events[0].key[0] <= closed:
                book.after_closing = [one for one in book.events if one.key[0] <= closed]
        return
    closed_until = {name: book.state.last_closed_day or "" for name, book in books.items()}
    for one in new:
        if one.type != CLOSING:
            name = str(one.subject)
            if one.key[0] <= closed_until[name]:
                books[name].after_closing.append(one)
            continue
        day = _closed_day(one)
        for name in books if one.subject is None else (one.subject,):
            if one.subject is not None or day > books[name].state.opening_day:
                books[name].closed.add(day)
                closed_until[name] = max(closed_until[name], day)


def _closed_day(event: Event) -> str:
    if not isinstance(event.data, DayClosed):
        raise TypeError(f"{event.type} closes no day")
    return event.data.day.isoformat()


def _states(connection: Connection, epoch: int, names: Sequence[str] | None) -> Sequence[AnyRow]:
    last = and_(
        item_days.c.epoch == item_states.c.epoch,
        item_days.c.unique_id == item_states.c.unique_id,
        item_days.c.day == item_states.c.last_day,
    )
    columns = [item_days.c[name] for name in ("opening", "closed", *SUMS)]
    query = (
        select(item_states, *columns)
        .select_from(item_states)
        .outerjoin(item_days, last)
        .where(item_states.c.epoch == epoch)
    )
    if names is not None:
        query = query.where(among(connection, item_states.c.unique_id, names))
    return connection.execute(query).all()


@dataclass(frozen=True, slots=True)
class Past:
    """What items had from a day on, and stood at before it; by item."""

    events: Mapping[str, list[Event]]  # in order
    days: Mapping[str, list[AnyRow]]  # (unique_id, day, unmet, closed)
    standing: Mapping[str, tuple[int, float]]  # stock and price; missing: as it opened


def past_from(connection: Connection, epoch: int, names: Sequence[str], first: str) -> Past:
    """Read what the log and the days of items say from `first` on."""
    return Past(
        events=_logged(connection, epoch, names, first),
        days=_days(connection, epoch, names, first),
        standing=_standing(connection, epoch, names, first),
    )


def _logged(
    connection: Connection, epoch: int, names: Sequence[str], first: str
) -> dict[str, list[Event]]:
    bodies = connection.execute(
        select(events.c.body).where(
            events.c.epoch == epoch,
            among(connection, events.c.unique_id, names),
            events.c.day >= first,
            events.c.type.in_(FOLDED),
        )
    ).scalars()
    by_item: defaultdict[str, list[Event]] = defaultdict(list)
    for event in stored_events(list(bodies)):
        by_item[str(event.subject)].append(event)
    return {name: sorted(mine, key=_IN_ORDER) for name, mine in by_item.items()}


def _days(
    connection: Connection, epoch: int, names: Sequence[str], first: str
) -> dict[str, list[AnyRow]]:
    query = select(
        item_days.c.unique_id, item_days.c.day, item_days.c.unmet, item_days.c.closed
    ).where(
        item_days.c.epoch == epoch,
        among(connection, item_days.c.unique_id, names),
        item_days.c.day >= first,
    )
    by_item: defaultdict[str, list[AnyRow]] = defaultdict(list)
    for row in connection.execute(query):
        by_item[row.unique_id].append(row)
    return by_item


def _standing(
    connection: Connection, epoch: int, names: Sequence[str], first: str
) -> dict[str, tuple[int, float]]:
    before = (
        select(item_days.c.unique_id, func.max(item_days.c.day).label("day"))
        .where(
            item_days.c.epoch == epoch,
            among(connection, item_days.c.unique_id, names),
            item_days.c.day < first,
        )
        .group_by(item_days.c.unique_id)
        .subquery()
    )
    query = (
        select(item_days.c.unique_id, item_days.c.closing, item_days.c.price)
        .join(
            before,
            and_(item_days.c.unique_id == before.c.unique_id, item_days.c.day == before.c.day),
        )
        .where(item_days.c.epoch == epoch)
    )
    return {name: (closing, price) for name, closing, price in connection.execute(query)}


def days_of(events_in_order: Iterable[Event]) -> dict[str, list[Event]]:
    """Split an item's events by business day."""
    grouped = groupby(events_in_order, key=lambda one: one.key[0])
    return {day: list(some) for day, some in grouped}
