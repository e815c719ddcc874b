"""The forecaster without Prophet: values, laws, levels, idle spells, series and calendars."""

import json
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_modules.demand_forecaster import (
    DemandForecast,
    DemandModel,
    ForecastSettings,
    ObservationLaw,
    fit_models,
    standard_uniforms,
)
from core_modules.explaining.kept_values import kept, rebuilt
from core_modules.forecasting.calendar_effects import (
    event_columns,
    holiday_columns,
    told_from_chance,
)
from core_modules.forecasting.forecast_series import Series, closed_ahead, read_batch, simple_model
from core_modules.forecasting.idle_spells import IdleLaw, fit_idle_laws, idle_days
from core_modules.forecasting.law_calibration import PastDays, fit_day_laws
from core_modules.forecasting.level_choice import LevelSettings, follow_levels
from core_modules.forecasting.level_following import (
    Level,
    LevelRatio,
    joined,
    ratio_after,
    ratios_through,
)
from core_modules.forecasting.observation_law import WARP_KNOTS
from core_modules.forecasting.path_spread import add_level_errors
from core_modules.learning.censored_demand import demand_behind
from core_modules.market_scenarios import EventKind, MarketEvent

NEW_YEAR = date(2024, 1, 1)
LEVEL = Level(LevelRatio(0.1, 100.0, 100.0), LevelRatio(0.5, 20.0, 20.0), 0.5, 0.2)
POISSON = ObservationLaw(scale=1.0, power=1.0)


def model(mean: float = 10.0, days: int = 30, law: ObservationLaw = POISSON) -> DemandModel:
    return DemandModel("A", "test", NEW_YEAR, np.full(days, mean), law, LEVEL)


def frame(**items: list[float]) -> pd.DataFrame:
    parts = [
        pd.DataFrame(
            {
                "unique_id": name,
                "ds": pd.date_range(end="2024-01-31", periods=len(units), unit="us"),
                "y": np.array(units, dtype=float),
            }
        )
        for name, units in items.items()
    ]
    return pd.concat(parts, ignore_index=True)


def test_a_day_moves_slow_and_fast_ratios_by_their_forgetting() -> None:
    # slow: 0.9 * 100 + 20 = 110 over 0.9 * 100 + 10 = 100; fast: 0.5 * 20 + 20 = 30 over 20
    after = LEVEL.observe(20.0, 10.0)
    assert (after.slow.actual, after.slow.fitted) == pytest.approx((110.0, 100.0))
    assert after.fast.value == pytest.approx(1.5)


def test_a_level_follows_noise_in_part_and_a_step_in_full() -> None:
    # departure log 1.1 = 0.0953 is below the threshold 0.2: half of it
    assert float(joined(1.0, 1.1, 0.5, 0.2)) == pytest.approx(1.1**0.5)
    # departure log 2 = 0.6931: half of the first 0.2, all of the rest
    assert float(joined(1.0, 2.0, 0.5, 0.2)) == pytest.approx(np.exp(0.1 + 0.6931 - 0.2), rel=1e-4)


@given(
    st.lists(st.one_of(st.none(), st.floats(0, 50)), min_size=1, max_size=30),
    st.floats(0.01, 0.9),
)
def test_ratios_through_a_history_are_those_of_observing_day_by_day(
    sales: list[float | None], forgetting: float
) -> None:
    actual = np.array([np.nan if one is None else one for one in sales])
    fitted = np.full(actual.size, 5.0)
    ratio = LevelRatio(forgetting, 15.0, 15.0)  # three days of fitted demand before evidence
    for day, units in enumerate(sales):
        ratio = ratio if units is None else ratio.observe(units, 5.0)
        assert ratios_through(actual, fitted, forgetting)[day] == pytest.approx(ratio.value)
    assert ratio_after(actual, fitted, forgetting).actual == pytest.approx(ratio.actual)


def test_a_day_out_of_stock_without_a_sale_leaves_the_level_alone() -> None:
    assert model().observe(0.0, in_stock=False).level == LEVEL


def test_a_day_out_of_stock_counts_with_the_demand_expected_behind_its_sales() -> None:
    behind = demand_behind(model(), 3.0, True)
    assert behind > 3
    level = model().observe(3.0, in_stock=False).level
    assert level.value == pytest.approx(model().observe(behind).level.value)


