"""Levels and changepoints: the cut of a history into stretches of one level that pays best.

Every cut of the buckets (weeks, for daily sales) into stretches of at least `shortest` has a cost:
the quasi-Poisson deviance of the stretches, plus a penalty for each changepoint. The best cut is
found exactly by dynamic programming, with and without steady growth.
"""

import math

import numpy as np
import numpy.typing as npt
from numba import njit

from core_modules.demand_law import FloatArray, IntArray
from core_modules.patterns.pattern_grid import STEP

BUCKET = {"D": 7, "W": 1}  # periods in the buckets between which the level may change
SHORTEST_STRETCH = 8  # buckets; what is shorter is a shock
LARGEST_GROWTH = 2.0  # of the log level a year


def daily_levels(
    sold: FloatArray,
    exposure: FloatArray,
    freq: str,
    penalty: float,
    least: FloatArray | None = None,
) -> tuple[FloatArray, FloatArray, IntArray]:
    """Return level (items, days), growth (items,) and stretch (items, days) of daily sales.

    `exposure` is what would be sold at level 1; both are 0 on days that do not count. `least`
    (items,) is the least variance over mean of a bucket's sales, `penalty` the cost of a
    changepoint over the log of the buckets.
    """
    size, days = BUCKET[freq], sold.shape[1]
    # Buckets end with the history, so that the last one is whole.
    bucket = (np.arange(days) + (-days) % size) // size
    starts = np.flatnonzero(np.diff(bucket, prepend=-1))
    years = years_before_end(days, freq)
    sold, exposure = (np.add.reduceat(part, starts, axis=1) for part in (sold, exposure))
    noise = bucket_noise(sold, exposure)
    level, growth, stretch = fit_levels(
        sold,
        exposure,
        noise if least is None else np.maximum(noise, least),
        np.bincount(bucket, weights=years) / np.bincount(bucket),
        penalty,
        SHORTEST_STRETCH,
    )
    return level[:, bucket], growth, stretch[:, bucket]


def years_before_end(days: int, freq: str) -> FloatArray:
    """Return each day's time from the last one in years, <= 0, (days,)."""
    return STEP[freq] * (np.arange(days) - days + 1) / 365.25


def fit_levels(
    sold: FloatArray,
    exposure: FloatArray,
    noise: FloatArray,
    years: FloatArray,
    penalty: float,
    shortest: int,
) -> tuple[FloatArray, FloatArray, IntArray]:
    """Return level (items, buckets), growth (items,) and stretch number (items, buckets).

    `sold` and `exposure` (units at level 1) are (items, buckets); `years` (buckets,) is time
    before the end of the history, <= 0; `level` holds at the end of the history, before growth.
    `noise` (items,) is the variance over the mean of a bucket's sales.
    `penalty` is the cost of a changepoint in units of log(buckets).
    """
    level = np.zeros_like(sold)
    growth = np.zeros(len(sold))
    stretch = np.zeros(sold.shape, dtype=np.int64)
    price = penalty * math.log(max(2, sold.shape[1]))
    _fit_all(sold, exposure, years, noise, price, shortest, level, growth, stretch)
    return level, growth, stretch


def bucket_noise(sold: FloatArray, exposure: FloatArray) -> FloatArray:
    """Return variance over mean of the buckets about their level, (items,), >= 1.

    From differences between neighbours, which no level shift but one can enlarge, the largest
    tenth left out for the same reason.
    """
    known = (exposure[:, 1:] > 0) & (exposure[:, :-1] > 0)
    safe = np.where(exposure > 0, exposure, 1.0)
    rate = sold / safe
    level = (sold[:, 1:] + sold[:, :-1]) / (safe[:, 1:] + safe[:, :-1])
    scale = level * (1 / safe[:, 1:] + 1 / safe[:, :-1])
    known &= scale > 0
    score = np.where(known, np.diff(rate, axis=1) ** 2 / np.where(known, scale, 1.0), np.nan)
    noise = np.ones(len(sold))
    for item, row in enumerate(score):
        kept = np.sort(row[~np.isnan(row)])
        if len(kept) >= 5:
            # A tenth cut from the top of a chi-square with one degree leaves 0.62 of its mean.
            noise[item] = max(1.0, kept[: int(0.9 * len(kept))].mean() / 0.6231)
    return noise


