"""Compared policies in figures: paired differences of cost to the agent, and who dominates whom."""

import numpy as np
import pandas as pd

BOUND = "clairvoyant"


def summarise(by_seed: pd.DataFrame) -> pd.DataFrame:
    """Summarise policies: money in currency, shares 0 to 1, one row a policy in the given order.

    Cost is what a policy can influence: the margin of lost demand, goodwill, holding, ordering and
    waste. `more` is a policy's cost less the agent's on the same seeds, `more_low` to `more_high`
    its 95 % interval (normal approximation of the mean); `plain_` is said of the policy without
    events. `dominated_by` names the policies, the bound left out, that cost less and fill more.
    """
    agent = by_seed[by_seed["policy"] == "agent"].set_index("seed")["cost"]
    bound = by_seed[by_seed["policy"] == BOUND].set_index("seed")["cost"]
    rows = []
    for policy, group in by_seed.groupby("policy", sort=False):
        known = group[group["events"]]
        cost = known.set_index("seed")["cost"]
        row = {
            "policy": policy,
            "parameter": known["parameter"].iloc[0],
            "seeds": len(known),
            "cost": cost.mean(),
            **_difference("more", cost, agent),
            "regret": float((cost - bound).mean()),
            "profit": known["profit"].mean(),
            "profit_p5": known["profit"].quantile(0.05),
            "profit_p95": known["profit"].quantile(0.95),
            "fill_rate": known["fill_rate"].mean(),
            "service_level": known["service_level"].mean(),
            "service_median": known["service_level"].median(),
            "average_stock": known["average_stock"].mean(),
            "orders_placed": known["orders_placed"].mean(),
        }
        plain = group[~group["events"].astype(bool)].set_index("seed")
        row["plain_parameter"] = plain["parameter"].iloc[0] if len(plain) else ""
        row["plain_cost"] = plain["cost"].mean() if len(plain) else np.nan
        row["plain_fill_rate"] = plain["fill_rate"].mean() if len(plain) else np.nan
        row |= _difference("plain_more", plain["cost"], agent)
        rows.append(row)
    summary = pd.DataFrame(rows)
    summary["dominated_by"] = _dominated(summary)
    return summary


def _difference(name: str, cost: pd.Series, agent: pd.Series) -> dict[str, float]:
    more = (cost - agent).dropna()
    margin = 1.96 * float(more.std(ddof=1)) / np.sqrt(more.size) if more.size > 1 else 0.0
    mean = float(more.mean()) if more.size else np.nan
    return {name: mean, f"{name}_low": mean - margin, f"{name}_high": mean + margin}


def _dominated(summary: pd.DataFrame) -> list[str]:
    """Name, for each policy, those that cost less and fill at least as much."""
    rivals = summary[summary["policy"] != BOUND]
    found = []
    for row in summary.itertuples():
        better = (rivals["cost"] < row.cost) & (rivals["fill_rate"] >= row.fill_rate)
        found.append(", ".join(rivals["policy"][better]))
    return found
