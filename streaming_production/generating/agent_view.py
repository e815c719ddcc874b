"""What the generator asks the agent: its catalogue, its day, its orders, what it did."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from core_modules.settings import REFERENCE_START
from streaming_production.generating.agent_client import AgentAwayError, AgentClient

_POLL = 0.05  # seconds between two looks at the agent
_COMING = ("confirmed", "partly_received")  # orders of which something is still to come


@dataclass(frozen=True, slots=True)
class AgentView:
    """The agent as a run begins."""

    epoch: int
    today: date | None  # its last closed day
    next_day: date  # the day after all that it knows
    items: tuple[dict[str, Any], ...]  # rows of its catalogue, by id


@dataclass(frozen=True, slots=True)
class DayAnswer:
    """What the agent did about one day."""

    orders: int  # placed without asking
    units: int  # in them
    waiting: int  # decisions that wait for a person


def look_at_agent(client: AgentClient) -> AgentView:
    """Ask for the epoch, the day and the catalogue."""
    status = client.get("/api/status")
    items = sorted(client.rows("/api/items", "items"), key=lambda row: str(row["unique_id"]))
    today = date.fromisoformat(status["today"]) if status["today"] else None
    known = [date.fromisoformat(row["forecast_origin"]) for row in items if row["forecast_origin"]]
    last = today or max(known, default=REFERENCE_START - timedelta(days=1))
    return AgentView(int(status["epoch"]), today, last + timedelta(days=1), tuple(items))


def wait_until_ready(client: AgentClient, stopped: threading.Event, seconds: float) -> str:
    """Wait until the agent is there and has its forecasts; return why it is not, empty if it is."""
    until, why = time.monotonic() + seconds, ""
    while not stopped.is_set():
        try:
            client.get("/readyz")
        except AgentAwayError as problem:
            why = str(problem)
        else:
            return ""
        if time.monotonic() > until:
            return why
        stopped.wait(4 * _POLL)
    return why


def wait_until_decided(
    client: AgentClient, seen: int, stopped: threading.Event, seconds: float
) -> bool:
    """Wait until every closed day is decided and its orders have left; tell whether they have.

    A status that is older than the agent's event number `seen` tells nothing.
    """
    until = time.monotonic() + seconds
    while not stopped.is_set():
        status = client.get("/api/status")
        open_ends = status["closings_pending"] + status["outbox"]["queued"]
        if open_ends == 0 and status["last_seq"] >= seen:
            return True
        if time.monotonic() > until:
            return False
        stopped.wait(_POLL)
    return False


def orders_coming(client: AgentClient) -> Iterator[dict[str, Any]]:
    """Yield the orders that the supplier has confirmed and that have not fully arrived."""
    for status in _COMING:
        yield from client.rows("/api/orders", "orders", status=status)


def answer_of(client: AgentClient, day: date) -> DayAnswer:
    """Ask what the agent decided on a day."""
    on = day.isoformat()
    orders = list(client.rows("/api/decisions", "decisions", status="automatic", first=on, last=on))
    waiting = client.get("/api/decisions", status="waiting", first=on, last=on, size=1)["total"]
    return DayAnswer(len(orders), sum(int(row["quantity"]) for row in orders), int(waiting))
