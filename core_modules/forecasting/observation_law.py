"""The observation law: how an item's demand scatters about its expectation, by day and by path."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import inf

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from core_modules.demand_law import quantiles_about, quantiles_along

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# Units a day from which a path's noise is scaled by its level error instead of drawn about it: the
# difference is below the rounding to units, and one table a day serves all paths (10 times faster).
SMALL_MEAN = 20.0
# Probabilities at which a law's `warp` is given; dense where orders are placed.
_KNOTS = (
    "0 0.01 0.03 0.06 0.1 0.15 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.85 0.9 0.94 0.97 0.985 0.99 0.995 "
    "0.998 0.999 1"
)
WARP_KNOTS = np.array(_KNOTS.split(), dtype=np.float64)
LARGEST_UNIFORM = 1.0 - 1e-9


@dataclass(frozen=True, slots=True)
class ObservationLaw:
    """How demand scatters about its expectation.

    A day's demand is negative binomial about a centre c = mean / `mean_ratio`, with variance
    `scale * c**power`, at least Poisson's. With power 1 and scale below 1, demand steadier than
    Poisson, it is a rounded normal; scale 0 is no scatter. Real demand has more days without a sale
    and more large days than that, so a probability u is first mapped to the one that `warp` gives
    for it. A whole path shares a lognormal level error, the log of which has variance
    `level_sd**2 + drift_sd**2 * h` at horizon h = 1, 2, ... days, and beside it the doubt of the
    level itself.
    """

    scale: float  # >= 0
    power: float  # 1 to 2 in practice
    level_sd: float = 0.0  # of the log level at the origin, >= 0
    drift_sd: float = 0.0  # added a square-root day, >= 0
    warp: tuple[float, ...] = ()  # probabilities at WARP_KNOTS, rising; empty: the plain law
    mean_ratio: float = 1.0  # expected demand over the centre of the plain law, > 0
    variance_ratio: float = 1.0  # variance of a day over that of the plain law, > 0

    def __post_init__(self) -> None:
        for name in ("scale", "power", "level_sd", "drift_sd"):
            value = getattr(self, name)
            if not 0 <= value < inf:
                raise ValueError(f"{name} of a law must be finite and >= 0, got {value}")
        for name in ("mean_ratio", "variance_ratio"):
            value = getattr(self, name)
            if not 0 < value < inf:
                raise ValueError(f"{name} of a law must be finite and > 0, got {value}")
        if self.warp and (len(self.warp) != WARP_KNOTS.size or _falls(self.warp)):
            raise ValueError(f"warp must be {WARP_KNOTS.size} rising probabilities")

    @property
    def steady(self) -> bool:
        """Whether demand is steadier than Poisson."""
        return self.power == 1.0 and self.scale < 1.0

    def variance(self, mean: FloatArray) -> FloatArray:
        """Return the variance of a day's demand given its mean, units squared."""
        return np.asarray(self._plain_variance(mean / self.mean_ratio) * self.variance_ratio)

    def _plain_variance(self, centre: FloatArray) -> FloatArray:
        variance = np.asarray(self.scale * centre**self.power, dtype=np.float64)
        return variance if self.steady else np.maximum(variance, centre)

    def level_sds(self, days: int, doubt: float = 0.0) -> FloatArray:
        """Return the standard deviation of the log level by horizon, shape (days,)."""
        horizon = np.arange(1, days + 1, dtype=np.float64)
        return np.sqrt(self.level_sd**2 + doubt**2 + self.drift_sd**2 * horizon)

    def draw(
        self, mean: FloatArray, errors: FloatArray, noise: FloatArray, doubt: float = 0.0
    ) -> IntArray:
        """Turn uniforms into demand paths (paths, days) about `mean` (days,).

        `errors` (paths,) give the level error of a path, `noise` (paths, days) its days, so the
        same uniforms give comonotone demand under every mean. `doubt` is the level's, see `Level`.
        """
        return self.draw_warped(mean, errors, self.warped(noise), doubt)

    def warped(self, noise: FloatArray) -> FloatArray:
        """Return the probabilities that the law's warp gives for uniforms, elementwise."""
        if not self.warp:
            return noise
        return np.minimum(np.interp(noise, WARP_KNOTS, self.warp), LARGEST_UNIFORM)

    def draw_warped(
        self, mean: FloatArray, errors: FloatArray, noise: FloatArray, doubt: float
    ) -> IntArray:
        """Draw as `draw` does, from noise that is warped already."""
        error = self._level_errors(errors, mean.size, doubt)
        return self._about(mean / self.mean_ratio, noise, error)

    def _about(self, centre: FloatArray, noise: FloatArray, error: FloatArray | None) -> IntArray:
        """Invert the plain law at `noise` (paths, days) about `centre` (days,) and level error."""
        variance = self._plain_variance(centre)
        if self.steady:
            normal = centre + ndtri(noise) * np.sqrt(variance)
            return _rounded(np.maximum(normal if error is None else normal * error, 0.0))
        with np.errstate(divide="ignore", invalid="ignore"):
            shape = np.where(variance > centre, centre**2 / (variance - centre), np.inf)
        if error is None:
            return quantiles_along(noise, centre, shape)
        if centre.max(initial=0.0) < SMALL_MEAN:
            return quantiles_about(noise, centre, error, shape)
        return _rounded(error * quantiles_along(noise, centre, shape))

    def _level_errors(self, uniforms: FloatArray, days: int, doubt: float) -> FloatArray | None:
        """Return each path's multiplicative level error, mean 1, (paths, days); None: no error."""
        sds = self.level_sds(days, doubt)
        if not sds.any():
            return None
        return np.asarray(np.exp(ndtri(uniforms)[:, None] * sds - 0.5 * sds**2))


@lru_cache(maxsize=64)
def _falls(warp: tuple[float, ...]) -> bool:
    """Return whether a warp falls anywhere; a batch shares one."""
    return any(later < earlier for earlier, later in pairwise(warp))


def _rounded(values: FloatArray) -> IntArray:
    return np.asarray(np.floor(values + 0.5), dtype=np.int64)
