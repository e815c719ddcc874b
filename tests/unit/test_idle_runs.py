"""Compiled counts of idle days, and the choice of a simpler model, are those of whole arrays."""

import numpy as np
import pytest

from core_modules.forecasting.forecast_series import BLOCK, DOUBLINGS, Series, simple_model
from core_modules.forecasting.idle_runs import patience_of, run_lengths, runs, spell_counts

AGES = np.array([9, 13, 27, 55])


def sales(seed: int, days: int = 400) -> np.ndarray:
    rng = np.random.default_rng(seed)
    units = rng.poisson(rng.uniform(0.05, 2), days).astype(np.float64)
    for _ in range(3):
        first = rng.integers(days)
        units[first : first + rng.integers(60)] = 0.0
    return units


@pytest.mark.parametrize("seed", range(12))
def test_runs_and_their_lengths(seed: int) -> None:
    actual = sales(seed)
    actual[np.random.default_rng(seed).random(400) < 0.1] = np.nan
    zeros = np.cumsum(actual == 0)
    run = zeros - np.maximum.accumulate(np.where(actual > 0, zeros, 0))
    np.testing.assert_array_equal(runs(actual), run)
    last = (run > 0) & (np.append(run[1:], 0) == 0)
    places = np.where(last, np.arange(run.size), run.size)
    following = np.minimum.accumulate(places[::-1])[::-1]
    told = np.where(run > 0, np.append(run, 0)[following], 0)
    np.testing.assert_array_equal(run_lengths(run), told)


@pytest.mark.parametrize("seed", range(12))
def test_patience_and_counts(seed: int) -> None:
    known = sales(seed)
    run = runs(known)
    lengths, days = run_lengths(run), 10**9
    for _ in range(4):
        on = lengths < days
        no_sale = (np.count_nonzero(on & (known == 0)) + 0.5) / (np.count_nonzero(on) + 1.0)
        days = max(7, int(np.ceil(np.log(1e-3) / np.log(no_sale))))
    assert patience_of(known, 7, 1e-3, 4, 10**9) == days
    counts = np.empty(13)
    spell_counts(known, days, AGES, counts)
    first, idle = run == 1, lengths >= days
    waiting = idle & (run >= days)
    ends = waiting & np.append(run[1:] == 0, False)
    age = np.searchsorted(AGES, run)
    told = [np.count_nonzero(first & idle), np.count_nonzero(first), np.count_nonzero(~idle)]
    for of_days in (waiting, ends):
        told += np.bincount(age[of_days], minlength=5).tolist()
    assert counts.tolist() == told


def test_each_simple_model_is_told_from_the_others() -> None:
    growing = np.concatenate([np.full(BLOCK, 3.0**block) for block in range(DOUBLINGS + 1)])
    seldom = np.zeros(200)
    seldom[::20] = 1.0
    known = {
        "zero": np.array([0.0, np.nan, 0.0]),
        "constant": np.array([np.nan, 4.0, 4.0, 4.0]),
        "flat-level": np.arange(27.0),
        "intermittent": seldom,
        "exploding": np.concatenate([[7.0], growing, [np.nan]]),
        "": np.concatenate([np.ones(BLOCK), growing[BLOCK:] * 0 + 2.0, growing[:BLOCK]]),
    }
    for name, values in known.items():
        assert simple_model(Series("a", "", 0, values, np.inf, np.zeros(values.size))) == name
    assert simple_model(Series("a", "", 0, np.array([5.0]), np.inf, np.zeros(1))) == "flat-level"
    none = np.full(3, np.nan)
    assert simple_model(Series("a", "", 0, none, np.inf, np.zeros(3))) == "zero"
