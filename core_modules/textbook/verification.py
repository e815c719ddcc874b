"""Recomputes every published table of `published_tables.json` and says where it differs.

A further table holds the agent's orders, told the demand law, against the published optima.
"""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from core_modules.textbook.checks import Check
from core_modules.textbook.verified_agent import AGENT_TABLE, agent_tasks, check_mean
from core_modules.textbook.verified_formulas import (
    check_economic_order,
    check_newsvendor,
    check_reorder_policy,
    check_wagner_whitin,
)
from core_modules.textbook.verified_lost_sales import (
    check_fixed_cost,
    check_lost_sales,
    check_viral,
)

TABLES = Path(__file__).resolve().parents[1] / "published_tables.json"

Progress = Callable[[int, int], None]  # rows done, rows in all
Task = Callable[[], list[Check]]


def published_tables() -> dict[str, Any]:
    """Return the published tables, by name: numbers, settings, sources and tolerances."""
    tables: dict[str, Any] = json.loads(TABLES.read_text(encoding="utf-8"))
    return tables


def verify_tables(
    *, exact: bool = False, agent: bool = True, progress: Progress | None = None, jobs: int = 2
) -> list[Check]:
    """Return one check a published figure, in the order of the tables, and those of the `agent`.

    Beyond lead time 2 lost-sales costs are simulated, and the agent is left out, unless `exact`.
    The rows run side by side in threads: the compiled steps, which take nearly all the time, let
    each other run.
    """
    tables = published_tables()
    tasks = _tasks(tables, exact)
    if agent:
        tasks += agent_tasks(tables, exact=exact)
    with ThreadPoolExecutor(jobs) as pool:
        waiting = [pool.submit(task) for task in tasks]
        try:
            for done, future in enumerate(as_completed(waiting), 1):
                future.result()
                if progress:
                    progress(done, len(tasks))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
        checks = [check for future in waiting for check in future.result()]
    return checks + check_mean([check for check in checks if check.table == AGENT_TABLE])


def _tasks(tables: dict[str, Any], exact: bool) -> list[Task]:
    """Return what checks each row of each table."""
    viral = tables["viral_two_regime"]["rows"]
    of_table: dict[str, Callable[[dict[str, Any]], list[Check]]] = {
        "lost_sales_zipkin_2008": partial(check_lost_sales, exact=exact),
        "s_S_zheng_federgruen_1991": check_reorder_policy,
        "newsvendor": check_newsvendor,
        "eoq": check_economic_order,
        "wagner_whitin": check_wagner_whitin,
        "viral_two_regime": partial(check_viral, rows=viral),
        "lost_sales_fixed_cost_bijvank_2015": check_fixed_cost,
    }
    unknown = tables.keys() - of_table.keys()
    if unknown:
        raise ValueError(f"{TABLES.name} has a table that nothing checks: {', '.join(unknown)}")
    return [partial(of_table[name], row) for name in tables for row in tables[name]["rows"]]


def checks_table(checks: Sequence[Check]) -> pd.DataFrame:
    """Return the checks for people, one row each, every cell as text."""
    return pd.DataFrame(
        {
            "table": [check.table for check in checks],
            "row": [check.row for check in checks],
            "quantity": [check.quantity for check in checks],
            "published": [f"{check.published:.7g}" for check in checks],
            "ours": [f"{check.ours:.7g}" for check in checks],
            "deviation": [f"{check.deviation:+.1e}" for check in checks],
            "tolerance": [f"{check.tolerance:.1e}" for check in checks],
            "verdict": [check.verdict for check in checks],
            "how": [_how(check) for check in checks],
        }
    )


def _how(check: Check) -> str:
    parts = [check.how, check.note]
    if check.standard_error:
        parts[0] += f" (standard error {check.standard_error:.3f})"
    if check.published_error:
        parts.append(f"published with standard error {check.published_error:g}")
    if check.upper_bound:
        parts.append("published as an upper bound")
    return ", ".join(part for part in parts if part)


def summary_table(checks: Sequence[Check]) -> pd.DataFrame:
    """Return one row a table: figures, how many agree, how far the worst is off."""
    frame = pd.DataFrame(
        {
            "table": [check.table for check in checks],
            "agree": [check.agrees for check in checks],
            "apart": [check.apart for check in checks],
        }
    )
    return (
        frame.groupby("table", sort=False)
        .agg(figures=("agree", "size"), agree=("agree", "sum"), furthest_apart=("apart", "max"))
        .reset_index()
    )
