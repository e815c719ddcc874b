"""Sends what the outbox holds; an order whose fate is not known is asked for, never sent blindly.

For each order, in this order: (1) `order.sent` is written; (2) it is posted under its own key;
(3) what came of it is written. After a crash an order of (1) is asked for first, and posted again,
under the same key, only where the supplier has never heard of it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from streaming_production.events import Event, internal_event
from streaming_production.storage.rows import OrderRow, OutboxRow
from streaming_production.store import RuleBroken, Store, StoreError
from streaming_production.supplier.supplier_client import (
    Confirmed,
    NotThere,
    OrderSlip,
    Outcome,
    Refused,
    SupplierClient,
    Unknown,
    Unreached,
)

Append = Callable[[Sequence[Event]], object]

BATCH = 50  # orders a round
LONGEST_WAIT = 60.0  # seconds between two attempts
IDLE_SECONDS = 1.0  # between two looks at the outbox

_log = structlog.get_logger("outbox")


def wait_after(attempts: int) -> float:
    """Return the seconds to wait after so many attempts: 1, 2, 4 ... 60.

    >>> [wait_after(number) for number in (1, 2, 3, 10)]
    [1.0, 2.0, 4.0, 60.0]
    """
    return min(2.0 ** min(max(attempts - 1, 0), 10), LONGEST_WAIT)


class OutboxSender:
    """A thread that empties the outbox; `append` writes facts and wakes whoever listens."""

    def __init__(self, store: Store, append: Append, url: str) -> None:
        self._store, self._append = store, append
        self._client = SupplierClient(url)
        self._wake, self._ending = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def wake(self) -> None:
        """Look at the outbox now."""
        self._wake.set()

    def stop(self) -> None:
        """Finish the order in hand and end."""
        self._ending.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        self._client.close()

    def _run(self) -> None:
        while not self._ending.is_set():
            try:
                busy = self.send_due(datetime.now(UTC))
            except StoreError as error:
                _log.warning("outbox waits for the store", error=str(error))
                busy = False
            except Exception:  # noqa: BLE001 - told and tried again: sending must not just end
                _log.exception("the outbox failed")
                busy = False
            if not busy:
                self._wake.wait(IDLE_SECONDS)
                self._wake.clear()

    def send_due(self, now: datetime) -> bool:
        """Attempt what is due; True if there may be more to do at once."""
        rows = self._store.outbox_due(now)[:BATCH]
        found = {row.order_id: self._store.order(row.order_id) for row in rows}
        due = [(row, order) for row in rows if (order := found[row.order_id]) is not None]
        self._write([_fact("sent", order, {}) for row, order in due if row.status == "queued"])
        results: list[Event] = []
        unreached = ""
        for row, order in due:
            if self._ending.is_set():
                break
            outcome = Unreached(unreached) if unreached else self._attempt(row, order)
            results += self._facts(row, order, outcome)
            if isinstance(outcome, Unreached | Unknown):
                self._later(row, outcome.why, now)
            if isinstance(outcome, Unreached):
                unreached = outcome.why  # the others would wait as long for nothing
        self._write(results)
        return bool(rows) and not unreached

    def _attempt(self, row: OutboxRow, order: OrderRow) -> Outcome:
        slip = OrderSlip(row.order_id, row.unique_id, row.quantity, order.placed_day, row.due)
        if row.status == "queued":
            return self._client.send(slip)
        outcome = self._client.ask(slip)
        return self._client.send(slip) if isinstance(outcome, NotThere) else outcome

    def _facts(self, row: OutboxRow, order: OrderRow, outcome: Outcome) -> list[Event]:
        match outcome:
            case Confirmed(quantity, due):
                return [_fact("confirmed", order, {"quantity": quantity, "due": due})]
            case Refused(why):
                return [_fact("refused", order, {"why": why})]
            case Unknown(why) if row.status != "unknown":
                return [_fact("unknown", order, {"why": why})]
        return []

    def _later(self, row: OutboxRow, why: str, now: datetime) -> None:
        _log.info("order waits", order_id=row.order_id, attempts=row.attempts + 1, why=why)
        wait = timedelta(seconds=wait_after(row.attempts + 1))
        self._store.outbox_attempted(row.order_id, now + wait, why)

    def _write(self, events: Sequence[Event]) -> None:
        """Write facts; one that the log refuses, as the order was cancelled since, is left out."""
        if not events:
            return
        try:
            self._append(events)
        except RuleBroken as error:
            if len(events) == 1:
                _log.info("order has moved on", error=str(error))
                return
            for event in events:
                self._write([event])


def _fact(what: str, order: OrderRow, data: dict[str, Any]) -> Event:
    """Make an order's fact; its id is the same however often it is attempted."""
    return internal_event(
        f"order.{what}",
        order.unique_id,
        order.placed_day,
        {"order_id": order.order_id, **data},
        id=f"{what}-{order.order_id}",
    )
