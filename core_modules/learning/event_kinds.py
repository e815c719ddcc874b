"""What a kind of market event does: a posterior of size and length, moved by each occurrence.

The log multiplier of an item's events is normal about the item's own mean, and that about the mean
of all items; both variances are shares of one variance, which is inverse gamma, so every step is
conjugate and the next size is Student's t. Lengths are gamma of a known shape with a gamma rate:
the next length is beta prime. What a kind is worth before any event is `KIND_PRIORS`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, log, sqrt
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy import special

from core_modules.market_events import EventKind

FloatArray = NDArray[np.float64]

EXPERIENCE_WEIGHT = 2.0  # past events that a kind's prior counts for
SPREAD_WEIGHT = 6.0  # past events that its spread counts for
OWN_SHARE = 0.25  # variance of items' own means over that of one item's events, < 1 / the weight
LENGTH_SPREAD = 0.6  # coefficient of variation of event lengths, a wide prior
LENGTH_SHAPE = 1 / LENGTH_SPREAD**2  # of the gamma law of lengths


@dataclass(frozen=True, slots=True)
class KindPrior:
    """What is expected of one kind of event."""

    median: float  # multiplier on demand
    spread: float  # standard deviation of its logarithm, or its scale where learned
    days: float  # mean length
    reliability: float = 1.0  # probability that a signal is true
    lead_time_extra: int = 0  # days
    filled_share: float = 1.0  # 0 to 1


KIND_PRIORS: Mapping[EventKind, KindPrior] = MappingProxyType(
    {
        EventKind.VIRAL: KindPrior(3.0, 0.4, 5, reliability=0.85),
        EventKind.CELEBRITY_ENDORSEMENT: KindPrior(3.0, 0.4, 5, reliability=0.85),
        EventKind.COMPETITOR_STOCKOUT: KindPrior(2.0, 0.3, 10, reliability=0.85),
        EventKind.COMPETITOR_PRICE_CUT: KindPrior(0.7, 0.3, 14, reliability=0.85),
        EventKind.BLACK_FRIDAY: KindPrior(4.0, 0.4, 4),
        EventKind.POST_HOLIDAY_CLEARANCE: KindPrior(0.6, 0.3, 14),
        EventKind.ECONOMIC_DOWNTURN: KindPrior(0.7, 0.25, 20),
        EventKind.PROMOTION: KindPrior(1.7, 0.3, 7),
        EventKind.SUPPLY_DISRUPTION: KindPrior(0.8, 0.4, 10, lead_time_extra=4, filled_share=0.7),
    }
)


@dataclass(frozen=True, slots=True)
class Experience:
    """What past events of one kind showed, as sums over them."""

    count: float = 0.0  # events, by the probability that they were real
    weight: float = 0.0  # of their sizes; an event whose size sales show exactly weighs 1
    log_sizes: float = 0.0  # of weight x log multiplier
    squares: float = 0.0  # of weight x squared log multiplier
    days: float = 0.0  # of lengths

    def joined(self, other: "Experience") -> "Experience":
        """Add another record of events."""
        return Experience(
            self.count + other.count,
            self.weight + other.weight,
            self.log_sizes + other.log_sizes,
            self.squares + other.squares,
            self.days + other.days,
        )

    def elsewhere(self) -> "Experience":
        """Return what one event that other items felt is worth to an item that did not feel it.

        Its size is one item's, so its variance about the mean of all items is that between items
        beside its own: 1 event weighs 1 / (1 + OWN_SHARE).
        """
        if self.count <= 0:
            return Experience()
        felt = min(self.weight, 1.0)
        weight = 1 / (OWN_SHARE + 1 / felt) if felt > 0 else 0.0
        mean = self.log_sizes / self.weight if self.weight > 0 else 0.0
        real, length = min(self.count, 1.0), self.days / self.count
        count = 1 / (OWN_SHARE + 1 / real)
        return Experience(count, weight, weight * mean, weight * mean**2, count * length)


NOTHING = Experience()


@dataclass(frozen=True, slots=True)
class KindPosterior:
    """What is believed of the next event of a kind, for one item."""

    mean: float  # of the log multiplier
    weight: float  # events that the mean counts for, > 0
    shape: float  # of the inverse gamma law of the log multiplier's variance, > 0
    scale: float  # of it, > 0
    lengths: float  # shape of the gamma law of the rate at which days end events, > 1
    days: float  # its inverse scale, days, > 0

    @property
    def spread(self) -> float:
        """Scale of Student's t law of the next event's log multiplier."""
        return sqrt(self.scale / self.shape * (1 + 1 / self.weight))

    @property
    def variance(self) -> float:
        """Expected variance of the log multiplier of one item's events about their mean."""
        return self.scale / self.shape

    @property
    def median(self) -> float:
        """Median multiplier of the next event."""
        return exp(self.mean)

    @property
    def mean_days(self) -> float:
        """Expected length of the next event, days."""
        return LENGTH_SHAPE * self.days / (self.lengths - 1)

    def size_density(self, multipliers: FloatArray) -> FloatArray:
        """Return the predictive density of the log multiplier, not normalised, elementwise."""
        distance = (np.log(multipliers) - self.mean) / self.spread
        freedom = 2 * self.shape
        return np.asarray((1 + distance**2 / freedom) ** (-(freedom + 1) / 2))

    def lengths_after(self, age: int, uniforms: FloatArray) -> FloatArray:
        """Draw whole lengths, days, of an event that lasts longer than `age` days.

        By inversion of the predictive law: with length x, x / (x + days) is Beta(shape, lengths).
        """
        past = age / (age + self.days)
        # From the upper tail, which stays exact when the event is older than all known ones.
        still = special.betainc(self.lengths, LENGTH_SHAPE, 1 - past)
        rest = special.betaincinv(self.lengths, LENGTH_SHAPE, uniforms * still)
        length = np.ceil(self.days * (1 - rest) / np.maximum(rest, 1e-12))
        return np.asarray(np.maximum(length, age + 1.0))


