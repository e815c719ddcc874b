"""The compiled likelihoods of the past give what scipy's functions give, item by item."""

import numpy as np
import pytest
from scipy.special import betainc, gammaln

from core_modules.forecasting.item_threads import in_threads
from core_modules.forecasting.past_likelihoods import (
    LEAST_UNITS,
    cumulative,
    log_each,
    scale_fits,
    spread_fits,
    spread_mass,
    total_fits,
)

SCALES = np.geomspace(0.02, 3000.0, 24)
MEANS = (1e-3, 0.05, 0.9, 4.0, 60.0, 3e3, 1e6)


def days(mean: float, seed: int, size: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Return actual units and their centres."""
    rng = np.random.default_rng(seed)
    centre = mean * rng.gamma(3, 1 / 3, size) + 1e-4
    return rng.poisson(centre * rng.gamma(0.7, 1 / 0.7, size)).astype(np.float64), centre


@pytest.mark.parametrize("mean", MEANS)
@pytest.mark.parametrize("power", [1.0, 1.5, 2.0])
@pytest.mark.parametrize("part", [1.0, 1.7])  # whole units, and fractions
def test_the_likelihood_of_a_scale_is_scipys(mean: float, power: float, part: float) -> None:
    actual, centre = days(mean, 1)
    actual, weight = actual * part, np.linspace(0.1, 1, actual.size)
    fits = np.empty((1, SCALES.size))
    bounds = np.array([0, actual.size])
    scale_fits(actual, centre, weight, bounds, SCALES, power, 0, 1, fits)
    variance = np.maximum(SCALES[:, None] * centre**power, 1.001 * centre)
    shape = centre**2 / (variance - centre)
    terms = gammaln(actual + shape) - gammaln(shape) + shape * np.log(shape / (shape + centre))
    terms += actual * np.log(centre / (shape + centre))
    # scipy's difference of two log gammas loses digits at large shapes
    np.testing.assert_allclose(fits[0], (terms * weight).sum(axis=1), rtol=1e-9, atol=1e-7 * mean)


def test_each_item_has_its_own_days() -> None:
    actual, centre = days(5.0, 2)
    weight, bounds = np.ones(200), np.array([0, 0, 120, 200])
    together, alone = np.empty((3, SCALES.size)), np.empty((1, SCALES.size))
    scale_fits(actual, centre, weight, bounds, SCALES, 1.5, 0, 3, together)
    assert not together[0].any()
    for item, mine in ((1, slice(0, 120)), (2, slice(120, 200))):
        size = np.array([0, actual[mine].size])
        scale_fits(actual[mine], centre[mine], weight[mine], size, SCALES, 1.5, 0, 1, alone)
        np.testing.assert_array_equal(together[item], alone[0])


@pytest.mark.parametrize("mean", MEANS)
def test_the_chance_of_so_many_units_is_the_incomplete_betas(mean: float) -> None:
    actual, centre = days(mean, 3)
    variance = centre + np.linspace(1e-4, 3.0, actual.size) * centre * np.maximum(centre, 1)
    below, upto = np.empty(actual.size), np.empty(actual.size)
    cumulative(actual, centre, variance, 0, actual.size, below, upto)
    shape = centre**2 / (variance - centre)
    summed = ~np.isnan(upto)
    assert summed.all() or mean > 50
    for found, units in ((below, actual - 1), (upto, actual)):
        told = betainc(shape, np.maximum(units, 0) + 1, shape / (shape + centre))
        told = np.where(units < 0, 0.0, told)
        np.testing.assert_allclose(found[summed], told[summed], rtol=1e-9, atol=1e-12)


def test_mass_is_spread_evenly_over_its_stretch() -> None:
    rng = np.random.default_rng(4)
    low, grid = (
        rng.random(300),
        np.concatenate([np.linspace(0, 0.98, 99), 1 - 1e-9 ** rng.random(9)]),
    )
    width, mass, grid = rng.random(300) * 0.4 + 1e-12, rng.random(300), np.sort(grid)
    rising = np.empty(grid.size)
    spread_mass(low, width, mass, grid, rising)
    told = [(np.clip((u - low) / width, 0, 1) * mass).sum() for u in grid]
    np.testing.assert_allclose(rising, told, rtol=1e-12)


@pytest.mark.parametrize("mean", [0.4, 7.0, 300.0, 1e6])
def test_the_likelihood_of_a_level_spread_is_scipys(mean: float) -> None:
    rng = np.random.default_rng(5)
    spreads = np.concatenate([[0.0, 0.01], np.linspace(0.05, 1.2, 24)])
    expected = mean * rng.gamma(3, 1 / 3, 150) + 0.3
    actual = np.floor(expected * rng.lognormal(0, 0.4, 150))
    variance, doubt = expected * rng.uniform(1, 4, 150), rng.uniform(0, 0.5, 150)
    weight = rng.random(150)
    found, totals = np.empty(spreads.size), (actual, expected, variance, np.expm1(doubt**2), weight)
    total_fits(np.stack(totals), np.expm1(spreads**2), found)
    told = gamma_fit(*totals[:3], doubt, weight, spreads)
    np.testing.assert_allclose(found, told, rtol=1e-9, atol=1e-8)


def gamma_fit(
    actual: np.ndarray,
    expected: np.ndarray,
    variance: np.ndarray,
    doubt: np.ndarray,
    weight: np.ndarray,
    spreads: np.ndarray,
) -> np.ndarray:
    """Return the mean gamma log-likelihood of totals for each spread, as scipy has it."""
    level = np.expm1(spreads[:, None] ** 2 + doubt**2) * expected**2
    whole = variance + level + 1e-9
    shape, scale = expected**2 / whole, whole / expected
    units = np.maximum(actual, LEAST_UNITS)
    fit = (shape - 1) * np.log(units) - units / scale - gammaln(shape) - shape * np.log(scale)
    return (fit * weight).sum(axis=1) / weight.sum()


@pytest.mark.parametrize("least", [0.0, 1.0])
@pytest.mark.parametrize("power", [1.0, 1.5])
def test_totals_are_those_of_the_days_that_are_known(least: float, power: float) -> None:
    rng = np.random.default_rng(6)
    fitted, level, doubt = rng.gamma(2, 1, 90), rng.lognormal(0, 0.2, 90), rng.random(90) / 3
    fitted[20:30] = 0.0  # closed: nothing is expected of what follows
    actual = rng.poisson(fitted * level).astype(np.float64)
    actual[rng.random(90) < 0.1] = np.nan
    spreads, weight = np.array([0.0, 0.1, 0.6]), np.linspace(0.5, 1, 100)
    found, told = np.empty(3), np.zeros(3)
    law = (0.8, power, 1.1, 0.9)
    past = (actual, fitted, level, doubt)
    spread_fits(past, weight, np.array([3, 7]), law, least, np.expm1(spreads**2), found)
    known = ~np.isnan(actual)
    for ahead in (3, 7):
        rows = []
        for origin in range(90 - ahead):
            days = slice(origin + 1, origin + 1 + ahead)
            usual = np.where(known, fitted, 0.0)[days]
            expected = usual.sum() * level[origin] * 1.1
            noise = 0.8 * 0.9 * (usual**power).sum() * level[origin] ** power
            noise = max(noise, expected) if least else noise
            if expected > 0.3:
                total = np.where(known, actual, 0.0)[days].sum()
                rows.append((total, expected, noise, doubt[origin], weight[10 + origin]))
        told += gamma_fit(*np.array(rows).T, spreads) / 2
    np.testing.assert_allclose(found, told, rtol=1e-9)


def test_an_item_without_totals_prefers_no_spread() -> None:
    none, found = np.zeros(0), np.ones(3)
    past, growths = (none, none, none, none), np.array([0.0, 0.1, 0.2])
    spread_fits(past, none, np.array([3]), (1.0, 1.0, 1.0, 1.0), 1.0, growths, found)
    assert not found.any()


def test_logarithms_are_numpys() -> None:
    rng = np.random.default_rng(0)
    values = np.concatenate(
        [np.exp(rng.uniform(-700, 700, 4000)), rng.uniform(0.5, 2, 4000), [1.0, 2.0, 0.5]]
    )
    found = np.empty(values.size)
    log_each(values.copy(), found)
    np.testing.assert_allclose(found, np.log(values), rtol=3e-16, atol=0)


@pytest.mark.parametrize("jobs", [1, 2, 5])
@pytest.mark.parametrize("items", [0, 1, 63, 64, 1000])
def test_threads_take_every_item_once(jobs: int, items: int) -> None:
    taken = np.zeros(items, dtype=np.int64)

    def take(first: int, last: int) -> None:
        taken[first:last] += 1

    in_threads(take, items, jobs)
    assert (taken == 1).all()


def test_what_a_thread_raises_is_raised() -> None:
    def fail(first: int, last: int) -> None:
        raise ValueError(f"{first} to {last}")

    with pytest.raises(ValueError, match="to"):
        in_threads(fail, 1000, 2)
