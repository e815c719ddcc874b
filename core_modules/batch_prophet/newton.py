"""Proximal Newton for a chunk of fits that share a calendar, in numba.

Each step solves the quadratic model of the loss with delta's absolute prior kept as it is: the
other parameters, log sigma among them, are eliminated by a Cholesky factor, the changepoints are
a lasso on what remains, and a line search with sigma at its best accepts the step.
"""

import numpy as np
from numba import njit

from core_modules.batch_prophet.dense_solves import FAST, cholesky, lasso
from core_modules.batch_prophet.line_search import advance
from core_modules.batch_prophet.newton_terms import (
    column_slopes,
    cross_sums,
    residual_of,
    trend_powers,
    trend_slopes,
    trend_sums,
    weighted_gram,
)
from core_modules.batch_prophet.problem import (
    FLAT,
    LOGISTIC,
    RIDGE,
    FloatArray,
    IntArray,
    Problem,
    State,
    fill_state,
)
from core_modules.batch_prophet.trend_scale import rescale

ATTEMPTS = 15  # at a positive Hessian, each more damped than the one before
LEAST_DAMPING = 1e-6  # share of the Hessian's diagonal added to it
GAUSS = 2  # the first attempt that takes the errors at their present size
PATIENCE = 5  # steps after which a fit may be in the valley that `trend_scale` describes


@njit(cache=True, nogil=True, fastmath=FAST)
def newton(
    problem: Problem,
    y: FloatArray,
    caps: FloatArray,
    state: State,
    aims: FloatArray,
    most: int,
    residuals: FloatArray,
    steps: IntArray,
) -> None:
    """Minimise the loss of every row of y (fits, days) from where `state` stands.

    `aims` (fits,) are the residuals at which a fit is done; `residuals` and `steps` (fits,) are
    written. A fit whose line search fails stops where it is, with the residual it has.
    """
    fill_state(problem, y, caps, state)
    columns, changes = problem.precision.size, problem.changes.size
    live = np.arange(y.shape[0])
    sums = np.empty((live.size, changes + 1, 5))
    trend = np.empty((live.size, 2 + changes))
    constant = np.zeros((columns, columns))
    km = problem.multiplied.shape[1]
    constant[km:, km:] = np.dot(problem.added.T, problem.added)
    for step in range(most + 1):
        if step >= PATIENCE and km and problem.kind != LOGISTIC:
            rescale(problem, state, live)
        slopes = column_slopes(problem, state, live)
        count = 0
        kept = np.empty((live.size, columns))
        for a in range(live.size):
            n = live[a]
            trend_sums(problem, state, n, sums[count])
            trend_slopes(problem, state, n, sums[count], trend[count])
            residuals[n] = residual_of(problem, state, n, slopes[a], trend[count])
            steps[n] = step
            if residuals[n] > aims[n]:
                kept[count] = slopes[a]
                live[count] = n
                count += 1
        live = live[:count].copy()
        if count == 0 or step == most:
            break
        moves = _directions(problem, state, live, sums, trend, kept, constant, step == 0)
        live = advance(problem, y, caps, state, live, moves)


@njit(cache=True, nogil=True, fastmath=FAST)
def _directions(
    problem: Problem,
    state: State,
    live: IntArray,
    sums: FloatArray,
    trend: FloatArray,
    slopes: FloatArray,
    constant: FloatArray,
    gauss: bool,
) -> FloatArray:
    """Return each live fit's step (k, m, delta, beta) and the decrease it promises, last."""
    columns, changes, km = problem.precision.size, problem.changes.size, problem.multiplied.shape[1]
    zeroth, first = cross_sums(problem, state, live, gauss)
    packed, mixed = np.empty((0, 0)), np.empty((0, 0))
    if problem.moments.size:
        squared, plain = trend_powers(problem, state, live)
        packed, mixed = np.dot(squared, problem.moments), np.dot(plain, problem.mixed_moments)
    size = columns + 3 + changes
    whole, gram = np.empty((size, size)), np.empty((columns, columns))
    moves = np.empty((live.size, 3 + changes + columns))
    for a in range(live.size):
        gram[:] = constant
        if problem.moments.size:
            entry = 0
            for i in range(km):
                for j in range(i + 1):
                    gram[i, j] = packed[a, entry]
                    entry += 1
            for i in range(km):
                for j in range(columns - km):
                    gram[km + j, i] = mixed[a, i * (columns - km) + j]
        elif km:
            weighted_gram(problem, state.trend[live[a]], gram)
        moves[a, :] = 0.0
        chosen = np.arange(changes)
        for attempt in range(GAUSS if gauss else 0, ATTEMPTS):
            if attempt > 0:
                chosen = _bending(problem, state, live[a], trend[a])
            damping = 0.0 if attempt < 3 else LEAST_DAMPING * 8.0 ** (attempt - 3)
            _hessian(
                problem,
                state,
                live[a],
                sums[a],
                slopes[a],
                trend[a],
                gram,
                zeroth[:, a],
                first[:, a],
                chosen,
                attempt < 2,
                damping,
                whole,
            )
            if cholesky(whole, columns + 3 + chosen.size):
                _solve(problem, state, live[a], slopes[a], trend[a], chosen, whole, moves[a])
                break
    return moves


@njit(cache=True, nogil=True, fastmath=FAST)
def _bending(problem: Problem, state: State, n: int, trend: FloatArray) -> IntArray:
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
def _hessian(
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
    k, m, s, d = columns, columns + 1, columns + 2, columns + 3
    variance, days = state.variance[n], problem.times.size
    for i in range(columns):
        for j in range(i + 1):
            whole[i, j] = gram[i, j]
        whole[i, i] += variance * problem.precision[i]
    w0, w1, w2 = sums[0, 0], sums[0, 1], sums[0, 2]
    # By the line's own slope and level first; logistic growth turns them into k and m below.
    by_k, by_m, bend = 0.0, 1.0, 0.0
    if problem.kind == LOGISTIC:
        by_k, by_m, bend = -state.offset[n], -state.slope[n], sums[0, 3]
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
        for j in range(columns):
            whole[k, j] = 0.0
        whole[k, k], whole[m, k] = 1.0, 0.0
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
    if damping > 0.0:
        for i in range(columns + 3 + chosen.size):
            whole[i, i] += damping * abs(whole[i, i])


@njit(cache=True, nogil=True, fastmath=FAST)
def _solve(
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
