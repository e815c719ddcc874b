"""Compiled inversion of counting laws: sums, tables and a rounded expansion that agree exactly."""

import math
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from numba import njit

FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.int64]

SMOOTH_FROM_SD = 12.0  # units; from here on the Pearson III law nearly always names the integer
SMOOTH_FROM_SHAPE = 4.0  # of that law; below, its expansion is too rough
SMOOTH_REACH = 4.0  # sds; further out probabilities are summed
SERIES_REACH = 0.3  # |eta| up to which Temme's series alone is good to 1e-9
TABLE_SIZE = 1 << 16  # entries of the working table
TABLE_TAIL = 1 - 1e-9  # where tables end; the few beyond are summed on
TAIL_STEPS = 15.0  # tail of a table in units of variance over mean, about
LOW_TAIL = 9.0  # sds below its mean a negative binomial holds less than 1e-18
NEGLIGIBLE = 1e-18  # a term this small changes no sum of probabilities in double precision
STIRLING_FROM = 100.0  # shapes from which Stirling's series is used, since lgamma cancels


@njit(cache=True)
def _start(mean: float, shape: float) -> tuple[int, float]:
    """Return the demand from which the law matters, and its probability there."""
    sd = math.sqrt(mean + mean * mean / shape)
    k = max(0, math.floor(mean - LOW_TAIL * sd))
    log_p = -mean if shape == math.inf else -shape * math.log1p(mean / shape)
    if k == 0:
        return k, math.exp(log_p)
    if shape == math.inf:
        log_p += k * math.log(mean) - math.lgamma(k + 1.0)
    elif shape < STIRLING_FROM:
        log_p += math.lgamma(k + shape) - math.lgamma(shape) - math.lgamma(k + 1.0)
        log_p += k * math.log(mean / (shape + mean))
    else:
        log_p += (shape + k - 0.5) * math.log1p(k / shape) - k * math.log1p(mean / shape)
        log_p += k * math.log(mean) - k - math.lgamma(k + 1.0)
        for x, sign in ((shape + k, 1.0), (shape, -1.0)):
            log_p += sign * (1 / 12 - (1 / 360 - 1 / (1260 * x * x)) / (x * x)) / x
    return k, math.exp(log_p)


@njit(cache=True)
def _ratio(mean: float, shape: float) -> tuple[float, float]:
    """Return a and b of P(k+1) / P(k) = (a + b k) / (k + 1), good at shape `inf` too."""
    b = mean / shape / (1 + mean / shape)
    return mean / (1 + mean / shape), b


@njit(cache=True)
def _sum_on(u: float, mean: float, shape: float, k: int, p: float, total: float) -> int:
    """Return the quantile from the sum `total` of the probabilities up to `k`, the last being p."""
    a, b = _ratio(mean, shape)
    while total < u and not (p < NEGLIGIBLE and k > mean):
        p *= (a + b * k) / (k + 1)
        k += 1
        total += p
    return k


@njit(cache=True)
def _sum_up(u: float, mean: float, shape: float) -> int:
    k, p = _start(mean, shape)
    return _sum_on(u, mean, shape, k, p, p)


@njit(cache=True)
def _gamma_ratio(eta: float) -> float:
    """Return x / shape of the gamma law where `eta**2 / 2 = x - 1 - log(x)`, sign as x - 1."""
    tail = eta * (1 / 270 - eta * (1 / 4320 + eta * (1 / 17010 - eta * 139 / 5443200)))
    x = 1 + eta * (1 + eta * (1 / 3 + eta * (1 / 36 - tail)))
    if abs(eta) > SERIES_REACH:  # one step of Newton's method
        x -= (x - 1 - math.log(x) - 0.5 * eta * eta) * x / (x - 1)
    return x


@njit(cache=True)
def _gamma_quantile(z: float, shape: float) -> float:
    """Return the standardised gamma quantile of the normal score `z`.

    Temme's uniform expansion with its later terms cut short. Against scipy's inverse, for shapes
    of 4 and more and |z| up to 4, the error stays within (0.0025 + 0.0023 |z|^3) / shape^3.
    """
    eta = z / math.sqrt(shape)
    if abs(eta) > 0.1:
        first = math.log(eta / (_gamma_ratio(eta) - 1)) / eta
    else:
        first = -1 / 3 + eta * (1 / 36 + eta * (1 / 1620 - eta * 7 / 6480))
    second = -7 / 405 - eta * (7 / 2592 - eta * 533 / 204120)
    eta += (first + (second + 449 / 102060 / shape) / shape) / shape
    return (_gamma_ratio(eta) - 1) * math.sqrt(shape)


@njit(cache=True)
def gamma_quantiles(z: FloatArray, shape: FloatArray) -> FloatArray:
    """Return the standardised gamma quantile of each normal score, both (n,)."""
    quantiles = np.empty(z.size)
    for i in range(z.size):
        quantiles[i] = _gamma_quantile(z[i], shape[i])
    return quantiles


