"""Joins the forecaster to the agent: a function that fits the models of one replication's items."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from core_modules.agent_policy import Fit
from core_modules.forecasting.engines import Engine
from core_modules.forecasting.forecast_values import DemandModel
from core_modules.market_scenarios import MarketEvent


def fitter(
    *,
    engine: Engine = "prophet",
    jobs: int = 1,
    events: Sequence[MarketEvent] = (),
    closed: pd.DatetimeIndex | None = None,
    cache: Path | None = None,
) -> Fit:
    """Return a function that fits a long frame's items for a horizon.

    `events` are those before the run: their size is learned where it shows. `closed` are days on
    which nothing could be sold; by default they are found in the frame.
    """
    from core_modules.demand_forecaster import ForecastSettings, fit_models

    settings = ForecastSettings(engine=engine)

    def fit(frame: pd.DataFrame, horizon: int) -> Sequence[DemandModel]:
        return fit_models(
            frame,
            horizon=horizon,
            settings=settings,
            events=events,
            closed=closed,
            jobs=jobs,
            cache=cache,
        )

    return fit
