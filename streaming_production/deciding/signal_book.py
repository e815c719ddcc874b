"""What was known of the market on which evening: the signals of the log with all their editions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from core_modules.market_events import SCENARIO_NAMES, MarketSignal
from streaming_production.event_types import SignalEnded, SignalTold, SignalWithdrawn
from streaming_production.events import Event


@dataclass(frozen=True, slots=True)
class KnownSignal:
    """A signal as known on some evening."""

    told: SignalTold
    first_known: date  # business day from whose evening on it is known
    withdrawn: bool = False

    def status(self, today: date) -> str:
        """Say where it stands on an evening: announced, running, ended or withdrawn."""
        if self.withdrawn:
            return "withdrawn"
        if self.told.last_day is not None and self.told.last_day < today:
            return "ended"
        return "running" if self.told.start <= today else "announced"

    def market_signal(self) -> MarketSignal:
        """Return it as the core reads it."""
        told = self.told
        return MarketSignal(
            event_id=told.signal_id,
            kind=told.kind,
            label=told.label or SCENARIO_NAMES[told.kind],
            start=told.start,
            last_day=told.last_day,
            demand=told.demand,
            lead_time_extra=told.lead_time_extra,
            filled_share=told.filled_share,
            supplier_shut=told.supplier_shut,
            announced=self.first_known < told.start,
            shape=told.shape,
            price=told.price,
            items=told.items,
            source=told.source,
        )


class SignalBook:
    """The signals of an epoch; each evening knows the newest edition of that day or before."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        editions: dict[str, list[Event]] = {}
        for event in sorted(events, key=lambda event: event.key):
            if isinstance(event.data, SignalTold | SignalEnded | SignalWithdrawn):
                editions.setdefault(event.data.signal_id, []).append(event)
        self._editions = editions
        self._evenings: dict[date, tuple[MarketSignal, ...]] = {}

    def on(self, evening: date) -> tuple[MarketSignal, ...]:
        """List what is known on an evening of events that are running or still to come."""
        if evening not in self._evenings:
            self._evenings[evening] = tuple(
                signal.market_signal()
                for signal in self.known(evening)
                if signal.status(evening) in ("announced", "running")
            )
        return self._evenings[evening]

    def known(self, evening: date) -> list[KnownSignal]:
        """Return every signal heard of by an evening, in order of first hearing."""
        heard = [_folded(editions, evening) for editions in self._editions.values()]
        return [one for one in heard if one is not None]


def _folded(editions: Iterable[Event], evening: date) -> KnownSignal | None:
    known: KnownSignal | None = None
    for event in editions:
        if event.day > evening:
            break
        said = event.data
        if isinstance(said, SignalTold):
            if event.subject is not None and not said.items:
                said = said.model_copy(update={"items": (event.subject,)})
            known = KnownSignal(said, known.first_known if known else event.day)
        elif known is None:
            continue  # it ends before it was heard of: its data is still to come
        elif isinstance(said, SignalEnded):
            last = {"last_day": said.last_day or event.day}
            known = replace(known, told=known.told.model_copy(update=last))
        else:
            known = replace(known, withdrawn=True)
    return known
