"""Proves the forecasts on a Dask cluster: two workers on this machine, the same numbers as local.

Needs the extra dask (`.venv/bin/pip install --require-hashes -r requirements-dask.txt`). Run from
the project's root:

    .venv/bin/python benchmarks/cluster.py            # 40,000 items
    .venv/bin/python benchmarks/cluster.py --quick    # 6,000 items, about a minute
    .venv/bin/python benchmarks/cluster.py --json     # the figures alone

A generated shop is forecast by one process of one thread, by the cluster, by the cluster while one
of its workers is killed, and by a driver that is killed and started again. Every way must write the
same files, byte for byte. Exit 1 where anything differs.
"""

import argparse
import json
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

for library in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(library, "1")
ROOT = Path(__file__).resolve().parents[1]
if not __package__:
    sys.path[0] = str(ROOT)

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402

from core_modules.batch_streams.forecasts import ForecastFiles, forecast_to_parquet  # noqa: E402
from core_modules.batch_streams.part_folder import MANIFEST  # noqa: E402
from tests.batch_series import long_frame, sales, shop_settings, with_gaps  # noqa: E402

AHEAD = 28  # days
PATTERNS = 500  # series generated; the shop repeats them at other sizes
OWN = 0.1  # share of items with days of their own
LATE = 0.2  # share of items that begin half a year later, together
WORKERS = 2
PATIENCE = 300  # seconds until the interrupted driver has written what it is killed after


@dataclass
class Report:
    """The figures, and whether all that was claimed was seen."""

    quiet: bool
    figures: dict[str, Any] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)

    def tell(self, line: str) -> None:
        """Print a line for people."""
        if not self.quiet:
            print(line, flush=True)

    def check(self, claim: str, held: bool) -> None:
        """Print whether a claim held, and remember it where not."""
        self.tell(f"  {'ok  ' if held else 'FAIL'} {claim}")
        if not held:
            self.failed.append(claim)


