"""What a pattern expects of each day: level, weekday, time of year, day of the month, holidays."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from core_modules.demand_law import FloatArray
from core_modules.demand_pattern import DemandPattern
from core_modules.patterns.retail_days import days_from

DAYS_A_YEAR = 365.25
YEAR_CYCLE = 365.0  # days; the year's curve repeats by day of the year


def expected_demand(pattern: DemandPattern, dates: npt.ArrayLike) -> FloatArray:
    """Return the expected demand of each date, units a period, shape (days,).

    The level is flat before and after the history; promotions, prices and past shocks are left out.
    `dates` is anything numpy reads as dates; of weekly patterns the weeks' first days.
    """
    days = np.asarray(dates, dtype="datetime64[D]")
    if not len(days):
        return np.zeros(0)
    mean = level_path(pattern, days) * yearly_factor(pattern.yearly, days)
    months = days.astype("datetime64[M]").astype(np.int64) % 12
    mean *= np.asarray(pattern.months)[months]
    if pattern.freq == "D":
        mean *= np.asarray(pattern.weekday)[(days.astype(np.int64) + 3) % 7]
        month_day = (days - days.astype("datetime64[M]")).astype(np.int64)
        mean *= np.asarray(pattern.month_days)[month_day]
        for effect in pattern.holidays:
            since = days_from(effect.rule, days) - effect.offset
            mean = np.where((since >= 0) & (since < effect.days), mean * effect.multiplier, mean)
    return mean


def level_path(pattern: DemandPattern, days: npt.NDArray[np.datetime64]) -> FloatArray:
    """Return the level of each day, units a period, shape (days,)."""
    first, last = (
        np.datetime64(day, "D")
        for day in (pattern.provenance.first_day, pattern.provenance.last_day)
    )
    starts = np.array([step.start for step in pattern.steps], dtype="datetime64[D]")
    step = np.maximum(np.searchsorted(starts, days, side="right") - 1, 0)
    levels = np.array([step.level for step in pattern.steps])[step]
    years = (np.clip(days, first, last) - last).astype(np.int64) / DAYS_A_YEAR
    return np.asarray(levels * np.exp(pattern.growth * years))


def yearly_factor(coefficients: Sequence[float], days: npt.NDArray[np.datetime64]) -> FloatArray:
    """Return the smooth year's factor of each day, with the mean 1 over a year, shape (days,)."""
    if not coefficients:
        return np.ones(len(days))
    day_of_year = (days - days.astype("datetime64[Y]")).astype(np.int64) + 1
    return np.asarray(_year_curve(tuple(coefficients))[day_of_year - 1])


@lru_cache(maxsize=4096)
def _year_curve(coefficients: tuple[float, ...]) -> FloatArray:
    curve = np.exp(year_waves(np.arange(1, 367), len(coefficients) // 2) @ np.array(coefficients))
    return np.asarray(curve / curve[:365].mean())


def year_waves(day_of_year: npt.NDArray[np.int64], order: int) -> FloatArray:
    """Return cos and sin of each order of the year, shape (days, 2 * order)."""
    turn = 2 * np.pi * np.asarray(day_of_year)[:, None] / YEAR_CYCLE * np.arange(1, order + 1)
    return np.stack([np.cos(turn), np.sin(turn)], axis=-1).reshape(len(turn), 2 * order)
