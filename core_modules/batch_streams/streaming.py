"""Fits and forecasts of more items than memory holds: a chunk comes in, its result goes out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pandas as pd

from core_modules.batch_prophet.fitted import BatchFit
from core_modules.batch_prophet.fitting import fit_batch
from core_modules.batch_prophet.futures import Future, future_of
from core_modules.batch_prophet.prediction import predict_batch
from core_modules.batch_prophet.settings import BatchSettings
from core_modules.batch_streams.cluster import completed, connected


def fit_stream(
    chunks: Iterable[pd.DataFrame], settings: BatchSettings | None = None, *, threads: int = 1
) -> Iterator[BatchFit]:
    """Yield the fit of each chunk of items; nothing of a chunk is kept once it is let go.

    A chunk holds its items whole: an item cut in two would be fitted as two.
    """
    for chunk in chunks:
        yield fit_batch(chunk, settings, threads=threads)


@dataclass(frozen=True, slots=True, eq=False)
class ChunkTask:
    """All that a chunk's forecast follows from."""

    chunk: pd.DataFrame
    future: Future
    settings: BatchSettings | None
    threads: int


def forecast_stream(
    chunks: Iterable[pd.DataFrame],
    future: Future,
    settings: BatchSettings | None = None,
    *,
    threads: int = 1,
    scheduler: str | None = None,
) -> Iterator[pd.DataFrame]:
    """Yield each chunk's forecast; `future` is as in `predict_batch`, the same for all chunks.

    With `scheduler`, the address of a Dask scheduler, its workers make them, and they come in the
    order in which they are done; `connected` says what may be wrong there.
    """
    tasks = (
        ChunkTask(chunk, future_of(future, chunk["unique_id"].unique()), settings, threads)
        for chunk in chunks
    )
    if scheduler is None:
        yield from map(forecast_chunk, tasks)
        return
    with connected(scheduler) as client:
        for _, forecast in completed(client, forecast_chunk, tasks):
            yield forecast


def forecast_chunk(task: ChunkTask) -> pd.DataFrame:
    """Fit and forecast one chunk."""
    fit = fit_batch(task.chunk, task.settings, threads=task.threads)
    return predict_batch(fit, task.future)


def item_chunks(frame: pd.DataFrame, items: int) -> Iterator[pd.DataFrame]:
    """Yield a long frame in pieces of so many whole items, in the order they first appear."""
    codes, ids = pd.factorize(frame["unique_id"])
    sorted_frame = frame.iloc[codes.argsort(kind="stable")]
    ends = pd.Series(codes).value_counts(sort=False).sort_index().cumsum().to_numpy()
    first = 0
    for last in range(min(items, len(ids)), len(ids) + items, items):
        stop = int(ends[min(last, len(ids)) - 1])
        if stop > first:
            yield sorted_frame.iloc[first:stop]
        first = stop
