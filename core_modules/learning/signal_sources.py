"""How far the sources of market signals can be believed: false alarms counted by source."""

from dataclasses import dataclass

from core_modules.market_events import MarketSignal

SOURCE_WEIGHT = 2.0  # past signals that the prior reliability counts for
SURE = 1e-9  # variance of a reliability that is as good as known


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """What past signals of one source came to: what they add to the beta law of its reliability.

    The prior is Beta(w r, w (1 - r)) with reliability r and w = `SOURCE_WEIGHT` signals. Doubt left
    by a signal can take a little from the prior's own count, so a sum may be below 0.
    """

    real: float = 0.0  # signals that an event followed
    empty: float = 0.0  # false alarms

    def reliability(self, prior: float) -> float:
        """Return the probability that the next signal is true.

        >>> SourceRecord(real=1, empty=3).reliability(0.85)
        0.45
        """
        signals = SOURCE_WEIGHT + self.real + self.empty
        return (SOURCE_WEIGHT * prior + self.real) / signals

    def judged(self, prior: float, real: float) -> "SourceRecord":
        """Add a signal that was real with probability `real`, given all that its days showed.

        The posterior is a mixture of two beta laws, one for a real and one for an empty signal; the
        record is that of the single beta law with the mixture's mean and variance. A signal whose
        days showed nothing, `real` being the reliability itself, leaves the record as it is.

        >>> SourceRecord().judged(0.85, 0.0)
        SourceRecord(real=0.0, empty=1.0)
        >>> SourceRecord(real=1, empty=3).judged(0.85, 0.45)
        SourceRecord(real=1.0, empty=3.0)
        """
        trusted = SOURCE_WEIGHT * prior + self.real
        signals = SOURCE_WEIGHT + self.real + self.empty
        mean = (trusted + real) / (signals + 1)
        if_real, if_empty = (trusted + 1) / (signals + 1), trusted / (signals + 1)
        within = real * if_real * (1 - if_real) + (1 - real) * if_empty * (1 - if_empty)
        variance = within / (signals + 2) + real * (1 - real) / (signals + 1) ** 2
        if variance < SURE:  # all signals were alike, and surely so
            return SourceRecord(self.real + real, self.empty + 1 - real)
        counted = mean * (1 - mean) / variance - 1
        return SourceRecord(
            real=_whole(counted * mean - SOURCE_WEIGHT * prior),
            empty=_whole(counted * (1 - mean) - SOURCE_WEIGHT * (1 - prior)),
        )


def _whole(signals: float) -> float:
    return round(signals, 9) + 0.0  # rounding errors are no evidence; and no minus zero


def source_of(signal: MarketSignal) -> str:
    """Name who a signal comes from; where nobody says, all signals of a kind are one source's."""
    return signal.source or signal.kind.value
