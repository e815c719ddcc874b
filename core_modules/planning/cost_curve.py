"""The whole cost curve of one item's order, from nothing to beyond the best, for shared limits.

A decision's own curve holds the quantities that its search tried, which lie about the best one.
"""

import numpy as np

from core_modules.agent_policy import DecisionRecord
from core_modules.explaining.order_regret import costs_by_path
from core_modules.inventory_agent import AgentSettings, Evening, evening_of
from core_modules.item_terms import ItemTerms
from core_modules.ordering.order_choice import Risk
from core_modules.ordering.rollout import weighed
from core_modules.planning.shared_limits import FloatArray, OrderCurve

POINTS = 32  # quantities costed from nothing to the best, and at most as many beyond it


def cost_curve(
    record: DecisionRecord, terms: ItemTerms, settings: AgentSettings, *, beyond: bool
) -> OrderCurve:
    """Return the expected cost of quantities from 0 to the decision's.

    With `beyond` also of larger ones, up to what the forecast's whole horizon asks for.
    """
    evening, decision = _evening(record, terms, settings), record.decision
    problem, risk = evening.problem, Risk(weight=settings.risk)
    steps = problem.steps
    best = steps.place(decision.quantity)
    places = np.rint(np.linspace(0, best, POINTS))
    if beyond:
        most = decision.quantity + float(evening.view.forecast.mean.sum())
        places = np.append(places, np.rint(np.linspace(best, max(steps.place(most), best), POINTS)))
    quantities = [steps.quantity(int(place)) for place in np.unique(places)]
    weights = evening.view.weights
    table = costs_by_path(problem, quantities)
    costs = [float(weighed(row, weights, risk.weight, risk.tail)) for row in table]
    return OrderCurve(np.array(quantities, dtype=np.int64), np.array(costs))


def stockout_risk(
    record: DecisionRecord, terms: ItemTerms, settings: AgentSettings, quantity: int
) -> float:
    """Return the chance of running short until the next delivery after this order, 0 to 1."""
    evening = _evening(record, terms, settings)
    projected, arriving = evening.projection, quantity * evening.supply.filled_share
    short = (projected.lost_before > 0) | (projected.need > arriving)
    return float(evening.view.weights @ short)


def _evening(record: DecisionRecord, terms: ItemTerms, settings: AgentSettings) -> Evening:
    """See the evening on which the decision was taken again."""
    return evening_of(record.state, terms, record.decision.day, record.situation, settings)


def worth_its_target(curve: OrderCurve, chosen: int) -> OrderCurve:
    """Return the curve on which the quantity that was chosen is the best.

    A service target may ask for more than costs alone; each unit short of it then counts for what
    makes the target just worth it, so that scarce room still goes where it is worth most.

    >>> curve = OrderCurve(np.array([0, 10, 20]), np.array([9.0, 4.0, 6.0]))
    >>> worth_its_target(curve, 20).costs.round(3).tolist(), worth_its_target(curve, 20).best
    ([13.0, 6.0, 6.0], 2)
    """
    at = int(np.searchsorted(curve.quantities, chosen))
    missing = np.maximum(chosen - curve.quantities, 0)
    below = missing > 0
    gain: FloatArray = curve.costs[at] - curve.costs[below]
    worth = float(np.max(gain / missing[below], initial=0.0))
    # A little more than what makes both equal, so that the chosen quantity is the best.
    worth += 1e-9 * max(1.0, worth, float(np.abs(curve.costs).max()))
    return OrderCurve(curve.quantities, curve.costs + worth * missing)
