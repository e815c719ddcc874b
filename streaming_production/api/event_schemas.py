"""Events: what is answered to them and how the log is read."""

from datetime import date
from typing import Any, Literal

from pydantic import Field

from streaming_production.api.shared_schemas import Answer, Instant, Query, WholeText, Words


class EventsQuery(Query):
    """Which part of the log: after a number in its order, or before one with the newest first."""

    after: WholeText | None = Field(default=None, description="events behind this number")
    before: WholeText | None = Field(
        default=None, description="events in front of this number, newest first; 0: from the end"
    )
    limit: WholeText = Field(default=100, ge=1, le=1000)
    unique_id: Words | None = Field(default=None, description="of this item only")
    type: str | None = Field(default=None, max_length=50, description="of this type only")


class EventRow(Answer):
    """An event as the log holds it."""

    seq: int
    id: str
    source: str
    type: str
    unique_id: str | None
    day: date
    time: str
    received_at: Instant
    data: dict[str, Any]
    summary: str = Field(description="what it says, in words")


class EventList(Answer):
    """A part of the log."""

    events: list[EventRow]
    last_seq: int = Field(description="number of the newest event of all")


class Outcome(Answer):
    """What became of one event."""

    id: str
    status: Literal["applied", "duplicate"]
    sold: int | None
    unmet: int | None


class Accepted(Answer):
    """What became of the events of a request."""

    applied: int
    duplicates: int = Field(description="events that were known already")
    unmet: int = Field(description="units of demand that found no stock")
    late: list[str] = Field(description="ids of events that came after later ones")
    last_seq: int
    outcomes: list[Outcome] = Field(description="of a single event; empty for a batch")


class StreamQuery(Query):
    """Where a stream begins and when it ends."""

    last_event_id: WholeText | None = Field(
        default=None, description="as the header Last-Event-ID: the last change that was seen"
    )
    limit: WholeText | None = Field(
        default=None, ge=1, le=10_000, description="end after so many changes"
    )
    timeout: float = Field(default=3600, gt=0, le=3600, description="end after so many seconds")
