"""The agent: an item's situation and its demand forecast -> a Decision with its reasons.

Each evening: (1) the rule that the market's signals call for is chosen; (2) demand is viewed
through what is believed of events, of surges and of supply; (3) stock is projected along every path
to the moment at which an order placed tonight arrives, sales lost on the way included; (4) the
order is raised as long as one more unit saves more in expectation than it costs; (5) it is rounded
to the item's limits, and what should not be decided alone goes to a person.

One more unit saves the cost p of a lost sale on the paths that run short before the next delivery.
On the others it is held: for one review period where it then takes the place of a unit of the next
order, longer where an event ends and leaves more than ordinary days call for. In ordinary days this
is the newsvendor's ratio p / (p + h); p is weighed by the dial and the rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from core_modules import inventory
from core_modules.agent_rules import DIALS, SURGE_RULE, Priority, Rule, Urgency, rule_for
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
from core_modules.forecasting.forecast_values import DemandModel
from core_modules.item_terms import ItemTerms
from core_modules.market_beliefs import DayEvidence, MarketBeliefs, ShockPrior, update_beliefs
from core_modules.market_scenarios import MarketSignal, affecting

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
    review_cost: float = 1000.0  # currency; expected loss above which a person is asked
    backorders: bool = False  # demand that cannot be served waits instead of being lost


@dataclass(frozen=True, slots=True)
class ItemState:
    """What the agent carries from one evening to the next for an item."""

    model: DemandModel
    beliefs: MarketBeliefs


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
    return ItemState(model.observe(sales, not ran_out, multiplier), beliefs)


def decide(
    state: ItemState, terms: ItemTerms, today: date, situation: Situation, settings: AgentSettings
) -> Decision:
    """Decide tonight's order for one item.

    The model in `state` must have observed `today`. Its horizon must cover the lead time, the
    review period and `LONGEST_DELAY` days.
    """
    supply = believed_supply(state.beliefs, terms, today)
    rule = rule_for(state.beliefs, today, supply.lead_time + LONGEST_DELAY // 2)
    view = demand_view(
        state.model, state.beliefs, terms, today, supply, settings.paths, settings.seed
    )
    projection = project(view, situation, supply.lead_time, settings.backorders)
    dial = DIALS[settings.priority]
    shortage = max(terms.shortage_cost, 0.0) * dial.shortage_weight * rule.shortage_weight
    need = _best_need(projection, view, terms, shortage, dial.service_floor)
    batch = 0.0 if rule.every_day else _batch(terms, view)
    wanted = need + batch if need > 0 else 0.0
    limits = inventory.order_limits([terms])
    sent = int(np.ceil(wanted / supply.filled_share)) if supply.filled_share > 0 else 0
    quantity = int(inventory.allowed_quantity(np.array([[sent]]), limits)[0, 0])
    risk = _risk(projection, view.weights, quantity * supply.filled_share)
    position = situation.on_hand + int(situation.due.sum()) - situation.backlog
    urgency = _urgency(quantity, risk, rule)
    review = _review_reason(terms, settings, projection, view.weights, sent, quantity)
    arriving = view.demand[:, supply.lead_time - 1]
    decision = Decision(
        unique_id=terms.unique_id,
        day=today,
        action="order" if quantity else "wait",
        quantity=quantity,
        due=today + timedelta(days=supply.lead_time) if quantity else None,
        urgency=urgency,
        rule=rule.name,
        reason="",
        needs_review=bool(review),
        review_reason=review,
        projected_stock=float(view.weights @ projection.stock),
        stockout_risk=risk.total,
        unavoidable_risk=risk.before_arrival,
        service_target=float(view.weights @ (projection.need <= need)),
        reorder_point=max(0, position + int(np.ceil(need)) - 1),
        order_up_to=max(0, position + int(np.ceil(need + batch))),
        expected_demand=float(view.weights @ view.covered),
        believed_multiplier=float(view.weights @ view.multiplier_tomorrow),
        forecast_mean=float(view.weights @ arriving),
        forecast_low=weighted_quantile(arriving, view.weights, 0.1),
        forecast_high=weighted_quantile(arriving, view.weights, 0.9),
    )
    return replace(decision, reason=_reason(decision, rule, state.beliefs, today, supply))


def _best_need(
    projection: Projection, view: View, terms: ItemTerms, shortage: float, floor: float
) -> float:
    """Units to add at arrival: the last one that saves more in expectation than it costs.

    `floor` is the least chance of serving all demand until the next delivery. The gain of one more
    unit falls with the order, so the sorted needs are searched by halving.
    """
    ordered = np.sort(projection.need)
    floor_need = weighted_quantile(projection.need, view.weights, floor) if floor > 0 else -np.inf
    ordinary = _ordinary_shelf(view, terms, shortage)
    called_for = ordinary * view.slump_after + view.event_after
    left = projection.stock - view.after_arrival - called_for
    pace = np.maximum(view.forecast.mean.mean() * view.slump_after, 1e-9)

    spoiled = terms.unit_cost - terms.salvage

    def gain(quantity: float) -> float:
        short = projection.need > quantity
        holding = terms.holding_cost * (terms.review_period + np.maximum(left + quantity, 0) / pace)
        if terms.shelf_life is not None:
            shelf_days = view.covers + np.maximum(quantity - projection.need, 0) / pace
            holding = holding + np.where(shelf_days > terms.shelf_life, spoiled, 0.0)
        return float(view.weights @ np.where(short, shortage, -holding))

    low, high = -1, ordered.size - 1  # the gain is > 0 below `low` and <= 0 from `high` on
    while high - low > 1:
        middle = (low + high) // 2
        if gain(float(ordered[middle])) > 0:
            low = middle
        else:
            high = middle
    return max(float(ordered[high]), floor_need)


def _ordinary_shelf(view: View, terms: ItemTerms, shortage: float) -> float:
    """Units that ordinary days call for on the shelf once a delivery is in."""
    holding = terms.holding_cost * terms.review_period
    ratio = shortage / (shortage + holding) if shortage + holding > 0 else 0.0
    ahead = float(view.forecast.mean[: terms.lead_time - 1].sum())
    return max(0.0, weighted_quantile(view.ordinary, view.weights, ratio) - ahead)


def _batch(terms: ItemTerms, view: View) -> float:
    """Units ordered beyond the need, so that ordering costs are shared (economic order quantity).

    sqrt(2 K d / h) units a time, less the review period's own demand.
    """
    if terms.order_cost <= 0 or terms.holding_cost <= 0:
        return 0.0
    daily = float(view.forecast.mean.mean())
    quantity = np.sqrt(2 * terms.order_cost * daily / terms.holding_cost)
    return max(0.0, float(quantity) - daily * terms.review_period)


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


def _review_reason(
    terms: ItemTerms,
    settings: AgentSettings,
    projection: Projection,
    weights: FloatArray,
    sent: int,
    quantity: int,
) -> str:
    """Say why a person should look: a limit is hit, or the loss at stake is large."""
    if terms.max_order is not None and sent > terms.max_order:
        return f"{sent:,} units are wanted and the largest order is {terms.max_order:,}"
    if sent > 0 and quantity == 0:
        return f"{sent:,} units are wanted and no order within the limits is possible"
    at_stake = float(weights @ projection.lost_before) * terms.shortage_cost
    if at_stake > settings.review_cost:
        return (
            f"sales worth {at_stake:,.0f} are expected to be lost before any order placed tonight "
            "can arrive"
        )
    return ""


def _reason(
    decision: Decision, rule: Rule, beliefs: MarketBeliefs, today: date, supply: Supply
) -> str:
    cause = _cause(rule, beliefs, today)
    stock = f"{decision.projected_stock:,.0f} units are expected on the shelf"
    when = (today + timedelta(days=supply.lead_time)).isoformat()
    aim = f"a {decision.service_target:.1%} chance of serving all demand until the next delivery"
    if decision.quantity:
        return (
            f"{cause}: {stock} on {when}, and {decision.quantity:,} more give {aim} ({rule.says})."
        )
    return f"{cause}: {stock} on {when}, enough for {aim}; no order ({rule.says})."


def _cause(rule: Rule, beliefs: MarketBeliefs, today: date) -> str:
    for event in beliefs.events:
        if event.signal.kind in rule.kinds:
            since = "since" if event.signal.start <= today else "from"
            return (
                f"{event.signal.label} {since} {event.signal.start.isoformat()}, "
                f"believed x{event.expected:.1f}"
            )
    if rule is SURGE_RULE:
        return f"Sales surge without a signal, believed x{beliefs.surge_multiplier:.1f}"
    return "Normal operations"
