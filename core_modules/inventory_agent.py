"""The agent: an item's situation and its demand forecast -> a Decision with its reasons.

Each evening: (1) the rule that the market's signals call for is chosen; (2) demand is viewed
through what is believed of events, of surges and of supply; (3) the quantities that the item's
limits accept are costed along every path, later orders following a plain rule, sales lost on the
way, goods held, wasted and ordered at their prices (see `ordering`); (4) the one of least expected
cost is ordered, at least what the service target asks for; (5) where the loss to be expected from
chance is larger than what a person's look costs, or a limit is hit, a person is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from core_modules.agent_rules import (
    DIALS,
    Priority,
    Rule,
    Urgency,
    rule_for,
)
from core_modules.demand_view import (
    LONGEST_DELAY,
    Projection,
    Situation,
    Supply,
    View,
    believed_supply,
    demand_view,
    project,
    weighted_quantile,
)
from core_modules.explaining.decision_words import reason_codes, reason_sentence, review_reason
from core_modules.explaining.order_regret import expected_regret
from core_modules.forecasting.forecast_values import DemandModel, standard_uniforms
from core_modules.item_terms import ItemTerms
from core_modules.learning.supplier_record import SupplierRecord, fill_paths, lead_time_paths
from core_modules.market_beliefs import DayEvidence, MarketBeliefs, ShockPrior, update_beliefs
from core_modules.market_scenarios import MarketSignal, affecting
from core_modules.ordering.order_choice import Risk, choose_order
from core_modules.ordering.order_problem import (
    NO_MAXIMUM,
    OrderCosts,
    OrderProblem,
    OrderSteps,
)

FloatArray = NDArray[np.float64]

__all__ = [
    "LONGEST_DELAY",
    "AgentSettings",
    "Decision",
    "ItemState",
    "Priority",
    "Situation",
    "decide",
    "observe",
    "opening_state",
]


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """How the agent decides; the same for all items and markets."""

    priority: Priority = Priority.SERVICE
    shocks: ShockPrior = ShockPrior()
    paths: int = 256  # sample paths a decision, a power of two
    seed: int = 0  # of the uniforms behind the paths
    review_cost: float = 1000.0  # money; expected regret above which a person is asked
    shortage_weight: float = 1.0  # a lost unit counts this many times its cost; tuned on the past
    service_target: float = 0.0  # least chance of serving all demand until the next delivery
    risk: float = 0.0  # weight of the worst tenth of the paths (CVaR) in the cost, 0 to 1
    backorders: bool = False  # demand that cannot be served waits instead of being lost


@dataclass(frozen=True, slots=True)
class ItemState:
    """What the agent carries from one evening to the next for an item."""

    model: DemandModel
    beliefs: MarketBeliefs
    supplier: SupplierRecord | None = None  # None: taken at its word


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do with one item tonight, and why."""

    unique_id: str
    day: date
    action: str  # 'order' or 'wait'
    quantity: int  # units, 0 where none
    due: date | None  # expected day of arrival
    urgency: Urgency
    rule: str
    reason: str  # one sentence
    reason_codes: tuple[str, ...]  # what moved the decision, most telling first
    needs_review: bool  # a person is asked
    review_reason: str  # empty where none
    projected_stock: float  # expected units on the shelf when the order arrives, without it
    stockout_risk: float  # chance of running short until the next delivery after it, 0 to 1
    unavoidable_risk: float  # the part of it before the order arrives, 0 to 1
    service_target: float  # chance asked for of serving all demand until the next delivery
    reorder_point: int  # units of inventory position at or below which an order goes out
    order_up_to: int  # units of inventory position that the order aims at
    expected_demand: float  # units from tomorrow until the next delivery after it
    believed_multiplier: float  # of known events and surges on tomorrow's demand
    forecast_mean: float  # units, demand of the day on which the order would arrive
    forecast_low: float  # its 10 % quantile
    forecast_high: float  # its 90 % quantile
    expected_cost: float  # money from tomorrow to the end of the paths, with the quantity chosen
    expected_regret: float  # money by which chance will make another quantity better, on average
    curve: tuple[tuple[int, float], ...]  # quantities tried, rising, with their expected costs


