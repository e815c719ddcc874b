"""Finds the days on which a whole file was closed, as against days on which chance sold nothing."""

import numpy as np
import pandas as pd

from core_modules.history_files.sales_columns import BoolArray, FloatArray, IntArray
from core_modules.history_files.sales_frame import STEP_DAYS

# A day counts as empty below this share of the usual day: M5 has 1 to 4 units of some 1,500 on
# each 25 December.
NEXT_TO_NOTHING = 0.005
USUAL_PERIODS = 91  # the usual day is the median of so many around it
# An empty day is put down to chance, not to closed doors, where chance makes it this often.
RARE = 0.01
# Share of a weekday's dates that are empty from which the weekday counts as closed.
CLOSED_WEEKDAY = 0.95


def closed_days(frame: pd.DataFrame, freq: str) -> pd.DatetimeIndex:
    """Return the days on which (next to) nothing sold in the whole frame because it was closed.

    With few or slow items a day can pass without a sale although the doors were open, and taking
    such days out of a fit would inflate it. So an empty day counts as closed where it falls on a
    weekday that is (almost) always empty, or where all items selling nothing on that day has a
    chance below 1 %, each item selling nothing as often as it does on the other days, and
    independently. Days on which every item was out of stock tell nothing.

    >>> ds = pd.date_range('2024-01-01', periods=28)
    >>> y = (ds.day_of_week < 6) * 5.0
    >>> frame = pd.DataFrame({'unique_id': 'a', 'ds': ds, 'y': y})
    >>> closed_days(frame, 'D').strftime('%a %d').tolist()
    ['Sun 07', 'Sun 14', 'Sun 21', 'Sun 28']
    """
    y = frame["y"].to_numpy()
    known = ~np.isnan(y)
    if "in_stock" in frame:
        known &= frame["in_stock"].to_numpy()
    y = y[known]
    ds = frame["ds"].to_numpy()
    first, step = ds.min(), np.timedelta64(STEP_DAYS[freq], "D")
    day = ((ds[known] - first) // step).astype(np.int64)
    item = pd.factorize(frame["unique_id"])[0].astype(np.int64)[known]
    seen = np.bincount(day) > 0
    empty = _empty_days(np.bincount(day, weights=y).astype(np.float64), seen)
    closed = empty & _closed_weekdays(empty, seen, freq)
    closed |= empty & (_log_chance_of_none(day, item, y > 0, ~closed) < np.log(RARE))
    return pd.DatetimeIndex(first + np.flatnonzero(closed) * step).as_unit("us")


def _empty_days(total: FloatArray, seen: BoolArray) -> BoolArray:
    """Return True on the days that sold (next to) nothing, shape (days,)."""
    sold = pd.Series(np.where(total > 0, total, np.nan))
    usual = sold.rolling(USUAL_PERIODS, center=True, min_periods=1).median().fillna(0.0)
    return seen & (total <= NEXT_TO_NOTHING * usual.to_numpy())


def _closed_weekdays(empty: BoolArray, seen: BoolArray, freq: str) -> BoolArray:
    """Return True on the days whose weekday is closed, shape (days,)."""
    if freq != "D":
        return np.zeros(len(empty), dtype=bool)
    weekday = np.arange(len(empty)) % 7
    dates = np.bincount(weekday[seen], minlength=7)
    empties = np.bincount(weekday[empty], minlength=7)
    always = (dates > 0) & (empties >= CLOSED_WEEKDAY * dates)
    # One is added to both counts: a short file does not show that the other days are never empty.
    by_chance = (empties[~always].sum() + 1) / (dates[~always].sum() + 1)
    return np.asarray((always & (by_chance**empties < RARE))[weekday], dtype=bool)


def _log_chance_of_none(
    day: IntArray, item: IntArray, sold: BoolArray, open_days: BoolArray
) -> FloatArray:
    """Return the log of each day's chance that no item sells, shape (days,)."""
    counted = open_days[day]
    items = int(item.max(initial=-1)) + 1
    dates = np.bincount(item[counted], minlength=items)
    none = np.bincount(item[counted & ~sold], minlength=items)
    with np.errstate(divide="ignore"):
        # An item that sold every day makes an empty day impossible: log 0 = -inf, as wanted.
        log_share = np.log(none / np.maximum(dates, 1))
    return np.bincount(day, weights=log_share[item]).astype(np.float64)
