"""A market: what the world will do in a run, and what can be known of it on each evening."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from core_modules.inventory import IntArray
from core_modules.item_terms import ItemTerms
from core_modules.market_scenarios import (
    MarketEvent,
    MarketSignal,
    ScenarioEffects,
    affecting,
    scenario_effects,
    signal_of,
)

FloatArray = NDArray[np.float64]
Evenings = list[tuple[MarketSignal, ...]]  # what is known, by day


@dataclass(frozen=True, slots=True)
class Market:
    """What the world will do; no policy sees it. Arrays are (items, replications, days)."""

    start: date
    demand: IntArray  # units a day, >= 0
    lead_times: IntArray  # days from order to shelf, by the day of the order, >= 1
    filled_share: FloatArray  # share of an order delivered, by the day of the order, 0 to 1
    price_multiplier: FloatArray  # on the unit price
    scenario: NDArray[np.str_]  # label of the day
    events: tuple[tuple[MarketEvent, ...], ...]  # by replication

    def __post_init__(self) -> None:
        if self.demand.ndim != 3 or 0 in self.demand.shape:
            raise ValueError(
                f"demand must be (items, replications, days), each >= 1, got {self.demand.shape}"
            )
        if self.demand.dtype != np.int64 or np.any(self.demand < 0):
            raise ValueError(
                f"demand must be whole units >= 0 (int64), got {self.demand.min()} "
                f"({self.demand.dtype})"
            )
        for name in ("lead_times", "filled_share", "price_multiplier", "scenario"):
            shape = getattr(self, name).shape
            if shape != self.demand.shape:
                raise ValueError(f"{name} must be as demand {self.demand.shape}, got {shape}")
        if np.any(self.lead_times < 1):
            raise ValueError(f"lead_times must be >= 1 day, got {self.lead_times.min()}")
        if not np.all((self.filled_share >= 0) & (self.filled_share <= 1)):
            raise ValueError("filled_share must be 0 to 1")
        if len(self.events) != self.demand.shape[1]:
            raise ValueError(
                f"events must be given for {self.demand.shape[1]} replications, "
                f"got {len(self.events)}"
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        """(items, replications, days)."""
        items, replications, days = self.demand.shape
        return items, replications, days


def build_market(
    start: date,
    demand: IntArray,
    terms: Sequence[ItemTerms],
    events: Sequence[Sequence[MarketEvent]],
) -> Market:
    """Join demand (items, replications, days) with what each replication's events do to supply.

    `demand` already carries the events' effect on demand.
    """
    days = demand.shape[-1]
    laid: dict[tuple[MarketEvent, ...], ScenarioEffects] = {}

    def effects(one: ItemTerms, calendar: Sequence[MarketEvent]) -> ScenarioEffects:
        mine = affecting(calendar, one.unique_id)
        if mine not in laid:
            laid[mine] = scenario_effects(mine, start, days)
        return laid[mine]

    grid = [(one, [effects(one, calendar) for calendar in events]) for one in terms]
    return Market(
        start=start,
        demand=demand,
        lead_times=np.array([[e.lead_times(one.lead_time) for e in row] for one, row in grid]),
        filled_share=np.array([[e.filled_share for e in row] for _, row in grid]),
        price_multiplier=np.array([[e.price_multiplier for e in row] for _, row in grid]),
        scenario=np.array([[e.label for e in row] for _, row in grid], dtype=np.str_),
        events=tuple(tuple(calendar) for calendar in events),
    )


class SignalBoard:
    """The signals known on each evening of a run, as `signals_known` lists them.

    Worked out when somebody asks, once for all replications with the same events.
    """

    def __init__(self, market: Market) -> None:
        self._market = market
        self._evenings: dict[tuple[MarketEvent, ...], Evenings] = {}
        self._of_path: dict[int, Evenings] = {}

    def on(self, day: int) -> Callable[[int], tuple[MarketSignal, ...]]:
        """Return the evening's signals, by replication."""
        return lambda path: self._known(path)[day]

    def _known(self, path: int) -> Evenings:
        if path not in self._of_path:
            events = self._market.events[path]
            if events not in self._evenings:
                self._evenings[events] = _evenings(self._market, events)
            self._of_path[path] = self._evenings[events]
        return self._of_path[path]


def _evenings(market: Market, events: Sequence[MarketEvent]) -> Evenings:
    start, days = market.start, market.shape[2]
    known: list[list[MarketSignal]] = [[] for _ in range(days)]
    for event in events:
        if event.known_from is None:
            continue
        signal = signal_of(event)
        first, last = (event.known_from - start).days, (event.last_day - start).days
        for day in range(max(first, 0), min(last, days - 1) + 1):
            known[day].append(signal)
    return [tuple(signals) for signals in known]
