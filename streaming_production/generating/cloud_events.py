"""Writes the generator's events as CloudEvents 1.0, with ids that a second run repeats."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from hashlib import blake2s
from typing import Any

CloudEvent = dict[str, Any]  # one event as JSON has it
SOURCE = "urn:inventory:data-generator"


@dataclass(frozen=True, slots=True)
class EventWriter:
    """Writes the events of one day; the run's name and the day begin every id."""

    run: str  # name of the run: the same run writes the same ids
    day: date

    def event(
        self,
        name: str,
        kind: str,
        at: time,
        data: Mapping[str, Any],
        subject: str | None = None,
    ) -> CloudEvent:
        """Return one event; `name` tells it from the others of the day and subject.

        >>> writer = EventWriter("0-2024-01-01-1", date(2024, 1, 3))
        >>> close = writer.event("close", "day.closed", time(22), {"day": "2024-01-03"})
        >>> close["id"], close["time"]
        ('0-2024-01-01-1-2024-01-03-close', '2024-01-03T22:00:00Z')
        """
        if subject is not None:
            name = f"{name}-{_short(subject)}"
        moment = datetime.combine(self.day, at, tzinfo=UTC)
        event: CloudEvent = {
            "specversion": "1.0",
            "id": f"{self.run}-{self.day.isoformat()}-{name}",
            "source": SOURCE,
            "type": kind,
            "time": moment.isoformat().replace("+00:00", "Z"),
            "datacontenttype": "application/json",
            "data": dict(data),
        }
        if subject is not None:
            event["subject"] = subject
        return event


def _short(item: str) -> str:
    """Return a name for an item that fits into an id, however long and odd the item's own is."""
    return blake2s(item.encode(), digest_size=6).hexdigest()


def at_minute(minute: float) -> time:
    """Return the time of day so many minutes after midnight.

    >>> at_minute(9 * 60 + 30.5)
    datetime.time(9, 30, 30)
    """
    seconds = round(minute * 60)
    return time(seconds // 3600, seconds // 60 % 60, seconds % 60)
