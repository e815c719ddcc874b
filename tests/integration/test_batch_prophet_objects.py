"""A batch fit opens as Prophet objects, and Prophet objects as a batch fit: nothing is lost."""

from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from core_modules.batch_prophet.design import prophet_silence
from core_modules.batch_prophet.fidelity import from_prophet, to_prophet
from core_modules.batch_prophet.fitted import BatchFit
from core_modules.batch_prophet.fitting import fit_batch
from core_modules.batch_prophet.prediction import predict_batch
from core_modules.batch_prophet.settings import BatchSettings, Seasonality, prophet_model
from tests.batch_series import (
    REGRESSORS,
    known,
    long_frame,
    prophet_loss,
    sales,
    shop_settings,
    split,
    with_gaps,
    with_regressors,
)

MODES = ("additive", "multiplicative")
KINDS = ("linear", "logistic", "flat")
PARAMETERS = ("k", "m", "delta", "beta", "sigma_obs")


def test_a_fit_opens_as_a_prophet_object_that_draws() -> None:
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    frame = long_frame(with_gaps(sales(2)))
    fit = fit_batch(frame, shop_settings())
    with prophet_silence():
        model = to_prophet(fit, fit.ids[1])
        forecast = model.predict(model.make_future_dataframe(14))
        model.plot_components(forecast)
        model.plot(forecast)
    plt.close("all")
    assert -model.params["lp__"].item() == fit.loss[1]
    assert model.params["delta"].shape == (1, 25)
    assert model.params["trend"].shape == (1, len(model.history))
    with pytest.raises(KeyError):
        to_prophet(fit, "nobody")


@pytest.mark.parametrize("mode", MODES)
def test_prophet_objects_become_a_batch_fit(mode: str) -> None:
    settings = shop_settings(seasonality_mode=mode, regressors=REGRESSORS)
    frame = with_regressors(long_frame(with_gaps(sales(2, days=758, mode=mode))))
    history, future = split(frame)
    models: dict[str, Any] = {}
    for item, rows in history.groupby("unique_id"):
        with prophet_silence():
            model = prophet_model(settings, uncertainty_samples=0)
            models[str(item)] = model.fit(rows.drop(columns="unique_id"))
    fit = from_prophet(models)
    found = predict_batch(fit, future)
    for place, (item, model) in enumerate(models.items()):
        with prophet_silence():
            rows = future[future["unique_id"] == item].drop(columns="unique_id")
            expected = model.predict(rows)["yhat"]
        ours = found.loc[found["unique_id"] == item, "yhat"]
        np.testing.assert_allclose(ours, expected, rtol=1e-9)
        assert fit.loss[place] == pytest.approx(prophet_loss(model), abs=1e-9)
    better = fit_batch(history, settings, start=fit)
    assert (better.loss <= fit.loss + 1e-6).all()


def test_models_that_differ_are_not_one_batch() -> None:
    frame = long_frame(sales(1, days=60)).drop(columns="unique_id")
    with prophet_silence():
        one = prophet_model(BatchSettings()).fit(frame)
        other = prophet_model(BatchSettings(changepoint_prior_scale=0.5)).fit(frame)
    with pytest.raises(ValueError, match="settings of 'b' differ"):
        from_prophet({"a": one, "b": other})


def whole_history(model: Any, future: pd.DataFrame) -> pd.DataFrame:
    """Return Prophet's own days, past and ahead, with the columns that it asks for."""
    ahead = model.make_future_dataframe(len(future))
    assert ahead["ds"].iloc[-1] == model.history_dates.max() + pd.Timedelta(days=len(future))
    known_columns = pd.concat([in_units(model), future]).drop_duplicates("ds")
    return ahead.merge(known_columns.drop(columns=["y"], errors="ignore"), on="ds")


def in_units(model: Any) -> pd.DataFrame:
    """Return a fitted model's history with its regressors in their own units."""
    found = model.history.copy()
    for name, props in model.extra_regressors.items():
        found[name] = found[name] * props["std"] + props["mu"]
    return found[["ds", "y", "cap", "floor", *model.extra_regressors]]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", KINDS)
