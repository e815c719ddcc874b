"""Market events: what each is, and what a planner can know of it on which evening.

An event acts on the days `start ... start + days - 1` and, where it pulled demand forward, on the
days after. What can be known of it is a `MarketSignal`: announced ahead, noticed on the evening of
its first day, or never; with or without its size and length. A false alarm gives the signal and
has no effect.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from math import ceil
from types import MappingProxyType
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

NORMAL_OPERATIONS = "Normal_Operations"


class EventKind(StrEnum):
    """Kinds of market events; the value is the name used in files."""

    VIRAL = "viral"
    CELEBRITY_ENDORSEMENT = "celebrity_endorsement"
    BLACK_FRIDAY = "black_friday"
    COMPETITOR_STOCKOUT = "competitor_stockout"
    COMPETITOR_PRICE_CUT = "competitor_price_cut"
    SUPPLY_DISRUPTION = "supply_disruption"
    ECONOMIC_DOWNTURN = "economic_downturn"
    POST_HOLIDAY_CLEARANCE = "post_holiday_clearance"
    PROMOTION = "promotion"


SCENARIO_NAMES: Mapping[EventKind, str] = {
    EventKind.VIRAL: "Viral_Social_Media_Boost",
    EventKind.CELEBRITY_ENDORSEMENT: "Celebrity_Endorsement_Spike",
    EventKind.BLACK_FRIDAY: "Black_Friday_Mega_Event",
    EventKind.COMPETITOR_STOCKOUT: "Competitor_Stockout_Benefit",
    EventKind.COMPETITOR_PRICE_CUT: "Competitor_Price_Cut",
    EventKind.SUPPLY_DISRUPTION: "Supply_Chain_Disruption",
    EventKind.ECONOMIC_DOWNTURN: "Economic_Downturn_Effect",
    EventKind.POST_HOLIDAY_CLEARANCE: "Post_Holiday_Clearance",
    EventKind.PROMOTION: "Promotion",
}


class Shape(StrEnum):
    """How an event's effect runs over its days, as a share of its peak."""

    FLAT = "flat"
    RAMP = "ramp"  # rises evenly to the peak on the last day
    PEAK = "peak"  # rises to the peak in the middle and falls again
    DECAY = "decay"  # peak on the first day, then falls by half each third of the event


LONGEST = 3660  # days; ten years bound every length, notice and delay
FIRST_YEAR, LAST_YEAR = 1900, 2999  # in which an event may start

# The least and the largest value of each number of an event.
_RANGES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "days": (1, LONGEST),
        "demand": (0, 1000),
        "pull_forward": (0, 1),
        "pull_forward_days": (0, LONGEST),
        "price": (0.01, 100),
        "lead_time_extra": (0, LONGEST),
        "filled_share": (0, 1),
        "announced": (0, LONGEST),
    }
)


@dataclass(frozen=True, slots=True)
class MarketEvent:
    """One event in one market: its effect, and what is known of it when.

    Raises ValueError whose message begins with the name of the field that is wrong.
    """

    event_id: str
    kind: EventKind
    start: date
    days: int  # length, >= 1
    demand: float = 1.0  # multiplier on demand at the peak, >= 0
    shape: Shape = Shape.FLAT
    pull_forward: float = 0.0  # share of the extra demand missing afterwards, 0 to 1
    pull_forward_days: int = 0  # days over which it is missing, > 0 where pull_forward > 0
    price: float = 1.0  # multiplier on the selling price, > 0
    lead_time_extra: int = 0  # days added to orders placed during the event, >= 0
    filled_share: float = 1.0  # share of an order placed during the event that arrives, 0 to 1
    supplier_shut: bool = False  # orders wait until the event is over
    announced: int | None = None  # days of notice, >= 0; None: noticed on the first evening
    unnoticed: bool = False  # no signal at all
    size_told: bool = True  # the signal carries the demand multiplier
    length_told: bool = True  # the signal carries the last day
    false_alarm: bool = False  # a signal without any effect
    items: tuple[str, ...] = ()  # the items it acts on; empty: all
    name: str = ""  # label on screens; empty: the kind's scenario name
    source: str = ""  # who signals it; empty: the one source of its kind

    def __post_init__(self) -> None:
        for field, (least, most) in _RANGES.items():
            value = getattr(self, field)
            if value is not None and not least <= value <= most:
                raise ValueError(f"{field} must be {least} to {most}, got {value}")
        if not FIRST_YEAR <= self.start.year <= LAST_YEAR:
            raise ValueError(
                f"start must be in the years {FIRST_YEAR} to {LAST_YEAR}, got {self.start}"
            )
        if self.unnoticed and (self.announced is not None or self.false_alarm):
            raise ValueError("unnoticed excludes announced and false_alarm, which need a signal")
        if self.name == NORMAL_OPERATIONS or not self.name.isprintable():
            raise ValueError(f"name must be one line other than {NORMAL_OPERATIONS}: {self.name!r}")
        missing = ceil(self.pull_forward * _extra_days(self) - 1e-9)
        if missing > self.pull_forward_days:
            raise ValueError(
                f"pull_forward_days must be >= {missing}, got {self.pull_forward_days}: that many "
                "ordinary days hold the demand that was pulled forward"
            )

    @property
    def last_day(self) -> date:
        """The last day on which the event acts (before any pull-forward gap)."""
        return self.start + timedelta(days=self.days - 1)

    @property
    def known_from(self) -> date | None:
        """The evening from which the event is known; None if it never is."""
        if self.unnoticed:
            return None
        return self.start - timedelta(days=self.announced or 0)

    @property
    def label(self) -> str:
        """The name on screens and in results."""
        return self.name or SCENARIO_NAMES[self.kind]

    def concerns(self, start: date, days: int) -> bool:
        """Tell whether the event is felt, or known, on any of `days` days from `start`."""
        first = self.known_from or self.start
        left = self.days + self.pull_forward_days - (start - self.start).days
        return (first - start).days < days and left > 0


