"""The valley of a multiplicative fit: scale the trend down and its seasons up, and little changes.

Where the columns can make up a constant (a weekday that never comes, less than a year seen), the
loss along that curve is moved by the priors alone, and straight steps follow it slowly. Here the
best point of the curve is found outright: with X c = 1 the fit is the same for every a > 0 at
(k, m, delta)/a and a (beta + c) - c, and the priors are convex in a.
"""

import numpy as np
from numba import njit

from core_modules.batch_prophet.dense_solves import FAST, cholesky, solve_factored
from core_modules.batch_prophet.newton_terms import weighted_gram
from core_modules.batch_prophet.problem import (
    RIDGE,
    FloatArray,
    IntArray,
    Problem,
    State,
    best_variance,
    noise_loss,
    prior_loss,
    trend_line,
)

WIDEST = 20.0  # the largest factor between the old scale and the new one


@njit(cache=True, nogil=True, fastmath=FAST)
def rescale(problem: Problem, state: State, live: IntArray) -> None:
    """Move each live fit along its valley where that lowers the loss."""
    for n in live:
        shift = _constant_of(problem, state, n)
        scale = _best_scale(problem, state, n, shift)
        for _attempt in range(4):
            if abs(np.log(scale)) < 1e-3 or _accepted(problem, state, n, shift, scale):
                break
            scale = scale**0.25


@njit(cache=True, nogil=True, fastmath=FAST)
def _constant_of(problem: Problem, state: State, n: int) -> FloatArray:
    """Return c with X c nearest to 1 where the trend is large, (Km,)."""
    days, km = problem.multiplied.shape
    columns = problem.precision.size
    gram = np.zeros((columns, columns))
    weighted_gram(problem, state.trend[n], gram)
    weights = np.empty(days)
    for i in range(days):
        weights[i] = state.trend[n, i] * state.trend[n, i]
    shift: FloatArray = np.dot(weights, problem.multiplied)
    for j in range(km):
        gram[j, j] += state.variance[n] * problem.precision[j]
    if not cholesky(gram, km):
        return np.zeros(km)
    solve_factored(gram, km, shift)
    return shift


@njit(cache=True, nogil=True, fastmath=FAST)
def _best_scale(problem: Problem, state: State, n: int, shift: FloatArray) -> float:
    """Return the a that the priors like best, by bisection of their slope in log a."""
    squares = RIDGE * (state.slope[n] ** 2 + state.offset[n] ** 2)
    absolute = 0.0
    for j in range(problem.changes.size):
        absolute += abs(state.change[n, j]) / problem.tau
    curve, pull = 0.0, 0.0
    for j in range(shift.size):
        moved = state.beta[n, j] + shift[j]
        curve += problem.precision[j] * moved * moved
        pull += problem.precision[j] * moved * shift[j]
    low, high = -np.log(WIDEST), np.log(WIDEST)
    for _halving in range(40):
        middle = 0.5 * (low + high)
        scale = np.exp(middle)
        if -squares / scale**3 - absolute / scale**2 + curve * scale - pull > 0.0:
            high = middle
        else:
            low = middle
    return float(np.exp(0.5 * (low + high)))


@njit(cache=True, nogil=True, fastmath=FAST)
def _accepted(problem: Problem, state: State, n: int, shift: FloatArray, scale: float) -> bool:
    """Move to the scale if the loss is lower there, data and priors together."""
    days, km = problem.multiplied.shape
    beta, change = state.beta[n].copy(), state.change[n] / scale
    for j in range(km):
        beta[j] = scale * (beta[j] + shift[j]) - shift[j]
    slope, offset = state.slope[n] / scale, state.offset[n] / scale
    line, gain = np.empty(days), np.dot(problem.multiplied, beta[:km])
    trend_line(problem, slope, offset, change, line)
    squares = 0.0
    for i in range(days):
        gain[i] += 1.0
        error = state.error[n, i] + state.trend[n, i] * state.gain[n, i] - line[i] * gain[i]
        squares += error * error
    loss = noise_loss(squares, days) + prior_loss(problem, slope, offset, change, beta)
    if not loss < state.loss[n]:
        return False
    for i in range(days):
        state.error[n, i] += state.trend[n, i] * state.gain[n, i] - line[i] * gain[i]
        state.line[n, i], state.trend[n, i], state.gain[n, i] = line[i], line[i], gain[i]
    state.slope[n], state.offset[n] = slope, offset
    state.change[n], state.beta[n] = change, beta
    state.variance[n], state.loss[n] = best_variance(squares, days), loss
    return True
