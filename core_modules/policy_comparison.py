"""The bench: every policy on the same seeds of a calendar, with the same forecasts and budget.

The agent runs once a seed and keeps its forecasts; each textbook rule then runs on the same market
with those forecasts at every value of its parameters, once knowing what the agent knows of events
and once without. The value that cost least on other seeds, tuned for each of the two, is the one
compared.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from multiprocessing import get_context

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core_modules.performance_analytics import by_replication
from core_modules.policies.comparison_summary import BOUND, summarise
from core_modules.policies.forecast_tape import TapingAgent
from core_modules.policies.parameter_grids import TITLES, parameter_words
from core_modules.policies.rule_arithmetic import Rule
from core_modules.policies.taped_rules import TapedRules, lanes_of, spread_market
from core_modules.run_cases import RunCase, reference_case
from core_modules.settings import Settings
from core_modules.simulation import Market, simulate
from core_modules.simulation_runs import baseline, run_clairvoyant, run_policy

__all__ = ["TUNING_SEED", "Comparison", "compare_policies", "rules_named", "summarise"]

TUNING_SEED = 1_000_000  # first of the seeds on which parameters are tuned; reports use lower ones
CHUNK = 5  # seeds a process takes at a time
RULE_NAMES = {rule.name.lower().replace("_", "-"): rule for rule in Rule}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Policies on one calendar."""

    scenarios: str
    by_seed: pd.DataFrame  # policy, parameter, events, seed, cost and figures of `by_replication`
    summary: pd.DataFrame  # one row a policy, see `summarise`
    sweep: pd.DataFrame  # mean figures of every parameter value: policy, parameter, events, ...


def rules_named(names: Sequence[str] | None) -> tuple[Rule, ...]:
    """Return the rules of names such as 'order-up-to', all without names.

    Raises ValueError for a name that no rule has.
    """
    for name in names or ():
        if name not in RULE_NAMES:
            raise ValueError(f"there is no policy {name!r}: use some of {', '.join(RULE_NAMES)}")
    return tuple(RULE_NAMES[name] for name in names) if names else tuple(Rule)


def compare_policies(
    settings: Settings,
    seeds: Sequence[int],
    tuning_seeds: Sequence[int],
    shock_factors: Sequence[float],
    progress: Callable[[int], None],
    rules: Sequence[Rule] = tuple(Rule),
) -> Comparison:
    """Run the agent, the rules and the bound on the reference item, one run a seed.

    Nothing of the agent is tuned; it runs once for each factor on the frequency of the shocks it
    hedges against, 1 being its setting. Rules that order in lots of their own are left out where
    an order costs nothing. `progress` is told how many runs of the agent are done.
    """
    case = reference_case(settings, seeds[:1])
    free = all(one.order_cost == 0 for one in case.terms)
    lanes = [rule for rule in rules if not (free and rule == Rule.ECONOMIC_ORDER)]
    with ProcessPoolExecutor(settings.jobs, mp_context=get_context("spawn")) as pool:
        told = _Told(progress)
        past = _pooled(pool, settings, tuning_seeds, lanes, told)
        now = _pooled(pool, settings, seeds, lanes, told)
        parts = [now[~now["policy"].isin(_titles(lanes))]]
        for factor in shock_factors:
            if factor != 1:
                shocks = settings.agent.shocks.scaled(factor)
                changed = replace(settings, agent=replace(settings.agent, shocks=shocks))
                rows = _pooled(pool, changed, seeds, [], told)
                rows = rows[rows["policy"] == "agent"]
                parts.append(rows.assign(policy=f"agent, shocks x{factor:g}"))
    parts += [
        _tuned(past, now, TITLES[rule], events=events) for rule in lanes for events in (True, False)
    ]
    by_seed = pd.concat(parts, ignore_index=True)
    numbers = ["cost", "fill_rate", "service_level", "average_stock", "orders_placed", "profit"]
    keys = ["policy", "a", "b", "parameter", "events"]
    sweep = (
        now[now["policy"].isin(_titles(lanes))]
        .groupby(keys, sort=False)[numbers]
        .mean()
        .reset_index()
    )
    by_seed = by_seed.drop(columns=["a", "b"])
    return Comparison(settings.scenarios, by_seed, summarise(by_seed), sweep)


def _titles(rules: Sequence[Rule]) -> list[str]:
    return [TITLES[rule] for rule in rules]


class _Told:
    """Adds up the runs that are done."""

    def __init__(self, progress: Callable[[int], None]) -> None:
        self._progress, self._done = progress, 0

    def more(self, runs: int) -> None:
        self._done += runs
        self._progress(self._done)


