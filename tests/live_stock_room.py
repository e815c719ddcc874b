"""A small live shop for tests: a store, a core without worker, forecasts fitted by hand."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import date, timedelta

import numpy as np
import orjson
import pandas as pd

from core_modules.forecasting.forecast_values import DemandModel
from core_modules.forecasting.observation_law import ObservationLaw
from core_modules.item_terms import ItemTerms
from core_modules.market_events import MarketEvent
from streaming_production.agent_core import AgentCore
from streaming_production.deciding.core_settings import CoreSettings
from streaming_production.deciding.forecast_rounds import ForecastRounds
from streaming_production.events import Event, internal_event, parse_events
from streaming_production.storage.queries import DecisionQuery
from streaming_production.storage.rows import DecisionRow, History
from streaming_production.store import Store

EVE = date(2023, 12, 31)  # the last day of every history
HISTORY_DAYS = 60


def day(number: int) -> date:
    """Return the day so many days after the histories' last."""
    return EVE + timedelta(days=number)


def mean_fit(
    frame: pd.DataFrame, horizon: int, _events: Sequence[MarketEvent]
) -> list[DemandModel]:
    """Fit each item's mean: what the forecaster does, in a millisecond."""
    last = frame["ds"].max().date()
    return [
        DemandModel(
            str(name),
            "mean",
            last,
            np.full(horizon, float(rows["y"].mean())),
            ObservationLaw(1.2, 1.0),
        )
        for name, rows in frame.groupby("unique_id", sort=False)
    ]


def terms(name: str = "a", **changes: object) -> ItemTerms:
    """Return plain terms of an item."""
    return ItemTerms(name, **{"unit_price": 10.0, "unit_cost": 6.0, "holding_cost": 0.01} | changes)


class StockRoom:
    """Items with a steady past of 20 units a day, and what happens to them."""

    def __init__(self, store: Store, settings: CoreSettings | None = None) -> None:
        self.store = store
        self.core = AgentCore(store, settings or CoreSettings(start_worker=False))
        self.rounds = ForecastRounds(store, mean_fit, refit_every=7)

    def register(self, *items: ItemTerms, stock: int = 100, **data: object) -> None:
        """Put items into the catalogue."""
        past = np.full(HISTORY_DAYS, 20.0)
        first = EVE - timedelta(days=HISTORY_DAYS - 1)
        known = np.ones(HISTORY_DAYS, dtype=bool)
        self.store.put_histories([History(one.unique_id, first, past, known) for one in items])
        self.store.append(
            [
                internal_event(
                    "item.registered",
                    one.unique_id,
                    EVE,
                    {"terms": asdict(one), "opening_stock": stock, "opening_day": EVE} | data,
                )
                for one in items
            ]
        )

    def restarted(self) -> StockRoom:
        """Return the shop after a restart: nothing but the store is the same."""
        return StockRoom(self.store, self.core.settings)

    def decide(self) -> bool:
        """Decide what closed days ask for, in this thread; False if items wait."""
        return self.core._deciding.decide_closings(lambda: True)

    def sell(self, number: int, quantity: int, name: str = "a", hour: int = 12) -> None:
        """Record a sale."""
        self.core.accept([sale(number, quantity, name, hour)])

    def close(self, number: int, name: str | None = None) -> None:
        """Close a day."""
        self.core.accept([closing(number, name)])

    def play(self, number: int, quantity: int = 20) -> DecisionRow:
        """Play a day of item a: sales, close, decision."""
        if quantity:
            self.sell(number, quantity)
        self.close(number)
        self.decide()
        return self.decided(number)[0]

    def decided(self, number: int) -> list[DecisionRow]:
        """Return the decisions of a day."""
        query = DecisionQuery(first=day(number), last=day(number), size=10_000)
        return self.store.list_decisions(query).rows


def posted(kind: str, name: str | None, on: date, clock: str, key: str, data: object) -> Event:
    """Return an event as somebody outside would post it."""
    body = {
        "specversion": "1.0", "id": key, "source": "till", "type": kind, "subject": name,
        "time": f"{on}T{clock}Z", "data": data,
    }  # fmt: skip
    return parse_events(orjson.dumps(body), "application/json")[0]


def sale(number: int, quantity: int, name: str = "a", hour: int = 12) -> Event:
    """Return a sale."""
    key = f"sale-{name}-{number}-{hour}"
    data = {"quantity": quantity}
    return posted("sale.recorded", name, day(number), f"{hour:02d}:00:00", key, data)


def closing(number: int, name: str | None = None) -> Event:
    """Return a day's close."""
    key = f"close-{name}-{number}"
    return posted("day.closed", name, day(number), "23:00:00", key, {"day": str(day(number))})


def wait_for(holds: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait until something holds, at most so long."""
    ending = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > ending:
            raise TimeoutError("it did not come about in time")
        time.sleep(0.02)
