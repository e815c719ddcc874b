"""The level: how an item's demand stands to its fitted pattern, as recent days tell it.

Two discounted ratios of actual to fitted demand are kept, one slow and one fast. The level is the
slow one, moved a learned share of the way to the fast one, and moved fully by whatever the fast one
departs beyond what noise explains: so a steady item is left alone and a real step is followed.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core_modules.forecasting import level_paths
from core_modules.forecasting.level_paths import (
    PRIOR_DAYS,
    SMALLEST_RATIO,
    discounted,
)

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class LevelRatio:
    """A discounted ratio of actual to fitted demand."""

    forgetting: float  # share of the evidence dropped a day, 0 to 1
    actual: float  # discounted units seen, >= 0
    fitted: float  # discounted units fitted for the same days, >= 0
    prior: float = 0.0  # fitted units believed beside them to sell as fitted, never discounted

    @property
    def value(self) -> float:
        """Actual over fitted demand; 1 without evidence."""
        if self.fitted <= 0:
            return 1.0
        return max((self.actual + self.prior) / (self.fitted + self.prior), SMALLEST_RATIO)

    def observe(self, actual: float, fitted: float) -> "LevelRatio":
        """Return the ratio one day on."""
        keep = 1.0 - self.forgetting
        return replace(self, actual=keep * self.actual + actual, fitted=keep * self.fitted + fitted)


@dataclass(frozen=True, slots=True)
class Level:
    """The level of one item: its slow and fast ratios and how they are joined."""

    slow: LevelRatio
    fast: LevelRatio
    gain: float  # share of the way from slow to fast that noise-sized departures move, 0 to 1
    threshold: float  # departure of log fast from log slow that noise explains, > 0

    @property
    def value(self) -> float:
        """The multiple of fitted demand that is expected now, > 0."""
        return float(level_paths.join(self.slow.value, self.fast.value, self.gain, self.threshold))

    @property
    def doubt(self) -> float:
        """The standard deviation of the log level that comes of fast and slow disagreeing."""
        return float(level_paths.doubt(self.slow.value, self.fast.value, self.threshold))

    def observe(self, actual: float, fitted: float) -> "Level":
        """Return the level one day on."""
        return replace(
            self, slow=self.slow.observe(actual, fitted), fast=self.fast.observe(actual, fitted)
        )


# A level of 1 that no sales move.
UNMOVED = Level(LevelRatio(0.0, 1e12, 1e12), LevelRatio(0.0, 1e12, 1e12), 0.0, 1.0)


def joined(
    slow: FloatArray | float, fast: FloatArray | float, gain: float, threshold: FloatArray | float
) -> FloatArray:
    """Join slow and fast ratios to levels: soft below the threshold, full beyond it.

    >>> joined(1.0, 1.1, 0.5, 0.2).round(3), joined(1.0, 2.0, 0.5, 0.2).round(3)
    (np.float64(1.049), np.float64(1.81))
    """
    return np.asarray(level_paths.joined(slow, fast, gain, threshold))


def doubt(
    slow: FloatArray | float, fast: FloatArray | float, threshold: FloatArray | float
) -> FloatArray:
    """Return how uncertain the log level is for want of agreement, standard deviation.

    It is the part of the departure of fast from slow that noise does not explain.
    """
    return np.asarray(level_paths.doubted(slow, fast, threshold))


def ratios_through(
    actual: FloatArray, fitted: FloatArray, forgetting: float, prior_days: float = 0.0
) -> FloatArray:
    """Return the ratio at the end of each day, (days,), as `LevelRatio.observe` would give it.

    `actual` is NaN where missing; days without fitted demand tell nothing. `prior_days` are the
    days of fitted demand that are always believed beside the evidence.
    """
    ratios = np.empty(actual.size)
    discounted(actual, fitted, forgetting, prior_days, ratios)
    return ratios


def ratio_after(
    actual: FloatArray, fitted: FloatArray, forgetting: float, prior_days: float = 0.0
) -> LevelRatio:
    """Return the ratio after the last day."""
    always = _prior(actual, fitted, prior_days)
    sold, expected = discounted(actual, fitted, forgetting, 0.0, np.empty(actual.size))
    if expected == 0:  # no day tells
        sold = expected = PRIOR_DAYS * float(fitted.mean()) if fitted.size else 0.0
    return LevelRatio(forgetting, sold, expected, always)


def _prior(actual: FloatArray, fitted: FloatArray, days: float) -> float:
    """Return the units fitted for so many ordinary days."""
    if days == 0:
        return 0.0
    known = informative(actual, fitted)
    return days * float(fitted[known].mean()) if known.any() else 0.0


def informative(actual: FloatArray, fitted: FloatArray) -> BoolArray:
    """Return which days tell something about the level, (days,)."""
    return np.asarray(~np.isnan(actual) & (fitted > 0), dtype=np.bool_)
