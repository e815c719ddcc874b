"""An item's beliefs tonight: its newest forecast, and the evenings since, taken in one by one.

Nothing is kept between decisions: the same forecast, days and signals give the same beliefs, so a
restart, a late event or another process cannot make a difference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from core_modules.agent_evening import SeenEvening, take_in
from core_modules.inventory_agent import ItemState
from core_modules.item_terms import ItemTerms
from core_modules.learning.lesson_sharing import share_lessons
from core_modules.market_beliefs import EventBelief, MarketBeliefs
from core_modules.market_scenarios import MarketSignal, affecting
from streaming_production.deciding.signal_book import SignalBook


@dataclass(frozen=True, slots=True)
class SeenDay:
    """What the ledger shows of an item's day to somebody in the shop."""

    day: date
    sales: int  # units handed over
    ran_out: bool  # the shelf was empty, or nobody closed the day: demand may have been more


def every_day(seen: Mapping[date, SeenDay], after: date, last: date) -> list[SeenDay]:
    """Return the days after `after` up to `last`; one that nobody closed tells nothing.

    >>> every_day({}, date(2024, 1, 1), date(2024, 1, 2))
    [SeenDay(day=datetime.date(2024, 1, 2), sales=0, ran_out=True)]
    """
    days = [after + timedelta(days=number + 1) for number in range((last - after).days)]
    return [seen.get(day, SeenDay(day, 0, True)) for day in days]


def believe(
    state: ItemState, terms: ItemTerms, days: Sequence[SeenDay], book: SignalBook
) -> ItemState:
    """Take in the evenings after the state's own, which must follow each other without a gap."""
    for seen in days:
        state = _evening(state, terms, seen, book).state
    return state


@dataclass(frozen=True, slots=True)
class Lived:
    """An item's state after some days, and these days as later fits may learn from them."""

    state: ItemState
    demand: tuple[float, ...]  # units a day, what is to be expected where stock ran out
    tells: tuple[bool, ...]  # False: the day is missing in a fit


def live_together(
    states: Sequence[ItemState],
    terms: Sequence[ItemTerms],
    days: Sequence[Sequence[SeenDay]],
    book: SignalBook,
) -> list[Lived]:
    """Take in the same days for several items, which teach each other what events taught them."""
    now = list(states)
    seen: list[list[SeenEvening]] = [[] for _ in now]
    for number in range(max((len(one) for one in days), default=0)):
        for item, one in enumerate(terms):
            evening = _evening(now[item], one, days[item][number], book)
            seen[item].append(evening)
            now[item] = evening.state
        taught = share_lessons([state.beliefs for state in now])
        now = [replace(state, beliefs=one) for state, one in zip(now, taught, strict=True)]
    return [
        Lived(
            state=state,
            demand=tuple(evening.demand for evening in evenings),
            tells=tuple(evening.tells for evening in evenings),
        )
        for state, evenings in zip(now, seen, strict=True)
    ]


def _evening(state: ItemState, terms: ItemTerms, seen: SeenDay, book: SignalBook) -> SeenEvening:
    signals = affecting(book.on(seen.day), terms.unique_id)
    state = replace(state, beliefs=_without_edited(state.beliefs, signals))
    return take_in(state, terms, seen.day, seen.sales, seen.ran_out, signals)


def _without_edited(beliefs: MarketBeliefs, signals: Sequence[MarketSignal]) -> MarketBeliefs:
    """Forget what was believed of an event whose kind or size its source has corrected since.

    It is met again as a new one; had it merely gone, it would count as a false alarm.
    """
    told = {signal.event_id: (signal.kind, signal.demand) for signal in signals}

    def stands(event: EventBelief) -> bool:
        known = (event.signal.kind, event.signal.demand)
        return told.get(event.signal.event_id, known) == known

    kept = tuple(event for event in beliefs.events if stands(event))
    return beliefs if len(kept) == len(beliefs.events) else replace(beliefs, events=kept)
