"""The stretch of history that patterns are fitted to, and the calendar it lies in."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core_modules.forecasting.calendar_effects import (
    event_columns,
    holiday_columns,
    told_from_chance,
)
from core_modules.forecasting.engines import Engine
from core_modules.forecasting.forecast_series import Batch, Series, closed_ahead
from core_modules.forecasting.idle_spells import IdleLaw, fit_idle_laws, idle_days
from core_modules.forecasting.pooled_index import SHORTEST as SHORTEST_INDEX
from core_modules.forecasting.prophet_batch import Progress
from core_modules.forecasting.prophet_shape import ShapeSettings, ShapeTask
from core_modules.market_scenarios import MarketEvent, affecting

FloatArray = NDArray[np.float64]

WINDOW_DAYS = 1096  # of history that patterns are fitted to
PAST_PERIODS = 430  # kept to follow the level and to calibrate laws
EVENT_PERIODS = 2  # seen, from which an event's size is learned; below, they are missing
PROMOTION = "promo"  # the name of what the promo column does


@dataclass(frozen=True, slots=True, eq=False)
class Fitting:
    """What patterns are fitted with, beside the sales."""

    horizon: int  # periods ahead, >= 1
    shape: ShapeSettings
    events: tuple[MarketEvent, ...] = ()  # known ones, past or coming
    country: str | None = None  # ISO 3166 code whose public holidays matter
    holidays: pd.DataFrame | None = None  # named days, columns ds and name
    engine: Engine = "prophet"
    jobs: int = 1  # processes, or threads of the batch engine
    cache: Path | None = None  # folder of fits made before
    progress: Progress | None = None


@dataclass(frozen=True, slots=True, eq=False)
class FitWindow:
    """The fitted stretch of a batch's history, and what is known of its days."""

    batch: Batch
    fitting: Fitting
    first: int  # place of the first fitted period
    dates: NDArray[np.datetime64]  # (fitted + horizon,)
    holidays: dict[str, FloatArray]  # (fitted + horizon,) each
    idle: dict[str, IdleLaw]  # by item
    shut: NDArray[np.bool_]  # (horizon,) days ahead that are closed
    promoted: frozenset[str]  # items that ever were; most shops tell of none
    _values: dict[str, FloatArray] = field(default_factory=dict)  # laid out once, by item

    @classmethod
    def of(cls, batch: Batch, fitting: Fitting) -> "FitWindow":
        """Return the window at the end of a batch."""
        first = max(batch.days - WINDOW_DAYS // batch.step, 0)
        dates = batch.dates(fitting.horizon)[first:]
        laws = fit_idle_laws([one.values for one in batch.series])
        return cls(
            batch=batch,
            fitting=fitting,
            first=first,
            dates=dates,
            holidays=holiday_columns(
                dates,
                batch.step,
                fitting.country,
                fitting.holidays,
                retail=not _told_by_index(batch.step, batch.days - first),
            ),
            idle={one.unique_id: law for one, law in zip(batch.series, laws, strict=True)},
            shut=closed_ahead(batch, fitting.horizon),
            promoted=frozenset(one.unique_id for one in batch.series if one.promo.any()),
        )

    @property
    def size(self) -> int:
        """Periods fitted."""
        return self.batch.days - self.first

    @property
    def told_by_index(self) -> bool:
        """Whether a pooled index tells the seasons of retail and how groups depart from them.

        Fitted beside it, the two chase its noise: on the first six VN2 games each costs 0.3 %.
        """
        return _told_by_index(self.batch.step, self.size)

    @property
    def kept(self) -> int:
        """Periods of the past that are returned."""
        return min(PAST_PERIODS, self.size)

    def values(self, series: Series) -> FloatArray:
        """Return an item's units, NaN before its first row and where idle, (fitted,)."""
        known = self._values.get(series.unique_id)
        if known is None:
            spells = idle_days(series.values, self.idle[series.unique_id])
            known = self._laid(np.where(spells, np.nan, series.values), series.first, np.nan)
            self._values[series.unique_id] = known
        return known

    def _laid(self, values: FloatArray, first: int, before: float) -> FloatArray:
        """Lay values that start at place `first` over the window, (fitted,)."""
        known = values[max(self.first - first, 0) :]
        return np.concatenate([np.full(self.size - known.size, before), known])

    def events(self, series: Series) -> dict[str, FloatArray]:
        """Return the course of the events of one item, its promotions among them, by name."""
        acting = affecting(self.fitting.events, series.unique_id)
        return self._columns(acting, [series])

    def shared_events(self, members: Sequence[Series]) -> dict[str, FloatArray]:
        """Return the course of the events that act on all items of a group."""
        acting = [event for event in self.fitting.events if not event.items]
        return self._columns(acting, members)

    def own_events(self, series: Series) -> dict[str, FloatArray]:
        """Return the course of the events that are one item's alone."""
        mine = [event for event in self.fitting.events if series.unique_id in event.items]
        return self._columns(mine, [series])

    def _columns(
        self, events: Sequence[MarketEvent], members: Sequence[Series]
    ) -> dict[str, FloatArray]:
        columns = event_columns(self.dates, self.batch.step, events)
        if self.promoted.isdisjoint(one.unique_id for one in members):
            return columns
        column = np.mean([self._laid(one.promo, one.first, 0.0) for one in members], axis=0)
        if column.any():
            # What is promoted ahead is the caller's to say: forecasts are free of it.
            columns[PROMOTION] = np.concatenate([column, np.zeros(self.fitting.horizon)])
        return columns

    def task(
        self, values: FloatArray, events: dict[str, FloatArray], keep: int, *, holidays: bool
    ) -> ShapeTask:
        """Describe a fit; periods of events seen too briefly to be sized are missing in it."""
        names, values = [], values.copy()
        for name, column in events.items():
            past = column[: self.size]
            if np.count_nonzero((past != 0) & ~np.isnan(values)) >= EVENT_PERIODS:
                names.append(name)
            else:
                values[past != 0] = np.nan
        none = np.zeros((self.dates.size, 0))
        known = ~np.isnan(values)
        return ShapeTask(
            start=self.dates[0],
            step=self.batch.step,
            values=values,
            ahead=self.fitting.horizon,
            keep=keep,
            holidays=told_from_chance(self.holidays, known) if holidays else none,
            events=np.stack([events[name] for name in names], axis=1) if names else none,
            event_names=tuple(names),
            settings=self.fitting.shape,
        )


def _told_by_index(step: int, periods: int) -> bool:
    return step > 1 and periods >= SHORTEST_INDEX
