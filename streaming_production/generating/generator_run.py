"""Plays a world against the agent: writes each day's events, delivers them, waits for decisions."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from streaming_production.generating.agent_client import AgentAwayError, AgentClient
from streaming_production.generating.agent_view import (
    DayAnswer,
    answer_of,
    orders_coming,
    wait_until_decided,
)
from streaming_production.generating.cloud_events import CloudEvent, EventWriter, at_minute
from streaming_production.generating.day_lines import DayLine, Speaker
from streaming_production.generating.delivery import Delivery, event_parcels
from streaming_production.generating.run_choice import RunChoice

RECEIVING = at_minute(6 * 60 + 30)  # deliveries are on the shelf before the shop opens
CLOSING = at_minute(22 * 60)
IMPATIENT = 2.0  # the same seconds once it has taken longer: an item without forecast may stay so


@dataclass(slots=True)
class GeneratorRun:
    """One run, from its first open day to its last."""

    run: RunChoice
    client: AgentClient
    delivery: Delivery
    speaker: Speaker
    stopped: threading.Event
    speed: float  # seconds a day, 0: as fast as it goes
    patience: float = 60.0  # seconds that the agent may take for a day before the next one begins

    def play(self, today: date | None) -> None:
        """Play the days after `today`, the agent's last closed day; return early if stopped."""
        received: set[str] = set()
        for number in range(days_over(self.run.world.start, today), self.run.world.days):
            if self.stopped.is_set():
                return
            ends = time.monotonic() + self.speed
            self._play_day(number, received)
            self.delivery.wait(ends)

    def _play_day(self, number: int, received: set[str]) -> None:
        writer = EventWriter(self.run.record.name, self.run.world.start + timedelta(days=number))
        events = self._deliveries(writer, received) + self.run.world.facts(number, writer)
        events.sort(key=lambda event: str(event["time"]))
        events += self._closes(writer)
        before = len(self.delivery.rejected)
        self.delivery.taken_tally()  # of earlier days, where the agent was away
        self.delivery.send(event_parcels(events))
        answer = self._answer(writer.day)
        tally = self.delivery.taken_tally()
        line = DayLine(
            day=writer.day,
            label=self.run.world.label(number),
            demand=self.run.world.demand(number),
            unmet=None if self.delivery.away else tally.unmet,
            events=len(events),
            answer=answer,
            waiting=len(self.delivery.spool),
            away=self.delivery.away,
        )
        self.speaker.day(line)
        self.speaker.warn(self.delivery.rejected[before:])

    def _deliveries(self, writer: EventWriter, received: set[str]) -> list[CloudEvent]:
        """Return what arrives by today of the orders the agent has placed.

        Nothing while the agent is away or behind: its orders cannot be known then.
        """
        self.delivery.push()
        if len(self.delivery.spool):
            return []
        try:
            self._await_decisions()  # also of days that were caught up with a moment ago
            orders = list(orders_coming(self.client))
        except AgentAwayError as problem:
            self.delivery.away = str(problem)
            return []
        events = []
        for order in orders:
            if self._is_due(order, writer.day) and order["order_id"] not in received:
                received.add(order["order_id"])
                events.append(self._receipt(order, writer))
        return events

    def _is_due(self, order: Mapping[str, Any], day: date) -> bool:
        takes_part = not self.run.only_items or order["unique_id"] in self.run.only_items
        return takes_part and self.run.world.delivery(order).day <= day

    def _receipt(self, order: Mapping[str, Any], writer: EventWriter) -> CloudEvent:
        delivery = self.run.world.delivery(order)
        data: dict[str, Any] = {"quantity": delivery.quantity, "order_id": order["order_id"]}
        if delivery.short:
            data["complete"] = True
        name = f"receipt-{order['order_id']}"
        return writer.event(name, "receipt.recorded", RECEIVING, data, order["unique_id"])

    def _closes(self, writer: EventWriter) -> list[CloudEvent]:
        data = {"day": writer.day.isoformat()}
        subjects = self.run.only_items or (None,)
        return [writer.event("close", "day.closed", CLOSING, data, subject) for subject in subjects]

    def _answer(self, day: date) -> DayAnswer | None:
        """Wait until the agent has decided the day; None where it has not, or is away."""
        if len(self.delivery.spool):
            return None
        try:
            return answer_of(self.client, day) if self._await_decisions() else None
        except AgentAwayError as problem:
            self.delivery.away = str(problem)
            return None

    def _await_decisions(self) -> bool:
        """Wait until the agent has decided all closed days; tell whether it has."""
        seen = self.delivery.last_seq
        decided = wait_until_decided(self.client, seen, self.stopped, self.patience)
        if not decided:
            self.patience = IMPATIENT
        return decided


def days_over(start: date, today: date | None) -> int:
    """Return how many days of a run are over: from its first day to the agent's today."""
    return 0 if today is None else max((today - start).days + 1, 0)
