"""What weekly items learn from each other: the pooled index, groups inside groups, sure levels."""

import json
from datetime import date

import numpy as np
import pandas as pd
import pytest

from core_modules.demand_forecaster import DemandModel, ForecastSettings, ObservationLaw, fit_models
from core_modules.explaining.kept_values import kept, rebuilt
from core_modules.forecasting.forecast_series import read_batch
from core_modules.forecasting.level_choice import LevelSettings
from core_modules.forecasting.level_following import Level, LevelRatio, ratio_after, ratios_through
from core_modules.forecasting.pooled_index import alike, pooled_index

# 130 weeks, of which 104 are past; the 20th week from the start sells more every year.
WEEKS = np.datetime64("2021-01-04") + 7 * np.arange(130)
SPIKES = np.array([20, 72, 124])  # 2021-05-24, 2022-05-23, 2023-05-22


def sales(items: int, mean: float, spike: float, seed: int = 0) -> np.ndarray:
    """Return Poisson sales of the weeks that are past, (items, 104)."""
    expected = np.full(104, mean)
    expected[SPIKES[:2]] *= spike
    return np.random.default_rng(seed).poisson(expected, (items, 104)).astype(float)


def test_a_spike_of_every_year_is_found_and_forecast() -> None:
    index = pooled_index(sales(60, 5.0, 3.0), [], WEEKS)
    assert index.mean(axis=1) == pytest.approx(np.ones(60))
    # It shares six days of seven with that of the year before: about 1 + 2 * 6 / 7.
    assert index[0, 124] / np.median(index[0]) == pytest.approx(2.7, rel=0.1)


def test_a_thin_group_is_held_at_the_index_of_all() -> None:
    units = np.concatenate([sales(60, 5.0, 3.0), sales(1, 0.2, 1.0, seed=1)])
    group = np.array([0] * 60 + [1])
    index = pooled_index(units, [group], WEEKS)
    assert index[-1, 124] == pytest.approx(index[0, 124], rel=0.05)


def test_a_large_group_keeps_what_sets_it_apart() -> None:
    units = np.concatenate([sales(60, 50.0, 3.0), sales(60, 50.0, 1.0, seed=1)])
    group = np.repeat([0, 1], 60)
    index = pooled_index(units, [group], WEEKS)
    assert index[0, 124] > 2.2
    assert index[-1, 124] < 1.3


def test_the_index_is_the_same_in_other_units() -> None:
    units = sales(20, 5.0, 3.0)
    group = np.arange(20) % 3
    thousands = pooled_index(units / 1000, [group], WEEKS)
    assert thousands == pytest.approx(pooled_index(units, [group], WEEKS))


def test_missing_weeks_say_nothing_of_the_season() -> None:
    units = sales(60, 5.0, 3.0)
    units[:30, SPIKES[:2]] = np.nan
    index = pooled_index(units, [], WEEKS)
    assert index[0, 124] / np.median(index[0]) == pytest.approx(2.7, rel=0.1)


def test_weeks_are_alike_as_far_as_they_share_days_of_the_year() -> None:
    # 8 to 14 November, 7 to 13 November: six of seven days; 14 to 20: one
    dates = np.array(["2021-11-08", "2022-11-07", "2022-11-14"], dtype="datetime64[D]")
    assert alike(dates)[0] == pytest.approx([1, 6 / 7, 1 / 7])


def test_a_leap_day_moves_no_date() -> None:
    # 1 to 7 March in a common year and, from a Friday on, in a leap year
    dates = np.array(["2023-03-01", "2024-03-01"], dtype="datetime64[D]")
    assert alike(dates)[0, 1] == pytest.approx(1.0)


def test_a_spike_on_one_date_is_expected_in_the_week_that_holds_the_date() -> None:
    # 14 November: in the week of the 8th in 2021, of the 14th in 2022, of the 13th in 2023
    weeks = np.datetime64("2021-01-04") + 7 * np.arange(156)
    units = np.full((5, 146), 20.0)
    for monday in ("2021-11-08", "2022-11-14"):
        units[:, np.flatnonzero(weeks == np.datetime64(monday))] = 60.0
    index = pooled_index(units, [], weeks)[0]
    before, spike = (
        index[np.flatnonzero(weeks == np.datetime64(day))[0]]
        for day in ("2023-11-06", "2023-11-13")
    )
    assert spike > before + 0.5


def test_a_prior_holds_the_level_of_little_evidence_near_one() -> None:
    # (4 + 6) / (2 + 6) = 1.25, where the evidence alone says 2
    assert LevelRatio(0.1, 4.0, 2.0, prior=6.0).value == pytest.approx(1.25)


def test_a_prior_is_never_forgotten() -> None:
    actual = np.array([3.0, np.nan, 0.0, 7.0, 5.0])
    fitted = np.full(5, 5.0)
    ratio = LevelRatio(0.3, 15.0, 15.0, prior=10.0)  # three days before evidence, two for ever
    for day, units in enumerate(actual):
        ratio = ratio if np.isnan(units) else ratio.observe(units, 5.0)
        assert ratios_through(actual, fitted, 0.3, 2.0)[day] == pytest.approx(ratio.value)
    assert ratio_after(actual, fitted, 0.3, 2.0) == ratio


def test_a_level_with_a_prior_comes_back_from_json() -> None:
    level = Level(LevelRatio(0.1, 1.0, 2.0, 3.0), LevelRatio(0.2, 1.0, 2.0, 3.0), 0.5, 0.2)
    model = DemandModel(
        "A", "test", date(2024, 1, 1), np.ones(3), ObservationLaw(1.0, 1.0), level, step=7
    )
    assert rebuilt(DemandModel, json.loads(json.dumps(kept(model)))).level == level


def test_a_negative_prior_is_refused() -> None:
    with pytest.raises(ValueError, match="prior_days must be >= 0, got -1"):
        LevelSettings(prior_days=-1.0)


def weekly_frame() -> pd.DataFrame:
    dates = pd.date_range("2024-01-01", periods=8, freq="W-MON", unit="us")
    return pd.concat(
        [
            pd.DataFrame({"unique_id": name, "ds": dates, "y": 3.0, "shop": shop, "kind": kind})
            for name, shop, kind in (("a", "s1", "k1"), ("b", "s1", "k2"), ("c", "s2", "k2"))
        ],
        ignore_index=True,
    )


def test_group_columns_lie_inside_the_group_of_all() -> None:
    batch = read_batch(weekly_frame(), ["kind", "shop"], pd.DatetimeIndex([]), 7)
    assert [one.group for one in batch.series] == ["", "", ""]
    assert [one.within for one in batch.series] == [("k1", "s1"), ("k2", "s1"), ("k2", "s2")]


@pytest.mark.parametrize("groups", ["nothing", ["kind", "nothing"]])
def test_a_group_column_that_is_not_there_is_named(groups: str | list[str]) -> None:
    with pytest.raises(ValueError, match="no column 'nothing' to group its items by"):
        fit_models(weekly_frame(), horizon=2, freq="W", groups=groups)


def test_weekly_levels_are_held_by_a_prior_and_daily_ones_are_not() -> None:
    settings = ForecastSettings()
    assert settings.level("W").prior_days > 0
    assert settings.level("D").prior_days == 0