def test_an_object_predicts_plots_and_goes_through_json(kind: str, mode: str) -> None:
    mpl.use("Agg")
    import matplotlib.pyplot as plt
    from prophet.plot import add_changepoints_to_plot
    from prophet.serialize import model_from_json, model_to_json
    from prophet.utilities import regressor_coefficients

    settings, history, future = known(kind, mode)
    fit = fit_batch(history, settings)
    rows = future[future["unique_id"] == fit.ids[1]].drop(columns="unique_id")
    with prophet_silence():
        model = to_prophet(fit, fit.ids[1])
        model.history = model.history.assign(cap=model.history.get("cap", 1.0))
        forecast = model.predict(whole_history(model, rows))
        axes = model.plot(forecast).gca()
        add_changepoints_to_plot(axes, model, forecast)
        shown = [panel.get_ylabel() for panel in model.plot_components(forecast).axes]
        assert (forecast["yhat_lower"] < forecast["yhat_upper"]).all()
        model.uncertainty_samples = 0
        again = model_from_json(model_to_json(model))
        expected, found = model.predict(rows), again.predict(rows)
    plt.close("all")
    assert {"trend", "holidays", "monthly", "weekly", "yearly"} <= set(shown)
    pd.testing.assert_frame_equal(found, expected)
    for name in PARAMETERS:
        np.testing.assert_array_equal(again.params[name], model.params[name])
    coefficients = regressor_coefficients(model).set_index("regressor")["coef"]
    assert list(coefficients.index) == ["price", "push"]
    assert np.isfinite(coefficients).all()


def same_fits(one: BatchFit, other: BatchFit) -> None:
    """Check that two fits of the same items are one."""
    assert list(one.ids) == list(other.ids)
    for name in ("k", "m", "delta", "changepoints_t", "beta", "y_scale", "start", "t_scale"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), atol=1e-12)
    np.testing.assert_allclose(one.sigma_obs, other.sigma_obs, rtol=1e-12)
    np.testing.assert_allclose(one.loss, other.loss, atol=1e-6)
    np.testing.assert_allclose(one.residual, other.residual, atol=1e-6)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", KINDS)
def test_there_and_back_again_is_the_same_fit(kind: str, mode: str) -> None:
    from prophet.serialize import model_from_json, model_to_json

    settings, history, future = known(kind, mode)
    other = "additive" if mode == "multiplicative" else "multiplicative"
    season = Seasonality("midweek", 7, 2, mode=other, prior_scale=0.5)
    settings = shop_settings(
        growth=kind,
        seasonality_mode=mode,
        holidays_mode=other,
        seasonalities=(season,),
        regressors=REGRESSORS,
    )
    fit = fit_batch(history, settings)
    models = {str(item): to_prophet(fit, item) for item in fit.ids}
    back = from_prophet(models)
    same_fits(back, fit)
    with prophet_silence():
        stored = {name: model_from_json(model_to_json(model)) for name, model in models.items()}
    same_fits(from_prophet(stored), fit)
    ours, theirs = predict_batch(fit, future), predict_batch(back, future)
    np.testing.assert_allclose(theirs["yhat"], ours["yhat"], rtol=1e-9)


@pytest.mark.parametrize("kind", ["logistic", "flat"])
def test_stans_fits_of_other_growths_become_a_batch_fit(kind: str) -> None:
    settings, history, future = known(kind, "multiplicative")
    item = str(history["unique_id"].iloc[0])
    rows = history[history["unique_id"] == item].drop(columns="unique_id")
    later = future[future["unique_id"] == item]
    with prophet_silence():
        model = prophet_model(settings, uncertainty_samples=0).fit(rows)
        expected = model.predict(later.drop(columns="unique_id"))["yhat"]
    fit = from_prophet({item: model})
    assert fit.loss[0] == pytest.approx(prophet_loss(model), abs=1e-9)
    np.testing.assert_allclose(predict_batch(fit, later)["yhat"], expected, rtol=1e-9)
    better = fit_batch(history[history["unique_id"] == item], settings, start=fit)
    assert better.loss[0] <= fit.loss[0] + 1e-6
