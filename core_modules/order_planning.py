"""Order planning: history and stock -> one order line an item, each with its reason.

In order: (1) demand models are fitted to the history; (2) each item is decided alone, as in the
simulation; (3) limits that items share change the orders where it costs least; (4) every item gets
a line, 0 where nothing is ordered.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from core_modules.agent_rules import Urgency
from core_modules.decision_inputs import RecordPart
from core_modules.forecasting.engines import Engine
from core_modules.forecasting.forecast_values import DemandModel
from core_modules.forecasting.item_processes import in_processes
from core_modules.inventory_agent import AgentSettings
from core_modules.market_beliefs import ShockPrior
from core_modules.market_events import signals_known
from core_modules.planning.item_classes import ItemClass, annual_values, classify, service_targets
from core_modules.planning.item_decisions import (
    ItemDecision,
    decide_items,
    item_evenings,
    plan_horizon,
)
from core_modules.planning.period_calendar import PeriodCalendar
from core_modules.planning.plan_inputs import PlanFiles, PlanInputs, read_plan
from core_modules.planning.profiles import PlanProfile, default_profile, read_profile
from core_modules.planning.shared_orders import (
    FinalOrder,
    RoomLimits,
    evening_limits,
    room_taken,
    share_orders,
)
from core_modules.reporting.report_wording import plural

__all__ = [
    "Plan",
    "PlanFiles",
    "PlanInputs",
    "PlanProfile",
    "PlannedOrder",
    "RoomLimits",
    "default_profile",
    "fit_plan_models",
    "plan_orders",
    "planning_settings",
    "read_plan",
    "read_profile",
]

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class PlannedOrder:
    """One line of the order list; times in periods of the plan."""

    unique_id: str
    quantity: int  # units, 0 where nothing is ordered
    due: date | None  # first day of the period of arrival
    urgency: Urgency
    needs_review: bool  # a person is asked
    reason: str  # one line
    expected_cost: float  # money over the horizon, of this quantity
    stockout_risk: float  # chance of running short until the next delivery after it, 0 to 1
    projected_stock: float  # units expected on the shelf when the order arrives, without it
    reorder_point: int  # units of inventory position at or below which an order goes out
    order_up_to: int  # units of inventory position that the order aims at


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A finished plan; lists are in order of the items."""

    orders: list[PlannedOrder]
    decided: list[ItemDecision]  # each item alone, before shared limits
    record: list[RecordPart]  # of what was decided, to be written part by part
    final: list[FinalOrder]
    classes: list[ItemClass]
    notes: list[str]  # for people


def planning_settings(profile: PlanProfile, seed: int = 0) -> AgentSettings:
    """Return how the agent decides under a profile."""
    return AgentSettings(
        priority=profile.priority,
        shocks=ShockPrior().scaled(profile.shock_factor),
        seed=seed,
        shortage_weight=profile.shortage_weight,
    )