def opening_state(model: DemandModel, settings: AgentSettings) -> ItemState:
    """Begin with a fitted model and the prior beliefs."""
    return ItemState(model, MarketBeliefs(prior=settings.shocks))


def observe(
    state: ItemState,
    terms: ItemTerms,
    today: date,
    sales: int,
    ran_out: bool,
    signals: Sequence[MarketSignal],
) -> ItemState:
    """Take in what the evening shows: the day's sales, whether stock ran out, and the signals."""
    model = state.model
    expected = float(model.expected[0])
    law = model.law
    spread = float(law.variance(np.array([expected]))[0]) / expected**2 if expected > 0 else 0.0
    evidence = DayEvidence(
        sales=sales,
        ran_out=ran_out,
        expected=expected,
        variation=float(np.sqrt(spread + float(law.level_sds(1)[0]) ** 2)),
    )
    mine = affecting(signals, terms.unique_id)
    beliefs = update_beliefs(state.beliefs, mine, today, evidence)
    multiplier = beliefs.multiplier_to_follow(today)
    return replace(state, model=model.observe(sales, not ran_out, multiplier), beliefs=beliefs)


def decide(
    state: ItemState, terms: ItemTerms, today: date, situation: Situation, settings: AgentSettings
) -> Decision:
    """Decide tonight's order for one item.

    The model in `state` must have observed `today`. Its horizon must cover the lead time, the
    review period and `LONGEST_DELAY` days.
    """
    evening = evening_of(state, terms, today, situation, settings)
    view, projection, supply = evening.view, evening.projection, evening.supply
    choice = choose_order(evening.problem, Risk(weight=settings.risk), evening.least)
    quantity = choice.quantity
    need = quantity * supply.filled_share
    risk = _risk(projection, view.weights, need)
    position = situation.on_hand + int(situation.due.sum()) - situation.backlog
    regret = expected_regret(evening.problem, projection.need, need, terms.shortage_cost)
    review = review_reason(evening, quantity, regret, settings.review_cost)
    arriving = view.demand[:, supply.lead_time - 1]
    decision = Decision(
        unique_id=terms.unique_id,
        day=today,
        action="order" if quantity else "wait",
        quantity=quantity,
        due=today + timedelta(days=supply.lead_time) if quantity else None,
        urgency=_urgency(quantity, risk, evening.rule),
        rule=evening.rule.name,
        reason="",
        reason_codes=reason_codes(evening, quantity),
        needs_review=bool(review),
        review_reason=review,
        projected_stock=float(view.weights @ projection.stock),
        stockout_risk=risk.total,
        unavoidable_risk=risk.before_arrival,
        service_target=float(view.weights @ (projection.need <= need)),
        reorder_point=max(0, position + int(np.ceil(need)) - 1),
        order_up_to=max(0, position + int(np.ceil(need))),
        expected_demand=float(view.weights @ view.covered),
        believed_multiplier=float(view.weights @ view.multiplier_tomorrow),
        forecast_mean=float(view.weights @ arriving),
        forecast_low=weighted_quantile(arriving, view.weights, 0.1),
        forecast_high=weighted_quantile(arriving, view.weights, 0.9),
        expected_cost=float(choice.costs[choice.place]),
        expected_regret=regret,
        curve=tuple(zip(choice.quantities.tolist(), choice.costs.tolist(), strict=True)),
    )
    return replace(decision, reason=reason_sentence(decision, evening, state.beliefs))


@dataclass(frozen=True, slots=True, eq=False)
class Evening:
    """What tonight's quantity is weighed on."""

    supply: Supply
    rule: Rule
    view: View
    projection: Projection
    problem: OrderProblem
    least: float  # units that must arrive for the service target, >= 0 where one is set


