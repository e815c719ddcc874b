"""The log: which events are new, writing them down, reading them back."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import repeat

from sqlalchemy import Connection, bindparam, func, select

from streaming_production.event_types import LEDGER
from streaming_production.events import Event, Events, utc_text
from streaming_production.storage.engine import among, insert_rows
from streaming_production.storage.errors import EventConflict
from streaming_production.storage.facts import Run
from streaming_production.storage.tables import epochs, events

# Made once, here and wherever a query is asked often: making it costs more than running it.
_EPOCH = select(func.coalesce(func.max(epochs.c.epoch), 1))
_HEAD = (
    select(_EPOCH.scalar_subquery(), events.c.seq, events.c.received_at)
    .order_by(events.c.seq.desc())
    .limit(1)
)
_CONTENT = (events.c.type, events.c.unique_id, events.c.instant, events.c.rest)
_KNOWN = select(events.c.id, *_CONTENT).where(
    events.c.epoch == bindparam("epoch"),
    events.c.source == bindparam("source"),
    among(events.c.id, "ids"),
)


@dataclass(frozen=True, slots=True)
class Head:
    """Where the log stands."""

    epoch: int
    last_seq: int = 0
    received_at: str = ""  # of the newest event

    def next_instant(self) -> str:
        """Return the time at which the next events are received.

        It is later than everything received before, even if the clock was set back.
        """
        now = utc_text(datetime.now(UTC))
        if now > self.received_at:
            return now
        return utc_text(datetime.fromisoformat(self.received_at) + timedelta(microseconds=1))


def head(connection: Connection) -> Head:
    """Read where the log stands."""
    newest = connection.execute(_HEAD).first()
    return Head(*newest) if newest is not None else Head(epoch=1)


def are_apart(sent: Events) -> bool:
    """Say whether events are movements of stock, each sent once."""
    columns = sent.columns
    moving = LEDGER.keys() >= set(columns.type)
    return moving and len(set(zip(columns.source, columns.id, strict=True))) == len(sent)


def new_events(connection: Connection, epoch: int, sent: Events) -> list[int]:
    """Return the places of the events that the log does not have, each once.

    Raises EventConflict where an id was used before for something else.
    """
    by_source: defaultdict[str, dict[str, Event]] = defaultdict(dict)
    conflicts: list[str] = []
    fresh: list[int] = []
    for place, event in enumerate(sent):
        first = by_source[event.source].setdefault(event.id, event)
        if first is event:
            fresh.append(place)
        elif first.content != event.content:
            conflicts.append(event.id)
    logged: set[tuple[str, str]] = set()
    for source, mine in by_source.items():
        asked = {"epoch": epoch, "source": source, "ids": list(mine)}
        for id_, *content in connection.execute(_KNOWN, asked):
            logged.add((source, id_))
            if mine[id_].content != tuple(content):
                conflicts.append(id_)
    if conflicts:
        raise EventConflict(conflicts)
    names = list(zip(sent.columns.source, sent.columns.id, strict=True))
    return [place for place in fresh if names[place] not in logged]


def write_down(connection: Connection, epoch: int, new: Run, before: Sequence[int | None]) -> None:
    """Add events to the log; `before` are the numbers of those of the same item and day.

    Raises KeyTaken where the log has one of them already.
    """
    columns = new.columns
    rows = zip(
        new.seqs,
        repeat(epoch),
        columns.source,
        columns.id,
        columns.type,
        columns.subject,
        columns.business_day,
        columns.instant,
        new.received_at,
        before,
        columns.rest,
        strict=False,
    )
    insert_rows(connection, events, list(rows))
