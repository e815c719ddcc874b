"""Everything about one item on one page, and the full story of a decision."""

from __future__ import annotations

import zlib
from collections import OrderedDict
from dataclasses import dataclass
from datetime import date, timedelta
from threading import Lock
from typing import Any

from core_modules.item_terms import ItemTerms
from streaming_production.deciding.decision_inputs import unpacked
from streaming_production.deciding.evenings import Tonight
from streaming_production.deciding.explained import (
    decision_detail,
    explanation_parts,
    kept_parts,
)
from streaming_production.deciding.forecast_fan import forecast_fan
from streaming_production.deciding.refusals import UnknownDecision
from streaming_production.storage.queries import DecisionQuery
from streaming_production.storage.rows import DecisionRow, ItemRecord, OrderRow, by_name
from streaming_production.store import Store, UnknownItems

DAYS_SHOWN, DECISIONS_SHOWN, ORDERS_SHOWN = 120, 20, 500
EXPLAINED = 500  # explanations kept in memory
MADE_AT_ONCE = 16  # different explanations


@dataclass(frozen=True, slots=True)
class Told:
    """What the store tells of a decision."""

    row: DecisionRow
    facts: dict[str, Any]
    terms: ItemTerms


class Explainer:
    """Explains decisions from what they followed from, each once; safe to use from many threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = Lock()
        self._making = [Lock() for _ in range(MADE_AT_ONCE)]
        self._parts: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def detail(self, decision_id: str) -> dict[str, Any]:
        """Return a decision with its whole explanation; raises UnknownDecision."""
        with self._store.one_view():
            told = self.look_up(decision_id)
        return self.explain(told)

    def look_up(self, decision_id: str) -> Told:
        """Return what the store tells of a decision; raises UnknownDecision."""
        row = self._store.decision(decision_id)
        facts = self._store.decision_fields(decision_id)
        if row is None or facts is None:
            raise UnknownDecision(decision_id)
        return Told(row, facts, record_of(self._store, row.unique_id).terms)

    def explain(self, told: Told) -> dict[str, Any]:
        """Return a decision with its explanation, which may take long: ask outside of a view."""
        parts = self._explained(told.row.decision_id, told.facts)
        return decision_detail(told.row, told.facts, parts, told.terms)

    def _explained(self, decision_id: str, facts: dict[str, Any]) -> dict[str, Any]:
        # Many may look at a decision in the moment it is made: one explains it, the others wait.
        with self._making[hash(decision_id) % MADE_AT_ONCE]:
            parts = self._parts.get(decision_id)
            if parts is None:
                parts = self._made_again(decision_id, facts)
                with self._lock:
                    self._parts[decision_id] = parts
                    if len(self._parts) > EXPLAINED:
                        self._parts.popitem(last=False)
        return parts

    def _made_again(self, decision_id: str, facts: dict[str, Any]) -> dict[str, Any]:
        content = self._store.decision_inputs(decision_id)
        if content is None:
            return kept_parts(facts)
        try:
            return explanation_parts(unpacked(content).explain())
        except (KeyError, TypeError, ValueError, zlib.error):  # kept by another version
            return kept_parts(facts)


def record_of(store: Store, unique_id: str) -> ItemRecord:
    """Return an item's record; raises UnknownItems."""
    found = store.item_records([unique_id])
    if not found:
        raise UnknownItems([unique_id])
    return found[0]


def item_page(
    store: Store,
    record: ItemRecord,
    tonight: Tonight | None,
    signals: list[dict[str, Any]],
    seed: int,
) -> dict[str, Any]:
    """Return all there is to show of an item but its last decision.

    `tonight` is None without a forecast.
    """
    row = store.item(record.unique_id)
    if row is None:
        raise UnknownItems([record.unique_id])
    name = record.unique_id
    terms = by_name(record.terms)
    del terms["unique_id"]
    decisions = store.list_decisions(DecisionQuery(unique_id=name, size=DECISIONS_SHOWN)).rows
    return {
        **by_name(row),
        "terms": terms,
        "settings": record.settings.model_dump(mode="json"),
        "opening_stock": record.opening_stock,
        "days": _days(store, record),
        "ordered": _ordered(store, record),
        "open_orders": [order_shown(one) for one in store.open_orders([name]).get(name, [])],
        "forecast": _forecast(tonight, seed) if tonight else None,
        "signals": [one for one in signals if not one["items"] or name in one["items"]],
        "decisions": [decision_shown(one) for one in decisions],
    }


def decision_shown(row: DecisionRow) -> dict[str, Any]:
    """Return a decision's row as lists show it."""
    shown = by_name(row)
    del shown["seq"]
    return shown


def order_shown(row: OrderRow) -> dict[str, Any]:
    """Return an order's row as lists show it."""
    return by_name(row)


def _first_day(record: ItemRecord) -> date:
    return evening_of_item(record) - timedelta(days=DAYS_SHOWN - 1)


def _days(store: Store, record: ItemRecord) -> list[dict[str, Any]]:
    """Return the last days of the ledger."""
    return [by_name(row) for row in store.item_days(record.unique_id, _first_day(record))]


def _ordered(store: Store, record: ItemRecord) -> list[dict[str, Any]]:
    """Return the orders placed on those days, the newest first."""
    placed = store.orders_placed(record.unique_id, _first_day(record), ORDERS_SHOWN)
    return [{"day": day, "quantity": quantity} for day, quantity in placed]


def _forecast(tonight: Tonight, seed: int) -> dict[str, Any]:
    model = tonight.inputs.state.model
    return {
        "origin": tonight.origin,
        "model": model.model,
        "fitted_at": tonight.fitted_at,
        "days": forecast_fan(tonight.inputs.state, tonight.inputs.day, seed),
    }


def evening_of_item(record: ItemRecord) -> date:
    """Return the evening that an item's next decision stands on: its last closed day."""
    return record.last_closed_day or record.opening_day
