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
SHIFT = 10  # steps that bring any argument there
HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)
LEAST_VARIANCE = 1.001  # over the mean, below which a law is taken as nearly Poisson
LEAST_UNITS = 0.25  # a total below it counts as much
LEAST_EXPECTED = 0.3  # units; a total of less tells nothing of the level
SUMMED_UNITS = 512.0  # units up to which a distribution function is summed
ROOT_HALF_BITS = 0x3FE6A09E667F3BCD  # of sqrt(1/2) as a double
LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10


@njit(cache=True, error_model="numpy", nogil=True)
def log_each(values: FloatArray, logs: FloatArray) -> None:
    """Fill `logs` with the logarithms of normal numbers above 0; `values` are used up.

    The arithmetic of FreeBSD's e_log.c, error below 1 unit in the last place, without its branches:
    so several numbers are taken at once, where a call of the library's takes one.
    """
    bits = values.view(np.int64)
    for at in range(values.size):
        above = bits[at] - ROOT_HALF_BITS
        logs[at] = float(above >> 52)  # power of 2 that leaves sqrt(1/2) to sqrt(2)
        bits[at] -= (above >> 52) << 52
    for at in range(values.size):
        power, f = logs[at], values[at] - 1.0
        s = f / (2.0 + f)
        z = s * s
        w = z * z
        even = w * (
            3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01)
        )
        odd = 2.857142874366239149e-01 + w * (
            1.818357216161805012e-01 + w * 1.479819860511658591e-01
        )
        rest = even + z * (6.666666666666735130e-01 + w * odd)
        half = 0.5 * f * f
        logs[at] = power * LN2_HIGH - ((half - (s * (half + rest) + power * LN2_LOW)) - f)


@njit(cache=True, error_model="numpy", nogil=True)
def _correction(x: float) -> float:
    """Return what log Gamma(x) exceeds Stirling's formula by, x >= STIRLING_FROM."""
    w = 1.0 / (x * x)
    tail = 1 / 1260 - w * (1 / 1680 - w * (1 / 1188 - w * 691 / 360360))
    return (1 / 12 - w * (1 / 360 - w * tail)) / x


