"""What market events do to demand, price and supply, day by day.

Where events overlap, what they add to demand is added, each bringing its own customers, and what
they take away multiplies. Delays add, shares filled multiply, and an order that meets a closed
supplier waits for the first evening on which it is open.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from core_modules.market_events import (
    NORMAL_OPERATIONS,
    EventKind,
    FloatArray,
    MarketEvent,
    MarketSignal,
    Shape,
    affecting,
    demand_profile,
    signal_of,
    signals_known,
)

__all__ = [
    "NORMAL_OPERATIONS",
    "EventKind",
    "JointEffect",
    "MarketEvent",
    "MarketSignal",
    "ScenarioEffects",
    "Shape",
    "affecting",
    "demand_profile",
    "scenario_effects",
    "signal_of",
    "signals_known",
]

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class JointEffect:
    """What several events do to demand together."""

    gain: FloatArray  # 1 plus what the rising effects add, >= 1
    loss: FloatArray  # product of the falling effects, 0 to 1

    @classmethod
    def none(cls, shape: tuple[int, ...]) -> "JointEffect":
        """No event at all."""
        return cls(np.ones(shape), np.ones(shape))

    def joined(self, multiplier: FloatArray | float) -> "JointEffect":
        """Add one more event's multiplier.

        >>> three_and_two = JointEffect.none((1,)).joined(3.0).joined(2.0)
        >>> three_and_two.multiplier.item(), three_and_two.joined(0.5).multiplier.item()
        (4.0, 2.0)
        """
        return JointEffect(
            self.gain + np.maximum(np.asarray(multiplier) - 1, 0),
            self.loss * np.minimum(multiplier, 1),
        )

    @property
    def multiplier(self) -> FloatArray:
        """The multiplier on demand."""
        return self.gain * self.loss


@dataclass(frozen=True, slots=True)
class ScenarioEffects:
    """All events of one market, day by day; every array is (days,)."""

    demand_multiplier: FloatArray  # >= 0
    price_multiplier: FloatArray  # > 0
    lead_time_extra: IntArray  # days, for orders placed at the end of the day
    filled_share: FloatArray  # 0 to 1, for orders placed at the end of the day
    supplier_open: NDArray[np.bool_]
    reopening: IntArray  # days until orders are taken again, 0 where open
    label: tuple[str, ...]  # the day's scenario, NORMAL_OPERATIONS where none

    def lead_times(self, lead_time: int) -> IntArray:
        """Days from an order at the end of each day to the shelf, (days,)."""
        return lead_time + self.lead_time_extra + self.reopening


def scenario_effects(events: Sequence[MarketEvent], start: date, days: int) -> ScenarioEffects:
    """Lay events over `days` days from `start`; demand is joined by `JointEffect`, lead times add.

    Raises ValueError if `days` < 1.
    """
    if days < 1:
        raise ValueError(f"days must be >= 1, got {days}")
    demand, price, filled = JointEffect.none((days,)), np.ones(days), np.ones(days)
    extra, shut = np.zeros(days, dtype=np.int64), np.zeros(days, dtype=np.int64)
    labels: list[set[str]] = [set() for _ in range(days)]
    for event in events:
        if event.false_alarm:
            continue
        first = (event.start - start).days
        demand = demand.joined(_laid_over(demand_profile(event), first, days))
        acting = slice(max(first, 0), max(first + event.days, 0))
        price[acting] *= event.price
        filled[acting] *= event.filled_share
        extra[acting] += event.lead_time_extra
        if event.supplier_shut:
            left = first + event.days - np.arange(days)
            shut[acting] = np.maximum(shut[acting], left[acting])
        for names in labels[acting]:
            names.add(event.label)
    return ScenarioEffects(
        demand_multiplier=demand.multiplier,
        price_multiplier=price,
        lead_time_extra=extra,
        filled_share=filled,
        supplier_open=shut == 0,
        reopening=_days_to_reopening(shut),
        label=tuple(" + ".join(sorted(names)) or NORMAL_OPERATIONS for names in labels),
    )


def _laid_over(profile: FloatArray, first: int, days: int) -> FloatArray:
    """Return multipliers for days 0, ..., days - 1 of a profile that begins on day `first`."""
    multiplier = np.ones(days)
    inside = slice(max(first, 0), max(first + profile.size, 0))
    multiplier[inside] = profile[max(-first, 0) :][: multiplier[inside].size]
    return multiplier


def _days_to_reopening(shut: IntArray) -> IntArray:
    """Return the wait until a day on which the supplier is open, over shutdowns that follow on.

    `shut` holds the days until each day's shutdown is over, 0 where open.
    """
    wait = shut.copy()
    for day in np.flatnonzero(shut)[::-1]:
        reopened = day + shut[day]
        if reopened < wait.size:
            wait[day] += wait[reopened]
    return wait
