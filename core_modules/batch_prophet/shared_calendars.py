"""Fits of items that share all their days: the calendar's products once, the items in chunks."""

import numpy as np

from core_modules.batch_prophet.chunks import (
    attempts_of,
    check_chunk,
    cold_start,
    solve_chunk,
    start_norms,
)
from core_modules.batch_prophet.determinacy import swings_of
from core_modules.batch_prophet.newton_terms import column_moments
from core_modules.batch_prophet.own_calendars import Fits, Source, own_problem
from core_modules.batch_prophet.panel import FloatArray, IntArray
from core_modules.batch_prophet.problem import (
    LOGISTIC,
    Problem,
    State,
    best_variance,
    fill_state,
    new_state,
)
from core_modules.batch_prophet.shared_additive import Reduced, fit_additive, reduce_calendar

CHUNK = 64  # items solved side by side: enough for the matrix products, few enough for the cache
GOOD = 1e-7  # residual above which an additive fit is polished by Newton's method


class SharedCalendar:
    """One calendar's problem with its products made; fits chunks of the items that follow it."""

    def __init__(self, source: Source, items: IntArray) -> None:
        """Prepare the calendar of the first item, which all the others share."""
        self.source = source
        problem = own_problem(source, int(items[0]))
        self.reduced: Reduced | None = None
        if problem.kind != LOGISTIC and problem.multiplied.shape[1] == 0:
            self.reduced = reduce_calendar(problem)
        elif problem.kind != LOGISTIC:
            problem = column_moments(problem)
        self.problem: Problem = problem

    def fit(self, items: IntArray, warm: bool, fits: Fits) -> None:
        """Fit the items listed and write their results; with `warm` from what `fits` holds."""
        problem, days = self.problem, self.problem.times.size
        count, columns = problem.changes.size, problem.precision.size
        places = self.source.offsets[items][:, None] + np.arange(days)
        y = self.source.y[places]
        caps = self.source.caps[places] if self.source.caps.size else np.zeros_like(y)
        state = new_state(problem, items.size)
        if warm:
            state.slope[:], state.offset[:] = fits.slope[items], fits.offset[items]
            state.change[:] = fits.change[items, :count]
            state.beta[:] = fits.beta[items, :columns]
            fill_state(problem, y, caps, state)
        residual, steps = np.empty(items.size), np.zeros(items.size, np.int64)
        if self.reduced is None:
            if not warm:
                cold_start(problem, y, caps, state, 0)
            solve_chunk(problem, y, caps, state, residual, steps)
            for attempt in range(1, 1 if warm else attempts_of(problem.kind)):
                other, left, more = new_state(problem, items.size), residual.copy(), steps.copy()
                cold_start(problem, y, caps, other, attempt)
                solve_chunk(problem, y, caps, other, left, more)
                better = other.loss < state.loss
                for array, found in zip((*state, residual), (*other, left), strict=True):
                    array[better] = found[better]
                steps += more
        else:
            self._fit_additive(self.reduced, y, caps, state, warm, residual, steps)
        fits.slope[items], fits.offset[items] = state.slope, state.offset
        fits.change[items, :count] = state.change
        fits.places[items, :count] = problem.changes
        fits.beta[items, :columns] = state.beta
        fits.variance[items], fits.loss[items] = state.variance, state.loss
        fits.residual[items], fits.steps[items] = residual, steps
        fits.swing[items] = swings_of(state.gain)

    def _fit_additive(
        self,
        reduced: Reduced,
        y: FloatArray,
        caps: FloatArray,
        state: State,
        warm: bool,
        residual: FloatArray,
        steps: IntArray,
    ) -> None:
        """Fit by the reduction, check, and give Newton's method the few that are not there yet."""
        if not warm:
            state.variance[:] = best_variance_of(y)
        rest = np.empty((y.shape[0], reduced.back.shape[0]))
        fit_additive(reduced, y, state.change, state.variance, rest, steps)
        state.slope[:], state.offset[:] = rest[:, 0], rest[:, 1]
        state.beta[:] = rest[:, 2:]
        norms = start_norms(self.problem, y, caps)
        check_chunk(self.problem, y, caps, state, norms, residual)
        poor = np.flatnonzero(~(residual <= GOOD))
        if poor.size:
            again = type(state)(*(array[poor] for array in state))
            left, more = np.empty(poor.size), np.empty(poor.size, np.int64)
            solve_chunk(self.problem, y[poor], caps[poor], again, left, more)
            for array, better in zip(state, again, strict=True):
                array[poor] = better
            residual[poor] = left
            steps[poor] += more


def best_variance_of(y: FloatArray) -> FloatArray:
    """Return each row's variance, from which sigma falls to its first fixed point."""
    spread = ((y - y.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    return np.array([best_variance(value, y.shape[1]) for value in spread])
