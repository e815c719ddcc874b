"""Periods and calendar days: the agent counts periods as if each were a day, people see dates.

The agent's day k periods after the last complete one is `last + k days`. With daily periods both
are the same; with weekly ones events are laid over weeks on the way in, and dates are put back to
weeks on the way out.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import ceil

from core_modules.market_events import MarketEvent, Shape, demand_profile

_DATE = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")


@dataclass(frozen=True, slots=True)
class PeriodCalendar:
    """Where the periods of a plan lie."""

    last: date  # first day of the last complete period
    step: int  # days a period: 1 or 7

    def periods_after(self, day: date) -> int:
        """Return how many periods after the last complete one a day lies; 0 in it.

        >>> PeriodCalendar(date(2024, 4, 8), 7).periods_after(date(2024, 4, 16))
        1
        """
        return (day - self.last).days // self.step

    def agent_day(self, day: date) -> date:
        """Return the day by which the agent knows the period of a calendar day."""
        return self.last + timedelta(days=self.periods_after(day))

    def first_day(self, agent_day: date) -> date:
        """Return the first calendar day of the period that the agent knows by a day."""
        return self.last + (agent_day - self.last) * self.step

    def in_calendar(self, text: str) -> str:
        """Return a text with the agent's days replaced by the first days of their periods.

        >>> PeriodCalendar(date(2024, 4, 8), 7).in_calendar("on 2024-04-11")
        'on 2024-04-29'
        """
        if self.step == 1:
            return text
        return _DATE.sub(lambda found: str(self.first_day(date.fromisoformat(found[0]))), text)

    def agent_events(self, events: Iterable[MarketEvent]) -> tuple[MarketEvent, ...]:
        """Return events as the agent counts: each over whole periods, with its mean effect."""
        return tuple(events) if self.step == 1 else tuple(self._over_periods(one) for one in events)

    def _over_periods(self, event: MarketEvent) -> MarketEvent:
        first, last = self.periods_after(event.start), self.periods_after(event.last_day)
        periods = last - first + 1
        share = event.days / (periods * self.step)  # of the periods' days on which it acts
        effect = float(demand_profile(replace(event, pull_forward=0.0)).mean())
        known = event.known_from
        return replace(
            event,
            start=self.last + timedelta(days=first),
            days=periods,
            demand=1 + (effect - 1) * share,
            shape=Shape.FLAT,
            # What is missing after an event evens out over weeks, and no signal tells it.
            pull_forward=0.0,
            pull_forward_days=0,
            price=1 + (event.price - 1) * share,
            lead_time_extra=ceil(event.lead_time_extra / self.step),
            filled_share=1 - (1 - event.filled_share) * share,
            announced=None
            if event.announced is None or known is None
            else first - self.periods_after(known),
        )
