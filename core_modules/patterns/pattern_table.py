"""Patterns as a table for people: one row a pattern, the figures a planner asks for first."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from core_modules.demand_pattern import DemandPattern
from core_modules.pattern_extractor import ExtractionSettings, extract_patterns
from core_modules.patterns.expected_demand import year_waves
from core_modules.sales_history import SalesHistory

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def extract_report(
    history: SalesHistory, by: str = "item", settings: ExtractionSettings | None = None
) -> pd.DataFrame:
    """Extract the patterns of a history and return `pattern_table` of them.

    Raises SalesDataError where `by` names no column.
    """
    return pattern_table(extract_patterns(history, by=by, settings=settings))


def pattern_table(patterns: Sequence[DemandPattern]) -> pd.DataFrame:
    """Return one row a pattern: level and its changes, seasons, class, noise, shocks.

    `level` is units a period at the end, `growth` its relative change a year, `week` and `year`
    the highest factor over the mean, `interval` periods from sale to sale, `noise` the standard
    deviation of an ordinary period over its mean, `memory` the autocorrelation at lag 1; shares
    are 0 to 1, and empty where the history does not show them.
    """
    return pd.DataFrame(
        [{name: show(pattern) for name, show in COLUMNS.items()} for pattern in patterns],
        columns=list(COLUMNS),
    )


def _week(pattern: DemandPattern) -> str:
    if pattern.freq != "D":
        return ""
    best = int(np.argmax(pattern.weekday))
    return f"{WEEKDAYS[best]} x{pattern.weekday[best]:.2f}"


def _year(pattern: DemandPattern) -> float:
    """Return the highest month of an ordinary year over the mean one."""
    days = np.arange(1, 366)
    curve = np.exp(year_waves(days, len(pattern.yearly) // 2) @ np.asarray(pattern.yearly))
    months = (np.datetime64("2023-01-01") + days - 1).astype("datetime64[M]").astype(int) % 12
    mean = np.bincount(months, weights=curve) / np.bincount(months) * np.asarray(pattern.months)
    return float(mean.max() / mean.mean())


def _holidays(pattern: DemandPattern) -> int:
    return len({effect.name for effect in pattern.holidays})


def _noise(pattern: DemandPattern) -> float:
    if pattern.level <= 0:
        return 0.0
    zeros = pattern.extra_zeros
    spread = (pattern.dispersion + zeros) / (1 - zeros)
    return float(np.sqrt(spread + 1 / pattern.level))


COLUMNS: dict[str, Callable[[DemandPattern], object]] = {
    "name": lambda pattern: pattern.name,
    "items": lambda pattern: pattern.provenance.items,
    "first_day": lambda pattern: pattern.provenance.first_day.isoformat(),
    "last_day": lambda pattern: pattern.provenance.last_day.isoformat(),
    "level": lambda pattern: pattern.level,
    "growth": lambda pattern: float(np.expm1(pattern.growth)),
    "changepoints": lambda pattern: len(pattern.changepoints),
    "class": lambda pattern: pattern.demand_class.value,
    "interval": lambda pattern: pattern.interval,
    "size_cv2": lambda pattern: pattern.size_variation,
    "zero_share": lambda pattern: pattern.zero_share,
    "week": _week,
    "year": _year,
    "holidays": _holidays,
    "noise": _noise,
    "memory": lambda pattern: pattern.memory.strength * pattern.memory.decay,
    "promotion": lambda pattern: pattern.promotion,
    "elasticity": lambda pattern: pattern.price_elasticity,
    "surges": lambda pattern: sum(shock.multiplier > 1 for shock in pattern.shocks),
    "gaps": lambda pattern: sum(shock.multiplier < 1 for shock in pattern.shocks),
}
