"""Fits a series anew whose fit failed a check: by L-BFGS-B and Newton, or by Prophet itself."""

import math

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from core_modules.batch_prophet.chunks import (
    TOLERANCE,
    check_chunk,
    prophet_start,
    solve_chunk,
    start_norms,
)
from core_modules.batch_prophet.design import Design, prophet_silence
from core_modules.batch_prophet.determinacy import LARGEST, swings_of
from core_modules.batch_prophet.fitted import LBFGS, PROPHET, UNDETERMINED, Routes
from core_modules.batch_prophet.newton_terms import column_slopes, trend_slopes, trend_sums
from core_modules.batch_prophet.own_calendars import Fits, Source, own_problem
from core_modules.batch_prophet.panel import FloatArray, IntArray, Panel
from core_modules.batch_prophet.problem import FLAT, Problem, State, fill_state, new_state
from core_modules.batch_prophet.settings import BatchSettings, prophet_model

MOST = 20_000  # iterations of L-BFGS-B
# A few days that the columns can meet exactly have no best fit: the loss falls without end as sigma
# does. Below this sigma squared the answer is wherever a solver stops, and Prophet's is taken.
UNBOUNDED = 1e-16


def mend(
    source: Source,
    design: Design,
    panel: Panel,
    settings: BatchSettings,
    items: IntArray,
    fits: Fits,
    route: Routes,
) -> None:
    """Fit the items again by other means and write what is better than what they have."""
    for item in items:
        problem, y, caps = item_problem(source, int(item))
        if fits.variance[item] < UNBOUNDED:
            _by_prophet(PROPHET, design, panel, settings, problem, y, caps, int(item), fits, route)
            continue
        best = stored_state(problem, y, caps, fits, int(item))
        for state in (best, _prophet_state(problem, y, caps)):
            found = _lbfgs(problem, y, caps, _copy(state))
            residual, steps = np.empty(1), np.empty(1, np.int64)
            solve_chunk(problem, y, caps, found, residual, steps)
            good, fine = residual[0] <= TOLERANCE, fits.residual[item] <= TOLERANCE
            if (good and not fine) or (good == fine and found.loss[0] < fits.loss[item]):
                store_state(found, problem, residual[0], fits, int(item))
                fits.steps[item] += steps[0]
                route[item] = LBFGS
        if not fits.residual[item] <= TOLERANCE:
            _by_prophet(PROPHET, design, panel, settings, problem, y, caps, int(item), fits, route)


def hand_on(
    source: Source,
    design: Design,
    panel: Panel,
    settings: BatchSettings,
    items: IntArray,
    fits: Fits,
    route: Routes,
) -> None:
    """Let Prophet fit those of the items whose trend and seasons the data do not tell apart.

    Prophet's answer stands although its loss is above ours: Stan stops on the way to a best fit
    that tells nothing of the days ahead.
    """
    for item in items[(fits.swing[items] > LARGEST) & (route[items] != PROPHET)]:
        route[item] = UNDETERMINED
        problem, y, caps = item_problem(source, int(item))
        _by_prophet(UNDETERMINED, design, panel, settings, problem, y, caps, int(item), fits, route)


def item_problem(source: Source, item: int) -> tuple[Problem, FloatArray, FloatArray]:
    """Return an item's problem with its values and capacities, (1, days)."""
    part = slice(int(source.offsets[item]), int(source.offsets[item + 1]))
    y = source.y[part].reshape(1, -1).copy()
    caps = source.caps[part].reshape(1, -1).copy() if source.caps.size else np.zeros_like(y)
    return own_problem(source, item), y, caps


def stored_state(problem: Problem, y: FloatArray, caps: FloatArray, fits: Fits, item: int) -> State:
    """Return the state of a fit whose parameters are stored."""
    state = new_state(problem, 1)
    state.slope[0], state.offset[0] = fits.slope[item], fits.offset[item]
    state.change[0] = fits.change[item, : problem.changes.size]
    state.beta[0] = fits.beta[item, : problem.precision.size]
    fill_state(problem, y, caps, state)
    return state


def store_state(state: State, problem: Problem, residual: float, fits: Fits, item: int) -> None:
    """Write one fit's parameters and how good they are."""
    fits.slope[item], fits.offset[item] = state.slope[0], state.offset[0]
    fits.change[item, : problem.changes.size] = state.change[0]
    fits.places[item, : problem.changes.size] = problem.changes
    fits.beta[item, : problem.precision.size] = state.beta[0]
    fits.variance[item], fits.loss[item] = state.variance[0], state.loss[0]
    fits.residual[item], fits.swing[item] = residual, swings_of(state.gain)[0]


