"""Prophet's scaling, item by item: y by its largest value, time by the span, regressors by spread.

Changepoints lie at shares of the rows, not of the days, so gaps move them; this follows Prophet.
"""

from dataclasses import dataclass

import numpy as np

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
    """Return the panel on Prophet's scales; an item without rows gets scales of one."""
    items, counts = panel.items, np.diff(panel.offsets)
    owner = np.repeat(np.arange(items), counts)
    floored = settings.growth == "logistic" and "floor" in panel.columns
    shifted = panel.y - panel.columns["floor"] if floored else panel.y
    y_scale = _largest(np.abs(shifted), panel.offsets)
    y_scale[y_scale == 0] = 1.0
    caps = np.empty(0)
    if settings.growth == "logistic":
        caps = panel.columns["cap"] - (panel.columns["floor"] if floored else 0.0)
        if (caps <= 0).any():
            raise ValueError("column 'cap' must be greater than the floor, which is 0 by default")
        caps = caps / y_scale[owner]
    times = panel.dates.view(np.int64)[panel.rows]
    filled = counts > 0
    start, span = np.zeros(items, np.int64), np.zeros(items, np.int64)
    start[filled] = times[panel.offsets[:-1][filled]]
    span[filled] = times[panel.offsets[1:][filled] - 1] - start[filled]
    regressors, means, spreads = _standardised(panel, settings, owner)
    lowest = -_largest(-panel.y, panel.offsets)
    highest = _largest(panel.y, panel.offsets)
    return Scaled(
        y=shifted / y_scale[owner],
        caps=caps,
        y_scale=y_scale,
        start=start,
        span=span,
        regressors=regressors,
        means=means,
        spreads=spreads,
        constant=((lowest == highest) & filled).astype(np.int64),
        fitted=((counts >= 2) & (span > 0)).astype(np.int64),
    )


def _largest(values: FloatArray, offsets: IntArray) -> FloatArray:
    """Return each item's largest value, 0 where it has none."""
    found = np.zeros(offsets.size - 1)
    filled = np.diff(offsets) > 0
    if filled.any():
        found[filled] = np.maximum.reduceat(values, offsets[:-1][filled])
    return found


def _standardised(
    panel: Panel, settings: BatchSettings, owner: IntArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the regressors as Prophet's 'auto' would: binary and constant ones stay as they are."""
    listed = settings.regressors
    means = np.zeros((panel.items, len(listed)))
    spreads = np.ones((panel.items, len(listed)))
    found = np.empty((owner.size, len(listed)))
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
