"""The agent against the textbook's rules on real sales, tuned on the past, scored on what followed.

Run from the project's root:

    python benchmarks/real_data.py                 # both data sets, all items
    python benchmarks/real_data.py --quick         # 60 items of each

Reads ../shared/data/ beside the project. Recorded sales are taken as demand, and every policy sees
the same forecasts, made from the sales recorded up to the evening. A unit held costs 1 a day and a
lost one 4, 9 or 19; lead times are 3, 7 and 14 days; an order may be placed every evening and costs
nothing. Parameters, the agent's weight of a lost unit among them, are tuned on the days before the
test and applied to it untouched: each rule's among 48 values on all items, the agent's among 14 on
a sample of items. Days that no order of the test can reach are not counted.
"""

import argparse
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if not __package__:
    sys.path[0] = str(ROOT)

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

from benchmarks.real_forecasts import LOOKAHEAD, Stretch, forecast_blocks  # noqa: E402
from benchmarks.real_play import (  # noqa: E402
    Days,
    Shortage,
    Stocks,
    opening_stocks,
    play_agent,
    play_rules,
)
from benchmarks.real_tables import (  # noqa: E402
    AGENT_COSTS,
    LANES,
    LEAD_TIMES,
    PARAMETERS,
    PENALTIES,
    Costs,
    best_agent_cost,
    compared,
    show,
)
from core_modules.sales_history import read_sales  # noqa: E402

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

DATA = ROOT.parent / "shared" / "data"
TUNING_ITEMS = 160  # that the agent is tuned on
OPENING_DAYS = 2  # of usual demand on the shelf beyond the lead time
BEFORE = 180  # days before a stretch that policies without a forecast may look at


@dataclass(frozen=True, slots=True)
class DataSet:
    """A data set and the days on which policies are scored."""

    folder: str
    days: int  # of the test, and of the tuning before it
    known_days: int  # that an item must have been on sale before the test
    selling_days: int  # days with a sale that it must have had before the tuning


DATA_SETS = {
    "m5": DataSet("m5_foods3_tx3", 180, 730, 1),
    "online-retail": DataSet("online_retail", 90, 180, 40),
}


def stretches(data: DataSet, items: int | None) -> tuple[Stretch, Stretch]:
    """Read a data set: the stretch to tune on and, after it, the one to be scored on.

    Items are chosen by what was known before; `items` takes so many of them, evenly spread.
    """
    path = DATA / data.folder
    if not path.exists():
        raise FileNotFoundError(f"missing {path}: this benchmark reads real sales from it")
    frame = read_sales(path).frame
    test = frame["ds"].max() - pd.Timedelta(days=data.days - 1)
    tuning = test - pd.Timedelta(days=data.days)
    first = frame.groupby("unique_id")["ds"].min()
    sold = frame[(frame["ds"] < tuning) & (frame["y"] > 0)].groupby("unique_id").size()
    old = first.index[first <= test - pd.Timedelta(days=data.known_days)]
    kept = old.intersection(sold.index[sold >= data.selling_days])
    if items is not None:
        kept = kept[np.unique(np.linspace(0, len(kept) - 1, items).astype(int))]
    frame = frame[frame["unique_id"].isin(kept)]
    wide = frame.pivot(index="unique_id", columns="ds", values="y").fillna(0).astype(np.int64)
    ids = tuple(str(one) for one in wide.index)

    def stretch(start: pd.Timestamp) -> Stretch:
        return Stretch(
            history=frame,
            items=ids,
            start=start,
            demand=_between(wide, start, data.days),
            before=_between(wide, start - pd.Timedelta(days=BEFORE), BEFORE),
            lead_times=LEAD_TIMES,
        )

    return stretch(tuning), stretch(test)


def _between(wide: pd.DataFrame, start: pd.Timestamp, days: int) -> IntArray:
    day = pd.DatetimeIndex(wide.columns)
    inside = (day >= start) & (day < start + pd.Timedelta(days=days))
    return np.ascontiguousarray(wide.loc[:, inside].to_numpy())


@dataclass(frozen=True, slots=True, eq=False)
class Bench:
    """The runs of a stretch at one lead time, block after block."""

    lead_time: int  # days
    rules: Stocks
    agent: Stocks
    shortages: FloatArray  # (lanes, 4), see `Shortage`
    agent_items: IntArray  # places of the items that the agent runs on

    @staticmethod
    def opened(
        stretch: Stretch, lead_time: int, agent_costs: FloatArray, agent_items: IntArray
    ) -> "Bench":
        """Open with the same stock for everybody."""
        usual = stretch.before[:, -90:].mean(axis=1)
        stock = np.ceil(usual * (lead_time + OPENING_DAYS))
        return Bench(
            lead_time=lead_time,
            rules=opening_stocks(LANES.size, stock, lead_time),
            agent=opening_stocks(agent_costs.size, stock, lead_time),
            shortages=np.array([Shortage.of(float(cost)).row for cost in agent_costs]),
            agent_items=agent_items,
        )

    def costs(self, days: int) -> tuple[Costs, Costs]:
        """Return what the rules and the agent cost a day."""
        counted = days - self.lead_time + 1
        return (
            Costs(self.rules.held / counted, self.rules.lost / counted),
            Costs(
                self.agent.held[:, self.agent_items] / counted,
                self.agent.lost[:, self.agent_items] / counted,
            ),
        )


