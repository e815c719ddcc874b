"""Checks of the agent that is told the demand law: how far above the optimum its orders cost."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from core_modules.textbook.agent_regret import told_agent
from core_modules.textbook.checks import Check
from core_modules.textbook.instances import LostSales, one_regime, poisson_law, viral_instance
from core_modules.textbook.tabulation import regret_of
from core_modules.textbook.verified_lost_sales import EXACT_LEAD_TIME, LAWS

AGENT_TABLE = "agent, told the demand law"
TEST_BED, VIRAL = "lost_sales_zipkin_2008", "viral_two_regime"
FIXED_COST = "lost_sales_fixed_cost_bijvank_2015"

# What the agent is held to, as shares of the optimum.
EACH = 0.015
MEAN = 0.007  # over the instances of the test bed
WITH_FIXED_COST = 0.02  # no bar was set for it: ours

ABOVE = "share above the optimum"


def agent_tasks(tables: dict[str, Any], *, exact: bool) -> list[Callable[[], list[Check]]]:
    """Return what checks the agent on each instance that has an optimum in the published tables.

    Of the test bed those up to lead time 2, or all of them if `exact`: the agent is asked about
    each of its states, and these grow by up to ten times with a period of lead time.
    """
    return [
        partial(check_agent, label, instance, tolerance)
        for label, instance, tolerance in _instances(tables)
        if exact or instance.lead_time <= EXACT_LEAD_TIME
    ]


def check_agent(label: str, instance: LostSales, tolerance: float) -> list[Check]:
    """Check by which share of the optimum the agent's exact cost is above it."""
    regret = regret_of(instance, told_agent(instance))
    note = f"costs {regret.cost:.4f} against {regret.optimal_cost:.4f}"
    return [Check(AGENT_TABLE, label, ABOVE, 0.0, regret.share, tolerance, "exact DP", note=note)]


def check_mean(checks: Sequence[Check]) -> list[Check]:
    """Check the mean over the instances of the test bed among the agent's checks."""
    shares = [check.ours for check in checks if check.row.startswith(tuple(LAWS))]
    if not shares:
        return []
    label, ours = f"mean of {len(shares)} instances", float(np.mean(shares))
    return [Check(AGENT_TABLE, label, ABOVE, 0.0, ours, MEAN, "exact DP")]


def _instances(tables: dict[str, Any]) -> Iterator[tuple[str, LostSales, float]]:
    """Yield each instance with its label and what the agent is held to on it."""
    for row in tables.get(TEST_BED, {"rows": []})["rows"]:
        law, penalty, lead_time = LAWS[row["demand"]](row["mean"]), row["penalty"], row["lead_time"]
        label = f"{row['demand']} {row['mean']:g}, p={penalty:g}, L={lead_time}"
        terms = {"holding": row["holding"], "penalty": penalty}
        yield label, one_regime(law, **terms, lead_time=lead_time), EACH
    for row in tables.get(VIRAL, {"rows": []})["rows"]:
        if row["policy"] == "optimal":
            penalty = row["penalty"]
            yield f"viral event of 4x, p={penalty:g}", viral_instance(penalty), EACH
    if tables.get(FIXED_COST, {"rows": []})["rows"]:
        # The table's setting.
        fixed = one_regime(poisson_law(5), holding=1, penalty=14, lead_time=2, order_cost=5)
        yield "fixed cost of 5 an order", fixed, WITH_FIXED_COST
