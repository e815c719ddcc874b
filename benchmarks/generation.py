"""Measures demand generation in item-days a second, beside numpy's own negative binomial.

    python benchmarks/generation.py [--quick] [--json]

Patterns are those the project ships, scenarios the calendar `stress`; best of three, after a first
call that compiles.
"""

import sys
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import numpy as np

from core_modules.demand_pattern import DemandPattern, Memory, shipped_patterns
from core_modules.market_scenarios import scenario_effects
from core_modules.patterns.expected_demand import expected_demand
from core_modules.reference_demand import reference_demand
from core_modules.scenario_calendars import calendar_events
from core_modules.synthetic_generator import generate_demand

START, DAYS, SEED = date(2024, 1, 1), 180, 1
REPEATS = 3
TARGET = 10e6  # item-days a second


def fastest(work: Callable[[], object]) -> float:
    """Return the seconds of the fastest of some runs, after one that compiles."""
    work()
    took = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return min(took)


def many_items(items: int) -> list[DemandPattern]:
    """Return the item patterns shipped of two shops, repeated at levels about their own."""
    shops = [*shipped_patterns("m5_foods3_tx3"), *shipped_patterns("online_retail")]
    live = [pattern for pattern in shops if pattern.level > 0]
    scale = np.random.default_rng(SEED).lognormal(0, 1, items)
    chosen = [live[number % len(live)] for number in range(items)]
    return [
        replace(
            pattern,
            steps=tuple(replace(step, level=step.level * float(size)) for step in pattern.steps),
        )
        for pattern, size in zip(chosen, scale, strict=True)
    ]


def measure(items: int, paths: int) -> dict[str, float]:
    """Return item-days a second of each way to generate."""
    patterns = many_items(items)
    plain = [replace(pattern, memory=Memory()) for pattern in patterns]
    effects = scenario_effects(
        calendar_events("stress", START, DAYS, np.random.default_rng(SEED)), START, DAYS
    )
    means = np.stack(
        [
            expected_demand(pattern, np.datetime64(START, "D") + np.arange(DAYS))
            for pattern in patterns
        ]
    )
    means = np.maximum(1e-9, means * effects.demand_multiplier)[:, None]  # (items, 1, days)
    shapes = np.array([1 / max(pattern.dispersion, 1e-4) for pattern in patterns])[:, None, None]

    def rng() -> np.random.Generator:
        return np.random.default_rng(SEED)

    ways: dict[str, Callable[[], object]] = {
        "generate_demand": lambda: generate_demand(plain, effects, START, DAYS, paths, rng()),
        "generate_demand with memory": lambda: generate_demand(
            patterns, effects, START, DAYS, paths, rng()
        ),
        "reference_demand": lambda: reference_demand(effects, START, DAYS, items * paths, rng()),
        "numpy negative_binomial": lambda: rng().negative_binomial(
            shapes, shapes / (shapes + means), size=(items, paths, DAYS)
        ),
    }
    return {name: items * paths * DAYS / fastest(work) for name, work in ways.items()}


def main() -> int:
    """Measure and print; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the items")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    asked = parser.parse_args()
    items, paths = 5 if asked.quick else 50, 300
    rates = measure(items, paths)
    ours, numpys = rates["generate_demand"], rates["numpy negative_binomial"]
    content = {
        "items": items,
        "paths": paths,
        "days": DAYS,
        "item_days_a_second": {name: round(rate) for name, rate in rates.items()},
        "ratio_to_numpy": round(ours / numpys, 2),
        "target": TARGET,
        "target_met": ours >= TARGET,
    }
    if asked.json:
        print(json.dumps(content))
        return 0
    print(f"{items} items x {paths} paths x {DAYS} days, one core")
    for name, rate in rates.items():
        print(f"{name:30} {rate / 1e6:8.1f} million item-days a second")
    print(f"generate_demand is {ours / numpys:.1f} times as fast as numpy's sampler")
    print(f"target of {TARGET / 1e6:.0f} million: {'met' if ours >= TARGET else 'missed'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
