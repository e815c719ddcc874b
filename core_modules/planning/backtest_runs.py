"""Policies on the past: what each costs, tuned on the earlier origins, reported on the last."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context

import numpy as np
import pandas as pd

from core_modules.agent_policy import AgentPolicy
from core_modules.forecasting.forecast_values import DemandModel
from core_modules.inventory import IntArray
from core_modules.inventory_agent import AgentSettings
from core_modules.market_beliefs import ShockPrior
from core_modules.planning.backtest_cases import BoolArray, FloatArray, OriginCase
from core_modules.replenishment_policies import Clairvoyant
from core_modules.simulation import Observation, Policy, SimulationResult, simulate
from core_modules.simulation_runs import BASELINES, COVER_DAYS, baseline

WEIGHTS = (0.1, 0.25, 0.5, 0.75, 1.0, 1.35, 1.8, 2.5)  # of a lost unit, tried on the past
CLEARLY = 2.0  # standard errors
FEW_DECISIONS = 3_000  # below which starting processes takes longer than deciding


@dataclass(frozen=True, slots=True)
class Dials:
    """What is tuned of the agent."""

    shortage_weight: float  # a lost unit counts this many times its cost
    shock_factor: float  # how often unannounced shocks come, times the prior


@dataclass(frozen=True, slots=True, eq=False)
class OriginRun:
    """What one policy did after one origin; arrays are (items,)."""

    policy: str
    parameter: str  # what was tuned, for people
    cost: FloatArray  # money over the periods scored
    demand: FloatArray  # units in them
    lost: FloatArray  # units
    stock: FloatArray  # units, mean at the end of a period
    orders: FloatArray  # orders placed


@dataclass(frozen=True, slots=True, eq=False)
class FittedOrigin:
    """An origin with the demand models that its past gives."""

    origin: OriginCase
    models: tuple[DemandModel, ...]
    priors: Mapping[str, ShockPrior]  # of unannounced surges, by item, before the shock factor


class _NoOrders:
    """What was done: deliveries came as they came, and nobody else orders."""

    name = "as done"

    def order(self, observation: Observation) -> IntArray:
        return np.zeros_like(observation.on_hand)


class _Flagged:
    """A policy that is told which periods the shop was out of stock, as the planner was."""

    def __init__(self, policy: Policy, unknown: BoolArray) -> None:
        self.name = policy.name
        self._policy, self._unknown = policy, unknown  # (items, periods)

    def order(self, observation: Observation) -> IntArray:
        flags = observation.ran_out | self._unknown[:, observation.day, None]
        return self._policy.order(replace(observation, ran_out=flags))


def run_on(
    fitted: FittedOrigin, policy: Policy, parameter: str = "", arrivals: IntArray | None = None
) -> OriginRun:
    """Run a policy after an origin, with the case's own deliveries under way or with `arrivals`."""
    case, scored = fitted.origin.case, fitted.origin.scored
    result = simulate(
        case.market,
        case.terms,
        case.opening_stock,
        _Flagged(policy, fitted.origin.unknown),
        opening_orders=case.opening_orders if arrivals is None else arrivals,
    )
    counted = np.maximum(scored.sum(axis=1), 1)
    return OriginRun(
        policy=policy.name,
        parameter=parameter,
        cost=(_costs(result, fitted) * scored).sum(axis=1),
        demand=(case.market.demand[:, 0] * scored).sum(axis=1).astype(np.float64),
        lost=(result.unmet[:, 0] * scored).sum(axis=1).astype(np.float64),
        stock=(result.on_hand[:, 0] * scored).sum(axis=1) / counted,
        orders=(result.ordered[:, 0] > 0).sum(axis=1).astype(np.float64),
    )


def _costs(result: SimulationResult, fitted: FittedOrigin) -> FloatArray:
    """Price each item-period, (items, periods): stock held, sales lost, orders placed, waste.

    A lost unit costs its `shortage_cost`, what is wasted its cost less salvage.
    """

    def column(name: str) -> FloatArray:
        return np.array([[getattr(one, name)] for one in fitted.origin.case.terms])

    return np.asarray(
        column("holding_cost") * (result.on_hand[:, 0] + result.wasted[:, 0])
        + column("shortage_cost") * result.unmet[:, 0]
        + column("order_cost") * (result.ordered[:, 0] > 0)
        + (column("unit_cost") - column("salvage")) * result.wasted[:, 0]
    )


def run_agent(fitted: FittedOrigin, settings: AgentSettings, dials: Dials) -> OriginRun:
    """Run the agent after an origin; its models follow the sales and are not fitted again."""
    case = fitted.origin.case
    tuned = replace(
        settings,
        shortage_weight=dials.shortage_weight,
        shocks=settings.shocks.scaled(dials.shock_factor),
    )
    priors = {name: prior.scaled(dials.shock_factor) for name, prior in fitted.priors.items()}

    def fit(frame: pd.DataFrame, horizon: int) -> Sequence[DemandModel]:  # noqa: ARG001
        return fitted.models

    policy = AgentPolicy(
        case.terms,
        case.history,
        1,
        fit,
        tuned,
        refit_every=case.market.shape[2] + 1,
        priors=priors,
    )
    return run_on(fitted, policy, _words(dials))


def _words(dials: Dials) -> str:
    return f"weight {dials.shortage_weight:g}, shocks x{dials.shock_factor:g}"


def run_baseline_on(fitted: FittedOrigin, name: str, cover: float) -> OriginRun:
    """Run a baseline after an origin at a level of `cover` periods beyond the lead time."""
    words = "" if name == "original-rules" else f"lead time + {cover:.3g} periods"
    return run_on(fitted, baseline(fitted.origin.case, name, cover), words)


