"""What the policies cost on real data: lanes and settings, the chosen parameters, the tables."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core_modules.policies.parameter_grids import GRIDS, TITLES, parameter_words
from core_modules.policies.rule_arithmetic import Rule

FloatArray = NDArray[np.float64]

LEAD_TIMES = (3, 7, 14)
PENALTIES = (4, 9, 19)  # money a lost unit, where a unit held costs 1 a day
RULES = tuple(rule for rule in Rule if rule != Rule.ECONOMIC_ORDER)  # nothing is fixed an order
LANES = np.concatenate([np.full(len(GRIDS[rule]), int(rule)) for rule in RULES])
PARAMETERS = np.concatenate([GRIDS[rule] for rule in RULES])
AGENT_COSTS: FloatArray = np.geomspace(1.0, 20.0, 14)  # money a lost unit counts for the agent


@dataclass(frozen=True, slots=True, eq=False)
class Costs:
    """What the lanes of a run cost: units held and lost a day by lane and item."""

    held: FloatArray  # (lanes, items)
    lost: FloatArray  # (lanes, items)

    def at(self, penalty: float) -> FloatArray:
        """Return money a day at a cost of a lost unit, (lanes, items)."""
        return self.held + penalty * self.lost


def compared(
    tuned: tuple[Costs, Costs], tested: tuple[Costs, Costs], penalty: float, bound: FloatArray
) -> Iterator[dict[str, object]]:
    """Yield a row a policy at one lead time: what was chosen on the past, and what it then cost."""
    agent = tested[1].at(penalty)[PENALTIES.index(int(penalty))]
    weight = best_agent_cost(tuned[1], penalty) / penalty
    yield _row("agent", f"weight {weight:.2f}", agent, agent, bound)
    past, later = tuned[0].at(penalty).mean(axis=1), tested[0].at(penalty)
    for rule in RULES:
        lanes = np.flatnonzero(int(rule) == LANES)
        lane = lanes[past[lanes].argmin()]
        words = parameter_words(rule, *PARAMETERS[lane])
        yield _row(TITLES[rule], words, later[lane], agent, bound)
    for rule in (Rule.ORDER_UP_TO, Rule.NEWSVENDOR):
        lanes = np.flatnonzero(int(rule) == LANES)
        lane = lanes[np.abs(PARAMETERS[lanes, 0] - penalty / (penalty + 1)).argmin()]
        words = parameter_words(rule, *PARAMETERS[lane])
        yield _row(f"{TITLES[rule]}, critical ratio", words, later[lane], agent, bound)
    yield _row("clairvoyant", "", bound, agent, bound)


def best_agent_cost(tuned: Costs, penalty: float) -> float:
    """Return the cost of a lost unit with which the agent did best on the past."""
    return float(AGENT_COSTS[tuned.at(penalty).mean(axis=1).argmin()])


def _row(
    policy: str, parameter: str, cost: FloatArray, agent: FloatArray, bound: FloatArray
) -> dict[str, object]:
    """Compare a policy with the agent, item by item; the interval is 95 % of the mean, normal."""
    more = cost - agent
    margin = 1.96 * more.std(ddof=1) / np.sqrt(more.size)
    return {
        "policy": policy,
        "parameter": parameter,
        "cost": cost.mean(),
        "ratio": cost.mean() / agent.mean(),
        "more": more.mean(),
        "more_low": more.mean() - margin,
        "more_high": more.mean() + margin,
        "regret": (cost - bound).mean(),
        "items": more.size,
    }


def show(rows: pd.DataFrame) -> None:
    """Print each policy's cost over the agent's, with a star where the interval leaves out 0."""
    settings = list(product(LEAD_TIMES, PENALTIES))

    def line(title: str, cells: list[str]) -> None:
        print(f"{title:36}" + "".join(f"{cell:>9}" for cell in cells))

    name, count = rows["data"].iloc[0], rows["items"].iloc[0]
    print(f"\n{name}, {count} items; lead time / cost of a lost unit (a unit held costs 1 a day)")
    line("", [f"{lead}/{lost}" for lead, lost in settings])
    agent = rows[rows["policy"] == "agent"]
    line("agent, weight of a lost unit", [text.split()[-1] for text in agent["parameter"]])
    line("agent, cost an item-day", [f"{cost:.3f}" for cost in agent["cost"]])
    line("agent, above the bound", [f"{regret:.3f}" for regret in agent["regret"]])
    print("cost over the agent's (* the 95 % interval of the difference leaves out 0):")
    for policy, group in rows[rows["policy"] != "agent"].groupby("policy", sort=False):
        clear = (group["more_low"] > 0) | (group["more_high"] < 0)
        marks = np.where(clear, "*", " ")
        cells = [f"{ratio:.3f}{mark}" for ratio, mark in zip(group["ratio"], marks, strict=True)]
        line(str(policy), cells)
    rules = rows[~rows["policy"].isin(["agent", "clairvoyant"])]
    best = rules.groupby(["lead_time", "penalty"])["ratio"].min()
    print(f"agent below every policy in {int((best > 1).sum())} of {len(best)} settings")