def fit_plan_models(
    inputs: PlanInputs,
    *,
    engine: Engine = "prophet",
    jobs: int = 1,
    cache: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[DemandModel]:
    """Fit the items' demand models to the history, in order of the items."""
    from core_modules.demand_forecaster import ForecastSettings, fit_models

    last_day = inputs.calendar.last + timedelta(days=inputs.calendar.step - 1)
    return fit_models(
        inputs.history.frame,
        horizon=plan_horizon(inputs),
        settings=ForecastSettings(engine=engine),
        freq=inputs.history.freq,
        events=[event for event in inputs.events if event.start <= last_day],
        groups=inputs.groups or None,
        closed=inputs.history.closed_days,
        jobs=jobs,
        cache=cache,
        progress=progress,
    )


def plan_orders(
    inputs: PlanInputs,
    models: Sequence[DemandModel],
    profile: PlanProfile,
    limits: RoomLimits,
    *,
    seed: int = 0,
    priors: Mapping[str, ShockPrior] | None = None,
    progress: Progress = lambda _: None,
    jobs: int = 1,
) -> Plan:
    """Decide tonight's orders for all items under all limits together.

    `models` are in order of the items, `priors` those of unannounced surges by item; by default the
    profile's. `jobs` processes share the items.
    """
    settings = planning_settings(profile, seed)
    calendar = inputs.calendar
    signals = signals_known(calendar.agent_events(inputs.events), calendar.last)
    classes = _classes(inputs, models, settings, jobs)
    targets = service_targets(classes, profile.service_by_class)
    own = [
        replace(settings, service_target=targets.get(one.unique_id, settings.service_target))
        for one in inputs.terms
    ]
    evenings = item_evenings(inputs, models, own, priors or {}, signals)
    decided, record = decide_items(evenings, progress, jobs)
    final = share_orders(decided, evening_limits(inputs, limits))
    return Plan(
        orders=[_line(one, order, calendar) for one, order in zip(decided, final, strict=True)],
        decided=decided,
        record=record,
        final=final,
        classes=classes,
        notes=[*inputs.notes, *_order_notes(inputs), *_limit_notes(inputs, limits, final)],
    )


def _classes(
    inputs: PlanInputs, models: Sequence[DemandModel], settings: AgentSettings, jobs: int
) -> list[ItemClass]:
    """Class the items by value and by how surely their lead-time demand is forecast."""
    # At least a week, so that one closed day does not make an item look unforecastable.
    least = 7 // inputs.calendar.step
    ahead = [max(one.lead_time - 1 + one.review_period, least) for one in inputs.terms]

    def vary(first: int, last: int) -> list[float]:
        found = []
        for place in range(first, last):
            drawn = (settings.paths, ahead[place], settings.seed, max_ahead)
            totals = models[place].standard_paths(*drawn).sum(axis=1)
            mean = float(totals.mean())
            found.append(float(totals.std()) / mean if mean > 0 else np.inf)
        return found

    max_ahead = max(ahead)
    variation = np.array([one for part in in_processes(vary, len(models), jobs) for one in part])
    names = [one.unique_id for one in inputs.terms]
    value = annual_values(inputs.history.frame, inputs.terms, inputs.history.freq)
    return classify(names, value, variation)


def _line(one: ItemDecision, order: FinalOrder, calendar: PeriodCalendar) -> PlannedOrder:
    decision = one.record.decision
    due = decision.due or calendar.last + timedelta(days=one.terms.lead_time)
    lost = order.expected_cost - order.alone_cost
    return PlannedOrder(
        unique_id=decision.unique_id,
        quantity=order.quantity,
        due=calendar.first_day(due) if order.quantity else None,
        urgency=decision.urgency,
        needs_review=decision.needs_review or lost > one.settings.review_cost,
        reason=_reason(one, order, calendar.in_calendar(decision.reason)),
        expected_cost=order.expected_cost,
        stockout_risk=order.stockout_risk,
        projected_stock=decision.projected_stock,
        reorder_point=decision.reorder_point,
        order_up_to=decision.order_up_to,
    )


def _reason(one: ItemDecision, order: FinalOrder, reason: str) -> str:
    if one.shut_until is not None:
        return f"{reason} The supplier takes no order tonight; the next on {one.shut_until}: 0."
    if one.haste > 0 and order.quantity:
        reason = f"{reason} It is sent fast."
    if order.quantity != order.alone:
        reason = (
            f"{reason} Limits shared with other items make it {order.quantity:,} instead of "
            f"{order.alone:,}."
        )
    if one.record.decision.needs_review:
        reason = f"{reason} A person should look: {one.record.decision.review_reason}."
    return reason


def _order_notes(inputs: PlanInputs) -> list[str]:
    """Tell of open orders whose day cannot be right, or does not matter tonight."""
    calendar, notes = inputs.calendar, []
    late = [one for one in inputs.open_orders if calendar.periods_after(one.due) <= 0]
    if late:
        notes.append(
            f"{_counted(len(late))} due by {max(one.due for one in late)}, {late[0].unique_id!r} "
            "first, and not yet in stock: expected in the next period; remove what has arrived"
        )
    horizon = plan_horizon(inputs)
    far = [one for one in inputs.open_orders if calendar.periods_after(one.due) > horizon]
    if far:
        notes.append(
            f"{_counted(len(far))} due on {min(one.due for one in far)} or later, "
            f"{far[0].unique_id!r} first, beyond what is planned: not counted on"
        )
    return notes


def _counted(orders: int) -> str:
    return "1 open order is" if orders == 1 else f"{orders} open orders are"


def _limit_notes(inputs: PlanInputs, limits: RoomLimits, final: Sequence[FinalOrder]) -> list[str]:
    notes = []
    if limits.capacity is not None and (taken := room_taken(inputs)) > limits.capacity:
        notes.append(
            f"stock and open orders take {taken:,.0f} of a capacity of {limits.capacity:,.0f}: "
            "nothing can be ordered"
        )
    changed = [one for one in final if one.quantity != one.alone]
    if changed:
        more = sum(one.expected_cost - one.alone_cost for one in changed)
        notes.append(
            f"limits that items share change {plural(len(changed), 'order')}, which is expected to "
            f"cost {more:,.2f} more"
        )
    return notes
