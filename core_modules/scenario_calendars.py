"""The named calendars of market events; a user's own file is read by `read_events`."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from core_modules.market_scenarios import EventKind, MarketEvent, Shape
from core_modules.scenario_files import ScenarioFileError, read_events, years_around

__all__ = [
    "ARRIVAL_RATES",
    "CALENDARS",
    "ArrivalRate",
    "ScenarioFileError",
    "calendar_events",
    "read_events",
]

CALENDARS = ("none", "original", "stress", "random")


@dataclass(frozen=True, slots=True)
class ArrivalRate:
    """How one kind of event arrives in the calendar `random`."""

    kind: EventKind
    a_year: float  # mean number of events a year
    demand: float  # median multiplier on demand
    spread: float  # standard deviation of its logarithm
    mean_days: float  # mean length, >= 1
    announced: int | None = None  # days of notice
    told: bool = True  # size and length are told
    lead_time_extra: int = 0  # mean days added
    fills_short: bool = False  # a share of 0.6 in the mean is delivered, beta(6, 4)


# The demo's own calendar has each of its kinds once a year; the other kinds get the same rate.
ARRIVAL_RATES = (
    ArrivalRate(EventKind.VIRAL, 1, 3.5, 0.3, 4, told=False),
    ArrivalRate(EventKind.CELEBRITY_ENDORSEMENT, 1, 4.0, 0.3, 5, told=False),
    ArrivalRate(EventKind.COMPETITOR_STOCKOUT, 1, 2.2, 0.2, 11, told=False),
    ArrivalRate(EventKind.COMPETITOR_PRICE_CUT, 1, 0.7, 0.15, 14, told=False),
    ArrivalRate(EventKind.SUPPLY_DISRUPTION, 1, 0.8, 0.3, 14, lead_time_extra=4, fills_short=True),
    ArrivalRate(EventKind.ECONOMIC_DOWNTURN, 1, 0.6, 0.15, 20),
    ArrivalRate(EventKind.BLACK_FRIDAY, 1, 5.0, 0.2, 4, announced=60),
    ArrivalRate(EventKind.POST_HOLIDAY_CLEARANCE, 1, 0.4, 0.2, 14, announced=60),
    ArrivalRate(EventKind.PROMOTION, 1, 1.8, 0.2, 7, announced=21),
)
FALSE_ALARM_SHARE = 0.2  # of the events whose size is not told
UNNOTICED_SHARE = 0.2  # of the events whose size is not told


def calendar_events(
    name: str, start: date, days: int, rng: np.random.Generator
) -> tuple[MarketEvent, ...]:
    """Build a named calendar over `days` days from `start`.

    Only `random` draws from `rng`. Raises ValueError for a name that is not in `CALENDARS`.
    """
    match name:
        case "none":
            return ()
        case "original":
            return _original(start, days)
        case "stress":
            return _stress(start)
        case "random":
            return _random(start, days, rng)
    raise ValueError(f"there is no calendar {name!r}: use one of {', '.join(CALENDARS)}, or a file")


def _original(start: date, days: int) -> tuple[MarketEvent, ...]:
    """Return the superseded demo's events, those of every year that the run can notice."""
    untold: dict[str, Any] = {"size_told": False, "length_told": False}
    yearly: tuple[tuple[EventKind, tuple[int, int], int, float, dict[str, Any]], ...] = (
        (EventKind.POST_HOLIDAY_CLEARANCE, (1, 2), 14, 0.4, {"announced": 60}),
        (EventKind.VIRAL, (3, 15), 3, 3.5, untold),
        (EventKind.COMPETITOR_STOCKOUT, (5, 10), 11, 2.2, untold),
        (
            EventKind.SUPPLY_DISRUPTION,
            (7, 1),
            14,
            0.3,
            {"lead_time_extra": 4, "filled_share": 0.7},
        ),
        (EventKind.CELEBRITY_ENDORSEMENT, (9, 8), 5, 4.0, untold),
        (EventKind.ECONOMIC_DOWNTURN, (11, 1), 10, 0.6, {}),
        (EventKind.BLACK_FRIDAY, (11, 24), 4, 5.0, {"announced": 60}),
    )
    events = (
        MarketEvent(f"{kind}-{year}", kind, date(year, *first), length, demand=demand, **known)
        for year in years_around(start, days)
        for kind, first, length, demand, known in yearly
    )
    return tuple(event for event in events if event.concerns(start, days))


