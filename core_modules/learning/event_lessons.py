"""What one finished event taught: of its kind's size and length, and of who signalled it."""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from core_modules.learning.event_kinds import Experience, KindPosterior
from core_modules.learning.signal_sources import source_of
from core_modules.market_events import EventKind, MarketSignal

FloatArray = NDArray[np.float64]

LARGEST = float(np.log(10.0))  # log multiplier either way that an event is believed to have


@dataclass(frozen=True, slots=True)
class Lesson:
    """What one item learned of one event when it was over."""

    event_id: str
    kind: EventKind
    source: str
    felt: Experience
    real: float | None  # probability that the signal was true; None: nothing judged it


@dataclass(frozen=True, slots=True)
class SizeBelief:
    """A belief of an event's log multiplier given that it is real, and how likely that is."""

    real: float  # probability, 0 to 1
    mean: float  # of the log multiplier
    variance: float  # of it, >= 0; > 0 where real

    @classmethod
    def of(cls, sizes: FloatArray, logs: FloatArray, no_effect: int) -> "SizeBelief":
        """Summarise probabilities (sizes,) of evenly spaced `logs`, one of which is no effect."""
        effect = sizes.copy()
        effect[no_effect] = 0.0
        total = float(effect.sum())
        if total <= 0:
            return cls(0.0, 0.0, 0.0)
        mean = float(effect @ logs) / total
        within = float(logs[1] - logs[0]) ** 2 / 12  # each point stands for its surroundings
        return cls(total, mean, float(effect @ (logs - mean) ** 2) / total + within)


def lesson_of(
    signal: MarketSignal,
    today: date,
    before: SizeBelief,
    after: SizeBelief,
    posterior: KindPosterior,
) -> Lesson:
    """Draw the lesson of an event that is gone on the evening of `today`.

    `before` is the belief that its signal gave, `after` the one with its days' sales. The kind
    learns from the sales alone, not from what it said itself: the prior is divided out again.
    """
    source, days = source_of(signal), (today - signal.start).days
    if days <= 0:  # withdrawn before it began
        real, felt = 0.0, Experience()
    elif signal.demand == 1:  # it acted on supply or price, which sales do not judge
        real, felt = None, Experience(count=1.0, days=float(days))
    else:
        real, felt = after.real, _felt(signal, days, before, after, posterior)
    return Lesson(signal.event_id, signal.kind, source, felt, real)


def _felt(
    signal: MarketSignal,
    days: int,
    before: SizeBelief,
    after: SizeBelief,
    posterior: KindPosterior,
) -> Experience:
    real = after.real
    length_only = Experience(count=real, days=real * days)
    if signal.demand is not None:  # the source told the size: that is evidence too
        size, noise = after.mean, after.variance
    elif 0 < after.variance < before.variance:
        noise = 1 / (1 / after.variance - 1 / before.variance)
        size = noise * (after.mean / after.variance - before.mean / before.variance)
        size = min(max(size, -LARGEST), LARGEST)
    else:
        return length_only
    # What is measured with noise n scatters about the kind's mean with variance v + n.
    weight = real * posterior.variance / (posterior.variance + noise)
    return length_only.joined(
        Experience(weight=weight, log_sizes=weight * size, squares=weight * size**2)
    )
