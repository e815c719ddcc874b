"""The demand law is exact, and one uniform means one thing under every scenario."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from core_modules.demand_law import LARGEST_EXACT_SD, negative_binomial_quantile

means = st.floats(1e-3, 3_000)
shapes = st.one_of(st.floats(0.05, 1e6), st.just(math.inf))
uniforms = st.floats(0, 1, exclude_max=True)


def sd_of(mean: float, shape: float) -> float:
    return math.sqrt(mean + mean**2 / shape)


def probability_up_to(demand: float, mean: float, shape: float) -> float:
    if math.isinf(shape):
        return float(stats.poisson.cdf(demand, mean))
    return float(stats.nbinom.cdf(demand, shape, shape / (shape + mean)))


def test_quantiles_of_a_geometric_law_are_those_worked_by_hand() -> None:
    # Shape 1 and mean 1 give P(k) = 2**-(k+1), so the distribution function is 1/2, 3/4, 7/8 ...
    u = [0.0, 0.49, 0.5, 0.51, 0.75, 0.76, 0.875, 0.9]
    assert negative_binomial_quantile(u, 1.0, 1.0).tolist() == [0, 0, 0, 1, 1, 2, 2, 3]


def test_shape_infinity_is_the_poisson_law() -> None:
    u = np.linspace(0.001, 0.999, 500)
    expected = stats.poisson.ppf(u, 6.5)
    assert np.array_equal(negative_binomial_quantile(u, 6.5, math.inf), expected)


def test_mean_zero_is_always_no_demand() -> None:
    assert negative_binomial_quantile([0.0, 0.5, 0.999999], 0.0, 2.0).tolist() == [0, 0, 0]


@settings(max_examples=300, deadline=None)
@given(uniforms, means, shapes)
def test_the_quantile_is_the_first_demand_whose_probability_reaches_u(
    u: float, mean: float, shape: float
) -> None:
    if sd_of(mean, shape) > LARGEST_EXACT_SD:
        return
    demand = int(negative_binomial_quantile([u], [mean], [shape])[0])
    rounding = 1e-9  # of scipy's incomplete beta function rather than of ours
    assert probability_up_to(demand, mean, shape) >= u - rounding
    if demand > 0:
        assert probability_up_to(demand - 1, mean, shape) <= u + rounding


@settings(max_examples=200, deadline=None)
@given(means, shapes, st.integers(0, 2**32 - 1))
def test_table_and_single_look_ups_agree(mean: float, shape: float, seed: int) -> None:
    if sd_of(mean, shape) > LARGEST_EXACT_SD:
        return
    u = np.random.default_rng(seed).random(3_000)
    one_law = negative_binomial_quantile(u, mean, shape)
    a_law_each = negative_binomial_quantile(u, np.full(u.shape, mean), shape)
    assert np.array_equal(one_law, a_law_each)


@settings(max_examples=200, deadline=None)
@given(st.lists(uniforms, min_size=1, max_size=30), means, shapes, st.floats(1, 5))
def test_the_same_uniforms_never_give_less_demand_where_the_mean_is_higher(
    u: list[float], mean: float, shape: float, multiplier: float
) -> None:
    calm = negative_binomial_quantile(u, mean, shape)
    event = negative_binomial_quantile(u, mean * multiplier, shape)
    crosses = sd_of(mean, shape) <= LARGEST_EXACT_SD < sd_of(mean * multiplier, shape)
    assert np.all(event >= calm - int(crosses))  # the approximated law may round a unit down


@settings(max_examples=100, deadline=None)
@given(means, shapes)
def test_higher_uniforms_never_give_less_demand(mean: float, shape: float) -> None:
    u = np.linspace(0, 1, 2_001)[:-1]
    assert np.all(np.diff(negative_binomial_quantile(u, np.full(u.shape, mean), shape)) >= 0)


@pytest.mark.parametrize(("mean", "shape"), [(5e3, 11.0), (2e5, 3.0), (1e5, 0.5), (3e6, math.inf)])
def test_wide_laws_are_within_one_unit(mean: float, shape: float) -> None:
    u = np.concatenate([[1e-6, 1 - 1e-6], np.linspace(0.001, 0.999, 999)])
    if math.isinf(shape):
        expected = stats.poisson.ppf(u, mean)
    else:
        expected = stats.nbinom.ppf(u, shape, shape / (shape + mean))
    assert np.max(np.abs(negative_binomial_quantile(u, mean, shape) - expected)) <= 1


def test_sampled_demand_has_the_mean_and_variance_of_its_law() -> None:
    # 400,000 draws: the standard error of the mean is sd / 632, and of the variance, with an
    # excess kurtosis of 6 / shape + 1 / variance = 1.51, sqrt(3.51) / 632 = 0.3 % of it.
    u = np.random.default_rng(5).random(400_000)
    demand = negative_binomial_quantile(u, 20.0, 4.0)
    variance = 20 + 20**2 / 4
    assert demand.mean() == pytest.approx(20, abs=4 * math.sqrt(variance) / 632)
    assert demand.var() == pytest.approx(variance, rel=0.012)


def test_each_day_of_each_item_has_its_own_law() -> None:
    u = np.full((2, 50, 3), 0.5)  # (items, paths, days)
    mean = np.array([[1.0, 10.0, 100.0], [2.0, 20.0, 200.0]])  # (items, days)
    demand = negative_binomial_quantile(u, mean, np.inf)
    medians = stats.poisson.ppf(0.5, mean)
    assert demand.shape == (2, 50, 3)
    assert demand.dtype == np.int64
    assert np.array_equal(demand, np.broadcast_to(medians[:, None, :], u.shape))


def test_laws_broadcast_with_uniforms_of_any_shape() -> None:
    assert negative_binomial_quantile(0.5, 4.0, 2.0).shape == ()
    assert negative_binomial_quantile(np.zeros((0, 3)), np.ones(3), 2.0).shape == (0, 3)
    assert negative_binomial_quantile(np.full((4, 2), 0.5), np.ones((4, 2)), 2.0).shape == (4, 2)
    assert negative_binomial_quantile(np.full(3, 0.5), np.ones((5, 3)), 2.0).shape == (5, 3)


@pytest.mark.parametrize(
    ("u", "mean", "shape", "message"),
    [
        (0.5, -1.0, 1.0, "mean demand must be >= 0 and finite, got -1.0"),
        (0.5, math.nan, 1.0, "mean demand must be >= 0 and finite, got nan"),
        (0.5, 1.0, 0.0, "shape of demand must be > 0, got 0.0"),
        (0.5, 1.0, math.nan, "shape of demand must be > 0, got nan"),
        (1.0, 1.0, 1.0, r"uniforms must be in \[0, 1\), got 1.0 to 1.0"),
        (math.nan, 1.0, 1.0, r"uniforms must be in \[0, 1\), got nan to nan"),
    ],
)
def test_impossible_arguments_are_refused(
    u: float, mean: float, shape: float, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        negative_binomial_quantile([u], [mean], [shape])
