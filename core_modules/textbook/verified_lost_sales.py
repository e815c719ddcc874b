"""Checks of the published lost-sales tables, by exact dynamic programs or by simulation.

Policies are always found exactly. Up to lead time 2, or throughout if asked to, so are their costs;
otherwise those are simulated, which shares no arithmetic with value iteration.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from core_modules.textbook.checks import (
    EXACT_MONEY,
    FIXED_COST_MONEY,
    SIMULATED_MONEY,
    STANDARD_ERRORS,
    Check,
    How,
)
from core_modules.textbook.instances import (
    LostSales,
    geometric_law,
    one_regime,
    poisson_law,
    viral_instance,
)
from core_modules.textbook.lost_sales import PolicyTable, optimal_policy, policy_cost
from core_modules.textbook.order_rules import (
    base_stock,
    capped_base_stock,
    projected_inventory,
    reorder_batches,
    reorder_to_level,
)
from core_modules.textbook.rule_search import (
    LEVEL_GRID,
    best_base_stock,
    best_capped_base_stock,
    best_projected_inventory,
    best_two_level,
)
from core_modules.textbook.simulated_cost import DemandPaths, draw_demand, simulated_cost

Row = dict[str, Any]  # as it is in the JSON file

SEED = 2008
REPLICATIONS, PERIODS = 2000, 2100  # simulated of each instance
LAWS = {"poisson": poisson_law, "geometric": geometric_law}
EXACT_LEAD_TIME = 2  # costs up to here are always exact


@dataclass(frozen=True, slots=True, eq=False)
class _Costing:
    """How the costs of an instance are found."""

    instance: LostSales
    demand: DemandPaths | None  # None: by exact dynamic programs

    def cost(self, policy: PolicyTable) -> tuple[float, float, How]:
        """Return the average cost of a period, its standard error and how it was found."""
        if self.demand is None:
            return policy_cost(self.instance, policy), 0.0, "exact DP"
        found = simulated_cost(self.instance, policy, self.demand)
        return found.mean, found.standard_error, "simulated"


def check_lost_sales(row: Row, *, exact: bool) -> list[Check]:
    """Check the optimum and the policies of one instance of the test bed."""
    instance = one_regime(
        LAWS[row["demand"]](row["mean"]),
        holding=row["holding"],
        penalty=row["penalty"],
        lead_time=row["lead_time"],
    )
    demand = None
    if not exact and row["lead_time"] > EXACT_LEAD_TIME:
        rng = np.random.default_rng([SEED, row["lead_time"], row["penalty"]])
        demand = draw_demand(instance, rng, replications=REPLICATIONS, periods=PERIODS)
    costing = _Costing(instance, demand)
    checks = [_money(costing, row, "optimal_cost", optimal_policy(instance).policy)]
    if "base_stock_level" in row:
        checks += _check_base_stock(costing, row)
    if "capped_base_stock_cost" in row:
        best = best_capped_base_stock(instance, row["base_stock_level"])
        level, cap = map(int, best.parameters)
        policy = capped_base_stock(instance, level, cap)
        note = f"level {level}, cap {cap}"
        checks.append(_money(costing, row, "capped_base_stock_cost", policy, note, bound=True))
    if "projected_inventory_cost" in row:
        checks += _check_projected_inventory(costing, row)
    return checks


def _check_base_stock(costing: _Costing, row: Row) -> list[Check]:
    published = row["base_stock_level"]
    best = best_base_stock(costing.instance).parameters[0]
    policy = base_stock(costing.instance, [published])
    return [
        _money(costing, row, "base_stock_cost", policy, f"level {published}"),
        _level(row, "base_stock_level", best, 0.0),
    ]


def _check_projected_inventory(costing: _Costing, row: Row) -> list[Check]:
    """Check the cost at the published level, or at our best one where none is given."""
    best = best_projected_inventory(costing.instance).parameters[0]
    level = row.get("projected_inventory_level", best)
    policy = projected_inventory(costing.instance, level)
    bound = "projected_inventory_level" not in row
    note = f"level {level:g}"
    checks = [_money(costing, row, "projected_inventory_cost", policy, note, bound=bound)]
    if not bound:
        checks.append(_level(row, "projected_inventory_level", best, 1 / LEVEL_GRID))
    return checks


def _money(
    costing: _Costing,
    row: Row,
    quantity: str,
    policy: PolicyTable,
    note: str = "",
    *,
    bound: bool = False,
) -> Check:
    ours, error, how = costing.cost(policy)
    tolerance = EXACT_MONEY
    if how == "simulated":
        tolerance = max(SIMULATED_MONEY, STANDARD_ERRORS * error)
    return Check(
        "lost_sales_zipkin_2008", _label(row), quantity, row[quantity], ours, tolerance, how,
        standard_error=error, upper_bound=bound, note=note,
    )  # fmt: skip


def _level(row: Row, quantity: str, ours: float, tolerance: float) -> Check:
    table, published = "lost_sales_zipkin_2008", row[quantity]
    return Check(table, _label(row), quantity, published, ours, tolerance + 1e-9, "exact DP")


def _label(row: Row) -> str:
    return f"{row['demand']} {row['mean']:g}, p={row['penalty']:g}, L={row['lead_time']}"


def check_viral(row: Row, rows: list[Row]) -> list[Check]:
    """Check one policy under two regimes; `rows` name the levels that others are multiples of."""
    instance = viral_instance(row["penalty"])
    label = f"p={row['penalty']:g}, {row['policy']}"
    error = row.get("standard_error", 0.0)
    tolerance = max(SIMULATED_MONEY, STANDARD_ERRORS * error) if error else EXACT_MONEY

    def check(cost: float, note: str = "") -> Check:
        return Check(
            "viral_two_regime", label, "cost", row["cost"], cost, tolerance, "exact DP",
            published_error=error, note=note,
        )  # fmt: skip

    if row["policy"] == "optimal":
        return [check(optimal_policy(instance).cost)]
    levels = _two_levels(row, rows)
    checks = [check(policy_cost(instance, base_stock(instance, levels)), f"levels {levels}")]
    if row["policy"].startswith("best"):
        best = best_two_level(instance, levels)
        checks.append(check(best.cost, f"best levels {best.parameters}"))
    return checks


def _two_levels(row: Row, rows: list[Row]) -> tuple[int, int]:
    """Return a row's levels, or the multiple that its name says of the best usual level."""
    if "levels" in row:
        usual, event = (row["levels"] * 2)[:2]
        return usual, event
    best = next(
        one["levels"][0]
        for one in rows
        if one["penalty"] == row["penalty"] and one["policy"].startswith("best")
    )
    return best, round(best * float(row["policy"].split("x")[0]))


def check_fixed_cost(row: Row) -> list[Check]:
    """Check one policy under a fixed cost an order."""
    instance = one_regime(  # of the table's setting
        poisson_law(5), holding=1, penalty=14, lead_time=2, order_cost=5
    )
    rules: dict[str, Callable[[], PolicyTable]] = {
        "optimal": lambda: optimal_policy(instance).policy,
        "(s,S)": lambda: reorder_to_level(instance, row["s"], row["S"]),
        "(s,nQ)": lambda: reorder_batches(instance, row["s"], row["Q"]),
        "modified (s,S,q)": lambda: reorder_to_level(instance, row["s"], row["S"], row["q"]),
    }
    parameters = ", ".join(f"{name} {row[name]}" for name in ("s", "S", "Q", "q") if name in row)
    ours = policy_cost(instance, rules[row["policy"]]())
    return [
        Check(
            "lost_sales_fixed_cost_bijvank_2015", row["policy"], "cost", row["cost"], ours,
            FIXED_COST_MONEY, "exact DP", note=parameters,
        )
    ]  # fmt: skip
