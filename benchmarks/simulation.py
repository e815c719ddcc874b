"""Measures the simulation of given demand in item-days a second, beside stockpyl's, on one core.

    python benchmarks/simulation.py [--quick] [--json]

Rules run through the compiled ledger and, evening by evening, through `simulate`; the compiled one
on a supplier who keeps his word and on one who does not. stockpyl runs the same base stock on one
path of the same demand, with the same holding cost at the end. Then the paths that decisions draw.
Best of some runs, in seconds of this process's own time, after a first call whose compilation is
timed apart.
"""

import sys
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np

from benchmarks.own_environment import python_with
from core_modules.forecasting.forecast_values import DemandModel, ObservationLaw, standard_uniforms
from core_modules.forecasting.path_drawing import draw_paths
from core_modules.item_terms import ItemTerms
from core_modules.market import Market, build_market
from core_modules.replenishment_policies import MEAN_WINDOW, OrderUpTo
from core_modules.rule_simulation import RuleRunner, StockRule
from core_modules.simulation import simulate

START, DAYS, MEAN, LEAD_TIME, LEVEL, SEED = date(2024, 1, 1), 1000, 20.0, 3, 75, 1
REPEATS = 5
TARGET = 200e6  # item-days a second
PEER_DAYS = 1000

# Holding costs 1 a unit a day and shortages nothing, so that the cost is the stock at ends of days.
STOCKPYL = """
import json, sys, time
from stockpyl.sim import simulation
from stockpyl.supply_chain_network import single_stage_system
asked = json.load(sys.stdin)
network = single_stage_system(
    holding_cost=1, stockout_cost=0, demand_type="D", demand_list=asked["demand"],
    policy_type="BS", base_stock_level=asked["level"], shipment_lead_time=asked["lead_time"],
)
best = float("inf")
for _ in range(asked["repeats"]):
    began = time.process_time()
    cost = simulation(network, len(asked["demand"]), rand_seed=0, progress_bar=False)
    best = min(best, time.process_time() - began)
print(json.dumps({"seconds": best, "cost": cost}))
"""


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds of the first run and of the fastest of some more."""
    took = []
    for _ in range(1 + REPEATS):
        began = time.process_time()
        work()
        took.append(time.process_time() - began)
    return took[0], min(took[1:])


def given_market(items: int, paths: int) -> tuple[Market, list[ItemTerms]]:
    """Return Poisson demand and a supplier who keeps his word."""
    rng = np.random.default_rng(SEED)
    demand = rng.poisson(MEAN, (items, paths, DAYS)).astype(np.int64)
    terms = [ItemTerms(f"item{k}", 10.0, 6.0, 0.01, lead_time=LEAD_TIME) for k in range(items)]
    return build_market(START, demand, terms, [()] * paths), terms


def unsteady(market: Market) -> Market:
    """Return the market with late and short deliveries."""
    rng = np.random.default_rng(SEED)
    return replace(
        market,
        lead_times=market.lead_times + rng.integers(0, 3, market.shape),
        filled_share=np.where(rng.random(market.shape) < 0.1, 0.5, 1.0),
    )


def measure(items: int, paths: int) -> dict[str, Any]:
    """Return item-days a second of each way to simulate, and the seconds of the first call."""
    market, terms = given_market(items, paths)
    opening, levels = np.full(items, LEVEL), np.full(items, float(LEVEL))
    runner, late = (RuleRunner(one, terms, opening) for one in (market, unsteady(market)))
    point = np.full(items, LEVEL - 20)
    recent = np.random.default_rng(SEED).poisson(MEAN, (items, MEAN_WINDOW))
    rules = {
        "order-up-to": StockRule.order_up_to(levels),
        "(s, S)": StockRule.reorder(point, np.full(items, LEVEL)),
        "days of cover": StockRule.days_of_cover(levels / MEAN, recent, MEAN_WINDOW),
    }
    rates, compiled = {}, 0.0
    for name, rule in rules.items():
        first, best = timed(lambda rule=rule: runner.run(rule))  # type: ignore[misc]
        rates[name], compiled = market.demand.size / best, max(compiled, first - best)
    rates["order-up-to, unsteady supply"] = (
        market.demand.size / timed(lambda: late.run(rules["order-up-to"]))[1]
    )
    few = replace(
        market,
        demand=market.demand[:, :10],
        lead_times=market.lead_times[:, :10],
        filled_share=market.filled_share[:, :10],
        price_multiplier=market.price_multiplier[:, :10],
        scenario=market.scenario[:, :10],
        events=market.events[:10],
    )
    daily = timed(lambda: simulate(few, terms, opening, OrderUpTo(terms, levels)))[1]
    rates["order-up-to, evening by evening"] = few.demand.size / daily
    return {"item_days_a_second": rates, "compile_seconds": round(compiled, 2)}


def stockpyl_rate() -> dict[str, float] | None:
    """Return stockpyl's item-days a second; None where it cannot be installed.

    Raises ValueError where it does not hold the stock that we hold.
    """
    python = python_with("stockpyl")
    if python is None:
        return None
    market, terms = given_market(1, 1)
    demand = market.demand[0, 0, :PEER_DAYS].tolist()
    asked = {"demand": demand, "level": LEVEL, "lead_time": LEAD_TIME, "repeats": 3}
    answer = subprocess.run(
        [str(python), "-c", STOCKPYL],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(answer.stdout.splitlines()[-1])
    runner = RuleRunner(market, terms, np.array([LEVEL]), backorders=True)
    held = int(runner.run(StockRule.order_up_to(np.array([float(LEVEL)]))).stock.sum())
    if abs(held - told["cost"]) > 1e-6 * held:
        raise ValueError(f"stockpyl holds {told['cost']} unit-days, the ledger {held}")
    return {"item_days_a_second": PEER_DAYS / told["seconds"], "unit_days_held": held}


def paths_drawn(items: int) -> float:
    """Return item-days a second of the sample paths that forecasts and decisions draw."""
    rng = np.random.default_rng(SEED)
    warp = tuple((np.linspace(0, 1, 23) ** 1.05).tolist())
    law = ObservationLaw(1.5, 1.5, level_sd=0.2, drift_sd=0.02, warp=warp)
    models = [
        DemandModel(f"item{k}", "made up", START, rng.gamma(2, 2, 28) + 0.1, law)
        for k in range(items)
    ]
    uniforms = standard_uniforms(256, 28, 0)
    return items * 256 * 28 / timed(lambda: draw_paths(models, 28, uniforms))[1]


def main() -> int:
    """Measure and print; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer items and paths")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    asked = parser.parse_args()
    items, paths = (20, 50) if asked.quick else (50, 200)
    content: dict[str, Any] = {"items": items, "paths": paths, "days": DAYS}
    content |= measure(items, paths)
    rates = content["item_days_a_second"]
    content["item_days_per_second"] = rates["order-up-to"]
    content["paths_drawn_per_second"] = paths_drawn(20 if asked.quick else 200)
    peer = stockpyl_rate()
    if peer is not None:
        content["stockpyl"] = peer
        content["ratio_stockpyl"] = rates["order-up-to"] / peer["item_days_a_second"]
    content["target"] = TARGET
    content["target_met"] = rates["order-up-to"] >= TARGET
    if asked.json:
        print(json.dumps(content))
        return 0
    print(f"{items} items x {paths} paths x {DAYS} days, given demand, one core")
    for name, rate in rates.items():
        print(f"{name:34} {rate / 1e6:9.2f} million item-days a second")
    drawn = content["paths_drawn_per_second"]
    print(f"{'sample paths drawn':34} {drawn / 1e6:9.2f} million item-days a second")
    print(f"first call, compiled or read from the cache: {content['compile_seconds']} s")
    if peer is None:
        print("stockpyl could not be installed: no ratio")
    else:
        print(
            f"{'stockpyl':34} {peer['item_days_a_second'] / 1e6:9.4f} million, the same stock held"
        )
        print(f"ratio to stockpyl: {content['ratio_stockpyl']:,.0f}")
    print(f"target of {TARGET / 1e6:.0f} million: {'met' if content['target_met'] else 'missed'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