def test_a_day_out_of_stock_that_sold_above_expectation_lifts_the_level() -> None:
    assert model().observe(25.0, in_stock=False).level.value > 1.0


def test_an_event_of_known_size_is_taken_out_of_the_days_sales() -> None:
    assert model().observe(20.0, multiplier=2.0).level == model().observe(10.0).level


def test_an_event_of_unknown_size_leaves_the_level_alone() -> None:
    after = model().observe(90.0, multiplier=None)
    assert after.level == LEVEL
    assert after.origin == date(2024, 1, 2)
    assert after.fitted.size == 29


def test_an_order_beyond_the_ceiling_moves_the_level_no_further() -> None:
    capped = replace(model(), ceiling=40.0)
    assert capped.observe(90_000.0).level == capped.observe(40.0).level


def test_a_closed_day_tells_nothing_of_the_level() -> None:
    assert model(mean=0.0).observe(0.0).level == LEVEL


def test_a_model_comes_back_from_json_bit_for_bit() -> None:
    warp = tuple(np.linspace(0, 1, WARP_KNOTS.size).tolist())
    rich = replace(
        model(1 / 3, law=ObservationLaw(0.1, 1.5, 0.2, 0.03, warp, 1.1, 0.9)),
        idle=IdleLaw(7, 0.1, 0.01, (0.2, 0.1, 0.05, 0.02, 0.01)),
        run=3,
        event_effects=(("Promotion", 1.8),),
        ceiling=77.7,
        awake=LEVEL,
    )
    back = rebuilt(DemandModel, json.loads(json.dumps(kept(rich), allow_nan=False)))
    assert kept(back) == kept(rich)
    uniforms = standard_uniforms(64, 14, 0)
    assert np.array_equal(back.forecast(14, uniforms).paths, rich.forecast(14, uniforms).paths)


def test_paths_are_whole_and_not_negative_and_have_the_mean_of_the_forecast() -> None:
    forecast = model(law=ObservationLaw(4.0, 1.0, 0.2, 0.02)).forecast(
        14, standard_uniforms(1024, 14, 0)
    )
    assert forecast.paths.dtype == np.int64
    assert forecast.paths.min() >= 0
    assert forecast.paths.mean(axis=0) == pytest.approx(forecast.mean, rel=0.03)


@pytest.mark.parametrize("mean", [2.0, 10.0, 300.0])
def test_the_same_uniforms_give_more_demand_where_more_is_expected(mean: float) -> None:
    uniforms = standard_uniforms(128, 7, 0)
    law = ObservationLaw(3.0, 1.2, 0.2, 0.05)
    low, high = (model(size, law=law).forecast(7, uniforms).paths for size in (mean, 1.3 * mean))
    assert np.all(high >= low)


def test_without_scatter_every_path_is_the_expectation() -> None:
    forecast = model(12.0, law=ObservationLaw(0.0, 1.0)).forecast(3, standard_uniforms(8, 3, 0))
    assert np.all(forecast.paths == 12)


def test_lead_time_totals_carry_the_level_error_of_their_path() -> None:
    # Poisson days of mean 100 and a level error of 0.2: the total of 14 days has variance
    # 1400 + (exp(0.04) - 1) * 1400**2 = 81,390; were days independent it would be
    # 14 * (100 + (exp(0.04) - 1) * 100**2) = 7,114.
    law = ObservationLaw(1.0, 1.0, level_sd=0.2)
    total = model(100.0, law=law).forecast(14, standard_uniforms(4096, 14, 0)).total()
    assert total.var() == pytest.approx(81_390, rel=0.06)


def test_a_total_runs_from_its_first_column_to_the_one_before_its_last() -> None:
    paths = np.array([[1, 2, 3], [4, 5, 6]])
    forecast = DemandForecast("A", NEW_YEAR, paths, np.array([2.5, 3.5, 4.5]), "test")
    assert forecast.total(1).tolist() == [5, 11]
    assert forecast.total(0, 2).tolist() == [3, 9]
    assert forecast.quantile(0.5).tolist() == [2.5, 3.5, 4.5]


