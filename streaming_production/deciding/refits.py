"""Which demand models are to be fitted again, and the history that each fit stands on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core_modules.market_events import MarketEvent
from streaming_production.deciding.decider import needed_days
from streaming_production.deciding.forecast_dating import LONGEST_GAP, days_to_move, epoch_opening
from streaming_production.deciding.known_forecasts import Forecast
from streaming_production.deciding.profile_items import DEMO_PROFILE
from streaming_production.deciding.signal_book import SignalBook
from streaming_production.storage.rows import Closing, History, ItemRecord

SPARE_DAYS = 28  # by which forecasts outlast a refit that comes late
YEAR_AHEAD = 366 + 120  # days; enough to begin on any day of the year without another fit
SEASONS = 365  # days of a past that show its seasons
CHUNK = 200  # items fitted at once, so that the first ones come early


@dataclass(frozen=True, slots=True)
class Refit:
    """One item that needs a model."""

    record: ItemRecord
    before: Forecast | None  # to go on from; None: fit the past before the epoch
    origin: date  # last day that the model shall know

    @property
    def unique_id(self) -> str:
        """The item's name."""
        return self.record.unique_id

    def horizon(self, refit_every: int) -> int:
        """Return the days that the model must reach ahead."""
        usual = needed_days(self.record.terms) + refit_every + SPARE_DAYS
        demo = self.before is None and self.record.profile == DEMO_PROFILE
        return max(usual, YEAR_AHEAD) if demo else usual


def stands(forecast: Forecast, epoch: int, opening: date) -> bool:
    """Tell whether a forecast belongs to the epoch that opened on an evening."""
    return forecast.origin == opening if forecast.opening else forecast.epoch == epoch


def may_be_moved(
    record: ItemRecord, forecast: Forecast | None, epoch: int, day: date | None = None
) -> bool:
    """Tell whether only the first day in the ledger can say where an item's epoch opened.

    `day` is the evening in question, by default the last that was closed.
    """
    if record.last_closed_day is None:
        return False
    last = day or record.last_closed_day
    if forecast is not None and not forecast.opening and forecast.epoch == epoch:
        return False
    return not 1 <= (last - record.opening_day).days <= LONGEST_GAP or (
        forecast is not None and forecast.opening and forecast.origin != record.opening_day
    )


def due_refits(
    records: Iterable[ItemRecord],
    forecasts: Mapping[str, Forecast],
    first_days: Mapping[str, date],
    pending: Sequence[Closing],
    epoch: int,
    refit_every: int,
) -> list[Refit]:
    """List what is due, items without any forecast first.

    `first_days` are the first days of the epoch in the ledger, by item; `pending` are the days
    that are closed and not decided yet: a model must not know more than their evenings.
    """
    opened, refitted = [], []
    for record in records:
        forecast, last = forecasts.get(record.unique_id), _latest_origin(record, pending)
        opening = epoch_opening(record.opening_day, first_days.get(record.unique_id))
        if forecast is None or not stands(forecast, epoch, opening):
            opened.append(Refit(record, None, opening))
        elif last is not None and (last - forecast.origin).days >= refit_every:
            refitted.append(Refit(record, forecast, last))
    return opened + refitted


def _latest_origin(record: ItemRecord, pending: Sequence[Closing]) -> date | None:
    """Return the last closed day that an item's next decision may know of."""
    if record.last_closed_day is None:
        return None
    decided = record.last_decided_day or date.min
    waiting = [
        one.day
        for one in pending
        if one.unique_id in (None, record.unique_id) and one.day > decided
    ]
    return min([record.last_closed_day, *waiting])


def chunks(refits: Sequence[Refit], refit_every: int) -> list[list[Refit]]:
    """Cut refits into lots that can be fitted together: to one day, one horizon, groups joined."""
    lots: dict[tuple[bool, date, int], list[Refit]] = {}
    for one in refits:
        far = one.horizon(refit_every) >= YEAR_AHEAD
        lots.setdefault((one.before is not None, one.origin, far), []).append(one)
    cut = []
    for lot in lots.values():
        lot.sort(key=lambda one: (one.record.terms.group, one.unique_id))
        cut += [lot[start : start + CHUNK] for start in range(0, len(lot), CHUNK)]
    return cut


def sales_frame(
    refits: Sequence[Refit], histories: Mapping[str, History], forecasts: Mapping[str, Forecast]
) -> pd.DataFrame:
    """Return the long frame that a lot is fitted to: each item's past and the days it has lived.

    Items without any past are left out.
    """
    return pd.concat(
        [
            _item_frame(one, histories[one.unique_id], forecasts.get(one.unique_id))
            for one in refits
            if one.unique_id in histories
        ],
        ignore_index=True,
    )


def _item_frame(refit: Refit, history: History, forecast: Forecast | None) -> pd.DataFrame:
    lived = 0 if forecast is None else len(forecast.demand)
    opening = refit.origin - timedelta(days=lived)
    first, sales, known = moved_history(history, opening)
    if forecast is not None and lived:
        sales = np.concatenate([sales, forecast.demand])
        known = np.concatenate([known, forecast.tells])
    return pd.DataFrame(
        {
            "unique_id": refit.unique_id,
            "ds": pd.date_range(first, periods=sales.size, unit="us"),
            "y": np.where(known, sales, np.nan),
            "in_stock": known,
            "group": refit.record.terms.group,
        }
    ).astype({"unique_id": "str", "group": "str"})


def moved_history(
    history: History, opening: date
) -> tuple[date, NDArray[np.float64], NDArray[np.bool_]]:
    """Return first day, sales and whether they tell of demand, moved so as to end on `opening`.

    A past moves by whole years if a year of it is left then, which shows its seasons. Any other
    moves by whole weeks, and the days that are missing then are not known: by years, a short one
    would be cut down to nothing.
    """
    last = history.first_day + timedelta(days=history.y.size - 1)
    gap = (opening - last).days
    moved = days_to_move(last, opening)
    if history.y.size + gap - moved < min(history.y.size, SEASONS):
        moved = 7 * (gap // 7)
    first = history.first_day + timedelta(days=moved)
    kept = (opening - first).days + 1
    sales = np.full(kept, np.nan)
    sales[: history.y.size] = history.y[:kept]
    known = ~np.isnan(sales)
    known[: history.y.size] &= history.in_stock[:kept]
    return first, sales, known


def past_events(book: SignalBook, opening: date, today: date) -> list[MarketEvent]:
    """Return the known events of the past before an epoch, whose size a fit can learn.

    Those of later days need not be told to a fit: the days that they hide are missing in it.
    """
    return [
        MarketEvent(
            event_id=told.signal_id,
            kind=told.kind,
            start=told.start,
            days=(told.last_day - told.start).days + 1,
            demand=1.0 if told.demand is None else told.demand,
            shape=told.shape,
            price=told.price,
            items=told.items,
            name=told.label,
        )
        for signal in book.known(today)
        if not signal.withdrawn
        and (told := signal.told).last_day is not None
        and told.start <= min(opening, told.last_day)
    ]
