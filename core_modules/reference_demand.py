"""The demo's five categories and the reference year: the made-up demand that every run can use."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from core_modules.demand_law import FloatArray, IntArray, negative_binomial_quantile
from core_modules.demand_pattern import DemandPattern, HolidayEffect, LevelStep, Provenance
from core_modules.market_scenarios import ScenarioEffects
from core_modules.patterns.expected_demand import year_waves

HISTORY_FIRST, HISTORY_LAST = date(2019, 1, 1), date(2023, 12, 31)
REFERENCE_CATEGORY = "Electronics"
REFERENCE_LEVEL = 180.0  # units a day
REFERENCE_SPREAD = 0.3  # standard deviation as a share of the mean
YEARLY_SWING = 0.2
AUGUST = 1.3
WEEKDAY = (0.8, 1.0, 1.0, 1.0, 1.0, 1.4, 1.2)  # Monday first
REFERENCE_WEEKDAY = (0.8, 1.0, 1.0, 1.0, 1.0, 1.3, 1.1)


@dataclass(frozen=True, slots=True)
class DemoCategory:
    """What the demo says of a category's demand."""

    base: float  # units a day
    noise: float  # standard deviation as a share of the base
    holiday_boost: float  # multiplier of 20 to 30 November


DEMO_CATEGORIES = {
    "Electronics": DemoCategory(150, 0.30, 2.5),
    "Clothing": DemoCategory(200, 0.40, 1.8),
    "Groceries": DemoCategory(500, 0.15, 1.3),
    "Home_Garden": DemoCategory(100, 0.25, 1.6),
    "Sports": DemoCategory(80, 0.35, 1.4),
}


def demo_mean(category: str, dates: npt.ArrayLike) -> FloatArray:
    """Return the expected demand of a demo category, units a day, shape (days,).

    Base x (1 + 0.2 sin(2 pi day / 365)) x 1.3 in August x the holiday boost on 20 to 30 November,
    0.8 of it on 1 to 25 December, 0.6 on 1 to 15 January x 1.4 on Saturdays, 1.2 on Sundays, 0.8 on
    Mondays. Raises ValueError for a category that the demo does not have.
    """
    facts = _category(category)
    days = np.asarray(dates, dtype="datetime64[D]")
    day_of_year, month, month_day, weekday = _calendar(days)
    mean = facts.base * (1 + YEARLY_SWING * np.sin(2 * np.pi * day_of_year / 365))
    mean *= np.where(month == 8, AUGUST, 1.0) * np.asarray(WEEKDAY)[weekday]
    mean *= np.where((month == 11) & (month_day >= 20), facts.holiday_boost, 1.0)
    mean *= np.where((month == 12) & (month_day <= 25), 0.8 * facts.holiday_boost, 1.0)
    return np.asarray(mean * np.where((month == 1) & (month_day <= 15), 0.6, 1.0))


def _category(category: str) -> DemoCategory:
    if category not in DEMO_CATEGORIES:
        raise ValueError(f"category must be one of {', '.join(DEMO_CATEGORIES)}, got {category!r}")
    return DEMO_CATEGORIES[category]


def _calendar(days: npt.NDArray[np.datetime64]) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    month_start = days.astype("datetime64[M]")
    return (
        (days - days.astype("datetime64[Y]")).astype(np.int64) + 1,
        month_start.astype(np.int64) % 12 + 1,
        (days - month_start).astype(np.int64) + 1,
        (days.astype(np.int64) + 3) % 7,
    )


def demo_history(category: str, rng: np.random.Generator) -> pd.DataFrame:
    """Return the demo's sales of one category, a long frame of whole units, 2019 to 2023.

    Columns `unique_id`, `ds`, `y` and `category`. Each day is negative binomial about `demo_mean`
    with a standard deviation of `noise * base` units, the same on every day.
    """
    facts = _category(category)
    dates = pd.date_range(HISTORY_FIRST, HISTORY_LAST, unit="us")
    mean = demo_mean(category, dates.to_numpy())
    sales = negative_binomial_quantile(
        rng.random(len(dates)), mean, _shape(mean, (facts.noise * facts.base) ** 2)
    )
    item = f"{category}_DEMO_ITEM"
    names = {"unique_id": item, "ds": dates, "y": sales.astype(np.float64), "category": category}
    return pd.DataFrame(names).astype({"unique_id": "str", "category": "str"})


