"""What items share of their season: the pooled index, Prophet on what it leaves, departures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core_modules.forecasting.fit_window import FitWindow
from core_modules.forecasting.forecast_series import SHORTEST, Series, simple_model
from core_modules.forecasting.pooled_index import pooled_index
from core_modules.forecasting.prophet_batch import fit_shapes
from core_modules.forecasting.prophet_shape import ShapeFit, ShapeTask

FloatArray = NDArray[np.float64]

RECENT_PERIODS = 365  # that tell how large and how noisy an item is
# Variance of a day over its squared mean, and history in days, from which an item gets a pattern of
# its own. On M5's top 100 a noise of 1 instead of 0.25 fits three times as many items and takes 1 %
# off the pinball loss of 14 days; fitting none costs 1 %.
OWN_PATTERN_NOISE = 0.25
OWN_PATTERN_DAYS = 730
SHAPELESS = ("zero", "constant", "exploding")  # models of items that take part in no pattern
SMALLEST_PATTERN = 0.05  # of the mean pattern, by which an item's sales are divided


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """What is told so far of an item's pattern; fits keep the whole window."""

    index: FloatArray  # (fitted + horizon,) pooled, mean 1
    fits: tuple[ShapeFit, ...]  # from coarse to fine; the item's own departure last
    own: bool = False  # whether the item has such a departure, or is a group by itself

    def usual(self) -> FloatArray:
        """Return the pattern of the fitted past, events included, mean about 1, (fitted,)."""
        usual = np.ones(self.fits[0].event_multiplier.size)
        for fit in self.fits:
            usual *= fit.fitted[: usual.size] * fit.event_multiplier
        usual *= self.index[: usual.size]
        return np.asarray(np.maximum(usual / usual.mean(), SMALLEST_PATTERN))


def item_shapes(window: FitWindow) -> dict[str, Shape]:
    """Fit the shape of every item for which one can be fitted, by item."""
    series = window.batch.series
    index = _season_index(window)
    groups = _members(series, lambda one: one.group)
    joint = _fit_groups(groups, index, window)
    shapes = {
        one.unique_id: Shape(
            index[one.unique_id], (joint[one.group],), own=len(groups[one.group]) == 1
        )
        for one in series
        if one.group in joint and simple_model(one) not in SHAPELESS
    }
    if window.told_by_index:
        return shapes
    for depth in range(max((len(one.within) for one in series), default=0)):
        shapes |= _fit_within(series, depth, shapes, window)
    return shapes | _fit_departures(groups, shapes, window)


def _members(series: Sequence[Series], group: Callable[[Series], str]) -> dict[str, list[Series]]:
    members: dict[str, list[Series]] = {}
    for one in series:
        members.setdefault(group(one), []).append(one)
    return members


def _season_index(window: FitWindow) -> dict[str, FloatArray]:
    """Return each item's pooled index of the weeks of the year, 1 for daily data, by item."""
    series = window.batch.series
    index = np.ones((len(series), window.dates.size))
    shaped = [place for place, one in enumerate(series) if simple_model(one) not in SHAPELESS]
    if window.told_by_index and shaped:
        units = np.stack([window.values(series[place]) for place in shaped])
        paths = [(series[place].group, *series[place].within) for place in shaped]
        levels = [_numbers([path[level] for path in paths]) for level in range(len(paths[0]))]
        pooled = [level for level in levels if level.any()]
        index[shaped] = pooled_index(units, pooled, window.dates)
    return {one.unique_id: row for one, row in zip(series, index, strict=True)}


def _numbers(labels: Sequence[str]) -> NDArray[np.int64]:
    """Return a number for each label, from 0 on, equal ones alike."""
    known = {label: number for number, label in enumerate(dict.fromkeys(labels))}
    return np.array([known[label] for label in labels], dtype=np.int64)


def _fit_groups(
    groups: Mapping[str, Sequence[Series]], index: Mapping[str, FloatArray], window: FitWindow
) -> dict[str, ShapeFit]:
    """Fit what the index leaves of each group's total; groups that cannot be are left out."""
    tasks = {}
    for name, members in groups.items():
        shaped = [one for one in members if simple_model(one) not in SHAPELESS]
        if len(members) == 1 and simple_model(members[0]):
            continue
        left = [window.values(one) / index[one.unique_id][: window.size] for one in shaped]
        total = _total(left) if shaped else np.zeros(0)
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


def _fit_within(
    series: Sequence[Series], depth: int, shapes: Mapping[str, Shape], window: FitWindow
) -> dict[str, Shape]:
    """Fit how the totals of finer groups depart from what is told; return their items' shapes."""
    shaped = [one for one in series if one.unique_id in shapes and len(one.within) > depth]
    groups = _members(shaped, lambda one: one.within[depth])
    tasks = {}
    for name, members in groups.items():
        if len(members) == 1:
            continue
        total = _total([window.values(one) / shapes[one.unique_id].usual() for one in members])
        if _shows_own_pattern(total, window.batch.step):
            tasks[name] = window.task(total, {}, window.size, holidays=False)
    fits = _fitted(tasks, window)
    found = {}
    for name, fit in fits.items():
        for one in groups[name]:
            told = shapes[one.unique_id]
            found[one.unique_id] = replace(told, fits=(*told.fits, fit))
    return found


def _fit_departures(
    groups: Mapping[str, Sequence[Series]], shapes: Mapping[str, Shape], window: FitWindow
) -> dict[str, Shape]:
    """Fit how the large items of each group depart from its pattern; return their shapes."""
    tasks = {}
    for members in groups.values():
        for one in members if len(members) > 1 else []:
            values = window.values(one)
            told = shapes.get(one.unique_id)
            if told and not simple_model(one) and _shows_own_pattern(values, window.batch.step):
                events = window.own_events(one)
                tasks[one.unique_id] = window.task(
                    values / told.usual(), events, window.kept, holidays=False
                )
    return {
        name: replace(shapes[name], fits=(*shapes[name].fits, fit), own=True)
        for name, fit in _fitted(tasks, window).items()
    }


def _fitted(tasks: dict[str, ShapeTask], window: FitWindow) -> dict[str, ShapeFit]:
    fitting = window.fitting
    fits = fit_shapes(
        list(tasks.values()),
        engine=fitting.engine,
        jobs=fitting.jobs,
        folder=fitting.cache,
        progress=fitting.progress,
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
