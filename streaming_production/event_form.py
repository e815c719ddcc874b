"""One checked event, and the one form in which it is stored and compared."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import orjson

from streaming_production.event_types import Facts

AGENT = "agent"  # the source of our own facts
Key = tuple[str, str, str, str]


class Event(NamedTuple):
    """One checked event; a tuple, as tens of thousands are made in a second."""

    id: str
    source: str
    type: str
    subject: str | None  # the item it concerns
    time: datetime  # with its offset
    key: Key  # orders the events of an item: day, instant, source and id as stored
    data: Facts
    rest: bytes  # canonical JSON of what the log's columns do not tell of it, as `rest_of` has it

    @property
    def content(self) -> tuple[str, str | None, str, bytes]:
        """Return all that it says besides its id and source: type, subject, time, the rest."""
        return self.type, self.subject, self.instant, self.rest

    @property
    def day(self) -> date:
        """Return the business day."""
        return self.time.date()

    @property
    def instant(self) -> str:
        """Return the time in UTC with microseconds, as it is stored."""
        return self.key[1]


class EventColumns(NamedTuple):
    """The fields of many events, column by column; they are those of `Event`, in its order."""

    id: tuple[str, ...]
    source: tuple[str, ...]
    type: tuple[str, ...]
    subject: tuple[str | None, ...]
    time: tuple[datetime, ...]
    key: tuple[Key, ...]
    data: tuple[Facts, ...]
    rest: tuple[bytes, ...]


class StoredEvent(NamedTuple):
    """An event as the columns of the log hold it."""

    id: str
    source: str
    type: str
    subject: str | None
    instant: str
    rest: bytes

    def attributes(self) -> dict[str, Any]:
        """Return the attributes of the whole event; ValueError where `rest` is none."""
        rest = orjson.loads(self.rest)
        if not isinstance(rest, dict):
            raise ValueError(f"not the rest of an event: {self.rest[:60]!r}")
        told = {"time": time_text(rest, self.instant), "specversion": "1.0"}
        return rest | told | {name: getattr(self, name) for name in _TOLD_BY_COLUMNS}


_TOLD_BY_COLUMNS = ("id", "source", "type", "subject")


def canonical_json(content: object) -> bytes:
    """Return the JSON of an event: keys sorted, times with their offset, what is not said as null.

    >>> canonical_json({"b": None, "a": date(2024, 3, 1)})
    b'{"a":"2024-03-01","b":null}'
    """
    return orjson.dumps(content, default=vars, option=orjson.OPT_SORT_KEYS)


def rest_of(
    data: Facts | Mapping[str, Any],
    moment: datetime | None = None,
    extensions: Mapping[str, Any] | None = None,
) -> bytes:
    """Return the canonical JSON of what is stored of an event beside its columns.

    That is its data, its extensions, and its time unless that is in UTC: the log's `instant` does
    not tell the offset. Without a `moment` it is one in UTC.

    >>> rest_of({"on_hand": 3}, datetime.fromisoformat("2024-03-01T12:00:00+02:00"))
    b'{"data":{"on_hand":3},"time":"2024-03-01T12:00:00+02:00"}'
    """
    in_utc = moment is None or moment.tzinfo is UTC
    time = {} if in_utc else {"time": moment}
    return canonical_json({**(extensions or {}), **time, "data": data})


def time_text(rest: Mapping[str, Any], instant: str) -> str:
    """Return an event's time with its offset, from what is stored of it.

    >>> time_text({}, "2024-03-01T10:00:00.000000Z")
    '2024-03-01T10:00:00+00:00'
    """
    told: str = rest.get("time") or f"{instant[:-1].removesuffix('.000000')}+00:00"
    return told


def utc_text(moment: datetime) -> str:
    """Return an instant as it is stored: UTC with microseconds.

    >>> utc_text(datetime.fromisoformat("2024-03-01T12:00:00+02:00"))
    '2024-03-01T10:00:00.000000Z'
    """
    return utc_texts([moment])[0]


def utc_texts(moments: Sequence[datetime]) -> list[str]:
    """Return instants as they are stored."""
    # datetime's own isoformat takes ten times as long, which every event would feel.
    in_utc = [one if one.tzinfo is UTC else one.astimezone(UTC) for one in moments]
    texts = orjson.dumps(in_utc, option=orjson.OPT_UTC_Z)[2:-2].decode().split('","')
    return [text if len(text) > 20 else f"{text[:19]}.000000Z" for text in texts]


def day_text(moment: datetime, instant: str) -> str:
    """Return the business day as it is stored; `instant` is the moment as `utc_text` tells it."""
    return instant[:10] if moment.tzinfo is UTC else moment.date().isoformat()
