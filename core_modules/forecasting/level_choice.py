"""Chooses how eagerly each item's level follows recent days, by lead-time errors of its past."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core_modules.forecasting.idle_spells import IdleLaw, idle_days, runs_without_sale
from core_modules.forecasting.law_calibration import PastDays, weights
from core_modules.forecasting.level_following import (
    SURPRISE,
    Level,
    doubt,
    informative,
    joined,
    ratio_after,
    ratios_through,
)

FloatArray = NDArray[np.float64]

GAINS = (0.0, 0.2, 0.4, 0.6, 0.8)  # shares of the way from slow to fast that are tried
SCORED_DAYS = 300  # of the past on which a gain is judged
NOISE_DAYS = 365  # of the past that tell how noisy a day is
BURN_IN = 28  # first days, on which the level still settles
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
    patterns: Sequence[tuple[FloatArray, FloatArray, IdleLaw]], settings: LevelSettings
) -> list[Followed]:
    """Follow each item's level through its past.

    `patterns` are actual (NaN where missing) and fitted units of the same days, both (days,), and
    the item's idle law. In the past that is returned the days of idle spells are missing, as if
    each spell had been known on its first day.
    """
    slow, fast, thresholds, plain = [], [], [], []
    evidence = [_evidence(*pattern) for pattern in patterns]
    for (actual, fitted, idle), told in zip(patterns, evidence, strict=True):
        plain.append(np.where(idle_days(actual, idle), np.nan, actual))
        slow.append(ratios_through(plain[-1], told, settings.slow, settings.prior_days))
        fast.append(ratios_through(plain[-1], told, settings.fast, settings.prior_days))
        thresholds.append(_threshold(plain[-1], fitted, slow[-1], settings.fast))
    # (items, gains), each row relative to the item's own mean error
    errors = np.array(
        [
            [
                _error(plain[k], fitted, joined(slow[k], fast[k], gain, thresholds[k]), settings)
                for gain in GAINS
            ]
            for k, (_, fitted, _) in enumerate(patterns)
        ]
    )
    errors /= np.maximum(errors.mean(axis=1, keepdims=True), 1e-12)
    gains = np.array(GAINS)[(errors + BATCH_WEIGHT * errors.mean(axis=0)).argmin(axis=1)]
    followed = []
    for k, (_, fitted, _) in enumerate(patterns):
        gain, threshold = float(gains[k]), thresholds[k]
        level = joined(slow[k], fast[k], gain, threshold)
        past = PastDays(plain[k], fitted, level, doubt(slow[k], fast[k], threshold))
        awake = _run_start(plain[k], fitted)
        followed.append(
            Followed(
                past=past,
                level=_level_after(plain[k], evidence[k], gain, threshold, settings),
                awake=None
                if awake == fitted.size
                else _level_after(plain[k][:awake], evidence[k][:awake], gain, threshold, settings),
            )
        )
    return followed


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


def _threshold(actual: FloatArray, fitted: FloatArray, slow: FloatArray, fast: float) -> float:
    """Return the departure of the log fast ratio that the noise of days explains."""
    expected = fitted[1:] * slow[:-1]
    used = informative(actual[1:], expected)
    error = (actual[1:] - expected)[used][-NOISE_DAYS:]
    mean = expected[used][-NOISE_DAYS:].mean() if used.any() else 0.0
    if mean <= 0:
        return SURPRISE
    variation = float(np.sqrt((error**2).mean()) / mean)
    # An average with forgetting f of independent days has variance f / (2 - f) of a day's.
    return max(SURPRISE * variation * float(np.sqrt(fast / (2 - fast))), 1e-3)


def _error(
    actual: FloatArray, fitted: FloatArray, level: FloatArray, settings: LevelSettings
) -> float:
    """Return the absolute error of lead-time totals over the scored past, per unit sold."""
    known = ~np.isnan(actual)
    sold = np.concatenate([[0.0], np.cumsum(np.where(known, actual, 0.0))])
    pattern = np.concatenate([[0.0], np.cumsum(np.where(known, fitted, 0.0))])
    error = 0.0
    for days in settings.lead_times:
        origins = np.arange(max(BURN_IN, actual.size - SCORED_DAYS), actual.size - days)
        if origins.size:
            ahead, after = origins + 1 + days, origins + 1
            forecast = level[origins] * (pattern[ahead] - pattern[after])
            total = sold[ahead] - sold[after]
            weight = weights(actual.size)[origins]
            missed = weight * np.abs(forecast - total)
            error += float(missed.sum() / max((weight * total).sum(), 1e-9))
    return error
