"""The rows of many series in flat arrays: a long frame or a table of days by items, read once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Dates = NDArray[np.datetime64]  # of microseconds, as pandas 3 holds days

KEYS = ("unique_id", "ds", "y")


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Series one after the other; a row is an item's value on one of the dates."""

    ids: pd.Index  # (items,) in the order of their first rows
    dates: Dates  # (dates,) ascending, without repeats
    offsets: IntArray  # (items + 1,) where each item's rows begin
    rows: NDArray[np.int32]  # (rows,) which date, ascending within an item
    y: FloatArray  # (rows,) without NaN; empty where only dates are asked about
    columns: dict[str, FloatArray]  # by name (rows,): regressors, conditions, cap, floor

    @property
    def items(self) -> int:
        """How many series there are."""
        return len(self.ids)

    def part(self, first: int, last: int) -> slice:
        """Return the rows of items first to last - 1."""
        return slice(int(self.offsets[first]), int(self.offsets[last]))


def panel_of_frame(
    frame: pd.DataFrame, columns: Sequence[str] = (), *, values: bool = True
) -> Panel:
    """Return the panel of a long frame; rows whose y is missing are left out, as Prophet does.

    Raises ValueError naming a column that is missing, or holds NaN or infinity where it may not.
    """
    for name in (*(KEYS if values else KEYS[:2]), *columns):
        if name not in frame.columns:
            raise ValueError(f"column {name!r} is missing; there are {list(frame.columns)}")
    codes, ids = item_codes(frame["unique_id"])
    dates = frame["ds"].to_numpy(dtype="datetime64[us]")
    _check_dates(codes, dates)
    steps, days = np.diff(codes), np.diff(dates.view(np.int64))
    if (steps < 0).any() or ((steps == 0) & (days < 0)).any():
        order = np.lexsort((dates, codes))
        frame, codes, dates = frame.iloc[order], codes[order], dates[order]
    counts = np.bincount(codes, minlength=len(ids))
    calendar, rows = calendar_of(dates, counts)
    arrays = {name: _floats(frame[name]) for name in columns}
    y = _floats(frame["y"]) if values else np.empty(0)
    return _kept(Panel(ids, calendar, _starts(counts), rows, y, arrays))


def panel_of_table(
    values: NDArray[np.floating], dates: Sequence[object] | pd.DatetimeIndex, ids: Sequence[str]
) -> Panel:
    """Return the panel of a table (days, items) on one calendar, NaN where a day is missing."""
    calendar = np.array(pd.to_datetime(np.asarray(dates)), dtype="datetime64[us]")
    days, items = values.shape
    if (days, items) != (calendar.size, len(ids)):
        raise ValueError(f"table is {values.shape}, dates {calendar.size}, ids {len(ids)}")
    if (np.diff(calendar.view(np.int64)) <= 0).any():
        raise ValueError("dates of a table must ascend without repeats")
    y = np.ascontiguousarray(values.T, dtype=float).ravel()
    rows = np.tile(np.arange(days, dtype=np.int32), items)
    offsets = np.arange(items + 1, dtype=np.int64) * days
    return _kept(Panel(pd.Index(ids), calendar, offsets, rows, y, {}))


def item_codes(names: pd.Series) -> tuple[IntArray, pd.Index]:
    """Return each row's item as a number, and the items in the order they first appear."""
    # Rows usually come item by item, and runs are found ten times quicker than by hashing.
    array = pa.array(names)
    whole = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    runs = pc.run_end_encode(whole) if len(whole) else None
    if runs is not None and runs.values.null_count == 0:
        ids = pd.Index(runs.values.to_pandas(), dtype=names.dtype)
        if ids.is_unique:
            counts = np.diff(runs.run_ends.to_numpy(), prepend=0)
            return np.repeat(np.arange(len(ids)), counts), ids
    codes, found = pd.factorize(names)
    return codes.astype(np.int64), pd.Index(found)


def _floats(column: pd.Series) -> FloatArray:
    """Return a column as an array that may be written to."""
    # pandas hands out read-only ones, for which numba would compile everything once more.
    return np.require(column.to_numpy(dtype=float), requirements=["C", "W"])


def _check_dates(codes: IntArray, dates: Dates) -> None:
    if (codes < 0).any():
        raise ValueError("column 'unique_id' holds missing values")
    if np.isnat(dates).any():
        raise ValueError("column 'ds' holds missing dates")


def _starts(counts: IntArray) -> IntArray:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def calendar_of(dates: Dates, counts: IntArray) -> tuple[Dates, NDArray[np.int32]]:
    """Return all dates and each row's place among them; quick where all items share their days."""
    days = int(counts[0]) if counts.size else 0
    if days and (counts == days).all():
        table = dates.reshape(counts.size, days)
        if (np.diff(table[0].view(np.int64)) > 0).all() and (table == table[0]).all():
            return table[0].copy(), np.tile(np.arange(days, dtype=np.int32), counts.size)
    numbers = dates.view(np.int64)
    calendar = np.sort(pd.unique(numbers))
    rows = np.searchsorted(calendar, numbers).astype(np.int32)
    return calendar.view("datetime64[us]"), rows


def _kept(panel: Panel) -> Panel:
    """Return the panel without the rows whose y is missing, checked."""
    y = panel.y
    if np.isinf(y).any():
        raise ValueError("column 'y' holds infinity")
    missing = np.isnan(y)
    if missing.any():
        seen = ~missing
        items = np.repeat(np.arange(panel.items), np.diff(panel.offsets))[seen]
        counts = np.bincount(items, minlength=panel.items)
        columns = {name: array[seen] for name, array in panel.columns.items()}
        panel = Panel(panel.ids, panel.dates, _starts(counts), panel.rows[seen], y[seen], columns)
    for name, array in panel.columns.items():
        if not np.isfinite(array).all():
            raise ValueError(f"column {name!r} holds NaN or infinity")
    return panel