def evening_of(
    state: ItemState, terms: ItemTerms, today: date, situation: Situation, settings: AgentSettings
) -> Evening:
    """See demand, supply and stock as the agent does before it chooses."""
    supply = believed_supply(state.beliefs, terms, today)
    if supply.disrupted:
        # What would arrive beyond the forecast is judged as if it came at its end.
        furthest = state.model.fitted.size - terms.review_period + 1
        reach = max(min(supply.lead_time, furthest), terms.lead_time)
        supply = replace(supply, lead_time=reach)
    rule = rule_for(state.beliefs, today, supply.lead_time + LONGEST_DELAY // 2)
    view = demand_view(
        state.model, state.beliefs, terms, today, supply, settings.paths, settings.seed
    )
    projection = project(view, situation, supply.lead_time, settings.backorders)
    problem = order_problem(view, situation, terms, supply, settings)
    if state.supplier is not None and state.supplier.departs:
        problem = as_supplied(problem, state.supplier, terms, settings)
    floor = max(DIALS[settings.priority].service_floor, settings.service_target)
    least = weighted_quantile(projection.need, view.weights, floor) if floor > 0 else 0.0
    return Evening(supply, rule, view, projection, problem, least)


def order_problem(
    view: View, situation: Situation, terms: ItemTerms, supply: Supply, settings: AgentSettings
) -> OrderProblem:
    """Put tonight's order of an item as a problem of quantities."""
    periods = view.demand.shape[1]
    due = np.zeros(periods)
    ahead = min(periods, situation.due.size)
    due[:ahead] = situation.due[:ahead]
    weight = settings.shortage_weight * DIALS[settings.priority].shortage_weight
    maximum = NO_MAXIMUM if terms.max_order is None else terms.max_order
    return OrderProblem(
        outlook=view.outlook,
        costs=OrderCosts(
            holding=terms.holding_cost,
            shortage=weight * max(terms.shortage_cost, 0.0),
            order=terms.order_cost,
            waste=terms.unit_cost - terms.salvage,
        ),
        steps=OrderSteps(terms.moq, terms.pack_size, maximum),
        on_hand=situation.on_hand,
        due=due,
        lead_time=supply.lead_time,
        later_lead_time=max(supply.lead_time, terms.lead_time),
        review_period=terms.review_period,
        backlog=situation.backlog,
        filled_share=supply.filled_share,
        shelf_life=terms.shelf_life or 0,
        backorders=settings.backorders,
    )


def as_supplied(
    problem: OrderProblem, record: SupplierRecord, terms: ItemTerms, settings: AgentSettings
) -> OrderProblem:
    """Draw lead times and fills from what the supplier's receipts showed."""
    paths, periods = problem.outlook.demand.shape
    uniforms = standard_uniforms(paths, 1 + periods, settings.seed + 2)
    late = problem.lead_time - terms.lead_time  # by known events
    return replace(
        problem,
        lead_times=lead_time_paths(record, uniforms[:, : 1 + periods]) + late,
        shares=fill_paths(record, uniforms[:, -1]),
    )


@dataclass(frozen=True, slots=True)
class _Risk:
    total: float
    before_arrival: float


def _risk(projection: Projection, weights: FloatArray, arriving: float) -> _Risk:
    before = projection.lost_before > 0
    after = projection.need > arriving
    return _Risk(total=float(weights @ (before | after)), before_arrival=float(weights @ before))


def _urgency(quantity: int, risk: _Risk, rule: Rule) -> Urgency:
    if risk.before_arrival > 0.2 or (quantity and rule.urgency == Urgency.CRITICAL):
        return Urgency.CRITICAL
    if risk.total > 0.05 or (quantity and rule.urgency == Urgency.HIGH):
        return Urgency.HIGH
    return Urgency.NORMAL if quantity else Urgency.LOW