def _copy(state: State) -> State:
    return State(*(array.copy() for array in state))


def _prophet_state(problem: Problem, y: FloatArray, caps: FloatArray) -> State:
    state = new_state(problem, 1)
    state.slope[0], state.offset[0] = prophet_start(problem.kind, y[0], caps[0])
    return state


def _lbfgs(problem: Problem, y: FloatArray, caps: FloatArray, state: State) -> State:
    """Minimise over k, m, beta and delta = p - q with p, q >= 0, sigma always at its best."""
    changes, live = problem.changes.size, np.arange(1)
    sums, trend = np.empty((changes + 1, 5)), np.empty(2 + changes)

    def put(values: FloatArray) -> None:
        state.slope[0], state.offset[0] = values[:2]
        state.change[0] = values[2 : 2 + changes] - values[2 + changes : 2 + 2 * changes]
        state.beta[0] = values[2 + 2 * changes :]
        fill_state(problem, y, caps, state)

    def loss(values: FloatArray) -> tuple[float, FloatArray]:
        put(values)
        variance = state.variance[0]
        slopes = column_slopes(problem, state, live)[0] / variance
        trend_sums(problem, state, 0, sums)
        trend_slopes(problem, state, 0, sums, trend)
        up, down = values[2 : 2 + changes], values[2 + changes : 2 + 2 * changes]
        both = (up + down - np.abs(state.change[0])).sum() / problem.tau
        by_trend = trend / variance
        rise, price = by_trend[2:], 1.0 / problem.tau
        gradient = np.concatenate([by_trend[:2], rise + price, price - rise, slopes])
        return float(state.loss[0] + both), gradient

    change = state.change[0]
    begin = [state.slope, state.offset, np.maximum(change, 0), np.maximum(-change, 0)]
    free, positive = (None, None), (0.0, None)
    bounds = [free] * 2 + [positive] * (2 * changes) + [free] * problem.precision.size
    found = minimize(
        loss,
        np.concatenate([*begin, state.beta[0]]),
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": MOST, "maxfun": MOST, "ftol": 1e-15, "gtol": 1e-8, "maxcor": 40},
    )
    put(found.x)
    return state


def _by_prophet(
    reason: int,
    design: Design,
    panel: Panel,
    settings: BatchSettings,
    problem: Problem,
    y: FloatArray,
    caps: FloatArray,
    item: int,
    fits: Fits,
    route: Routes,
) -> None:
    """Let Prophet fit the item; unless undetermined, it counts where its loss is not above ours.

    `reason` is the route that is written.
    """
    part = panel.part(item, item + 1)
    frame = pd.DataFrame({"ds": panel.dates[panel.rows[part]], "y": panel.y[part]})
    for name, array in panel.columns.items():
        frame[name] = array[part]
    with prophet_silence():
        model = prophet_model(settings, uncertainty_samples=0)
        try:
            model.fit(frame)
        except RuntimeError:
            return  # Stan gave up too: the engine's best stands, its residual reported
    state = new_state(problem, 1)
    state.slope[0], state.offset[0] = model.params["k"].item(), model.params["m"].item()
    if problem.kind != FLAT:
        state.change[0] = model.params["delta"].ravel()
    state.beta[0] = model.params["beta"].ravel()[design.order]
    residual = np.empty(1)
    check_chunk(problem, y, caps, state, start_norms(problem, y, caps), residual)
    unbounded = fits.variance[item] < UNBOUNDED
    better = state.loss[0] <= fits.loss[item] or not np.isfinite(fits.loss[item])
    if reason == UNDETERMINED or unbounded or better:
        store_state(state, problem, residual[0], fits, item)
        own = model.params["sigma_obs"].item()
        fits.variance[item] = own**2
        # Stan prints lp__ to eight digits; but a sigma of about zero leaves nothing else of it.
        by_sigma = sigma_loss(y.size, state.variance[0], own)
        fits.loss[item] = -model.params["lp__"].item() if unbounded else state.loss[0] + by_sigma
        route[item] = reason


def sigma_loss(days: int, best: float, sigma: float) -> float:
    """Return what the loss gains by a sigma that is not the best, whose square is handed in."""
    squares = best * (days + 4.0 * best)

    def loss(variance: float) -> float:
        return 2 * variance + 0.5 * days * math.log(variance) + squares / (2 * variance)

    return loss(sigma**2) - loss(best)
