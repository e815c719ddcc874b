"""Fits patterns: each group's by Prophet on its total, and each large item's own departure from it.

An item that sells too little, or too erratically, to show a season of its own takes its group's,
with its own weekdays as far as they are told. Where nothing can be fitted the pattern is flat.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core_modules.forecasting.fit_window import Fitting, FitWindow
from core_modules.forecasting.forecast_series import SHORTEST, Batch, Series, simple_model
from core_modules.forecasting.idle_spells import IdleLaw, runs_without_sale
from core_modules.forecasting.prophet_batch import fit_shapes
from core_modules.forecasting.prophet_shape import ShapeFit, ShapeTask

FloatArray = NDArray[np.float64]

RECENT_PERIODS = 365  # that tell how large and how noisy an item is
WEEKDAY_PRIOR = 100.0  # units that hold an item's weekday factors at its group's
# Variance of a day over its squared mean, and history in days, from which an item gets a pattern of
# its own. On M5's top 100 a noise of 1 instead of 0.25 fits three times as many items and takes 1 %
# off the pinball loss of 14 days; fitting none costs 1 %.
OWN_PATTERN_NOISE = 0.25
OWN_PATTERN_DAYS = 730
SHAPELESS = ("zero", "constant", "exploding")  # models of items that take part in no pattern
SMALLEST_PATTERN = 0.05  # of the mean pattern, by which an item's sales are divided


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
    groups: dict[str, list[Series]] = {}
    for one in batch.series:
        groups.setdefault(one.group, []).append(one)
    joint = _fit_groups(groups, window)
    own = _fit_departures(groups, joint, window)
    return [
        _pattern(
            one,
            joint.get(one.group),
            own.get(one.unique_id),
            window,
            shared=len(groups[one.group]) > 1,
        )
        for one in batch.series
    ]


def _fit_groups(groups: Mapping[str, Sequence[Series]], window: FitWindow) -> dict[str, ShapeFit]:
    """Fit each group's total; groups that cannot be fitted are left out."""
    tasks = {}
    for name, members in groups.items():
        shaped = [one for one in members if simple_model(one) not in SHAPELESS]
        if len(members) == 1 and simple_model(members[0]):
            continue
        total = _total([window.values(one) for one in shaped]) if shaped else np.zeros(0)
        if np.count_nonzero(~np.isnan(total)) < SHORTEST or np.nansum(total) == 0:
            continue
        if len(members) == 1:
            events = window.events(members[0])
            tasks[name] = window.task(total, events, window.kept, holidays=True)
        else:
            # The whole window is kept: the departures of the members are fitted beside it.
            events = window.shared_events(shaped)
            tasks[name] = window.task(total, events, window.size, holidays=True)
    return _fitted(tasks, window)


def _fit_departures(
    groups: Mapping[str, Sequence[Series]], joint: Mapping[str, ShapeFit], window: FitWindow
) -> dict[str, ShapeFit]:
    """Fit how the large items of each group depart from its pattern, by item."""
    tasks = {}
    for name, fit in joint.items():
        members = groups[name] if len(groups[name]) > 1 else []
        for one in members:
            values = window.values(one)
            if not simple_model(one) and _shows_own_pattern(values, window.batch.step):
                usual = fit.fitted[: values.size] * fit.event_multiplier
                usual = np.maximum(usual / usual.mean(), SMALLEST_PATTERN)
                events = window.own_events(one)
                tasks[one.unique_id] = window.task(
                    values / usual, events, window.kept, holidays=False
                )
    return _fitted(tasks, window)


def _fitted(tasks: dict[str, ShapeTask], window: FitWindow) -> dict[str, ShapeFit]:
    fitting = window.fitting
    fits = fit_shapes(
        list(tasks.values()), jobs=fitting.jobs, folder=fitting.cache, progress=fitting.progress
    )
    return {name: fit for name, fit in zip(tasks, fits, strict=True) if isinstance(fit, ShapeFit)}


def _total(values: Sequence[FloatArray]) -> FloatArray:
    """Return a group's units; an item that is missing counts with its share of those that are not.

    >>> _total([np.array([1.0, 1.0]), np.array([3.0, np.nan])]).tolist()
    [4.0, 4.0]
    """
    if len(values) == 1:
        return values[0]
    units = np.stack(values)  # (items, fitted)
    known = ~np.isnan(units)
    recent, count = units[:, -RECENT_PERIODS:], known[:, -RECENT_PERIODS:].sum(axis=1)
    size = np.nansum(recent, axis=1) / np.maximum(count, 1)
    share = (size[:, None] * known).sum(axis=0) / max(size.sum(), 1e-9)
    # With next to none of the group on sale the rest cannot be told from it.
    share = np.where(share > 0.1, share, np.nan)
    return np.asarray(np.nansum(units, axis=0) / share)


def _shows_own_pattern(values: FloatArray, step: int) -> bool:
    """Return whether an item sells evenly and long enough to show a pattern of its own."""
    known = values[~np.isnan(values)]
    if known.size * step < OWN_PATTERN_DAYS:
        return False
    recent = pd.Series(known[-RECENT_PERIODS:])
    noise = float((recent - recent.rolling(28, center=True, min_periods=7).mean()).var())
    return noise <= OWN_PATTERN_NOISE * float(recent.mean()) ** 2


def _pattern(
    series: Series, joint: ShapeFit | None, own: ShapeFit | None, window: FitWindow, *, shared: bool
) -> Pattern:
    """Join what was fitted to one item's pattern over the kept past and the days ahead."""
    kept = min(window.kept, series.values.size)
    simple = simple_model(series)
    if joint is None or simple in SHAPELESS:
        model, joint, own = simple or "flat-level", None, None
    else:
        model = "pooled-prophet" if shared and own is None else "prophet"
        model = simple if simple == "intermittent" else model
    shape, multiplier = np.ones(kept + window.fitting.horizon), np.ones(kept)
    effects: dict[str, float] = {}
    for fit in (joint, own):
        if fit is not None:
            past = fit.event_multiplier.size
            shape *= fit.fitted[past - kept :] / fit.fitted.mean()
            multiplier *= fit.event_multiplier[past - kept :]
            for name, size in fit.event_effects:
                effects[name] = effects.get(name, 1.0) * size
    actual = _without_unsized(series, kept, window, effects)
    if shared and own is None and joint is not None and window.batch.step == 1:
        shape *= np.resize(_weekday_factors(actual, shape[:kept] * multiplier), shape.size)
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


def _weekday_factors(actual: FloatArray, fitted: FloatArray) -> FloatArray:
    """Return how each weekday departs from the pattern, from the first kept day on, (7,)."""
    known = ~np.isnan(actual) & (fitted > 0)
    weekday = np.arange(actual.size)[known] % 7
    sold = np.bincount(weekday, weights=actual[known], minlength=7)
    usual = np.bincount(weekday, weights=fitted[known], minlength=7)
    usual = usual * (sold.sum() / max(usual.sum(), 1e-9))
    return np.asarray((sold + WEEKDAY_PRIOR) / (usual + WEEKDAY_PRIOR))


def _scale(actual: FloatArray, fitted: FloatArray) -> float:
    """Return the units of a pattern's 1: an item's recent sales over its pattern."""
    known = ~np.isnan(actual)
    usual = float(fitted[known].sum())
    return float(actual[known].sum()) / usual if usual > 0 else 0.0
