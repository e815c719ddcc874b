"""A real transaction file as the generator's market: its sales, on its days, at its times."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from math import isnan
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from core_modules.history_files.retail_sales import ONLINE_RETAIL_COLUMNS
from core_modules.history_files.sales_columns import numbers
from core_modules.history_files.sales_dates import moments
from core_modules.history_files.sales_errors import SalesDataError
from core_modules.history_files.sales_files import read_table
from core_modules.market_scenarios import NORMAL_OPERATIONS
from core_modules.sales_history import SalesHistory, read_sales, require_whole_units
from streaming_production.generating.cloud_events import CloudEvent, EventWriter
from streaming_production.generating.world import ItemDelivery, as_promised

NOON = time(12)  # of sales whose file has days only
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True, eq=False)
class RealSales:
    """Sales rows of a file, sorted by time: one an item and day, or one a transaction."""

    frame: pd.DataFrame  # unique_id, moment (datetime64), units (int64), price (NaN: not known)
    name: str  # short name of the file

    @property
    def first_day(self) -> date:
        """The first day with a sale."""
        return _day(self.frame["moment"].iloc[0])

    @property
    def last_day(self) -> date:
        """The last day with a sale."""
        return _day(self.frame["moment"].iloc[-1])

    def of_items(self, known: Collection[str]) -> Self:
        """Return the sales of the items that the agent knows.

        Raises SalesDataError where it knows none of them.
        """
        kept = self.frame[self.frame["unique_id"].isin(known)]
        if kept.empty:
            raise SalesDataError(
                f"{self.name}: the agent knows none of its items; give the agent this history "
                "first (agent_service --sales), or a catalogue that has its items"
            )
        return type(self)(kept.reset_index(drop=True), self.name)

    def from_day(self, first: date) -> Self:
        """Return the sales of a day and later."""
        kept = self.frame[self.frame["moment"] >= pd.Timestamp(first)]
        if kept.empty:
            raise SalesDataError(
                f"{self.name} has no sale of the agent's items from {first} on; its days are "
                f"{self.first_day} to {self.last_day}"
            )
        return type(self)(kept.reset_index(drop=True), self.name)

    def dated_after(self, first: date) -> tuple[Self, int]:
        """Return the sales moved by whole weeks to `first` or later, and how many weeks.

        What would come before `first` is left out, so that the days begin with sales. Sales that
        are late enough as they are stay where they are.
        """
        weeks = max(0, (first - self.first_day).days // 7)
        if self.last_day + weeks * _WEEK < first:
            weeks += 1
        moved = self.frame["moment"] + weeks * pd.Timedelta(_WEEK)
        kept = self.frame.assign(moment=moved)[moved >= pd.Timestamp(first)]
        return type(self)(kept.reset_index(drop=True), self.name), weeks


def read_real_sales(path: Path, sales_format: str) -> RealSales:
    """Read a sales file, with the time of each transaction where it is Online Retail's.

    Raises SalesDataError where the file cannot be used or does not count whole units.
    """
    history = read_sales(path, sales_format=sales_format)
    require_whole_units(history)
    if sales_format not in ("auto", "online-retail"):
        return _daily(history)
    lines = _online_retail_lines(path)
    return _daily(history) if lines is None else _timed(history, lines)


def _daily(history: SalesHistory) -> RealSales:
    frame = history.frame[history.frame["y"] > 0]
    rows = pd.DataFrame(
        {
            "unique_id": frame["unique_id"],
            "moment": frame["ds"] + pd.Timedelta(hours=NOON.hour),
            "units": frame["y"].astype(np.int64),
            "price": frame.get("price", np.nan),
        }
    )
    return _sorted(rows, history.name)


def _online_retail_lines(path: Path) -> pd.DataFrame | None:
    """Return the invoice lines that sold something; None where the file is of another kind."""
    table = read_table(_file_of(path))
    if not all(column in table for column in ONLINE_RETAIL_COLUMNS):
        return None
    lines = pd.DataFrame(
        {
            "unique_id": pc.utf8_upper(table.texts("StockCode")).to_pandas(),
            "moment": moments(table, "InvoiceDate"),
            "units": numbers(table, "Quantity", least=-np.inf).astype(np.int64),
            "price": numbers(table, "UnitPrice", least=-np.inf),
        }
    )
    return lines[(lines["units"] > 0) & (lines["price"] > 0)]


def _file_of(path: Path) -> Path:
    return next(iter(sorted(path.glob("*.csv*")))) if path.is_dir() else path


def _timed(history: SalesHistory, lines: pd.DataFrame) -> RealSales:
    """Return the invoice lines, each item and day adding up to what tier 1 counts as sold.

    What was cancelled afterwards is taken off the last lines of its day.
    """
    sold = history.frame.loc[history.frame["y"] > 0, ["unique_id", "ds", "y"]]
    lines = lines.assign(ds=lines["moment"].dt.floor("D")).sort_values("moment", kind="stable")
    rows = lines.merge(sold, on=["unique_id", "ds"])
    so_far = rows.groupby(["unique_id", "ds"])["units"].cumsum()
    counted = np.minimum(so_far, rows["y"]) - np.minimum(so_far - rows["units"], rows["y"])
    rows = rows.assign(units=counted.astype(np.int64))
    return _sorted(rows[rows["units"] > 0], history.name)


def _sorted(rows: pd.DataFrame, name: str) -> RealSales:
    columns = ["unique_id", "moment", "units", "price"]
    frame = rows[columns].sort_values(["moment", "unique_id"], kind="stable")
    return RealSales(frame.reset_index(drop=True), name)


def _day(moment: pd.Timestamp) -> date:
    return moment.date()


class ReplayedWorld:
    """Real sales, without market events: orders come as they were promised."""

    def __init__(self, sales: RealSales, start: date, days: int | None = None) -> None:
        self.start = start
        length = (sales.last_day - start).days + 1
        self.days = min(days or length, length)
        self._frame = sales.frame
        midnights = pd.Timestamp(start) + pd.to_timedelta(np.arange(self.days + 1), unit="D")
        self._cuts = sales.frame["moment"].searchsorted(midnights)

    def label(self, number: int) -> str:  # noqa: ARG002  # a file knows no scenarios
        """Return the scenario of a day: a file names none."""
        return NORMAL_OPERATIONS

    def demand(self, number: int) -> int:
        """Return the units asked for on a day."""
        return int(self._rows(number)["units"].sum())

    def facts(self, number: int, writer: EventWriter) -> list[CloudEvent]:
        """Return the day's sales at their times."""
        rows = self._rows(number)
        moments = rows["moment"].dt.floor("s").dt.to_pydatetime()
        columns = (rows["unique_id"], moments, rows["units"].tolist(), rows["price"].tolist())
        return [
            writer.event(
                f"sale-{line}",
                "sale.recorded",
                moment.time(),
                {"quantity": units} | ({} if isnan(price) else {"price": price}),
                str(item),
            )
            for line, (item, moment, units, price) in enumerate(zip(*columns, strict=True))
        ]

    def delivery(self, order: Mapping[str, Any]) -> ItemDelivery:
        """Return when an order comes: as promised."""
        return as_promised(order)

    def _rows(self, number: int) -> pd.DataFrame:
        return self._frame.iloc[self._cuts[number] : self._cuts[number + 1]]
