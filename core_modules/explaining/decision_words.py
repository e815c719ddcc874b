"""The words of a decision: its reason codes, its sentence, and why a person should look."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from core_modules.agent_rules import NORMAL_RULE, SURGE_RULE, Rule
from core_modules.demand_view import weighted_quantile
from core_modules.reporting.report_wording import percent, plural

if TYPE_CHECKING:
    from core_modules.inventory_agent import Decision, Evening
    from core_modules.market_beliefs import MarketBeliefs

LIKELY = 0.2  # chance of running out before the order arrives from which that is a reason


def reason_codes(evening: Evening, quantity: int) -> tuple[str, ...]:
    """Name what moved the decision, most telling first."""
    problem, steps, least = evening.problem, evening.problem.steps, evening.least
    weights, projection = evening.view.weights, evening.projection
    short = float(weights @ projection.need)
    arriving = quantity * evening.supply.filled_share
    told = {
        "event": evening.rule is not NORMAL_RULE,
        "supply_disrupted": evening.supply.disrupted,
        "runs_out_before_arrival": float(weights @ (projection.lost_before > 0)) > LIKELY,
        "stock_suffices": quantity == 0,
        "demand_until_next_delivery": quantity > 0 and short > 0,
        "safety_stock": quantity > 0 and arriving > max(short, 0.0),
        "service_target": quantity > 0 and 0 < least <= arriving < least + steps.pack_size + 1,
        "minimum_order": 0 < quantity == steps.quantity(1) and steps.first * steps.pack_size > 1,
        "largest_order": quantity > 0 and quantity + steps.pack_size > steps.max_order,
        "order_cost": quantity > 0 and problem.costs.order > 0,
        "short_delivery": evening.supply.filled_share < 1,
    }
    return tuple(code for code, holds in told.items() if holds)


def reason_sentence(decision: Decision, evening: Evening, beliefs: MarketBeliefs) -> str:
    """Say in one sentence what is expected and what the order is for."""
    rule, today = evening.rule, decision.day
    cause = _cause(rule, beliefs, today)
    stock = f"{plural(decision.projected_stock, 'unit')} expected on the shelf"
    when = (today + timedelta(days=evening.supply.lead_time)).isoformat()
    aim = (
        f"a {percent(decision.service_target)} chance of serving all demand until the next delivery"
    )
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


def review_reason(evening: Evening, quantity: int, regret: float, review_cost: float) -> str:
    """Say why a person should look: a limit is hit, or chance decides over a large loss."""
    problem = evening.problem
    steps, costs = problem.steps, problem.costs
    held = costs.holding * problem.review_period
    ratio = costs.shortage / (costs.shortage + held) if costs.shortage + held > 0 else 0.0
    need = weighted_quantile(evening.projection.need, problem.outlook.weights, ratio)
    wanted = max(need, evening.least) / max(problem.filled_share, 1e-9)
    if quantity + steps.pack_size > steps.max_order and wanted > steps.max_order:
        return f"{wanted:,.0f} units are wanted and the largest order is {steps.max_order:,}"
    if regret > review_cost:
        return (
            f"chance is expected to make another quantity better by {regret:,.0f}, more than the "
            f"{review_cost:,.0f} that a review costs"
        )
    return ""
