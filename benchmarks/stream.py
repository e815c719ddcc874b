"""Memory of a stream: 10,000 and 100,000 items through fit and forecast into Parquet files.

Run from the project's root:

    python benchmarks/stream.py            # 10,000 and 100,000 items of 730 days
    python benchmarks/stream.py --quick    # 2,000 and 20,000 items, under a minute
    python benchmarks/stream.py --json

Each size runs in a process of its own, on one thread, reading generated items chunk by chunk; the
time that generating takes is left out. Exit 1 where ten times the items need a quarter more memory.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

for library in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(library, "1")
ROOT = Path(__file__).resolve().parents[1]
if not __package__:
    sys.path[0] = str(ROOT)

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from core_modules.batch_streams.forecasts import forecast_to_parquet  # noqa: E402
from core_modules.batch_streams.parts import PART_ITEMS  # noqa: E402
from tests.batch_series import START, long_frame, sales, shop_settings, with_gaps  # noqa: E402

AHEAD, DAYS = 28, 730
CHUNK = 1_000  # items generated at a time
OWN = 0.1  # share of items with days of their own
MOST_GROWTH = 1.25  # of the peak, from one size to ten times as many


def main() -> int:
    """Measure both sizes and compare; 0 where memory does not grow."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--quick", action="store_true", help="fewer items, under a minute")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON alone")
    parser.add_argument("--alone", type=int, nargs=2, help="items and a part's items: one run")
    chosen = parser.parse_args()
    if chosen.alone:
        print(json.dumps(measured(*chosen.alone)))
        return 0
    small, part = (2_000, 250) if chosen.quick else (10_000, PART_ITEMS)
    apart(CHUNK, part)  # compiles, and is not counted
    runs = [apart(items, part) for items in (small, 10 * small)]
    growth = runs[1]["peak_mib"] / runs[0]["peak_mib"]
    found = {f"{name}_{run['items']:.0f}": run[name] for run in runs for name in run}
    found["peak_ratio"] = growth
    if chosen.json:
        print(json.dumps(found))
    else:
        for run in runs:
            print(
                f"{run['items']:>9,.0f} items of {DAYS} days: {run['items_a_second']:,.0f} items "
                f"a second, {run['seconds']:.1f} s, peak {run['peak_mib']:,.0f} MiB, "
                f"{run['parts']:.0f} files"
            )
        print(f"peak memory of ten times the items: {growth:.3f} times")
    return 0 if growth <= MOST_GROWTH else 1


def apart(items: int, part: int) -> dict[str, float]:
    """Return the figures of so many items, measured in a process of its own."""
    command = [sys.executable, str(Path(__file__).resolve()), "--alone", str(items), str(part)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout))


def measured(items: int, part: int) -> dict[str, float]:
    """Return items a second and the peak of this process's memory."""
    shop = Shop(items)
    future = pd.date_range(pd.Timestamp(START) + pd.Timedelta(days=DAYS), periods=AHEAD)
    with tempfile.TemporaryDirectory(prefix="stream-") as folder:
        begun = time.perf_counter()
        found = forecast_to_parquet(
            shop.chunks(), future, shop_settings(), folder=folder, part_items=part
        )
        seconds = time.perf_counter() - begun - shop.seconds
    if sum(found.routes.values()) != items:
        raise RuntimeError(f"{items} items went in, {found.routes} came out")
    return {
        "items": items,
        "seconds": seconds,
        "items_a_second": items / seconds,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10,
        "parts": found.parts,
    }


class Shop:
    """Generated items in chunks, and the seconds that generating them took."""

    def __init__(self, items: int) -> None:
        """Draw the series that the chunks repeat in other sizes."""
        self.items, self.seconds = items, 0.0
        plain = sales(CHUNK, days=DAYS)
        gaps = np.random.default_rng(1).random(CHUNK) < OWN
        self.patterns = np.where(gaps[:, None], with_gaps(plain), plain)

    def chunks(self) -> Iterator[pd.DataFrame]:
        """Yield the items in frames."""
        for first in range(0, self.items, CHUNK):
            begun = time.perf_counter()
            values = self.patterns[: self.items - first]
            size = np.random.default_rng(first).lognormal(0, 1, (len(values), 1))
            frame = long_frame(np.round(values * size), prefix=f"shelf{first // CHUNK:04d}-")
            self.seconds += time.perf_counter() - begun
            yield frame


if __name__ == "__main__":
    sys.exit(main())