@njit(cache=True, error_model="numpy", nogil=True)
def _ratio_logs(units: FloatArray, shape: FloatArray, work: FloatArray, ratios: FloatArray) -> None:
    """Fill `ratios` with log Gamma(shape + units) - log Gamma(shape); `work` is (3, days or more).

    Both arguments are moved up by SHIFT, where Stirling's series holds.
    """
    days = units.size
    shifted, high, low = work[0, :days], work[1, :days], work[2, :days]
    for day in range(days):
        over, under = 1.0, 1.0
        for step in range(SHIFT):
            over *= shape[day] + units[day] + step
            under *= shape[day] + step
        shifted[day] = under / over
    log_each(shifted, ratios)
    for day in range(days):
        high[day] = shape[day] + units[day] + SHIFT
    log_each(high, shifted)
    for day in range(days):
        ratios[day] += units[day] * (shifted[day] - 1.0)
        high[day] = 1.0 + units[day] / (shape[day] + SHIFT)
    log_each(high, low)
    for day in range(days):
        part = units[day] / (shape[day] + SHIFT)
        rounded = (1.0 + part) - 1.0
        # log(1 + x) of a sum that was rounded, put right.
        grown = part if rounded == 0.0 else low[day] * part / rounded
        ratios[day] += (shape[day] + SHIFT - 0.5) * grown
        ratios[day] += _correction(shape[day] + units[day] + SHIFT)
        ratios[day] -= _correction(shape[day] + SHIFT)


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

    A day's variance is scale * mean**power, at least `LEAST_VARIANCE` times its mean: negative
    binomial of shape k = mean / (variance / mean - 1), without the constant log units!. Days with
    units come first, since those without need neither gamma nor mean: log (k / (k + mean))**k.
    """
    longest = 0
    for item in range(first, last):
        longest = max(longest, bounds[item + 1] - bounds[item])
    work, spread = np.empty((4, longest)), np.empty(longest)
    units, mean, grown, counts = np.empty((4, longest))
    shape, ratios = np.empty(longest), np.empty(longest)
    for item in range(first, last):
        sold, days = 0, bounds[item + 1] - bounds[item]
        left = days
        for day in range(bounds[item], bounds[item + 1]):
            if actual[day] > 0:
                place = sold
                sold += 1
            else:
                left -= 1
                place = left
            units[place], mean[place], counts[place] = actual[day], centre[day], weight[day]
            grown[place] = centre[day] ** (power - 1.0)
        for scale in range(scales.size):
            over, whole = work[3, :days], 0.0
            for day in range(days):
                times = scales[scale] * grown[day]
                times = times if times > LEAST_VARIANCE else LEAST_VARIANCE
                over[day] = times
                shape[day] = mean[day] / (times - 1.0)
            log_each(over, spread)
            _ratio_logs(units[:sold], shape[:sold], work, ratios)
            over = work[3, :sold]
            for day in range(sold):
                over[day] = mean[day] / shape[day]
            logs = work[0, :sold]
            log_each(over, logs)
            for day in range(sold):
                whole += counts[day] * (ratios[day] + units[day] * (logs[day] - spread[day]))
            for day in range(days):
                whole -= counts[day] * (shape[day] * spread[day])
            fits[item, scale] = whole


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
    past: tuple[FloatArray, FloatArray, FloatArray, FloatArray],
    weight: FloatArray,
    lead_times: IntArray,
    law: tuple[float, float, float, float],
    least_noise: float,
    growths: FloatArray,
    fits: FloatArray,
) -> None:
    """Fill `fits` (spreads,): log-likelihood of lead-time totals by the level error's spread.

    `past` are actual units (NaN where missing), fitted units, level and doubt, all (days,);
    `weight` (days or more,) ends with the last day's; `law` are scale, power, mean and variance
    ratio, and noise is at least `least_noise` times what is expected; `growths` are exp(sd^2) - 1.
    Missing days count on neither side of a total. The fit is a mean over origins and lead times.
    """
    actual, fitted, level, doubt = past
    days = actual.size
    sold, usual, scatter = np.zeros((3, days + 1))
    for day in range(days):
        known = not np.isnan(actual[day])
        units = fitted[day] if known else 0.0
        sold[day + 1] = sold[day] + (actual[day] if known else 0.0)
        usual[day + 1] = usual[day] + units
        scatter[day + 1] = scatter[day] + units ** law[1]
    totals = np.empty((5, days))
    own = np.empty(fits.size)
    fits[:] = 0.0
    for ahead in lead_times:
        count = 0
        for origin in range(days - ahead):
            to, since = origin + 1 + ahead, origin + 1
            expected = (usual[to] - usual[since]) * level[origin] * law[2]
            if expected <= LEAST_EXPECTED:
                continue
            noise = (scatter[to] - scatter[since]) * level[origin] ** law[1] * law[0] * law[3]
            noise = noise if noise > least_noise * expected else least_noise * expected
            totals[0, count], totals[1, count] = sold[to] - sold[since], expected
            totals[2, count], totals[3, count] = noise, math.expm1(doubt[origin] ** 2)
            totals[4, count] = weight[weight.size - days + origin]
            count += 1
        if count:
            total_fits(totals[:, :count], growths, own)
            fits += own
    fits /= lead_times.size


@njit(cache=True, error_model="numpy", nogil=True)
def _products(shape: FloatArray, products: FloatArray) -> None:
    """Fill k (k + 1) ... (k + SHIFT - 1) of each shape k, 1 where it is not needed."""
    for at in range(shape.size):
        k, product = shape[at], 1.0
        for step in range(SHIFT):
            product *= k + step
        products[at] = product if k < STIRLING_FROM else 1.0


@njit(cache=True, error_model="numpy", nogil=True)
def total_fits(totals: FloatArray, growths: FloatArray, fits: FloatArray) -> None:
    """Fill `fits` (spreads,) with the mean gamma log-likelihood of totals for each level spread.

    `totals` (5, origins) are actual and expected units, the variance of noise, exp(doubt^2) - 1 and
    weights. A total x of mean m and variance v has shape k = m^2 / v and scale v / m, so that its
    log-likelihood is k (log r + 1 - r) - log x + log(k) / 2 - log(2 pi) / 2 - c(k), with r = x / m
    and c the correction of Stirling's formula; below STIRLING_FROM, k is moved up by SHIFT.
    """
    size = totals.shape[1]
    expected, noise, wobble, weight = totals[1], totals[2], totals[3], totals[4]
    work, shape, logs = np.empty((2, size)), np.empty(size), np.empty((3, size))
    gain, log_units = np.empty(size), np.empty(size)
    whole = 0.0
    for at in range(size):
        whole += weight[at]
        units = totals[0, at] if totals[0, at] > LEAST_UNITS else LEAST_UNITS
        log_units[at] = math.log(units)
        ratio = units / expected[at]
        gain[at] = log_units[at] - math.log(expected[at]) + 1.0 - ratio
    for place in range(growths.size):
        growth, fit = growths[place], 0.0
        for at in range(size):
            square = expected[at] * expected[at]
            level = (growth + wobble[at] + growth * wobble[at]) * square
            shape[at] = square / (noise[at] + level + 1e-9)
        work[0] = shape
        log_each(work[0], logs[0])
        _products(shape, work[0])
        log_each(work[0], logs[1])
        for at in range(size):
            work[1, at] = shape[at] + SHIFT
        log_each(work[1], logs[2])
        _gamma_logs(shape, logs[0], logs[1], logs[2], work[0])
        for at in range(size):
            told = shape[at] * gain[at] - log_units[at] - HALF_LOG_TWO_PI + work[0, at]
            fit += weight[at] * told
        fits[place] = fit / whole


@njit(cache=True, error_model="numpy", nogil=True)
def _gamma_logs(
    shape: FloatArray,
    log_shape: FloatArray,
    log_product: FloatArray,
    log_moved: FloatArray,
    parts: FloatArray,
) -> None:
    """Fill `parts` with k log k - k - log Gamma(k) + log(2 pi) / 2 of each shape k.

    `log_product` is of k (k + 1) ... up to `log_moved`'s k + SHIFT.
    """
    for at in range(shape.size):
        k = shape[at]
        moved = k + SHIFT
        large = k >= STIRLING_FROM
        missing = _correction(k if large else moved)
        near = log_product[at] - (moved - 0.5) * log_moved[at] + k * log_shape[at] + SHIFT
        parts[at] = (0.5 * log_shape[at] if large else near) - missing
