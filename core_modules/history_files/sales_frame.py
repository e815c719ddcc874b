"""The column contract of a sales frame: makes rows dense, and checks any frame against it."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as arrow
from numpy.typing import NDArray

from core_modules.history_files.sales_columns import BoolArray, FloatArray, IntArray, TextArray
from core_modules.history_files.sales_errors import SalesDataError, quoted

STEP_DAYS = {"D": 1, "W": 7}
LARGEST_FRAME = 100_000_000  # item-days; the whole of M5 has 59 million


@dataclass(frozen=True, slots=True, eq=False)
class SalesRows:
    """The rows of a source, one for each item and day that it names, in any order."""

    ids: list[str]  # (items,) ascending
    item: IntArray  # (rows,) index into ids
    ds: NDArray[np.datetime64]  # (rows,) datetime64[D], a period's first day
    y: FloatArray  # (rows,) units a period, >= 0; NaN where not in stock
    in_stock: BoolArray | None = None  # (rows,)
    price: FloatArray | None = None  # (rows,) money a unit, > 0 or NaN
    promo: FloatArray | None = None  # (rows,) >= 0, 0 none
    groups: Mapping[str, TextArray] = field(default_factory=dict)  # name -> (items,)


def dense_frame(rows: SalesRows, freq: str, last: np.datetime64) -> pd.DataFrame:
    """Return one row per item and period, from each item's first row to `last`.

    A period without a row sold nothing, at the last price known (before the first known price: at
    that one), without promotion. Every row's `ds` lies a whole number of periods before `last`.
    """
    step = STEP_DAYS[freq]
    # Periods count backwards from `last` (0), which all items share.
    back = (last - rows.ds).astype(np.int64) // step
    length = np.zeros(len(rows.ids), dtype=np.int64)
    np.maximum.at(length, rows.item, back + 1)
    end = np.cumsum(length)
    total = int(end[-1])
    if total > LARGEST_FRAME:
        raise SalesDataError(
            f"the sales cover {total:,} item-days, more than {LARGEST_FRAME:,}; "
            f"check the earliest date, {rows.ds.min()}, or split the file by item"
        )
    at = end[rows.item] - 1 - back
    item = np.repeat(np.arange(len(rows.ids)), length)
    period = np.arange(total) - (end - 1)[item]
    frame = {
        "unique_id": _repeated(rows.ids, item),
        "ds": (last + period * step).astype("datetime64[us]"),
        "y": _spread(rows.y, at, total, 0.0),
    }
    if rows.in_stock is not None:
        in_stock = np.ones(total, dtype=bool)
        in_stock[at] = rows.in_stock
        frame["in_stock"] = in_stock
    if rows.price is not None:
        prices = _spread(rows.price, at, total, np.nan)
        forward = _carried(prices, item)
        frame["price"] = _carried(forward[::-1], item[::-1])[::-1].copy()
    if rows.promo is not None:
        frame["promo"] = _spread(rows.promo, at, total, 0.0)
    for name, labels in rows.groups.items():
        frame[name] = _repeated(list(labels), item)
    return pd.DataFrame(frame)


def _repeated(texts: list[str], item: IntArray) -> pd.Series:
    return pd.Series(texts, dtype="str").take(item).reset_index(drop=True)


def _spread(values: FloatArray, at: IntArray, total: int, empty: float) -> FloatArray:
    spread = np.full(total, empty)
    spread[at] = values
    return spread


def _carried(values: FloatArray, item: IntArray) -> FloatArray:
    """Return the values with each NaN replaced by its item's last number before it."""
    known = np.where(np.isnan(values), 0, np.arange(len(values)))
    source = np.maximum.accumulate(known)
    return np.where(item[source] == item, values[source], np.nan)


def check_frame(frame: pd.DataFrame, *, freq: str = "D") -> None:
    """Raise SalesDataError where a frame breaks the contract, naming the column and the value.

    The contract: text `unique_id`, `ds` at midnight, `y` >= 0 (NaN only where `in_stock` is
    False); sorted by item and day, one row a period from each item's first to the common last;
    optional `in_stock` (bool), `price` (> 0 or NaN), `promo` (>= 0); every other column is a group,
    text and one value an item.
    """
    if freq not in STEP_DAYS:
        raise SalesDataError(f"freq must be D or W, got {freq!r}")
    for column in ("unique_id", "ds", "y"):
        if column not in frame:
            raise SalesDataError(f"the frame has no column {column}; found {list(frame.columns)}")
    if frame.empty:
        raise SalesDataError("the frame has no rows; it needs at least one item and day")
    _check_types(frame)
    _check_dense(frame, freq)
    _check_values(frame)


def _check_types(frame: pd.DataFrame) -> None:
    numeric = {"y": "f", "price": "f", "promo": "f", "in_stock": "b", "ds": "M"}
    for column in frame.columns:
        dtype = frame[column].dtype
        kind = dtype.kind if isinstance(dtype, np.dtype) else ""  # '' for a time zone, too
        wanted = numeric.get(str(column))
        if wanted is None and not pd.api.types.is_string_dtype(frame[column]):
            raise SalesDataError(f"column {column} must be text, got {frame[column].dtype}")
        if wanted is not None and kind != wanted:
            names = {"f": "float64", "b": "bool", "M": "datetime64 without time zone"}
            raise SalesDataError(
                f"column {column} must be {names[wanted]}, got {frame[column].dtype}"
            )
    missing = frame[["unique_id", "ds"]].isna().any()
    if missing.any():
        raise SalesDataError(f"column {missing.idxmax()} must not have missing values")


