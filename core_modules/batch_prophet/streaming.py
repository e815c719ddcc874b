"""Fits and forecasts of more items than memory holds: a chunk comes in, its result goes out."""

from collections.abc import Iterable, Iterator

import pandas as pd

from core_modules.batch_prophet.fitted import BatchFit
from core_modules.batch_prophet.fitting import fit_batch
from core_modules.batch_prophet.futures import Future
from core_modules.batch_prophet.prediction import predict_batch
from core_modules.batch_prophet.settings import BatchSettings


def fit_stream(
    chunks: Iterable[pd.DataFrame], settings: BatchSettings | None = None, *, threads: int = 1
) -> Iterator[BatchFit]:
    """Yield the fit of each chunk of items; nothing of a chunk is kept once it is let go.

    A chunk holds its items whole: an item cut in two would be fitted as two.
    """
    for chunk in chunks:
        yield fit_batch(chunk, settings, threads=threads)


def forecast_stream(
    chunks: Iterable[pd.DataFrame],
    future: Future,
    settings: BatchSettings | None = None,
    *,
    threads: int = 1,
) -> Iterator[pd.DataFrame]:
    """Yield each chunk's forecast; `future` is as in `predict_batch`, the same for all chunks."""
    for fit in fit_stream(chunks, settings, threads=threads):
        asked = future
        if isinstance(future, pd.DataFrame):
            asked = future[future["unique_id"].isin(fit.ids)]
        yield predict_batch(fit, asked)


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
