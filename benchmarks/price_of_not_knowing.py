"""Measures the price of not knowing the demand law: the agent told it, and the agent learning it.

    python benchmarks/price_of_not_knowing.py [--histories N] [--lead-times L ...]

On the lost-sales instances of the published test bed. The learner fits a demand model to two years
of daily history, through Prophet with the forecaster's defaults, then follows sales for a year,
seeing no demand beyond them; it draws its paths as in any market, but knows that no event comes.
A day that ran out tells it what is to be expected of such a day, or nothing: the last column.
The optimal policy, the told agent and the learners meet the same demand.
"""

import sys
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import repeat

import numpy as np
import pandas as pd

from benchmarks.learning_orders import FloatArray, paired_ratio
from core_modules.demand_forecaster import DemandModel, fit_models
from core_modules.demand_view import Supply, demand_view
from core_modules.inventory import IntArray
from core_modules.item_terms import ItemTerms
from core_modules.market_beliefs import MarketBeliefs, ShockPrior
from core_modules.ordering.order_choice import choose_order
from core_modules.ordering.order_problem import (
    OrderCosts,
    OrderProblem,
    OrderSteps,
)
from core_modules.textbook.agent_regret import AHEAD, told_agent
from core_modules.textbook.instances import (
    LostSales,
    geometric_law,
    one_regime,
    poisson_law,
)
from core_modules.textbook.lost_sales import PolicyTable, optimal_policy

LAWS = {"poisson": poisson_law(5), "geometric": geometric_law(5)}
PENALTIES, LEAD_TIMES = (4, 9, 19, 39), (1, 2, 3, 4)
FIRST_DAY, HISTORY, YEAR, BURN_IN = "2023-01-02", 730, 365, 30  # days; the burn-in is not counted
PATHS, SEED, MOST_STOCK = 256, 5, 1000
CALM = MarketBeliefs(prior=ShockPrior(surges_a_year=0, disruptions_a_year=0))

Order = Callable[[tuple[int, ...]], int]  # of the stock and the orders under way, in Zipkin's times


def drawn_days(law: str, history: int) -> IntArray:
    """Return a history and the year after it, (days,)."""
    rng = np.random.default_rng([SEED, list(LAWS).index(law), history])
    chances = np.cumsum(LAWS[law])
    drawn = np.searchsorted(chances, rng.random(HISTORY + BURN_IN + YEAR), side="right")
    return np.minimum(drawn, chances.size - 1)


def fitted_model(law: str, history: int) -> DemandModel:
    """Learn the law from the two years of one history alone."""
    frame = pd.DataFrame(
        {
            "unique_id": "item",
            "ds": pd.date_range(FIRST_DAY, periods=HISTORY),
            "y": drawn_days(law, history)[:HISTORY].astype(np.float64),
        }
    )
    horizon = BURN_IN + YEAR + max(LEAD_TIMES) + 1 + AHEAD
    return fit_models(frame, horizon=horizon)[0]


class Learner:
    """Orders by a demand model that follows the sales."""

    def __init__(self, instance: LostSales, model: DemandModel, *, imputes: bool) -> None:
        self._model, self._imputes = model, imputes
        self._supply = Supply(instance.lead_time + 1, 1.0, False)
        self._costs = OrderCosts(instance.holding, instance.penalty)
        self._terms = ItemTerms(
            "item", instance.penalty + 1, 1.0, instance.holding, lead_time=instance.lead_time + 1
        )

    def order(self, state: tuple[int, ...]) -> int:
        """Order on the evening before the period, as `tabulation` has it."""
        lead_time = self._supply.lead_time
        outlook = demand_view(
            self._model, CALM, self._terms, self._model.origin, self._supply, PATHS, 0
        ).outlook
        due = np.zeros(outlook.demand.shape[1])
        due[1 : lead_time - 1] = state[1:]
        problem = OrderProblem(
            outlook, self._costs, OrderSteps(), state[0], due, lead_time, lead_time
        )
        return choose_order(problem).quantity

    def observe(self, sales: int, in_stock: bool) -> None:
        """Follow the day's sales."""
        if self._imputes:
            self._model = self._model.observe(sales, in_stock)
        else:
            self._model = self._model.observe(sales, multiplier=1.0 if in_stock else None)


