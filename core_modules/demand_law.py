"""The demand law: negative binomial demand by inversion of its distribution function.

Inversion instead of sampling, because one uniform then means one thing under every scenario and
policy: the same `u` gives more demand where the mean is higher, never another draw of luck.
"""

import math

import numpy as np
import numpy.typing as npt
from scipy import special

from core_modules.count_inversion import (
    SMOOTH_FROM_SD,
    FloatArray,
    IntArray,
    find_each,
    gamma_quantiles,
    look_up,
    mean_and_variance,
    sum_each,
)

__all__ = [
    "FloatArray",
    "IntArray",
    "negative_binomial_quantile",
    "quantile_moments",
    "quantiles_about",
    "quantiles_along",
]

LARGEST_EXACT_SD = 1_000.0  # units; laws wider than this are approximated
TABLE_FROM = 4  # draws from one law that pay for a table of its distribution function
SMALLEST_UNIFORM = 1e-18  # below what a random double resolves
TEMME_FROM_SHAPE = 30.0  # of the gamma law; scipy's inverse loses digits at large shapes


def negative_binomial_quantile(
    u: npt.ArrayLike, mean: npt.ArrayLike, shape: npt.ArrayLike
) -> IntArray:
    """Return the smallest demand whose distribution function reaches `u`, elementwise.

    The law has variance `mean + mean**2 / shape`; shape `inf` is the Poisson law, mean 0 is 0.
    Its probabilities follow P(k+1) = P(k) (shape + k) / (k + 1) mean / (shape + mean).

    `u`, in [0, 1), is (..., paths, days). `mean` (units a day) and `shape` broadcast together to
    as many axes as `u`, as usual in numpy, or to fewer, (..., days): then all paths of a day
    share a law and are looked up in one table. A scalar law serves any `u`. The answer is int64.

    It is exact to the rounding of doubles up to a standard deviation of `LARGEST_EXACT_SD`, and
    never falls when `u` or `mean` rises. Wider laws are taken as the Pearson III law of the same
    mean, variance and skewness, rounded: within one unit.

    Raises ValueError for a mean that is negative or not finite, a shape that is not above 0, or
    a `u` outside [0, 1).

    >>> u = np.array([[0.1, 0.5], [0.9, 0.99]])  # (paths, days)
    >>> negative_binomial_quantile(u, [3.0, 30.0], 2.0)
    array([[  0,  25],
           [  7, 102]])
    """
    uniforms = np.asarray(u, dtype=np.float64)
    means, shapes = np.broadcast_arrays(
        np.asarray(mean, dtype=np.float64), np.asarray(shape, dtype=np.float64)
    )
    _check(uniforms, means, shapes)
    if 0 < means.ndim < uniforms.ndim:
        means, shapes = np.expand_dims(means, -2), np.expand_dims(shapes, -2)
    out = np.broadcast_shapes(uniforms.shape, means.shape)
    if means.size == 1:
        grid, law_grid = (1, math.prod(out), 1), (1, 1, 1)
    else:
        lead, paths, days = _split(out)
        law_paths = means.shape[-2] if means.ndim > 1 else 1
        grid, law_grid = (math.prod(lead), paths, days), (math.prod(lead), law_paths, days)
        means, shapes = (np.broadcast_to(law, (*lead, law_paths, days)) for law in (means, shapes))
    demand = _invert(
        _plain(np.broadcast_to(uniforms, out), grid),
        _plain(means, law_grid),
        _plain(shapes, law_grid),
    )
    return demand.reshape(out)


def quantiles_about(
    u: FloatArray, centre: FloatArray, error: FloatArray, shape: FloatArray
) -> IntArray:
    """Return `negative_binomial_quantile(u, centre * error, shape)` for laws of one item.

    `u` and `error` are (paths, days), `centre` and `shape` (days,). Small laws, which most are,
    take one pass; nothing is checked for them.
    """
    demand, mean = np.empty(u.shape, dtype=np.int64), centre * error
    # numpy takes logarithms of many numbers at once, which is most of the work.
    with np.errstate(invalid="ignore"):
        spread = np.where(np.isinf(shape), mean, shape * np.log1p(mean / shape))
    if sum_each(u, mean, shape, np.exp(-spread), demand):
        wide = demand < 0
        shapes = np.broadcast_to(shape, u.shape)[wide]
        demand[wide] = negative_binomial_quantile(u[wide], mean[wide], shapes)
    return demand


