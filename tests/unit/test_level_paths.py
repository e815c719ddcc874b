"""The compiled course of a level is that of the plain steps, day by day."""

import numpy as np
import pytest

from core_modules.forecasting.law_calibration import weights
from core_modules.forecasting.level_following import doubt, joined, ratio_after, ratios_through
from core_modules.forecasting.level_paths import gain_errors, noise_threshold

GAINS = np.array([0.0, 0.4, 0.8])


def past(days: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    fitted = rng.gamma(2, 2, days)
    fitted[rng.random(days) < 0.1] = 0.0
    actual = rng.poisson(fitted * 1.5).astype(np.float64)
    actual[rng.random(days) < 0.1] = np.nan
    return actual, fitted


def test_ratios_are_those_of_taking_day_by_day() -> None:
    actual, fitted = past(120)
    known = ~np.isnan(actual) & (fitted > 0)
    usual = fitted[known].mean()
    sold, expected, told = 3 * usual, 3 * usual, []  # three days at level 1 are believed before
    ratio = 1.0
    for units, one, tells in zip(actual, fitted, known, strict=True):
        if tells:
            sold, expected = units + 0.9 * sold, one + 0.9 * expected
            ratio = (sold + 4 * usual) / (expected + 4 * usual)
        told.append(ratio)
    np.testing.assert_allclose(ratios_through(actual, fitted, 0.1, 4.0), told, rtol=1e-12)
    after = ratio_after(actual, fitted, 0.1, 4.0)
    assert (after.actual, after.fitted) == pytest.approx((sold, expected), rel=1e-12)
    assert after.value == pytest.approx(ratio, rel=1e-12)


@pytest.mark.parametrize("days", [1, 20, 40, 430])
def test_the_threshold_is_the_noise_of_the_last_year(days: int) -> None:
    actual, fitted = past(days)
    slow = np.linspace(0.8, 1.2, days)
    expected = fitted[1:] * slow[:-1]
    used = ~np.isnan(actual[1:]) & (expected > 0)
    error, mean = (actual[1:] - expected)[used][-365:], expected[used][-365:]
    found = noise_threshold(actual, fitted, slow, 0.2)
    if not used.any():
        assert found == 1.5
        return
    variation = np.sqrt((error**2).mean()) / mean.mean()
    assert found == pytest.approx(1.5 * variation * np.sqrt(0.2 / 1.8), rel=1e-12)


@pytest.mark.parametrize("days", [5, 28, 40, 430])
def test_errors_of_gains_are_those_of_whole_arrays(days: int) -> None:
    actual, fitted = past(days, 3)
    slow, fast = ratios_through(actual, fitted, 0.03), ratios_through(actual, fitted, 0.2)
    found = np.empty(GAINS.size)
    gain_errors(actual, fitted, (slow, fast), 0.3, GAINS, np.array([7, 14]), weights(500), found)
    known = ~np.isnan(actual)
    sold = np.concatenate([[0.0], np.cumsum(np.where(known, actual, 0.0))])
    usual = np.concatenate([[0.0], np.cumsum(np.where(known, fitted, 0.0))])
    for gain, error in zip(GAINS, found, strict=True):
        level, told = joined(slow, fast, gain, 0.3), 0.0
        for ahead in (7, 14):
            origins = np.arange(max(28, days - 300), days - ahead)
            if origins.size:
                last, first = origins + 1 + ahead, origins + 1
                total = sold[last] - sold[first]
                missed = np.abs(level[origins] * (usual[last] - usual[first]) - total)
                weight = weights(days)[origins]
                told += (weight * missed).sum() / max((weight * total).sum(), 1e-9)
        assert error == pytest.approx(told, rel=1e-12)


def test_levels_join_as_the_formula_says() -> None:
    rng = np.random.default_rng(1)
    slow, fast = rng.lognormal(0, 1, (2, 500))
    fast[:20] = slow[:20]
    departure = np.log(fast) - np.log(slow)
    size = np.abs(departure)
    moved = 0.4 * np.minimum(size, 0.3) + np.maximum(size - 0.3, 0.0)
    told = slow * np.exp(np.sign(departure) * moved)
    np.testing.assert_allclose(joined(slow, fast, 0.4, 0.3), told, rtol=1e-12)
    unsure = 0.7 * np.sqrt(np.maximum(departure**2 - (0.3 / 1.5) ** 2, 0.0))
    np.testing.assert_allclose(doubt(slow, fast, 0.3), unsure, rtol=1e-9, atol=1e-12)
