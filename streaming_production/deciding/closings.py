"""Decides the items of every closed day, in chunks, each exactly once however often it is tried."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from threading import RLock
from typing import Protocol

import structlog

from streaming_production.deciding.core_settings import CoreSettings
from streaming_production.deciding.decider import Kind, Limits, Made, decided, name_of
from streaming_production.deciding.evenings import Evenings, Tonight
from streaming_production.events import Event
from streaming_production.storage.rows import Appended, Closing, ItemRecord
from streaming_production.store import EventConflict, RuleBroken, Store

CHUNK = 50  # items decided in one transaction; others wait no longer than that

# What a wrong item may raise; it must not stop the others.
FAULTS = (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError)

_log = structlog.get_logger("deciding")


class Append(Protocol):
    """Writes facts, and wakes whoever waits for news."""

    def __call__(
        self, events: Sequence[Event], inputs: Mapping[str, bytes] | None = None
    ) -> Appended:
        """Write events with the inputs of the decisions among them."""
        ...


class Deciding:
    """Makes decisions and writes them; one at a time, whichever thread asks."""

    def __init__(self, store: Store, append: Append, settings: CoreSettings) -> None:
        self._store, self._append, self._settings = store, append, settings
        self._evenings = Evenings(store, settings)
        self.lock = RLock()

    def look(self) -> bool:
        """See which forecasts are there now; True if others than at the last look."""
        with self.lock:
            return self._evenings.look()

    def decide_closings(self, proceed: Callable[[], bool]) -> bool:
        """Decide what closed days ask for; False if some items wait for a forecast."""
        pending = self._store.pending_closings()
        if not pending:
            return True
        with self.lock:
            self._evenings.look()
        complete = True
        for closing in sorted(pending, key=lambda one: (one.day, one.seq)):
            if not proceed():
                return True
            complete &= self._decide_closing(closing, proceed)
        return complete

    def _decide_closing(self, closing: Closing, proceed: Callable[[], bool]) -> bool:
        names = self._store.undecided(closing)
        complete = True
        for start in range(0, len(names), CHUNK):
            if not proceed():
                return True
            complete &= self._decide_chunk(names[start : start + CHUNK], closing.day)
        if complete:
            self._store.mark_closing_done(closing)
        return complete

    def _decide_chunk(self, names: Sequence[str], day: date) -> bool:
        with self.lock:
            records = self._store.item_records(names)
            due = [record for record in records if on_review(record, day)]
            gathered = self._evenings.gather(due, day)
            made = self._made_of(gathered.ready, day)
            self.write(made)
        waiting = any(gathered.waits(record.unique_id) for record in due)
        return not waiting and len(made) == len(gathered.ready)

    def _made_of(self, ready: Mapping[str, Tonight], day: date) -> list[Made]:
        """Decide for items; one that fails is told of and left for the next time."""
        epoch, limits, made = self._store.epoch, self.limits(), []
        for name, one in ready.items():
            decision_id = name_of(epoch, name, day, "day_close")
            try:
                made.append(self._made(one, limits, "day_close", decision_id))
            except FAULTS:
                _log.exception("an item cannot be decided", unique_id=name, day=str(day))
        return made

    def tonight(self, record: ItemRecord, day: date, *, current_stock: bool) -> Tonight | None:
        """Return what a decision would follow from; None where there is no forecast for it."""
        with self.lock:
            self._evenings.look_for([record.unique_id])
            gathered = self._evenings.gather([record], day, current_stock=current_stock)
        return gathered.ready.get(record.unique_id)

    def decide_one(self, one: Tonight, limits: Limits, kind: Kind, decision_id: str) -> Made:
        """Decide for one item and write it."""
        with self.lock:
            made = self._made(one, limits, kind, decision_id)
            self.write([made])
        return made

    def limits(self) -> Limits:
        """Return up to which orders go out without a person."""
        rules = self._store.autonomy()
        return Limits(rules.max_order_value, rules.max_order_quantity, rules.kill_switch)

    def _made(self, one: Tonight, limits: Limits, kind: Kind, decision_id: str) -> Made:
        return decided(
            one.inputs,
            one.record.settings,
            limits,
            decision_id=decision_id,
            kind=kind,
            forecast_id=one.forecast_id,
        )

    def write(self, made: Sequence[Made]) -> None:
        """Write decisions and their orders; those that are there already stay as they are."""
        if not made:
            return
        # Facts of one kind together: the store books them in one go.
        events = [one.event for one in made]
        if self._settings.supplier_url is None:
            events += [one.confirmation() for one in made if one.order_id is not None]
        try:
            self._append(events, {one.decision_id: one.inputs for one in made})
        except (RuleBroken, EventConflict) as error:
            if len(made) == 1:
                # Another attempt came first: its decision stands.
                _log.info("already decided", decision_id=made[0].decision_id, why=str(error))
                return
            for one in made:
                self.write([one])


def on_review(record: ItemRecord, day: date) -> bool:
    """Tell whether an item may be ordered on the evening of a day, which is not in its past."""
    last = record.last_decided_day
    return last is None or (day - last).days >= record.terms.review_period
