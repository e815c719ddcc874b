"""What can be known of the market's events, told on the day on which it becomes known."""

from collections.abc import Iterable, Iterator
from datetime import date, time, timedelta
from typing import Any

from core_modules.market_scenarios import MarketEvent, signal_of
from streaming_production.generating.cloud_events import CloudEvent, EventWriter

MORNING, EVENING = time(6), time(20)


def signals_of_day(
    events: Iterable[MarketEvent], writer: EventWriter, first_day: date
) -> Iterator[CloudEvent]:
    """Yield the signals of the writer's day; what was known before the run is told on its first.

    An event known ahead is announced on the evening it becomes known and starts in the morning of
    its first day; one that nobody announced starts when it is noticed, that evening. Each is over
    on the first day without it. An event that nobody notices is never told.
    """
    day = writer.day
    for event in events:
        if event.known_from is None or event.last_day < first_day:
            continue
        told = max(event.known_from, first_day)
        name = event.event_id
        signal_id = f"{writer.run}-{name}"
        if day == told < event.start:
            data = _told(event, signal_id)
            yield writer.event(f"announced-{name}", "signal.announced", EVENING, data)
        if day == max(event.start, told):
            noticed = MORNING if event.known_from < day else EVENING
            data = _told(event, signal_id)
            yield writer.event(f"started-{name}", "signal.started", noticed, data)
        if day == event.last_day + timedelta(days=1):
            data = {"signal_id": signal_id, "last_day": event.last_day.isoformat()}
            yield writer.event(f"ended-{name}", "signal.ended", MORNING, data)


def _told(event: MarketEvent, signal_id: str) -> dict[str, Any]:
    """Return what the source tells of an event, no more: size and length may be missing."""
    signal = signal_of(event)
    told: dict[str, Any] = {
        "signal_id": signal_id,
        "kind": str(signal.kind),
        "label": signal.label,
        "start": signal.start.isoformat(),
        "last_day": signal.last_day and signal.last_day.isoformat(),
        "demand": signal.demand,
        "lead_time_extra": signal.lead_time_extra,
        "filled_share": signal.filled_share,
        "supplier_shut": signal.supplier_shut,
        "price": signal.price,
        "shape": str(signal.shape),
        "items": list(signal.items),
        "source": signal.source,
    }
    return {name: value for name, value in told.items() if value not in (None, [], "")}
