"""What is expected of shocks that nobody announces: how often, how large and how long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core_modules.learning.event_kinds import EXPERIENCE_WEIGHT
from core_modules.learning.multiplier_grid import NO_EFFECT, lognormal_sizes

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ShockPrior:
    """How often, how large and how long shocks are that come without warning.

    The default is what the superseded demo's calendar shows in a year: three surges (x3.5 for 3
    days, x2.2 for 11, x4 for 5) and one supply disruption of 14 days.
    """

    surges_a_year: float = 3.0  # >= 0
    size: float = 3.1  # median multiplier, > 1
    spread: float = 0.4  # standard deviation of its logarithm, > 0
    days: float = 6.0  # mean length, >= 1
    disruptions_a_year: float = 1.0  # >= 0
    delay: float = 6.0  # mean days by which a disruption delays the next delivery, >= 1

    def __post_init__(self) -> None:
        if self.surges_a_year < 0 or self.disruptions_a_year < 0:
            raise ValueError("shocks a year must be >= 0")
        if self.size <= 1 or self.spread <= 0 or self.days < 1 or self.delay < 1:
            raise ValueError(f"a shock needs size > 1, spread > 0 and lengths >= 1 day: {self}")

    def scaled(self, factor: float) -> ShockPrior:
        """Return the prior with shocks `factor` times as frequent."""
        return replace(
            self,
            surges_a_year=self.surges_a_year * factor,
            disruptions_a_year=self.disruptions_a_year * factor,
        )

    def learned(self, sizes: Sequence[float], days: Sequence[int], years: float) -> ShockPrior:
        """Correct the prior by the surges found in `years` of an item's history.

        A history that shows none leaves the prior as it is: such a record is as likely to have been
        cleaned as to be free of shocks. Rates and lengths are means, sizes geometric means,
        in which the prior counts for `EXPERIENCE_WEIGHT` years and events.
        """
        if not sizes:
            return self
        weight, count = EXPERIENCE_WEIGHT, len(sizes)
        log_size = weight * np.log(self.size) + np.log(sizes).sum()
        return replace(
            self,
            surges_a_year=(weight * self.surges_a_year + count) / (weight + years),
            size=max(1.05, float(np.exp(log_size / (weight + count)))),
            days=max(1.0, float((weight * self.days + sum(days)) / (weight + count))),
        )


def surge_sizes(prior: ShockPrior) -> FloatArray:
    """Return the probability of each multiplier for a surge, (sizes,); only those above 1."""
    sizes = lognormal_sizes(prior.size, prior.spread)
    sizes[: NO_EFFECT + 1] = 0.0
    return np.asarray(sizes / sizes.sum())
