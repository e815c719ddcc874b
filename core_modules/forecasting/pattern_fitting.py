"""Fits patterns: each group's by Prophet on its total, and what finer groups and items add to it.

First the pooled index takes the weeks' spikes out (weekly data); Prophet fits what remains of each
group's total, of the finer groups inside it and of large items. An item that sells too little, or
too erratically, to show a season of its own takes its group's, with its own weekdays as far as they
are told. Where nothing can be fitted the pattern is flat.
"""

from collections.abc import Container
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from core_modules.forecasting.fit_window import Fitting, FitWindow
from core_modules.forecasting.forecast_series import Batch, Series, simple_model
from core_modules.forecasting.group_shapes import Shape, item_shapes
from core_modules.forecasting.idle_spells import IdleLaw, runs_without_sale

FloatArray = NDArray[np.float64]

WEEKDAY_PRIOR = 100.0  # units that hold an item's weekday factors at its group's


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """One item's fitted pattern beside its sales."""

    unique_id: str
    model: str  # the method, as `DemandModel.model`
    actual: FloatArray  # (kept,) units, NaN where missing; the last periods of the history
    fitted: FloatArray  # (kept,) units, events included; 0 where closed
    ahead: FloatArray  # (horizon,) units, free of events; 0 where closed
    idle: IdleLaw
    run: int  # days without a sale up to now
    ceiling: float  # units a period above which sales are outliers
    event_effects: tuple[tuple[str, float], ...] = ()  # multipliers learned, by name


def fit_patterns(batch: Batch, fitting: Fitting) -> list[Pattern]:
    """Fit every item's pattern, in the batch's order."""
    window = FitWindow.of(batch, fitting)
    shapes = item_shapes(window)
    return [_pattern(one, shapes.get(one.unique_id), window) for one in batch.series]


def _pattern(series: Series, told: Shape | None, window: FitWindow) -> Pattern:
    """Lay one item's pattern over the kept past and the days ahead."""
    kept = min(window.kept, series.values.size)
    simple = simple_model(series)
    shape, multiplier = np.ones(kept + window.fitting.horizon), np.ones(kept)
    effects: dict[str, float] = {}
    if told is None:
        model = simple or "flat-level"
    else:
        model = "prophet" if told.own else "pooled-prophet"
        model = simple if simple == "intermittent" else model
        shape *= told.index[window.size - kept :]
    for fit in told.fits if told else ():
        past = fit.event_multiplier.size
        shape *= fit.fitted[past - kept :] / fit.fitted.mean()
        multiplier *= fit.event_multiplier[past - kept :]
        for name, size in fit.event_effects:
            effects[name] = effects.get(name, 1.0) * size
    actual = _without_unsized(series, kept, window, effects)
    if told is not None and not told.own and window.batch.step == 1:
        factors = _weekday_factors(actual, shape[:kept] * multiplier)
        shape *= factors[np.arange(shape.size) % 7]
    shape *= _scale(actual, shape[:kept] * multiplier)
    closed = window.batch.closed[-kept:] & np.isnan(actual)
    return Pattern(
        unique_id=series.unique_id,
        model=model,
        actual=actual,
        fitted=np.where(closed, 0.0, shape[:kept] * multiplier),
        ahead=np.where(window.shut, 0.0, shape[kept:]),
        idle=window.idle[series.unique_id],
        run=int(runs_without_sale(series.values)[-1]),
        ceiling=series.ceiling,
        event_effects=tuple(effects.items()),
    )


def _without_unsized(
    series: Series, kept: int, window: FitWindow, sized: Container[str]
) -> FloatArray:
    """Return an item's last units, missing where an event of unknown size acted, (kept,)."""
    actual = series.values[-kept:].copy()
    for name, column in window.events(series).items():
        if name not in sized:
            actual[column[window.size - kept : window.size] != 0] = np.nan
    return actual


@njit(cache=True, error_model="numpy", nogil=True)
def _weekday_factors(actual: FloatArray, fitted: FloatArray) -> FloatArray:
    """Return how each weekday departs from the pattern, from the first kept day on, (7,)."""
    sold, usual = np.zeros(7), np.zeros(7)
    for day in range(actual.size):
        if fitted[day] > 0 and not np.isnan(actual[day]):
            sold[day % 7] += actual[day]
            usual[day % 7] += fitted[day]
    usual *= sold.sum() / max(usual.sum(), 1e-9)
    return (sold + WEEKDAY_PRIOR) / (usual + WEEKDAY_PRIOR)


def _scale(actual: FloatArray, fitted: FloatArray) -> float:
    """Return the units of a pattern's 1: an item's recent sales over its pattern."""
    known = ~np.isnan(actual)
    usual = float(fitted[known].sum())
    return float(actual[known].sum()) / usual if usual > 0 else 0.0