@dataclass(frozen=True, slots=True)
class MarketSignal:
    """What is known of an event on some evening."""

    event_id: str
    kind: EventKind
    label: str
    start: date
    last_day: date | None  # None: not told
    demand: float | None  # believed multiplier told by the source; None: not told
    lead_time_extra: int | None  # days; None: not told
    filled_share: float | None  # 0 to 1; None: not told
    supplier_shut: bool
    announced: bool  # known before its first evening
    shape: Shape
    price: float  # our own selling price, relative
    items: tuple[str, ...]  # the items it speaks of; empty: all
    source: str = ""  # who it comes from; empty: the one source of its kind


Affecting = TypeVar("Affecting", MarketEvent, MarketSignal)


def demand_profile(event: MarketEvent) -> FloatArray:
    """Demand multipliers from the event's first day on, (days + pull_forward_days,).

    >>> event = MarketEvent("e", EventKind.VIRAL, date(2024, 3, 15), 3, 3.0, Shape.PEAK)
    >>> demand_profile(event).tolist()
    [2.0, 3.0, 2.0]
    """
    multipliers = _multipliers(event)
    if event.pull_forward == 0:
        return multipliers
    gap = 1 - event.pull_forward * _extra_days(event) / event.pull_forward_days
    return np.concatenate([multipliers, np.full(event.pull_forward_days, gap)])


def _multipliers(event: MarketEvent) -> FloatArray:
    return 1 + (event.demand - 1) * _shape_share(event.shape, event.days)


def _extra_days(event: MarketEvent) -> float:
    """Return the demand that an event adds, in ordinary days' demand; 0 where it takes away."""
    if event.pull_forward == 0:
        return 0.0
    return max(0.0, float((_multipliers(event) - 1).sum()))


def _shape_share(shape: Shape, days: int) -> FloatArray:
    day = np.arange(days)
    match shape:
        case Shape.FLAT:
            return np.ones(days)
        case Shape.RAMP:
            return (day + 1) / days
        case Shape.PEAK:
            rising = np.minimum(day + 1, days - day)
            return np.asarray(rising / rising.max())
        case Shape.DECAY:
            return np.asarray(0.5 ** (3 * day / days))


def affecting(events: Iterable[Affecting], unique_id: str) -> tuple[Affecting, ...]:
    """Keep the events, or signals, that concern one item."""
    return tuple(event for event in events if not event.items or unique_id in event.items)


def signal_of(event: MarketEvent) -> MarketSignal:
    """Return what is known of an event from the evening on which it is known."""
    return MarketSignal(
        event_id=event.event_id,
        kind=event.kind,
        label=event.label,
        start=event.start,
        last_day=event.last_day if event.length_told else None,
        demand=event.demand if event.size_told else None,
        lead_time_extra=event.lead_time_extra if event.size_told else None,
        filled_share=event.filled_share if event.size_told else None,
        supplier_shut=event.supplier_shut,
        announced=bool(event.announced),
        shape=event.shape,
        price=event.price,
        items=event.items,
        source=event.source,
    )


def signals_known(events: Iterable[MarketEvent], today: date) -> tuple[MarketSignal, ...]:
    """List what is known on the evening of `today` of events that are running or still to come.

    An event whose length is not told stays in the list while it runs, and is gone on the evening of
    the first day without it.
    """
    return tuple(
        signal_of(event)
        for event in events
        if event.known_from is not None and event.known_from <= today <= event.last_day
    )