@njit(cache=True)
def _find_one(u: float, z: float, mean: float, shape: float) -> int:
    """Return the quantile: rounded where no doubt is left, else by summing.

    The Cornish-Fisher expansion corrects the Pearson III quantile by the kurtosis it lacks,
    -(z^3 - 3 z) / (48 sd) units, and by the lattice, z / (24 sd). The doubt is twice the largest
    error left, found by comparing with sums over means of 13 to 20,000 and shapes of 1 to `inf`.
    """
    sd = math.sqrt(mean + mean * mean / shape)
    skewness = (1 + 2 * mean / shape) / sd
    gamma_shape = 4 / (skewness * skewness)
    if sd < SMOOTH_FROM_SD or gamma_shape < SMOOTH_FROM_SHAPE or abs(z) > SMOOTH_REACH:
        return _sum_up(u, mean, shape)
    smooth = mean + sd * _gamma_quantile(z, gamma_shape) - 0.5 + (5 * z - z**3) / (48 * sd)
    doubt = (0.1 + 0.12 * z**2 + 0.03 * z**4) / sd
    doubt += sd * (0.004 + 0.0036 * abs(z) ** 3) / gamma_shape**3
    above = math.ceil(smooth)
    if min(above - smooth, smooth - above + 1) < doubt:
        return _sum_up(u, mean, shape)
    return above


@njit(cache=True, nogil=True)
def find_each(
    u: FloatArray, z: FloatArray, mean: FloatArray, shape: FloatArray, demand: IntArray
) -> None:
    """Write the quantile of each element's own law; every array has three axes of one shape.

    `z` holds the normal scores of `u`; it is not read where no law is as wide as SMOOTH_FROM_SD.
    """
    for i in range(u.shape[0]):
        for path in range(u.shape[1]):
            for day in range(u.shape[2]):
                at = (i, path, day)
                if mean[at] > 0:
                    demand[at] = _find_one(u[at], z[at], mean[at], shape[at])


@njit(cache=True, nogil=True)
def sum_each(
    u: FloatArray, mean: FloatArray, shape: FloatArray, none: FloatArray, demand: IntArray
) -> int:
    """Write the quantiles of laws of mean (paths, days) and shape (days,) by summing.

    `none` is the chance of no demand. Where a law is as wide as SMOOTH_FROM_SD, for which
    `find_each` knows more ways, -1 is written; return how many those are.
    """
    wide, widest = 0, SMOOTH_FROM_SD * SMOOTH_FROM_SD
    for path in range(u.shape[0]):
        for day in range(u.shape[1]):
            m, s, wanted = mean[path, day], shape[day], u[path, day]
            variance = m + m * m / s
            if variance >= widest:
                demand[path, day] = -1
                wide += 1
            elif m <= 0 or wanted <= none[path, day]:
                demand[path, day] = 0
            elif m * m >= LOW_TAIL * LOW_TAIL * variance:  # sums begin above 0
                demand[path, day] = _sum_up(wanted, m, s)
            else:
                p = none[path, day]
                demand[path, day] = _sum_on(wanted, m, s, 0, p, p)
    return wide


@njit(cache=True, nogil=True)
def mean_and_variance(rising: FloatArray, mean: float, shape: float) -> tuple[float, float]:
    """Return mean and variance of a law's quantiles at rising probabilities, in one sum upwards."""
    k, p = _start(mean, shape)
    a, b = _ratio(mean, shape)
    total, whole, square = p, 0.0, 0.0
    for wanted in rising:
        while total < wanted and not (p < NEGLIGIBLE and k > mean):
            p *= (a + b * k) / (k + 1)
            k += 1
            total += p
        whole += k
        square += float(k) * k
    average = whole / rising.size
    return average, max(square / rising.size - average * average, 0.0)


@njit(cache=True)
def _fill_table(
    mean: float, shape: float, table: FloatArray, guide: npt.NDArray[np.int32]
) -> tuple[int, int, float]:
    """Write the distribution function up to its tail, and where each slice of [0, 1) begins in it.

    Return the demand of the first entry, the number of entries, as many as slices, and the
    probability of the last.
    """
    first, p = _start(mean, shape)
    a, b = _ratio(mean, shape)
    k, total, size = first, p, 1
    table[0] = total
    while total < TABLE_TAIL and size < table.size:
        p *= (a + b * k) / (k + 1)
        k += 1
        total += p
        table[size] = total
        size += 1
    filled = 0
    for entry in range(size):
        while filled < size and table[entry] * size >= filled:
            guide[filled] = entry
            filled += 1
    while filled < size:
        guide[filled] = size - 1
        filled += 1
    return first, size, p


@njit(cache=True, nogil=True)
def look_up(u: FloatArray, mean: FloatArray, shape: FloatArray, demand: IntArray) -> None:
    """Write the quantiles of laws (lead, days) shared by all paths of `u` (lead, paths, days)."""
    table = np.empty(TABLE_SIZE)
    guide = np.empty(TABLE_SIZE, dtype=np.int32)
    paths = u.shape[1]
    for i in range(u.shape[0]):
        for day in range(u.shape[2]):
            m, s = mean[i, day], shape[i, day]
            if m == 0:
                continue
            steps = min(m, LOW_TAIL * math.sqrt(m + m * m / s))
            if paths * steps < steps + TAIL_STEPS * (1 + m / s) + math.sqrt(m):
                for path in range(paths):
                    demand[i, path, day] = _sum_up(u[i, path, day], m, s)
                continue
            first, size, last = _fill_table(m, s, table, guide)
            for path in range(paths):
                wanted = u[i, path, day]
                if wanted > table[size - 1]:
                    end = first + size - 1
                    demand[i, path, day] = _sum_on(wanted, m, s, end, last, table[size - 1])
                    continue
                entry = guide[int(wanted * size)]
                while table[entry] < wanted:
                    entry += 1
                demand[i, path, day] = first + entry
