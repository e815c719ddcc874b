"""What a backtest shows: each policy's cost on the last origin, beside the agent's."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from core_modules.planning.backtest_cases import FloatArray
from core_modules.planning.backtest_runs import OriginRun

RESAMPLES = 2_000


def policy_table(runs: Sequence[OriginRun], seed: int = 0) -> pd.DataFrame:
    """Return one row a policy; the first run is the agent's, the last the bound's.

    `above_agent` is the policy's cost over the agent's less 1; `low` to `high` is its 95 % interval
    by the paired bootstrap over items.
    """
    agent = runs[0]
    rows = []
    for run in runs:
        low, high = _interval(run.cost, agent.cost, np.random.default_rng(seed))
        demand = float(run.demand.sum())
        rows.append(
            {
                "policy": run.policy,
                "tuned": run.parameter,
                "cost": float(run.cost.sum()),
                "above_agent": _ratio(run.cost, agent.cost),
                "low": low,
                "high": high,
                "fill_rate": 1 - float(run.lost.sum()) / demand if demand else 1.0,
                "stock": float(run.stock.sum()),
                "orders": float(run.orders.sum()),
            }
        )
    return pd.DataFrame(rows)


def _ratio(cost: FloatArray, agent: FloatArray) -> float:
    total = float(agent.sum())
    return float(cost.sum()) / total - 1 if total > 0 else float("nan")


def _interval(cost: FloatArray, agent: FloatArray, rng: np.random.Generator) -> tuple[float, float]:
    """Return the 2.5 and 97.5 % quantiles of the ratio less 1 over resampled items."""
    if cost.size < 2 or agent.sum() <= 0:
        return float("nan"), float("nan")
    drawn = rng.integers(cost.size, size=(RESAMPLES, cost.size))
    below = agent[drawn].sum(axis=1)
    ratios = cost[drawn].sum(axis=1)[below > 0] / below[below > 0] - 1
    low, high = np.quantile(ratios, [0.025, 0.975]).tolist()
    return float(low), float(high)


def item_table(runs: Sequence[OriginRun], unique_ids: Sequence[str]) -> pd.DataFrame:
    """Return one row an item and policy, for the file."""
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "unique_id": list(unique_ids),
                    "policy": run.policy,
                    "cost": run.cost,
                    "demand": run.demand,
                    "lost": run.lost,
                    "stock": run.stock,
                    "orders": run.orders,
                }
            )
            for run in runs
        ],
        ignore_index=True,
    )
