"""Delivers parcels in order through the spool, patiently, and counts what became of them."""

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from streaming_production.generating.agent_client import (
    AgentAwayError,
    AgentClient,
    AgentRefusedError,
)
from streaming_production.generating.cloud_events import CloudEvent
from streaming_production.generating.spool import Parcel, Spool

BATCH = 1000  # events a request
EVENTS_PATH = "/api/events"
_BATCH_HEADERS = {"Content-Type": "application/cloudevents-batch+json"}
_BAD_CONTENT = (400, 409, 413, 415, 422)  # of the parcel itself; other refusals concern all
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.25, 10.0  # seconds between attempts while the agent is away
_PATIENCE = 15.0  # seconds that a busy agent is waited for before the days go on without it


@dataclass(slots=True)
class Tally:
    """What the agent answered since it was last asked for."""

    unmet: int = 0  # units asked for and not sold
    answers: list[Mapping[str, Any]] = field(default_factory=list)  # as they came


class Delivery:
    """Sends what the spool holds, oldest first; nothing overtakes a parcel that waits."""

    def __init__(self, spool: Spool, client: AgentClient, stopped: threading.Event) -> None:
        self.spool = spool
        self.rejected: list[str] = []  # one line each, for people
        self.sent = 0  # parcels that the agent acknowledged
        self.applied = self.duplicates = 0  # events that were new to the agent, and that were not
        self.last_seq = 0  # the agent's number of its newest event, as it last answered
        self.away = ""  # why the agent cannot be reached; empty while it can
        self._client = client
        self._stopped = stopped
        self._tally = Tally()
        self._pause = _SHORTEST_PAUSE
        self._next_attempt = 0.0  # on the monotonic clock

    def send(self, parcels: Iterable[Parcel]) -> None:
        """Put parcels into the spool, then send what can be sent."""
        for parcel in parcels:
            self.spool.put(parcel)
        self.push()

    def taken_tally(self) -> Tally:
        """Return what the agent answered since the last call."""
        taken, self._tally = self._tally, Tally()
        return taken

    def push(self) -> None:
        """Send parcels until none waits, the agent is away or a stop is asked for.

        Raises AgentRefusedError where the agent refuses not the parcel but the sender (a wrong
        token, a wrong address): the spool is left as it is.
        """
        if time.monotonic() < self._next_attempt:
            return
        patient_until = time.monotonic() + _PATIENCE
        while not self._stopped.is_set() and (parcel := self.spool.oldest()):
            try:
                self._count(self._client.post(parcel, len(self.spool) - 1))
            except AgentAwayError as problem:
                wait = problem.retry_after
                if wait is not None and time.monotonic() + wait < patient_until:
                    self._stopped.wait(wait)
                    continue
                self._step_back(problem)
                return
            except AgentRefusedError as problem:
                if problem.status not in _BAD_CONTENT:
                    raise
                self._set_aside(parcel, problem)
            else:
                self.spool.remove()
            self._pause, self._next_attempt, self.away = _SHORTEST_PAUSE, 0.0, ""

    def catch_up(self, seconds: float) -> bool:
        """Keep trying for so long; tell whether nothing waits any more."""
        until = time.monotonic() + seconds
        self.push()
        while len(self.spool) and not self._stopped.is_set() and time.monotonic() < until:
            self.wait(min(until, max(self._next_attempt, time.monotonic() + 0.01)))
        return len(self.spool) == 0

    def wait(self, until: float) -> None:
        """Wait until a moment of the monotonic clock, sending what waits meanwhile."""
        while (left := until - time.monotonic()) > 0 and not self._stopped.is_set():
            retry = self._next_attempt - time.monotonic() if len(self.spool) else left
            self._stopped.wait(max(0.0, min(left, retry)))
            self.push()

    def _step_back(self, problem: AgentAwayError) -> None:
        self.away = str(problem)
        self._next_attempt = time.monotonic() + max(problem.retry_after or 0.0, self._pause)
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)

    def _count(self, answer: Mapping[str, Any]) -> None:
        self.sent += 1
        self.applied += int(answer.get("applied", 0))
        self.duplicates += int(answer.get("duplicates", 0))
        self.last_seq = int(answer.get("last_seq") or 0)
        self._tally.unmet += int(answer.get("unmet", 0))
        self._tally.answers.append(answer)

    def _set_aside(self, parcel: Parcel, problem: AgentRefusedError) -> None:
        """Set a refused parcel aside; of a conflict only the events that the agent names."""
        good, bad = _parted(parcel, problem) if problem.status == 409 else (None, parcel)
        if good is None:
            place = self.spool.reject(str(problem))
        else:
            place = self.spool.reject(str(problem), bad)
            self.spool.replace(good)
        self.rejected.append(f"the agent refused a batch, kept as {place}: {problem}")


def event_parcels(events: Sequence[CloudEvent]) -> list[Parcel]:
    """Return events as batches of at most BATCH, in their order."""
    return [
        Parcel(EVENTS_PATH, _BATCH_HEADERS, orjson.dumps(events[first : first + BATCH]))
        for first in range(0, len(events), BATCH)
    ]


def _parted(parcel: Parcel, problem: AgentRefusedError) -> tuple[Parcel | None, Parcel]:
    """Part a batch into what may be sent again and the events that the agent's answer names."""
    if parcel.path != EVENTS_PATH:
        return None, parcel
    events = orjson.loads(parcel.body)
    good = [event for event in events if event["id"] not in str(problem)]
    bad = [event for event in events if event["id"] in str(problem)]
    if not bad or not good:
        return None, parcel
    return replace(parcel, body=orjson.dumps(good)), replace(parcel, body=orjson.dumps(bad))
