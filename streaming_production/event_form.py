"""Checked events, one or many by column, and the one form in which they are stored and compared."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple, overload

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
    business_day: str  # as it is stored: the date as its time is written
    instant: str  # as it is stored: its time in UTC with microseconds
    data: Facts
    rest: str  # canonical JSON of what the log's columns do not tell of it, as `rest_of` has it

    @property
    def key(self) -> Key:
        """Return what orders the events of an item."""
        return self.business_day, self.instant, self.source, self.id

    @property
    def content(self) -> tuple[str, str | None, str, str]:
        """Return all that it says besides its id and source: type, subject, time, the rest."""
        return self.type, self.subject, self.instant, self.rest

    @property
    def day(self) -> date:
        """Return the business day."""
        return self.time.date()


class EventColumns(NamedTuple):
    """The fields of many events, column by column; they are those of `Event`, in its order."""

    id: Sequence[str]
    source: Sequence[str]
    type: Sequence[str]
    subject: Sequence[str | None]
    time: Sequence[datetime]
    business_day: Sequence[str]
    instant: Sequence[str]
    data: Sequence[Facts]
    rest: Sequence[str]


class Events(Sequence[Event]):
    """Events held by column; one of them is made only when it is asked for.

    Making, sorting and freeing a thousand would take a good part of the time to take them in.
    """

    def __init__(self, columns: EventColumns) -> None:
        self.columns = columns

    @classmethod
    def of(cls, events: Iterable[Event]) -> "Events":
        """Return events by column."""
        if isinstance(events, Events):
            return events
        columns = tuple(zip(*events, strict=True)) or ((),) * len(EventColumns._fields)
        return cls(EventColumns._make(columns))

    def part(self, places: Sequence[int]) -> "Events":
        """Return those at some places."""
        columns = ([column[place] for place in places] for column in self.columns)
        return Events(EventColumns._make(columns))

    def keys(self) -> list[Key]:
        """Return what orders the events of an item, of each."""
        columns = self.columns
        parts = (columns.business_day, columns.instant, columns.source, columns.id)
        return list(zip(*parts, strict=True))

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.columns.id)

    def __iter__(self) -> Iterator[Event]:
        """Make all, one after the other."""
        return map(Event._make, zip(*self.columns, strict=True))

    @overload
    def __getitem__(self, place: int) -> Event: ...

    @overload
    def __getitem__(self, place: slice) -> "Events": ...

    def __getitem__(self, place: int | slice) -> "Event | Events":
        """Make the one at a place; a slice stays by column."""
        some = [column[place] for column in self.columns]
        return Event._make(some) if isinstance(place, int) else Events(EventColumns._make(some))


class StoredEvent(NamedTuple):
    """An event as the columns of the log hold it."""

    id: str
    source: str
    type: str
    subject: str | None
    instant: str
    rest: str

    def attributes(self) -> dict[str, Any]:
        """Return the attributes of the whole event; ValueError where `rest` is none."""
        rest = orjson.loads(self.rest)
        if not isinstance(rest, dict):
            raise ValueError(f"not the rest of an event: {self.rest[:60]!r}")
        return {
            **rest,
            "specversion": "1.0",
            "id": self.id,
            "source": self.source,
            "type": self.type,
            "subject": self.subject,
            "time": time_text(rest, self.instant),
        }


def canonical_json(content: object) -> bytes:
    """Return the JSON of an event: keys sorted, times with their offset, what is not said as null.

    >>> canonical_json({"b": None, "a": date(2024, 3, 1)})
    b'{"a":"2024-03-01","b":null}'
    """
    return orjson.dumps(content, default=vars, option=orjson.OPT_SORT_KEYS)


def rest_of(
    data: Facts,
    moment: datetime | None = None,
    extensions: Mapping[str, Any] | None = None,
) -> str:
    """Return the canonical JSON of what is stored of an event beside its columns.

    That is its data, its extensions, and its time unless that is in UTC: the log's `instant` does
    not tell the offset. Without a `moment` it is one in UTC.

    >>> rest_of({"on_hand": 3}, datetime.fromisoformat("2024-03-01T12:00:00+02:00"))
    '{"data":{"on_hand":3},"time":"2024-03-01T12:00:00+02:00"}'
    """
    in_utc = moment is None or moment.tzinfo is UTC
    time = {} if in_utc else {"time": moment}
    return canonical_json({**(extensions or {}), **time, "data": data}).decode()


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