def kind_posterior(
    prior: KindPrior, own: Experience = NOTHING, elsewhere: Experience = NOTHING
) -> KindPosterior:
    """Correct a kind's prior by events that the item felt and events that only others felt.

    Before any event the next log multiplier has the prior's median and spread, and the length its
    mean, which count for `EXPERIENCE_WEIGHT` events.

    >>> believed = kind_posterior(KindPrior(3.0, 0.4, 5))
    >>> round(believed.median, 3), round(believed.spread, 3), round(believed.mean_days, 3)
    (3.0, 0.4, 5.0)
    """
    first = log(prior.median)
    common = 1 / (1 / EXPERIENCE_WEIGHT - OWN_SHARE)  # weight of the prior in the mean of all items
    freedom = SPREAD_WEIGHT / 2
    scale = freedom * prior.spread**2 / (1 + 1 / EXPERIENCE_WEIGHT)

    all_weight = common + elsewhere.weight
    all_mean = (common * first + elsewhere.log_sizes) / all_weight
    weight = 1 / (OWN_SHARE + 1 / all_weight)
    own_weight = weight + own.weight
    mean = (weight * all_mean + own.log_sizes) / own_weight
    surprise = (
        (common * first**2 + elsewhere.squares - all_weight * all_mean**2)
        + (weight * all_mean**2 + own.squares - own_weight * mean**2)
    )  # fmt: skip

    all_count = common + elsewhere.count
    usual_days = (common * prior.days + elsewhere.days) / all_count
    count = 1 / (OWN_SHARE + 1 / all_count)
    return KindPosterior(
        mean=mean,
        weight=own_weight,
        shape=freedom + (elsewhere.count + own.count) / 2,
        scale=scale + max(surprise, 0.0) / 2,
        lengths=LENGTH_SHAPE * (count + own.count) + 1,
        days=count * usual_days + own.days,
    )