@njit(cache=True)
def _stretch_cost(sold: float, exposure: float) -> float:
    if sold <= 0 or exposure <= 0:
        return 0.0
    return -2 * (sold * math.log(sold / exposure) - sold)


@njit(cache=True)
def _best_cut(
    sold: FloatArray, exposure: FloatArray, noise: float, price: float, shortest: int
) -> tuple[float, npt.NDArray[np.int64]]:
    """Return the cost of the best cut and the first bucket of each stretch's predecessor link."""
    n = len(sold)
    total_sold, total_exposure = np.zeros(n + 1), np.zeros(n + 1)
    for i in range(n):
        total_sold[i + 1] = total_sold[i] + sold[i]
        total_exposure[i + 1] = total_exposure[i] + exposure[i]
    best = np.full(n + 1, np.inf)
    best[0] = -price
    link = np.zeros(n + 1, dtype=np.int64)
    for end in range(1, n + 1):
        for start in range(end):
            if (end - start < shortest and start > 0) or best[start] == np.inf:
                continue
            if start == 0 and end < shortest and end < n:
                continue
            cost = (
                best[start]
                + price
                + _stretch_cost(
                    total_sold[end] - total_sold[start],
                    total_exposure[end] - total_exposure[start],
                )
                / noise
            )
            if cost < best[end]:
                best[end] = cost
                link[end] = start
    return best[n], link


@njit(cache=True)
def _growth(sold: FloatArray, exposure: FloatArray, years: FloatArray) -> float:
    """Return the slope of a log-linear Poisson regression by Newton's method."""
    total = sold.sum()
    if total <= 0 or years.max() - years.min() < 0.5:
        return 0.0
    slope = 0.0
    for _ in range(20):
        expected = exposure * np.exp(slope * years)
        expected *= total / max(expected.sum(), 1e-300)
        mean = (expected * years).sum() / total
        information = (expected * (years - mean) ** 2).sum()
        step = ((sold - expected) * years).sum() / max(information, 1e-300)
        slope = min(LARGEST_GROWTH, max(-LARGEST_GROWTH, slope + step))
        if abs(step) < 1e-6:
            break
    return slope


@njit(cache=True)
def _fit_all(
    sold: FloatArray,
    exposure: FloatArray,
    years: FloatArray,
    noise: FloatArray,
    price: float,
    shortest: int,
    level: FloatArray,
    growth: FloatArray,
    stretch: IntArray,
) -> None:
    for item in range(len(sold)):
        used = np.flatnonzero(exposure[item] > 0)
        if len(used) == 0:
            continue
        y, x, t = sold[item][used], exposure[item][used], years[used]
        cost, link = _best_cut(y, x, noise[item], price, shortest)
        slope = _growth(y, x, t)
        if slope != 0:
            grown = x * np.exp(slope * t)
            # The deviance's constant differs between the two exposures by this much.
            shift = -2 * (y * slope * t).sum() / noise[item]
            sloped_cost, sloped_link = _best_cut(y, grown, noise[item], price, shortest)
            if sloped_cost + shift + 0.5 * price < cost:
                growth[item], link, x = slope, sloped_link, grown
        end, number = len(used), 0
        while end > 0:
            start = link[end]
            rate = y[start:end].sum() / x[start:end].sum()
            first = 0 if start == 0 else used[start]
            last = len(sold[item]) if end == len(used) else used[end]
            level[item, first:last] = rate
            stretch[item, first:last] = number
            end, number = start, number + 1
