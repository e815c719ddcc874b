"""Pasts: what the log and the ledger have of items from a day on, to be folded again."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, and_, bindparam, func, select

from streaming_production.events import Event, StoredEvent, stored_events
from streaming_production.storage.engine import AnyRow, among
from streaming_production.storage.tables import events, item_days

_FROM_FIRST = (
    item_days.c.epoch == bindparam("epoch"),
    among(item_days.c.unique_id),
    item_days.c.day >= bindparam("first"),
)
_DAYS = select(
    item_days.c.unique_id,
    item_days.c.day,
    item_days.c.number,
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
_STORED = (events.c[name] for name in ("id", "source", "type", "unique_id", "instant", "rest"))
_EVENTS = select(events.c.seq, *_STORED).join(_CHAIN, events.c.seq == _CHAIN.c.seq)
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
    select(
        item_days.c.unique_id, item_days.c.closing, item_days.c.price, item_days.c.last_event_seq
    )
    .join(
        _BEFORE,
        and_(item_days.c.unique_id == _BEFORE.c.unique_id, item_days.c.day == _BEFORE.c.day),
    )
    .where(item_days.c.epoch == bindparam("epoch"))
)


Numbered = tuple[int, Event]  # an event and its number in the log


class Standing(NamedTuple):
    """Where an item stood at the end of a day."""

    on_hand: int  # units
    price: float  # money a unit
    last_event_seq: int | None


@dataclass(frozen=True, slots=True)
class Past:
    """What an item had from a day on, and stood at before it."""

    events: list[Numbered]
    days: list[AnyRow]  # (unique_id, day, number, unmet, closed, last_seq)
    standing: Standing | None  # None: as it opened


def past_from(connection: Connection, epoch: int, names: Sequence[str], first: str) -> list[Past]:
    """Read what items had from `first` on."""
    asked = {"epoch": epoch, "names": names, "first": first}
    moved: defaultdict[str, list[Numbered]] = defaultdict(list)
    days: defaultdict[str, list[AnyRow]] = defaultdict(list)
    rows = connection.execute(_EVENTS, asked).all()
    stored = stored_events(StoredEvent._make(row[1:]) for row in rows)
    for row, event in zip(rows, stored, strict=True):
        moved[str(event.subject)].append((row.seq, event))
    for day in connection.execute(_DAYS, asked):
        days[day.unique_id].append(day)
    standing = {name: Standing(*rest) for name, *rest in connection.execute(_STANDING, asked)}
    return [Past(moved[name], days[name], standing.get(name)) for name in names]
