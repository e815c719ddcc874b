"""Runs a case: the policy asked for, beside it the baselines and the bound, on one market."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from core_modules.agent_policy import AgentPolicy, Fit
from core_modules.market_beliefs import ShockPrior
from core_modules.performance_analytics import by_replication
from core_modules.replenishment_policies import (
    MEAN_WINDOW,
    Clairvoyant,
    DaysOfCover,
    OrderUpTo,
    OriginalRules,
)
from core_modules.rule_simulation import RuleRunner, StockRule, figures_of
from core_modules.run_cases import (
    DEMO_BASE,
    REFERENCE_QUANTITY,
    REFERENCE_REORDER_POINT,
    RunCase,
)
from core_modules.settings import Settings
from core_modules.simulation import Policy, SimulationResult, simulate

POLICIES = ("agent", "original-rules", "order-up-to", "days-of-cover", "clairvoyant")
BASELINES = POLICIES[1:4]
COVER_DAYS = tuple(np.geomspace(0.5, 90, 15).tolist())  # tried when a level is tuned
FINE_COVERS = 9  # tried between the neighbours of the best


@dataclass(frozen=True, slots=True)
class PolicyRun:
    """One policy's run through a case."""

    name: str
    result: SimulationResult
    figures: pd.DataFrame  # one row a replication, see `by_replication`
    parameter: str  # what was tuned, for people; empty where nothing


def run_policy(
    case: RunCase,
    policy: Policy,
    settings: Settings,
    parameter: str = "",
    progress: Callable[[int], None] | None = None,
) -> PolicyRun:
    """Run one policy through a case."""
    result = simulate(
        case.market,
        case.terms,
        case.opening_stock,
        policy,
        opening_orders=case.opening_orders,
        backorders=settings.backorders,
        progress=progress,
    )
    figures = by_replication(result, case.market, case.terms)
    return PolicyRun(policy.name, result, figures, parameter)


def agent_policy(
    case: RunCase,
    settings: Settings,
    fit: Fit,
    priors: Mapping[str, ShockPrior] | None = None,
) -> AgentPolicy:
    """Build the agent for a case."""
    replications = case.market.shape[1]
    return AgentPolicy(
        case.terms,
        case.history,
        replications,
        fit,
        settings.agent,
        refit_every=settings.refit_every,
        priors=priors,
    )


def baseline(case: RunCase, name: str, cover: float) -> Policy:
    """Build a baseline; `cover` is days of demand beyond the lead time, where it has a level."""
    replications = case.market.shape[1]
    days = cover + np.array([one.lead_time for one in case.terms], dtype=np.float64)
    match name:
        case "order-up-to":
            return OrderUpTo(case.terms, days * case.usual_demand)
        case "days-of-cover":
            return DaysOfCover(case.terms, days, case.recent, replications)
        case "original-rules":
            size = case.usual_demand / DEMO_BASE
            return OriginalRules(
                case.terms,
                REFERENCE_REORDER_POINT * size,
                REFERENCE_QUANTITY * size,
                case.recent,
                replications,
            )
    raise ValueError(f"there is no baseline {name!r}: use one of {', '.join(BASELINES)}")


def _stock_rule(case: RunCase, name: str, cover: float) -> StockRule:
    """Return the rule of a baseline with a level, as `baseline` builds it."""
    days = cover + np.array([one.lead_time for one in case.terms], dtype=np.float64)
    if name == "order-up-to":
        return StockRule.order_up_to(days * case.usual_demand)
    return StockRule.days_of_cover(days, case.recent, MEAN_WINDOW)


def best_cover(case: RunCase, name: str, settings: Settings) -> float:
    """Return the days of cover with the highest mean profit of a baseline on this very case.

    A coarse grid, then a fine one between the neighbours of its best.
    """
    if name == "original-rules":
        return 0.0
    runner = RuleRunner(
        case.market,
        case.terms,
        case.opening_stock,
        opening_orders=case.opening_orders,
        backorders=settings.backorders,
    )

    def profit(cover: float) -> float:
        sums = runner.run(_stock_rule(case, name, cover))
        return float(figures_of(sums, case.terms)["profit"].mean())

    best = int(np.argmax([profit(cover) for cover in COVER_DAYS]))
    low, high = COVER_DAYS[max(best - 1, 0)], COVER_DAYS[min(best + 1, len(COVER_DAYS) - 1)]
    finer: list[float] = np.linspace(low, high, FINE_COVERS).tolist()
    return max(finer, key=profit)


def run_baseline(case: RunCase, name: str, cover: float, settings: Settings) -> PolicyRun:
    """Run a baseline at a level of `cover` days."""
    words = ""
    if name != "original-rules":
        days = cover + case.terms[0].lead_time
        level = f"{days * case.usual_demand[0]:,.0f} units"
        own = level if name == "order-up-to" else f"{days:.1f} days"
        words = own if len(case.terms) == 1 else f"lead time + {cover:.1f} days"
    return run_policy(case, baseline(case, name, cover), settings, words)


def run_baselines(case: RunCase, settings: Settings) -> list[PolicyRun]:
    """Run every baseline, its level the best in hindsight on this case."""
    runs = [
        run_baseline(case, name, best_cover(case, name, settings), settings) for name in BASELINES
    ]
    return [
        replace(run, parameter=f"hindsight {run.parameter}") if run.parameter else run
        for run in runs
    ]


def run_clairvoyant(case: RunCase, settings: Settings) -> PolicyRun:
    """Run the bound."""
    policy = Clairvoyant(
        case.terms,
        case.market,
        case.opening_stock,
        opening_orders=case.opening_orders,
        backorders=settings.backorders,
    )
    return run_policy(case, policy, settings)
