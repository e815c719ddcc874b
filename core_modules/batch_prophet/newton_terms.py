"""Gradient and Hessian of the fits of a chunk, at what Newton's step for each of them needs.

Everything is of variance times the loss, which keeps the Gram matrices free of sigma. The trend
enters through hinges, so sums over segments of the trend, run together from the right, give every
product with it without a column of hinges ever being formed.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from core_modules.batch_prophet.dense_solves import FAST
from core_modules.batch_prophet.problem import (
    FLAT,
    LOGISTIC,
    RIDGE,
    FloatArray,
    IntArray,
    Problem,
    State,
)


@njit(cache=True, nogil=True, fastmath=FAST)
def column_slopes(problem: Problem, state: State, live: IntArray) -> FloatArray:
    """Return the gradient by beta, prior included, (live, Km + Ka)."""
    count, days, km = live.size, problem.times.size, problem.multiplied.shape[1]
    scaled, plain = np.empty((count, days)), np.empty((count, days))
    for a in range(count):
        n = live[a]
        for i in range(days):
            plain[a, i] = state.error[n, i]
            scaled[a, i] = state.error[n, i] * state.trend[n, i]
    found = np.empty((count, problem.precision.size))
    if km:
        found[:, :km] = np.dot(scaled, problem.multiplied)
    if km < found.shape[1]:
        found[:, km:] = np.dot(plain, problem.added)
    for a in range(count):
        n = live[a]
        for j in range(found.shape[1]):
            pull = state.variance[n] * problem.precision[j] * state.beta[n, j]
            found[a, j] = pull - found[a, j]
    return found


@njit(cache=True, nogil=True, fastmath=FAST)
def trend_sums(problem: Problem, state: State, n: int, sums: FloatArray) -> None:
    """Write sums from each segment on: of w, wt, wt^2 (Hessian) and of v, vt (minus gradient)."""
    last = problem.bounds.size - 2
    for s in range(last, -1, -1):
        w0, w1, w2, v0, v1 = 0.0, 0.0, 0.0, 0.0, 0.0
        for i in range(problem.bounds[s], problem.bounds[s + 1]):
            t, gain, error = problem.times[i], state.gain[n, i], state.error[n, i]
            weight, pull = gain * gain, error * gain
            if problem.kind == LOGISTIC:
                rise, bend = logistic_rise(state.line[n, i], state.trend[n, i])
                weight, pull = weight * rise * rise - pull * bend, pull * rise
            w0 += weight
            w1 += weight * t
            w2 += weight * t * t
            v0 += pull
            v1 += pull * t
        sums[s, 0], sums[s, 1], sums[s, 2], sums[s, 3], sums[s, 4] = w0, w1, w2, v0, v1
        if s < last:
            for p in range(5):
                sums[s, p] += sums[s + 1, p]


@njit(cache=True, nogil=True, fastmath=FAST)
def logistic_rise(u: float, trend: float) -> tuple[float, float]:
    """Return the first and second derivative of cap/(1 + exp(-u)) by u."""
    share = 1.0 / (1.0 + np.exp(-u))
    rise = trend * (1.0 - share)
    return rise, rise * (1.0 - 2.0 * share)


@njit(cache=True, nogil=True, fastmath=FAST)
def trend_slopes(
    problem: Problem, state: State, n: int, sums: FloatArray, found: FloatArray
) -> None:
    """Write the gradient by k, m and each delta (without its own prior), (2 + changepoints,)."""
    variance, slope, offset = state.variance[n], state.slope[n], state.offset[n]
    v0, v1 = sums[0, 3], sums[0, 4]
    if problem.kind == LOGISTIC:
        found[0] = -(v1 - offset * v0) + variance * RIDGE * slope
        found[1] = slope * v0 + variance * RIDGE * offset
    else:
        found[0] = 0.0 if problem.kind == FLAT else -v1 + variance * RIDGE * slope
        found[1] = -v0 + variance * RIDGE * offset
    for j in range(problem.changes.size):
        found[2 + j] = -(sums[j + 1, 4] - problem.changes[j] * sums[j + 1, 3])


@njit(cache=True, nogil=True, fastmath=FAST)
def residual_of(
    problem: Problem, state: State, n: int, columns: FloatArray, trend: FloatArray
) -> float:
    """Return the infinity norm of the loss's (sub)gradient; sigma's is zero, being the best."""
    worst, variance, price = 0.0, state.variance[n], 1.0 / problem.tau
    for j in range(columns.size):
        worst = max(worst, abs(columns[j]) / variance)
    for j in range(2):
        worst = max(worst, abs(trend[j]) / variance)
    for j in range(problem.changes.size):
        slope = trend[2 + j] / variance
        change = state.change[n, j]
        if change > 0.0:
            worst = max(worst, abs(slope + price))
        elif change < 0.0:
            worst = max(worst, abs(slope - price))
        else:
            worst = max(worst, abs(slope) - price)
    return worst


@njit(cache=True, nogil=True, fastmath=FAST)
def cross_sums(
    problem: Problem, state: State, live: IntArray, gauss: bool
) -> tuple[FloatArray, FloatArray]:
    """Return sums from each segment on of v x and v t x, (segments, live, Km + Ka) each.

    v is the derivative of the error's product with a column by the trend's line; with `gauss`
    (Gauss and Newton) without the error itself, which keeps the Hessian positive.
    """
    count, days, km = live.size, problem.times.size, problem.multiplied.shape[1]
    columns, segments = problem.precision.size, problem.bounds.size - 1
    zeroth = np.zeros((segments, count, columns))
    first = np.zeros((segments, count, columns))
    weights = np.empty((2, count, days))
    share = 0.0 if gauss else 1.0
    for part in range(2):
        matrix = problem.multiplied if part == 0 else problem.added
        if matrix.shape[1] == 0:
            continue
        low, high = (0, km) if part == 0 else (km, columns)
        for a in range(count):
            n = live[a]
            for i in range(days):
                gain = state.gain[n, i]
                value = gain * state.trend[n, i] - share * state.error[n, i] if part == 0 else gain
                if problem.kind == LOGISTIC:
                    value *= logistic_rise(state.line[n, i], state.trend[n, i])[0]
                weights[0, a, i] = value
                weights[1, a, i] = value * problem.times[i]
        for s in range(segments):
            lo, hi = problem.bounds[s], problem.bounds[s + 1]
            if lo < hi:
                rows = matrix[lo:hi]
                zeroth[s, :, low:high] = np.dot(np.ascontiguousarray(weights[0, :, lo:hi]), rows)
                first[s, :, low:high] = np.dot(np.ascontiguousarray(weights[1, :, lo:hi]), rows)
    for s in range(segments - 2, -1, -1):
        zeroth[s] += zeroth[s + 1]
        first[s] += first[s + 1]
    return zeroth, first


@njit(cache=True, nogil=True, fastmath=FAST)
def trend_powers(problem: Problem, state: State, live: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return each segment's coefficients of 1, t, t^2 in trend^2, and of 1, t in the trend."""
    segments = problem.changes.size + 1
    squared, plain = np.empty((live.size, 3 * segments)), np.empty((live.size, 2 * segments))
    for a in range(live.size):
        n = live[a]
        slope = 0.0 if problem.kind == FLAT else state.slope[n]
        level = state.offset[n]
        for s in range(segments):
            if s > 0:
                slope += state.change[n, s - 1]
                level -= state.change[n, s - 1] * problem.changes[s - 1]
            squared[a, 3 * s] = level * level
            squared[a, 3 * s + 1] = 2.0 * level * slope
            squared[a, 3 * s + 2] = slope * slope
            plain[a, 2 * s], plain[a, 2 * s + 1] = level, slope
    return squared, plain


