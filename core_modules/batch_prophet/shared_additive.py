"""Additive fits on a shared calendar: nothing but the lasso of the changepoints is left per series.

Given sigma the fit is a ridge on everything but delta. The singular values of the ridge's columns,
found once, eliminate it for every sigma; what remains is a lasso over the changepoints, solved
exactly, and sigma has a closed form. The two alternate from a large sigma down, which falls
steadily to the first fixed point, and a secant in log sigma squared shortens the way.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from core_modules.batch_prophet.dense_solves import FAST, lasso
from core_modules.batch_prophet.problem import (
    FLAT,
    RIDGE,
    FloatArray,
    IntArray,
    Problem,
    best_variance,
)

ROUNDS = 60
CLOSE = 1e-10  # relative change of sigma squared at which the alternation ends
LEAST = 1e-20  # sigma squared below which there is no best fit to be found, see `fallbacks`


class Reduced(NamedTuple):
    """A calendar with its ridge eliminated; R are the hinges off the ridge's space, Q its axes."""

    days: int
    tau: float
    axes: FloatArray  # (days, changepoints + ranks) columns R then Q
    hinges: FloatArray  # (changepoints, changepoints) R'R
    overlap: FloatArray  # (ranks, changepoints) Q'H
    spread: FloatArray  # (ranks,) squared singular values
    back: FloatArray  # (2 + columns, ranks) from Q's coordinates to k, m, beta


def reduce_calendar(problem: Problem) -> Reduced:
    """Return the reduction of a problem without multiplied columns and with a straight trend."""
    times, changes = problem.times, problem.changes
    precision = np.concatenate([[RIDGE, RIDGE], problem.precision])
    columns = np.column_stack([times, np.ones_like(times), problem.added])
    if problem.kind == FLAT:
        columns[:, 0] = 0.0
    hinges = np.maximum(times[:, None] - changes, 0.0)
    axes, singular, turn = np.linalg.svd(columns / np.sqrt(precision), full_matrices=False)
    real = singular > 1e-13 * singular[0]
    axes, singular, turn = axes[:, real], singular[real], turn[real]
    overlap = axes.T @ hinges
    rest = hinges - axes @ overlap
    rest -= axes @ (axes.T @ rest)
    return Reduced(
        days=times.size,
        tau=problem.tau,
        axes=np.ascontiguousarray(np.column_stack([rest, axes])),
        hinges=np.ascontiguousarray(rest.T @ rest),
        overlap=np.ascontiguousarray(overlap),
        spread=singular**2,
        back=np.ascontiguousarray(turn.T / np.sqrt(precision)[:, None] / singular),
    )


@njit(cache=True, nogil=True, fastmath=FAST)
def fit_additive(
    reduced: Reduced,
    y: FloatArray,
    change: FloatArray,
    variance: FloatArray,
    rest: FloatArray,
    rounds: IntArray,
) -> None:
    """Fit every row of y (fits, days) from the delta and sigma squared that are handed in.

    Writes `change`, `variance` and `rest` (fits, 2 + columns): k, m, beta.
    """
    changes, ranks = reduced.hinges.shape[0], reduced.spread.size
    known = np.dot(y, reduced.axes)
    coordinates = np.empty((y.shape[0], ranks))
    quadratic, linear = np.empty((changes, changes)), np.empty(changes)
    weighted = np.empty((ranks, changes))
    shrink, missed = np.empty(ranks), np.empty(ranks)
    work, goal = np.empty((changes, changes)), np.empty(changes)
    active, sign = np.empty(changes, np.int64), np.empty(changes)
    for n in range(y.shape[0]):
        squares = np.dot(y[n], y[n])
        for k in range(ranks):
            squares -= known[n, changes + k] ** 2
        last, step = 0.0, 0.0
        for round_ in range(ROUNDS):
            rounds[n] = round_ + 1
            v = variance[n]
            for k in range(ranks):
                shrink[k] = v / (reduced.spread[k] + v)
                for i in range(changes):
                    weighted[k, i] = reduced.overlap[k, i] * shrink[k]
            _quadratic_of(reduced, weighted, known[n], quadratic, linear)
            lasso(quadratic, linear, v / reduced.tau, change[n], work, goal, active, sign)
            left = _squares_of(reduced, known[n], change[n], shrink, missed, max(squares, 0.0))
            new = best_variance(left, reduced.days)
            before, step = step, np.log(new / v)
            variance[n] = new
            if abs(step) < CLOSE or new < LEAST:
                break
            # The steps shrink by a steady factor: go at once to where they would lead.
            if round_ - last >= 2 and before * step > 0.0 and abs(step) < 0.7 * abs(before):
                ratio = step / before
                variance[n] = max(new * np.exp(step * ratio / (1.0 - ratio)), LEAST)
                last = round_
        for k in range(ranks):
            coordinates[n, k] = missed[k] * (1.0 - shrink[k])
    rest[:] = np.dot(coordinates, reduced.back.T)


@njit(cache=True, nogil=True, fastmath=FAST)
def _quadratic_of(
    reduced: Reduced,
    weighted: FloatArray,
    known: FloatArray,
    quadratic: FloatArray,
    linear: FloatArray,
) -> None:
    """Write the lasso's quadratic and linear part, the ridge eliminated at this sigma."""
    changes, ranks = linear.size, reduced.spread.size
    for i in range(changes):
        linear[i] = known[i]
        for j in range(i + 1):
            quadratic[i, j] = reduced.hinges[i, j]
    for k in range(ranks):
        for i in range(changes):
            value = weighted[k, i]
            linear[i] += value * known[changes + k]
            for j in range(i + 1):
                quadratic[i, j] += value * reduced.overlap[k, j]
    for i in range(changes):
        for j in range(i):
            quadratic[j, i] = quadratic[i, j]


@njit(cache=True, nogil=True, fastmath=FAST)
def _squares_of(
    reduced: Reduced,
    known: FloatArray,
    change: FloatArray,
    shrink: FloatArray,
    missed: FloatArray,
    squares: float,
) -> float:
    """Return the sum of squared errors; write what the hinges leave on each axis."""
    changes = change.size
    total = squares
    for i in range(changes):
        if change[i] != 0.0:
            product = -2.0 * known[i]
            for j in range(changes):
                product += reduced.hinges[i, j] * change[j]
            total += change[i] * product
    for k in range(missed.size):
        value = known[changes + k]
        for i in range(changes):
            value -= reduced.overlap[k, i] * change[i]
        missed[k] = value
        total += (value * shrink[k]) ** 2
    return max(total, 0.0)
