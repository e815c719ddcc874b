"""The batch engine's arithmetic: objective, derivatives, the lasso, and laws a fit must obey."""

import numpy as np
import pytest
from numpy.typing import NDArray

from core_modules.batch_prophet.chunks import gradient_norms, solve_chunk, start_norms
from core_modules.batch_prophet.dense_solves import cholesky, lasso, solve_factored
from core_modules.batch_prophet.newton_system import write_hessian
from core_modules.batch_prophet.newton_terms import (
    column_moments,
    column_slopes,
    cross_sums,
    trend_powers,
    trend_slopes,
    trend_sums,
    weighted_gram,
)
from core_modules.batch_prophet.problem import (
    FLAT,
    LINEAR,
    LOGISTIC,
    Problem,
    State,
    fill_state,
    new_state,
    segment_bounds,
)

KINDS = {"linear": LINEAR, "logistic": LOGISTIC, "flat": FLAT}


def small_problem(kind: str, multiplied: int, added: int, days: int = 60) -> Problem:
    rng = np.random.default_rng(days + multiplied)
    times = np.linspace(0, 1, days)
    changes = np.empty(0) if kind == "flat" else np.array([times[9], 0.371, times[40]])
    nothing = np.empty((0, 0))
    return Problem(
        KINDS[kind],
        times,
        changes,
        segment_bounds(times, changes),
        rng.normal(0, 1, (days, multiplied)),
        rng.normal(0, 1, (days, added)),
        1 / rng.uniform(0.3, 10, multiplied + added) ** 2,
        0.05,
        nothing,
        nothing,
    )


def filled(problem: Problem, seed: int = 1) -> tuple[NDArray, NDArray, State]:
    rng = np.random.default_rng(seed)
    days, columns = problem.times.size, problem.precision.size
    y, caps = rng.uniform(0.2, 1, (1, days)), np.full((1, days), 1.3)
    state = new_state(problem, 1)
    state.slope[0], state.offset[0] = 0.7, 0.4
    state.change[0] = rng.normal(0, 0.5, problem.changes.size)
    state.beta[0] = rng.normal(0, 0.1, columns)
    fill_state(problem, y, caps, state)
    return y, caps, state


def stan_loss(problem: Problem, y: NDArray, caps: NDArray, values: NDArray, sigma: float) -> float:
    """-lp__ as prophet.stan writes it, with its changepoint matrix and logistic offsets."""
    changes, km = problem.changes, problem.multiplied.shape[1]
    k, m, delta = values[0], values[1], values[2 : 2 + changes.size]
    beta, t = values[2 + changes.size :], problem.times
    if problem.kind == FLAT:
        trend = np.full(t.size, m)
    else:
        step = (t[:, None] >= changes).astype(float)
        if problem.kind == LINEAR:
            trend = (k + step @ delta) * t + (m + step @ (-changes * delta))
        else:
            rates = np.concatenate([[k], k + np.cumsum(delta)])
            gamma, offset = np.zeros(changes.size), m
            for i, at in enumerate(changes):
                gamma[i] = (at - offset) * (1 - rates[i] / rates[i + 1])
                offset += gamma[i]
            trend = caps / (1 + np.exp(-(k + step @ delta) * (t - (m + step @ gamma))))
    fitted = trend * (1 + problem.multiplied @ beta[:km]) + problem.added @ beta[km:]
    normal = k**2 / 50 + m**2 / 50 + 2 * sigma**2 + (problem.precision * beta**2).sum() / 2
    errors = ((y - fitted) ** 2).sum() / (2 * sigma**2)
    return float(normal + np.abs(delta).sum() / problem.tau + y.size * np.log(sigma) + errors)


def parameters(state: State) -> NDArray:
    return np.concatenate([state.slope, state.offset, state.change[0], state.beta[0]])


def at(problem: Problem, y: NDArray, caps: NDArray, values: NDArray) -> State:
    state, changes = new_state(problem, 1), problem.changes.size
    state.slope[0], state.offset[0] = values[:2]
    state.change[0], state.beta[0] = values[2 : 2 + changes], values[2 + changes :]
    fill_state(problem, y, caps, state)
    return state


