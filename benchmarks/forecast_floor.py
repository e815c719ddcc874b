"""How the engine's time grows with items and days, and how far it is from what the machine allows.

The floor of a fit is the longer of two times: its arithmetic at the rate of a large matrix product
on one core, and the bytes it cannot do without at the rate of a large copy. Counted are the sums
that the method needs, each once, not what the program happens to do; scaling, checks, frames and
intervals are left out of it.
"""

import statistics
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from core_modules.batch_prophet.fitted import BatchFit
from core_modules.batch_prophet.fitting import fit_batch
from core_modules.batch_prophet.prediction import predict_batch
from core_modules.batch_prophet.settings import BatchSettings
from tests.batch_series import START, sales, shop_settings

DAYS = 730
ITEMS_SCALED = (250, 1000, 4000)
DAYS_SCALED = (365, 730, 1460, 2920)
BYTES = 8  # of a number


def seconds_of(run: Callable[[], object], rounds: int = 3) -> float:
    """Return the median seconds of a call that has run once before."""
    run()
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        run()
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def scaling(ahead: int) -> dict[str, float]:
    """Return milliseconds an item, fit and forecast, over items and over days, one core."""
    found = {}
    for mode in ("additive", "multiplicative"):
        settings = shop_settings(seasonality_mode=mode)
        for items in ITEMS_SCALED:
            seconds = seconds_of(lambda: _run(items, DAYS, settings, ahead), rounds=1)  # noqa: B023
            found[f"{mode}_{items}_items_{DAYS}_days_ms"] = 1000 * seconds / items
        for days in DAYS_SCALED:
            if days != DAYS:
                seconds = seconds_of(lambda: _run(1000, days, settings, ahead), rounds=1)  # noqa: B023
                found[f"{mode}_1000_items_{days}_days_ms"] = seconds
    return found


def _run(items: int, days: int, settings: BatchSettings, ahead: int) -> int:
    values, dates = _table(items, days)
    return len(predict_batch(fit_batch(values, settings, dates=dates), ahead))


_TABLES: dict[tuple[int, int], np.ndarray] = {}


def _table(items: int, days: int) -> tuple[np.ndarray, pd.DatetimeIndex]:
    if (items, days) not in _TABLES:
        _TABLES.clear()
        _TABLES[items, days] = sales(items, days=days).T.copy()
    return _TABLES[items, days], pd.date_range(START, periods=days)


def floors(items: int) -> dict[str, float]:
    """Return the machine's rates and, by mode, milliseconds of a fit beside their floor."""
    flops, copied = peak_flops(), copy_rate()
    found = {"peak_gigaflops": flops / 1e9, "copy_gigabytes_a_second": copied / 1e9}
    for mode, count in (("additive", additive_flops), ("multiplicative", multiplicative_flops)):
        settings = shop_settings(seasonality_mode=mode)
        values, dates = _table(items, DAYS)
        fits: list[BatchFit] = []
        seconds = seconds_of(
            lambda: fits.append(fit_batch(values, settings, dates=dates))  # noqa: B023
        )
        fit = fits[-1]
        needed = count(fit, DAYS)
        moved = DAYS * BYTES + BYTES * (fit.beta.shape[1] + 2 * fit.delta.shape[1] + 6)
        floor = max(needed / flops, moved / copied)
        found |= {
            f"{mode}_flops_a_fit": needed,
            f"{mode}_bytes_a_fit": moved,
            f"{mode}_steps_a_fit": float(fit.steps.mean()),
            f"{mode}_floor_ms": 1000 * floor,
            f"{mode}_fit_ms": 1000 * seconds / items,
            f"{mode}_times_the_floor": seconds / items / floor,
        }
    return found


def peak_flops(size: int = 1500) -> float:
    """Return the floating-point operations a second of a large matrix product on one core."""
    one = np.random.default_rng(0).random((size, size))
    return 2 * size**3 / seconds_of(lambda: one @ one)


def copy_rate(megabytes: int = 400) -> float:
    """Return the bytes a second read and written by a copy larger than any cache."""
    source = np.ones(megabytes * 125_000)  # untouched zeros would all be one page
    target = np.zeros_like(source)
    return 2 * source.nbytes / seconds_of(lambda: np.copyto(target, source))


def additive_flops(fit: BatchFit, days: int) -> float:
    """Return the operations of an additive fit on a shared calendar, the calendar's own left out.

    The series on the axes of the design once; then each round the changepoints' quadratic with the
    ridge eliminated, its lasso and the squares that are left; at last the way back to the columns.
    """
    changes, ranks = fit.delta.shape[1], fit.beta.shape[1] + 2
    onto = 2.0 * days * (changes + ranks)
    quadratic = ranks * changes * (changes + 1) + 3 * ranks * changes
    solve = changes**3 / 3 + 4 * changes**2
    squares = 2 * (ranks * changes + changes**2) + 4 * ranks
    return onto + float(fit.steps.mean()) * (quadratic + solve + squares) + 2.0 * ranks**2


def multiplicative_flops(fit: BatchFit, days: int) -> float:
    """Return the operations of a multiplicative fit, the calendar's moments given.

    Each step of Newton's method: gains and gradient by the columns, their cross products with the
    trend, the Gram matrix from moments of the trend's segments, a Cholesky factor.
    """
    columns, changes = fit.beta.shape[1], fit.delta.shape[1]
    size = columns + 3 + changes
    by_days = 2.0 * days * columns * 4  # gain, gradient, and two cross sums
    trend = 12.0 * days
    gram = 2.0 * 3 * (changes + 1) * columns * (columns + 1) / 2
    return float(fit.steps.mean()) * (by_days + trend + gram + size**3 / 3)
