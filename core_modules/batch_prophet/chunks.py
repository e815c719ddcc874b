"""A chunk of fits from start to checked result: on a shared calendar, or each on its own.

The residual of a fit is the infinity norm of its loss's (sub)gradient over the larger of 1 and
that norm at Prophet's own starting point: sigma 1, no seasons, a trend through both ends.
"""

import numpy as np
from numba import njit

from core_modules.batch_prophet.dense_solves import FAST
from core_modules.batch_prophet.newton import newton
from core_modules.batch_prophet.newton_terms import (
    column_slopes,
    residual_of,
    trend_slopes,
    trend_sums,
)
from core_modules.batch_prophet.problem import (
    FLAT,
    LINEAR,
    LOGISTIC,
    FloatArray,
    IntArray,
    Problem,
    State,
    fill_state,
    new_state,
)

AIM = 3e-8  # residual at which Newton's method ends; TOLERANCE is asked for
TOLERANCE = 1e-6


@njit(cache=True, nogil=True)
def prophet_start(kind: int, y: FloatArray, caps: FloatArray) -> tuple[float, float]:
    """Return the k and m from which Prophet starts, for times from 0 to 1."""
    if kind == FLAT:
        return 0.0, float(np.mean(y))
    if kind == LINEAR:
        return y[-1] - y[0], y[0]
    first = caps[0] / max(0.01 * caps[0], min(0.99 * caps[0], y[0]))
    last = caps[-1] / max(0.01 * caps[-1], min(0.99 * caps[-1], y[-1]))
    if abs(first - last) <= 0.01:
        first = 1.05 * first
    low, high = np.log(first - 1.0), np.log(last - 1.0)
    return low - high, low / (low - high)


@njit(cache=True, nogil=True, fastmath=FAST)
def gradient_norms(problem: Problem, state: State) -> FloatArray:
    """Return the infinity norm of each fit's (sub)gradient, sigma's part left out."""
    fits = state.slope.size
    slopes = column_slopes(problem, state, np.arange(fits))
    sums, trend = np.empty((problem.changes.size + 1, 5)), np.empty(2 + problem.changes.size)
    found = np.empty(fits)
    for n in range(fits):
        trend_sums(problem, state, n, sums)
        trend_slopes(problem, state, n, sums, trend)
        found[n] = residual_of(problem, state, n, slopes[n], trend)
    return found


@njit(cache=True, nogil=True, fastmath=FAST)
def start_norms(problem: Problem, y: FloatArray, caps: FloatArray) -> FloatArray:
    """Return the larger of 1 and the gradient's norm at Prophet's start, (fits,)."""
    state = new_state(problem, y.shape[0])
    for n in range(y.shape[0]):
        state.slope[n], state.offset[n] = prophet_start(problem.kind, y[n], caps[n])
    fill_state(problem, y, caps, state)
    state.variance[:] = 1.0
    found = gradient_norms(problem, state)
    for n in range(y.shape[0]):
        by_sigma = 4.0 + y.shape[1] - np.dot(state.error[n], state.error[n])
        found[n] = max(1.0, found[n], abs(by_sigma))
    return found


@njit(cache=True, nogil=True, fastmath=FAST)
def cold_start(
    problem: Problem, y: FloatArray, caps: FloatArray, state: State, attempt: int
) -> None:
    """Start where the trend is the mean; a logistic one through both thirds, or as Prophet does."""
    for n in range(y.shape[0]):
        if problem.kind != LOGISTIC:
            state.offset[n] = np.mean(y[n])
        elif attempt == 0:
            state.slope[n], state.offset[n] = _thirds_start(y[n], caps[n])
        else:
            state.slope[n], state.offset[n] = prophet_start(LOGISTIC, y[n], caps[n])


@njit(cache=True, nogil=True)
def _thirds_start(y: FloatArray, caps: FloatArray) -> tuple[float, float]:
    """Return the k and m of a logistic trend through the means of the first and last third."""
    third = max(y.size // 3, 1)
    first = float(np.mean(y[:third]) / np.mean(caps[:third]))
    last = float(np.mean(y[-third:]) / np.mean(caps[-third:]))
    first, last = min(max(first, 0.02), 0.98), min(max(last, 0.02), 0.98)
    low, high = np.log(first / (1.0 - first)), np.log(last / (1.0 - last))
    slope = 1.5 * (high - low)  # the thirds' middles are 2/3 apart
    if abs(slope) < 0.01:
        slope = 0.01
    return slope, 1.0 / 6.0 - low / slope


@njit(cache=True, nogil=True)
def attempts_of(kind: int) -> int:
    """Return from how many starts a fit is tried: logistic growth has valleys beside the best."""
    return 2 if kind == LOGISTIC else 1


def solve_chunk(
    problem: Problem,
    y: FloatArray,
    caps: FloatArray,
    state: State,
    residuals: FloatArray,
    steps: IntArray,
) -> None:
    """Fit from where `state` stands, then compute everything afresh and check it."""
    # Plain Python: each compiled layer above Newton's method compiles all of it once more.
    norms = start_norms(problem, y, caps)
    newton(problem, y, caps, state, AIM * norms, residuals, steps)
    check_chunk(problem, y, caps, state, norms, residuals)


@njit(cache=True, nogil=True, fastmath=FAST)
def check_chunk(
    problem: Problem,
    y: FloatArray,
    caps: FloatArray,
    state: State,
    norms: FloatArray,
    residuals: FloatArray,
) -> None:
    """Write each fit's residual, from its parameters alone."""
    fill_state(problem, y, caps, state)
    residuals[:] = gradient_norms(problem, state) / norms
