"""Closed-form prediction intervals: normal noise plus a compound Poisson of Laplace slope changes.

A change at time s moves the trend at t > s by a Laplace amount times t - s. With L changes
expected on (1, t], scale b and a = b (t - 1), the sum has the characteristic function
exp(L (atan(a u)/(a u) - 1)), and the noise exp(-sigma^2 u^2/2). So a quantile over sigma depends
on L and a/sigma alone: it is found once on a grid by inverting the transform (Gil-Pelaez), kept
over the sum's standard deviation, and interpolated.
"""

import math
import os
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np
from numba import njit
from scipy.special import ndtri

from core_modules.batch_prophet.dense_solves import FAST
from core_modules.batch_prophet.panel import FloatArray

FORMAT = "1"  # of the cached files
LOG_LOW, LOG_STEP, LOG_COUNT = -5.0, 0.1, 111  # log of a / sigma
ROOT_STEP, ROOT_COUNT = 0.06, 101  # square root of L; beyond the last the shape hardly changes


@cache
def quantile_table(level: int) -> FloatArray:
    """Return upper quantiles of an interval of `level` percent over the standard deviation.

    (roots, logs): by the square root of the changes expected and the log of a / sigma. Kept in
    the user's cache folder, for it takes a second or so to make.
    """
    path = cache_folder() / f"interval-{FORMAT}-{level}.npy"
    with suppress(OSError, ValueError, EOFError):
        stored = np.load(path, allow_pickle=False)
        if stored.shape == (ROOT_COUNT, LOG_COUNT):
            return np.asarray(stored)
    found = np.empty((ROOT_COUNT, LOG_COUNT))
    _fill_table(0.5 + level / 200.0, float(ndtri(0.5 + level / 200.0)), found)
    # A cache that cannot be written costs the next process a second, and this one nothing.
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(suffix=".npy", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            np.save(file, found)
        Path(name).replace(path)
    return found


def cache_folder() -> Path:
    """Return where tables are kept: XDG_CACHE_HOME, or .cache in the home folder."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "batch_prophet"


@njit(cache=True, nogil=True, fastmath=FAST)
def _fill_table(share: float, normal: float, found: FloatArray) -> None:
    for row in range(found.shape[0]):
        changes = (row * ROOT_STEP) ** 2
        for column in range(found.shape[1]):
            ratio = np.exp(LOG_LOW + LOG_STEP * column)
            spread = np.sqrt(1.0 + 2.0 * changes * ratio * ratio / 3.0)
            found[row, column] = quantile_of(changes, ratio, share, normal) / spread


@njit(cache=True, nogil=True, fastmath=FAST)
def quantile_of(changes: float, ratio: float, share: float, normal: float) -> float:
    """Return the quantile of the sum over sigma, by Newton steps kept inside a bracket."""
    if changes == 0.0:
        return normal
    spread = math.sqrt(1.0 + 2.0 * changes * ratio * ratio / 3.0)
    # The rule repeats itself with period 2 pi / step: wide enough for the law's tails.
    reach = 2.0 * (10.0 + 25.0 * ratio + 8.0 * spread)
    count = int(max(96.0, np.ceil(9.0 * reach / (2.0 * np.pi))))
    step = 9.0 / count
    nodes, weights = np.empty(count), np.empty(count)
    for i in range(count):
        u = (i + 0.5) * step
        nodes[i] = u
        weights[i] = np.exp(changes * (np.arctan(ratio * u) / (ratio * u) - 1.0) - 0.5 * u * u)
    low, high, x = 0.0, 30.0 * spread, normal * spread
    for _attempt in range(80):
        area, density = 0.0, 0.0
        # Sine and cosine of (i + 1/2) step x by turning on: ten times quicker than calling them.
        turn_sin, turn_cos = np.sin(step * x), np.cos(step * x)
        sine, cosine = np.sin(0.5 * step * x), np.cos(0.5 * step * x)
        for i in range(count):
            area += weights[i] * sine / nodes[i]
            density += weights[i] * cosine
            sine, cosine = sine * turn_cos + cosine * turn_sin, cosine * turn_cos - sine * turn_sin
        miss = 0.5 + area * step / np.pi - share
        if miss < 0.0:
            low = x
        else:
            high = x
        if abs(miss) < 1e-10:
            break
        slope = density * step / np.pi
        new = x - miss / slope if slope > 1e-12 else 0.5 * (low + high)
        x = new if low < new < high else 0.5 * (low + high)
    return x


@njit(cache=True, nogil=True, fastmath=FAST)
def half_width(
    table: FloatArray, normal: float, changes: float, size: float, sigma: float
) -> float:
    """Return half the interval's width for L changes of scale a and noise sigma, by the table."""
    if changes <= 0.0 or size <= 0.0:
        return normal * sigma
    ratio = size / max(sigma, 1e-300)
    x = min(max((np.log(ratio) - LOG_LOW) / LOG_STEP, 0.0), LOG_COUNT - 1.001)
    y = min(np.sqrt(changes) / ROOT_STEP, ROOT_COUNT - 1.001)
    i, j = int(y), int(x)
    p, q = y - i, x - j
    low = (1.0 - q) * table[i, j] + q * table[i, j + 1]
    high = (1.0 - q) * table[i + 1, j] + q * table[i + 1, j + 1]
    spread = math.sqrt(sigma * sigma + 2.0 * changes * size * size / 3.0)
    return float((1.0 - p) * low + p * high) * spread