def _check_dense(frame: pd.DataFrame, freq: str) -> None:
    ids, ds = frame["unique_id"], frame["ds"].to_numpy().astype("datetime64[us]")
    if (ds != ds.astype("datetime64[D]")).any():
        row = int((ds != ds.astype("datetime64[D]")).argmax())
        raise SalesDataError(f"ds must be midnight, got {ds[row]} for item {quoted(ids.iloc[row])}")
    ends, names = text_runs(ids)
    new = np.zeros(len(ds) - 1, dtype=bool)
    new[ends[:-1] - 1] = True
    if any(later < earlier for earlier, later in itertools.pairwise(names)):
        raise SalesDataError("the frame must be sorted by unique_id, then ds; sort_values does it")
    gap = ~new & (np.diff(ds) != np.timedelta64(STEP_DAYS[freq], "D"))
    if gap.any():
        row = int(gap.argmax())
        raise SalesDataError(
            f"item {quoted(ids.iloc[row])} goes from {_day(ds[row])} to {_day(ds[row + 1])}; "
            f"periods of freq {freq} must follow each other without gap or repeat"
        )
    last = ds[ends - 1]
    if (last != last.max()).any():
        short = int((last != last.max()).argmax())
        raise SalesDataError(
            f"item {quoted(names[short])} ends on {_day(last[short])}, others on "
            f"{_day(last.max())}; every item must end on the common last day"
        )


def text_runs(texts: pd.Series) -> tuple[IntArray, list[str]]:
    """Return where each run of one text ends, its row and one more (runs,), and the texts.

    >>> ends, texts = text_runs(pd.Series(["a", "a", "b"], dtype="str"))
    >>> ends.tolist(), texts
    ([2, 3], ['a', 'b'])
    """
    column = pa.array(texts)
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    runs = arrow.run_end_encode(column)
    return runs.run_ends.to_numpy().astype(np.int64), runs.values.to_pylist()


def _day(moment: np.datetime64) -> str:
    return str(moment)[:10]


def _check_values(frame: pd.DataFrame) -> None:
    y = frame["y"].to_numpy()
    allowed = np.isfinite(y) & (y >= 0)
    if "in_stock" in frame:
        allowed |= np.isnan(y) & ~frame["in_stock"].to_numpy()
    _refuse_first(frame, "y", ~allowed, "finite and >= 0 (NaN only where in_stock is False)")
    if "price" in frame:
        price = frame["price"].to_numpy()
        wrong = ~np.isnan(price) & ~((price > 0) & np.isfinite(price))
        _refuse_first(frame, "price", wrong, "> 0 and finite, or NaN")
    if "promo" in frame:
        promo = frame["promo"].to_numpy()
        _refuse_first(frame, "promo", ~((promo >= 0) & np.isfinite(promo)), "finite and >= 0")
    ends, _ = text_runs(frame["unique_id"])
    for column in frame.columns.difference(["unique_id", "ds", "y", "in_stock", "price", "promo"]):
        labels = frame[column]
        turns = text_runs(labels)[0] - 1
        # A label may turn with its item only; a label that is missing is none.
        if labels.isna().any() or not np.isin(turns, ends - 1, assume_unique=True).all():
            values, same = labels.to_numpy(), np.ones(len(frame) - 1, dtype=bool)
            same[ends[:-1] - 1] = False
            changed = np.append(False, same & (values[1:] != values[:-1]))
            _refuse_first(frame, column, changed, "one value an item, as every group column")


def _refuse_first(frame: pd.DataFrame, column: str, wrong: BoolArray, rule: str) -> None:
    if wrong.any():
        row = frame.iloc[int(wrong.argmax())]
        raise SalesDataError(
            f"column {column} must be {rule}, got {row[column]} for item "
            f"{quoted(str(row['unique_id']))} on {row['ds']:%Y-%m-%d}"
        )


def closing_day(last: np.datetime64, as_of: date | None, freq: str) -> np.datetime64:
    """Return the first day of the last complete period: the file's last, or the one of `as_of`."""
    if as_of is None:
        return last
    step = STEP_DAYS[freq]
    # Floor division puts any day of a week on the week's first day, before or after `last`.
    periods = (np.datetime64(as_of, "D") - last).astype(np.int64) // step
    closing: np.datetime64 = last + np.timedelta64(int(periods * step), "D")
    return closing


def until(rows: SalesRows, last: np.datetime64) -> SalesRows:
    """Return the rows up to and including `last`, without the items that then have none."""
    kept = rows.ds <= last
    if kept.all() and np.bincount(rows.item, minlength=len(rows.ids)).all():
        return rows
    used = np.unique(rows.item[kept])
    rank = np.zeros(len(rows.ids), dtype=np.int64)
    rank[used] = np.arange(len(used))

    def cut(values: Any) -> Any:
        return None if values is None else values[kept]

    return SalesRows(
        ids=[rows.ids[number] for number in used],
        item=rank[rows.item[kept]],
        ds=rows.ds[kept],
        y=rows.y[kept],
        in_stock=cut(rows.in_stock),
        price=cut(rows.price),
        promo=cut(rows.promo),
        groups={name: labels[used] for name, labels in rows.groups.items()},
    )
