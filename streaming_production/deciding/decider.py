"""One item's decision: what it follows from, whether a person is asked first, what is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any, Literal
from uuid import UUID, uuid5

import numpy as np

from core_modules.agent_policy import LONGEST_EXTRA
from core_modules.inventory_agent import (
    LONGEST_DELAY,
    AgentSettings,
    Decision,
    ItemState,
    Situation,
)
from core_modules.item_terms import ItemTerms
from streaming_production.deciding.core_settings import CoreSettings
from streaming_production.deciding.decision_inputs import DecisionInputs, packed
from streaming_production.event_types import ItemSettings
from streaming_production.events import Event, internal_event

Kind = Literal["day_close", "on_demand", "wire"]

_NAMES = UUID("5a8d1c3e-7b0f-5f3a-9c55-2f4f6f1e8f10")  # of our decisions and orders


@dataclass(frozen=True, slots=True)
class Limits:
    """Up to which orders go out without a person; None: no limit."""

    max_order_value: float | None = None  # money
    max_order_quantity: int | None = None  # units
    kill_switch: bool = False  # every order waits


@dataclass(frozen=True, slots=True)
class Arrival:
    """What is still to come of an order."""

    due: date
    quantity: int  # units, >= 0


@dataclass(frozen=True, slots=True)
class Made:
    """A decision as it goes into the log, with what it followed from."""

    decision_id: str
    event: Event
    order_id: str | None  # of the order that it places, None where none goes out
    quantity: int  # units
    due: date | None
    inputs: bytes

    def confirmation(self) -> Event:
        """Return the order's confirmation, for a shop without a supplier to ask."""
        data = {"order_id": self.order_id, "quantity": self.quantity, "due": self.due}
        return internal_event(
            "order.confirmed",
            self.event.subject,
            self.event.day,
            data,
            id=f"confirmed-{self.order_id}",
        )


def name_of(epoch: int, unique_id: str, day: date, kind: str, number: int | str = 0) -> str:
    """Return the same id for the same decision, however often it is attempted."""
    return str(uuid5(_NAMES, f"{epoch}\n{unique_id}\n{day.isoformat()}\n{kind}\n{number}"))


def order_name(decision_id: str) -> str:
    """Return the id of the order that a decision places."""
    return str(uuid5(_NAMES, f"order\n{decision_id}"))


def needed_days(terms: ItemTerms) -> int:
    """Return the days that a demand model must reach ahead for a decision."""
    return terms.lead_time + terms.review_period + LONGEST_EXTRA + LONGEST_DELAY


def agent_settings(core: CoreSettings, item: ItemSettings) -> AgentSettings:
    """Join the settings of the core with an item's own."""
    return AgentSettings(
        priority=item.priority,
        seed=core.seed,
        review_cost=core.review_cost,
        service_target=item.service_target,
        risk=item.risk,
    )


def situation_of(on_hand: int, arrivals: Iterable[Arrival], today: date, days: int) -> Situation:
    """Lay what is on order over the days ahead; what is overdue is expected tomorrow."""
    due = np.zeros(days, dtype=np.int64)
    for one in arrivals:
        column = max((one.due - today).days - 1, 0)
        if column < days:
            due[column] += one.quantity
    return Situation(on_hand=on_hand, backlog=0, due=due)


def inputs_of(
    state: ItemState,
    terms: ItemTerms,
    today: date,
    on_hand: int,
    arrivals: Sequence[Arrival],
    settings: AgentSettings,
) -> DecisionInputs:
    """Gather what a decision follows from, the model cut to the days that matter."""
    days = needed_days(terms)
    model = state.model
    if model.fitted.size > days:
        model = replace(model, fitted=model.fitted[:days].copy())
    situation = situation_of(on_hand, arrivals, today, days)
    return DecisionInputs(replace(state, model=model), terms, today, situation, settings)


def waiting_reasons(
    decision: Decision, order_value: float, item: ItemSettings, shop: Limits
) -> tuple[str, ...]:
    """Say why an order waits for a person; nothing where it goes out by itself."""
    if decision.quantity == 0:
        return ()
    reasons = []
    if shop.kill_switch:
        reasons.append("automatic ordering is switched off")
    if not item.automatic:
        reasons.append("orders of this item are approved by a person")
    reasons += _over("value", order_value, item.max_order_value, shop.max_order_value)
    reasons += _over(
        "quantity", decision.quantity, item.max_order_quantity, shop.max_order_quantity
    )
    if decision.needs_review:
        reasons.append(decision.review_reason)
    return tuple(reasons)


def _over(what: str, amount: float, own: float | None, shop: float | None) -> list[str]:
    limit, whose = (own, "the item's") if own is not None else (shop, "the shop's")
    if limit is None or amount <= limit:
        return []
    return [f"the order's {what} of {amount:,.15g} is above {whose} limit of {limit:,.15g}"]


def decided(
    inputs: DecisionInputs,
    item: ItemSettings,
    shop: Limits,
    *,
    decision_id: str,
    kind: Kind,
    forecast_id: int | None,
) -> Made:
    """Decide, and put it as a fact; an order that nobody has to approve goes out with it."""
    decision = inputs.decide()
    value = decision.quantity * inputs.terms.unit_cost
    # A client of the demo's wire contract cannot approve: only limits that somebody set hold it.
    asked = replace(decision, needs_review=False) if kind == "wire" else decision
    waiting = waiting_reasons(asked, value, item, shop)
    status = "waiting" if waiting else "automatic" if decision.quantity else "no_order"
    order_id = order_name(decision_id) if status == "automatic" else None
    data = decision_facts(decision) | {
        "decision_id": decision_id,
        "kind": kind,
        "status": status,
        "waiting_for": waiting,
        "on_hand": inputs.situation.on_hand,
        "on_order": int(inputs.situation.due.sum()),
        "forecast_id": forecast_id,
        "order_value": value,
        "order": order_facts(order_id, decision.quantity, decision.due) if order_id else None,
    }
    event = internal_event(
        "decision.made", decision.unique_id, decision.day, data, id=f"decision-{decision_id}"
    )
    return Made(decision_id, event, order_id, decision.quantity, decision.due, packed(inputs))


def order_facts(order_id: str, quantity: int, due: date | None) -> dict[str, Any]:
    """Return the data of an order that goes out."""
    return {"order_id": order_id, "quantity": quantity, "due": due}


def decision_facts(decision: Decision) -> dict[str, Any]:
    """Return the fields of a core decision by name."""
    return {field.name: getattr(decision, field.name) for field in fields(decision)}