def main() -> int:
    """Run the proof; 0 where all of it held."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--quick", action="store_true", help="fewer items, about a minute")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON alone")
    chosen = parser.parse_args()
    report = Report(quiet=chosen.json)
    items, part = (6_000, 400) if chosen.quick else (40_000, 2_000)
    with tempfile.TemporaryDirectory(prefix="cluster-proof-") as room:
        prove(Path(room), items, part, report)
    if chosen.json:
        print(json.dumps(report.figures | {"failed": report.failed}))
    report.tell(f"failed: {'; '.join(report.failed)}" if report.failed else "all of it held")
    return 1 if report.failed else 0


def prove(room: Path, items: int, part: int, report: Report) -> None:
    """Forecast a shop in every way and compare."""
    from distributed import LocalCluster

    shop = room / "sales.parquet"
    write_shop(shop, items)
    report.tell(f"shop: {items:,} items of 730 days, {shop.stat().st_size / 2**20:,.0f} MiB")
    forecast(shop, room / "warm", PATTERNS)  # what numba compiles is timed by nobody
    cluster = LocalCluster(
        n_workers=WORKERS, threads_per_worker=1, dashboard_address="127.0.0.1:0", host="127.0.0.1"
    )
    with cluster:
        cluster.wait_for_workers(WORKERS)
        address = str(cluster.scheduler_address)
        report.tell(f"cluster: {WORKERS} workers of one thread at {address}")
        forecast(shop, room / "warm-cluster", PATTERNS, address)
        same_numbers(shop, room, items, part, address, report)
        lost_worker(shop, room, part, cluster, report)
        interrupted(shop, room, part, address, report)


def same_numbers(
    shop: Path, room: Path, items: int, part: int, address: str, report: Report
) -> None:
    """Forecast here and on the cluster."""
    report.tell("same numbers")
    for name, scheduler in (("local", None), ("cluster", address)):
        begun = time.perf_counter()
        found = forecast(shop, room / name, part, scheduler)
        seconds = time.perf_counter() - begun
        report.figures |= {f"{name}_seconds": seconds, f"{name}_items_a_second": items / seconds}
        report.tell(
            f"  {name}: {found.parts} parts, {seconds:.1f} s, {items / seconds:,.0f} items/s"
        )
        report.check(f"{name} fitted every item", sum(found.routes.values()) == items)
    local, remote = read(room / "local"), read(room / "cluster")
    numbers = local.columns[2:]
    largest = float(np.abs(local[numbers] - remote[numbers]).max().max())
    report.figures |= {"rows": len(local), "largest_difference": largest}
    report.check(f"{len(local):,} rows, {AHEAD} an item", len(local) == items * AHEAD)
    report.check(f"largest difference to local: {largest}", largest == 0.0)
    report.check("same bytes in every file", contents(room / "local") == contents(room / "cluster"))


def lost_worker(shop: Path, room: Path, part: int, cluster: Any, report: Report) -> None:
    """Kill a worker while it computes."""
    report.tell("a worker is lost")
    killed: list[int] = []

    def kill_one(done: int) -> None:
        if done == 3:
            killed.append(next(iter(cluster.workers.values())).pid)
            os.kill(killed[0], signal.SIGKILL)
            report.tell(f"  worker process {killed[0]} killed after {done} parts")

    found = forecast(shop, room / "lost", part, str(cluster.scheduler_address), kill_one)
    alive = [nanny.pid for nanny in cluster.workers.values()]
    report.check(f"the process is gone, there are {alive}", bool(killed) and killed[0] not in alive)
    report.check(f"all {found.parts} parts computed", found.computed == found.parts)
    report.check("same bytes as local", contents(room / "local") == contents(room / "lost"))


def interrupted(shop: Path, room: Path, part: int, address: str, report: Report) -> None:
    """Kill the driver after some parts, then start it again."""
    report.tell("the driver is lost")
    folder = room / "resumed"
    driver = multiprocessing.get_context("spawn").Process(
        target=forecast, args=(shop, folder, part, address), daemon=True
    )
    driver.start()
    wait_for(lambda: len(list(folder.glob("part-*"))) >= 4 or not driver.is_alive())
    driver.kill()
    driver.join()
    before = {file.name: file.stat().st_mtime_ns for file in folder.glob("part-*")}
    report.tell(f"  driver process {driver.pid} killed, {len(before)} parts are there")
    report.check("it was killed, not done", driver.exitcode == -signal.SIGKILL)
    report.check("each of them is whole", all(is_whole(folder / name) for name in before))
    found = forecast(shop, folder, part, address)
    report.tell(f"  resumed: {found.computed} of {found.parts} parts computed")
    report.figures |= {"parts": found.parts, "parts_resumed": found.computed}
    report.check("only what was missing", 0 < found.computed == found.parts - len(before))
    after = {file.name: file.stat().st_mtime_ns for file in folder.glob("part-*")}
    report.check("what was there is untouched", before.items() <= after.items())
    report.check("same bytes as local", contents(room / "local") == contents(folder))
    refusal = ""
    try:
        forecast(shop, folder, part, mode="multiplicative")
    except ValueError as error:
        refusal = str(error)
    report.check(f"other settings are refused: {refusal}", "seasonality_mode" in refusal)


def forecast(
    shop: Path,
    folder: Path,
    part: int,
    scheduler: str | None = None,
    progress: Callable[[int], object] | None = None,
    mode: str = "additive",
) -> ForecastFiles:
    """Forecast the shop into a folder."""
    return forecast_to_parquet(
        shop,
        AHEAD,
        shop_settings(seasonality_mode=mode),
        folder=folder,
        scheduler=scheduler,
        part_items=part,
        progress=progress,
    )


def write_shop(path: Path, items: int) -> None:
    """Write a shop's sales, sorted by item, piece by piece."""
    plain = sales(PATTERNS)
    late = np.where(np.arange(plain.shape[1]) < 180, np.nan, plain)
    kinds = [with_gaps(plain), late, plain]
    rng = np.random.default_rng(1)
    shares = (OWN, LATE, 1 - OWN - LATE)
    writer = None
    for first in range(0, items, PATTERNS):
        kind = rng.choice(len(kinds), PATTERNS, p=shares)
        values = np.stack([kinds[one][number] for number, one in enumerate(kind)])
        values = np.round(values[: items - first] * rng.lognormal(0, 1))
        frame = long_frame(values, prefix=f"shelf{first // PATTERNS:04d}-").dropna()
        table = pa.Table.from_pandas(frame, preserve_index=False)
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def read(folder: Path) -> pd.DataFrame:
    """Return all forecasts of a folder, sorted."""
    return pd.read_parquet(folder).sort_values(["unique_id", "ds"], ignore_index=True)


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder but the manifest, hidden ones too."""
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.name != MANIFEST}


def is_whole(file: Path) -> bool:
    """Whether a Parquet file can be read to its end."""
    with suppress(pa.ArrowInvalid):
        return bool(pq.read_table(file).num_rows)
    return False


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds; raises TimeoutError where it does not for minutes."""
    limit = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > limit:
            raise TimeoutError(f"the driver has not come that far in {PATIENCE} s")
        time.sleep(0.01)


if __name__ == "__main__":
    sys.exit(main())
