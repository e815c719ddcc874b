"""The agent's order, told the demand law of a textbook instance, as a rule to hold to the optimum.

One procedure for every instance: paths are drawn from the law, as many and as far ahead for each,
and `choose_order` picks the quantity from them, the stock and the costs. What a planner's agent
would have to learn, it is given; so what is left to the optimum is the order arithmetic's own.
"""

import numpy as np

from core_modules.forecasting.forecast_values import standard_uniforms
from core_modules.ordering.order_choice import choose_order
from core_modules.ordering.order_problem import OrderCosts, OrderProblem, OrderSteps, Outlook
from core_modules.textbook.instances import FloatArray, IntArray, LostSales
from core_modules.textbook.tabulation import Rule

PATHS = 512  # a power of two
AHEAD = 14  # periods beyond the lead time, as the agent looks in a market
SEED = 0  # of the quasi-random uniforms


def told_agent(instance: LostSales, *, paths: int = PATHS, ahead: int = AHEAD) -> Rule:
    """Return the agent's order as a rule of the states, for `regret_of` and `tabulate`.

    Raises ValueError for more than two regimes, or a second one that never lasts.

    >>> from core_modules.textbook.instances import one_regime, poisson_law
    >>> rule = told_agent(one_regime(poisson_law(5), holding=1, penalty=4, lead_time=2))
    >>> rule(np.array([[5, 5], [30, 5]]), 0).tolist()
    [5, 0]
    """
    periods = instance.lead_time + 1 + ahead
    outlooks = [
        told_outlook(instance, regime, paths, periods) for regime in range(instance.regimes)
    ]
    costs = OrderCosts(instance.holding, instance.penalty, instance.order_cost)

    def order(states: IntArray, regime: int) -> IntArray:
        wanted = [
            choose_order(_problem(instance, outlooks[regime], costs, state)).quantity
            for state in states
        ]
        return np.array(wanted, dtype=np.int64)

    return order


def _problem(
    instance: LostSales, outlook: Outlook, costs: OrderCosts, state: IntArray
) -> OrderProblem:
    """Put a state in Zipkin's times as the evening before in ours: see `tabulation`."""
    due = np.zeros(outlook.demand.shape[1])
    due[1 : instance.lead_time] = state[1:]  # the morning's delivery is on hand already
    lead_time = instance.lead_time + 1
    return OrderProblem(outlook, costs, OrderSteps(), float(state[0]), due, lead_time, lead_time)


def told_outlook(instance: LostSales, regime: int, paths: int, periods: int) -> Outlook:
    """Draw what may come after an evening that is told the next period's regime.

    Regime 0 is ordinary demand, and the other an event that multiplies it.
    """
    lasts = _chance_of_lasting(instance)
    uniforms = standard_uniforms(paths, 2 * periods, SEED)
    # A sequence fills its first columns the most evenly: they are for what decides the most.
    change, noise, chances = np.split(uniforms, (1, 1 + periods), axis=1)
    regimes, weights = _regime_paths(instance, regime, np.hstack([change, chances]))
    demand = np.zeros((paths, periods))
    for number, law in enumerate(instance.demand):
        drawn = np.minimum(np.searchsorted(np.cumsum(law), noise), law.size - 1)
        demand = np.where(regimes[:, :-1] == number, drawn, demand)
    mean = instance.mean_demand
    units = np.arange(instance.demand.shape[1])
    variance = float(instance.demand[0] @ (units - mean[0]) ** 2)
    # An evening knows the regime of the next period, where the outlook knows that of its own and
    # lets what is beyond the ordinary fade by the chance that it lasts: hence the division.
    extra = (mean / mean[0] - 1)[regimes[:, 1:]] / lasts
    return Outlook(
        demand=demand,
        weights=weights,
        mean=np.full(periods, float(mean[0])),
        variance=np.full(periods, variance),
        known=np.ones(demand.shape),
        surge=1 + extra,
        surge_stays=lasts if instance.regimes > 1 else 0.0,
    )


def _chance_of_lasting(instance: LostSales) -> float:
    if instance.regimes > 2:
        raise ValueError(f"the agent knows ordinary demand and one event, not {instance.regimes}")
    lasts = float(instance.transition[-1, -1])
    if lasts <= 0:
        raise ValueError("the agent knows events that last: transition[1, 1] must be > 0")
    return lasts


def _regime_paths(
    instance: LostSales, first: int, uniforms: FloatArray
) -> tuple[IntArray, FloatArray]:
    """Return the regimes of the periods and of the one after them, and the paths' weights.

    `uniforms` is (paths, periods + 1), the regimes are too. The period of the first change, which
    column 0 draws, gets paths in number half by its chance and half alike, and weights exactly by
    its chance: where lost units are dear, the best order hangs on a chance of a few in a hundred.
    """
    stays = float(instance.transition[first, first])
    columns = uniforms.shape[1]
    # The last one stands for no change at all.
    chances = np.append(stays ** np.arange(columns - 1) * (1 - stays), stays ** (columns - 1))
    drawn = (chances + (chances > 0) / np.count_nonzero(chances)) / 2
    change = np.searchsorted(np.cumsum(drawn)[:-1], uniforms[:, 0], side="right")
    weights = (chances / np.maximum(np.bincount(change, minlength=columns), 1))[change]
    reached = np.cumsum(instance.transition, axis=1)
    regimes = np.full(uniforms.shape, first, dtype=np.int64)
    for period in range(1, columns):
        following = (uniforms[:, period, None] > reached[regimes[:, period - 1], :-1]).sum(axis=1)
        following = np.where(change == period - 1, 1 - first, following)
        regimes[:, period] = np.where(change > period - 1, first, following)
    return regimes, weights / weights.sum()
