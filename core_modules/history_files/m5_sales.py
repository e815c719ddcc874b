"""Reads M5 (Walmart) sales: a wide file with a column a day, and the calendar beside it."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core_modules.history_files.sales_columns import (
    IntArray,
    TextArray,
    group_labels,
    item_ids,
    numbers,
    require_columns,
)
from core_modules.history_files.sales_errors import SalesDataError, listed, quoted
from core_modules.history_files.sales_files import TextTable, read_table
from core_modules.history_files.sales_frame import SalesRows
from core_modules.history_files.sales_readers import SourceRows

_ID = r"^([A-Z]+_\d)_\d{3}_([A-Z]{2}_\d)"  # FOODS_3_001_TX_3: department, item, store


def is_m5(columns: list[str]) -> bool:
    """Return whether a file with these columns is M5's wide one."""
    return "id" in columns and any(_is_day(name) for name in columns)


def _is_day(name: str) -> bool:
    return name.startswith("d_") and name[2:].isdigit()


def read_m5(table: TextTable) -> SourceRows:
    """Read M5's wide sales (`id`, then a column a day) with the calendar.csv beside them.

    An item's days before its first sale are left out: M5 has every item from day 1, and its zeros
    there say that it was not yet on the shelf. Items that never sold keep all days.
    """
    require_columns(table, ("id", "d_1"), {})
    day_names = [name for name in table.columns if _is_day(name)]
    groups = [name for name in table.columns if name != "id" and not _is_day(name)]
    item, ids = item_ids(table, "id")
    _check_one_row_an_item(table, item, ids)
    dates = _dates(table, day_names)
    order = np.argsort(item)
    sales = np.column_stack([numbers(table, name) for name in day_names])[order]  # (items, days)
    sold = sales > 0
    first = np.where(sold.any(axis=1), sold.argmax(axis=1), 0)
    on_sale = np.arange(len(day_names)) >= first[:, None]
    of_item, of_day = np.nonzero(on_sale)
    rows = SalesRows(
        ids=ids,
        item=of_item,
        ds=dates[of_day],
        y=sales[on_sale],
        groups=_groups(table, groups, item, ids),
    )
    cleaning = {
        "items read": table.rows,
        "item-days before an item's first sale left out": int(first.sum()),
        "items that never sold": int((~sold.any(axis=1)).sum()),
    }
    return SourceRows(rows, cleaning, dates.max())


def _check_one_row_an_item(table: TextTable, item: IntArray, ids: list[str]) -> None:
    _, first = np.unique(item, return_index=True)
    if len(first) < table.rows:
        row = int(np.setdiff1d(np.arange(table.rows), first)[0])
        table.refuse(f"id {quoted(ids[item[row]])} has a second row; keep one row an item", row)


def _groups(
    table: TextTable, names: list[str], item: IntArray, ids: list[str]
) -> dict[str, TextArray]:
    groups = {name: group_labels(table, name, item, ids) for name in names}
    parts = pd.Series(ids, dtype="str").str.extract(_ID)
    if not groups and parts.notna().all(axis=None):
        # The id is all that a file without M5's other columns says about department and store.
        return {"category": parts[0].to_numpy(dtype=object), "store": parts[1].to_numpy(object)}
    return groups


def _dates(table: TextTable, day_names: list[str]) -> NDArray[np.datetime64]:
    calendar = _read_calendar(table.path.parent / "calendar.csv")
    known = dict(zip(calendar["d"], calendar["ds"].to_numpy("datetime64[D]"), strict=True))
    missing = [name for name in day_names if name not in known]
    if missing:
        table.refuse(f"calendar.csv has no day {listed(missing)}; take the calendar of this file")
    dates = np.array([known[name] for name in day_names], dtype="datetime64[D]")
    if (np.diff(dates) != np.timedelta64(1, "D")).any():
        table.refuse("its day columns are not consecutive days of calendar.csv; restore the order")
    return dates


def _read_calendar(path: Path) -> pd.DataFrame:
    """Return M5's calendar as text, with its `date` column parsed as `ds`.

    The dates are ISO or month-first; which of them is not guessed but follows from the days, which
    have to come one after the other.
    """
    table = read_table(path)
    require_columns(table, ("date", "d"), {"date": ("ds", "day")})
    frame = pd.DataFrame({name: table.texts(name).to_pandas() for name in table.columns})
    dates = pd.to_datetime(frame["date"], format="%Y-%m-%d", errors="coerce")
    if dates.isna().any():
        dates = pd.to_datetime(frame["date"], format="%m/%d/%Y", errors="coerce")
    if dates.isna().any() or (dates.diff().dropna() != pd.Timedelta(days=1)).any():
        table.refuse("its dates are not consecutive days, all written 2011-01-29 or all 1/29/2011")
    return frame.assign(ds=dates.astype("datetime64[us]"))


def read_m5_events(path: str | Path) -> pd.DataFrame:
    """Return the events and SNAP (food stamp) days of an M5 calendar: `ds`, `name`, `kind`.

    `path` is the calendar, or the sales file or folder beside which it lies. M5 calendars run on
    after the sales, as calendars are known ahead. Sorted by day; a day may have several events.

    Raises
    ------
    SalesDataError
        The calendar is missing, unreadable or without event columns.
    """
    path = Path(path)
    folder = path if path.is_dir() else path.parent
    calendar = _read_calendar(path if path.name.startswith("calendar") else folder / "calendar.csv")
    found = []
    for number in (1, 2):
        name, kind = f"event_name_{number}", f"event_type_{number}"
        if name in calendar and kind in calendar:
            named = calendar[calendar[name] != ""]
            found.append(named[["ds", name, kind]].set_axis(["ds", "name", "kind"], axis=1))
    for column in calendar.columns[calendar.columns.str.startswith("snap_")]:
        days = calendar.loc[calendar[column] == "1", ["ds"]]
        found.append(days.assign(name=f"SNAP {column.removeprefix('snap_')}", kind="SNAP"))
    if not found:
        raise SalesDataError(
            f"{path}: the calendar has no columns event_name_1 and event_type_1, nor snap_*; "
            "take M5's own calendar.csv"
        )
    return pd.concat(found).sort_values(["ds", "name"], ignore_index=True)
