"""Real sales history: reads a file into the one frame that everything else works on."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from core_modules.history_files.closed_days import closed_days
from core_modules.history_files.m5_sales import is_m5, read_m5, read_m5_events
from core_modules.history_files.retail_sales import (
    ONLINE_RETAIL_COLUMNS,
    ROSSMANN_COLUMNS,
    read_online_retail,
    read_rossmann,
)
from core_modules.history_files.sales_columns import close_names
from core_modules.history_files.sales_errors import SalesDataError, listed, quoted
from core_modules.history_files.sales_files import TextTable, read_table
from core_modules.history_files.sales_frame import (
    SalesRows,
    check_frame,
    closing_day,
    dense_frame,
    until,
)
from core_modules.history_files.sales_readers import LONGEST_SILENCE, SourceRows, read_long

__all__ = [
    "SALES_FORMATS",
    "SalesDataError",
    "SalesHistory",
    "check_frame",
    "mean_prices",
    "read_m5_events",
    "read_sales",
    "require_whole_units",
    "select_items",
]

SALES_FORMATS = ("auto", "long", "m5", "online-retail", "rossmann")
PRICE_DAYS = 90  # over which `mean_prices` takes the mean
_DATA_FILES = (".csv", ".csv.gz", ".parquet", ".parquet.gz")


@dataclass(frozen=True, slots=True, eq=False)
class SalesHistory:
    """Sales of one source, dense per item from its first row to the common last day.

    The frame's columns: `unique_id` (str), `ds` (datetime64[us], midnight), `y` (float64, units a
    period, >= 0, NaN only where `in_stock` is False), optional `in_stock` (bool), `price` (money a
    unit, NaN where never known), `promo` (>= 0, 0 none); any other column is a group, text and one
    value an item. Sorted by `unique_id`, then `ds`.
    """

    frame: pd.DataFrame  # see above
    freq: str  # 'D' or 'W'; with 'W' ds is the week's first day
    name: str  # short name of the source
    digest: str  # sha256 of the file's bytes, hex
    cleaning: Mapping[str, int]  # step -> rows, units or days it touched, in the order done
    closed_days: pd.DatetimeIndex  # days on which the whole file was closed, see `closed_days`
    quantity: str  # 'units', 'fractions' or 'money'; only whole units may enter the ledger

    def __post_init__(self) -> None:
        if self.quantity not in ("units", "fractions", "money"):
            raise SalesDataError(f"quantity must be units, fractions or money, got {self.quantity}")
        check_frame(self.frame, freq=self.freq)


def read_sales(
    path: str | Path, *, sales_format: str = "auto", freq: str = "D", as_of: date | None = None
) -> SalesHistory:
    """Read a sales file, clean it and make it dense; the cleaning is reported by count.

    `sales_format` is one of SALES_FORMATS; 'auto' recognises them by their columns. The formats
    other than 'long' may be given as the folder that holds the file. `as_of` is any day in the last
    complete period: later rows are left out, and items run on (with zero sales) up to it.

    Raises
    ------
    SalesDataError
        The file cannot be used; one line says what, where (line and value) and how to mend it.
    """
    if sales_format not in SALES_FORMATS:
        raise SalesDataError(
            f"format must be one of {listed([*SALES_FORMATS])}, got {sales_format}"
        )
    if freq not in ("D", "W"):
        raise SalesDataError(f"freq must be D or W, got {freq}")
    path = Path(path)
    table = read_table(_only_file(path) if path.is_dir() else path)
    chosen = recognise(table) if sales_format == "auto" else sales_format
    if path.is_dir() and chosen == "long":
        raise SalesDataError(f"{path}: is a folder; name the file, such as {table.path}")
    if freq == "W" and chosen != "long":
        table.refuse(f"{chosen} files hold daily sales; read them with freq D")
    source = _read_source(table, chosen, freq)
    return _history(table, source, chosen, freq, as_of)


def _only_file(folder: Path) -> Path:
    """Return the one file of a folder that can hold sales."""
    files = sorted(
        file
        for file in folder.iterdir()
        if file.name.endswith(_DATA_FILES) and not file.name.startswith("calendar.")
    )
    if len(files) != 1:
        found = f"several sales files ({listed([file.name for file in files])})"
        raise SalesDataError(
            f"{folder}: is a folder with {found if files else 'no sales file'}; name the file"
        )
    return files[0]


def recognise(table: TextTable) -> str:
    """Return the format that a file's columns show; 'long' where they show no other."""
    if is_m5(list(table.columns)):
        return "m5"
    if all(column in table for column in ONLINE_RETAIL_COLUMNS):
        return "online-retail"
    if all(column in table for column in ROSSMANN_COLUMNS):
        return "rossmann"
    return "long"


