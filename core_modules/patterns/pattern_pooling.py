"""Borrowing strength: each item's own ratio, drawn towards the pool as far as its noise asks.

The model is the random-effects one of meta-analysis: an item's true factor scatters about the
pool's with a variance that is estimated from all items (by moments, DerSimonian and Laird), and its
own estimate counts by its share of that variance. A thin item so follows the pool.
"""

from dataclasses import dataclass

import numpy as np

from core_modules.demand_law import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Pooled:
    """Estimates of the same quantities for many items, and for their pool."""

    estimate: FloatArray  # (items, bins) each item's own
    pool: FloatArray  # (bins,)
    pool_variance: FloatArray  # (bins,) of the pool's estimates
    own: FloatArray  # (items, bins) weight of the item's own estimate, 0 to 1

    @property
    def items(self) -> FloatArray:
        """Each item's estimate, drawn towards the pool, (items, bins)."""
        return self.drawn_to(self.pool)

    def drawn_to(self, pool: FloatArray) -> FloatArray:
        """Return each item's estimate, drawn towards a pool (bins,), (items, bins).

        A single item is its own pool.
        """
        if len(self.estimate) == 1:
            return pool[None].copy()
        return np.asarray(pool + self.own * (self.estimate - pool))


def pool_estimates(estimate: FloatArray, variance: FloatArray) -> Pooled:
    """Pool (items, bins) estimates of the given sampling variances; inf: nothing known."""
    precision = np.where(variance > 0, 1 / np.maximum(variance, 1e-300), 0.0)
    precision = np.where(np.isfinite(variance), precision, 0.0)
    value = np.where(precision > 0, estimate, 0.0)
    spread = _heterogeneity(value, precision)
    weight = np.where(precision > 0, 1 / (spread + 1 / np.maximum(precision, 1e-300)), 0.0)
    total = np.maximum(weight.sum(axis=0), 1e-300)
    pool = (weight * value).sum(axis=0) / total
    if len(estimate) == 1:
        own = (precision > 0).astype(np.float64)
    else:
        own = spread * precision / (1 + spread * precision)
    return Pooled(value, pool, 1 / total, own)


def _heterogeneity(value: FloatArray, precision: FloatArray) -> float:
    """Return the variance of true values between items, one for all bins (by moments)."""
    total = precision.sum(axis=0)
    used = total > 0
    if len(value) < 2 or not used.any():
        return 0.0
    value, precision, total = value[:, used], precision[:, used], total[used]
    mean = (precision * value).sum(axis=0) / total
    excess = (precision * (value - mean) ** 2).sum(axis=0) - ((precision > 0).sum(axis=0) - 1)
    scale = total - (precision**2).sum(axis=0) / total
    return max(0.0, float(excess.sum()) / max(float(scale.sum()), 1e-300))


def ratio_variance(expected: FloatArray, variance: FloatArray) -> FloatArray:
    """Return the variance of sold over expected, inf where nothing was expected."""
    return np.where(expected > 0, variance / np.maximum(expected, 1e-100) ** 2, np.inf)


def pool_ratios(sold: FloatArray, expected: FloatArray, variance: FloatArray) -> Pooled:
    """Pool the ratios sold / expected, (items, bins); `variance` is that of sold."""
    ratio = np.divide(sold, expected, out=np.ones_like(sold), where=expected > 0)
    return pool_estimates(ratio, ratio_variance(expected, variance))


def drawn_to_one(factors: FloatArray, variance: FloatArray) -> FloatArray:
    """Return a pool's factors drawn to 1 as far as chance could have spread them, (bins,)."""
    noise = np.where(np.isfinite(variance), variance, 0.0)
    if len(factors) < 2 or not noise.any():
        return factors
    signal = max(0.0, float(np.mean((factors - 1) ** 2 - noise)))
    return 1 + (factors - 1) * signal / (signal + noise) if signal > 0 else np.ones_like(factors)
