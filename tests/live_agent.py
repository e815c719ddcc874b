"""A whole agent for tests: real store, real core, real app; a forecaster that needs no fitting."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from flask import Flask
from flask.testing import FlaskClient

from core_modules.forecasting.forecast_values import DemandModel
from core_modules.forecasting.observation_law import ObservationLaw
from core_modules.market_events import MarketEvent
from streaming_production.agent_core import AgentCore
from streaming_production.deciding.core_settings import CoreSettings
from streaming_production.deciding.forecast_rounds import ForecastRounds
from streaming_production.service_settings import AgentServiceSettings
from streaming_production.services.agent_service import create_app
from streaming_production.store import Store

DEMO = "Electronics_DEMO_ITEM"
EVENTS = "/api/events"


@dataclass
class Agent:
    """A core with its app and a client that asks as a browser on this machine would."""

    core: AgentCore
    store: Store
    app: Flask
    client: FlaskClient

    def send(self, *events: dict[str, Any]) -> Any:
        """Post events as one batch and return what was answered."""
        answer = self.client.post(EVENTS, json=list(events))
        assert answer.status_code == 200, answer.get_data()
        return answer.get_json()


def event(number: object, kind: str, subject: str | None = DEMO, /, **data: Any) -> dict[str, Any]:
    """Return an event of 2024-01-01, unless `at` says otherwise."""
    at = data.pop("at", "2024-01-01T12:00:00+00:00")
    made = {
        "specversion": "1.0",
        "id": f"test-{number}",
        "source": "tests",
        "type": kind,
        "time": at,
        "data": data,
    }
    return made if subject is None else {**made, "subject": subject}


def sale(number: object, quantity: int = 1, **more: Any) -> dict[str, Any]:
    """Return a sale of the demo's item."""
    return event(number, "sale.recorded", quantity=quantity, **more)


def closing(number: object, day: str) -> dict[str, Any]:
    """Return the end of a day for all items."""
    return event(number, "day.closed", None, day=day, at=f"{day}T23:00:00+00:00")


def fit_flat(store: Store) -> None:
    """Give every item that wants one a forecast: its mean, always."""
    ForecastRounds(store, _flat, 7).run(lambda: True)


def _flat(
    frame: pd.DataFrame, horizon: int, events: Sequence[MarketEvent]
) -> Sequence[DemandModel]:
    return [
        DemandModel(
            unique_id=str(name),
            model="flat-level",
            origin=sales["ds"].max().date(),
            fitted=np.full(horizon, sales["y"].mean()),
            law=ObservationLaw(scale=0.09, power=2.0),
        )
        for name, sales in frame.groupby("unique_id", sort=True)
    ]


@contextlib.contextmanager
def agent_of(
    url: Path | str, *, profile: str = "demo", items: int = 1, start: bool = True, **settings: Any
) -> Iterator[Agent]:
    """Make an agent with a filled catalogue and forecasts, and stop it after the block."""
    store = Store.open(str(url))
    core = AgentCore(store, CoreSettings(start_worker=False))
    try:
        core.register_profile(profile, items, 0)
        fit_flat(store)
        app = create_app(core, AgentServiceSettings(store=str(url), **settings))
        if start:
            core.start()
        client = app.test_client()
        client.environ_base["HTTP_HOST"] = "localhost"
        yield Agent(core, store, app, client)
    finally:
        core.stop()
        store.close()
