"""Prophet's scaling, item by item: y by its largest value, time by the span, regressors by spread.

Changepoints lie at shares of the rows, not of the days, so gaps move them; this follows Prophet.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

from core_modules.batch_prophet.panel import FloatArray, IntArray, Panel
from core_modules.batch_prophet.settings import BatchSettings


@dataclass(frozen=True, slots=True, eq=False)
class Scaled:
    """A panel on Prophet's scales."""

    y: FloatArray  # (rows,) (y - floor) / y_scale
    caps: FloatArray  # (rows,) (cap - floor) / y_scale; empty unless growth is logistic
    y_scale: FloatArray  # (items,)
    start: IntArray  # (items,) microseconds since 1970 of the first row
    span: IntArray  # (items,) microseconds from the first row to the last
    regressors: FloatArray  # (rows, regressors) standardised as Prophet would
    means: FloatArray  # (items, regressors) what was taken off
    spreads: FloatArray  # (items, regressors) what was divided by
    constant: IntArray  # (items,) 1 where y never changes
    fitted: IntArray  # (items,) 1 where there are at least two rows at different times


def scale_panel(panel: Panel, settings: BatchSettings) -> Scaled:
    """Return the panel on Prophet's scales; an item without rows gets scales of one.

    Raises ValueError where a cap is not above the floor.
    """
    items, counts = panel.items, np.diff(panel.offsets)
    floored = settings.growth == "logistic" and "floor" in panel.columns
    floors = panel.columns["floor"] if floored else np.empty(0)
    scaled, y_scale, constant = _scale_rows(panel.y, floors, panel.offsets)
    caps = np.empty(0)
    if settings.growth == "logistic":
        caps = panel.columns["cap"] - (floors if floored else 0.0)
        if (caps <= 0).any():
            raise ValueError("column 'cap' must be greater than the floor, which is 0 by default")
        caps = caps / np.repeat(y_scale, counts)
    dates, filled = panel.dates.view(np.int64), counts > 0
    start, span = np.zeros(items, np.int64), np.zeros(items, np.int64)
    start[filled] = dates[panel.rows[panel.offsets[:-1][filled]]]
    span[filled] = dates[panel.rows[panel.offsets[1:][filled] - 1]] - start[filled]
    regressors, means, spreads = _standardised(panel, settings)
    return Scaled(
        y=scaled,
        caps=caps,
        y_scale=y_scale,
        start=start,
        span=span,
        regressors=regressors,
        means=means,
        spreads=spreads,
        constant=constant,
        fitted=((counts >= 2) & (span > 0)).astype(np.int64),
    )


@njit(cache=True, nogil=True)
def _scale_rows(
    y: FloatArray, floors: FloatArray, offsets: IntArray
) -> tuple[FloatArray, FloatArray, IntArray]:
    """Return y above its floor over its largest size, that size, and whether y never changes."""
    items = offsets.size - 1
    found, scale, constant = np.empty(y.size), np.ones(items), np.zeros(items, np.int64)
    for item in range(items):
        first, last = offsets[item], offsets[item + 1]
        if last == first:
            continue
        largest, low, high = 0.0, y[first], y[first]
        for i in range(first, last):
            value = y[i] - floors[i] if floors.size else y[i]
            largest = max(largest, abs(value))
            low, high = min(low, y[i]), max(high, y[i])
            found[i] = value
        if largest > 0.0:
            scale[item] = largest
        constant[item] = 1 if low == high else 0
        for i in range(first, last):
            found[i] /= scale[item]
    return found, scale, constant


def _largest(values: FloatArray, offsets: IntArray) -> FloatArray:
    """Return each item's largest value, 0 where it has none."""
    found = np.zeros(offsets.size - 1)
    filled = np.diff(offsets) > 0
    if filled.any():
        found[filled] = np.maximum.reduceat(values, offsets[:-1][filled])
    return found


def _standardised(
    panel: Panel, settings: BatchSettings
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the regressors as Prophet scales them: by 'auto' all but binary and constant ones."""
    listed = settings.regressors
    owner = np.repeat(np.arange(panel.items), np.diff(panel.offsets)) if listed else np.empty(0)
    means = np.zeros((panel.items, len(listed)))
    spreads = np.ones((panel.items, len(listed)))
    found = np.empty((panel.rows.size, len(listed)))
    counts = np.maximum(np.diff(panel.offsets), 1)
    for place, regressor in enumerate(listed):
        values = panel.columns[regressor.name]
        varying = -_largest(-values, panel.offsets) < _largest(values, panel.offsets)
        chosen = varying & bool(regressor.standardize)
        if regressor.standardize == "auto":
            other = np.bincount(owner, (values != 0) & (values != 1), panel.items)
            chosen = varying & (other > 0)
        mean = np.bincount(owner, values, panel.items) / counts
        squares = np.bincount(owner, (values - mean[owner]) ** 2, panel.items)
        means[chosen, place] = mean[chosen]
        spreads[chosen, place] = np.sqrt(squares / np.maximum(counts - 1, 1))[chosen]
        found[:, place] = (values - means[owner, place]) / spreads[owner, place]
    return found, means, spreads


def changepoint_rows(rows: int, settings: BatchSettings) -> IntArray:
    """Return which rows of a history are changepoints, as `Prophet.set_changepoints` picks them.

    >>> changepoint_rows(10, BatchSettings(n_changepoints=3)).tolist()
    [2, 5, 7]
    """
    size = int(np.floor(rows * settings.changepoint_range))
    count = min(settings.n_changepoints, size - 1)
    if count <= 0:
        return np.empty(0, np.int64)
    return np.linspace(0, size - 1, count + 1).round().astype(np.int64)[1:]
