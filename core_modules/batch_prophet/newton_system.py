"""The linear system of one Newton step: written, and solved with delta's absolute prior kept.

The order is beta, k, m, log sigma, then the deltas; everything is variance times the loss.
"""

import numpy as np
from numba import njit

from core_modules.batch_prophet.dense_solves import FAST, lasso
from core_modules.batch_prophet.problem import (
    FLAT,
    LOGISTIC,
    RIDGE,
    FloatArray,
    IntArray,
    Problem,
    State,
)

LEAST_SLOPE = 1e-6  # size of a logistic k below which k and m move straight


@njit(cache=True, nogil=True, fastmath=FAST)
def bending_changes(problem: Problem, state: State, n: int, trend: FloatArray) -> IntArray:
    """Return the changepoints that are in use or ask to be; the prior holds the others at zero.

    The loss may curve down along those, and a fit is none the worse for it.
    """
    price = state.variance[n] / problem.tau
    found = np.empty(problem.changes.size, np.int64)
    count = 0
    for j in range(found.size):
        if state.change[n, j] != 0.0 or abs(trend[2 + j]) > price:
            found[count] = j
            count += 1
    return found[:count].copy()


@njit(cache=True, nogil=True, fastmath=FAST)
def write_hessian(
    problem: Problem,
    state: State,
    n: int,
    sums: FloatArray,
    slopes: FloatArray,
    trend: FloatArray,
    gram: FloatArray,
    zeroth: FloatArray,
    first: FloatArray,
    chosen: IntArray,
    coupled: bool,
    damping: float,
    whole: FloatArray,
) -> None:
    """Write the lower triangle in the order beta, k, m, log sigma, the chosen deltas."""
    columns = problem.precision.size
    k, m, d = columns, columns + 1, columns + 3
    variance = state.variance[n]
    for i in range(columns):
        for j in range(i + 1):
            whole[i, j] = gram[i, j]
        whole[i, i] += variance * problem.precision[i]
    w0, w1, w2 = sums[0, 0], sums[0, 1], sums[0, 2]
    # By the line's own slope and level first; logistic growth turns them into k and m below.
    by_k, by_m, bend = 0.0, 1.0, 0.0
    if problem.kind == LOGISTIC:
        by_k, by_m, bend = -state.offset[n], -state.slope[n], _bend(state, n, sums[0, 3])
    for j in range(columns):
        whole[k, j] = first[0, j] + by_k * zeroth[0, j]
        whole[m, j] = by_m * zeroth[0, j]
    whole[k, k] = w2 + 2.0 * by_k * w1 + by_k * by_k * w0 + variance * RIDGE
    whole[m, k] = by_m * (w1 + by_k * w0) + bend
    whole[m, m] = by_m * by_m * w0 + variance * RIDGE
    for row in range(chosen.size):
        j = chosen[row]
        at = problem.changes[j]
        r0, r1, r2 = sums[j + 1, 0], sums[j + 1, 1], sums[j + 1, 2]
        for i in range(columns):
            whole[d + row, i] = first[j + 1, i] - at * zeroth[j + 1, i]
        whole[d + row, k] = r2 - at * r1 + by_k * (r1 - at * r0)
        whole[d + row, m] = by_m * (r1 - at * r0)
        for i in range(row + 1):
            earlier = problem.changes[chosen[i]]
            whole[d + row, d + i] = r2 - (at + earlier) * r1 + at * earlier * r0
    if problem.kind == FLAT:
        whole[k, :columns], whole[k, k], whole[m, k] = 0.0, 1.0, 0.0
    _write_sigma(problem, state, n, slopes, trend, chosen, coupled, whole)
    for i in range(columns + 3 + chosen.size):
        whole[i, i] += damping * abs(whole[i, i])


@njit(cache=True, nogil=True, fastmath=FAST)
def _bend(state: State, n: int, pull: float) -> float:
    """Return the entry by k and m that a logistic step's own bend brings.

    The line search moves k m straight, so the step bends m, which its prior feels, and not u.
    """
    if abs(state.slope[n]) > LEAST_SLOPE:
        return float(-state.variance[n] * RIDGE * state.offset[n] / state.slope[n])
    return pull


