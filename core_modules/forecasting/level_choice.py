"""Chooses how eagerly each item's level follows recent days, by lead-time errors of its past."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core_modules.forecasting.idle_spells import IdleLaw, idle_days, runs_without_sale
from core_modules.forecasting.item_threads import in_threads
from core_modules.forecasting.law_calibration import PastDays, weights
from core_modules.forecasting.level_following import (
    Level,
    doubt,
    joined,
    ratio_after,
    ratios_through,
)
from core_modules.forecasting.level_paths import gain_errors, noise_threshold

FloatArray = NDArray[np.float64]

GAINS = (0.0, 0.2, 0.4, 0.6, 0.8)  # shares of the way from slow to fast that are tried
BATCH_WEIGHT = 1.0  # of the batch's errors beside an item's own


@dataclass(frozen=True, slots=True)
class LevelSettings:
    """How the level follows; forgetting is the share of the evidence dropped a period."""

    slow: float = 0.025
    fast: float = 0.2
    prior_days: float = 0.0  # periods at the long-run level always believed beside recent ones
    lead_times: tuple[int, ...] = (7, 14)  # periods over which errors are judged

    def __post_init__(self) -> None:
        if not 0 < self.slow < self.fast < 1:
            raise ValueError(
                f"forgetting must be 0 < slow < fast < 1, got {self.slow} and {self.fast}"
            )
        if not self.prior_days >= 0:
            raise ValueError(f"prior_days must be >= 0, got {self.prior_days}")


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """One item's level through its past."""

    past: PastDays
    level: Level  # now
    awake: Level | None  # when the present run of days without a sale began; None: no run is on


def follow_levels(
    patterns: Sequence[tuple[FloatArray, FloatArray, IdleLaw]],
    settings: LevelSettings,
    jobs: int = 1,
) -> list[Followed]:
    """Follow each item's level through its past.

    `patterns` are actual (NaN where missing) and fitted units of the same days, both (days,), and
    the item's idle law. In the past that is returned the days of idle spells are missing, as if
    each spell had been known on its first day.
    """
    items = len(patterns)
    seen: list[_Seen | None] = [None] * items
    errors = np.empty((items, len(GAINS)))
    longest = max((actual.size for actual, _, _ in patterns), default=0)
    weight, gains_tried = weights(longest), np.array(GAINS)
    lead_times = np.array(settings.lead_times, dtype=np.int64)

    def look(first: int, last: int) -> None:
        for item in range(first, last):
            one = _seen(*patterns[item], settings)
            judged = (one.actual, one.fitted, (one.slow, one.fast), one.threshold)
            gain_errors(*judged, gains_tried, lead_times, weight, errors[item])
            seen[item] = one

    in_threads(look, items, jobs)
    errors /= np.maximum(errors.mean(axis=1, keepdims=True), 1e-12)
    gains = np.array(GAINS)[(errors + BATCH_WEIGHT * errors.mean(axis=0)).argmin(axis=1)]
    return [
        _followed(one, float(gain), settings)
        for one, gain in zip(seen, gains, strict=True)
        if one is not None
    ]


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """One item's past before its gain is chosen; arrays are (days,)."""

    actual: FloatArray  # units, NaN where missing or idle
    fitted: FloatArray
    told: FloatArray  # fitted units as far as each day tells of demand on the evening itself
    slow: FloatArray
    fast: FloatArray
    threshold: float


def _seen(actual: FloatArray, fitted: FloatArray, idle: IdleLaw, settings: LevelSettings) -> _Seen:
    plain = np.where(idle_days(actual, idle), np.nan, actual)
    told = _evidence(actual, fitted, idle)
    slow = ratios_through(plain, told, settings.slow, settings.prior_days)
    fast = ratios_through(plain, told, settings.fast, settings.prior_days)
    threshold = noise_threshold(plain, fitted, slow, settings.fast)
    return _Seen(plain, fitted, told, slow, fast, threshold)


def _followed(one: _Seen, gain: float, settings: LevelSettings) -> Followed:
    level = joined(one.slow, one.fast, gain, one.threshold)
    awake = _run_start(one.actual, one.fitted)
    told = (gain, one.threshold, settings)
    return Followed(
        past=PastDays(one.actual, one.fitted, level, doubt(one.slow, one.fast, one.threshold)),
        level=_level_after(one.actual, one.told, *told),
        awake=None
        if awake == one.fitted.size
        else _level_after(one.actual[:awake], one.told[:awake], *told),
    )


def _level_after(
    actual: FloatArray, told: FloatArray, gain: float, threshold: float, settings: LevelSettings
) -> Level:
    """Return the level after the last day."""
    slow, fast = (
        ratio_after(actual, told, rate, settings.prior_days)
        for rate in (settings.slow, settings.fast)
    )
    return Level(slow, fast, gain, threshold)


def _run_start(actual: FloatArray, fitted: FloatArray) -> int:
    """Return the place at which the run of days without a sale began; the size where none is on."""
    sold = np.flatnonzero((actual > 0) & (fitted > 0))
    after = int(sold[-1]) + 1 if sold.size else 0
    zeros = np.flatnonzero((actual[after:] == 0) & (fitted[after:] > 0))
    return after + int(zeros[0]) if zeros.size else actual.size


def _evidence(actual: FloatArray, fitted: FloatArray, idle: IdleLaw) -> FloatArray:
    """Return fitted units as far as each day tells of demand on the evening itself, (days,)."""
    run = runs_without_sale(np.where(fitted > 0, actual, np.nan))
    chance = np.where(actual == 0, idle.idle_chance(run), 0.0)
    return np.asarray(fitted * (1 - chance))
