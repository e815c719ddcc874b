"""Sales rows as series: each item's days in a row, closed days, how simple its model must be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd
from numba import njit
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
# Items by group: a mapping, a column, or columns from coarse to fine; None: all are one group.
Groups: TypeAlias = Mapping[str, str] | str | Sequence[str] | None

SHORTEST = 28  # informative days below which no season is fitted
FEWEST_SALES = 12  # days with a sale below which no season is fitted
BLOCK = 28  # periods over which growth is judged
DOUBLINGS = 4  # blocks in a row that each sell twice the one before, from which a series explodes
OUTLIER = 5.0  # times the largest ordinary day, above which a day is cut to it
ORDINARY = 0.99  # share of the days on which something sold that are ordinary
CLOSED_WEEKDAY = 0.95  # share of a weekday's dates that are closed, from which it recurs
YEAR_END = {(12, day) for day in range(24, 32)} | {(1, 1), (1, 2)}


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One item's history on the days of the batch."""

    unique_id: str
    group: str
    first: int  # place of its first day among the batch's days
    values: FloatArray  # (days from first,) units, NaN where missing or closed, outliers cut
    ceiling: float  # units a period to which outliers were cut, inf without any sale
    promo: FloatArray  # (days from first,) 1 where promoted, else 0
    within: tuple[str, ...] = ()  # finer groups inside `group`, from coarse to fine


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Series on one run of days."""

    start: np.datetime64  # first day of any item
    step: int  # days a period
    days: int  # periods to the last observed one, which all items share
    series: tuple[Series, ...]
    closed: BoolArray  # (days,) nothing could be sold

    def dates(self, ahead: int) -> NDArray[np.datetime64]:
        """Return the first day of every period and `ahead` more, (days + ahead,)."""
        places = np.arange(self.days + ahead) * self.step
        return np.asarray(self.start + places.astype("timedelta64[D]"))


def read_batch(
    frame: pd.DataFrame,
    groups: Groups,
    closed: pd.DatetimeIndex,
    step: int,
) -> Batch:
    """Lay the rows of a long sales frame out by item.

    Rows with `in_stock` False are missing, whatever their `y`. Where there is an `event_multiplier`
    (> 0, the known effect of events; NaN: not known) `y` is divided by it.

    Raises ValueError where a column is missing or items end on different days.
    """
    _require_columns(frame, groups)
    if frame.empty:
        raise ValueError("the sales frame has no rows; nothing can be forecast from it")
    dates = frame["ds"].to_numpy().astype("datetime64[D]")
    start = dates.min()
    place = (dates - start).astype(np.int64) // step
    days = int(place.max()) + 1
    shut = np.zeros(days, dtype=np.bool_)
    shut_place = (closed.to_numpy().astype("datetime64[D]") - start).astype(np.int64) // step
    shut[shut_place[(shut_place >= 0) & (shut_place < days)]] = True
    values = frame["y"].to_numpy(dtype=np.float64, na_value=np.nan)
    if "in_stock" in frame:
        values = np.where(frame["in_stock"].to_numpy(dtype=np.bool_), values, np.nan)
    if "event_multiplier" in frame:
        values = values / frame["event_multiplier"].to_numpy(dtype=np.float64)
    promo, none = None, np.zeros(days)
    if "promo" in frame:
        promo = (frame["promo"].to_numpy(dtype=np.float64, na_value=0.0) > 0).astype(np.float64)
    series = []
    found = frame.groupby("unique_id", sort=False).indices
    paths = _groups(frame, {str(name): int(rows[0]) for name, rows in found.items()}, groups)
    for (name, rows), (group, within) in zip(found.items(), paths, strict=True):
        at = place[rows]
        if int(at.max()) != days - 1:
            raise ValueError(
                f"{name!r} ends before the other items; give every item rows up to the last day"
            )
        dense = _dense(at, values[rows], days, np.nan)
        # A sale on a day that was called closed is a sale.
        dense[shut[days - dense.size :] & ~(dense > 0)] = np.nan
        ceiling = outlier_ceiling(dense)
        series.append(
            Series(
                unique_id=str(name),
                group=group,
                first=days - dense.size,
                values=np.minimum(dense, ceiling),
                ceiling=ceiling,
                promo=none[: dense.size] if promo is None else _dense(at, promo[rows], days, 0.0),
                within=within,
            )
        )
    return Batch(start, step, days, tuple(series), shut)


def _require_columns(frame: pd.DataFrame, groups: Groups) -> None:
    for column in ("unique_id", "ds", "y"):
        if column not in frame:
            raise ValueError(f"the sales frame has no column {column!r}; it needs unique_id, ds, y")
    named = [groups] if isinstance(groups, str) else groups or ()
    for column in () if isinstance(named, Mapping) else named:
        if column not in frame:
            raise ValueError(f"the sales frame has no column {column!r} to group its items by")


def _groups(
    frame: pd.DataFrame, first: Mapping[str, int], groups: Groups
) -> list[tuple[str, tuple[str, ...]]]:
    """Return the group of each item and the finer ones inside it; `first` are the items' rows."""
    if not groups:
        return [("", ())] * len(first)
    if isinstance(groups, Mapping):
        return [(groups.get(name, ""), ()) for name in first]

    def labels(column: str) -> list[str]:
        return [str(label) for label in frame[column].take(list(first.values()))]

    if isinstance(groups, str):
        return [(label, ()) for label in labels(groups)]
    return [("", path) for path in zip(*map(labels, groups), strict=True)]


