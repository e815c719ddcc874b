"""On which days a forecast stands: where an epoch begins, and how an old past is moved to it.

A client may post any date as the first day. Demand knows weekdays and seasons, not years: a past
that ended long before, or after, is moved by whole weeks so that weekday and season agree.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np

from core_modules.forecasting.forecast_values import DemandModel

LONGEST_GAP = 28  # days that nobody closed which still pass as a gap, not as another calendar
YEAR = 365.2425  # days


def epoch_opening(opening_day: date, first_day: date | None) -> date:
    """Return the evening before an epoch's first day, as its forecasts must see it.

    >>> epoch_opening(date(2023, 12, 31), date(2024, 1, 3)).isoformat()
    '2023-12-31'
    >>> epoch_opening(date(2023, 12, 31), date(2026, 11, 23)).isoformat()
    '2026-11-22'
    """
    if first_day is None or 1 <= (first_day - opening_day).days <= LONGEST_GAP:
        return opening_day
    return first_day - timedelta(days=1)


def redated_model(model: DemandModel, origin: date, days: int) -> DemandModel | None:
    """Return a model fitted a year ahead as it would stand on another evening, `days` days long.

    Its first day has the weekday of the day after `origin` and is nearest to its day of the year.
    None where the model does not reach far enough.
    """
    places = np.arange(model.fitted.size - days + 1)
    first = origin + timedelta(days=1)
    weeks = (model.origin + timedelta(days=1) - first).days
    places = places[(places + weeks) % 7 == 0]
    if not places.size:
        return None
    apart = np.abs((places + weeks + YEAR / 2) % YEAR - YEAR / 2)
    nearest = int(np.argmin(apart))
    if apart[nearest] > 7:
        return None
    place = int(places[nearest])
    return replace(model, origin=origin, fitted=model.fitted[place : place + days].copy())


def days_to_move(last_day: date, origin: date) -> int:
    """Return by how many days, whole weeks near whole years, a past moves to reach `origin`.

    >>> days_to_move(date(2023, 12, 31), date(2026, 11, 22)) % 7
    0
    >>> days_to_move(date(2023, 12, 31), date(2023, 12, 31))
    0
    """
    years = int(np.ceil((origin - last_day).days / YEAR - 7 / YEAR))
    while (moved := 7 * round(years * YEAR / 7)) < (origin - last_day).days:
        years += 1
    return moved
