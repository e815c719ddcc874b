"""Reads a file in the project's own long columns into rows; what every reader returns."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core_modules.history_files.sales_columns import (
    IntArray,
    flags,
    group_labels,
    item_ids,
    numbers,
    refuse_misspelt,
    require_columns,
)
from core_modules.history_files.sales_dates import days
from core_modules.history_files.sales_errors import quoted
from core_modules.history_files.sales_files import TextTable
from core_modules.history_files.sales_frame import SalesRows

LONGEST_SILENCE = np.timedelta64(366, "D")  # without any row in the whole file
LONG_COLUMNS = ("unique_id", "ds", "y", "in_stock", "price", "promo")
# Names that other systems give these columns; they are named in the error, never taken as read.
SYNONYMS = {
    "unique_id": ("id", "sku", "item", "item_id", "product", "product_id", "article", "code"),
    "ds": ("date", "day", "week", "datum", "time", "timestamp", "period"),
    "y": ("sales", "quantity", "qty", "units", "units_sold", "sold", "demand", "value"),
    "in_stock": ("available", "availability", "stock_available", "is_in_stock"),
    "price": ("unit_price", "sell_price", "selling_price", "sales_price"),
    "promo": ("promotion", "on_promotion", "on_promo", "is_promo", "promoted"),
}


@dataclass(frozen=True, slots=True, eq=False)
class SourceRows:
    """What a reader found."""

    rows: SalesRows
    cleaning: dict[str, int]  # step -> count, in the order done
    last: np.datetime64  # the source's last day, datetime64[D]
    quantity: str = ""  # 'money', or '' to be judged by the numbers


def read_long(table: TextTable, freq: str) -> SourceRows:
    """Read a file in the project's own columns: one row an item and period."""
    require_columns(table, ("unique_id", "ds", "y"), SYNONYMS)
    groups = [name for name in table.columns if name not in LONG_COLUMNS]
    refuse_misspelt(table, LONG_COLUMNS, groups, SYNONYMS)
    item, ids = item_ids(table)
    ds = days(table, "ds")
    in_stock = flags(table, "in_stock") if "in_stock" in table else None
    y = numbers(table, "y", blank=in_stock is not None)
    if in_stock is not None and (unknown := np.isnan(y) & in_stock).any():
        table.refuse("y is empty although in_stock is true; write it", int(unknown.argmax()))
    _check_rhythm(table, ds, freq)
    _check_years(table, ds)
    check_one_row_a_day(table, item, ds)
    promo = numbers(table, "promo", blank=True) if "promo" in table else None
    rows = SalesRows(
        ids=ids,
        item=item,
        ds=ds,
        y=y,
        in_stock=in_stock,
        price=numbers(table, "price", above=True, blank=True) if "price" in table else None,
        promo=None if promo is None else np.nan_to_num(promo),
        groups={name: group_labels(table, name, item, ids) for name in groups},
    )
    cleaning = {"rows read": table.rows}
    if in_stock is not None:
        cleaning["rows out of stock"] = int((~in_stock).sum())
    return SourceRows(rows, cleaning, ds.max())


def _check_rhythm(table: TextTable, ds: NDArray[np.datetime64], freq: str) -> None:
    weekday = (ds.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday, Monday is 0
    other = weekday != weekday[0]
    if freq == "W" and other.any():
        row = int(other.argmax())
        table.refuse(
            f"ds {ds[row]} and {ds[0]} are different weekdays; with weekly sales (freq W) ds is "
            "always the week's first day: mend it, or read the file with freq D",
            row,
        )
    # Eight dates of a daily file fall on one weekday by chance once in 800,000 files.
    if freq == "D" and not other.any() and len(np.unique(ds)) >= 8:
        table.refuse(
            f"every ds is the same weekday ({pd.Timestamp(ds[0]):%A}), so the sales look weekly; "
            "read the file with freq W"
        )


def _check_years(table: TextTable, ds: NDArray[np.datetime64]) -> None:
    """Refuse a year in which no item has a row: one mistyped year would add it to all items."""
    dates = np.flatnonzero(np.bincount((ds - ds.min()).astype(np.int64)))
    if not (np.diff(dates) > LONGEST_SILENCE.astype(np.int64)).any():
        return
    order = np.argsort(ds, kind="stable")
    silent = np.flatnonzero(np.diff(ds[order]) > LONGEST_SILENCE)
    if len(silent):
        before, after = order[silent[0]], order[silent[0] + 1]
        # The side with fewer rows is more likely the slip.
        row = int(after if silent[0] + 1 > len(ds) / 2 else before)
        table.refuse(
            f"ds {ds[row]} is cut off from the other sales: none between {ds[before]} and "
            f"{ds[after]}; mend the year, or start the file after the pause",
            row,
        )


def check_one_row_a_day(
    table: TextTable, item: IntArray, ds: NDArray[np.datetime64], column: str = "unique_id"
) -> None:
    """Raise SalesDataError at the first row that repeats an item and day of an earlier one."""
    step = np.diff(item)
    if np.all((step > 0) | ((step == 0) & (ds[1:] > ds[:-1]))):
        return  # sorted already, as most files are
    order = np.lexsort((ds, item))
    same = (np.diff(item[order]) == 0) & (ds[order][1:] == ds[order][:-1])
    if same.any():
        # Of all repeats, name the one that comes first in the file.
        repeat = order[1:][same]
        first = int(repeat.argmin())
        earlier, row = int(order[:-1][same][first]), int(repeat[first])
        table.refuse(
            f"item {quoted(table.cell(row, column))} has {ds[row]} a second time, first in "
            f"{table.place(earlier)}; keep one row an item and day, or add them up",
            row,
        )
