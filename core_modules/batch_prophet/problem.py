"""The arrays that a group of fits shares, as numba takes them, and Prophet's objective on them.

With p = (k, m, delta, beta) and sigma the fit minimises, after Prophet's Stan program,

    k^2/50 + m^2/50 + |delta|_1/tau + 2 sigma^2 + sum (beta/s)^2/2 + T log sigma + SSE/(2 sigma^2)

which is -lp__ of the optimiser. The trend is psi(u) with u = k (t - m) + H delta for logistic
growth, psi(u) = cap/(1 + exp(-u)), and psi(u) = u = k t + m + H delta else; H holds the hinges
max(t - changepoint, 0). Prophet's piecewise logistic is this continuous u, written with offsets.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from core_modules.batch_prophet.dense_solves import FAST

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

LINEAR, LOGISTIC, FLAT = 0, 1, 2
RIDGE = 1 / 25.0  # precision of k and m
SMALLEST = 1e-300  # below which a sum of squares counts as zero


class Problem(NamedTuple):
    """What one calendar fixes: all columns are ordered multiplicative first, additive after."""

    kind: int  # LINEAR, LOGISTIC or FLAT
    times: FloatArray  # (days,) 0 to 1, ascending
    changes: FloatArray  # (changepoints,) ascending; none for FLAT
    bounds: IntArray  # (changepoints + 2,) first day of each segment of the trend, then days
    multiplied: FloatArray  # (days, Km) columns that scale the trend
    added: FloatArray  # (days, Ka) columns that are added
    precision: FloatArray  # (Km + Ka,) 1 / prior scale squared
    tau: float  # changepoint_prior_scale
    moments: FloatArray  # (3 segments, Km (Km + 1) / 2) of the columns' products, or (0, 0)
    mixed_moments: FloatArray  # (2 segments, Km Ka) likewise between both kinds


class State(NamedTuple):
    """Where each of a chunk of fits stands; every array's first axis is the fit."""

    slope: FloatArray  # (fits,) k
    offset: FloatArray  # (fits,) m
    change: FloatArray  # (fits, changepoints) delta
    beta: FloatArray  # (fits, Km + Ka)
    variance: FloatArray  # (fits,) sigma squared, always the best for the rest
    loss: FloatArray  # (fits,)
    line: FloatArray  # (fits, days) u
    trend: FloatArray  # (fits, days) psi(u)
    gain: FloatArray  # (fits, days) 1 + multiplicative terms
    error: FloatArray  # (fits, days) y - yhat


def segment_bounds(times: FloatArray, changes: FloatArray) -> IntArray:
    """Return where each segment of the trend begins, and the end; Stan's t >= t_change."""
    inner = np.searchsorted(times, changes, side="left")
    return np.concatenate([[0], inner, [times.size]]).astype(np.int64)


@njit(cache=True, nogil=True, fastmath=FAST)
def best_variance(squares: float, days: int) -> float:
    """Return the sigma squared that minimises 2 v + days/2 log v + squares/(2 v)."""
    squares = max(squares, SMALLEST)
    return 2.0 * squares / (days + math.sqrt(days * days + 16.0 * squares))


@njit(cache=True, nogil=True, fastmath=FAST)
def noise_loss(squares: float, days: int) -> float:
    """Return the part of the loss that sigma enters, at its best."""
    variance = best_variance(squares, days)
    squares = max(squares, SMALLEST)
    return 2.0 * variance + 0.5 * days * math.log(variance) + squares / (2.0 * variance)


@njit(cache=True, nogil=True, fastmath=FAST)
def trend_line(
    problem: Problem, slope: float, offset: float, change: FloatArray, line: FloatArray
) -> None:
    """Write u for one fit: segments of a continuous broken line."""
    changes, bounds, times = problem.changes, problem.bounds, problem.times
    level = -slope * offset if problem.kind == LOGISTIC else offset
    if problem.kind == FLAT:
        slope = 0.0
    for s in range(changes.size + 1):
        if s > 0:
            slope += change[s - 1]
            level -= change[s - 1] * changes[s - 1]
        for i in range(bounds[s], bounds[s + 1]):
            line[i] = slope * times[i] + level


@njit(cache=True, nogil=True, fastmath=FAST)
def prior_loss(
    problem: Problem, slope: float, offset: float, change: FloatArray, beta: FloatArray
) -> float:
    """Return what the priors of k, m, delta and beta add to the loss."""
    total = 0.5 * RIDGE * (slope * slope + offset * offset)
    for j in range(change.size):
        total += abs(change[j]) / problem.tau
    for j in range(beta.size):
        total += 0.5 * problem.precision[j] * beta[j] * beta[j]
    return total


@njit(cache=True, nogil=True, fastmath=FAST)
def fill_state(problem: Problem, y: FloatArray, caps: FloatArray, state: State) -> None:
    """Compute everything that follows from the parameters, sigma among it."""
    fits, days = y.shape
    km = problem.multiplied.shape[1]
    gain = np.dot(np.ascontiguousarray(state.beta[:, :km]), problem.multiplied.T)
    added = np.dot(np.ascontiguousarray(state.beta[:, km:]), problem.added.T)
    for n in range(fits):
        trend_line(problem, state.slope[n], state.offset[n], state.change[n], state.line[n])
        squares = 0.0
        for i in range(days):
            u = state.line[n, i]
            trend = caps[n, i] / (1.0 + np.exp(-u)) if problem.kind == LOGISTIC else u
            error = y[n, i] - trend * (1.0 + gain[n, i]) - added[n, i]
            state.trend[n, i], state.gain[n, i], state.error[n, i] = trend, 1 + gain[n, i], error
            squares += error * error
        state.variance[n] = best_variance(squares, days)
        state.loss[n] = noise_loss(squares, days) + prior_loss(
            problem, state.slope[n], state.offset[n], state.change[n], state.beta[n]
        )


@njit(cache=True, nogil=True)
def new_state(problem: Problem, fits: int) -> State:
    """Return room for a chunk of fits, all parameters zero."""
    days, columns = problem.times.size, problem.precision.size
    return State(
        np.zeros(fits),
        np.zeros(fits),
        np.zeros((fits, problem.changes.size)),
        np.zeros((fits, columns)),
        np.ones(fits),
        np.zeros(fits),
        np.zeros((fits, days)),
        np.zeros((fits, days)),
        np.ones((fits, days)),
        np.zeros((fits, days)),
    )
