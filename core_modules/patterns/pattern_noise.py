"""What is left about the expectation: dispersion, extra zeros, normal scores, intermittency."""

import math

import numpy as np
from numba import njit
from scipy import special

from core_modules.demand_law import FloatArray, negative_binomial_quantile
from core_modules.patterns.pattern_grid import BoolArray

SMALLEST_DISPERSION, LARGEST_DISPERSION = 1e-4, 100.0
SEARCH_REACH = 1.5  # of the log dispersion about an earlier estimate
PRECISION = 0.02  # of the log dispersion
PRIOR_SD = 1.0  # of the log dispersion about the pool's
EXTRA_ZEROS_PAY = 3.0  # log-likelihood that extra zeros must bring to be believed
WILDEST_RATIO = 4.0  # standard deviations
GOLDEN = (math.sqrt(5.0) - 1) / 2  # steps of this fill [0, 1) evenly
SHOWN_STRIDE = 7  # every so many days speak for what counts show of their scores
OUTERMOST_SCORE = 4.0


def fit_dispersion(
    sold: FloatArray,
    expected: FloatArray,
    used: BoolArray,
    start: FloatArray | None = None,
    prior: float | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Return dispersion and extra zeros of each item, both (items,), by maximum likelihood.

    The law is negative binomial about `expected`, with a share of extra zeros where these bring
    more than `EXTRA_ZEROS_PAY` of log-likelihood. `prior` is the pool's dispersion, towards which
    items with few sales are drawn; `start` (items,) says about where to look.
    """
    used = used & (expected > 0)
    dispersion, zeros = np.zeros(len(sold)), np.zeros(len(sold))
    centre = math.nan if prior is None else math.log(max(prior, SMALLEST_DISPERSION))
    for item in range(len(sold)):
        y, mean = sold[item][used[item]], expected[item][used[item]]
        low, high = math.log(SMALLEST_DISPERSION), math.log(LARGEST_DISPERSION)
        if start is not None and start[item] > 0:
            low = max(low, math.log(start[item]) - SEARCH_REACH)
            high = min(high, math.log(start[item]) + SEARCH_REACH)
        if len(y):
            dispersion[item], zeros[item] = _fit_one(y, mean, centre, low, high)
    return dispersion, zeros


@njit(cache=True)
def _log_likelihood(y: FloatArray, mean: FloatArray, dispersion: float, zeros: float) -> float:
    shape = 1 / dispersion
    start = math.lgamma(shape)
    total = 0.0
    for day in range(len(y)):
        m = mean[day] / (1 - zeros)
        log_none = -shape * math.log1p(dispersion * m)
        if y[day] == 0:
            total += log_none if zeros == 0 else math.log(zeros + (1 - zeros) * math.exp(log_none))
        else:
            total += math.lgamma(y[day] + shape) - start - math.lgamma(y[day] + 1)
            total += y[day] * math.log(dispersion * m / (1 + dispersion * m)) + log_none
            total += math.log1p(-zeros)
    return total


@njit(cache=True)
def _best_dispersion(
    y: FloatArray, mean: FloatArray, zeros: float, centre: float, low: float, high: float
) -> float:
    """Return the dispersion of the highest (penalised) likelihood by golden section of its log."""
    golden = (math.sqrt(5.0) - 1) / 2
    a, b = high - golden * (high - low), low + golden * (high - low)
    value_a = _penalised(y, mean, a, zeros, centre)
    value_b = _penalised(y, mean, b, zeros, centre)
    while high - low > PRECISION:
        if value_a > value_b:
            high, b, value_b = b, a, value_a
            a = high - golden * (high - low)
            value_a = _penalised(y, mean, a, zeros, centre)
        else:
            low, a, value_a = a, b, value_b
            b = low + golden * (high - low)
            value_b = _penalised(y, mean, b, zeros, centre)
    return math.exp((low + high) / 2)


@njit(cache=True)
def _penalised(
    y: FloatArray, mean: FloatArray, log_dispersion: float, zeros: float, centre: float
) -> float:
    value = _log_likelihood(y, mean, math.exp(log_dispersion), zeros)
    if not math.isnan(centre):
        value -= 0.5 * ((log_dispersion - centre) / PRIOR_SD) ** 2
    return value


@njit(cache=True)
def _fit_one(
    y: FloatArray, mean: FloatArray, centre: float, low: float, high: float
) -> tuple[float, float]:
    dispersion = _best_dispersion(y, mean, 0.0, centre, low, high)
    shape, none, variance = 1 / dispersion, 0.0, 0.0
    for m in mean:
        chance = math.exp(-shape * math.log1p(dispersion * m))
        none += chance
        variance += chance * (1 - chance)
    if (y == 0).sum() < none + 2 * math.sqrt(variance):
        return dispersion, 0.0
    plain = _log_likelihood(y, mean, dispersion, 0.0)
    zeros, better = 0.0, dispersion
    for _ in range(12):  # of the EM algorithm for the share of extra zeros
        extra = 0.0
        for day in range(len(y)):
            if y[day] == 0:
                chance = math.exp(-math.log1p(better * mean[day] / (1 - zeros)) / better)
                start = max(zeros, 0.02)
                extra += start / (start + (1 - start) * chance)
        zeros = min(0.98, extra / len(y))
        better = _best_dispersion(y, mean, zeros, centre, low - SEARCH_REACH, high)
    if _log_likelihood(y, mean, better, zeros) < plain + EXTRA_ZEROS_PAY:
        return dispersion, 0.0
    return better, zeros


def relative_variance(sold: FloatArray, expected: FloatArray, used: BoolArray) -> FloatArray:
    """Return the variance of sold / expected, (items,): the dispersion of continuous sales.

    Ratios further than WILDEST_RATIO standard deviations (by the median deviation) are clipped.
    """
    used = used & (expected > 0)
    variance = np.zeros(len(sold))
    for item in np.flatnonzero(used.any(axis=1)):
        days = used[item]
        ratio = sold[item, days] / expected[item, days]
        middle = float(np.median(ratio))
        reach = WILDEST_RATIO * 1.4826 * float(np.median(np.abs(ratio - middle)))
        if reach > 0:
            ratio = np.clip(ratio, middle - reach, middle + reach)
        variance[item] = ((ratio - 1) ** 2).mean()
    return variance


def law_variance(
    expected: FloatArray, dispersion: FloatArray, zeros: FloatArray, *, continuous: bool = False
) -> FloatArray:
    """Return the variance of a day's demand, (items, days), for laws (items,)."""
    spread = ((dispersion + zeros) / (1 - zeros))[:, None] * expected**2
    return spread if continuous else expected + spread


def continuous_scores(
    sold: FloatArray, expected: FloatArray, used: BoolArray, dispersion: FloatArray
) -> FloatArray:
    """Return the normal score of each day's sales under the gamma law, 0 where not used."""
    item, day = np.nonzero(used & (expected > 0))
    shape = 1 / np.maximum(dispersion, SMALLEST_DISPERSION)[item]
    chance = special.gammainc(shape, shape * sold[item, day] / expected[item, day])
    score = special.ndtri(np.clip(chance, 1e-12, 1 - 1e-12))
    scores = np.zeros(sold.shape)
    scores[item, day] = np.clip(score, -OUTERMOST_SCORE, OUTERMOST_SCORE)
    return scores


def normal_scores(
    sold: FloatArray,
    expected: FloatArray,
    used: BoolArray,
    dispersion: FloatArray,
    zeros: FloatArray,
) -> FloatArray:
    """Return the normal score of the middle of each day's step of the law, 0 where not used."""
    used = used & (expected > 0)
    item, day = np.nonzero(used)
    y, extra = sold[item, day], zeros[item]
    shape = 1 / np.maximum(dispersion, SMALLEST_DISPERSION)[item]
    none = shape / (shape + expected[item, day] / (1 - extra))
    above, below = none**shape, np.zeros(len(y))
    some = y > 0  # the others need no incomplete beta function
    above[some] = special.betainc(shape[some], y[some] + 1, none[some])
    below[some] = special.betainc(shape[some], y[some], none[some])
    middle = (extra * np.where(some, 2, 1) + (1 - extra) * (above + below)) / 2
    score = special.ndtri(np.clip(middle, 1e-12, 1 - 1e-12))
    scores = np.zeros(sold.shape)
    scores[item, day] = np.clip(score, -OUTERMOST_SCORE, OUTERMOST_SCORE)
    return scores


def shown_variance(
    expected: FloatArray, used: BoolArray, dispersion: FloatArray, zeros: FloatArray
) -> FloatArray:
    """Return the variance of the normal scores that counts of each item's law show, (items,).

    Whole units tell a day's luck only roughly; the rougher, the more this falls short of 1. Taken
    over evenly spread luck, not drawn, so that the same sales always give the same pattern.
    """
    days = slice(None, None, SHOWN_STRIDE)
    mean, used = expected[:, days], used[:, days] & (expected[:, days] > 0)
    luck = (np.arange(mean.size) * GOLDEN).reshape(mean.shape) % 1.0
    extra = zeros[:, None]
    sold = negative_binomial_quantile(
        np.maximum(0.0, luck - extra) / (1 - extra),
        np.where(used, mean, 0.0) / (1 - extra),
        (1 / np.maximum(dispersion, SMALLEST_DISPERSION))[:, None],
    )
    sold[luck < extra] = 0
    score = normal_scores(sold.astype(np.float64), mean, used, dispersion, zeros)
    count = used.sum(axis=1)
    return np.where(count > 0, (score**2).sum(axis=1) / np.maximum(1, count), 1.0)


def intermittency(sold: FloatArray, used: BoolArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return interval (ADI), CV^2 of the sizes sold and share of zeros, each (items,)."""
    selling = used & (sold > 0)
    sales = selling.sum(axis=1)
    open_days = used.sum(axis=1)
    mean = np.where(selling, sold, 0.0).sum(axis=1) / np.maximum(1, sales)
    square = np.where(selling, sold**2, 0.0).sum(axis=1) / np.maximum(1, sales)
    variation = np.divide(
        square - mean**2, mean**2, out=np.zeros(len(sold)), where=(mean > 0) & (sales > 1)
    )
    interval = np.maximum(1, open_days) / np.maximum(1, sales)
    return np.maximum(1, interval), np.maximum(0, variation), 1 - sales / np.maximum(1, open_days)
