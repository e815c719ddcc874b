"""Rounds of the forecast worker: what is due is lived through, fitted and put into the store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

import pandas as pd

from core_modules.forecasting.forecast_values import DemandModel
from core_modules.inventory_agent import AgentSettings, opening_state
from core_modules.learning.supplier_record import SupplierRecord
from core_modules.market_events import MarketEvent
from streaming_production.deciding.item_beliefs import Lived, every_day, live_together
from streaming_production.deciding.known_forecasts import Forecast, ForecastShelf
from streaming_production.deciding.refits import (
    Refit,
    chunks,
    due_refits,
    may_be_moved,
    past_events,
    sales_frame,
)
from streaming_production.deciding.shop_log import ShopLog
from streaming_production.deciding.signal_book import SignalBook
from streaming_production.deciding.supplier_receipts import supplier_records
from streaming_production.events import utc_text
from streaming_production.storage.rows import ItemRecord
from streaming_production.store import Store

# Long frame, horizon in days, known events of the past -> one model an item.
Fit = Callable[[pd.DataFrame, int, Sequence[MarketEvent]], Sequence[DemandModel]]

# What a fit that goes wrong may raise; a wrong item must not stop the others.
FIT_ERRORS = (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class Round:
    """What one round did."""

    fitted: int  # items
    failed: dict[str, str] = field(default_factory=dict)  # reason by item, told until it is mended


class ForecastRounds:
    """Keeps every item's forecast fresh; one process at a time does so."""

    def __init__(self, store: Store, fit: Fit, refit_every: int) -> None:
        self._store, self._fit, self._refit_every = store, fit, refit_every
        self._shelf, self._log = ForecastShelf(store), ShopLog(store)
        self._given_up: dict[tuple[str, date], str] = {}  # reason by item and origin

    def run(self, proceed: Callable[[], bool] = lambda: True) -> Round:
        """Fit what is due, lot by lot, as long as `proceed` says so."""
        epoch, records = self._store.epoch, self._store.item_records()
        self._shelf.look()
        known = self._shelf.of(record.unique_id for record in records)
        forecasts = {name: one.forecast for name, one in known.items()}
        first_days = self._first_days(records, forecasts, epoch)
        pending = self._store.pending_closings()
        due = due_refits(records, forecasts, first_days, pending, epoch, self._refit_every)
        given_up = {one.unique_id: self._given_up.get((one.unique_id, one.origin)) for one in due}
        failed = {name: why for name, why in given_up.items() if why is not None}
        wanted = [one for one in due if one.unique_id not in failed]
        fitted = 0
        for lot in chunks(wanted, self._refit_every):
            if not proceed():
                break
            lost = self._fit_lot(lot, epoch)
            for one in lot:
                if one.unique_id in lost:
                    self._given_up[one.unique_id, one.origin] = lost[one.unique_id]
            fitted += len(lot) - len(lost)
            failed |= lost
        return Round(fitted, failed)

    def _first_days(
        self, records: Iterable[ItemRecord], forecasts: dict[str, Forecast], epoch: int
    ) -> dict[str, date]:
        """Return the epoch's first day of the items whose forecast does not settle it."""
        open_names = [
            record.unique_id
            for record in records
            if may_be_moved(record, forecasts.get(record.unique_id), epoch)
        ]
        days = self._store.days_of(open_names, date.min) if open_names else {}
        return {name: rows[0].day for name, rows in days.items() if rows}

    def _fit_lot(self, lot: Sequence[Refit], epoch: int) -> dict[str, str]:
        """Fit a lot together, or item by item where that fails; return the reasons of failures."""
        try:
            return self._fitted(lot, epoch)
        except FIT_ERRORS as error:
            if len(lot) == 1:
                return {lot[0].unique_id: f"{type(error).__name__}: {error}"}
        failed: dict[str, str] = {}
        for one in lot:
            failed |= self._fit_lot([one], epoch)
        return failed

    def _fitted(self, lot: Sequence[Refit], epoch: int) -> dict[str, str]:
        book = self._log.signal_book()
        histories = self._store.history([one.unique_id for one in lot])
        lost = {
            one.unique_id: "it has no history to learn from"
            for one in lot
            if one.unique_id not in histories
        }
        lot = [one for one in lot if one.unique_id not in lost]
        if not lot:
            return lost
        grown = self._grown(lot, epoch, book)
        frame = sales_frame(lot, histories, grown)
        horizon = max(one.horizon(self._refit_every) for one in lot)
        opening = lot[0].record.opening_day
        events = past_events(book, opening, lot[0].origin)
        models = {model.unique_id: model for model in self._fit(frame, horizon, events)}
        now = utc_text(datetime.now(UTC))
        # A refit that is a whole period late makes a forecast stale.
        fresh = timedelta(days=2 * self._refit_every)
        rows = [
            _with_model(grown.get(one.unique_id), models[one.unique_id], epoch).row(
                one.origin + fresh, now
            )
            for one in lot
        ]
        self._store.put_forecasts(rows)
        return lost

    def _grown(self, lot: Sequence[Refit], epoch: int, book: SignalBook) -> dict[str, Forecast]:
        """Bring the forecasts of a lot up to its day: beliefs, days lived, supplier."""
        grown: dict[str, Forecast] = {}
        by_origin: dict[date, list[tuple[Refit, Forecast]]] = {}
        for one in lot:
            if one.before is not None:
                by_origin.setdefault(one.before.origin, []).append((one, one.before))
        for origin, some in by_origin.items():
            names = [one.unique_id for one, _ in some]
            seen = self._log.seen_days(names, origin)
            terms = [one.record.terms for one, _ in some]
            lived = live_together(
                [before.state for _, before in some],
                terms,
                [every_day(seen[one.unique_id], origin, one.origin) for one, _ in some],
                book,
            )
            records = supplier_records(
                self._store,
                terms,
                [one.state.supplier for one in lived],
                origin,
                lot[0].origin,
                book,
            )
            for (one, before), life, record in zip(some, lived, records, strict=True):
                grown[one.unique_id] = _after(before, life, record, epoch)
        return grown


def _after(before: Forecast, life: Lived, supplier: SupplierRecord | None, epoch: int) -> Forecast:
    return Forecast(
        state=replace(life.state, supplier=supplier),
        epoch=epoch,
        opening=False,
        demand=(*before.demand, *life.demand),
        tells=(*before.tells, *life.tells),
    )


def _with_model(before: Forecast | None, model: DemandModel, epoch: int) -> Forecast:
    if before is None:
        # Priors of shocks are the same whatever an item's own settings are.
        return Forecast(opening_state(model, AgentSettings()), epoch, opening=True)
    return replace(before, state=replace(before.state, model=model))
