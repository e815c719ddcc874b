"""Calendars as columns: retail seasons, country holidays, named days and market events by day."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core_modules.market_scenarios import MarketEvent, demand_profile
from core_modules.patterns.retail_days import (
    RETAIL_DAYS,
    RETAIL_SEASONS,
    days_from,
    public_holidays,
)

FloatArray = NDArray[np.float64]

RUN_UP = {  # days before a holiday on which the trade feels it
    "Valentine's Day": 6,
    "Easter": 6,
    "Halloween": 6,
}
BLACK_FRIDAY_DAYS = 5  # Thanksgiving Thursday to Cyber Monday
SEEN_TWICE = 2  # years in which a holiday must have been seen to be told from chance


def holiday_columns(
    dates: NDArray[np.datetime64],
    step: int,
    country: str | None = None,
    named: pd.DataFrame | None = None,
    *,
    retail: bool = True,
) -> dict[str, FloatArray]:
    """Return each holiday's share of every period, 0 to 1, by name, shape (periods,).

    `dates` are first days of periods of `step` days. With `retail` the seasons of retail are there;
    `country` is an ISO 3166 code that adds its public holidays; `named` (columns `ds`, `name`) adds
    known days of one's own.

    Raises ValueError for a country that is not known and for wrong columns.
    """
    days = dates[:, None] + np.arange(step).astype("timedelta64[D]")  # (periods, step)
    flat = days.reshape(-1)
    columns = _retail_columns(flat) if retail else {}
    for name, rule in (public_holidays(country) if country else {}).items():
        columns[f"{name} ({country})"] = _between(days_from(rule, flat), 0, 0)
    if named is not None:
        if not {"ds", "name"} <= set(named.columns):
            raise ValueError(f"holidays need the columns ds and name, got {list(named.columns)}")
        for label, rows in named.groupby("name"):
            known = rows["ds"].to_numpy().astype("datetime64[D]")
            columns[str(label)] = np.isin(flat, known).astype(np.float64)
    return {name: column.reshape(days.shape).mean(axis=1) for name, column in columns.items()}


def _retail_columns(days: NDArray[np.datetime64]) -> dict[str, FloatArray]:
    """Return which of the days lie in each season of retail, (days,), by name."""
    columns = {
        name: _between(days_from(rule, days), 0, length - 1)
        for name, (rule, length) in RETAIL_SEASONS.items()
    }
    columns["Black Friday"] = _between(
        days_from(RETAIL_DAYS["Thanksgiving"], days), 0, BLACK_FRIDAY_DAYS - 1
    )
    for name, before in RUN_UP.items():
        columns[name] = _between(days_from(RETAIL_DAYS[name], days), -before, 0)
    return columns


def _between(distance: NDArray[np.int64], first: int, last: int) -> FloatArray:
    return ((distance >= first) & (distance <= last)).astype(np.float64)


def told_from_chance(columns: Mapping[str, FloatArray], seen: NDArray[np.bool_]) -> FloatArray:
    """Stack the columns that occurred often enough among the days `seen`, (periods, columns).

    A holiday of one year only cannot be told from the week it fell into; of columns that are equal
    one is kept.
    """
    kept: dict[bytes, FloatArray] = {}
    for column in columns.values():
        past = column[: seen.size] * seen
        starts = np.flatnonzero((past > 0) & (np.concatenate([[0.0], past[:-1]]) == 0))
        if starts.size >= SEEN_TWICE:
            kept.setdefault(column.tobytes(), column)
    if not kept:
        return np.zeros((next(iter(columns.values())).size if columns else 0, 0))
    return np.stack(list(kept.values()), axis=1)


def event_columns(
    dates: NDArray[np.datetime64], step: int, events: Sequence[MarketEvent]
) -> dict[str, FloatArray]:
    """Return the course of events of each name as a share of their peak, (periods,).

    After an event that pulled demand forward the share is negative.
    """
    columns: dict[str, FloatArray] = {}
    for event in events:
        # At a peak of 2 the profile less 1 is the share of the peak.
        share = demand_profile(replace(event, demand=2.0)) - 1.0
        days = np.datetime64(event.start, "D") + np.arange(share.size)
        place = (days - dates[0]).astype(np.int64) // step
        inside = (place >= 0) & (place < dates.size)
        column = columns.setdefault(event.label, np.zeros(dates.size))
        np.add.at(column, place[inside], share[inside] / step)
    return columns
