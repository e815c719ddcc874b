"""Fits whose days, gaps or regressors are their own: the calendar's columns cut out for each."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from core_modules.batch_prophet.chunks import (
    AIM,
    attempts_of,
    check_chunk,
    cold_start,
    start_norms,
)
from core_modules.batch_prophet.determinacy import swings_of
from core_modules.batch_prophet.newton import newton
from core_modules.batch_prophet.problem import FLAT, FloatArray, IntArray, Problem, new_state


class Source(NamedTuple):
    """All rows of a panel and the columns of one design on all its dates."""

    kind: int
    tau: float
    precision: FloatArray  # (columns,)
    dates: IntArray  # (dates,) microseconds
    multiplied: FloatArray  # (dates, Km)
    added: FloatArray  # (dates, Ka)
    offsets: IntArray  # (items + 1,)
    rows: NDArray[np.int32]  # (rows,)
    y: FloatArray  # (rows,) scaled
    caps: FloatArray  # (rows,) scaled, or empty
    places: IntArray  # (regressors,) the column of each regressor
    regressors: FloatArray  # (rows, regressors) scaled
    conditions: IntArray  # (columns,) which switch, -1 for none
    switches: FloatArray  # (rows, conditions) 0 or 1
    change_rows: IntArray  # (items, changepoints) rows within the item, -1 beyond the last
    change_dates: IntArray  # (changepoints,) microseconds, where they were given as dates


class Fits(NamedTuple):
    """Room for the results of all items, in the engine's order of columns."""

    slope: FloatArray  # (items,)
    offset: FloatArray  # (items,)
    change: FloatArray  # (items, changepoints)
    places: FloatArray  # (items, changepoints) scaled times of the changepoints, NaN beyond
    beta: FloatArray  # (items, columns)
    variance: FloatArray  # (items,)
    loss: FloatArray  # (items,)
    residual: FloatArray  # (items,)
    swing: FloatArray  # (items,) of the gain, see `determinacy`
    steps: IntArray  # (items,)


@njit(cache=True, nogil=True)
def own_problem(source: Source, item: int) -> Problem:
    """Return the problem of one item's days, gaps and regressors."""
    first, last = source.offsets[item], source.offsets[item + 1]
    rows = source.rows[first:last]
    days, km = rows.size, source.multiplied.shape[1]
    begin = source.dates[rows[0]]
    span = source.dates[rows[-1]] - begin
    times = np.empty(days)
    for i in range(days):
        times[i] = (source.dates[rows[i]] - begin) / span
    multiplied, added = np.empty((days, km)), np.empty((days, source.added.shape[1]))
    for i in range(days):
        multiplied[i] = source.multiplied[rows[i]]
        added[i] = source.added[rows[i]]
    for place in range(source.places.size):
        column = source.places[place]
        for i in range(days):
            value = source.regressors[first + i, place]
            if column < km:
                multiplied[i, column] = value
            else:
                added[i, column - km] = value
    for column in range(source.conditions.size):
        switch = source.conditions[column]
        if switch >= 0:
            for i in range(days):
                if column < km:
                    multiplied[i, column] *= source.switches[first + i, switch]
                else:
                    added[i, column - km] *= source.switches[first + i, switch]
    changes = _changes_of(source, item, times, begin, span)
    bounds = np.empty(changes.size + 2, np.int64)
    bounds[0], bounds[-1] = 0, days
    bounds[1:-1] = np.searchsorted(times, changes)
    nothing = np.empty((0, 0))
    return Problem(
        source.kind,
        times,
        changes,
        bounds,
        multiplied,
        added,
        source.precision,
        source.tau,
        nothing,
        nothing,
    )


@njit(cache=True, nogil=True)
def _changes_of(source: Source, item: int, times: FloatArray, begin: int, span: int) -> FloatArray:
    """Return the scaled times of the changepoints; Prophet's dummy at 0 where there are none."""
    if source.kind == FLAT:
        return np.empty(0)
    if source.change_dates.size:
        return np.sort((source.change_dates - begin) / span)
    picked = source.change_rows[item]
    picked = picked[picked >= 0]
    if picked.size == 0:
        return np.zeros(1)
    found: FloatArray = times[picked]
    return found


# Not fastmath: what a fast function calls is compiled so too, and times would differ in a bit.
@njit(cache=True, nogil=True)
def fit_own(source: Source, items: IntArray, warm: bool, fits: Fits) -> None:
    """Fit the items listed, one after the other, and write their results.

    With `warm` they start from what `fits` holds, else cold.
    """
    residual, steps = np.empty(1), np.empty(1, np.int64)
    for item in items:
        problem = own_problem(source, item)
        first, last = source.offsets[item], source.offsets[item + 1]
        y = source.y[first:last].copy().reshape(1, -1)
        caps = np.zeros((1, 1))
        if source.caps.size:
            caps = source.caps[first:last].copy().reshape(1, -1)
        else:
            caps = np.zeros((1, last - first))
        norms = start_norms(problem, y, caps)
        count, columns = problem.changes.size, problem.precision.size
        for attempt in range(1 if warm else attempts_of(problem.kind)):
            state = new_state(problem, 1)
            if warm:
                state.slope[0], state.offset[0] = fits.slope[item], fits.offset[item]
                state.change[0] = fits.change[item, :count]
                state.beta[0] = fits.beta[item, :columns]
            else:
                cold_start(problem, y, caps, state, attempt)
            newton(problem, y, caps, state, AIM * norms, residual, steps)
            check_chunk(problem, y, caps, state, norms, residual)
            fits.steps[item] += steps[0]
            if attempt > 0 and not state.loss[0] < fits.loss[item]:
                continue
            fits.slope[item], fits.offset[item] = state.slope[0], state.offset[0]
            fits.change[item, :count] = state.change[0]
            fits.places[item, :count] = problem.changes
            fits.beta[item, :columns] = state.beta[0]
            fits.variance[item], fits.loss[item] = state.variance[0], state.loss[0]
            fits.residual[item] = residual[0]
            fits.swing[item] = swings_of(state.gain)[0]
