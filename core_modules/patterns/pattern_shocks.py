"""Shocks of the past: runs of days on which sales left their pattern by more than chance."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numba import njit

from core_modules.demand_law import FloatArray, IntArray
from core_modules.demand_pattern import Memory
from core_modules.patterns.pattern_grid import BoolArray
from core_modules.patterns.pattern_memory import run_inflation

LONGEST = 28  # days; what lasts longer is a new level
MOST_SHOCKS = 24  # an item
SMALLEST_SURPLUS = 10.0  # units over expectation; one unit of a dead item is no shock
SMALLEST_SHARE = 0.5  # of an ordinary day's sales; what a closed day sells or not is no shock
SMALLEST_SURGE, SMALLEST_DROP = 1.5, 0.5  # sales over expectation


@dataclass(frozen=True, slots=True, eq=False)
class FoundShocks:
    """Shocks of many items, one row a shock."""

    item: IntArray  # (shocks,)
    start: IntArray  # (shocks,) column of the first day
    days: IntArray  # (shocks,)
    multiplier: FloatArray  # (shocks,)


def find_shocks(
    sold: FloatArray,
    expected: FloatArray,
    variance: FloatArray,
    used: BoolArray,
    memories: list[Memory],
    surge: float,
    gap: float,
) -> FoundShocks:
    """Find the runs of up to LONGEST days that chance explains least, the unlikeliest first.

    A run's total is compared with the gamma law of the same mean and variance (autocorrelation
    included) by Wilson and Hilferty's cube root, as the right tail of demand is long; a run without
    any sale with the chance of that. `surge` and `gap` are the standard deviations of the normal
    law from which more, or less, than expected is a shock.
    """
    inflation = np.stack([_inflations(memory.decay) for memory in memories])
    inflation = 1 + (inflation - 1) * np.array([[memory.strength] for memory in memories])
    rows = np.zeros((len(sold) * MOST_SHOCKS, 3), dtype=np.int64)
    sizes = np.zeros(len(rows))
    found = _search(sold, expected, variance, used, inflation, surge, gap, rows, sizes)
    return FoundShocks(rows[:found, 0], rows[:found, 1], rows[:found, 2], sizes[:found])


@lru_cache(maxsize=64)
def _inflations(decay: float) -> FloatArray:
    """Return what full memory does to the variance of runs of 1 ... LONGEST days, (LONGEST,)."""
    return np.array([run_inflation(Memory(1.0, decay), days) for days in range(1, LONGEST + 1)])


def shock_days(shocks: FoundShocks, shape: tuple[int, ...]) -> BoolArray:
    """Return True on the days of shocks, (items, days)."""
    days = np.zeros(shape, dtype=np.bool_)
    for item, start, length in zip(shocks.item, shocks.start, shocks.days, strict=True):
        days[item, start : start + length] = True
    return days


@njit(cache=True)
def _score(sold: float, expected: float, variance: float) -> float:
    """Return the normal score of a total under the gamma law of that mean and variance."""
    k = expected * expected / variance
    if sold == 0:
        # The chance of nothing under the negative binomial of that mean and variance.
        excess = max(variance / expected - 1, 1e-6)
        log_chance = -expected / excess * math.log1p(excess)
        return -math.sqrt(max(0.0, -2 * log_chance - 2))
    score: float = 3 * math.sqrt(k) * ((sold / expected) ** (1 / 3) - 1 + 1 / (9 * k))
    return score


@njit(cache=True)
def _search(
    sold: FloatArray,
    expected: FloatArray,
    variance: FloatArray,
    used: BoolArray,
    inflation: FloatArray,
    surge: float,
    gap: float,
    rows: IntArray,
    sizes: FloatArray,
) -> int:
    found = 0
    items, days = sold.shape
    for item in range(items):
        free = used[item] & (expected[item] > 0)
        worth = SMALLEST_SHARE * expected[item][free].sum() / max(1, free.sum())
        for _ in range(MOST_SHOCKS):
            best, best_start, best_days, best_size = 1.0, -1, 0, 0.0
            for start in range(days):
                if not free[start]:
                    continue
                total, mean, spread = 0.0, 0.0, 0.0
                for length in range(1, min(LONGEST, days - start) + 1):
                    day = start + length - 1
                    if not free[day]:
                        continue
                    total += sold[item, day]
                    mean += expected[item, day]
                    spread += variance[item, day]
                    size = total / mean
                    above = size >= SMALLEST_SURGE and total - mean >= SMALLEST_SURPLUS
                    if abs(total - mean) < worth or (not above and size > SMALLEST_DROP):
                        continue
                    score = _score(total, mean, spread * inflation[item, length - 1])
                    score = score / surge if above else -score / gap
                    if score > best:
                        best, best_start, best_days, best_size = score, start, length, size
            if best_start < 0:
                break
            rows[found] = (item, best_start, best_days)
            sizes[found] = best_size
            found += 1
            free[best_start : best_start + best_days] = False
    return found