def test_uniforms_are_the_same_for_the_same_seed_and_cannot_be_changed() -> None:
    first = standard_uniforms(100, 14, 7)
    assert first.shape == (100, 15)
    assert 0 < first.min() < first.max() < 1
    standard_uniforms.cache_clear()
    assert np.array_equal(first, standard_uniforms(100, 14, 7))
    with pytest.raises(ValueError, match="read-only"):
        first[0, 0] = 0.5


def test_asking_further_ahead_than_was_fitted_says_how_far_it_goes() -> None:
    with pytest.raises(ValueError, match="'A' is fitted 5 days ahead, 6 were asked"):
        model(days=5).forecast(6, standard_uniforms(8, 6, 0))


def test_observing_beyond_the_horizon_asks_for_a_refit() -> None:
    with pytest.raises(ValueError, match="refit"):
        model(days=1).observe(1.0).observe(1.0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"scale": -1.0}, "scale of a law must be finite and >= 0, got -1.0"),
        ({"level_sd": np.nan}, "level_sd of a law must be finite and >= 0, got nan"),
        ({"mean_ratio": 0.0}, "mean_ratio of a law must be finite and > 0, got 0.0"),
        ({"warp": (0.0, 1.0)}, "warp must be 23 rising probabilities"),
    ],
)
def test_a_law_that_makes_no_sense_is_refused(values: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ObservationLaw(**{"scale": 1.0, "power": 1.0, **values})


def test_forgetting_out_of_order_is_refused() -> None:
    with pytest.raises(ValueError, match=r"0 < slow < fast < 1, got 0.3 and 0.2"):
        LevelSettings(slow=0.3)


# A run of 7 zeros between sales of 10 a day is no chance; a run of 2 may be.
SPELL = np.array([10.0] * 60 + [0.0] * 7 + [10.0] * 30 + [0.0] * 2 + [10.0] * 30)


def test_a_week_without_a_sale_of_a_fast_item_is_a_spell() -> None:
    (law,) = fit_idle_laws([SPELL])
    assert np.flatnonzero(idle_days(SPELL, law)).tolist() == list(range(60, 67))
    # one spell begun in 122 days on; two runs, one of which became a spell
    assert law.start == pytest.approx(1 / 122)
    assert law.becomes == pytest.approx(1 / 2)


def test_zeros_of_a_slow_item_are_no_spell() -> None:
    slow = np.where(np.arange(200) % 8 == 0, 1.0, 0.0)
    assert fit_idle_laws([slow]) == [IdleLaw()]


def test_a_spell_keeps_the_level_and_lowers_the_forecast() -> None:
    idle = replace(model(), idle=IdleLaw(patience=7, becomes=0.1, start=0.01, ends=(0.1,) * 5))
    for _ in range(6):
        idle = idle.observe(0.0)
    assert idle.level.value < 0.5  # it may be demand that falls
    idle = idle.observe(0.0)
    assert idle.level == LEVEL
    # idle for sure, back with chance 0.1 a day: on tomorrow with 0.1
    assert idle.expected[0] == pytest.approx(0.1 * 10)
    assert idle.observe(10.0).expected[0] == pytest.approx(10 * (1 - 0.01))


def test_paths_of_an_idle_item_come_back_as_often_as_its_law_says() -> None:
    law = IdleLaw(patience=7, becomes=0.1, start=0.01, ends=(0.1,) * 5)
    on, rest = law.on_days(9, 14, standard_uniforms(4096, 1, 0)[:, 0])
    assert on.mean(axis=0) == pytest.approx(law.on_chances(9, 14), abs=0.01)
    assert on[:, 0].mean() == pytest.approx(0.1, abs=0.01)
    assert 0 < rest.min() < rest.max() < 1


def past(actual: np.ndarray, fitted: float) -> PastDays:
    days = actual.size
    return PastDays(actual.astype(float), np.full(days, fitted), np.ones(days), np.zeros(days))


def test_the_day_law_finds_the_variance_of_poisson_and_of_lumpy_demand() -> None:
    rng = np.random.default_rng(0)
    poisson = past(rng.poisson(20, 365), 20.0)
    lumpy = past(rng.negative_binomial(5, 0.2, 365), 20.0)  # variance 5 * 0.8 / 0.04 = 100
    laws = fit_day_laws([poisson, lumpy])
    found = [float(law.variance(np.array([20.0]))[0]) for law in laws]
    assert found == pytest.approx([20.0, 100.0], rel=0.25)


def test_some_items_of_a_large_batch_choose_the_power_for_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(2)
    means = np.geomspace(2, 60, 40)
    batch = [past(rng.poisson(mean * rng.gamma(4, 1 / 4, 365)), mean) for mean in means]
    together = fit_day_laws(batch)
    monkeypatch.setattr("core_modules.forecasting.law_calibration.VOTERS", 12)
    assert fit_day_laws(batch) == together
    # each has the variance mean + mean**2 / 4
    assert {law.power for law in together} == {2.0}


def test_demand_steadier_than_chance_keeps_its_narrow_law() -> None:
    (law,) = fit_day_laws([past(np.resize([49.0, 50.0, 51.0], 300), 50.0)])
    assert law.steady
    # variance 2 / 3
    assert float(law.variance(np.array([50.0]))[0]) == pytest.approx(2 / 3, rel=0.05)


def test_a_wandering_level_widens_lead_time_totals() -> None:
    rng = np.random.default_rng(1)
    # a month stays as far off as it began, which days alone cannot tell
    off = np.repeat(np.exp(rng.normal(0, 0.3, 13)), 28)
    calm, moved = past(rng.poisson(100, 364), 100.0), past(rng.poisson(100 * off), 100.0)
    narrow, wide = (add_level_errors([one], fit_day_laws([one]))[0] for one in (calm, moved))
    assert narrow.level_sds(7).max() < 0.05
    assert wide.level_sds(7).max() > 0.1


def test_the_level_of_an_item_that_stepped_follows_and_its_past_does_not_know() -> None:
    actual = np.array([10.0] * 200 + [20.0] * 30)
    (followed,) = follow_levels([(actual, np.full(230, 10.0), IdleLaw())], LevelSettings())
    assert followed.level.value == pytest.approx(2.0, abs=0.1)
    assert followed.past.level[199] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("units", "name"),
    [
        ([0.0] * 50, "zero"),
        ([np.nan] * 50, "zero"),
        ([4.0] * 50, "constant"),
        ([3.0, 5.0] * 10, "flat-level"),
        (([0.0] * 9 + [2.0]) * 8, "intermittent"),
        ((2.0 ** np.repeat(np.arange(6), 28)).tolist(), ""),
        ((3.0 ** np.repeat(np.arange(6), 28)).tolist(), "exploding"),
        ([3.0, 5.0] * 50, ""),
    ],
)
def test_a_series_too_simple_for_a_season_names_its_model(units: list[float], name: str) -> None:
    values = np.array(units)
    assert simple_model(Series("A", "", 0, values, np.inf, np.zeros(values.size))) == name