@njit(cache=True, nogil=True, fastmath=FAST)
def weighted_gram(problem: Problem, trend: FloatArray, found: FloatArray) -> None:
    """Write the products of the columns, multiplied ones times the trend, lower triangle."""
    days, km = problem.multiplied.shape
    scaled = np.empty((days, km))
    for i in range(days):
        for j in range(km):
            scaled[i, j] = problem.multiplied[i, j] * trend[i]
    half = km // 2
    if km:
        found[:half, :half] = np.dot(scaled[:, :half].T.copy(), scaled[:, :half].copy())
        found[half:km, :km] = np.dot(scaled[:, half:].T.copy(), scaled)
    if km < found.shape[0]:
        found[km:, :km] = np.dot(problem.added.T, scaled)


def packed_places(columns: int) -> NDArray[np.int64]:
    """Return where the lower triangle's entries lie when packed row by row, (2, entries)."""
    return np.array(np.tril_indices(columns), dtype=np.int64)


def column_moments(problem: Problem) -> Problem:
    """Return the problem with the moments by which a whole chunk's Gram matrices are one product.

    In a segment the trend is a straight line, so the sum of trend^2 x x' over it has three terms.
    """
    km = problem.multiplied.shape[1]
    rows, cols = packed_places(km)
    pure: list[FloatArray] = []
    mixed: list[FloatArray] = []
    for low, high in zip(problem.bounds[:-1], problem.bounds[1:], strict=True):
        part, times = problem.multiplied[low:high], problem.times[low:high, None]
        pure += [((part * times**power).T @ part)[rows, cols] for power in range(3)]
        added = problem.added[low:high]
        mixed += [((part * times**power).T @ added).ravel() for power in range(2)]
    return problem._replace(
        moments=np.ascontiguousarray(pure), mixed_moments=np.ascontiguousarray(mixed)
    )