def _read_source(table: TextTable, chosen: str, freq: str) -> SourceRows:
    if chosen == "m5":
        return read_m5(table)
    if chosen == "online-retail":
        return read_online_retail(table)
    if chosen == "rossmann":
        return read_rossmann(table)
    return read_long(table, freq)


def _rows_until(
    table: TextTable, source: SourceRows, freq: str, as_of: date | None
) -> tuple[SalesRows, np.datetime64]:
    last = closing_day(source.last, as_of, freq)
    if last - source.last > LONGEST_SILENCE:
        table.refuse(
            f"ends on {source.last}, more than a year before as-of {as_of}; correct as-of, or "
            "export newer sales"
        )
    rows = until(source.rows, last)
    if not len(rows.ids):
        table.refuse(f"has no sales up to {last}; it starts on {source.rows.ds.min()}")
    return rows, last


def _history(
    table: TextTable, source: SourceRows, chosen: str, freq: str, as_of: date | None
) -> SalesHistory:
    rows, last = _rows_until(table, source, freq, as_of)
    try:
        frame = dense_frame(rows, freq, last)
    except SalesDataError as error:
        table.refuse(str(error))
    closed = closed_days(frame, freq)
    cleaning = dict(source.cleaning)
    if len(rows.ds) < len(source.rows.ds):
        cleaning[f"rows after {last} left out"] = len(source.rows.ds) - len(rows.ds)
    cleaning["gaps filled with zero sales"] = len(frame) - len(rows.ds)
    cleaning["closed days"] = len(closed)
    sold = frame["y"].dropna().to_numpy()
    whole = bool((sold == np.floor(sold)).all())
    return SalesHistory(
        frame=frame,
        freq=freq,
        # M5's files are all called sales; the folder says which part of M5 it is.
        name=table.path.resolve().parent.name if chosen == "m5" else _stem(table.path),
        digest=table.digest,
        cleaning=cleaning,
        closed_days=closed,
        quantity=source.quantity or ("units" if whole else "fractions"),
    )


def _stem(path: Path) -> str:
    name = path.name.removesuffix(".gz")
    return name.removesuffix(".csv").removesuffix(".parquet")


def select_items(
    history: SalesHistory, *, items: Collection[str] | None = None, top: int | None = None
) -> SalesHistory:
    """Return the history of some items: the named ones, and of these the `top` best sellers.

    Best sellers are those with most units in the last 365 days (52 weeks); of equals, the first by
    id. `closed_days` stay those of the whole file.

    Raises
    ------
    SalesDataError
        An item is not in the history, or `top` is below 1.
    """
    frame = history.frame
    if items is not None:
        known = frame["unique_id"].unique()
        unknown = sorted(set(items) - set(known))
        if unknown or not items:
            raise SalesDataError(_unknown_items(unknown, list(known), history.name))
        frame = frame[frame["unique_id"].isin(list(items))]
    if top is not None:
        if top < 1:
            raise SalesDataError(f"top must be >= 1, got {top}")
        days = 365 if history.freq == "D" else 364
        recent = frame[frame["ds"] > frame["ds"].max() - pd.Timedelta(days=days)]
        sold = recent.groupby("unique_id", sort=True)["y"].sum()
        best = sold.sort_values(ascending=False, kind="stable").index[:top]
        frame = frame[frame["unique_id"].isin(best)]
    return replace(history, frame=frame.reset_index(drop=True))


def _unknown_items(unknown: list[str], known: list[str], name: str) -> str:
    if not unknown:
        return "no item is named; name at least one"
    close = close_names(unknown[0], known)
    hint = f"did you mean {listed(close)}?" if close else f"it has {listed(known, most=3)}"
    return f"{name} has no item {quoted(unknown[0])}; {hint}"


def mean_prices(history: SalesHistory) -> dict[str, float]:
    """Return each item's mean price over the history's last 90 days, where it has prices."""
    frame = history.frame
    if "price" not in frame:
        return {}
    recent = frame[frame["ds"] > frame["ds"].max() - pd.Timedelta(days=PRICE_DAYS)]
    prices = recent.groupby("unique_id")["price"].mean().dropna()
    return {str(item): float(price) for item, price in prices.items()}


def require_whole_units(history: SalesHistory) -> None:
    """Raise SalesDataError unless all quantities are whole units, as the ledger needs."""
    if history.quantity == "units":
        return
    if history.quantity == "money":
        raise SalesDataError(
            f"{history.name} holds turnover, not units, and stock is counted in units; "
            "use it with extract or forecast, or give a file of units sold"
        )
    y = history.frame["y"]
    row = history.frame[y != np.floor(y)].dropna(subset=["y"]).iloc[0]
    raise SalesDataError(
        f"{history.name} holds fractions of units (item {quoted(row['unique_id'])}, "
        f"{row['ds']:%Y-%m-%d}: {row['y']:g}), and stock is counted in whole units; "
        "count in a smaller unit, or use it with extract or forecast"
    )
