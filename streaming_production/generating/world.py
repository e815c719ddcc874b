"""The market that the generator plays: true demand day by day, and what becomes of orders.

Nothing of it is known to the agent but what the events of each day tell.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from core_modules.demand_pattern import DemandPattern
from core_modules.inventory import filled_quantity
from core_modules.market_scenarios import (
    MarketEvent,
    ScenarioEffects,
    affecting,
    scenario_effects,
)
from core_modules.reference_demand import reference_demand
from core_modules.settings import streams
from core_modules.synthetic_generator import generate_demand
from streaming_production.generating.baskets import sales_of_day
from streaming_production.generating.cloud_events import CloudEvent, EventWriter, at_minute
from streaming_production.generating.market_signals import signals_of_day

IntArray = NDArray[np.int64]

COUNT_AT, RETURNS_AT = time(21, 30), 18 * 60  # the weekly count; minute of the first return
_RETURNED_SHARE = 0.003  # of the units asked for
_RESALEABLE_SHARE = 0.8  # of the returns
_SHRINKAGE_SHARE = 0.002  # of the week's units: broken, stolen, miscounted
_SUNDAY = 6


@dataclass(frozen=True, slots=True)
class ItemTruth:
    """One item of the agent's catalogue with the demand that the world has for it."""

    unique_id: str
    unit_price: float  # money a unit
    pattern: DemandPattern | None  # None: the demo's item and its reference year
    lead_time: int  # days, undisturbed


@dataclass(frozen=True, slots=True)
class ItemDelivery:
    """When an order reaches the shelf, and how much of it."""

    day: date
    quantity: int  # units, >= 0
    short: bool  # nothing more will come although less came than was confirmed


class World(Protocol):
    """What the generator asks of a market; `number` counts the run's days from 0."""

    start: date
    days: int

    def label(self, number: int) -> str:
        """Return the day's scenario."""
        ...

    def demand(self, number: int) -> int:
        """Return the units asked for on a day, all items together."""
        ...

    def facts(self, number: int, writer: EventWriter) -> list[CloudEvent]:
        """Return a day's events without deliveries and its close."""
        ...

    def delivery(self, order: Mapping[str, Any]) -> ItemDelivery:
        """Return what becomes of an order that the supplier has confirmed."""
        ...


class SyntheticWorld:
    """Demand drawn from tier 1's generator under a calendar of market events."""

    def __init__(
        self,
        items: Sequence[ItemTruth],
        events: Sequence[MarketEvent],
        start: date,
        days: int,
        seed: int,
    ) -> None:
        self.start, self.days = start, days
        self._items, self._events, self._seed = tuple(items), tuple(events), seed
        self._effects = [
            scenario_effects(affecting(events, one.unique_id), start, days) for one in items
        ]
        self._everywhere = scenario_effects(events, start, days)
        self._units = _true_demand(self._items, self._effects, start, days, seed)
        self._place = {one.unique_id: number for number, one in enumerate(items)}

    def label(self, number: int) -> str:
        """Return the scenario of a day, whichever items it concerns."""
        return self._everywhere.label[number]

    def demand(self, number: int) -> int:
        """Return the units asked for on a day."""
        return int(self._units[:, number].sum())

    def facts(self, number: int, writer: EventWriter) -> list[CloudEvent]:
        """Return the day's signals, sales, returns and what the weekly count finds missing."""
        # A stream for each day: a day's events do not depend on the days played before it.
        rng = np.random.default_rng([self._seed, writer.day.toordinal()])
        facts = list(signals_of_day(self._events, writer, self.start))
        for place, one in enumerate(self._items):
            units = int(self._units[place, number])
            price = float(self._effects[place].price_multiplier[number])
            paid = round(one.unit_price * price, 4) if price != 1 else None
            facts += sales_of_day(writer, one.unique_id, units, paid, rng)
            facts += _returns(writer, one.unique_id, units, rng)
        if writer.day.weekday() == _SUNDAY:
            facts += self._count(number, writer, rng)
        return facts

    def delivery(self, order: Mapping[str, Any]) -> ItemDelivery:
        """Return when an order comes: as promised, later or short under a disruption."""
        placed_day = date.fromisoformat(order["placed_day"])
        placed = (placed_day - self.start).days
        place = self._place.get(order["unique_id"])
        if place is None or not 0 <= placed < self.days:
            return as_promised(order)
        effects = self._effects[place]
        late = int(effects.lead_time_extra[placed] + effects.reopening[placed])
        takes = timedelta(days=self._items[place].lead_time + late)
        share = float(effects.filled_share[placed])
        return as_promised(order, placed_day + takes if late else None, share)

    def _count(
        self, number: int, writer: EventWriter, rng: np.random.Generator
    ) -> Iterator[CloudEvent]:
        week = self._units[:, max(number - 6, 0) : number + 1].sum(axis=1)
        missing = rng.binomial(week, _SHRINKAGE_SHARE)
        for place in np.flatnonzero(missing).tolist():
            data = {"quantity": -int(missing[place]), "reason": "weekly count"}
            item = self._items[place].unique_id
            yield writer.event("count", "stock.adjusted", COUNT_AT, data, item)


def as_promised(
    order: Mapping[str, Any], earliest: date | None = None, filled_share: float = 1.0
) -> ItemDelivery:
    """Return the delivery of what is still to come of an order, not before its due day.

    Whoever ordered may have known of a disruption, so the due day may hold its delay already.

    >>> order = {"quantity": 100, "confirmed_quantity": None, "received": 0, "due": "2024-01-04"}
    >>> as_promised(order, earliest=date(2024, 1, 8), filled_share=0.7)
    ItemDelivery(day=datetime.date(2024, 1, 8), quantity=70, short=True)
    """
    promised = int(order["confirmed_quantity"] or order["quantity"])
    comes = int(filled_quantity(np.array([promised]), np.array([filled_share]))[0])
    due = date.fromisoformat(order["due"])
    day = max(due, earliest or due)
    return ItemDelivery(day, max(comes - int(order["received"]), 0), comes < promised)


def _true_demand(
    items: Sequence[ItemTruth],
    effects: Sequence[ScenarioEffects],
    start: date,
    days: int,
    seed: int,
) -> IntArray:
    """Return units asked for, shape (items, days)."""
    units = np.zeros((len(items), days), dtype=np.int64)
    rng = streams(seed).demand
    patterned = [(row, one.pattern) for row, one in enumerate(items) if one.pattern is not None]
    for row in [row for row, one in enumerate(items) if one.pattern is None]:
        units[row] = reference_demand(effects[row], start, days, 1, rng)[0, 0]
    if patterned:
        rows = [row for row, _ in patterned]
        patterns = [pattern for _, pattern in patterned]
        laid = [effects[row] for row in rows]
        units[rows] = generate_demand(patterns, laid, start, days, 1, rng)[:, 0]
    return units


def _returns(
    writer: EventWriter, item: str, units: int, rng: np.random.Generator
) -> Iterator[CloudEvent]:
    back = int(rng.binomial(units, _RETURNED_SHARE))
    if back:
        data = {"quantity": back, "resaleable": bool(rng.random() < _RESALEABLE_SHARE)}
        at = at_minute(RETURNS_AT + rng.uniform(0, 60))
        yield writer.event("return", "return.recorded", at, data, item)
