"""Forecasts as the store keeps them: a fitted model, the beliefs at its origin, the days lived."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import orjson

from core_modules.explaining.kept_values import kept, rebuilt
from core_modules.inventory_agent import ItemState
from streaming_production.storage.rows import ForecastRow
from streaming_production.store import Store


@dataclass(frozen=True, slots=True)
class Forecast:
    """What an item's next evenings start from."""

    state: ItemState  # at the model's origin
    epoch: int  # in which it was fitted
    opening: bool  # fitted to the past before the epoch alone
    # Of the epoch's days up to the origin:
    demand: tuple[float, ...] = ()  # units a day, what is to be expected where stock ran out
    tells: tuple[bool, ...] = ()  # False: the day is missing in a fit

    @property
    def origin(self) -> date:
        """The last day it knows."""
        return self.state.model.origin

    def row(self, fresh_until: date, fitted_at: str) -> ForecastRow:
        """Return it as the store keeps it."""
        return ForecastRow(
            unique_id=self.state.model.unique_id,
            origin=self.origin,
            fresh_until=fresh_until,
            model=self.state.model.model,
            fitted_at=fitted_at,
            body=orjson.dumps(kept(self)).decode(),
        )


@dataclass(frozen=True, slots=True)
class KnownForecast:
    """A forecast with its place in the store."""

    forecast_id: int
    fitted_at: str
    forecast: Forecast


class ForecastShelf:
    """Reads the newest forecast of each item, and each of them once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._stamps: dict[str, tuple[date, int]] = {}
        self._known: dict[str, KnownForecast] = {}

    def look(self) -> bool:
        """See which forecasts are there now; True if others than at the last look."""
        before, self._stamps = self._stamps, self._store.forecast_stamps()
        return self._stamps != before

    def look_for(self, unique_ids: Sequence[str]) -> None:
        """See which forecasts some items have now."""
        self._stamps |= self._store.forecast_stamps(unique_ids)

    def of(self, unique_ids: Iterable[str]) -> dict[str, KnownForecast]:
        """Return the forecasts seen at the last look, by item; items without one are left out."""
        wanted = [name for name in unique_ids if name in self._stamps]
        new = [name for name in wanted if not self._is_known(name)]
        for name, row in self._store.newest_forecasts(new).items() if new else ():
            content = rebuilt(Forecast, orjson.loads(row.body))
            self._known[name] = KnownForecast(row.forecast_id, row.fitted_at, content)
        return {name: self._known[name] for name in wanted if name in self._known}

    def _is_known(self, name: str) -> bool:
        known = self._known.get(name)
        return known is not None and known.forecast_id >= self._stamps[name][1]
