"""Tonight's decision for each item of a plan, with the curve that shared limits choose from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache

import numpy as np

from core_modules.agent_policy import LONGEST_EXTRA, DecisionRecord
from core_modules.decision_inputs import RecordPart
from core_modules.forecasting.forecast_values import DemandModel
from core_modules.forecasting.item_processes import in_processes
from core_modules.inventory_agent import (
    LONGEST_DELAY,
    AgentSettings,
    Decision,
    ItemState,
    Situation,
    decide,
)
from core_modules.item_terms import ItemTerms, OpenOrder
from core_modules.market_beliefs import DayEvidence, MarketBeliefs, ShockPrior, update_beliefs
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


@dataclass(frozen=True, slots=True, eq=False)
class ItemEvening:
    """All that tonight's decision for one item follows from."""

    today: date
    terms: ItemTerms  # until the supplier's next order day
    fast: ItemTerms | None  # of an order sent fast; None where that cannot be or is no faster
    fast_cost: float  # money a unit sent fast
    state: ItemState
    situation: Situation
    settings: AgentSettings
    shut_until: date | None  # the supplier takes no order tonight; its next order day

    def decide(self) -> tuple[Decision, bool]:
        """Decide; tell whether the order is sent fast."""
        normal = self._decide(self.terms)
        if self.fast is None:
            return normal, False
        fast = self._decide(self.fast)
        hasty = choose_expedite(tried_curve(normal), tried_curve(fast), self.fast_cost)
        return (fast, True) if hasty else (normal, False)

    def _decide(self, terms: ItemTerms) -> Decision:
        return decide(self.state, terms, self.today, self.situation, self.settings)

    def decided(self, decision: Decision, hasty: bool) -> ItemDecision:
        """Put a decision together with what it followed from."""
        return ItemDecision(
            record=DecisionRecord(decision, self.state, self.situation),
            terms=self.fast if hasty and self.fast else self.terms,
            settings=self.settings,
            haste=self.fast_cost if hasty else 0.0,
            shut_until=self.shut_until,
        )


def decide_items(
    evenings: Sequence[ItemEvening], progress: Callable[[int], None], jobs: int = 1
) -> tuple[list[ItemDecision], list[RecordPart]]:
    """Decide for each item on its own; return the decisions, in order, and the record of them.

    `jobs` processes share the items. Each writes the record of what it decides, and sends back what
    this process has not got: the decision itself.
    """

    def decide_each(first: int, last: int) -> tuple[list[tuple[Decision, bool]], RecordPart]:
        mine = evenings[first:last]
        made = [one.decide() for one in mine]
        decided = [one.decided(*told) for one, told in zip(mine, made, strict=True)]
        return made, RecordPart.of([one.record for one in decided], [one.terms for one in decided])

    decided: list[ItemDecision] = []
    record: list[RecordPart] = []
    for made, part in in_processes(decide_each, len(evenings), jobs):
        decided += [
            one.decided(*told) for one, told in zip(evenings[len(decided) :], made, strict=False)
        ]
        record.append(part)
        progress(len(decided))
    return decided, record


def item_evenings(
    inputs: PlanInputs,
    models: Sequence[DemandModel],
    settings: Sequence[AgentSettings],
    priors: Mapping[str, ShockPrior],
    signals: Sequence[MarketSignal],
) -> list[ItemEvening]:
    """Gather what each item is decided on; settings, models and results are in order of the items.

    `priors` are those of unannounced surges by item, by default the settings'.
    """
    today, horizon = inputs.calendar.last, plan_horizon(inputs)
    due = arrivals(inputs.open_orders, inputs.calendar, horizon)
    nothing = np.zeros(horizon, dtype=np.int64)
    nothing.setflags(write=False)

    @cache
    def beliefs(prior: ShockPrior, known: tuple[MarketSignal, ...]) -> MarketBeliefs:
        return update_beliefs(MarketBeliefs(prior), known, today, NOTHING_SEEN)

    def evening(place: int) -> ItemEvening:
        terms, shut_until = _timed(inputs, place)
        own, shared = settings[place], inputs.shared[place]
        mine = affecting(signals, terms.unique_id)
        return ItemEvening(
            today=today,
            terms=terms,
            fast=None if shut_until else _fast(terms, shared),
            fast_cost=shared.expedite_cost or 0.0,
            state=ItemState(models[place], beliefs(priors.get(terms.unique_id, own.shocks), mine)),
            situation=Situation(inputs.on_hand[place], 0, due.get(terms.unique_id, nothing)),
            settings=own,
            shut_until=shut_until,
        )

    return [evening(place) for place in range(len(inputs.terms))]


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


def _fast(terms: ItemTerms, shared: SharedTerms) -> ItemTerms | None:
    """Return the terms of an order sent fast, None where it cannot be or would be no faster."""
    days = shared.expedited_lead_time
    return None if days is None or days >= terms.lead_time else replace(terms, lead_time=days)


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