@njit(cache=True, nogil=True, fastmath=FAST)
def _write_sigma(
    problem: Problem,
    state: State,
    n: int,
    slopes: FloatArray,
    trend: FloatArray,
    chosen: IntArray,
    coupled: bool,
    whole: FloatArray,
) -> None:
    """Write the row and column of log sigma; without `coupled` it stands apart."""
    columns, days, variance = problem.precision.size, problem.times.size, state.variance[n]
    k, m, s, d = columns, columns + 1, columns + 2, columns + 3
    # Squares of the errors follow from the best sigma: SSE = variance (T + 4 variance).
    whole[s, s] = 2.0 * variance * days + 16.0 * variance * variance
    link = -2.0 if coupled else 0.0
    for j in range(columns):
        whole[s, j] = link * (slopes[j] - variance * problem.precision[j] * state.beta[n, j])
    whole[s, k] = link * (trend[0] - variance * RIDGE * state.slope[n])
    whole[s, m] = link * (trend[1] - variance * RIDGE * state.offset[n])
    if problem.kind == FLAT:
        whole[s, k] = 0.0
    for row in range(chosen.size):
        whole[d + row, s] = link * trend[2 + chosen[row]]


@njit(cache=True, nogil=True, fastmath=FAST)
def write_step(
    problem: Problem,
    state: State,
    n: int,
    slopes: FloatArray,
    trend: FloatArray,
    chosen: IntArray,
    factor: FloatArray,
    move: FloatArray,
) -> None:
    """Write the step from the factored Hessian: the lasso for delta, the rest by substitution."""
    columns, changes = problem.precision.size, problem.changes.size
    first = columns + 3
    price = state.variance[n] / problem.tau
    part = np.zeros(first)
    for i in range(first):
        total = 0.0 if i == columns + 2 else (slopes[i] if i < columns else trend[i - columns])
        for j in range(i):
            total -= factor[i, j] * part[j]
        part[i] = total / factor[i, i]
    goal = _changes(problem, state, n, trend, chosen, factor, part)
    promised = 0.0
    for row in range(chosen.size):
        j = chosen[row]
        step = goal[row] - state.change[n, j]
        move[2 + j] = step
        promised += trend[2 + j] * step + price * (abs(goal[row]) - abs(state.change[n, j]))
        for i in range(first):
            part[i] += factor[first + row, i] * step
    for i in range(first - 1, -1, -1):
        part[i] /= factor[i, i]
        for j in range(i):
            part[j] -= factor[i, j] * part[i]
    for j in range(columns):
        move[2 + changes + j] = -part[j]
        promised -= slopes[j] * part[j]
    move[0], move[1] = -part[columns], -part[columns + 1]
    promised -= trend[0] * part[columns] + trend[1] * part[columns + 1]
    move[2 + changes + columns] = promised / state.variance[n]


@njit(cache=True, nogil=True, fastmath=FAST)
def _changes(
    problem: Problem,
    state: State,
    n: int,
    trend: FloatArray,
    chosen: IntArray,
    factor: FloatArray,
    part: FloatArray,
) -> FloatArray:
    """Return where the chosen deltas go: the lasso on what the other parameters leave."""
    size, first = chosen.size, part.size
    goal, side = np.empty(size), np.empty(size)
    corner = np.zeros((size, size))
    for row in range(size):
        goal[row] = state.change[n, chosen[row]]
        side[row] = -trend[2 + chosen[row]]
        for i in range(first):
            side[row] += factor[first + row, i] * part[i]
        for i in range(row + 1):
            corner[row, i] = factor[first + row, first + i]
    if size:
        rest = np.dot(corner, corner.T)
        side += np.dot(rest, goal)
        lasso(
            rest,
            side,
            state.variance[n] / problem.tau,
            goal,
            np.empty((size, size)),
            np.empty(size),
            np.empty(size, np.int64),
            np.empty(size),
        )
    return goal
