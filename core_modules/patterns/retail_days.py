"""Holidays and seasons of the trade, each as a short rule that names its day in every year.

A rule is `12-25` (month and day), `11/thu/4` (month, weekday and which one; -1 is the last) or
`easter`. Patterns carry rules instead of dates, so they speak of years that no history has seen.
"""

import calendar
from collections.abc import Iterable
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
RETAIL_DAYS = {
    "New Year": "01-01",
    "Valentine's Day": "02-14",
    "Easter": "easter",
    "Halloween": "10-31",
    "Thanksgiving": "11/thu/4",
    "Christmas": "12-25",
}
RETAIL_SEASONS = {  # name -> rule and length in days
    "Black Friday season": ("11-20", 11),
    "Christmas season": ("12-01", 25),
    "January sales": ("01-01", 15),
}
KEPT_RULE = 0.85  # of its years in which a holiday must be on its day: states move one now and then
YEARS_OF_EVIDENCE = range(2010, 2030)  # over which a country's holidays must follow one rule


def rule_day(rule: str, year: int) -> date:
    """Return the day that a rule names in a year.

    >>> [str(rule_day(rule, 2024)) for rule in ("12-25", "11/thu/4", "05/mon/-1", "easter")]
    ['2024-12-25', '2024-11-28', '2024-05-27', '2024-03-31']

    Raises ValueError for a text that is no rule.
    """
    if rule.startswith("easter"):
        return easter(year) + timedelta(days=int(rule.removeprefix("easter") or 0))
    try:
        if "/" not in rule:
            month, day = (int(part) for part in rule.split("-"))
            return date(year, month, day)
        month_text, weekday, which = rule.split("/")
        days = [
            day
            for day in calendar.Calendar().itermonthdates(year, int(month_text))
            if day.month == int(month_text) and day.weekday() == WEEKDAYS.index(weekday)
        ]
        place = int(which)
        return days[place - 1 if place > 0 else place]
    except (ValueError, IndexError) as problem:
        raise ValueError(f"{rule!r} is no rule such as 12-25, 11/thu/4 or easter") from problem


@lru_cache(maxsize=512)
def easter(year: int) -> date:
    """Return Easter Sunday of a year of the Gregorian calendar.

    >>> str(easter(2025))
    '2025-04-20'
    """
    golden, century = year % 19, year // 100
    # Days from 21 March to the Paschal full moon, by the Gregorian epact.
    moon = (19 * golden + century - century // 4 - (8 * century + 13) // 25 + 15) % 30
    moon -= moon // 28 * (1 - moon // 28 * (29 // (moon + 1)) * ((21 - golden) // 11))
    weekday = (year + year // 4 + moon + 2 - century + century // 4) % 7
    days = moon - weekday
    month = 3 + (days + 40) // 44
    return date(year, month, days + 28 - 31 * (month // 4))


def days_from(rule: str, dates: NDArray[np.datetime64]) -> NDArray[np.int64]:
    """Return the days from the nearest day of a rule to each date, negative before, (days,)."""
    return _days_from(rule, dates.astype("datetime64[D]").tobytes())


@lru_cache(maxsize=1024)
def _days_from(rule: str, dates: bytes) -> NDArray[np.int64]:
    # Kept by the dates' bytes, since many patterns ask for the same rules on the same dates.
    days = np.frombuffer(dates, dtype="datetime64[D]")
    years = days.astype("datetime64[Y]").astype(np.int64) + 1970
    marks = np.array(
        [rule_day(rule, year) for year in range(int(years.min()) - 1, int(years.max()) + 2)],
        dtype="datetime64[D]",
    )
    distance = (days[:, None] - marks).astype(np.int64)  # (days, years)
    nearest = np.abs(distance).argmin(axis=1)
    since = np.take_along_axis(distance, nearest[:, None], axis=1)[:, 0]
    since.flags.writeable = False
    return since


def public_holidays(country: str) -> dict[str, str]:
    """Return the rules of a country's public holidays, by name; those that follow one rule.

    `country` is an ISO 3166 code such as 'US'. Raises ValueError for one that is not known.
    """
    from holidays import country_holidays

    try:
        found = country_holidays(country, years=YEARS_OF_EVIDENCE, observed=False)
    except NotImplementedError as problem:
        raise ValueError(
            f"no holidays are known for country {country!r}; use a code such as US"
        ) from problem
    by_name: dict[str, list[date]] = {}
    for day, names in sorted(found.items()):
        for name in names.split("; "):
            by_name.setdefault(name, []).append(day)
    rules = {name: _rule_of(days) for name, days in by_name.items()}
    return {name: rule for name, rule in rules.items() if rule}


def _rule_of(days: Iterable[date]) -> str:
    """Return the rule that names nearly all these days, or '' where none does."""
    days = list(days)
    if len({day.year for day in days}) < len(days) or len(days) < 5:
        return ""
    first = days[0]
    candidates = [f"{first:%m-%d}", f"easter{(first - easter(first.year)).days:+d}"]
    weekday = f"{first.month:02d}/{WEEKDAYS[first.weekday()]}"
    candidates += [f"{weekday}/-1", *(f"{weekday}/{which}" for which in range(1, 5))]
    for rule in candidates:
        kept = sum(rule_day(rule, day.year) == day for day in days)
        if kept >= KEPT_RULE * len(days):
            return rule
    return ""
