"""Proximal Newton for a chunk of fits that share a calendar, in numba.

Each step solves the quadratic model of the loss with delta's absolute prior kept as it is: the
other parameters, log sigma among them, are eliminated by a Cholesky factor, the changepoints are
a lasso on what remains, and a line search with sigma at its best accepts the step.
"""

import numpy as np
from numba import njit

from core_modules.batch_prophet.dense_solves import FAST, cholesky
from core_modules.batch_prophet.line_search import advance
from core_modules.batch_prophet.newton_system import bending_changes, write_hessian, write_step
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
    LOGISTIC,
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
STEPS = 100  # after which a fit that is not done has failed
PATIENCE = 5  # steps after which a fit may be in the valley that `trend_scale` describes


@njit(cache=True, nogil=True, fastmath=FAST)
def newton(
    problem: Problem,
    y: FloatArray,
    caps: FloatArray,
    state: State,
    aims: FloatArray,
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
    for step in range(STEPS + 1):
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
        if count == 0 or step == STEPS:
            break
        moves = directions(problem, state, live, sums, trend, kept, constant, step == 0)
        live = advance(problem, caps, state, live, moves)


@njit(cache=True, nogil=True, fastmath=FAST)
def directions(
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
    columns, changes = problem.precision.size, problem.changes.size
    zeroth, first = cross_sums(problem, state, live, gauss)
    packed, mixed = np.empty((0, 0)), np.empty((0, 0))
    if problem.moments.size:
        squared, plain = trend_powers(problem, state, live)
        packed, mixed = np.dot(squared, problem.moments), np.dot(plain, problem.mixed_moments)
    size = columns + 3 + changes
    whole, gram = np.empty((size, size)), np.empty((columns, columns))
    moves = np.empty((live.size, 3 + changes + columns))
    for a in range(live.size):
        _write_gram(problem, state, live[a], constant, packed, mixed, a, gram)
        moves[a, :] = 0.0
        chosen = np.arange(changes)
        for attempt in range(GAUSS if gauss else 0, ATTEMPTS):
            if attempt > 0:
                chosen = bending_changes(problem, state, live[a], trend[a])
            damping = 0.0 if attempt < 3 else LEAST_DAMPING * 8.0 ** (attempt - 3)
            write_hessian(
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
                write_step(problem, state, live[a], slopes[a], trend[a], chosen, whole, moves[a])
                break
    return moves


@njit(cache=True, nogil=True, fastmath=FAST)
def _write_gram(
    problem: Problem,
    state: State,
    n: int,
    constant: FloatArray,
    packed: FloatArray,
    mixed: FloatArray,
    place: int,
    gram: FloatArray,
) -> None:
    """Write the columns' products at a fit's trend, from the moments where they were made."""
    columns, km = problem.precision.size, problem.multiplied.shape[1]
    gram[:] = constant
    if problem.moments.size == 0:
        if km:
            weighted_gram(problem, state.trend[n], gram)
        return
    entry = 0
    for i in range(km):
        for j in range(i + 1):
            gram[i, j] = packed[place, entry]
            entry += 1
        for j in range(columns - km):
            gram[km + j, i] = mixed[place, i * (columns - km) + j]
