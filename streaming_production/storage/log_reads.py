"""Reading the log and the days of items."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from datetime import date
from functools import cache
from typing import Any

import orjson
from sqlalchemy import Connection, Integer, bindparam, func, select

from streaming_production.event_form import time_text
from streaming_production.storage.engine import AnyRow, AnySelect, among
from streaming_production.storage.item_lists import day_of
from streaming_production.storage.rows import Autonomy, ItemDay, LoggedEvent
from streaming_production.storage.tables import autonomy, decisions, events, item_days, item_states

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
_FACTS = (
    select(events.c.rest)
    .join(decisions, decisions.c.seq == events.c.seq)
    .where(decisions.c.decision_id == bindparam("decision_id"))
)
_CLOSED = select(func.max(item_states.c.last_closed_day)).where(
    item_states.c.epoch == bindparam("epoch")
)
_CLOSED_OF_ONE = _CLOSED.where(item_states.c.unique_id == bindparam("unique_id"))
_CLOSED_DAYS = select(item_states.c.unique_id, item_states.c.last_closed_day).where(
    item_states.c.epoch == bindparam("epoch")
)
_EVENT_FILTERS = {
    "after": events.c.seq > bindparam("after"),
    "before": events.c.seq < bindparam("before"),
    "unique_id": events.c.unique_id == bindparam("unique_id"),
    "types": among(events.c.type, "types"),
}


def events_after(
    connection: Connection,
    seq: int,
    limit: int,
    unique_id: str | None = None,
    types: Collection[str] | None = None,
) -> list[LoggedEvent]:
    """List the events after a number, oldest first."""
    asked = {"after": seq, "unique_id": unique_id, "types": types}
    return _listed(connection, limit, asked, newest_first=False)


def events_before(
    connection: Connection,
    seq: int | None,
    limit: int,
    unique_id: str | None = None,
    types: Collection[str] | None = None,
) -> list[LoggedEvent]:
    """List the events before a number (None: all), newest first."""
    asked = {"before": seq, "unique_id": unique_id, "types": types}
    return _listed(connection, limit, asked, newest_first=True)


def _listed(
    connection: Connection, limit: int, asked: Mapping[str, Any], *, newest_first: bool
) -> list[LoggedEvent]:
    given = {name: value for name, value in asked.items() if value is not None}
    rows = connection.execute(_events(tuple(given), newest_first), {**given, "limit": limit})
    return [_logged(row) for row in rows]


@cache
def _events(filters: tuple[str, ...], newest_first: bool) -> AnySelect:
    order = events.c.seq.desc() if newest_first else events.c.seq
    chosen = select(events).where(*(_EVENT_FILTERS[name] for name in filters))
    return chosen.order_by(order).limit(bindparam("limit", type_=Integer))


def _logged(row: AnyRow) -> LoggedEvent:
    rest = orjson.loads(row.rest)
    return LoggedEvent(
        seq=row.seq,
        epoch=row.epoch,
        id=row.id,
        source=row.source,
        type=row.type,
        unique_id=row.unique_id,
        day=date.fromisoformat(row.day),
        time=time_text(rest, row.instant),
        received_at=row.received_at,
        data=rest["data"],
    )


def decision_fields(connection: Connection, decision_id: str) -> dict[str, Any] | None:
    """Return all that the log has of a decision."""
    rest = connection.execute(_FACTS, {"decision_id": decision_id}).scalar_one_or_none()
    told: dict[str, Any] | None = orjson.loads(rest)["data"] if rest else None
    return told


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
    query = _CLOSED if unique_id is None else _CLOSED_OF_ONE
    return day_of(connection.execute(query, {"epoch": epoch, "unique_id": unique_id}).scalar_one())


def closed_days(connection: Connection, epoch: int) -> dict[str, date | None]:
    """Return the last closed day of every item."""
    return {name: day_of(day) for name, day in connection.execute(_CLOSED_DAYS, {"epoch": epoch})}


def autonomy_now(connection: Connection) -> Autonomy:
    """Return the limits in force."""
    row = connection.execute(_AUTONOMY).first()
    return Autonomy(*row[1:]) if row else Autonomy()