def demo_pattern(category: str) -> DemandPattern:
    """Return a demo category as a pattern: the embedded default, which needs no file.

    Its dispersion is that of an ordinary day, `noise**2 - 1 / base`.
    """
    facts = _category(category)
    day = np.arange(1, 366)
    swing = np.log(1 + YEARLY_SWING * np.sin(2 * np.pi * day / 365))
    coefficients = 2 * (year_waves(day, 3).T @ swing) / 365
    # The year's curve has the mean 1 by definition, and so have the other profiles.
    months = np.where(np.arange(12) == 7, AUGUST, 1.0)
    scale = float(np.mean(months)) * float(np.mean(WEEKDAY))
    source = Provenance("original demo", "", HISTORY_FIRST, HISTORY_LAST, 1, 0)
    return DemandPattern(
        name=category,
        provenance=source,
        steps=(LevelStep(HISTORY_FIRST, facts.base * scale),),
        weekday=tuple((np.asarray(WEEKDAY) / np.mean(WEEKDAY)).tolist()),
        yearly=tuple(coefficients.tolist()),
        months=tuple((months / months.mean()).tolist()),
        holidays=(
            HolidayEffect("Black Friday season", "11-20", 0, 11, facts.holiday_boost),
            HolidayEffect("Christmas season", "12-01", 0, 25, 0.8 * facts.holiday_boost),
            HolidayEffect("January sales", "01-01", 0, 15, 0.6),
        ),
        dispersion=facts.noise**2 - 1 / facts.base,
        size_variation=facts.noise**2,
    )


def reference_mean(start: date, days: int) -> FloatArray:
    """Return the expected demand of the reference year, units a day, shape (days,).

    180 x (1 + 0.3 sin(2 pi day of year / 365)) x 1.4 in April, November and December x 1.3 on
    Saturdays, 1.1 on Sundays, 0.8 on Mondays. Without events.

    >>> reference_mean(date(2024, 1, 1), 2).round(3).tolist()
    [144.744, 181.859]
    """
    dates = np.datetime64(start, "D") + np.arange(days)
    day_of_year, month, _, weekday = _calendar(dates)
    mean = REFERENCE_LEVEL * (1 + 0.3 * np.sin(2 * np.pi * day_of_year / 365))
    mean *= np.where(np.isin(month, (4, 11, 12)), 1.4, 1.0)
    return np.asarray(mean * np.asarray(REFERENCE_WEEKDAY)[weekday])


def reference_demand(
    effects: ScenarioEffects | None, start: date, days: int, paths: int, rng: np.random.Generator
) -> IntArray:
    """Return demand of the reference year under events, whole units, shape (1, paths, days).

    Negative binomial with a standard deviation of 30 % of the mean, events included. (A mean
    below 11 units cannot have so little spread: Poisson there.)

    Raises ValueError for days or paths below 1, or effects that cover other days.
    """
    if days < 1 or paths < 1:
        raise ValueError(f"days and paths must be >= 1, got {days} and {paths}")
    mean = reference_mean(start, days)
    if effects is not None:
        if len(effects.demand_multiplier) != days:
            raise ValueError(f"effects cover {len(effects.demand_multiplier)} days, not {days}")
        mean = mean * effects.demand_multiplier
    shape = _shape(mean, (REFERENCE_SPREAD * mean) ** 2)
    return negative_binomial_quantile(rng.random((paths, days)), mean, shape)[None]


def _shape(mean: FloatArray, variance: FloatArray | float) -> FloatArray:
    """Return the negative binomial's shape for a variance, inf where that is below the mean."""
    excess = np.asarray(variance - mean)
    return np.divide(mean**2, excess, out=np.full_like(mean, np.inf), where=excess > 0)
