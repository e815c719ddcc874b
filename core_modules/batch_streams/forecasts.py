"""Forecasts of any number of items into a folder of Parquet files: here, or on a Dask cluster.

Workers hand their parts back as finished Parquet bytes and this process alone writes them: no disk
needs to be shared, and a worker that dies leaves nothing behind.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from core_modules.batch_prophet.design import data_columns
from core_modules.batch_prophet.fitted import ROUTES
from core_modules.batch_prophet.fitting import fit_panel
from core_modules.batch_prophet.futures import Future, future_of
from core_modules.batch_prophet.panel import Panel
from core_modules.batch_prophet.prediction import predict_batch
from core_modules.batch_prophet.settings import BatchSettings
from core_modules.batch_streams.cluster import check_engine, completed, connected
from core_modules.batch_streams.fingerprints import (
    SHOWN,
    described,
    described_future,
    engine_version,
    panel_digest,
)
from core_modules.batch_streams.histories import (
    Source,
    digest_of_files,
    last_day,
    panels_of,
)
from core_modules.batch_streams.part_folder import PartFolder
from core_modules.batch_streams.parts import PART_ITEMS, cut_parts

FOUND = b"inventory_routes"  # where a part's file keeps how its items were solved


@dataclass(frozen=True, slots=True, eq=False)
class PartTask:
    """All that a part's forecast follows from; sent to a worker whole."""

    number: int
    digest: str
    panel: Panel
    future: Future
    settings: BatchSettings
    threads: int
    engine: str  # version that is to compute it


@dataclass(frozen=True, slots=True)
class ForecastFiles:
    """What is in a folder of forecasts once all of it is there."""

    folder: Path
    parts: int  # in all
    computed: int  # of them by this call; the others were there
    routes: dict[str, int]  # items by what solved them, of all parts


Run = Callable[[Iterable[PartTask]], Iterator[tuple[PartTask, bytes]]]
Progress = Callable[[int], object]  # is told how many parts this call has written


def forecast_to_parquet(
    source: Source,
    future: Future,
    settings: BatchSettings | None = None,
    *,
    folder: str | Path,
    scheduler: str | None = None,
    threads: int = 1,
    part_items: int = PART_ITEMS,
    progress: Progress | None = None,
) -> ForecastFiles:
    """Fit and forecast every item of a source and write one Parquet file for each part of them.

    `source` is a file (Parquet or CSV) or a folder of Parquet files of long rows, sorted by
    `unique_id`, or frames of whole items; see `panels_of`. `future` is as in `predict_batch`;
    days ahead count from the last day of all items and need a file, which can be read twice. A
    frame of future regressors is held whole. With `scheduler`, the address of a Dask scheduler,
    its workers compute the parts; `threads` are those of one part. Files are bit for bit the same
    here and there on one kind of processor with BLAS on one thread (OMP_NUM_THREADS=1, as Dask's
    workers have it), and to 1e-9 else.

    The same call into the same folder computes what is missing alone. `pd.read_parquet(folder)`
    reads all of it.

    Raises ValueError for input that cannot be used, a folder that was begun with other data or
    settings, or workers that do not run this engine; OSError where the folder cannot be written;
    ConnectionError where the cluster is out of reach.
    """
    chosen = settings or BatchSettings()
    asked = _dates_of(source, future, chosen)
    facts = {f"settings.{name}": text for name, text in described(chosen).items()} | {
        "engine": engine_version(),
        "future": described_future(asked),
        "input": _described_source(source),
        "part_items": str(part_items),
    }
    parts, count, done = PartFolder(Path(folder), facts), 0, 0

    def missing() -> Iterator[PartTask]:
        nonlocal count
        for panel in cut_parts(panels_of(source, chosen), part_items):
            digest = panel_digest(panel)
            if not parts.has(count, digest):
                days = future_of(asked, panel.ids)
                yield PartTask(count, digest, panel, days, chosen, threads, engine_version())
            count += 1

    try:
        with _runner(scheduler) as run:
            for task, content in run(missing()):
                parts.write(task.number, task.digest, content)
                done += 1
                if progress is not None:
                    progress(done)
    except BaseException:  # mostly input that is refused: mended, it may go into the same folder
        parts.give_up()
        raise
    parts.check_end(count)
    return ForecastFiles(parts.folder, count, done, _routes(parts))


def forecast_part(task: PartTask) -> bytes:
    """Return the Parquet file of a part's forecast: the columns of `predict_batch`."""
    check_engine("a worker", engine_version(), task.engine)
    fit = fit_panel(task.panel, task.settings, threads=task.threads)
    table = pa.Table.from_pandas(predict_batch(fit, task.future), preserve_index=False)
    table = table.replace_schema_metadata({FOUND: json.dumps(fit.counts)})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return bytes(sink.getvalue().to_pybytes())


@contextmanager
def _runner(scheduler: str | None) -> Iterator[Run]:
    if scheduler is None:
        yield lambda tasks: ((task, forecast_part(task)) for task in tasks)
        return
    with connected(scheduler) as client:
        yield lambda tasks: completed(client, forecast_part, tasks)


def _dates_of(source: Source, future: Future, settings: BatchSettings) -> Future:
    """Return the future with days ahead as dates: a part's last day need not be everyone's."""
    if isinstance(future, pd.DataFrame):
        return future
    if needed := data_columns(settings):
        raise ValueError(f"the future must be a frame with the columns {needed}")
    if not isinstance(future, int):
        return future
    if future < 1:
        raise ValueError(f"days ahead must be >= 1, got {future}")
    if not isinstance(source, (str, Path)):
        raise ValueError(
            "days ahead need a file to count from: frames are read once, give the dates instead"
        )
    first = pd.Timestamp(last_day(source)) + pd.Timedelta(days=1)
    return pd.date_range(first, periods=future)


def _described_source(source: Source) -> str:
    if isinstance(source, (str, Path)):
        return f"files, sha256 {digest_of_files(source)[:SHOWN]}"
    return "frames"


def _routes(parts: PartFolder) -> dict[str, int]:
    """Return how all items were solved, from the parts' own files."""
    found = dict.fromkeys(ROUTES, 0)
    for number, digest in parts.digests.items():
        kept = pq.read_schema(parts.path(number, digest)).metadata
        for name, items in json.loads(kept[FOUND]).items():
            found[name] += items
    return found
