"""The agent's core: one facade over the store, the decider, the outbox and the forecast worker.

Facts come in by `accept`; a closed day wakes the decider; decisions place orders, which the outbox
sends; the worker process fits forecasts beside it. Everything that lasts is in the store.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

import structlog

from core_modules.planning.plan_inputs import PlanFiles
from core_modules.reporting.report_wording import plural
from streaming_production.deciding.answering import answer_event
from streaming_production.deciding.catalogue import Catalogue, Registered
from streaming_production.deciding.closings import Deciding
from streaming_production.deciding.core_settings import CoreSettings
from streaming_production.deciding.core_status import CoreStatus, core_status, refreshed
from streaming_production.deciding.decider import name_of
from streaming_production.deciding.evenings import Tonight
from streaming_production.deciding.item_pages import (
    Explainer,
    evening_of_item,
    item_page,
    record_of,
)
from streaming_production.deciding.refusals import NoForecast, UnknownDecision
from streaming_production.deciding.signal_words import response, rule_name
from streaming_production.deciding.warm_up import warm_up
from streaming_production.deciding.what_if import WhatIf, changed, told
from streaming_production.deciding.wire_day import WireDay, WireResult, WireState
from streaming_production.deciding.wire_days import WireDays
from streaming_production.deciding.worker_process import WorkerProcess, WorkerState
from streaming_production.events import Event, Events, internal_event
from streaming_production.storage.errors import RuleBroken
from streaming_production.storage.rows import Appended, DecisionRow, ItemRecord, by_name
from streaming_production.store import Store, StoreError
from streaming_production.supplier.outbox_sender import OutboxSender

Verdict = Literal["approve", "reject", "override"]

LOOK_SECONDS = 1.0  # between two looks for new forecasts, while items wait for one
FURTHEST_AHEAD = 366  # days after the last closed one that an event may lie
STOP_SECONDS = 5.0  # for the decider to end its chunk
STATUS_SECONDS = 1.0  # for which the costly part of a status is told again as it was

_log = structlog.get_logger("core")


class AgentCore:
    """Owns the threads and the worker process around one store."""

    def __init__(self, store: Store, settings: CoreSettings) -> None:
        self.store, self.settings = store, settings
        self._deciding = Deciding(store, self._append, settings)
        self._catalogue = Catalogue(store, self._append)
        self._wire = WireDays(store, self._append, self._deciding)
        self._explainer = Explainer(store)
        self._news, self._last_seq = threading.Condition(), store.last_seq
        self._ending, self._wake = threading.Event(), threading.Event()
        self._status: tuple[float, CoreStatus] | None = None
        self._decider = threading.Thread(target=self._decide, name="decider", daemon=True)
        url = settings.supplier_url
        self._outbox = OutboxSender(store, self._append, url) if url else None
        self._worker = (
            WorkerProcess(store.url, _worker_arguments(settings)) if settings.start_worker else None
        )

    def start(self) -> None:
        """Start deciding, sending and fitting; what was left undone is taken up again."""
        self._decider.start()
        if self._outbox is not None:
            self._outbox.start()
        if self._worker is not None:
            self._worker.start()
        self._wake.set()

    def stop(self) -> None:
        """End threads and worker, and wait for them; without a start it does nothing."""
        self._ending.set()
        self._wake.set()
        if self._worker is not None:
            self._worker.stop()
        if self._outbox is not None:
            self._outbox.stop()
        if self._decider.is_alive():
            # A first compilation takes longer; what is half decided is decided again.
            self._decider.join(STOP_SECONDS)
        with self._news:
            self._news.notify_all()

    # Facts in, news out.

    def accept(self, events: Sequence[Event]) -> Appended:
        """Take in events from outside: all of them, or none.

        Raises RuleBroken for a day so far ahead that its year, or month, must be wrong.
        """
        events = Events.of(events)
        latest = date.fromisoformat(max(events.columns.business_day)) if events else date.min
        if latest > datetime.now(UTC).date() + timedelta(days=1):
            self._check_not_far_ahead(latest)
        return self._append(events)

    def _check_not_far_ahead(self, latest: date) -> None:
        """Let a shop be ahead of the calendar, but not of its own closed days by much."""
        closed = self.store.last_closed_day()
        opened = [record.opening_day for record in self.store.item_records()]
        today = max([*opened, *([closed] if closed else [])], default=latest)
        if (latest - today).days > FURTHEST_AHEAD:
            raise RuleBroken(
                "far_ahead",
                f"an event of {latest} is more than {FURTHEST_AHEAD} days after the last closed "
                f"day, {today}: mend its time",
            )

    def _append(
        self, events: Sequence[Event], inputs: Mapping[str, bytes] | None = None
    ) -> Appended:
        events = Events.of(events)
        appended = self.store.append(events, inputs)
        with self._news:
            self._last_seq = max(self._last_seq, appended.last_seq)
            self._news.notify_all()
        kinds = set(events.columns.type)
        if "day.closed" in kinds:
            self._wake.set()
        if self._outbox is not None and any(kind.startswith("decision.") for kind in kinds):
            self._outbox.wake()
        return appended

    def wait_for_change(self, after_seq: int, timeout: float) -> int:
        """Wait until the log goes beyond a number, at most so many seconds; return its newest."""
        with self._news:
            self._news.wait_for(
                lambda: self._last_seq > after_seq or self._ending.is_set(), timeout
            )
            return self._last_seq

    def reset(self, who: str, why: str) -> int:
        """Begin a new epoch with the opening stock; nothing is erased."""
        with self._deciding.lock:
            epoch = self.store.reset(who, why)
        with self._news:
            self._last_seq = self.store.last_seq
            self._news.notify_all()
        return epoch

    # Deciding.

    def _decide(self) -> None:
        warm_up()
        complete = True
        while not self._ending.is_set():
            try:
                complete = self._look(complete)
            except StoreError as error:
                _log.warning("the decider waits for the store", error=str(error))
                self._ending.wait(error.retry_after)
                complete = False
            except Exception:  # noqa: BLE001 - told and tried again: deciding must not just end
                _log.exception("the decider failed")
                self._ending.wait(LOOK_SECONDS)
                complete = False
            self._wake.wait(None if complete else LOOK_SECONDS)

    def _look(self, complete: bool) -> bool:
        """Decide what closed days ask for; False if some items wait for a forecast."""
        news = self._wake.is_set()
        self._wake.clear()
        if not (news or complete or self._deciding.look()):
            return False
        return self._deciding.decide_closings(lambda: not self._ending.is_set())

    def decide_now(self, unique_id: str) -> DecisionRow:
        """Decide for an item at once, with the stock of this moment.

        Raises UnknownItems, NoForecast.
        """
        with self._deciding.lock:
            with self.store.one_view():
                record, tonight = self._tonight(unique_id)
                epoch, number = self.store.epoch, self.store.last_seq
                limits = self._deciding.limits()
            if tonight is None:
                raise NoForecast(unique_id)
            name = name_of(epoch, record.unique_id, tonight.inputs.day, "on_demand", number)
            self._deciding.decide_one(tonight, limits, "on_demand", name)
        return self._decision(name)

    def _tonight(self, unique_id: str) -> tuple[ItemRecord, Tonight | None]:
        record = record_of(self.store, unique_id)
        evening = evening_of_item(record)
        return record, self._deciding.tonight(record, evening, current_stock=True)

    def _decision(self, decision_id: str) -> DecisionRow:
        row = self.store.decision(decision_id)
        if row is None:
            raise UnknownDecision(decision_id)
        return row

    def answer_decision(
        self, decision_id: str, verdict: Verdict, who: str, why: str, quantity: int | None = None
    ) -> DecisionRow:
        """Approve, reject or change a decision that waits.

        Raises UnknownDecision, NotAccepted for a quantity the supplier does not take, RuleBroken
        where it does not wait any more.
        """
        row = self._decision(decision_id)
        if row.status != "waiting":
            raise RuleBroken("not_waiting", f"decision {decision_id} is {row.status}, not waiting")
        record = record_of(self.store, row.unique_id)
        confirmed = self.settings.supplier_url is None
        self._append(answer_event(row, record, verdict, who, why, quantity, confirmed=confirmed))
        return self._decision(decision_id)

    def process_wire_day(self, request: WireDay) -> WireResult:
        """Take in a day of the demo's wire contract, and decide."""
        return self._wire.process(request)

    def wire_state(self) -> WireState:
        """Return the epoch as the demo's wire contract tells it."""
        return self._wire.state()

    # What people look at.

    def explain_decision(self, decision_id: str) -> dict[str, Any]:
        """Return a decision with its whole explanation."""
        return self._explainer.detail(decision_id)

    def item_detail(self, unique_id: str) -> dict[str, Any]:
        """Return everything about one item."""
        with self.store.one_view():
            record, tonight = self._tonight(unique_id)
            page = item_page(self.store, record, tonight, self.signals(), self.settings.seed)
            last = page["last_decision_id"]
            told = self._explainer.look_up(last) if last else None
        return page | {"last_decision": self._explainer.explain(told) if told else None}

    def what_if(
        self,
        unique_id: str,
        demand_factor: float = 1.0,
        lead_time: int | None = None,
        on_hand: int | None = None,
        on_order: int | None = None,
        event: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Decide for an item as it is and under a change; nothing is stored.

        Raises UnknownItems, NoForecast, NotPossible.
        """
        change = WhatIf.of(demand_factor, lead_time, on_hand, on_order, event)
        with self.store.one_view():
            _, tonight = self._tonight(unique_id)
        if tonight is None:
            raise NoForecast(unique_id)
        under = changed(tonight.inputs, change)
        return {"baseline": told(tonight.inputs.decide()), "changed": told(under.decide())}

    def signals(self) -> list[dict[str, Any]]:
        """Return the market signals, each with what the agent does about it."""
        shown = []
        with self.store.one_view():
            for row in self.store.signals():
                made, ordered = self.store.decisions_under(
                    rule_name(row.kind), row.known_day, row.last_day, row.items
                )
                words = response(row, made, ordered)
                shown.append({**by_name(row), "response": words})
        return shown

    def status(self) -> CoreStatus:
        """Return how the core is doing."""
        now, known = time.monotonic(), self._status
        if known is not None and now - known[0] <= STATUS_SECONDS:
            return refreshed(self.store, known[1])
        worker = self._worker.state if self._worker else WorkerState()
        status = core_status(self.store, worker, self.settings.refit_every)
        self._status = (now, status)
        return status

    def ready(self) -> list[str]:
        """Say why the core cannot decide yet; nothing when it can."""
        status = self.status()
        reasons = [] if status.items else ["no item is in the catalogue"]
        if status.forecasts.missing:
            reasons.append(f"{plural(status.forecasts.missing, 'item')} without a forecast yet")
            if status.worker.error:
                reasons.append(f"the forecast worker says: {status.worker.error}")
        return reasons

    # The catalogue and the rules of the house.

    def register_profile(
        self, profile: str, items: int, seed: int, start: date | None = None
    ) -> Registered:
        """Register items of a profile; raises ValueError, or RuleBroken where one is known."""
        return self._catalogue.register_profile(profile, items, seed, start)

    def register_files(self, files: PlanFiles) -> Registered:
        """Register a planner's own items; raises ValueError, or RuleBroken where one is known."""
        return self._catalogue.register_files(files)

    def change_item(
        self,
        unique_id: str,
        *,
        terms: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
        who: str,
        why: str,
    ) -> ItemRecord:
        """Change terms or settings of an item, from its next decision on."""
        record = record_of(self.store, unique_id)
        data = {"terms": terms, "settings": settings, "who": who, "why": why}
        day = evening_of_item(record)
        self._append([internal_event("item.changed", unique_id, day, data)])
        return record_of(self.store, unique_id)

    def change_autonomy(
        self,
        *,
        max_order_value: float | None,
        max_order_quantity: int | None,
        kill_switch: bool,
        who: str,
        why: str,
    ) -> None:
        """Set above which orders wait for a person, from the next decision on."""
        data = {
            "max_order_value": max_order_value,
            "max_order_quantity": max_order_quantity,
            "kill_switch": kill_switch,
            "who": who,
            "why": why,
        }
        day = self.store.last_closed_day() or date.min.replace(year=2000)
        self._append([internal_event("autonomy.changed", None, day, data)])


def _worker_arguments(settings: CoreSettings) -> list[str]:
    names = ("jobs", "engine", "refit_every")
    arguments = [f"--{name.replace('_', '-')}={getattr(settings, name)}" for name in names]
    cache = settings.forecast_cache
    return [*arguments, f"--cache={cache}"] if cache else arguments