def _stress(start: date) -> tuple[MarketEvent, ...]:
    """Return every kind within 180 days: overlaps, a false alarm and a silent surge among them."""
    untold: dict[str, Any] = {"size_told": False, "length_told": False}
    plan: tuple[tuple[EventKind, int, int, float, dict[str, Any]], ...] = (
        (EventKind.POST_HOLIDAY_CLEARANCE, 1, 14, 0.5, {"announced": 60, "price": 0.8}),
        (EventKind.COMPETITOR_PRICE_CUT, 22, 12, 0.6, untold),
        (EventKind.VIRAL, 44, 6, 4.0, {**untold, "shape": Shape.DECAY}),
        (EventKind.SUPPLY_DISRUPTION, 45, 12, 1.0, {"lead_time_extra": 4, "filled_share": 0.6}),
        (
            EventKind.PROMOTION,
            70,
            7,
            1.8,
            {"announced": 21, "price": 0.85, "pull_forward": 0.3, "pull_forward_days": 7},
        ),
        (EventKind.CELEBRITY_ENDORSEMENT, 86, 5, 4.0, untold),
        (EventKind.VIRAL, 100, 4, 3.5, {**untold, "false_alarm": True}),
        (EventKind.COMPETITOR_STOCKOUT, 110, 11, 2.2, untold),
        (EventKind.ECONOMIC_DOWNTURN, 126, 20, 0.6, {}),
        (EventKind.VIRAL, 152, 4, 3.0, {"unnoticed": True}),
        (EventKind.SUPPLY_DISRUPTION, 162, 6, 1.0, {"supplier_shut": True}),
        (EventKind.BLACK_FRIDAY, 166, 4, 5.0, {"announced": 60, "price": 0.8}),
    )
    return tuple(
        MarketEvent(
            f"{kind}-{first}", kind, start + timedelta(days=first), length, demand=demand, **known
        )
        for kind, first, length, demand, known in plan
    )


def _random(start: date, days: int, rng: np.random.Generator) -> tuple[MarketEvent, ...]:
    """Draw Poisson arrivals by kind, lognormal sizes and negative binomial lengths."""
    events = []
    for rate in ARRIVAL_RATES:
        count = rng.poisson(rate.a_year * days / 365)
        beginnings = np.sort(rng.integers(0, days, size=count)).tolist()
        events += [_random_event(rate, start + timedelta(days=day), rng) for day in beginnings]
    numbered = sorted(events, key=lambda event: (event.start, event.kind))
    return tuple(
        replace(event, event_id=f"{event.kind}-{number}") for number, event in enumerate(numbered)
    )


def _random_event(rate: ArrivalRate, start: date, rng: np.random.Generator) -> MarketEvent:
    size, fate = rng.standard_normal(), rng.random()
    length = 1 + int(rng.negative_binomial(2, 2 / (1 + rate.mean_days)))
    delay, filled = int(rng.poisson(rate.lead_time_extra)), rng.beta(6, 4)
    false_alarm = not rate.told and fate < FALSE_ALARM_SHARE
    unnoticed = not rate.told and fate > 1 - UNNOTICED_SHARE
    return MarketEvent(
        event_id="",
        kind=rate.kind,
        start=start,
        days=length,
        demand=float(rate.demand * np.exp(rate.spread * size)),
        lead_time_extra=delay,
        filled_share=float(filled) if rate.fills_short else 1.0,
        announced=rate.announced,
        unnoticed=unnoticed,
        size_told=rate.told,
        length_told=rate.told,
        false_alarm=false_alarm,
    )
