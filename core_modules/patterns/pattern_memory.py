"""The memory of demand: how long a good or a bad day lingers, and noise made free of it."""

import math

import numpy as np

from core_modules.demand_law import FloatArray
from core_modules.demand_pattern import Memory
from core_modules.patterns.pattern_grid import BoolArray
from core_modules.patterns.pattern_pooling import Pooled, pool_estimates

REMEMBERED_LAGS = 28
REPORTED_LAGS = 14
FEWEST_PAIRS = 30  # of days a lag apart that a correlation is worth computing from
LEAST_SHOWN = 0.05  # variance of scores below which sales say nothing of them
SUREST_MEMORY = 3.0  # standard errors from which memory is believed
SMALLEST_MEMORY = 0.02  # strength below which there is none
DECAYS = (*np.arange(0.05, 0.95, 0.05).tolist(), 0.95, 0.97, 0.98, 0.99)


def moving_average(memory: Memory) -> tuple[float, float]:
    """Return theta and the variance of e in the ARMA(1,1) form of a memory.

    z_t = decay z_(t-1) + e_t - theta e_(t-1) follows from the variance of z_t - decay z_(t-1),
    which is 1 + decay^2 (1 - 2 strength), and its covariance at lag 1, -decay (1 - strength).
    """
    decay, strength = memory.decay, memory.strength
    spread = 1 + decay * decay * (1 - 2 * strength)
    ratio = decay * (1 - strength) / spread
    theta = 0.0 if ratio == 0 else (1 - math.sqrt(max(0.0, 1 - 4 * ratio**2))) / (2 * ratio)
    return theta, spread / (1 + theta * theta)


def innovations(columns: FloatArray, memory: Memory) -> FloatArray:
    """Return columns (days, n) filtered so that noise with this memory would become white.

    The variance of the noise falls to that of the innovations, `moving_average(memory)[1]`.
    """
    if memory.strength == 0:
        return columns
    from scipy import signal

    theta, _ = moving_average(memory)
    return np.asarray(signal.lfilter([1.0, -memory.decay], [1.0, -theta], columns, axis=0))


def series_memory(residual: FloatArray, used: BoolArray, longest: float) -> Memory:
    """Return the memory of one series of residuals (days,), with a decay of `longest` at most."""
    if not residual.any():
        return Memory()
    correlation, _ = correlations(residual[None], used[None], np.ones(1))
    return nearest_memory(correlation[0], longest) if correlation.size else Memory()


def correlations(
    score: FloatArray, used: BoolArray, shown: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return autocorrelations (items, lags) and their variances, inf where too few pairs.

    Where counts show only part of the variance of the scores behind them, `shown` (items,), the
    scores behind are more alike than the counts, by that part.
    """
    lags = min(REMEMBERED_LAGS, score.shape[1] - 1)
    count = np.maximum(1, used.sum(axis=1))
    score = np.where(used, score - (score.sum(axis=1) / count)[:, None], 0.0)
    power = np.maximum((score**2).sum(axis=1) / count, 1e-9)
    shown = np.maximum(shown, LEAST_SHOWN)
    correlation, variance = np.zeros((len(score), lags)), np.full((len(score), lags), np.inf)
    for lag in range(1, lags + 1):
        pairs = (used[:, lag:] & used[:, :-lag]).sum(axis=1)
        product = (score[:, lag:] * score[:, :-lag]).sum(axis=1)
        enough = pairs >= FEWEST_PAIRS
        scale = (power * shown)[enough]
        correlation[enough, lag - 1] = product[enough] / pairs[enough] / scale
        variance[enough, lag - 1] = 1 / pairs[enough] / shown[enough] ** 2
    return correlation, variance


def nearest_memory(correlation: FloatArray, longest: float = 1.0) -> Memory:
    """Return the memory whose curve is nearest to correlations at lags 1, 2, ..."""
    if not correlation.any():
        return Memory()
    best = (math.inf, 0.0, 0.0)
    lags = np.arange(1, len(correlation) + 1)
    for decay in (decay for decay in DECAYS if decay <= longest + 1e-9):
        curve = decay**lags
        strength = min(0.95, max(0.0, float(correlation @ curve / (curve @ curve))))
        loss = float(((correlation - strength * curve) ** 2).sum())
        best = min(best, (loss, decay, strength))
    return Memory(best[2], best[1]) if best[2] > SMALLEST_MEMORY else Memory()


def fit_memory(
    score: FloatArray, used: BoolArray, shown: FloatArray
) -> tuple[list[Memory], Memory, FloatArray]:
    """Return each item's memory, the pool's, and autocorrelations (items, REPORTED_LAGS).

    The decay is the pool's for all items; each item's strength is drawn to the pool's. `shown`
    (items,) is the variance of the scores that the sales let see.
    """
    correlation, variance = correlations(score, used, shown)
    pooled = pool_estimates(correlation, variance)
    pool = nearest_memory(pooled.pool)
    curve = pool.strength * pool.decay ** np.arange(1, correlation.shape[1] + 1)
    chance = np.sqrt((curve**2 * np.minimum(pooled.pool_variance, 1.0)).sum())
    if pooled.pool @ curve <= SUREST_MEMORY * chance:
        pool = Memory()
    if pool.strength == 0:
        items = [Memory()] * len(score)
    else:
        strength = _strengths(correlation, variance, pool.decay)
        items = [_memory(float(share), pool.decay) for share in strength.items[:, 0]]
        pool = _memory(float(strength.pool[0]), pool.decay)
    return items, pool, np.clip(correlation[:, :REPORTED_LAGS], -1, 1)


def _memory(strength: float, decay: float) -> Memory:
    strength = min(0.95, max(0.0, strength))
    return Memory(strength, decay) if strength > SMALLEST_MEMORY else Memory()


def _strengths(correlation: FloatArray, variance: FloatArray, decay: float) -> Pooled:
    curve = decay ** np.arange(1, correlation.shape[1] + 1)
    precision = np.where(np.isfinite(variance), 1 / variance, 0.0)
    information = (precision * curve**2).sum(axis=1)
    known = information > 0
    push = (precision * curve * correlation).sum(axis=1)
    share = np.divide(push, information, out=np.zeros(len(known)), where=known)
    noise = np.divide(1.0, information, out=np.full(len(known), np.inf), where=known)
    return pool_estimates(share[:, None], noise[:, None])


def run_inflation(memory: Memory, days: int) -> float:
    """Return the variance of a run's total over that of as many independent days.

    >>> run_inflation(Memory(strength=1.0, decay=0.5), 2)
    1.5
    """
    lags = np.arange(1, days)
    share = memory.strength * memory.decay**lags * (1 - lags / days)
    return float(1 + 2 * share.sum())
