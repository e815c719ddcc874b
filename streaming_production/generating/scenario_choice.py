"""The market events of a run: the demo's own calendar, a named one of tier 1, or a user's file."""

from datetime import date, timedelta
from pathlib import Path

from core_modules.market_scenarios import EventKind, MarketEvent
from core_modules.scenario_calendars import CALENDARS, calendar_events, read_events
from core_modules.settings import streams

DEMO = "demo"
SCENARIOS = (DEMO, *CALENDARS)
# Kind, day of the run (from 1) and demand of the streaming demo's events, two days each.
_DEMO_EVENTS = (
    (EventKind.COMPETITOR_STOCKOUT, 3, 2.2),
    (EventKind.VIRAL, 8, 3.5),
    (EventKind.CELEBRITY_ENDORSEMENT, 15, 4.0),
)
_DEMO_LENGTH = 2  # days


def chosen_events(scenario: str, start: date, days: int, seed: int) -> tuple[MarketEvent, ...]:
    """Return the events that a run of `days` days from `start` can feel or know of.

    Raises ValueError for a scenario that is neither a name nor a TOML file.

    >>> [event.label for event in chosen_events("demo", date(2024, 1, 1), 10, seed=0)]
    ['Competitor_Stockout_Benefit', 'Viral_Social_Media_Boost']
    """
    if scenario == DEMO:
        events = _demo_events(start)
    elif scenario in CALENDARS:
        events = calendar_events(scenario, start, days, streams(seed).events)
    elif scenario.endswith(".toml"):
        events = read_events(Path(scenario), start, days)
    else:
        raise ValueError(
            f"there is no scenario {scenario!r}: use one of {', '.join(SCENARIOS)}, "
            "or name a file that ends in .toml"
        )
    return tuple(event for event in events if event.concerns(start, days))


def _demo_events(start: date) -> tuple[MarketEvent, ...]:
    return tuple(
        MarketEvent(
            f"{kind}-{day}",
            kind,
            start + timedelta(days=day - 1),
            _DEMO_LENGTH,
            demand=demand,
            size_told=False,
            length_told=False,
        )
        for kind, day, demand in _DEMO_EVENTS
    )
