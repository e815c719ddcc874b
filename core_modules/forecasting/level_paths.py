"""Compiled course of an item's level through its past, and the error of each eagerness.

All compiled code of levels is in this file: what numba keeps on disk of a function is renewed when
the file changes, not when a function that it calls from another file does.
"""

import math

import numpy as np
from numba import njit, vectorize
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

SMALLEST_RATIO = 1e-3  # of actual to fitted demand, so that logs of idle items stay finite
PRIOR_DAYS = 3.0  # of demand at level 1 believed before any evidence
DOUBT = 0.7  # of the departure of the fast ratio from the slow one that may be wrong either way
SURPRISE = 1.5  # standard deviations of noise beyond which the fast ratio is believed fully
SCORED_DAYS = 300  # of the past on which a gain is judged
NOISE_DAYS = 365  # of the past that tell how noisy a day is
BURN_IN = 28  # first days, on which the level still settles


@njit(cache=True, error_model="numpy", nogil=True)
def join(slow: float, fast: float, gain: float, threshold: float) -> float:
    """Join a slow and a fast ratio to a level: soft below the threshold, full beyond it."""
    departure = math.log(fast) - math.log(slow)
    size = abs(departure)
    moved = gain * min(size, threshold) + max(size - threshold, 0.0)
    return slow * math.exp(math.copysign(moved, departure))


@vectorize(  # type: ignore[no-untyped-call, untyped-decorator]
    ["float64(float64, float64, float64, float64)"], nopython=True, cache=True
)
def joined(slow: float, fast: float, gain: float, threshold: float) -> float:
    """Join slow and fast ratios to levels, elementwise; one alone costs less by `join`."""
    return join(slow, fast, gain, threshold)


@njit(cache=True, error_model="numpy", nogil=True)
def doubt(slow: float, fast: float, threshold: float) -> float:
    """Return how uncertain the log level is for want of agreement, standard deviation."""
    departure = math.log(fast) - math.log(slow)
    noise = threshold / SURPRISE
    return DOUBT * math.sqrt(max(departure * departure - noise * noise, 0.0))


@vectorize(  # type: ignore[no-untyped-call, untyped-decorator]
    ["float64(float64, float64, float64)"], nopython=True, cache=True
)
def doubted(slow: float, fast: float, threshold: float) -> float:
    """Return `doubt` elementwise."""
    return doubt(slow, fast, threshold)


@njit(cache=True, error_model="numpy", nogil=True)
def discounted(
    actual: FloatArray, fitted: FloatArray, forgetting: float, prior: float, ratios: FloatArray
) -> tuple[float, float]:
    """Fill `ratios` (days,) at the end of each day; return the sums of actual and fitted units.

    Days that tell nothing leave the ratio. `prior` are days of fitted demand believed beside them.
    """
    total, count = 0.0, 0
    for day in range(actual.size):
        if fitted[day] > 0 and not np.isnan(actual[day]):
            total += fitted[day]
            count += 1
    usual = total / count if count > 0 else 0.0
    keep, always = 1.0 - forgetting, prior * usual
    sold, expected, ratio = PRIOR_DAYS * usual, PRIOR_DAYS * usual, 1.0
    for day in range(actual.size):
        if fitted[day] > 0 and not np.isnan(actual[day]):
            sold = actual[day] + keep * sold
            expected = fitted[day] + keep * expected
            ratio = max((sold + always) / (expected + always), SMALLEST_RATIO)
        ratios[day] = ratio
    return sold, expected


@njit(cache=True, error_model="numpy", nogil=True)
def noise_threshold(actual: FloatArray, fitted: FloatArray, slow: FloatArray, fast: float) -> float:
    """Return the departure of the log fast ratio that the noise of days explains."""
    square, mean, count = 0.0, 0.0, 0
    for day in range(actual.size - 1, 0, -1):
        expected = fitted[day] * slow[day - 1]
        if expected > 0 and not np.isnan(actual[day]):
            square += (actual[day] - expected) ** 2
            mean += expected
            count += 1
            if count == NOISE_DAYS:
                break
    if count == 0 or mean <= 0:
        return SURPRISE
    variation = math.sqrt(square / count) / (mean / count)
    # An average with forgetting f of independent days has variance f / (2 - f) of a day's.
    return max(SURPRISE * variation * math.sqrt(fast / (2 - fast)), 1e-3)


@njit(cache=True, error_model="numpy", nogil=True)
def gain_errors(
    actual: FloatArray,
    fitted: FloatArray,
    ratios: tuple[FloatArray, FloatArray],
    threshold: float,
    gains: FloatArray,
    lead_times: IntArray,
    weight: FloatArray,
    errors: FloatArray,
) -> None:
    """Fill `errors` (gains,): absolute errors of lead-time totals over the scored past, per unit.

    `ratios` are slow and fast; `weight` (days or more,) ends with the last day's.
    """
    days = actual.size
    sold, pattern = np.zeros(days + 1), np.zeros(days + 1)
    for day in range(days):
        known = not np.isnan(actual[day])
        sold[day + 1] = sold[day] + (actual[day] if known else 0.0)
        pattern[day + 1] = pattern[day] + (fitted[day] if known else 0.0)
    errors[:] = 0.0
    first = max(BURN_IN, days - SCORED_DAYS)
    for place in range(gains.size):
        level = np.empty(max(days - first, 0))
        for origin in range(first, days):
            level[origin - first] = joined(
                ratios[0][origin], ratios[1][origin], gains[place], threshold
            )
        for ahead in lead_times:
            missed, total = 0.0, 0.0
            for origin in range(first, days - ahead):
                counts = weight[weight.size - days + origin]
                units = sold[origin + 1 + ahead] - sold[origin + 1]
                usual = pattern[origin + 1 + ahead] - pattern[origin + 1]
                missed += counts * abs(level[origin - first] * usual - units)
                total += counts * units
            if days - ahead > first:
                errors[place] += missed / max(total, 1e-9)
