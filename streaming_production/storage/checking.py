"""The self-check: everything that follows from the log, made again from it and compared.

The log is written and projected into an empty database in memory; then every row of the log and of
every projection must be the same in both. What a row of the log alone tells is believed; what it
tells twice, such as the day of its instant, must agree. Sums of money may differ in the last
digits, as they were added in another order.
"""

from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import groupby
from math import isclose
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    CursorResult,
    Select,
    Table,
    Text,
    and_,
    collate,
    func,
    or_,
    select,
)

from streaming_production.events import Event, Events, StoredEvent, stored_events
from streaming_production.storage.adding import add
from streaming_production.storage.engine import AnyRow, Database
from streaming_production.storage.errors import RuleBroken, UnknownItems
from streaming_production.storage.facts import Run
from streaming_production.storage.rows import Difference
from streaming_production.storage.tables import (
    PROJECTIONS,
    events,
    item_days,
    item_states,
    metadata,
)

_CHUNK = 5_000  # events projected at once
# Days are numbered as they come, which depends on what was sent together. They are compared by item
# and day instead, and items without the number, which must be that of their last day.
_NUMBERS = frozenset({item_days.c.number, item_states.c.last_day_number})
_KEYS = {item_days: [item_days.c.epoch, item_days.c.unique_id, item_days.c.day]}
_OF_ITEM = (item_days.c.epoch, item_days.c.unique_id)
_LAST = select(*_OF_ITEM, func.max(item_days.c.day).label("day")).group_by(*_OF_ITEM).subquery()
_MISPLACED = (
    select(item_states.c.epoch, item_states.c.unique_id, item_days.c.day, _LAST.c.day)
    .outerjoin(
        item_days,
        and_(
            item_days.c.number == item_states.c.last_day_number,
            item_days.c.epoch == item_states.c.epoch,
            item_days.c.unique_id == item_states.c.unique_id,
        ),
    )
    .outerjoin(
        _LAST,
        and_(_LAST.c.epoch == item_states.c.epoch, _LAST.c.unique_id == item_states.c.unique_id),
    )
    .where(
        or_(
            item_days.c.day.is_distinct_from(_LAST.c.day),
            item_states.c.last_day_number.is_distinct_from(item_days.c.number),
        )
    )
)
_ABSENT = "no such row"


class _UnreadableError(ValueError):
    """The log itself is damaged, so that nothing can be made from it."""


def differences(connection: Connection) -> Iterator[Difference]:
    """Compare what is stored with what follows from the log."""
    again = Database("sqlite://")
    try:
        with again.write() as fresh:
            metadata.create_all(fresh)
            yield from _project_again(connection, fresh)
            for table in (events, *PROJECTIONS):
                yield from _compared(connection, fresh, table)
        for epoch, name, found, last in connection.execute(_MISPLACED):
            named = (f"that of {day or 'no day'}" for day in (found, last))
            yield Difference("item_states", _shown((epoch, name)), "last_day_number", *named)
    except _UnreadableError as error:
        yield Difference("events", "", "rest", str(error), "a log that can be projected")
    finally:
        again.close()


def _project_again(connection: Connection, fresh: Connection) -> Iterator[Difference]:
    """Fill the empty database from the log, telling of what is wrong in the log itself."""
    before = 0
    with _read(connection, select(events).order_by(events.c.seq)) as rows:
        for chunk in rows.partitions():
            for row in chunk:
                if row.seq != before + 1:
                    yield Difference("events", f"{before + 1}", "seq", _ABSENT, "in the log")
                before = row.seq
            _project(fresh, chunk, _events_of(chunk))


def _read(connection: Connection, query: Select[Any]) -> CursorResult[Any]:
    """Read rows chunk by chunk; to be closed, as a cursor of the server holds them."""
    return connection.execute(query, execution_options={"yield_per": _CHUNK})


def _events_of(chunk: Sequence[AnyRow]) -> list[Event]:
    try:
        return stored_events(map(_stored, chunk))
    except ValueError as error:
        where = f"{chunk[0].seq} to {chunk[-1].seq}"
        raise _UnreadableError(f"among events {where}: {error}") from None


def _stored(row: AnyRow) -> StoredEvent:
    return StoredEvent(row.id, row.source, row.type, row.unique_id, row.instant, row.rest)


def _project(fresh: Connection, chunk: Sequence[AnyRow], made: Sequence[Event]) -> None:
    pairs = zip(chunk, made, strict=True)
    for epoch, some in groupby(pairs, key=lambda pair: pair[0].epoch):
        rows, known = zip(*some, strict=True)
        seqs = [row.seq for row in rows]
        try:
            add(fresh, epoch, Run(seqs, [row.received_at for row in rows], Events.of(known)))
        except (RuleBroken, UnknownItems) as error:
            where = f"{seqs[0]} to {seqs[-1]}"
            raise _UnreadableError(f"among events {where}: {error}") from None


def _compared(connection: Connection, fresh: Connection, table: Table) -> Iterator[Difference]:
    both = [_keyed(connection, table, "stored"), _keyed(fresh, table, "made")]
    for key, same in groupby(merge(*both, key=itemgetter(0)), key=itemgetter(0)):
        rows = {side: row for _, side, row in same}
        if len(rows) == 1:
            found = ("a row", _ABSENT) if "stored" in rows else (_ABSENT, "a row")
            yield Difference(table.name, _shown(key), "", *found)
        elif rows["stored"] != rows["made"]:
            yield from _columns(table, key, rows["stored"], rows["made"])


def _keyed(
    connection: Connection, table: Table, side: str
) -> Iterator[tuple[tuple[Any, ...], str, AnyRow]]:
    """Read a table by its key, text in order of its characters' numbers as Python has it."""
    columns = _checked(table)
    key = _KEYS.get(table, list(table.primary_key))
    keys = [columns.index(column) for column in key]
    postgres = connection.dialect.name == "postgresql"
    by = [
        collate(column, "C") if postgres and isinstance(column.type, Text) else column
        for column in key
    ]
    with _read(connection, select(*columns).order_by(*by)) as rows:
        for row in rows:
            yield tuple(row[place] for place in keys), side, row


def _checked(table: Table) -> list[Column[Any]]:
    return [column for column in table.columns if column not in _NUMBERS]


def _columns(
    table: Table, key: tuple[Any, ...], stored: AnyRow, made: AnyRow
) -> Iterator[Difference]:
    for column, was, should in zip(_checked(table), stored, made, strict=True):
        if was != should and not _same_money(was, should):
            yield Difference(table.name, _shown(key), column.name, str(was), str(should))


def _same_money(was: Any, should: Any) -> bool:
    return isinstance(was, float) and isinstance(should, float) and isclose(was, should)


def _shown(key: tuple[Any, ...]) -> str:
    return ", ".join(str(part) for part in key)
