"""Compiled draws and projections are those of whole arrays."""

import numpy as np
import pytest

from core_modules.demand_law import (
    negative_binomial_quantile,
    quantile_moments,
    quantiles_about,
)
from core_modules.forecasting.forecast_values import DemandModel, ObservationLaw, standard_uniforms
from core_modules.ordering.stock_ahead import project_each, short_each

PATHS, PERIODS = 40, 12


@pytest.mark.parametrize("backorders", [False, True])
@pytest.mark.parametrize("lead_time", [1, 4, PERIODS])
def test_stock_is_carried_along_each_path(backorders: bool, lead_time: int) -> None:
    rng = np.random.default_rng(lead_time)
    demand = rng.poisson(3.0, (PATHS, PERIODS)).astype(np.float64)
    due, covers = rng.integers(0, 6, PERIODS).astype(float), rng.integers(1, 9, PATHS)
    stock, need, lost = np.empty((3, PATHS))
    project_each(demand, due, covers, 7.0, lead_time, backorders, stock, need, lost)
    for path in range(PATHS):
        there, missed = 7.0, 0.0
        for column in range(lead_time - 1):
            there += due[column] - demand[path, column]
            missed = max(-there, 0) if backorders else missed + max(-there, 0)
            there = there if backorders else max(there, 0)
        there += due[lead_time - 1]
        later = due.copy()
        later[lead_time - 1] = 0
        served = slice(lead_time - 1, min(lead_time - 1 + covers[path], PERIODS))
        peak = np.cumsum(demand[path, served] - later[served]).max()
        assert (stock[path], need[path], lost[path]) == (there, peak - there, missed)


@pytest.mark.parametrize("backorders", [False, True])
def test_what_is_short_until_the_next_delivery_is_by_path(backorders: bool) -> None:
    rng = np.random.default_rng(8)
    demand = rng.poisson(2.0, (PATHS, PERIODS)).astype(np.float64)
    due, units = rng.integers(0, 4, PERIODS).astype(float), np.empty(PATHS)
    short_each(demand, due, 3.0, 5, 4, backorders, units)
    stock = np.full(PATHS, 3.0)
    for column in range(4):
        stock = stock + due[column] - demand[:, column]
        stock = stock if backorders else np.maximum(stock, 0)
    np.testing.assert_array_equal(units, demand[:, 4:8].sum(axis=1) - due[4:8].sum() - stock)


@pytest.mark.parametrize("mean", [0.0, 0.02, 1.5, 9.0, 19.9, 90.0, 500.0])
@pytest.mark.parametrize("shape", [0.05, 2.0, 300.0, np.inf])
def test_quantiles_about_a_centre_are_the_laws_own(mean: float, shape: float) -> None:
    rng = np.random.default_rng(1)
    u, error = rng.random((64, 9)), rng.lognormal(0, 0.4, (64, 9))
    centre, shapes = np.full(9, mean), np.full(9, shape)
    centre[3] = 0.0
    told = negative_binomial_quantile(u, centre * error, np.broadcast_to(shapes, u.shape))
    np.testing.assert_array_equal(quantiles_about(u, centre, error, shapes), told)


def test_a_standard_forecast_is_the_forecast_from_the_standard_uniforms() -> None:
    from datetime import date

    law = ObservationLaw(2.0, 1.5, level_sd=0.2, warp=tuple(np.linspace(0, 1, 23) ** 1.1))
    model = DemandModel("a", "flat", date(2024, 1, 1), np.linspace(1, 9, 20), law)
    told = model.forecast(8, standard_uniforms(32, 8, 3))
    np.testing.assert_array_equal(model.standard_forecast(32, 8, 3).paths, told.paths)
    wider = model.forecast(8, standard_uniforms(32, 15, 3))
    np.testing.assert_array_equal(model.standard_forecast(32, 8, 3, 15).paths, wider.paths)


@pytest.mark.parametrize("mean", [1e-3, 0.4, 8.0, 300.0, 5e4, 3e6])
@pytest.mark.parametrize("shape", [0.05, 3.0, 1e4])
def test_moments_of_rising_quantiles_are_those_of_the_quantiles(mean: float, shape: float) -> None:
    rising = np.sort(np.random.default_rng(2).random(400))
    drawn = negative_binomial_quantile(rising, mean, shape)
    found = quantile_moments(rising, mean, shape)
    assert found == pytest.approx((drawn.mean(), drawn.var()), rel=1e-9, abs=1e-9)