def smooth_gradient(problem: Problem, state: State) -> NDArray:
    """The gradient of the loss without delta's prior, in the order of `parameters`."""
    columns = column_slopes(problem, state, np.arange(1))[0]
    sums, trend = np.empty((problem.changes.size + 1, 5)), np.empty(2 + problem.changes.size)
    trend_sums(problem, state, 0, sums)
    trend_slopes(problem, state, 0, sums, trend)
    return np.concatenate([trend, columns]) / state.variance[0]


CASES = [(kind, *counts) for kind in KINDS for counts in ((4, 0), (0, 4), (3, 2))]


@pytest.mark.parametrize(("kind", "multiplied", "added"), CASES)
def test_the_loss_is_stans(kind: str, multiplied: int, added: int) -> None:
    problem = small_problem(kind, multiplied, added)
    y, caps, state = filled(problem)
    sigma = float(np.sqrt(state.variance[0]))
    expected = stan_loss(problem, y[0], caps[0], parameters(state), sigma)
    assert state.loss[0] == pytest.approx(expected, abs=1e-9)
    for other in (0.9 * sigma, 1.1 * sigma):  # sigma is the best one for the other parameters
        assert stan_loss(problem, y[0], caps[0], parameters(state), other) > state.loss[0]


@pytest.mark.parametrize(("kind", "multiplied", "added"), CASES)
def test_the_gradient_is_the_losses_slope(kind: str, multiplied: int, added: int) -> None:
    problem = small_problem(kind, multiplied, added)
    y, caps, state = filled(problem)
    values, found = parameters(state), smooth_gradient(problem, state)
    found[2 : 2 + problem.changes.size] += np.sign(state.change[0]) / problem.tau
    for place in range(values.size):
        step = 1e-6 * np.eye(values.size)[place]
        up, down = at(problem, y, caps, values + step), at(problem, y, caps, values - step)
        slope = (up.loss[0] - down.loss[0]) / 2e-6
        if kind == "flat" and place == 0:
            slope = 0.0  # k of a flat trend is held at zero
        assert found[place] == pytest.approx(slope, rel=1e-5, abs=1e-4)


@pytest.mark.parametrize(("kind", "multiplied", "added"), CASES)
def test_the_hessian_is_the_gradients_slope(kind: str, multiplied: int, added: int) -> None:
    problem = small_problem(kind, multiplied, added)
    y, caps, state = filled(problem)
    size, changes = problem.precision.size, problem.changes.size
    gram, whole = np.zeros((size, size)), np.zeros((size + 3 + changes,) * 2)
    weighted_gram(problem, state.trend[0], gram)
    gram[multiplied:, multiplied:] = problem.added.T @ problem.added
    zeroth, first = cross_sums(problem, state, np.arange(1), False)
    sums, trend = np.empty((changes + 1, 5)), np.empty(2 + changes)
    trend_sums(problem, state, 0, sums)
    trend_slopes(problem, state, 0, sums, trend)
    slopes = column_slopes(problem, state, np.arange(1))[0]
    chosen = np.arange(changes)
    write_hessian(problem, state, 0, sums, slopes, trend, gram, zeroth[:, 0], first[:, 0], chosen,
                  True, 0.0, whole)  # fmt: skip
    full = (np.tril(whole) + np.tril(whole, -1).T) / state.variance[0]
    # Eliminating log sigma leaves the Hessian of the loss with sigma at its best.
    keep = [place for place in range(full.shape[0]) if place != size + 2]
    link = full[keep, size + 2]
    reduced = full[np.ix_(keep, keep)] - np.outer(link, link) / full[size + 2, size + 2]
    order = [size, size + 1, *range(size + 2, size + 2 + changes), *range(size)]
    reduced = reduced[np.ix_(order, order)]
    if kind == "logistic":
        # Steps move k m straight, so d2m/(dk dm) = -1/k: the plain Hessian lacks that share of it.
        turn = trend[1] / state.variance[0] / state.slope[0]
        reduced[0, 1] += turn
        reduced[1, 0] += turn
    values = parameters(state)
    for place in range(values.size):
        if kind == "flat" and place == 0:
            continue
        step = 1e-5 * np.eye(values.size)[place]
        up = smooth_gradient(problem, at(problem, y, caps, values + step))
        down = smooth_gradient(problem, at(problem, y, caps, values - step))
        np.testing.assert_allclose(
            reduced[place], (up - down) / 2e-5, rtol=1e-4, atol=1e-4 * np.abs(reduced).max()
        )


