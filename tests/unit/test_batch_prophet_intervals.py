"""The closed-form interval: against simulation, against its limits, and the table against it."""

from pathlib import Path

import numpy as np
import pytest
from scipy.special import ndtri

from core_modules.batch_prophet import intervals
from core_modules.batch_prophet.intervals import half_width, quantile_of, quantile_table


def drawn(changes: float, ratio: float, draws: int) -> np.ndarray:
    """Noise of sd 1 plus Poisson many Laplace changes, each over a uniform share of the way."""
    rng = np.random.default_rng(9)
    counts, total = rng.poisson(changes, draws), rng.normal(0, 1, draws)
    for number in range(int(counts.max(initial=0))):
        total += np.where(counts > number, rng.laplace(0, ratio, draws) * rng.random(draws), 0)
    return total


@pytest.mark.parametrize(("changes", "ratio"), [(0.3, 0.1), (1.0, 3.0), (6.0, 1.0), (0.2, 20.0)])
@pytest.mark.parametrize("share", [0.9, 0.975])
def test_the_quantile_is_that_of_simulated_sums(changes: float, ratio: float, share: float) -> None:
    found = quantile_of(changes, ratio, share, float(ndtri(share)))
    sums = drawn(changes, ratio, 300_000)
    # Share below the quantile, within four standard errors of a binomial share.
    error = np.sqrt(share * (1 - share) / sums.size)
    assert abs((sums <= found).mean() - share) < 4 * error


def test_without_changes_the_interval_is_the_normal_one() -> None:
    table, normal = quantile_table(95), float(ndtri(0.975))
    assert half_width(table, normal, 0.0, 0.0, 2.0) == pytest.approx(3.919928, abs=1e-5)
    assert half_width(table, normal, 1.0, 1e-9, 2.0) == pytest.approx(3.919928, rel=1e-5)


def test_the_table_is_close_to_the_quantile_it_stands_for() -> None:
    for level in (80, 95):
        table, share = quantile_table(level), 0.5 + level / 200
        for changes in (0.05, 0.3, 0.97, 2.5, 9.0):
            for ratio in (0.003, 0.05, 0.4, 1.5, 6.0):
                exact = quantile_of(changes, ratio, share, float(ndtri(share)))
                width = half_width(table, float(ndtri(share)), changes, ratio, 1.0)
                assert width == pytest.approx(exact, rel=0.01)


def test_the_table_is_read_back_from_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(intervals, "ROOT_COUNT", 2)
    made = quantile_table.__wrapped__(70)
    (stored,) = (tmp_path / "batch_prophet").iterdir()
    np.testing.assert_array_equal(np.load(stored), made)
    stored.write_bytes(b"half a file")
    np.testing.assert_array_equal(quantile_table.__wrapped__(70), made)
