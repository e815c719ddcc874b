"""Trend and seasons of fitted items on any dates, and random paths of them, in numba."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from core_modules.batch_prophet.dense_solves import FAST
from core_modules.batch_prophet.panel import FloatArray, IntArray
from core_modules.batch_prophet.problem import FLAT, LOGISTIC


class Ahead(NamedTuple):
    """Parameters of the items asked about and the rows they are asked at, all scaled."""

    kind: int
    slope: FloatArray  # (items,) k
    offset: FloatArray  # (items,) m
    change: FloatArray  # (items, changepoints)
    places: FloatArray  # (items, changepoints) NaN beyond the last
    sigma: FloatArray  # (items,)
    scale: FloatArray  # (items,) y_scale
    offsets: IntArray  # (items + 1,) where each item's rows begin
    times: FloatArray  # (rows,) scaled: above 1 is the future
    caps: FloatArray  # (rows,) scaled; empty unless growth is logistic
    floors: FloatArray  # (rows,) in the data's units
    multiplied: FloatArray  # (rows,) sum of the multiplicative terms
    added: FloatArray  # (rows,) sum of the additive terms, scaled


@njit(cache=True, nogil=True, fastmath=FAST)
def write_trend(ahead: Ahead, found: FloatArray) -> None:
    """Write the scaled trend of every row."""
    for item in range(ahead.slope.size):
        for row in range(ahead.offsets[item], ahead.offsets[item + 1]):
            t = ahead.times[row]
            if ahead.kind == FLAT:
                found[row] = ahead.offset[item]
                continue
            line = ahead.slope[item] * t + ahead.offset[item]
            if ahead.kind == LOGISTIC:
                line = ahead.slope[item] * (t - ahead.offset[item])
            for j in range(ahead.places.shape[1]):
                if ahead.places[item, j] <= t:
                    line += ahead.change[item, j] * (t - ahead.places[item, j])
            found[row] = ahead.caps[row] / (1.0 + np.exp(-line)) if ahead.kind == LOGISTIC else line


@njit(cache=True, nogil=True, fastmath=FAST)
def write_terms(
    features: FloatArray,
    km: int,
    items: IntArray,
    offsets: IntArray,
    rows: NDArray[np.int32],
    beta: FloatArray,
    places: IntArray,
    regressors: FloatArray,
    conditions: IntArray,
    switches: FloatArray,
    multiplied: FloatArray,
    added: FloatArray,
) -> None:
    """Write the sums of both kinds of terms for the items listed; columns in engine order."""
    columns = features.shape[1]
    plain = switches.shape[1] == 0
    for item in items:
        for row in range(offsets[item], offsets[item + 1]):
            scaling, adding = 0.0, 0.0
            for j in range(columns):
                value = features[rows[row], j] * beta[item, j]
                if not plain and conditions[j] >= 0:
                    value *= switches[row, conditions[j]]
                if j < km:
                    scaling += value
                else:
                    adding += value
            for place in range(places.size):
                value = regressors[row, place] * beta[item, places[place]]
                if places[place] < km:
                    scaling += value
                else:
                    adding += value
            multiplied[row], added[row] = scaling, adding


@njit(cache=True, nogil=True, fastmath=FAST)
def write_paths(
    ahead: Ahead, trend: FloatArray, item: int, rng: np.random.Generator, found: FloatArray
) -> None:
    """Write random paths of one item, (samples, days), in the data's units.

    Prophet's law: changes of slope come as a Poisson process of as many a unit of time as there
    were changepoints, Laplace in size with the mean size of the fitted ones; noise is normal.
    """
    room_t, room_d = np.empty(4096), np.empty(4096)
    begin, end = ahead.offsets[item], ahead.offsets[item + 1]
    horizon = ahead.times[end - 1] - 1.0
    count, size = change_rate(ahead, item)
    rate = 0.0 if ahead.kind == FLAT or horizon <= 0.0 else count * horizon
    for path in range(found.shape[0]):
        changes = min(rng.poisson(rate), room_t.size) if rate > 0.0 else 0
        _draw_changes(changes, horizon, size, rng, room_t, room_d)
        passed, slope, level = 0, 0.0, 0.0
        for row in range(begin, end):
            t = ahead.times[row]
            while passed < changes and room_t[passed] <= t:
                slope += room_d[passed]
                level -= room_d[passed] * room_t[passed]
                passed += 1
            value = trend[row] + slope * t + level
            if ahead.kind == LOGISTIC:
                odds = np.exp(-(slope * t + level)) * (ahead.caps[row] / trend[row] - 1.0)
                value = ahead.caps[row] / (1.0 + odds)
            value += ahead.floors[row] / ahead.scale[item]
            noise = ahead.sigma[item] * rng.standard_normal()
            found[path, row - begin] = ahead.scale[item] * (
                value * (1.0 + ahead.multiplied[row]) + ahead.added[row] + noise
            )


@njit(cache=True, nogil=True, fastmath=FAST)
def change_rate(ahead: Ahead, item: int) -> tuple[int, float]:
    """Return how many changepoints an item has and their mean size, with Prophet's epsilon."""
    count, total = 0, 0.0
    for j in range(ahead.places.shape[1]):
        if not np.isnan(ahead.places[item, j]):
            count += 1
            total += abs(ahead.change[item, j])
    return count, total / max(count, 1) + 1e-8


@njit(cache=True, nogil=True, fastmath=FAST)
def _draw_changes(
    count: int,
    horizon: float,
    size: float,
    rng: np.random.Generator,
    times: FloatArray,
    sizes: FloatArray,
) -> None:
    """Write ascending times after 1 and Laplace sizes; spacings are exponential, so no sort."""
    total = 0.0
    for i in range(count):
        total += rng.standard_exponential()
        times[i] = total
    total += rng.standard_exponential()
    for i in range(count):
        times[i] = 1.0 + horizon * times[i] / total
        sizes[i] = rng.laplace(0.0, size)
