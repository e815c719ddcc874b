"""How well expected regret tells which decisions a person should see: precision and recall.

The truth is an order's realised regret: what it cost on the demand, lead time and fill that came,
less what the best quantity in hindsight would have cost. Hindsight is of the demand that this order
serves, from its arrival until the next one can arrive; a loss after that is the regret of a later
order. Beside it stands hindsight of the whole path of 17 days, later orders following the rollout's
plain rule: there one surge that nobody announced is regretted on every evening before it, which no
evening can foresee. A few decisions are checked against the agent itself as the later policy.

    python benchmarks/escalation.py [--seeds 10] [--calendars stress,random] [--first 0]

Seeds from 1,000,000 on are for tuning; nothing is tuned on the seeds printed by default.
"""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if not __package__:
    sys.path[0] = str(ROOT)

import numpy as np  # noqa: E402 - the guard above comes first
import pandas as pd  # noqa: E402

from benchmarks.escalation_truth import (  # noqa: E402
    CHECKED_DAYS,
    FloatArray,
    Future,
    agent_cost,
    hindsight,
    realised,
    until_next_delivery,
)
from core_modules.agent_policy import DecisionRecord  # noqa: E402
from core_modules.explaining.order_regret import later_safety  # noqa: E402
from core_modules.inventory_agent import AgentSettings, evening_of  # noqa: E402
from core_modules.item_terms import ItemTerms  # noqa: E402
from core_modules.market import Market  # noqa: E402
from core_modules.market_scenarios import affecting, scenario_effects  # noqa: E402
from core_modules.run_cases import reference_case  # noqa: E402
from core_modules.run_folders import FIT_CACHE  # noqa: E402
from core_modules.settings import Settings  # noqa: E402
from core_modules.simulation_runs import agent_policy, run_policy  # noqa: E402

REVIEW_COSTS = (100.0, 300.0, 1000.0, 3000.0)  # money
CHECKED_EVERY = 40  # evenings


def run_seed(calendar: str, seed: int) -> pd.DataFrame:
    """Run the agent through a seed and judge each of its decisions."""
    from core_modules.forecasting.forecast_fitting import fitter

    settings = Settings(seed=seed, scenarios=calendar, jobs=1)
    case = reference_case(settings, [seed])
    policy = agent_policy(case, settings, fitter(cache=FIT_CACHE))
    run_policy(case, policy, settings)
    terms, market = case.terms[0], case.market
    effects = scenario_effects(
        affecting(market.events[0], terms.unique_id), market.start, settings.days
    )
    rows = []
    for day, record in enumerate(policy.records):
        row = _judged(record, terms, market, day, effects.demand_multiplier, settings.agent)
        if row:
            rows.append({"calendar": calendar, "seed": seed, "day": day} | row)
    return pd.DataFrame(rows)


def _judged(
    record: DecisionRecord,
    terms: ItemTerms,
    market: Market,
    day: int,
    multiplier: FloatArray,
    settings: AgentSettings,
) -> dict[str, float]:
    """Return expected and realised regret; nothing where the run ends before the path does."""
    decision = record.decision
    evening = evening_of(record.state, terms, decision.day, record.situation, settings)
    periods = evening.view.demand.shape[1]
    lead_time = int(market.lead_times[0, 0, day])
    days = slice(day + 1, day + 1 + periods)
    if day + 1 + periods > market.shape[2] or lead_time > periods:
        return {}
    future = Future(
        demand=market.demand[0, 0, days].astype(np.float64),
        multiplier=multiplier[days],
        lead_time=lead_time,
        filled_share=float(market.filled_share[0, 0, day]),
    )
    came, safety = realised(evening.problem, future), later_safety(evening.problem)
    cost, quantity = terms.shortage_cost, decision.quantity
    own, best_own = hindsight(until_next_delivery(came), quantity, cost, safety)
    whole, best_whole = hindsight(came, quantity, cost, safety)
    limited = decision.needs_review and decision.expected_regret <= settings.review_cost
    return {
        "expected": decision.expected_regret,
        "own": own,
        "whole": whole,
        "limited": float(limited),
        "quantity": quantity,
        "best_own": best_own,
        "best_whole": best_whole,
    } | _with_agent(record, terms, market, day, settings, (quantity, best_own, best_whole))


def _with_agent(
    record: DecisionRecord,
    terms: ItemTerms,
    market: Market,
    day: int,
    settings: AgentSettings,
    quantities: tuple[int, ...],
) -> dict[str, float]:
    """Return the regret with the agent itself as the later policy, on every so many evenings."""
    if (day + 1) % CHECKED_EVERY or day + 1 + CHECKED_DAYS > market.shape[2]:
        return {}
    largest = terms.max_order or max(2 * quantities[0], *quantities)
    others = (*quantities, 0, quantities[0] // 2, min(2 * quantities[0], largest))
    costs = [agent_cost(record, terms, market, day, settings, one) for one in others]
    return {"checked": costs[0] - min(costs)}


def judged_at(frame: pd.DataFrame, truth: str) -> pd.DataFrame:
    """Return precision and recall of expected regret, and the autonomous share with limits hit."""
    rows = []
    for cost in REVIEW_COSTS:
        asked = frame["expected"] > cost
        due = frame[truth] > cost
        hits = int((asked & due).sum())
        rows.append(
            {
                "review cost": cost,
                "autonomous share": 1 - (asked | (frame["limited"] > 0)).mean(),
                "asked": int(asked.sum()),
                "regretted": int(due.sum()),
                "precision": hits / asked.sum() if asked.any() else np.nan,
                "recall": hits / due.sum() if due.any() else np.nan,
                "regret caught": frame.loc[asked, truth].sum() / frame[truth].sum(),
            }
        )
    return pd.DataFrame(rows)


def calibration(frame: pd.DataFrame) -> pd.DataFrame:
    """Return expected and realised regret by decile of the expected."""
    decile = pd.qcut(frame["expected"].rank(method="first"), 10, labels=False) + 1
    table = frame.groupby(decile)[["expected", "own", "whole"]].mean()
    return table.rename_axis("decile")


def main() -> None:
    """Print the tables of each calendar."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--calendars", default="stress,random")
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    seeds = range(given.first, given.first + given.seeds)
    for calendar in given.calendars.split(","):
        with ProcessPoolExecutor(given.jobs, mp_context=get_context("spawn")) as pool:
            parts = pool.map(run_seed, [calendar] * given.seeds, seeds)
            frame = pd.concat(parts, ignore_index=True)
        print(f"\n{calendar}, seeds {seeds[0]} to {seeds[-1]}, {len(frame):,} decisions")
        for truth, words in (
            ("own", "truth: hindsight of the demand that the order serves"),
            ("whole", "truth: hindsight of the whole path, later orders by the plain rule"),
        ):
            print(f"\n{words}\n{judged_at(frame, truth).round(3).to_string(index=False)}")
        print(f"\nmean regret, money, by decile of the expected\n{calibration(frame).round(1)}")
        checked = frame.dropna(subset=["checked"])
        print(
            f"\n{len(checked)} decisions with the agent itself as later policy: realised regret "
            f"{checked['checked'].mean():,.1f}, by the plain rule {checked['whole'].mean():,.1f}, "
            f"of the order's own demand {checked['own'].mean():,.1f}; rank correlation with the "
            f"plain rule {checked['checked'].corr(checked['whole'], method='spearman'):.2f}"
        )


if __name__ == "__main__":
    main()
