"""The bench: every policy on the same seeds of a calendar, with distributions and regret."""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from multiprocessing import get_context

import numpy as np
import pandas as pd

from core_modules.run_cases import reference_case
from core_modules.settings import Settings
from core_modules.simulation_runs import (
    BASELINES,
    agent_policy,
    best_cover,
    run_baseline,
    run_clairvoyant,
    run_policy,
)

TUNING_SEED = 1_000_000  # first of the seeds on which levels are tuned; reports use lower ones
CHUNK = 10  # seeds a process takes at a time


@dataclass(frozen=True, slots=True)
class Comparison:
    """Policies on one calendar."""

    scenarios: str
    by_seed: pd.DataFrame  # policy, seed and the figures of `by_replication`
    summary: pd.DataFrame  # one row a policy, see `summarise`


def compare_policies(
    settings: Settings,
    seeds: Sequence[int],
    tuning_seeds: Sequence[int],
    shock_factors: Sequence[float],
    progress: Callable[[int], None],
) -> Comparison:
    """Run the agent, the baselines and the bound on the reference item, one run a seed.

    Levels of the baselines are tuned twice: on other seeds of the same calendar, which is what a
    user could do, and in hindsight on the seeds reported. The agent runs once for each factor on
    the frequency of the shocks it hedges against; 1 is its setting. `progress` is told how many
    runs of the agent are done.
    """
    case = reference_case(settings, seeds)
    tuning = reference_case(settings, tuning_seeds)
    rows = []
    for number, factor in enumerate(shock_factors):
        name = "agent" if factor == 1 else f"agent, shocks x{factor:g}"
        figures = _agent_figures(settings, seeds, factor, progress, number * len(seeds))
        rows.append(_labelled(name, "", seeds, figures))
    for name in BASELINES:
        for where, on in (("other seeds", tuning), ("hindsight", case)):
            run = run_baseline(case, name, best_cover(on, name, settings), settings)
            label = name if not run.parameter else f"{name}, {where}"
            rows.append(_labelled(label, run.parameter, seeds, run.figures))
            if not run.parameter:
                break
    bound = run_clairvoyant(case, settings)
    rows.append(_labelled(bound.name, "", seeds, bound.figures))
    by_seed = pd.concat(rows, ignore_index=True)
    return Comparison(settings.scenarios, by_seed, summarise(by_seed))


def _labelled(
    policy: str, parameter: str, seeds: Sequence[int], figures: pd.DataFrame
) -> pd.DataFrame:
    frame = figures.reset_index(drop=True)
    frame.insert(0, "policy", policy)
    frame.insert(1, "parameter", parameter)
    frame.insert(2, "seed", list(seeds))
    return frame


def _agent_figures(
    settings: Settings,
    seeds: Sequence[int],
    factor: float,
    progress: Callable[[int], None],
    done_before: int,
) -> pd.DataFrame:
    shocks = settings.agent.shocks.scaled(factor)
    alone = replace(settings, jobs=1, agent=replace(settings.agent, shocks=shocks))
    chunks = [seeds[first : first + CHUNK] for first in range(0, len(seeds), CHUNK)]
    parts: dict[int, pd.DataFrame] = {}
    with ProcessPoolExecutor(settings.jobs, mp_context=get_context("spawn")) as pool:
        waiting = {
            pool.submit(_agent_chunk, alone, chunk): number for number, chunk in enumerate(chunks)
        }
        for done in as_completed(waiting):
            parts[waiting[done]] = done.result()
            progress(done_before + sum(len(part) for part in parts.values()))
    return pd.concat([parts[number] for number in sorted(parts)], ignore_index=True)


def _agent_chunk(settings: Settings, seeds: Sequence[int]) -> pd.DataFrame:
    from core_modules.forecasting.forecast_fitting import fitter

    case = reference_case(settings, seeds)
    policy = agent_policy(case, settings, fitter())
    figures = run_policy(case, policy, settings).figures
    figures["escalated_share"] = policy.escalated.sum(axis=0) / settings.days
    return figures


def summarise(by_seed: pd.DataFrame) -> pd.DataFrame:
    """Summarise policies: money in currency, shares 0 to 1, one row a policy in the given order.

    Regret is the clairvoyant's profit less the policy's on the same seed. `behind_agent` is the
    agent's profit less the policy's, mean over paired seeds; `behind_low` to `behind_high` is its
    95 % interval (normal approximation of the mean).
    """
    profits = by_seed.pivot(index="seed", columns="policy", values="profit")
    bound, agent = profits["clairvoyant"], profits["agent"]
    rows = []
    for policy, group in by_seed.groupby("policy", sort=False):
        profit = group.set_index("seed")["profit"]
        behind = (agent - profit).dropna()
        margin = 1.96 * float(behind.std(ddof=1)) / np.sqrt(behind.size) if behind.size > 1 else 0.0
        rows.append(
            {
                "policy": policy,
                "parameter": group["parameter"].iloc[0],
                "seeds": len(group),
                "service_median": group["service_level"].median(),
                "fill_rate": group["fill_rate"].mean(),
                "profit": profit.mean(),
                "profit_p5": profit.quantile(0.05),
                "profit_p95": profit.quantile(0.95),
                "share_of_bound": profit.mean() / bound.loc[profit.index].mean(),
                "regret": float((bound - profit).mean()),
                "behind_agent": float(behind.mean()),
                "behind_low": float(behind.mean()) - margin,
                "behind_high": float(behind.mean()) + margin,
                "average_stock": group["average_stock"].mean(),
                "orders_placed": group["orders_placed"].mean(),
            }
        )
    return pd.DataFrame(rows)
