"""The batch engine against Prophet: fit, forecast and intervals, frames in and out, core for core.

Run from the project's root:

    python benchmarks/forecast.py                  # many items, peers, scaling, floor: minutes
    python benchmarks/forecast.py --quick --json   # the ratios to Prophet alone, under a minute
    python benchmarks/forecast.py --m5             # also 30,490 items of 1,913 days, both cores

730 days, 58 columns, 28 days ahead with 80 and 95 % intervals (Prophet: 80 % alone). Both run in
one process on one core; Prophet's figure is the median over items, the engine's the median over
rounds of all items. What numba compiles at a first call is timed apart. Peers run on both cores.
"""

import argparse
import json
import os
import resource
import statistics
import sys
import time
from pathlib import Path

for library in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(library, "1")
ROOT = Path(__file__).resolve().parents[1]
if not __package__:
    sys.path[0] = str(ROOT)

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from benchmarks.forecast_floor import floors, scaling  # noqa: E402
from benchmarks.forecast_peers import peers  # noqa: E402
from core_modules.batch_prophet.design import prophet_silence  # noqa: E402
from core_modules.batch_prophet.fitting import fit_batch  # noqa: E402
from core_modules.batch_prophet.prediction import predict_batch  # noqa: E402
from core_modules.batch_prophet.settings import BatchSettings, prophet_model  # noqa: E402
from tests.batch_series import long_frame, sales, shop_settings, with_gaps  # noqa: E402

AHEAD = 28  # days
MODES = ("additive", "multiplicative")
# Items by mode and calendar: a calendar's own cost, a tenth of a second, is spread over all of its
# items, as in a shop.
QUICK = {"additive": (3000, 500), "multiplicative": (1500, 500)}
WHOLE = {"additive": (20_000, 2000), "multiplicative": (5000, 2000)}
PEER_ITEMS, PEER_FITS = 4000, 40
M5_ITEMS, M5_DAYS, M5_CHUNK = 30_490, 1_913, 2_000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--quick", action="store_true", help="fewer items, under a minute")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON alone")
    parser.add_argument("--m5", action="store_true", help="also M5's size, on both cores")
    chosen = parser.parse_args()
    found = ratios(QUICK if chosen.quick else WHOLE, fits=6 if chosen.quick else 40)
    if not chosen.quick:
        frame = long_frame(sales(PEER_ITEMS))
        found |= peers(frame, shop_settings(), AHEAD, few=PEER_FITS)
        found |= scaling(AHEAD) | floors(items=2000)
    if chosen.m5:
        found |= m5_size()
    if chosen.json:
        print(json.dumps(found))
        return
    for name, figure in found.items():
        print(f"{name:46} {figure:12,.4g}")


def ratios(items: dict[str, tuple[int, int]], fits: int) -> dict[str, float]:
    """Return milliseconds an item of both, their ratios, and the seconds of compiling."""
    found = {"compile_seconds": compile_seconds()}
    for mode in MODES:
        (shared, own), settings = items[mode], shop_settings(seasonality_mode=mode)
        values = sales(shared, mode=mode)
        frames = {"shared": long_frame(values), "own_calendar": long_frame(with_gaps(values[:own]))}
        for kind, whole in frames.items():
            frame = whole.dropna().reset_index(drop=True)
            theirs = prophet_seconds(settings, frame, fits)
            ours, converged = engine_seconds(settings, frame)
            found[f"prophet_ms_{mode}_{kind}"] = 1000 * theirs
            found[f"engine_ms_{mode}_{kind}"] = 1000 * ours
            found[f"converged_{mode}_{kind}"] = converged
            found[f"ratio_{mode}_{kind}"] = theirs / ours
    slowest = [found[f"ratio_{mode}_own_calendar"] for mode in MODES]
    return found | {"ratio_own_calendar": min(slowest)}


def compile_seconds() -> float:
    """Return how much longer the first calls take than the second ones."""
    times = []
    for _ in range(2):
        begun = time.perf_counter()
        for mode in MODES:
            settings, values = shop_settings(seasonality_mode=mode), sales(10, mode=mode)
            values[8:] = with_gaps(values[8:])
            predict_batch(fit_batch(long_frame(values), settings), AHEAD)
        times.append(time.perf_counter() - begun)
    return times[0] - times[1]


def engine_seconds(settings: BatchSettings, frame: pd.DataFrame) -> tuple[float, float]:
    """Return seconds an item and the share of fits that passed their check."""
    times, share = [], 0.0
    for _ in range(3):
        begun = time.perf_counter()
        fit = fit_batch(frame, settings)
        predict_batch(fit, AHEAD)
        times.append((time.perf_counter() - begun) / len(fit.ids))
        share = float(fit.converged.mean())
    return statistics.median(times), share


def prophet_seconds(settings: BatchSettings, frame: pd.DataFrame, fits: int) -> float:
    """Return the median seconds of Prophet's fit and forecast, the first left out as warm-up."""
    times = []
    for item in frame["unique_id"].unique()[: fits + 1]:
        rows = frame[frame["unique_id"] == item].drop(columns="unique_id")
        begun = time.perf_counter()
        with prophet_silence():
            model = prophet_model(settings).fit(rows)
            model.predict(model.make_future_dataframe(AHEAD, include_history=False))
        times.append(time.perf_counter() - begun)
    return statistics.median(times[1:])


def m5_size() -> dict[str, float]:
    """Return seconds and memory of as many items and days as M5 has, in chunks, on two threads."""
    dates, settings = pd.date_range("2023-01-01", periods=M5_DAYS), shop_settings()
    spent, rows, checked = 0.0, 0, 0
    for first in range(0, M5_ITEMS, M5_CHUNK):
        count = min(M5_CHUNK, M5_ITEMS - first)
        values = sales(count, days=M5_DAYS, seed=first).T.copy()
        names = [f"item{first + number:05d}" for number in range(count)]
        begun = time.perf_counter()
        fit = fit_batch(values, settings, dates=dates, ids=names, threads=2)
        rows += len(predict_batch(fit, AHEAD))
        spent += time.perf_counter() - begun
        checked += int(np.count_nonzero(fit.converged))
    return {
        "m5_seconds": spent,
        "m5_rows": rows,
        "m5_converged": checked / M5_ITEMS,
        "m5_peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }


if __name__ == "__main__":
    main()