def test_rows_out_of_stock_are_missing_whatever_they_say() -> None:
    sales = frame(A=[1.0, 2.0, 3.0]).assign(in_stock=[True, False, True])
    values = read_batch(sales, None, pd.DatetimeIndex([]), 1).series[0].values
    assert np.array_equal(values, [1.0, np.nan, 3.0], equal_nan=True)


def test_a_known_effect_is_taken_out_of_the_rows() -> None:
    sales = frame(A=[10.0, 5.0, 10.0]).assign(event_multiplier=[1.0, 0.5, np.nan])
    values = read_batch(sales, None, pd.DatetimeIndex([]), 1).series[0].values
    assert np.array_equal(values, [10.0, 10.0, np.nan], equal_nan=True)


def test_items_that_end_on_different_days_are_refused() -> None:
    sales = frame(A=[1.0, 2.0, 3.0], B=[1.0, 2.0, 3.0]).iloc[:-1]
    with pytest.raises(ValueError, match="'B' ends before the other items"):
        read_batch(sales, None, pd.DatetimeIndex([]), 1)


@pytest.mark.parametrize(
    ("sales", "message"),
    [
        (frame(A=[1.0]).drop(columns="y"), "no column 'y'"),
        (frame(A=[1.0]).iloc[:0], "no rows"),
    ],
)
def test_a_frame_without_sales_is_refused(sales: pd.DataFrame, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fit_models(sales, horizon=5, closed=pd.DatetimeIndex([]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"horizon": 0}, "horizon must be >= 1"),
        ({"horizon": 5, "freq": "M"}, "freq must be D or W"),
    ],
)
def test_senseless_arguments_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fit_models(frame(A=[1.0]), **arguments)


