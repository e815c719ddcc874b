"""Reading the log and the days of items."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import fields
from datetime import date
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, func, select

from streaming_production.storage.engine import AnyRow, AnySelect, among
from streaming_production.storage.item_lists import day_of
from streaming_production.storage.rows import Autonomy, ItemDay, LoggedEvent
from streaming_production.storage.tables import autonomy, events, item_days, item_states

_ALL_DAYS = (
    select(*(item_days.c[one.name] for one in fields(ItemDay)))
    .where(
        item_days.c.epoch == bindparam("epoch"),
        item_days.c.day >= bindparam("first"),
        item_days.c.day <= bindparam("last"),
    )
    .order_by(item_days.c.unique_id, item_days.c.day)
)
_DAYS = _ALL_DAYS.where(among(item_days.c.unique_id))
_AUTONOMY = select(autonomy).order_by(autonomy.c.seq.desc()).limit(1)


def events_after(
    connection: Connection,
    seq: int,
    limit: int,
    unique_id: str | None = None,
    types: Collection[str] | None = None,
) -> list[LoggedEvent]:
    """List the events after a number, oldest first."""
    query = _some(unique_id, types).where(events.c.seq > seq).order_by(events.c.seq)
    return [_logged(row) for row in connection.execute(query.limit(limit))]


def events_before(
    connection: Connection,
    seq: int | None,
    limit: int,
    unique_id: str | None = None,
    types: Collection[str] | None = None,
) -> list[LoggedEvent]:
    """List the events before a number (None: all), newest first."""
    query = _some(unique_id, types).order_by(events.c.seq.desc())
    if seq is not None:
        query = query.where(events.c.seq < seq)
    return [_logged(row) for row in connection.execute(query.limit(limit))]


def _some(unique_id: str | None, types: Collection[str] | None) -> AnySelect:
    query = select(events)
    if unique_id is not None:
        query = query.where(events.c.unique_id == unique_id)
    if types is not None:
        query = query.where(events.c.type.in_(list(types)))
    return query


def _logged(row: AnyRow) -> LoggedEvent:
    body = orjson.loads(row.body)
    return LoggedEvent(
        seq=row.seq,
        epoch=row.epoch,
        id=row.id,
        source=row.source,
        type=row.type,
        unique_id=row.unique_id,
        day=date.fromisoformat(row.day),
        time=body["time"],
        received_at=row.received_at,
        data=body["data"],
    )


def logged_data(connection: Connection, seq: int) -> Any:
    """Return the data of one event."""
    body = connection.execute(select(events.c.body).where(events.c.seq == seq)).scalar_one()
    return orjson.loads(body)["data"]


def item_days_between(
    connection: Connection,
    epoch: int,
    names: Sequence[str] | None,
    first: date | None,
    last: date | None,
) -> list[ItemDay]:
    """List item-days in order of item and day."""
    asked = {
        "epoch": epoch,
        "names": names,
        "first": (first or date.min).isoformat(),
        "last": (last or date.max).isoformat(),
    }
    rows = connection.execute(_ALL_DAYS if names is None else _DAYS, asked)
    return [ItemDay(row[0], date.fromisoformat(row[1]), *row[2:]) for row in rows]


def by_item(days: Sequence[ItemDay]) -> dict[str, list[ItemDay]]:
    """Sort days by item."""
    found: defaultdict[str, list[ItemDay]] = defaultdict(list)
    for day in days:
        found[day.unique_id].append(day)
    return dict(found)


def last_closed_day(connection: Connection, epoch: int, unique_id: str | None) -> date | None:
    """Return the last closed day of an item, or of all."""
    query = select(func.max(item_states.c.last_closed_day)).where(item_states.c.epoch == epoch)
    if unique_id is not None:
        query = query.where(item_states.c.unique_id == unique_id)
    return day_of(connection.execute(query).scalar_one())


def autonomy_now(connection: Connection) -> Autonomy:
    """Return the limits in force."""
    row = connection.execute(_AUTONOMY).first()
    return Autonomy(*row[1:]) if row else Autonomy()