def quantiles_along(u: FloatArray, mean: FloatArray, shape: FloatArray) -> IntArray:
    """Return `negative_binomial_quantile(u, mean, shape)` for one item, whose paths share laws.

    `u` is (paths, days), `mean` and `shape` (days,). Nothing is checked.
    """
    widest = float((mean + mean * mean / shape).max(initial=0.0))
    if u.shape[0] < TABLE_FROM or widest > LARGEST_EXACT_SD**2:
        return negative_binomial_quantile(u, mean, shape)
    demand = np.zeros(u.shape, dtype=np.int64)
    look_up(_plain(u, (1, *u.shape)), mean[None], shape[None], demand[None])
    return demand


def quantile_moments(rising: FloatArray, mean: float, shape: float) -> tuple[float, float]:
    """Return mean and variance of `negative_binomial_quantile` at rising probabilities."""
    if mean > 0 and mean + mean * mean / shape <= LARGEST_EXACT_SD**2:
        return mean_and_variance(rising, mean, shape)
    drawn = negative_binomial_quantile(rising, mean, shape)
    return float(drawn.mean()), float(drawn.var())


def _split(out: tuple[int, ...]) -> tuple[tuple[int, ...], int, int]:
    padded = (1,) * (2 - len(out)) + out
    return padded[:-2], padded[-2], padded[-1]


def _plain(values: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    # Compiled code is specialised by memory layout: one layout, one compilation.
    return np.require(values.reshape(shape), np.float64, ["C", "W"])


def _check(u: FloatArray, mean: FloatArray, shape: FloatArray) -> None:
    # Asked as what must be true, so that a NaN fails: no comparison with it holds.
    for name, values, good in (
        ("mean demand must be >= 0 and finite", mean, (mean >= 0) & (mean < np.inf)),
        ("shape of demand must be > 0", shape, shape > 0),
    ):
        if not good.all():
            raise ValueError(f"{name}, got {values[~good].flat[0]}")
    if u.size and not (u.min() >= 0 and u.max() < 1):
        raise ValueError(f"uniforms must be in [0, 1), got {u.min()} to {u.max()}")


def _invert(u: FloatArray, mean: FloatArray, shape: FloatArray) -> IntArray:
    # The axes: u has lead, paths and days, the laws lead, paths or 1, and days.
    sd = np.sqrt(mean + mean**2 / shape)
    wide = sd > LARGEST_EXACT_SD
    summed = np.where(wide, 0.0, mean)
    demand = np.zeros(u.shape, dtype=np.int64)
    if mean.shape[1] == 1 and u.shape[1] >= TABLE_FROM:
        look_up(u, summed[:, 0], shape[:, 0], demand)
    else:
        smooth = bool(np.any(sd >= SMOOTH_FROM_SD))
        z = special.ndtri(u) if smooth else u
        means, shapes = (np.broadcast_to(law, u.shape) for law in (summed, shape))
        find_each(u, z, _plain(means, u.shape), _plain(shapes, u.shape), demand)
    if wide.any():
        at = np.broadcast_to(wide, u.shape)
        means, shapes = (np.broadcast_to(law, u.shape) for law in (mean, shape))
        demand[at] = _pearson_quantile(u[at], means[at], shapes[at])
    return demand


def _pearson_quantile(u: FloatArray, mean: FloatArray, shape: FloatArray) -> IntArray:
    # Its excess kurtosis differs from the negative binomial's by 0.5 / variance only, whatever
    # the shape, which is why one formula serves the gamma-like and the Poisson-like ends.
    sd = np.sqrt(mean + mean**2 / shape)
    root = sd / (1 + 2 * mean / shape)  # 1 / skewness
    gamma_shape = 4 * root**2
    standard = np.where(
        gamma_shape < TEMME_FROM_SHAPE,
        (special.gammaincinv(np.minimum(gamma_shape, TEMME_FROM_SHAPE), u) - gamma_shape)
        / np.sqrt(gamma_shape),
        gamma_quantiles(special.ndtri(np.maximum(u, SMALLEST_UNIFORM)), gamma_shape),
    )
    rounded: IntArray = np.maximum(0, np.ceil(mean + sd * standard - 0.5)).astype(np.int64)
    return rounded
