"""What comes out of the batch engine: forecasts, components, refits, streams, fallbacks."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from core_modules.batch_prophet import fallbacks
from core_modules.batch_prophet.assembly import (
    changepoint_table,
    result_of,
    room_for,
    source_of,
)
from core_modules.batch_prophet.design import prophet_silence
from core_modules.batch_prophet.fidelity import to_prophet
from core_modules.batch_prophet.fitted import LBFGS, PROPHET, ROUTES
from core_modules.batch_prophet.fitting import fit_batch
from core_modules.batch_prophet.panel import panel_of_frame
from core_modules.batch_prophet.prediction import predict_batch, sample_paths
from core_modules.batch_prophet.scaling import scale_panel
from core_modules.batch_prophet.settings import BatchSettings, prophet_model
from core_modules.batch_streams.streaming import fit_stream, forecast_stream, item_chunks
from tests.batch_series import (
    REGRESSORS,
    known,
    long_frame,
    sales,
    shop_settings,
    split,
    with_gaps,
    with_regressors,
)

MODES = ("additive", "multiplicative")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", ["linear", "logistic", "flat"])
def test_forecast_and_components_are_those_of_the_same_prophet(kind: str, mode: str) -> None:
    settings, history, future = known(kind, mode)
    fit = fit_batch(history, settings)
    found = predict_batch(fit, future, components=True)
    for item in fit.ids:
        with prophet_silence():
            model = to_prophet(fit, item)
            model.uncertainty_samples = 0
            expected = model.predict(future[future["unique_id"] == item].drop(columns="unique_id"))
        ours = found[found["unique_id"] == item].reset_index(drop=True)
        assert len(ours) == len(expected)
        for name in set(expected) - {"ds", "cap", "floor"}:
            np.testing.assert_allclose(
                ours[name], expected[name], rtol=1e-9, atol=1e-9, err_msg=name
            )


def test_the_same_seed_gives_the_same_paths() -> None:
    fit = fit_batch(long_frame(sales(3, days=60)), BatchSettings())
    first, again = sample_paths(fit, 7, 5, seed=1), sample_paths(fit, 7, 5, seed=1)
    assert first.shape == (3, 5, 7)
    np.testing.assert_array_equal(first, again)
    assert (sample_paths(fit, 7, 5, seed=2) != first).all()
    assert (first[0] != first[1]).all()


@pytest.mark.parametrize("mode", MODES)
def test_a_refit_with_new_days_starts_from_the_last_one(mode: str) -> None:
    settings = shop_settings(seasonality_mode=mode)
    frame = long_frame(sales(12, days=758, mode=mode))
    history, _ = split(frame)
    earlier = fit_batch(history, settings)
    cold, warm = fit_batch(frame, settings), fit_batch(frame, settings, start=earlier)
    assert warm.converged.all()
    np.testing.assert_allclose(warm.loss, cold.loss, atol=1e-6)
    same = fit_batch(history, settings, start=earlier)
    assert same.steps.mean() < 0.6 * earlier.steps.mean()


@pytest.mark.parametrize("mode", MODES)
def test_threads_and_chunks_give_the_same_fits(mode: str) -> None:
    settings = shop_settings(seasonality_mode=mode)
    values = sales(140, days=400, mode=mode)
    values[100:] = with_gaps(values[100:])
    frame = long_frame(values)
    one, two = fit_batch(frame, settings), fit_batch(frame, settings, threads=2)
    np.testing.assert_array_equal(one.beta, two.beta)
    streamed = list(fit_stream(item_chunks(frame, 50), settings))
    assert [len(part.ids) for part in streamed] == [50, 50, 40]
    np.testing.assert_allclose(
        np.concatenate([part.loss for part in streamed]), one.loss, atol=1e-6
    )
    forecasts = pd.concat(forecast_stream(item_chunks(frame, 50), 7, settings))
    whole = predict_batch(one, 7)
    np.testing.assert_allclose(forecasts["yhat"], whole["yhat"], rtol=1e-5, atol=1e-5)
    assert list(whole.columns) == [
        "unique_id", "ds", "yhat", "yhat_lower_80", "yhat_upper_80", "yhat_lower_95",
        "yhat_upper_95", "trend",
    ]  # fmt: skip
    assert whole["ds"].min() == frame["ds"].max() + pd.Timedelta(days=1)


def test_an_item_of_one_day_is_reported_and_stops_nobody() -> None:
    frame = long_frame(sales(2, days=60))
    frame = pd.concat([frame, frame.iloc[:1].assign(unique_id="new")], ignore_index=True)
    fit = fit_batch(frame, BatchSettings())
    assert fit.counts == {
        "engine": 2,
        "constant": 0,
        "lbfgs": 0,
        "prophet": 0,
        "undetermined": 0,
        "unfit": 1,
    }
    assert fit.converged.tolist() == [True, True, False]
    assert predict_batch(fit, 3)["yhat"].isna().tolist() == [False] * 6 + [True] * 3


def test_a_future_that_lacks_its_columns_is_refused() -> None:
    frame = with_regressors(long_frame(sales(1, days=60)))
    fit = fit_batch(frame, BatchSettings(regressors=REGRESSORS))
    with pytest.raises(ValueError, match=r"frame with the columns \['price', 'push'\]"):
        predict_batch(fit, 7)
    with pytest.raises(ValueError, match="'stranger' was not fitted"):
        predict_batch(fit, frame.assign(unique_id="stranger"))


def spoilt(mode: str) -> tuple[Any, ...]:
    """Return everything `mend` takes, for two items whose fits never left their start."""
    settings = shop_settings(seasonality_mode=mode)
    panel = panel_of_frame(long_frame(sales(2, mode=mode)))
    good = fit_batch(long_frame(sales(2, mode=mode)), settings)
    scaled = scale_panel(panel, settings)
    source = source_of(panel, settings, scaled, good.designs[0], changepoint_table(panel, settings))
    fits = room_for(panel, settings, good.designs)
    fits.slope[:], fits.offset[:] = 0.0, 0.5
    fits.loss[:], fits.residual[:] = np.inf, np.inf
    route = np.zeros(2, np.int8)
    return good, source, panel, settings, scaled, fits, route


@pytest.mark.parametrize("mode", MODES)
def test_a_failed_fit_is_mended_by_lbfgs(mode: str) -> None:
    good, source, panel, settings, _, fits, route = spoilt(mode)
    fallbacks.mend(source, good.designs[0], panel, settings, np.arange(2), fits, route)
    assert route.tolist() == [LBFGS, LBFGS]
    assert (fits.residual <= 1e-6).all()
    np.testing.assert_allclose(fits.loss, good.loss, atol=1e-6)


def test_a_fit_that_nothing_else_mends_goes_to_prophet(monkeypatch: pytest.MonkeyPatch) -> None:
    good, source, panel, settings, scaled, fits, route = spoilt("additive")

    def never(*arrays: Any) -> None:
        arrays[3].loss[:], arrays[4][:], arrays[5][:] = np.inf, np.inf, 0

    monkeypatch.setattr(fallbacks, "solve_chunk", never)
    monkeypatch.setattr(fallbacks, "_lbfgs", lambda problem, y, caps, state: state)
    fallbacks.mend(source, good.designs[0], panel, settings, np.arange(2), fits, route)
    assert [ROUTES[number] for number in route] == ["prophet", "prophet"]
    assert route[0] == PROPHET
    fit = result_of(panel, settings, good.designs, good.design, scaled, fits, route)
    assert fit.counts["prophet"] == 2
    # Stan stops short of the optimum, which the report says.
    assert not fit.converged.any()
    assert (fit.loss >= good.loss - 1e-6).all()
    assert (fit.loss < good.loss + 5).all()


def test_a_series_without_a_best_fit_is_prophets() -> None:
    # Two days that any line meets exactly: sigma falls without end until a solver stops.
    frame = long_frame(np.array([[24.0, 74.0]]))
    fit = fit_batch(frame, BatchSettings())
    assert fit.counts["prophet"] == 1
    with prophet_silence():
        model = prophet_model(BatchSettings(), uncertainty_samples=0)
        model.fit(frame.drop(columns="unique_id"))
    assert fit.k[0] == model.params["k"].item()
    assert fit.sigma_obs[0] == pytest.approx(model.params["sigma_obs"].item())
    assert not fit.converged[0]