def run_as_done(fitted: FittedOrigin) -> OriginRun:
    """Run what was received through the same physics; raises ValueError where it is not known."""
    if fitted.origin.received is None:
        raise ValueError("what was done is not known: name the receipts with --orders")
    done = run_on(fitted, _NoOrders(), arrivals=fitted.origin.received)
    case, scored = fitted.origin.case, fitted.origin.scored
    # Who received, had ordered.
    placed = (fitted.origin.received > 0) & scored
    charged = np.array([one.order_cost for one in case.terms]) * placed.sum(axis=1)
    return replace(
        done,
        cost=done.cost + charged,
        orders=(fitted.origin.received > 0).sum(axis=1).astype(np.float64),
    )


def run_bound(fitted: FittedOrigin) -> OriginRun:
    """Run the clairvoyant, who knows the sales to come."""
    case = fitted.origin.case
    policy = Clairvoyant(
        case.terms, case.market, case.opening_stock, opening_orders=case.opening_orders
    )
    return run_on(fitted, policy)


def tune_baseline(past: Sequence[FittedOrigin], name: str) -> float:
    """Return the cover, in periods, at which a baseline cost least on the past."""
    if name == "original-rules":
        return 0.0

    def cost(cover: float) -> float:
        return sum(float(run_baseline_on(one, name, cover).cost.sum()) for one in past)

    best = int(np.argmin([cost(cover) for cover in COVER_DAYS]))
    low, high = COVER_DAYS[max(best - 1, 0)], COVER_DAYS[min(best + 1, len(COVER_DAYS) - 1)]
    finer: list[float] = np.linspace(low, high, len(WEIGHTS)).tolist()
    return min(finer, key=cost)


def tune_agent(
    past: Sequence[FittedOrigin],
    settings: AgentSettings,
    shock_factors: Sequence[float],
    jobs: int,
    progress: Callable[[int], None],
) -> tuple[Dials, list[tuple[Dials, float]]]:
    """Return the dials to plan with, and what each that was tried cost on the past.

    The shock factor is the cheapest at weight 1. Of the weights at that factor the nearest to 1 is
    taken whose cost is not clearly above the least: some weeks of the past tell weights apart only
    roughly, and 1 is what the costs themselves say.
    """
    done = 0

    def costs(dials: Sequence[Dials]) -> list[FloatArray]:
        nonlocal done
        tasks = [(one, settings, dial) for dial in dials for one in past]
        found = _run_all(tasks, jobs, lambda count: progress(done + count))
        done += len(tasks)
        return [
            np.concatenate(found[at : at + len(past)]) for at in range(0, len(found), len(past))
        ]

    factors = [Dials(1.0, factor) for factor in shock_factors]
    by_factor = costs(factors)
    best = int(np.argmin([one.sum() for one in by_factor]))
    weights = sorted((one for one in WEIGHTS if one != 1), key=lambda one: abs(np.log(one)))
    mine = [factors[best], *(Dials(weight, factors[best].shock_factor) for weight in weights)]
    by_weight = [by_factor[best], *costs(mine[1:])]
    tried = list(zip(factors, by_factor, strict=True)) + list(zip(mine, by_weight, strict=True))[1:]
    chosen = mine[nearest_to_first(by_weight)]
    return chosen, [(dials, float(one.sum())) for dials, one in tried]


def nearest_to_first(costs: Sequence[FloatArray]) -> int:
    """Return the first choice whose cost is not clearly above the least; each is (item-origins,).

    Clearly is by more than two standard errors of the paired difference.

    >>> level = np.array([10.0, 12.0, 11.0, 9.0])
    >>> nearest_to_first([level + [1, -1, 1, 0], level]), nearest_to_first([level + 1, level])
    (0, 1)
    """
    least = costs[int(np.argmin([one.sum() for one in costs]))]
    for place, one in enumerate(costs):
        above = one - least
        error = float(above.std(ddof=1)) * np.sqrt(above.size) if above.size > 1 else 0.0
        if float(above.sum()) <= CLEARLY * error:
            return place
    return 0


def runs_to_tune(past: int, shock_factors: Sequence[float]) -> int:
    """Return how many runs `tune_agent` makes."""
    return past * (len(shock_factors) + len(WEIGHTS) - 1)


_Task = tuple[FittedOrigin, AgentSettings, Dials]


def _run_all(
    tasks: Sequence[_Task], jobs: int, progress: Callable[[int], None]
) -> list[FloatArray]:
    decisions = sum(np.prod(one.origin.case.market.shape) for one, _, _ in tasks)
    costs = []
    if jobs == 1 or decisions < FEW_DECISIONS:
        for task in tasks:
            costs.append(_agent_cost(task))
            progress(len(costs))
        return costs
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for cost in pool.map(_agent_cost, tasks):
            costs.append(cost)
            progress(len(costs))
    return costs


def _agent_cost(task: _Task) -> FloatArray:
    return run_agent(*task).cost


def run_all_policies(
    past: Sequence[FittedOrigin], last: FittedOrigin, settings: AgentSettings, dials: Dials
) -> list[OriginRun]:
    """Run the agent, what was done where it is known, every baseline and the bound on the last."""
    runs = [run_agent(last, settings, dials)]
    if last.origin.received is not None:
        runs.append(run_as_done(last))
    runs.extend(run_baseline_on(last, name, tune_baseline(past, name)) for name in BASELINES)
    return [*runs, run_bound(last)]
