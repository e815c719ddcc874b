"""The holidays that a history could show: the days about each, and those when doors stay shut."""

from dataclasses import dataclass

import numpy as np

from core_modules.demand_pattern import HolidayEffect
from core_modules.patterns.pattern_grid import BoolArray, SalesGrid
from core_modules.patterns.retail_days import (
    RETAIL_DAYS,
    RETAIL_SEASONS,
    days_from,
    public_holidays,
)

HOLIDAY_REACH = range(-3, 3)  # days about a holiday that it may change
ALWAYS = 0.95  # share of a weekday's dates that are closed where the weekday is


@dataclass(frozen=True, slots=True, eq=False)
class HolidayDays:
    """An effect of the calendar and its days in the grid."""

    effect: HolidayEffect  # with the pool's multiplier
    on: BoolArray  # (days,)


def candidate_holidays(grid: SalesGrid, country: str) -> list[HolidayDays]:
    """Return the days about each known holiday that two years show, seasons of the trade first."""
    rules = [(name, rule, 0, length) for name, (rule, length) in RETAIL_SEASONS.items()]
    for name, rule in _named(country).items():
        rules += [(name, rule, offset, 1) for offset in HOLIDAY_REACH]
    found: dict[bytes, HolidayDays] = {}
    for name, rule, offset, length in rules:
        since = days_from(rule, grid.days) - offset
        on = (since >= 0) & (since < length)
        if on.sum() >= 2 * length:
            effect = HolidayEffect(name, rule, offset, length, 1.0)
            found.setdefault(on.tobytes(), HolidayDays(effect, on))
    return list(found.values())


def _named(country: str) -> dict[str, str]:
    return RETAIL_DAYS | (public_holidays(country) if country else {})


def closed_holidays(grid: SalesGrid, country: str) -> list[HolidayEffect]:
    """Return the days about holidays on which the whole file was closed, in every year of it."""
    if grid.freq != "D" or not grid.closed.any():
        return []
    weekday = (grid.days.astype(np.int64) + 3) % 7
    shut = np.array([grid.closed[weekday == day].mean() > ALWAYS for day in range(7)])
    usual = shut[weekday]
    found: dict[tuple[int, ...], HolidayEffect] = {}
    for name, rule in _named(country).items():
        days = np.flatnonzero(days_from(rule, grid.days) == 0)
        runs = [_closed_run(grid.closed, usual, int(day)) for day in days]
        for offset in sorted(set.intersection(*runs) if runs else ()):
            columns = tuple(int(day) + offset for day in days)
            found.setdefault(columns, HolidayEffect(name, rule, offset, 1, 0.0))
    return list(found.values())


def _closed_run(closed: BoolArray, usual: BoolArray, day: int) -> set[int]:
    """Return the offsets of the closed days next to a holiday, none where weekdays explain all."""
    if not closed[day]:
        return set()
    first, last = day, day
    while first > 0 and closed[first - 1]:
        first -= 1
    while last + 1 < len(closed) and closed[last + 1]:
        last += 1
    if usual[first : last + 1].all():
        return set()
    return set(range(first - day, last - day + 1))
