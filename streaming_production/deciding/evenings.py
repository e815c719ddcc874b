"""What decisions follow from, read from the store: forecast, evenings since, stock, open orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from core_modules.inventory_agent import ItemState
from streaming_production.deciding.core_settings import CoreSettings
from streaming_production.deciding.decider import (
    Arrival,
    agent_settings,
    inputs_of,
    needed_days,
)
from streaming_production.deciding.decision_inputs import DecisionInputs
from streaming_production.deciding.forecast_dating import epoch_opening, redated_model
from streaming_production.deciding.item_beliefs import believe, every_day
from streaming_production.deciding.known_forecasts import Forecast, ForecastShelf, KnownForecast
from streaming_production.deciding.refits import SPARE_DAYS, may_be_moved, stands
from streaming_production.deciding.shop_log import ShopLog, seen
from streaming_production.deciding.signal_book import SignalBook
from streaming_production.events import utc_text
from streaming_production.storage.rows import ItemDay, ItemRecord, OrderRow
from streaming_production.store import Store


@dataclass(frozen=True, slots=True)
class Tonight:
    """An item on some evening, ready to be decided."""

    record: ItemRecord
    inputs: DecisionInputs
    forecast_id: int
    origin: date  # last day that the forecast was fitted to
    fitted_at: str


@dataclass(frozen=True, slots=True)
class Gathered:
    """What could be gathered of some items, by item."""

    ready: Mapping[str, Tonight]
    overtaken: frozenset[str]  # their forecasts know of later days already

    def waits(self, unique_id: str) -> bool:
        """Tell whether an item has to wait for a forecast."""
        return unique_id not in self.ready and unique_id not in self.overtaken


class Evenings:
    """Reads evenings; used by one thread at a time."""

    def __init__(self, store: Store, settings: CoreSettings) -> None:
        self._store, self._settings = store, settings
        self._shelf, self._log = ForecastShelf(store), ShopLog(store)

    def look(self) -> bool:
        """See which forecasts are there now; True if others than at the last look."""
        return self._shelf.look()

    def look_for(self, unique_ids: Sequence[str]) -> None:
        """See which forecasts some items have now."""
        self._shelf.look_for(unique_ids)

    def gather(
        self, records: Sequence[ItemRecord], day: date, *, current_stock: bool = False
    ) -> Gathered:
        """Return what is needed to decide for items on the evening of a day.

        Stock is that at the end of the day, or that of this moment with `current_stock`.
        """
        names = [record.unique_id for record in records]
        forecasts = self._standing(records, day)
        ripe = {name: one for name, one in forecasts.items() if one.forecast.origin <= day}
        origins = [one.forecast.origin for one in ripe.values()]
        # The day itself is read too where the forecast knows it: its closing stock is wanted.
        first = min([*origins, day - timedelta(days=1)])
        days = self._store.days_of(list(ripe), first)
        orders = self._store.open_orders(list(ripe))
        book = self._log.signal_book()
        ready: dict[str, Tonight] = {}
        for record in records:
            name = record.unique_id
            if name not in ripe:
                continue
            rows = days.get(name, [])
            state = _state(record, ripe[name].forecast, rows, day, book)
            if state is None:
                continue
            on_hand = record.on_hand if current_stock else _closing_stock(record, rows, day)
            ready[name] = self._tonight(
                record, state, day, on_hand, orders.get(name, []), ripe[name]
            )
        overtaken = frozenset(forecasts) - frozenset(ripe)
        return Gathered(ready, overtaken & frozenset(names))

    def _standing(self, records: Sequence[ItemRecord], day: date) -> dict[str, KnownForecast]:
        """Return the forecasts of this epoch, moved to its calendar where they can be."""
        epoch = self._store.epoch
        known = self._shelf.of(record.unique_id for record in records)
        moving = [
            record.unique_id
            for record in records
            if record.unique_id in known
            and may_be_moved(record, known[record.unique_id].forecast, epoch, day)
        ]
        first_days = self._store.days_of(moving, date.min) if moving else {}
        opening = {
            record.unique_id: epoch_opening(
                record.opening_day,
                rows[0].day if (rows := first_days.get(record.unique_id)) else None,
            )
            for record in records
        }
        standing, moved = {}, []
        for record in records:
            name = record.unique_id
            if name not in known:
                continue
            if stands(known[name].forecast, epoch, opening[name]):
                standing[name] = known[name]
            elif there := self._moved(record, known[name].forecast, opening[name], epoch):
                moved.append((name, there))
        if moved:
            standing |= self._put(moved)
        return standing

    def _moved(
        self, record: ItemRecord, forecast: Forecast, opening: date, epoch: int
    ) -> Forecast | None:
        days = needed_days(record.terms) + self._settings.refit_every + SPARE_DAYS
        if not forecast.opening:
            return None
        model = redated_model(forecast.state.model, opening, days)
        if model is None:
            return None
        return replace(forecast, state=replace(forecast.state, model=model), epoch=epoch)

    def _put(self, moved: Sequence[tuple[str, Forecast]]) -> dict[str, KnownForecast]:
        now = utc_text(datetime.now(UTC))
        fresh = timedelta(days=2 * self._settings.refit_every)
        self._store.put_forecasts([one.row(one.origin + fresh, now) for _, one in moved])
        names = [name for name, _ in moved]
        self._shelf.look_for(names)
        return self._shelf.of(names)

    def _tonight(
        self,
        record: ItemRecord,
        state: ItemState,
        day: date,
        on_hand: int,
        orders: Sequence[OrderRow],
        known: KnownForecast,
    ) -> Tonight:
        arrivals = [Arrival(one.due, one.expected) for one in orders if one.placed_day <= day]
        settings = agent_settings(self._settings, record.settings)
        inputs = inputs_of(state, record.terms, day, on_hand, arrivals, settings)
        return Tonight(record, inputs, known.forecast_id, known.forecast.origin, known.fitted_at)


def _state(
    record: ItemRecord, forecast: Forecast, rows: Sequence[ItemDay], day: date, book: SignalBook
) -> ItemState | None:
    """Return the beliefs of an evening; None where the forecast does not reach it."""
    model = forecast.state.model
    ahead = (day - model.origin).days + needed_days(record.terms)
    if ahead > model.fitted.size:
        return None
    closed = {row.day: seen(row) for row in rows if row.closed}
    return believe(forecast.state, record.terms, every_day(closed, model.origin, day), book)


def _closing_stock(record: ItemRecord, rows: Sequence[ItemDay], day: date) -> int:
    """Return the units on the shelf at the end of a day."""
    before = [row for row in rows if row.day <= day]
    if before:
        return max(before, key=lambda row: row.day).closing
    return record.on_hand
