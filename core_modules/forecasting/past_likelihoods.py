"""Compiled likelihoods of an item's past: its days under counting laws, its lead-time totals.

Items lie one after the other in flat arrays; `bounds` (items + 1,) says where each begins. The
functions let go of Python's lock, so that threads may share the items.
"""
# ruff: noqa: FURB136 - `min` and `max` take care of NaN, which costs as much as the arithmetic

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

STIRLING_FROM = 10.0  # arguments from which six terms of Stirling's series are good to 1e-15
FEW_UNITS = 12.0  # units up to which the gamma ratio is a product
LARGEST_PRODUCT = 1e8  # shapes up to which that product stays within doubles
HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)
LEAST_VARIANCE = 1.001  # over the mean, below which a law is taken as nearly Poisson
LEAST_UNITS = 0.25  # a total below it counts as much
SUMMED_UNITS = 512.0  # units up to which a distribution function is summed


@njit(cache=True, error_model="numpy", nogil=True)
def _correction(x: float) -> float:
    """Return what log Gamma(x) exceeds Stirling's formula by, x >= STIRLING_FROM."""
    w = 1.0 / (x * x)
    tail = 1 / 1260 - w * (1 / 1680 - w * (1 / 1188 - w * 691 / 360360))
    return (1 / 12 - w * (1 / 360 - w * tail)) / x


@njit(cache=True, error_model="numpy", nogil=True)
def _log_gamma_ratio(shape: float, units: float) -> float:
    """Return log Gamma(shape + units) - log Gamma(shape)."""
    shift = 1.0
    low, high = shape, shape + units
    while low < STIRLING_FROM:
        shift *= high / low
        low += 1.0
        high += 1.0
    ratio = units * math.log(high) + (low - 0.5) * math.log1p(units / low) - units
    return ratio + _correction(high) - _correction(low) - math.log(shift)


@njit(cache=True, error_model="numpy", nogil=True)
def day_likelihood(units: float, mean: float, shape: float, spread: float) -> float:
    """Return the negative binomial log-likelihood of a day's units, without log units!.

    `spread` is the log of variance over mean, log(1 + mean / shape).
    """
    fit = -shape * spread
    if units == 0.0:
        return fit
    if units <= FEW_UNITS and shape < LARGEST_PRODUCT and units == math.floor(units):
        share, product = mean / (shape + mean), 1.0
        for below in range(int(units)):
            product *= (shape + below) * share
        if product > 1e-290:
            return fit + math.log(product)
    return fit + _log_gamma_ratio(shape, units) + units * (math.log(mean / shape) - spread)


@njit(cache=True, error_model="numpy", nogil=True)
def scale_fits(
    actual: FloatArray,
    centre: FloatArray,
    weight: FloatArray,
    bounds: IntArray,
    scales: FloatArray,
    power: float,
    first: int,
    last: int,
    fits: FloatArray,
) -> None:
    """Fill `fits` (items, scales) with the weighted log-likelihood of each scale of the variance.

    A day's variance is scale * mean**power, at least `LEAST_VARIANCE` times its mean.
    """
    for item in range(first, last):
        fits[item] = 0.0
        for day in range(bounds[item], bounds[item + 1]):
            mean = centre[day]
            grown = mean ** (power - 1.0)
            for place in range(scales.size):
                over = scales[place] * grown
                over = over if over > LEAST_VARIANCE else LEAST_VARIANCE
                fit = day_likelihood(actual[day], mean, mean / (over - 1.0), math.log(over))
                fits[item, place] += weight[day] * fit


@njit(cache=True, error_model="numpy", nogil=True)
def cumulative(
    actual: FloatArray,
    mean: FloatArray,
    variance: FloatArray,
    first: int,
    last: int,
    below: FloatArray,
    upto: FloatArray,
) -> None:
    """Fill the chances of fewer units than a day's, and of as many at most; NaN if not summed."""
    for day in range(first, last):
        units = math.floor(actual[day])
        spread = math.log(variance[day] / mean[day])
        shape = mean[day] * mean[day] / (variance[day] - mean[day])
        chance = math.exp(-shape * spread)
        if chance < 1e-280 or units > SUMMED_UNITS:
            below[day], upto[day] = math.nan, math.nan
            continue
        share = mean[day] / (shape + mean[day])
        total, before = chance, 0.0
        for count in range(int(units)):
            before = total
            chance *= (shape + count) / (count + 1) * share
            total += chance
        below[day], upto[day] = before, total


@njit(cache=True, error_model="numpy", nogil=True)
def spread_mass(
    low: FloatArray, width: FloatArray, mass: FloatArray, grid: FloatArray, rising: FloatArray
) -> None:
    """Fill `rising` (grid,) with the mass below each value, each spread over low .. low + width."""
    whole = np.zeros(grid.size + 1)
    rising[:] = 0.0
    for day in range(low.size):
        at = np.searchsorted(grid, low[day], side="right")
        while at < grid.size and grid[at] < low[day] + width[day]:
            share = (grid[at] - low[day]) / width[day]
            rising[at] += mass[day] * (share if share < 1.0 else 1.0)
            at += 1
        whole[at] += mass[day]
    total = 0.0
    for at in range(grid.size):
        total += whole[at]
        rising[at] += total


@njit(cache=True, error_model="numpy", nogil=True)
def spread_fits(
    actual: FloatArray,
    expected: FloatArray,
    variance: FloatArray,
    doubt: FloatArray,
    weight: FloatArray,
    growths: FloatArray,
    fits: FloatArray,
) -> None:
    """Fill `fits` (spreads,) with the mean gamma log-likelihood of totals for each level spread.

    `growths` are exp(sd^2) - 1 of the log level's spreads. A total of mean m and variance v has
    shape k = m^2 / v and scale v / m, so that its log-likelihood is
    k (log r + 1 - r) - log x + log(k) / 2 - log(2 pi) / 2 - c(k), with x the total, r = x / m and c
    the correction of Stirling's formula.
    """
    fits[:] = 0.0
    if actual.size == 0:
        return
    total = 0.0
    for one in range(actual.size):
        total += weight[one]
        mean = expected[one]
        units = actual[one] if actual[one] > LEAST_UNITS else LEAST_UNITS
        ratio = units / mean
        log_units = math.log(units)
        gain = log_units - math.log(mean) + 1.0 - ratio
        square, wobble = mean * mean, math.expm1(doubt[one] * doubt[one])
        for place in range(growths.size):
            level = (growths[place] + wobble + growths[place] * wobble) * square
            shape = square / (variance[one] + level + 1e-9)
            fit = shape * gain - log_units - HALF_LOG_TWO_PI
            if shape >= STIRLING_FROM:
                fit += 0.5 * math.log(shape) - _correction(shape)
            else:
                # log Gamma(k) = log Gamma(k + n) - log k (k + 1) ... (k + n - 1)
                product, moved = 1.0, shape
                while moved < STIRLING_FROM:
                    product *= moved
                    moved += 1.0
                log_moved = math.log(moved)
                fit += math.log(product) - (moved - 0.5) * log_moved - _correction(moved)
                fit += shape * math.log(shape) + (moved - shape)
            fits[place] += weight[one] * fit
    fits /= total