def run(
    instance: LostSales,
    demand: IntArray,
    order: Order,
    observe: Callable[[int, bool], None] | None = None,
) -> float:
    """Return the mean cost of a day from empty shelves on, after the burn-in.

    A day is charged what its opening stock costs in expectation: the same mean, less noise.
    """
    costs = instance.period_cost(MOST_STOCK)[0]
    state, total = (0,) * instance.lead_time, 0.0
    for day, units in enumerate(demand.tolist()):
        ordered = order(state)
        sold = min(state[0], units)
        if observe:
            observe(sold, sold < state[0])
        if day >= BURN_IN:
            total += float(costs[state[0]])
        after = (*state[1:], ordered)
        state = (state[0] - sold + after[0], *after[1:])
    return total / (demand.size - BURN_IN)


def table_order(policy: PolicyTable) -> Order:
    """Return the order of a table's states."""
    return lambda state: int(policy.orders[0, policy.space.places(np.array([state]))[0]])


def measured(law: str, penalty: int, lead_time: int, models: Sequence[DemandModel]) -> FloatArray:
    """Return money a day of the optimal policy, the told agent and the learners, (4, histories)."""
    instance = one_regime(LAWS[law], holding=1, penalty=penalty, lead_time=lead_time)
    best, rule = table_order(optimal_policy(instance).policy), told_agent(instance)
    told = cache(lambda state: int(rule(np.array([state]), 0)[0]))
    costs = np.zeros((4, len(models)))
    for history, model in enumerate(models):
        demand = drawn_days(law, history)[HISTORY:]
        imputing, skipping = (Learner(instance, model, imputes=one) for one in (True, False))
        costs[:, history] = (
            run(instance, demand, best),
            run(instance, demand, told),
            run(instance, demand, imputing.order, imputing.observe),
            run(instance, demand, skipping.order, skipping.observe),
        )
    return costs


def print_row(label: str, costs: FloatArray) -> None:
    """Print the optimal cost and what each other is above it, with its standard error."""
    ratios = [paired_ratio(row, costs[0]) for row in costs[1:]]
    cells = [f"{100 * (ratio - 1):+.2f} % ({100 * error:.2f})" for ratio, error in ratios]
    print(f"{label:<26}{costs[0].mean():>8.3f}", *(f"{cell:>18}" for cell in cells), flush=True)


def main() -> int:
    """Print one row an instance and the means by law."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--histories", type=int, default=4, help="of each law, at least 2")
    parser.add_argument("--lead-times", type=int, nargs="+", choices=LEAD_TIMES, default=LEAD_TIMES)
    asked = parser.parse_args()
    if asked.histories < 2:
        parser.error("--histories must be at least 2, for a standard error")
    began = time.perf_counter()
    cases = [(penalty, lead_time) for penalty in PENALTIES for lead_time in asked.lead_times]
    print(f"{asked.histories} histories of each law; cost above the optimum's (standard error)")
    columns = ("told the law", "learning it", "stockouts skipped")
    print(f"{'':<26}{'optimal':>8}", *(f"{column:>18}" for column in columns))
    with ProcessPoolExecutor(2) as pool:
        for law in LAWS:
            models = list(pool.map(fitted_model, repeat(law), range(asked.histories)))
            runs = [pool.submit(measured, law, *case, models) for case in cases]
            shares = np.zeros((4, asked.histories))
            for (penalty, lead_time), one in zip(cases, runs, strict=True):
                costs = one.result()
                print_row(f"{law} 5, p={penalty}, L={lead_time}", costs)
                shares += costs / costs[0].mean() / len(cases)
            # Instances of a law share their histories, so these are the units of the mean's error.
            print_row(f"mean of {law}, shares", shares)
    print(f"{time.perf_counter() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