def _tuned(past: pd.DataFrame, now: pd.DataFrame, policy: str, *, events: bool) -> pd.DataFrame:
    """Return the runs with the parameter that cost least, on average, on the tuning seeds."""

    def mine(rows: pd.DataFrame) -> pd.DataFrame:
        return rows[(rows["policy"] == policy) & (rows["events"] == events)]

    tried = mine(past).groupby(["a", "b"], sort=False)["cost"].mean().reset_index()
    best = tried.iloc[int(tried["cost"].to_numpy().argmin())]
    runs = mine(now)
    chosen: pd.DataFrame = runs[(runs["a"] == best["a"]) & (runs["b"] == best["b"])]
    return chosen


def _pooled(
    pool: ProcessPoolExecutor,
    settings: Settings,
    seeds: Sequence[int],
    rules: Sequence[Rule],
    told: _Told,
) -> pd.DataFrame:
    alone = replace(settings, jobs=1)
    chunks = [seeds[first : first + CHUNK] for first in range(0, len(seeds), CHUNK)]
    waiting = {
        pool.submit(_chunk, alone, chunk, rules): number for number, chunk in enumerate(chunks)
    }
    parts: dict[int, pd.DataFrame] = {}
    for done in as_completed(waiting):
        number = waiting[done]
        parts[number] = done.result()
        told.more(len(chunks[number]))
    return pd.concat([parts[number] for number in sorted(parts)], ignore_index=True)


def _chunk(settings: Settings, seeds: Sequence[int], rules: Sequence[Rule]) -> pd.DataFrame:
    """Run the agent, the bound and every lane of the rules on some seeds."""
    from core_modules.forecasting.forecast_fitting import fitter

    case = reference_case(settings, seeds)
    agent = TapingAgent(
        case.terms,
        case.history,
        len(seeds),
        fitter(),
        settings.agent,
        refit_every=settings.refit_every,
    )
    run = run_policy(case, agent, settings)
    share = agent.escalated.sum(axis=0) / settings.days
    figures = _costed(run.figures, case.market, case).assign(escalated_share=share)
    rows = [_labelled(figures, "agent", seeds)]
    bound = run_clairvoyant(case, settings).figures
    rows.append(_labelled(_costed(bound, case.market, case), BOUND, seeds))
    if rules:
        rows += _lane_rows(settings, seeds, rules, case, agent)
    return pd.concat(rows, ignore_index=True)


def _lane_rows(
    settings: Settings,
    seeds: Sequence[int],
    rules: Sequence[Rule],
    case: RunCase,
    agent: TapingAgent,
) -> Iterator[pd.DataFrame]:
    lanes = lanes_of(rules)
    count = lanes[0].size
    market = spread_market(case.market, count)
    for informed in (True, False):
        policy = TapedRules(
            case.terms,
            case.history,
            agent.tape,
            lanes,
            len(seeds),
            informed=informed,
            backorders=settings.backorders,
        )
        result = simulate(
            market,
            case.terms,
            case.opening_stock,
            policy,
            opening_orders=case.opening_orders,
            backorders=settings.backorders,
        )
        figures = _costed(by_replication(result, market, case.terms), market, case)
        frame = figures.reset_index(drop=True)
        titles = [TITLES[Rule(number)] for number in lanes[0]]
        words = [
            parameter_words(Rule(number), a, b)
            for number, (a, b) in zip(lanes[0], lanes[1], strict=True)
        ]
        frame.insert(0, "policy", titles * len(seeds))
        frame.insert(1, "parameter", words * len(seeds))
        frame.insert(2, "a", np.tile(lanes[1][:, 0], len(seeds)))
        frame.insert(3, "b", np.tile(lanes[1][:, 1], len(seeds)))
        frame.insert(4, "events", informed)
        frame.insert(5, "seed", np.repeat(list(seeds), count))
        original = frame["policy"] == TITLES[Rule.ORIGINAL]
        if informed and original.any():
            # The demo's rule reads the events itself, each with a multiplier of its own.
            own = run_policy(case, baseline(case, "original-rules", 0.0), settings).figures
            costed = _costed(own, case.market, case)
            frame.loc[original, list(costed)] = costed.to_numpy()
        yield frame


def _costed(figures: pd.DataFrame, market: Market, case: RunCase) -> pd.DataFrame:
    """Add the cost: the margin of all demand less the profit, money by replication."""
    price, unit_cost = (
        np.array([[[getattr(one, name)]] for one in case.terms])
        for name in ("unit_price", "unit_cost")
    )
    margin: NDArray[np.float64] = market.demand * (price * market.price_multiplier - unit_cost)
    return figures.assign(cost=margin.sum(axis=(0, 2)) - figures["profit"].to_numpy())


def _labelled(figures: pd.DataFrame, policy: str, seeds: Sequence[int]) -> pd.DataFrame:
    frame = figures.reset_index(drop=True)
    named = {"policy": policy, "parameter": "", "a": 0.0, "b": 0.0, "events": True}
    head = pd.DataFrame({**named, "seed": list(seeds)})
    return pd.concat([head, frame], axis=1)
