"""The step of each fit along its Newton direction: halved until the loss falls enough."""

import numpy as np
from numba import njit

from core_modules.batch_prophet.dense_solves import FAST
from core_modules.batch_prophet.problem import (
    LOGISTIC,
    FloatArray,
    IntArray,
    Problem,
    State,
    best_variance,
    noise_loss,
    prior_loss,
    trend_line,
)

ENOUGH = 1e-4  # share of the promised decrease that a step must bring
ROUNDING = 1e-13  # share of the loss that counts as no change
HALVINGS = 30
TURN = 0.2  # share of k that a step must leave for its level k m to move straight


@njit(cache=True, nogil=True, fastmath=FAST)
def advance(
    problem: Problem,
    caps: FloatArray,
    state: State,
    live: IntArray,
    moves: FloatArray,
) -> IntArray:
    """Move every live fit as far as its loss falls; return those that moved."""
    changes, km = problem.changes.size, problem.multiplied.shape[1]
    first = 2 + changes
    last = moves.shape[1] - 1
    gains = np.dot(np.ascontiguousarray(moves[:, first : first + km]), problem.multiplied.T)
    added = np.dot(np.ascontiguousarray(moves[:, first + km : last]), problem.added.T)
    line = np.empty(problem.times.size)
    left = np.empty(live.size, np.int64)
    count = 0
    for a in range(live.size):
        n = live[a]
        if not moves[a, last] < 0.0:
            continue
        _line_step(problem, state, n, moves[a], line)
        share = _search(problem, caps[n], state, n, moves[a], line, gains[a], added[a])
        if share > 0.0:
            _move(problem, caps[n], state, n, moves[a], share, line, gains[a], added[a])
            left[count] = n
            count += 1
    return left[:count].copy()


@njit(cache=True, nogil=True, fastmath=FAST)
def _line_step(problem: Problem, state: State, n: int, move: FloatArray, line: FloatArray) -> None:
    """Write the change of u for a whole step, its part that is linear in the step."""
    if problem.kind == LOGISTIC:
        # d(k (t - m)) = dk (t - m) - k dm, written as a line of slope dk and level below.
        trend_line(problem, move[0], 0.0, move[2 : 2 + problem.changes.size], line)
        level = -move[0] * state.offset[n] - state.slope[n] * move[1]
        for i in range(line.size):
            line[i] += level
    else:
        trend_line(problem, move[0], move[1], move[2 : 2 + problem.changes.size], line)


@njit(cache=True, nogil=True, fastmath=FAST)
def _new_offset(
    problem: Problem, state: State, n: int, move: FloatArray, share: float
) -> tuple[float, float]:
    """Return m after a share of the step, and what u lacks of moving by that share of the line.

    Logistic data fix the level k m, so steps straight in k and m would leave a narrow valley at
    once. Here the level moves straight and m follows, unless k comes near zero or changes sign.
    """
    slope, offset = state.slope[n], state.offset[n]
    after = slope + share * move[0]
    if problem.kind != LOGISTIC:
        return offset + share * move[1], 0.0
    if after * slope > TURN * slope * slope:
        return offset + share * move[1] * slope / after, 0.0
    return offset + share * move[1], share * share * move[0] * move[1]


@njit(cache=True, nogil=True, fastmath=FAST)
def _search(
    problem: Problem,
    caps: FloatArray,
    state: State,
    n: int,
    move: FloatArray,
    line: FloatArray,
    gain: FloatArray,
    added: FloatArray,
) -> float:
    """Return the share of the step to take, 0 where none lowers the loss."""
    changes, days = problem.changes.size, problem.times.size
    first, last = 2 + changes, move.size - 1
    change, beta = np.empty(changes), np.empty(last - first)
    share = 1.0
    for _halving in range(HALVINGS):
        offset, bend = _new_offset(problem, state, n, move, share)
        squares = 0.0
        for i in range(days):
            if problem.kind == LOGISTIC:
                trend = caps[i] / (1.0 + np.exp(-(state.line[n, i] + share * line[i] - bend)))
                whole = trend * (state.gain[n, i] + share * gain[i])
                before = state.trend[n, i] * state.gain[n, i]
                error = state.error[n, i] - (whole - before) - share * added[i]
            else:
                whole = (state.trend[n, i] + share * line[i]) * (state.gain[n, i] + share * gain[i])
                before = state.trend[n, i] * state.gain[n, i]
                error = state.error[n, i] - (whole - before) - share * added[i]
            squares += error * error
        for j in range(changes):
            change[j] = state.change[n, j] + share * move[2 + j]
        for j in range(beta.size):
            beta[j] = state.beta[n, j] + share * move[first + j]
        slope = state.slope[n] + share * move[0]
        loss = noise_loss(squares, days) + prior_loss(problem, slope, offset, change, beta)
        allowed = ENOUGH * share * move[last] + ROUNDING * (abs(state.loss[n]) + days)
        if loss <= state.loss[n] + allowed:
            return share
        share *= 0.5
    return 0.0


@njit(cache=True, nogil=True, fastmath=FAST)
def _move(
    problem: Problem,
    caps: FloatArray,
    state: State,
    n: int,
    move: FloatArray,
    share: float,
    line: FloatArray,
    gain: FloatArray,
    added: FloatArray,
) -> None:
    """Take the step and bring all that follows from the parameters up to date."""
    changes, days = problem.changes.size, problem.times.size
    first = 2 + changes
    offset, bend = _new_offset(problem, state, n, move, share)
    state.slope[n] += share * move[0]
    state.offset[n] = offset
    for j in range(changes):
        change = state.change[n, j] + share * move[2 + j]
        # The lasso's zero is exact; a whole step that lands on it must not leave a rounding rest.
        tiny = share == 1.0 and abs(change) < 1e-14 * abs(move[2 + j])
        state.change[n, j] = 0.0 if tiny else change
    for j in range(state.beta.shape[1]):
        state.beta[n, j] += share * move[first + j]
    squares = 0.0
    for i in range(days):
        before = state.trend[n, i] * state.gain[n, i]
        state.line[n, i] += share * line[i] - bend
        state.gain[n, i] += share * gain[i]
        u = state.line[n, i]
        trend = caps[i] / (1.0 + np.exp(-u)) if problem.kind == LOGISTIC else u
        state.trend[n, i] = trend
        state.error[n, i] += before - trend * state.gain[n, i] - share * added[i]
        squares += state.error[n, i] * state.error[n, i]
    state.variance[n] = best_variance(squares, days)
    state.loss[n] = noise_loss(squares, days) + prior_loss(
        problem, state.slope[n], state.offset[n], state.change[n], state.beta[n]
    )
