"""Series whose trend and multiplicative seasons the data do not tell apart: they are Prophet's."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from core_modules.batch_prophet import fallbacks
from core_modules.batch_prophet.design import prophet_silence
from core_modules.batch_prophet.determinacy import LARGEST, swings_of
from core_modules.batch_prophet.fitting import fit_batch
from core_modules.batch_prophet.prediction import predict_batch
from core_modules.batch_prophet.settings import BatchSettings, Seasonality, prophet_model
from core_modules.batch_streams.forecasts import forecast_to_parquet
from tests.batch_series import long_frame, prophet_loss, sales, shop_settings, with_gaps

MULTIPLICATIVE = BatchSettings(seasonality_mode="multiplicative")
MIXED = BatchSettings(
    yearly_seasonality=False,
    seasonalities=(Seasonality("year", 365.25, 10, mode="multiplicative"),),
)


def delisted(items: int) -> NDArray:
    """Items that hardly sell for two years, sell well for 80 days and then never, (items, days)."""
    rng = np.random.default_rng(0)
    days = np.arange(900)
    mean = np.where(days < 780, 0.2, 15.0) * (days < 860)
    return rng.poisson(mean, (items, days.size)).astype(float)


def prophet_fit(settings: BatchSettings, frame: pd.DataFrame, item: object) -> Any:
    with prophet_silence():
        model = prophet_model(settings, uncertainty_samples=0)
        return model.fit(frame[frame["unique_id"] == item].drop(columns="unique_id"))


@pytest.mark.parametrize("settings", [MULTIPLICATIVE, MIXED], ids=["multiplicative", "mixed"])
def test_a_delisted_item_is_prophets_and_counted(settings: BatchSettings) -> None:
    values = np.concatenate([delisted(2), sales(3, days=900, mode="multiplicative")])
    frame = long_frame(values)
    fit = fit_batch(frame, settings)
    assert fit.counts["undetermined"] == 2
    assert fit.counts["engine"] == 3
    assert fit.summary()["route"].tolist() == ["undetermined"] * 2 + ["engine"] * 3
    ahead = predict_batch(fit, 28, intervals=False)
    for place, item in enumerate(fit.ids[:2]):
        model = prophet_fit(settings, frame, item)
        assert fit.k[place] == model.params["k"].item()
        assert fit.loss[place] == pytest.approx(prophet_loss(model), abs=1e-6)
        with prophet_silence():
            theirs = model.predict(model.make_future_dataframe(28, include_history=False))["yhat"]
        ours = ahead.loc[ahead["unique_id"] == item, "yhat"]
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)


def test_a_forecast_to_files_says_how_many_are_undetermined(tmp_path: Path) -> None:
    frame = long_frame(np.concatenate([delisted(1), sales(3, days=900, mode="multiplicative")]))
    days = pd.date_range("2025-06-19", periods=7)
    found = forecast_to_parquet([frame], days, MULTIPLICATIVE, folder=tmp_path / "out")
    assert (found.routes["engine"], found.routes["undetermined"]) == (3, 1)


def test_the_forecast_of_a_delisted_item_stays_sane(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = long_frame(delisted(4))
    sane = predict_batch(fit_batch(frame, MULTIPLICATIVE), 28)
    monkeypatch.setattr(fallbacks, "LARGEST", np.inf)
    best = fit_batch(frame, MULTIPLICATIVE)
    assert best.counts["engine"] == 4
    wild = predict_batch(best, 28)
    # Nothing sold for 40 days: the best fit of the past says more than the best days ever sold.
    assert wild["yhat"].abs().max() > frame["y"].max()
    assert sane["yhat"].abs().max() < 0.5 * wild["yhat"].abs().max()
    assert sane["yhat"].abs().mean() < 0.5 * wild["yhat"].abs().mean()


@pytest.mark.parametrize("mode", ["additive", "multiplicative"])
def test_ordinary_items_are_never_handed_on(mode: str) -> None:
    values = sales(120, mode=mode)
    values[80:] = with_gaps(values[80:])
    for settings in (MULTIPLICATIVE, shop_settings(seasonality_mode="multiplicative")):
        assert fit_batch(long_frame(values), settings).counts["engine"] == 120


def test_additive_seasons_are_determined_however_large() -> None:
    assert fit_batch(long_frame(delisted(3)), BatchSettings()).counts["engine"] == 3


def test_a_shop_closed_on_saturdays_is_not_handed_on() -> None:
    # Weekly seasons that no Saturday holds grow to several times the trend, all days alike.
    frame = long_frame(sales(5, days=300, mode="multiplicative"))
    fit = fit_batch(frame[frame["ds"].dt.day_of_week != 5], MULTIPLICATIVE)
    assert np.abs(fit.beta).max() > 1
    assert fit.counts["engine"] == 5


def test_a_refit_asks_anew_whether_an_item_is_determined() -> None:
    frame = long_frame(delisted(2))
    earlier = fit_batch(frame[frame["ds"] < "2025-02-01"], MULTIPLICATIVE)
    assert earlier.counts["engine"] == 2
    assert fit_batch(frame, MULTIPLICATIVE, start=earlier).counts["undetermined"] == 2


def test_the_swing_of_a_week_that_sells_on_one_day_is_the_root_of_six() -> None:
    # Mean 1, and the squares about it are 36 + 6 over 7 days, that is 6; its scale is no matter.
    week = np.array([7.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    found = swings_of(np.array([week, 5 * week, -week, 1 - week]))
    np.testing.assert_allclose(found[:3], np.sqrt(6))
    assert found[0] < LARGEST < found[3] == np.inf
