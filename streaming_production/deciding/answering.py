"""A person's answer to a decision that waits, as facts."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal

import numpy as np

from core_modules.inventory import allowed_quantity, order_limits
from core_modules.item_terms import ItemTerms
from streaming_production.deciding.decider import order_facts, order_name
from streaming_production.deciding.refusals import NotAccepted
from streaming_production.events import Event, internal_event
from streaming_production.storage.rows import DecisionRow, ItemRecord

TYPES = {
    "approve": "decision.approved",
    "reject": "decision.rejected",
    "override": "decision.overridden",
}


def answer_event(
    row: DecisionRow,
    record: ItemRecord,
    verdict: Literal["approve", "reject", "override"],
    who: str,
    why: str,
    quantity: int | None,
    *,
    confirmed: bool,
) -> list[Event]:
    """Return the answer and, where it orders without a supplier to ask, the confirmation.

    Raises NotAccepted for a quantity that the supplier does not take.
    """
    units = _units(row, record.terms, verdict, quantity)
    today = max(row.day, record.last_closed_day or row.day)
    name = order_name(row.decision_id)
    order = order_facts(name, units, _due(row, record.terms, today)) if units else None
    data = {
        "decision_id": row.decision_id,
        "who": who,
        "why": why,
        "quantity": units,
        "order": order,
    }
    events = [internal_event(TYPES[verdict], row.unique_id, today, data)]
    if order is not None and confirmed:
        events.append(
            internal_event("order.confirmed", row.unique_id, today, order, f"confirmed-{name}")
        )
    return events


def _units(row: DecisionRow, terms: ItemTerms, verdict: str, quantity: int | None) -> int:
    if verdict == "reject":
        return 0
    if verdict == "approve":
        return row.proposed_quantity
    if quantity is None:
        raise NotAccepted("quantity is missing: say how many units are to be ordered")
    wanted = np.array([[quantity]], dtype=np.int64)
    if quantity < 0 or int(allowed_quantity(wanted, order_limits([terms]))[0, 0]) != quantity:
        raise NotAccepted(f"quantity must be {accepted_words(terms)}, got {quantity:,}")
    return quantity


def accepted_words(terms: ItemTerms) -> str:
    """Say which quantities the supplier takes.

    >>> accepted_words(ItemTerms("a", 10, 6, 0.01, moq=20, pack_size=12, max_order=50))
    '0 or a multiple of 12 from 20 to 50'
    """
    what = "a whole number" if terms.pack_size == 1 else f"a multiple of {terms.pack_size}"
    up_to = "" if terms.max_order is None else f" to {terms.max_order}"
    return f"0 or {what} from {max(terms.moq, 1)}{up_to}"


def _due(row: DecisionRow, terms: ItemTerms, today: date) -> date:
    """Return when an order placed now will come: as proposed, or later if days have passed."""
    usual = row.due or row.day + timedelta(days=terms.lead_time)
    return usual + (today - row.day)