def test_segment_moments_give_the_weighted_products() -> None:
    problem = column_moments(small_problem("linear", 3, 2))
    _, _, state = filled(problem)
    gram = np.zeros((5, 5))
    weighted_gram(problem, state.trend[0], gram)
    squared, plain = trend_powers(problem, state, np.arange(1))
    packed, mixed = squared @ problem.moments, plain @ problem.mixed_moments
    np.testing.assert_allclose(packed[0], gram[np.tril_indices(3)], rtol=1e-12)
    np.testing.assert_allclose(mixed[0].reshape(3, 2).T, gram[3:, :3], rtol=1e-10)


@pytest.mark.parametrize("penalty", [0.01, 0.5, 5.0, 1000.0])
def test_the_lasso_meets_its_optimality_conditions(penalty: float) -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        size = int(rng.integers(1, 26))
        root = np.cumsum(np.cumsum(rng.normal(0, 1, (40, size)), axis=0), axis=1)
        quadratic, linear = root.T @ root, rng.normal(0, 50, size)
        found = rng.normal(0, 1, size) * (rng.random(size) < 0.5)
        room = np.empty((size, size)), np.empty(size), np.empty(size, np.int64), np.empty(size)
        lasso(quadratic, linear, penalty, found, *room)
        slope = quadratic @ found - linear
        used = found != 0
        noise = 1e-7 * (np.abs(quadratic) @ np.abs(found) + penalty).max()
        assert np.abs(slope + penalty * np.sign(found))[used].max(initial=0) <= noise
        assert np.abs(slope)[~used].max(initial=0) <= penalty + noise


def test_a_matrix_that_is_not_positive_has_no_factor() -> None:
    assert not cholesky(np.array([[1.0, 0.0], [2.0, 1.0]]), 2)  # determinant 1 - 4 < 0
    factor = np.array([[4.0, 0.0], [2.0, 5.0]])
    assert cholesky(factor, 2)
    vector = np.array([8.0, 9.0])  # 4 x + 2 y = 8, 2 x + 5 y = 9: x = 22/16, y = 20/16
    solve_factored(factor, 2, vector)
    np.testing.assert_allclose(vector, [1.375, 1.25])


@pytest.mark.parametrize(("kind", "multiplied", "added"), CASES)
def test_a_fit_ends_where_the_gradient_vanishes(kind: str, multiplied: int, added: int) -> None:
    problem = small_problem(kind, multiplied, added)
    y, caps, _ = filled(problem)
    state = new_state(problem, 1)
    state.slope[0], state.offset[0] = (0.7, 0.4) if kind == "logistic" else (0.0, y.mean())
    residual, steps = np.empty(1), np.empty(1, np.int64)
    solve_chunk(problem, y, caps, state, residual, steps)
    assert residual[0] <= 1e-6
    again = gradient_norms(problem, state)[0] / start_norms(problem, y, caps)[0]
    assert again == pytest.approx(residual[0])
    # No random neighbour is better: the point is a minimum, not only stationary.
    rng = np.random.default_rng(4)
    values = parameters(state)
    for _ in range(200):
        near = values + rng.normal(0, 1e-3, values.size)
        if kind == "flat":
            near[0] = 0.0
        assert at(problem, y, caps, near).loss[0] >= state.loss[0] - 1e-12


def test_side_by_side_is_the_same_as_one_by_one() -> None:
    problem = column_moments(small_problem("linear", 4, 0))
    y = np.random.default_rng(5).uniform(0.2, 1, (7, 60))
    caps = np.zeros_like(y)

    def fit(rows: NDArray) -> State:
        state = new_state(problem, rows.shape[0])
        state.offset[:] = rows.mean(axis=1)
        residual, steps = np.empty(rows.shape[0]), np.empty(rows.shape[0], np.int64)
        solve_chunk(problem, rows, np.zeros_like(rows), state, residual, steps)
        assert (residual <= 1e-6).all()
        return state

    together = fit(y)
    assert caps.shape == y.shape
    for place in range(7):
        np.testing.assert_allclose(fit(y[place : place + 1]).loss, together.loss[place], atol=1e-8)
