"""What if: tonight's decision under changed demand, terms, stock or events; nothing is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from core_modules.inventory_agent import Decision
from core_modules.learning.multiplier_grid import (
    MULTIPLIERS,
    NO_EFFECT,
    lognormal_sizes,
    point_mass,
)
from core_modules.market_beliefs import TOLD_SPREAD, EventBelief
from core_modules.market_events import SCENARIO_NAMES, EventKind, MarketSignal, Shape
from streaming_production.deciding.decision_inputs import DecisionInputs
from streaming_production.deciding.refusals import NotPossible

MOST_DEMAND = 100.0  # times the forecast


@dataclass(frozen=True, slots=True)
class WhatIfEvent:
    """A market event that is supposed to come."""

    kind: EventKind
    starts_in: int  # days from today, >= 0; 0: it acts on tonight's order already
    days: int  # length, >= 1
    demand: float = 1.0  # multiplier, >= 0
    lead_time_extra: int | None = None  # days, >= 0; None: as usual for the kind
    filled_share: float | None = None  # 0 to 1; None: as usual for the kind


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What is changed; None: as it is."""

    demand_factor: float = 1.0  # 0 to 100
    lead_time: int | None = None  # days, >= 1
    on_hand: int | None = None  # units, >= 0
    on_order: int | None = None  # units, >= 0
    event: WhatIfEvent | None = None

    @classmethod
    def of(
        cls,
        demand_factor: float,
        lead_time: int | None,
        on_hand: int | None,
        on_order: int | None,
        event: Mapping[str, Any] | None,
    ) -> WhatIf:
        """Build a change from plain values."""
        supposed = WhatIfEvent(**{**event, "kind": EventKind(event["kind"])}) if event else None
        return cls(demand_factor, lead_time, on_hand, on_order, supposed)


def changed(inputs: DecisionInputs, change: WhatIf) -> DecisionInputs:
    """Return what a decision would follow from after a change.

    Raises NotPossible where the change cannot be tried.
    """
    if not 0 <= change.demand_factor <= MOST_DEMAND:
        raise NotPossible(
            f"demand_factor must be 0 to {MOST_DEMAND:g}, got {change.demand_factor:g}"
        )
    model, beliefs = inputs.state.model, inputs.state.beliefs
    if change.demand_factor != 1:
        model = replace(model, fitted=model.fitted * change.demand_factor)
    if change.event is not None:
        believed = _believed(change.event, inputs.day)
        beliefs = replace(beliefs, events=(*beliefs.events, believed))
    state = replace(inputs.state, model=model, beliefs=beliefs)
    return _with_stock(_with_lead_time(replace(inputs, state=state), change), change)


def _with_lead_time(inputs: DecisionInputs, change: WhatIf) -> DecisionInputs:
    if change.lead_time is None:
        return inputs
    most = inputs.state.model.fitted.size - inputs.terms.review_period
    if not 1 <= change.lead_time <= most:
        raise NotPossible(
            f"lead_time must be 1 to {most} days, as far as the forecast reaches, "
            f"got {change.lead_time}"
        )
    return replace(inputs, terms=replace(inputs.terms, lead_time=change.lead_time))


def _with_stock(inputs: DecisionInputs, change: WhatIf) -> DecisionInputs:
    situation = inputs.situation
    if change.on_hand is not None:
        situation = replace(situation, on_hand=change.on_hand)
    if change.on_order is not None:
        # It comes when the first order under way comes, else after the lead time.
        columns = np.flatnonzero(situation.due)
        due = np.zeros_like(situation.due)
        due[int(columns[0]) if columns.size else inputs.terms.lead_time - 1] = change.on_order
        situation = replace(situation, due=due)
    return replace(inputs, situation=situation)


def _believed(event: WhatIfEvent, today: date) -> EventBelief:
    start = today + timedelta(days=event.starts_in)
    told = max(event.demand, float(MULTIPLIERS[0]))
    sizes = point_mass(NO_EFFECT) if event.demand == 1 else lognormal_sizes(told, TOLD_SPREAD)
    signal = MarketSignal(
        event_id="what-if",
        kind=event.kind,
        label=SCENARIO_NAMES[event.kind],
        start=start,
        last_day=start + timedelta(days=event.days - 1),
        demand=event.demand,
        lead_time_extra=event.lead_time_extra,
        filled_share=event.filled_share,
        supplier_shut=False,
        announced=event.starts_in > 0,
        shape=Shape.FLAT,
        price=1.0,
        items=(),
    )
    return EventBelief(signal, sizes)


def told(decision: Decision) -> dict[str, Any]:
    """Return what a tried decision would be."""
    return {
        "quantity": decision.quantity,
        "due": decision.due,
        "urgency": decision.urgency.value,
        "reason": decision.reason,
        "stockout_risk": decision.stockout_risk,
        "expected_cost": decision.expected_cost,
        "expected_demand": decision.expected_demand,
        "reorder_point": decision.reorder_point,
        "order_up_to": decision.order_up_to,
        "curve": [{"quantity": quantity, "cost": cost} for quantity, cost in decision.curve],
    }