def _dense(place: NDArray[np.int64], values: FloatArray, days: int, gap: float) -> FloatArray:
    """Lay values out from their first place to the batch's last day."""
    first = int(place.min())
    dense = np.full(days - first, gap)
    dense[place - first] = values
    return dense


def outlier_ceiling(values: FloatArray) -> float:
    """Return the units of a period that no ordinary order explains; inf without any sale.

    One order of a thousand times the usual would otherwise set the level for months.

    >>> outlier_ceiling(np.array([3.0, 4.0, 0.0, 5.0, 9000.0]))
    25.0
    """
    sold = np.sort(values[values > 0])
    if sold.size < 2:
        return float("inf")
    ordinary = min(int(np.floor(ORDINARY * sold.size)), sold.size - 2)
    return float(OUTLIER * sold[ordinary])


def simple_model(series: Series) -> str:
    """Name the simpler model that a series needs; empty where a season can be fitted.

    >>> simple_model(Series('a', '', 0, np.zeros(100), np.inf, np.zeros(100)))
    'zero'
    """
    return MODELS[_model_needed(series.values)]


MODELS = ("", "zero", "constant", "flat-level", "intermittent", "exploding")


@njit(cache=True, nogil=True)
def _model_needed(values: FloatArray) -> int:
    """Return which of `MODELS` a series needs, in one pass and without a copy for most."""
    known, sold, least, most = 0, 0, np.inf, -np.inf
    for units in values:
        if not np.isnan(units):
            known += 1
            sold += units != 0
            least, most = min(least, units), max(most, units)
    if known == 0 or sold == 0:
        return 1
    if known >= 2 and least == most:
        return 2
    if known < SHORTEST:
        return 3
    if sold < FEWEST_SALES:
        return 4
    return 5 if known >= (DOUBLINGS + 1) * BLOCK and _explodes(values) else 0


@njit(cache=True, nogil=True)
def _explodes(values: FloatArray) -> bool:
    """Return whether each of the last blocks sold more than twice the one before."""
    blocks = np.zeros(DOUBLINGS + 1)
    place, day = 0, values.size - 1
    while place < (DOUBLINGS + 1) * BLOCK:
        if not np.isnan(values[day]):
            blocks[DOUBLINGS - place // BLOCK] += values[day]
            place += 1
        day -= 1
    return bool(np.all(blocks[1:] > 2 * np.maximum(blocks[:-1], 1.0)))


def closed_ahead(batch: Batch, ahead: int) -> BoolArray:
    """Return which of the days ahead are closed: those that recur by week or by year, (ahead,)."""
    if batch.step != 1 or not batch.closed.any():
        return np.zeros(ahead, dtype=np.bool_)
    dates = pd.DatetimeIndex(batch.dates(ahead))
    past, coming = dates[: batch.days], dates[batch.days :]
    weekday = np.array(past.day_of_week)
    count = np.bincount(weekday, minlength=7)
    share = np.bincount(weekday[batch.closed], minlength=7) / np.maximum(count, 1)
    by_week = (share >= CLOSED_WEEKDAY) & (count >= 2)
    shut_weekday = by_week[weekday]
    by_day: dict[tuple[int, int], list[bool]] = {}
    for month, day, shut, weekly in zip(
        past.month, past.day, batch.closed, shut_weekday, strict=True
    ):
        if not weekly:
            by_day.setdefault((month, day), []).append(bool(shut))
    # One year's closing says little of a day, except around Christmas and New Year.
    by_year = {
        key for key, found in by_day.items() if all(found) and (len(found) > 1 or key in YEAR_END)
    }
    yearly = [(month, day) in by_year for month, day in zip(coming.month, coming.day, strict=True)]
    return np.asarray(by_week[np.array(coming.day_of_week)] | np.array(yearly, dtype=np.bool_))
