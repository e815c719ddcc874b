"""Measures a plan from files to orders: time by phase, fits of patterns apart, peak of memory.

    python benchmarks/plan.py [--quick] [--json] [--items N] [--days N] [--engine prophet|batch]

A shop is generated (see `generated_shop`), then planned in a process of its own that imports,
reads, fits without any cache of fits, decides and writes as the command `plan` does.
"""

import sys
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import json
import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, get_args

from core_modules.forecasting.engines import Engine

DAYS = 731  # two years, a leap day among them
TARGET = 30.0  # seconds for 10,000 items


class FitClock:
    """Counts the fits of patterns and adds up the time they take."""

    def __init__(self) -> None:
        self.fits, self.seconds, self._began = 0, 0.0, 0.0

    def __call__(self, done: int, of: int) -> None:
        """Take in that so many fits of a batch are done."""
        now = time.perf_counter()
        if done == 0:
            self._began = now
        if done == of:
            self.fits += of
            self.seconds += now - self._began if self._began else 0.0


@contextmanager
def phase(name: str, told: dict[str, Any]) -> Iterator[None]:
    """Note the seconds of a phase, of the clock and of the processor."""
    began, worked = time.perf_counter(), time.process_time()
    yield
    seconds = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - worked}
    told[name] = {key: round(value, 2) for key, value in seconds.items()}


def plan_here(folder: Path, engine: Engine, jobs: int) -> dict[str, Any]:
    """Plan the shop in a folder; return seconds by phase, fits and the peak of memory."""
    told: dict[str, Any] = {}
    with phase("import", told):
        from core_modules.forecasting.prophet_batch import import_ahead
        from core_modules.order_planning import (
            PlanFiles,
            RoomLimits,
            default_profile,
            fit_plan_models,
            plan_orders,
            planning_settings,
            read_plan,
        )
        from core_modules.planning.plan_record import plan_facts, write_plan
        from core_modules.settings import Settings
    files = PlanFiles(folder / "sales.csv", folder / "stock.csv", items=folder / "items.csv")
    profile, limits, clock = default_profile("D"), RoomLimits(), FitClock()
    with phase("read", told):
        import_ahead(engine)
        inputs = read_plan(files)
    with phase("forecast", told):
        models = fit_plan_models(inputs, engine=engine, jobs=jobs, progress=clock)
    with phase("decide", told):
        plan = plan_orders(inputs, models, profile, limits, jobs=jobs)
    with phase("write", told):
        facts = plan_facts(profile, "benchmark", limits, {})
        settings = Settings(jobs=jobs, agent=planning_settings(profile))
        write_plan(plan, inputs, facts, settings, folder / "orders.csv")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "phases": told,
        "fits": clock.fits,
        "fit_seconds": round(clock.seconds, 2),
        "orders": sum(one.quantity > 0 for one in plan.orders),
        "peak_mb": round(peak),
    }


def measure(items: int, days: int, engine: Engine, jobs: int) -> dict[str, Any]:
    """Generate a shop and plan it in a process of its own."""
    from benchmarks.generated_shop import Shop, write_shop

    with tempfile.TemporaryDirectory() as folder:
        write_shop(Shop(items, days), Path(folder))
        size = Path(folder, "sales.csv").stat().st_size
        asked = ["--inside", folder, "--engine", engine, "--jobs", str(jobs)]
        began = time.perf_counter()
        answer = subprocess.run(
            [sys.executable, __file__, *asked], capture_output=True, text=True, check=True
        )
        seconds = time.perf_counter() - began
    told: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return {
        "items": items,
        "days": days,
        "engine": engine,
        "jobs": jobs,
        "sales_mb": round(size / 2**20, 1),
        "plan_seconds": round(seconds, 2),
        "seconds_without_fits": round(seconds - told["fit_seconds"], 2),
        "cpu_seconds": round(sum(one["cpu"] for one in told["phases"].values()), 2),
        "load_before": round(os.getloadavg()[0], 2),
        **told,
    }


def main() -> int:
    """Measure and print; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="1,000 items")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--items", type=int, help="items of the shop, by default 10,000")
    parser.add_argument("--days", type=int, default=DAYS, help="days of history")
    parser.add_argument("--engine", choices=get_args(Engine), default="prophet")
    parser.add_argument(
        "--jobs", type=int, default=2, help="processes, or threads of compiled loops"
    )
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.inside:
        print(json.dumps(plan_here(asked.inside, asked.engine, asked.jobs)))
        return 0
    items = asked.items or (1_000 if asked.quick else 10_000)
    content = measure(items, asked.days, asked.engine, asked.jobs)
    if asked.json:
        print(json.dumps(content))
        return 0
    print(f"{items:,} items x {asked.days} days, engine {asked.engine}, {asked.jobs} processes")
    print(
        f"sales of {content['sales_mb']} MB; load of the machine before: {content['load_before']}"
    )
    for name, took in content["phases"].items():
        print(f"{name:10} {took['seconds']:8.2f} s, of the processor {took['cpu']:8.2f} s")
    print(f"{content['fits']} pattern fits took {content['fit_seconds']} s of the forecast")
    print(f"plan: {content['plan_seconds']} s, {content['peak_mb']:,} MB at most")
    if items == 10_000:
        met = content["plan_seconds"] < TARGET
        print(f"target of {TARGET:g} s: {'met' if met else 'missed'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
