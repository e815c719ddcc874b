"""Tonight's decision for each item of a plan, with the curve that shared limits choose from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from core_modules.agent_policy import LONGEST_EXTRA, DecisionRecord
from core_modules.forecasting.forecast_values import DemandModel
from core_modules.forecasting.item_processes import in_processes
from core_modules.inventory_agent import (
    LONGEST_DELAY,
    AgentSettings,
    Decision,
    ItemState,
    Situation,
    decide,
    opening_state,
)
from core_modules.item_terms import ItemTerms, OpenOrder
from core_modules.market_beliefs import DayEvidence, ShockPrior, update_beliefs
from core_modules.market_events import MarketSignal, affecting
from core_modules.planning.cost_curve import cost_curve
from core_modules.planning.expediting import choose_expedite
from core_modules.planning.period_calendar import PeriodCalendar
from core_modules.planning.plan_inputs import PlanInputs, SharedTerms
from core_modules.planning.shared_limits import OrderCurve

NOTHING_SEEN = DayEvidence(sales=0.0, ran_out=False, expected=0.0, variation=0.0)


@dataclass(frozen=True, slots=True, eq=False)
class ItemDecision:
    """What the agent would do with one item if it were alone."""

    record: DecisionRecord
    terms: ItemTerms  # as decided with
    settings: AgentSettings  # as decided with
    haste: float  # money a unit for sending it fast, 0 where it goes the usual way
    shut_until: date | None  # the supplier takes no order tonight; its next order day

    @property
    def quantity(self) -> int:
        """Units that the item would order alone."""
        return 0 if self.shut_until else self.record.decision.quantity

    def curve(self, *, beyond: bool) -> OrderCurve:
        """Return what quantities from 0 are expected to cost, haste included."""
        costed = cost_curve(self.record, self.terms, self.settings, beyond=beyond)
        if self.shut_until:
            return OrderCurve(costed.quantities[:1], costed.costs[:1])
        return OrderCurve(costed.quantities, costed.costs + self.haste * costed.quantities)


def plan_horizon(inputs: PlanInputs) -> int:
    """Return the periods that demand models must reach ahead."""
    covered = max(one.lead_time + max(one.review_period, 7) for one in inputs.terms)
    return covered + LONGEST_EXTRA + LONGEST_DELAY


def decide_items(
    inputs: PlanInputs,
    models: Sequence[DemandModel],
    settings: Sequence[AgentSettings],
    priors: Mapping[str, ShockPrior],
    signals: Sequence[MarketSignal],
    progress: Callable[[int], None],
    jobs: int = 1,
) -> list[ItemDecision]:
    """Decide for each item on its own; settings, models and results are in order of the items.

    `jobs` processes share the items.
    """
    today = inputs.calendar.last
    horizon = plan_horizon(inputs)
    due = arrivals(inputs.open_orders, inputs.calendar, horizon)
    nothing = np.zeros(horizon, dtype=np.int64)
    nothing.setflags(write=False)

    def decide_each(first: int, last: int) -> list[ItemDecision]:
        made = []
        for place in range(first, last):
            terms, own = inputs.terms[place], settings[place]
            prior = priors.get(terms.unique_id, own.shocks)
            state = opening_state(models[place], replace(own, shocks=prior))
            mine = affecting(signals, terms.unique_id)
            beliefs = update_beliefs(state.beliefs, mine, today, NOTHING_SEEN)
            state = replace(state, beliefs=beliefs)
            situation = Situation(
                on_hand=inputs.on_hand[place],
                backlog=0,
                due=due.get(terms.unique_id, nothing),
            )
            timed = _timed(inputs, place)
            made.append(_decide(timed, inputs.shared[place], state, situation, today, own))
        return made

    decided: list[ItemDecision] = []
    for made in in_processes(decide_each, len(inputs.terms), jobs):
        decided += made
        progress(len(decided))
    return decided


def _timed(inputs: PlanInputs, place: int) -> tuple[ItemTerms, date | None]:
    """Return an item's terms until its supplier's next order day, and that day if shut tonight."""
    terms = inputs.terms[place]
    supplier = inputs.suppliers.get(inputs.shared[place].supplier)
    if supplier is None or len(supplier.order_days) == 7:
        return terms, None
    today = inputs.calendar.last
    following = supplier.next_order_day(today)
    gap = max(terms.review_period, (following - today).days)
    return replace(terms, review_period=gap), None if supplier.takes_orders(today) else following


def _decide(
    timed: tuple[ItemTerms, date | None],
    shared: SharedTerms,
    state: ItemState,
    situation: Situation,
    today: date,
    settings: AgentSettings,
) -> ItemDecision:
    terms, shut_until = timed
    normal = DecisionRecord(decide(state, terms, today, situation, settings), state, situation)
    fast_time = shared.expedited_lead_time
    if shut_until or fast_time is None or fast_time >= terms.lead_time:
        return ItemDecision(normal, terms, settings, 0.0, shut_until)
    hasty = replace(terms, lead_time=fast_time)
    fast = DecisionRecord(decide(state, hasty, today, situation, settings), state, situation)
    cost = shared.expedite_cost or 0.0
    if choose_expedite(tried_curve(normal.decision), tried_curve(fast.decision), cost):
        return ItemDecision(fast, hasty, settings, cost, None)
    return ItemDecision(normal, terms, settings, 0.0, None)


def tried_curve(decision: Decision) -> OrderCurve:
    """Return the quantities that a decision was weighed against, and their costs."""
    quantities, costs = zip(*decision.curve, strict=True)
    return OrderCurve(np.array(quantities), np.array(costs))


def arrivals(
    orders: Sequence[OpenOrder], calendar: PeriodCalendar, periods: int
) -> dict[str, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Return the units that arrive in each of the next periods, (periods,), by item.

    Overdue orders come in the next period; those due later than `periods` are left out.
    """
    due: dict[str, np.ndarray[tuple[int], np.dtype[np.int64]]] = {}
    for order in orders:
        column = max(calendar.periods_after(order.due) - 1, 0)
        if column < periods:
            row = due.setdefault(order.unique_id, np.zeros(periods, dtype=np.int64))
            row[column] += order.quantity
    return due