def play(stretch: Stretch, benches: list[Bench], jobs: int, cache: Path | None) -> None:
    """Run every policy through a stretch, the forecasts made as the days pass."""
    trailing = {window: _trailing(stretch, window) for window in (28, 7)}
    usual = stretch.before.mean(axis=1), stretch.before.std(axis=1)
    items = np.arange(len(stretch.items))
    first = 0
    with ThreadPoolExecutor(jobs) as pool:
        for block in forecast_blocks(stretch, jobs, cache):
            last = first + block.paths.shape[0]
            tasks = []
            for place, bench in enumerate(benches):
                days = Days(
                    first, block.paths, block.mean, block.level_variance[place],
                    np.ascontiguousarray(stretch.demand[:, first:last]),
                    np.ascontiguousarray(trailing[28][:, first:last]),
                    np.ascontiguousarray(trailing[7][:, first:last]),
                    *usual,
                )  # fmt: skip
                lead_time = bench.lead_time
                for part in range(2 * jobs):
                    tasks.append(
                        pool.submit(
                            play_rules, days, items[part :: 2 * jobs].copy(), bench.rules,
                            LANES, PARAMETERS, lead_time,
                        )
                    )  # fmt: skip
                    tasks.append(
                        pool.submit(
                            play_agent, days, bench.agent_items[part :: 2 * jobs].copy(),
                            bench.agent, bench.shortages, lead_time, lead_time + LOOKAHEAD,
                        )
                    )  # fmt: skip
            for task in tasks:
                task.result()
            first = last
            print(f"  {first} of {stretch.days} days", file=sys.stderr, flush=True)


def _trailing(stretch: Stretch, window: int) -> FloatArray:
    """Return the mean sales of the `window` days before each day, (items, days)."""
    sold = np.concatenate([stretch.before, stretch.demand], axis=1)
    total = np.cumsum(np.pad(sold, ((0, 0), (1, 0))), axis=1)
    at = stretch.before.shape[1] + np.arange(stretch.days)
    return np.asarray((total[:, at] - total[:, at - window]) / window)


def clairvoyant_cost(stretch: Stretch, lead_time: int) -> FloatArray:
    """Return the bound, money a day, (items,): all demand met, only the opening stock is held.

    With nothing fixed an order, each day's demand is ordered a lead time before, less what is left.
    """
    usual = stretch.before[:, -90:].mean(axis=1)
    stock = np.ceil(usual * (lead_time + OPENING_DAYS))
    left = np.maximum(stock[:, None] - np.cumsum(stretch.demand, axis=1), 0.0)
    return np.asarray(left[:, lead_time - 1 :].mean(axis=1))


def run(name: str, items: int | None, jobs: int, cache: Path | None) -> pd.DataFrame:
    """Tune on the past and score on what followed: a row a policy and setting."""
    tuning, test = stretches(DATA_SETS[name], items)
    count = len(test.items)
    sample = np.unique(np.linspace(0, count - 1, min(count, TUNING_ITEMS)).astype(np.int64))
    past = [Bench.opened(tuning, lead_time, AGENT_COSTS, sample) for lead_time in LEAD_TIMES]
    play(tuning, past, jobs, cache)
    tuned = [bench.costs(tuning.days) for bench in past]
    chosen = [
        np.array([best_agent_cost(one[1], penalty) for penalty in PENALTIES]) for one in tuned
    ]
    now = [
        Bench.opened(test, lead_time, costs, np.arange(count))
        for lead_time, costs in zip(LEAD_TIMES, chosen, strict=True)
    ]
    play(test, now, jobs, cache)
    tested = [bench.costs(test.days) for bench in now]
    return pd.DataFrame(
        {"data": name, "lead_time": lead_time, "penalty": penalty, **row}
        for place, lead_time in enumerate(LEAD_TIMES)
        for penalty in PENALTIES
        for row in compared(tuned[place], tested[place], penalty, clairvoyant_cost(test, lead_time))
    )


def main() -> None:
    """Run the benchmark as its arguments say."""
    told = argparse.ArgumentParser(description="The agent against the textbook on real sales.")
    told.add_argument("--set", choices=[*DATA_SETS, "both"], default="both", help="data set")
    told.add_argument("--items", type=int, help="a sample of so many items of each set")
    told.add_argument("--quick", action="store_true", help="60 items of each set")
    told.add_argument("--jobs", type=int, default=min(os.cpu_count() or 1, 2))
    told.add_argument("--out", type=Path, default=ROOT / "results" / "real-data")
    asked = told.parse_args()
    items = asked.items or (60 if asked.quick else None)
    asked.out.mkdir(parents=True, exist_ok=True)
    for name in DATA_SETS if asked.set == "both" else [asked.set]:
        began = time.perf_counter()
        rows = run(name, items, asked.jobs, ROOT / ".cache" / "fits")
        rows.to_csv(asked.out / f"{name}.csv", index=False, lineterminator="\n")
        show(rows)
        print(f"{time.perf_counter() - began:,.0f} s; all figures in {asked.out / name}.csv")


if __name__ == "__main__":
    main()
