"""The rolling backtest: what it measures, on a forecaster written by hand."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from core_modules.demand_forecaster import DemandModel, ObservationLaw
from core_modules.forecasting import forecast_backtest
from core_modules.forecasting.forecast_backtest import (
    ALL_ITEMS,
    FORECASTER,
    NAIVE,
    Backtest,
    backtest,
)
from core_modules.forecasting.seasonal_naive import SeasonalNaive

WEEK = [10.0, 12.0, 14.0, 10.0, 12.0, 20.0, 6.0]  # 84 a week


def sales(days: int = 140, units: list[float] | None = None) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "unique_id": "A",
            "ds": pd.date_range("2023-01-01", periods=days, unit="us"),
            "y": np.resize(units or WEEK, days),
        }
    )


class WeekForecaster:
    """Says the week of `WEEK` times a factor, without scatter; keeps what it was shown."""

    def __init__(self, factor: float = 1.0, law: ObservationLaw | None = None) -> None:
        self.factor, self.law = factor, law or ObservationLaw(0.0, 1.0)
        self.shown: list[pd.DataFrame] = []

    def __call__(self, frame: pd.DataFrame, *, horizon: int, **_: Any) -> list[DemandModel]:
        self.shown.append(frame)
        start = len(frame) % 7
        fitted = self.factor * np.resize(np.roll(WEEK, -start), horizon)
        return [DemandModel("A", "by hand", frame["ds"].iloc[-1].date(), fitted, self.law)]


def measured(
    monkeypatch: pytest.MonkeyPatch, forecaster: WeekForecaster, frame: pd.DataFrame, **given: Any
) -> Backtest:
    monkeypatch.setattr(forecast_backtest, "fit_models", forecaster)
    return backtest(frame, cutoffs=2, window=14, every=1, **given)


def row(result: Backtest, method: str, lead_time: int) -> pd.Series:
    rows = result.pooled()
    return rows[(rows["method"] == method) & (rows["lead_time"] == lead_time)].iloc[0]


def test_a_perfect_forecast_has_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    result = measured(monkeypatch, WeekForecaster(), sales())
    for method in (FORECASTER, NAIVE):
        assert row(result, method, 7)[["wape", "bias", "pinball", "daily_wape"]].tolist() == [0] * 4


def test_a_forecast_of_half_the_demand_is_half_wrong_and_low(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = row(measured(monkeypatch, WeekForecaster(0.5), sales()), FORECASTER, 7)
    # of 84 units a week 42 are missing; every quantile is 42 too low, so pinball is the mean level
    # (0.1 + 0.5 + 0.8 + 0.9 + 0.95 + 0.99) / 6 = 0.70667 times 42 over 84
    assert found["wape"] == pytest.approx(0.5)
    assert found["bias"] == pytest.approx(-0.5)
    assert found["pinball"] == pytest.approx(0.70667 / 2, rel=1e-3)
    assert found["coverage_80"] == 0


def test_errors_of_days_are_scaled_by_those_of_the_naive_before_the_cutoff(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Every second week sells 7 a day more, so the naive is 7 off on every day; half of 12 or 19
    # is missing: on two weeks of 84 and 133 units daily errors are 42 and 91, 66.5 / 7 = 9.5 a day
    frame = sales(units=WEEK + [units + 7 for units in WEEK])
    found = row(measured(monkeypatch, WeekForecaster(0.5), frame), FORECASTER, 14)
    assert found["mase"] == pytest.approx(9.5 / 7)


def test_a_calibrated_law_covers_as_often_as_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    frame = sales(days=900)
    frame["y"] = rng.poisson(frame["y"]).astype(float)
    law = ObservationLaw(1.0, 1.0)
    monkeypatch.setattr(forecast_backtest, "fit_models", WeekForecaster(law=law))
    found = row(backtest(frame, cutoffs=10, window=80, every=1), FORECASTER, 3)
    assert found["coverage_50"] == pytest.approx(0.5, abs=0.04)
    assert found["coverage_80"] == pytest.approx(0.8, abs=0.04)
    assert found["coverage_95"] == pytest.approx(0.95, abs=0.03)


def test_models_are_fitted_to_days_before_their_cutoff_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    forecaster = WeekForecaster()
    result = measured(monkeypatch, forecaster, sales())
    assert [shown["ds"].max() for shown in forecaster.shown] == list(result.cutoffs)
    assert [len(shown) for shown in forecaster.shown] == [112, 126]


def test_lead_times_that_meet_a_missing_day_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = sales().assign(in_stock=True)
    hidden = whole.copy()
    hidden.loc[hidden.index[-1], "in_stock"] = False
    counts = [
        row(measured(monkeypatch, WeekForecaster(), frame), FORECASTER, 14)["origins"]
        for frame in (whole, hidden)
    ]
    # of the last window one evening reaches the last day
    assert counts == [15, 14]


def test_there_is_a_row_for_every_item_and_one_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    table = measured(monkeypatch, WeekForecaster(), sales()).table
    assert set(table["unique_id"]) == {"A", ALL_ITEMS}
    assert len(table) == 2 * 2 * 3  # items and all, methods, lead times


def test_a_history_too_short_says_how_much_is_needed() -> None:
    with pytest.raises(ValueError, match=r"needs 208 of history, got 100"):
        backtest(sales(days=100))


def test_the_seasonal_naive_repeats_the_last_week_and_knows_its_errors() -> None:
    past = np.resize([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], 28)
    past[-7:] += 1.0
    naive = SeasonalNaive.learnt(past, [7], 7)
    assert naive.repeated(past, 9).tolist() == [2, 3, 4, 5, 6, 7, 8, 2, 3]
    # a total of seven days was 7 too low once, when all of them had risen
    assert naive.errors[7].max() == 7
    # seven of 21 differences are 1
    assert naive.scale == pytest.approx(1 / 3)
