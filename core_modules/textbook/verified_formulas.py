"""Checks of the published tables that formulae and small exact algorithms reproduce."""

from collections.abc import Callable
from typing import Any

from core_modules.textbook.checks import RELATIVE, REORDER_MONEY, ROUNDING, Check
from core_modules.textbook.economic_order import economic_order
from core_modules.textbook.instances import poisson_law
from core_modules.textbook.newsvendor import (
    Newsvendor,
    newsvendor_lognormal,
    newsvendor_normal,
    newsvendor_poisson,
)
from core_modules.textbook.reorder_policy import reorder_policy
from core_modules.textbook.wagner_whitin import wagner_whitin

Row = dict[str, Any]  # as it is in the JSON file

# Costs of the table's setting.
REORDER_HOLDING, REORDER_STOCKOUT, REORDER_FIXED = 1.0, 9.0, 64.0

NEWSVENDORS: dict[str, tuple[Callable[..., Newsvendor], tuple[str, ...]]] = {
    "normal": (newsvendor_normal, ("mean", "sd", "lead_time")),
    "poisson": (newsvendor_poisson, ("mean", "lead_time")),
    "lognormal": (newsvendor_lognormal, ("mu", "sigma")),
}


def check_newsvendor(row: Row) -> list[Check]:
    """Check one newsvendor's stock and cost."""
    solve, names = NEWSVENDORS[row["demand"]]
    law = {name: row[name] for name in names if name in row}
    ours = solve(row["holding"], row["stockout"], **law)
    given = ", ".join(f"{name} {value:g}" for name, value in law.items())
    label = f"{row['demand']}, {given}, h={row['holding']:g}, p={row['stockout']:g}"
    return [
        _relative("newsvendor", label, "quantity", row, float(ours.quantity)),
        _relative("newsvendor", label, "cost", row, float(ours.cost)),
    ]


def check_economic_order(row: Row) -> list[Check]:
    """Check one economic order quantity and its cost."""
    owed = {"stockout": row["stockout"]} if "stockout" in row else {}
    ours = economic_order(row["fixed"], row["holding"], row["rate"], **owed)
    return [
        _relative("eoq", row["model"], "quantity", row, float(ours.quantity)),
        _relative("eoq", row["model"], "cost", row, float(ours.cost)),
    ]


def check_wagner_whitin(row: Row) -> list[Check]:
    """Check one plan's cost, and its orders where they are given."""
    table, label = "wagner_whitin", f"demand {', '.join(map(str, row['demand']))}"
    plan = wagner_whitin(row["demand"], row["holding"], row["fixed"])
    orders = row.get("orders", [])
    return [
        Check(table, label, "cost", row["cost"], plan.cost, ROUNDING, "formula"),
        *(
            Check(table, label, f"order {number}", published, ours, ROUNDING, "formula")
            for number, (published, ours) in enumerate(zip(orders, plan.orders, strict=False), 1)
        ),
    ]


def check_reorder_policy(row: Row) -> list[Check]:
    """Check one (s, S) policy and its cost."""
    table, label = "s_S_zheng_federgruen_1991", f"Poisson {row['mu']}"
    ours = reorder_policy(
        poisson_law(row["mu"]),
        holding=REORDER_HOLDING,
        stockout=REORDER_STOCKOUT,
        order_cost=REORDER_FIXED,
    )
    return [
        Check(table, label, "s", row["s"], ours.reorder_point, 0.0, "formula"),
        Check(table, label, "S", row["S"], ours.order_up_to, 0.0, "formula"),
        Check(table, label, "cost", row["cost"], ours.cost, REORDER_MONEY, "formula"),
    ]


def _relative(table: str, label: str, quantity: str, row: Row, ours: float) -> Check:
    published = row[quantity]
    return Check(table, label, quantity, published, ours, RELATIVE * abs(published), "formula")
