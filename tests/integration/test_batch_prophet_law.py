"""The law of what comes: closed-form intervals and fast paths beside Prophet's own samples."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from core_modules.batch_prophet.design import prophet_silence
from core_modules.batch_prophet.fidelity import to_prophet
from core_modules.batch_prophet.fitted import BatchFit
from core_modules.batch_prophet.fitting import fit_batch
from core_modules.batch_prophet.prediction import DRAWS, predict_batch, sample_paths
from tests.batch_series import known

SAMPLES = 1000
SURE = 4.5  # standard errors: one check in 150,000 fails by chance
# Sizes of slope changes over sigma: a livelier trend than fitted, whose share of the spread shows.
SIZES = {"linear": 75.0, "logistic": 200.0, "flat": 0.0}
# In fours that leave level and slope as they were.
SIGNS = np.append(np.tile([1.0, -1.0, -1.0, 1.0], 6), 0.0)
KINDS = [(kind, mode) for kind in SIZES for mode in ("additive", "multiplicative")]


@pytest.fixture(scope="module", params=KINDS, ids=" ".join)
def case(request: pytest.FixtureRequest) -> tuple[BatchFit, pd.DataFrame, NDArray, NDArray]:
    """Return a fit, the days ahead of one item, its paths and Prophet's, (samples, days) each."""
    kind, mode = request.param
    settings, history, future = known(kind, mode)
    fit = fit_batch(history, settings)
    if kind != "flat":
        fit.delta[0] = SIZES[kind] * fit.sigma_obs[0] * SIGNS
    rows = future[future["unique_id"] == fit.ids[0]]
    theirs = prophet_samples(to_prophet(fit, fit.ids[0]), rows.drop(columns="unique_id"))
    return fit, rows, sample_paths(fit, rows, SAMPLES, seed=3)[0], theirs


def prophet_samples(model: Any, rows: pd.DataFrame) -> NDArray:
    """Return Prophet's samples, (samples, days), drawn one by one as its law is written."""
    model.uncertainty_samples = SAMPLES
    state = np.random.get_state()  # noqa: NPY002 - Prophet draws from the global generator
    np.random.seed(5)  # noqa: NPY002
    with prophet_silence():
        found = model.predictive_samples(rows, vectorized=False)["yhat"]
    np.random.set_state(state)  # noqa: NPY002
    return np.asarray(found).T


def test_each_days_interval_holds_its_share_of_prophets_samples(case: Any) -> None:
    fit, rows, _, theirs = case
    bounds = predict_batch(fit, rows)
    # Logistic bounds are drawn themselves.
    draws = 1 / SAMPLES + (1 / DRAWS if fit.settings.growth == "logistic" else 0)
    for level in (80, 95):
        tail = 0.5 - level / 200
        error = SURE * np.sqrt(tail * (1 - tail) * draws)
        below = (theirs < bounds[f"yhat_lower_{level}"].to_numpy()).mean(axis=0)
        above = (theirs > bounds[f"yhat_upper_{level}"].to_numpy()).mean(axis=0)
        np.testing.assert_allclose(below, tail, rtol=0, atol=error)
        np.testing.assert_allclose(above, tail, rtol=0, atol=error)


def test_paths_have_the_mean_and_variance_of_prophets_on_each_day(case: Any) -> None:
    _, _, ours, theirs = case
    spread = theirs.std(axis=0)
    error = SURE * np.sqrt(2 / SAMPLES)
    assert (np.abs(ours.mean(axis=0) - theirs.mean(axis=0)) < error * spread).all()
    # A variance's own error from the fourth moment, for sums of Laplace changes have heavy tails.
    fourth = ((theirs - theirs.mean(axis=0)) ** 4).mean(axis=0) / spread**4
    error = SURE * np.sqrt(2 * (fourth - 1) / SAMPLES)
    assert (np.abs(ours.var(axis=0) / spread**2 - 1) < error).all()


def test_days_of_a_path_hang_together_as_prophets_do(case: Any) -> None:
    fit, _, ours, theirs = case
    mine, other = np.corrcoef(ours.T), np.corrcoef(theirs.T)  # (days, days)
    for lag in (1, 7, 20):
        np.testing.assert_allclose(
            np.diagonal(mine, lag), np.diagonal(other, lag), rtol=0, atol=0.2
        )
        assert np.diagonal(mine, lag).mean() == pytest.approx(
            np.diagonal(other, lag).mean(), abs=0.08
        )
    if fit.settings.growth != "flat":
        assert mine[-1, -2] > 0.3  # the trend's share can be seen


def test_the_share_inside_is_that_of_our_own_paths(case: Any) -> None:
    fit, rows, ours, _ = case
    bounds = predict_batch(fit, rows)
    for level in (80, 95):
        lower, upper = bounds[f"yhat_lower_{level}"], bounds[f"yhat_upper_{level}"]
        inside = (ours >= lower.to_numpy()) & (ours <= upper.to_numpy())
        assert inside.mean() == pytest.approx(level / 100, abs=0.025)