def closed_days_ahead(closed: list[str], start: str, days: int, ahead: int) -> list[str]:
    dates = pd.date_range(start, periods=days, unit="us")
    sales = pd.DataFrame({"unique_id": "A", "ds": dates, "y": 1.0})
    sales.loc[dates.isin(pd.DatetimeIndex(closed)), "y"] = 0.0
    batch = read_batch(sales, None, pd.DatetimeIndex(closed), 1)
    coming = batch.dates(ahead)[days:]
    return [str(day) for day in coming[closed_ahead(batch, ahead)]]


def test_a_weekday_that_is_always_closed_is_closed_ahead() -> None:
    sundays = ["2023-01-01", "2023-01-08", "2023-01-15", "2023-01-22"]
    assert closed_days_ahead(sundays, "2023-01-01", 28, 8) == ["2023-01-29", "2023-02-05"]


def test_a_day_closed_in_every_year_is_closed_ahead_and_one_closed_once_is_not() -> None:
    closed = ["2021-12-25", "2022-12-25", "2022-12-20"]
    assert closed_days_ahead(closed, "2021-01-01", 1060, 60) == ["2023-12-25"]


def test_black_friday_lasts_from_thursday_to_monday() -> None:
    dates = np.arange("2023-11-20", "2023-12-02", dtype="datetime64[D]")
    column = holiday_columns(dates, 1)["Black Friday"]
    # Thanksgiving 2023 was 23 November
    assert [str(day) for day in dates[column > 0]] == [f"2023-11-{day}" for day in range(23, 28)]


def test_a_week_counts_a_holiday_by_the_days_that_it_holds() -> None:
    weeks = np.array(["2023-11-20", "2023-11-27"], dtype="datetime64[D]")
    assert holiday_columns(weeks, 7)["Black Friday"].tolist() == pytest.approx([4 / 7, 1 / 7])


def test_a_countrys_holidays_and_named_days_have_columns_of_their_own() -> None:
    dates = np.arange("2023-07-01", "2023-07-08", dtype="datetime64[D]")
    fair = pd.DataFrame({"ds": pd.to_datetime(["2023-07-06"]), "name": ["Fair"]})
    columns = holiday_columns(dates, 1, "US", fair)
    assert columns["Independence Day (US)"].tolist() == [0, 0, 0, 1, 0, 0, 0]
    assert columns["Fair"].tolist() == [0, 0, 0, 0, 0, 1, 0]


def test_named_days_without_their_columns_are_refused() -> None:
    with pytest.raises(ValueError, match="columns ds and name"):
        holiday_columns(np.array(["2023-07-01"], dtype="datetime64[D]"), 1, None, pd.DataFrame())


def test_a_holiday_seen_once_is_not_told_from_chance() -> None:
    once, twice = np.zeros(20), np.zeros(20)
    once[3] = twice[3] = twice[10] = 1.0
    seen = np.ones(15, dtype=bool)
    assert told_from_chance({"once": once, "twice": twice, "same": twice}, seen).T.tolist() == [
        twice.tolist()
    ]


def test_an_event_that_pulled_demand_forward_is_negative_afterwards() -> None:
    event = MarketEvent(
        "e",
        EventKind.PROMOTION,
        date(2024, 1, 2),
        2,
        demand=3.0,
        pull_forward=0.5,
        pull_forward_days=4,
    )
    dates = np.arange("2024-01-01", "2024-01-09", dtype="datetime64[D]")
    (column,) = event_columns(dates, 1, [event]).values()
    # half of 2 extra days is missing over 4: a quarter of a peak each
    assert column.tolist() == [0, 1, 1, -0.25, -0.25, -0.25, -0.25, 0]


def test_the_settings_of_a_forecast_depend_on_the_period_only() -> None:
    settings = ForecastSettings()
    assert settings.lead_times("D") == (3, 7, 14)
    assert settings.level("W") == settings.weekly_level
