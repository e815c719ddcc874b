"""Demand behind a stockout, as its conditional mean."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from core_modules.forecasting.forecast_values import DemandModel
from core_modules.forecasting.level_following import Level, LevelRatio
from core_modules.forecasting.observation_law import ObservationLaw
from core_modules.learning.censored_demand import imputed_demand

POISSON = ObservationLaw(scale=1.0, power=1.0)


def test_sales_of_a_day_in_stock_are_its_demand() -> None:
    told = imputed_demand(np.array([3.0, 0.0, np.nan]), False, 2.0, POISSON)
    np.testing.assert_array_equal(told, [3.0, 0.0, np.nan])


def test_a_day_that_began_without_stock_is_worth_its_expectation() -> None:
    assert imputed_demand(0.0, True, 7.5, POISSON) == 7.5


def test_geometric_demand_has_no_memory() -> None:
    # Mean 1 and variance 2 is geometric with p = 1/2: beyond any sales one more is expected.
    law = ObservationLaw(scale=2.0, power=1.0)
    sales = np.array([1.0, 4.0, 20.0, 200.0])
    assert imputed_demand(sales, True, 1.0, law) == pytest.approx(sales + 1)


def test_one_poisson_sale_is_worth_the_mean_over_the_chance_of_any() -> None:
    # E[D | D >= 1] = 2 / (1 - exp(-2))
    assert imputed_demand(1.0, True, 2.0, POISSON) == pytest.approx(2 / (1 - np.exp(-2)), rel=1e-6)


@pytest.mark.parametrize(("mean", "variance", "sales"), [(10, 30, 15), (50, 500, 200), (3, 9, 1)])
def test_it_is_the_sum_over_the_law_s_tail(mean: float, variance: float, sales: int) -> None:
    shape, units = mean**2 / (variance - mean), np.arange(3000)
    chances = stats.nbinom.pmf(units, shape, shape / (shape + mean)) * (units >= sales)
    expected = units @ chances / chances.sum()
    law = ObservationLaw(scale=variance / mean, power=1.0)
    assert imputed_demand(sales, True, mean, law) == pytest.approx(expected, rel=1e-6)


def test_steady_demand_has_the_normal_law_s_tail() -> None:
    # sd 5; a demand rounded to 100 or more is one above 99.5, z = -0.1:
    # 100 + 5 x 0.3970 / 0.5398 = 103.68
    law = ObservationLaw(scale=0.25, power=1.0)
    assert imputed_demand(100.0, True, 100.0, law) == pytest.approx(103.68, abs=0.01)


def test_doubt_about_the_level_leaves_more_room_for_demand() -> None:
    sure = imputed_demand(30.0, True, 20.0, POISSON)
    assert imputed_demand(30.0, True, 20.0, POISSON, level_sd=0.5) > sure + 2


def test_sales_far_beyond_the_law_are_taken_as_demand() -> None:
    assert imputed_demand(1e6, True, 1.0, POISSON) == 1e6


@given(
    sales=st.integers(0, 500), more=st.integers(0, 50), mean=st.floats(0.01, 300), scale=st.floats(
        1, 20)
)  # fmt: skip
def test_demand_is_never_below_sales_and_rises_with_them(
    sales: int, more: int, mean: float, scale: float
) -> None:
    low, high = imputed_demand(
        np.array([sales, sales + more]), True, mean, ObservationLaw(scale, 1.0)
    )
    assert sales <= low <= high * (1 + 1e-9)


def test_an_imputed_average_has_the_mean_of_demand() -> None:
    # What sales hide is given back on average: stock of 20 a day, demand of mean 20.
    law, rng = ObservationLaw(scale=3.0, power=1.0), np.random.default_rng(1)
    demand = rng.negative_binomial(10, 1 / 3, 40_000)  # mean 20, variance 60
    told = imputed_demand(np.minimum(demand, 20), demand >= 20, 20.0, law)
    assert np.minimum(demand, 20).mean() < 17.5
    assert told.mean() == pytest.approx(20, rel=0.005)


def test_a_level_fed_with_imputed_days_does_not_starve_behind_a_small_stock() -> None:
    # Poisson demand of mean 20 behind a stock of 18 a day; missing days would be the large ones.
    ratio = LevelRatio(0.1, 200.0, 200.0)
    start = DemandModel(
        "a", "test", date(2024, 1, 1), np.full(400, 20.0), POISSON, Level(ratio, ratio, 0.0, 1.0)
    )
    missing = imputed = start
    levels = []
    for demand in np.random.default_rng(2).poisson(20, 300).tolist():
        sales, ran_out = min(demand, 18), demand >= 18
        # Without a multiplier the day tells nothing.
        missing = missing.observe(sales, multiplier=None if ran_out else 1.0)
        imputed = imputed.observe(sales, in_stock=not ran_out)
        levels.append((missing.level.value, imputed.level.value))
    alone, helped = np.mean(levels[50:], axis=0)
    assert alone < 0.9
    assert helped == pytest.approx(1, abs=0.04)
