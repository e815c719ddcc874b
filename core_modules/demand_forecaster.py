"""Demand forecasts: Prophet's pattern, a level that follows recent days, calibrated paths.

For each item, in order: with weekly data a seasonal index pooled up its groups, the pattern of its
group (one Prophet fit of what the index leaves of the total), with daily data the departures from
it of finer groups and of items that sell enough to show one (further fits), the level of recent
days, and the observation law calibrated on errors of the past. Items without enough history get a
simpler model, which names itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from core_modules.forecasting.engines import Engine
from core_modules.forecasting.fit_window import Fitting
from core_modules.forecasting.forecast_series import Groups, read_batch
from core_modules.forecasting.forecast_values import DemandForecast, DemandModel, standard_uniforms
from core_modules.forecasting.law_calibration import fit_day_laws
from core_modules.forecasting.level_choice import LevelSettings, follow_levels
from core_modules.forecasting.level_following import UNMOVED
from core_modules.forecasting.observation_law import ObservationLaw
from core_modules.forecasting.path_drawing import draw_paths
from core_modules.forecasting.path_spread import add_level_errors
from core_modules.forecasting.pattern_fitting import fit_patterns
from core_modules.forecasting.prophet_batch import Progress
from core_modules.forecasting.prophet_shape import ShapeSettings
from core_modules.history_files.closed_days import closed_days
from core_modules.market_scenarios import MarketEvent

__all__ = [
    "DemandForecast",
    "DemandModel",
    "ForecastSettings",
    "ObservationLaw",
    "draw_paths",
    "fit_models",
    "standard_uniforms",
]

STEP_DAYS = {"D": 1, "W": 7}
CERTAIN = ("zero", "constant")  # models that are sure of what comes
AT_REST = (*CERTAIN, "intermittent")  # models whose level recent days do not move
SURE = ObservationLaw(scale=0.0, power=1.0)


@dataclass(frozen=True, slots=True)
class ForecastSettings:
    """How demand is forecast: the same for all items, chosen by rolling backtests."""

    country: str | None = None  # ISO 3166 code whose public holidays matter; None: none
    engine: Engine = "prophet"  # what fits the pattern: Prophet itself, or its model in one process
    shape: ShapeSettings = field(default_factory=ShapeSettings)
    daily_level: LevelSettings = field(default_factory=LevelSettings)
    weekly_level: LevelSettings = LevelSettings(
        slow=0.06, fast=0.25, prior_days=6.0, lead_times=(3,)
    )

    def level(self, freq: str) -> LevelSettings:
        """Return how the level follows periods of `freq`."""
        return self.daily_level if freq == "D" else self.weekly_level

    def lead_times(self, freq: str) -> tuple[int, ...]:
        """Return the lead times, in periods, that paths are calibrated on."""
        return (3, 7, 14) if freq == "D" else (1, 3, 6)


def fit_models(
    frame: pd.DataFrame,
    *,
    horizon: int,
    settings: ForecastSettings | None = None,
    freq: str = "D",
    events: Sequence[MarketEvent] = (),
    groups: Groups = None,
    holidays: pd.DataFrame | None = None,
    closed: pd.DatetimeIndex | None = None,
    jobs: int = 1,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> list[DemandModel]:
    """Fit a demand model to every item of a long sales frame, in order of first appearance.

    `frame` has `unique_id`, `ds`, `y` (units a period); optional are `in_stock` (days out of stock
    are missing), `promo` (what promotions do is learned and taken out) and `event_multiplier` (the
    known effect of an event on the day, by which `y` is divided; NaN: the day is missing). Every
    item ends on the frame's last day. `horizon` is in periods of `freq`.
    `events` are known events: the size of those seen for two days or more is learned, the days of
    the others are missing, and the forecast is free of all. `groups` names the items that share a
    pattern: a mapping from item to group, or a column of `frame`; by default all do. Several
    columns, from coarse to fine, are groups inside that of all items: each shows what sets it apart
    as far as it sells enough to tell. `holidays` (columns `ds`, `name`) adds named days, past and
    to come. `closed` are days on which nothing could be sold; by default they are found in the
    frame. Prophet fits run over `jobs` processes and are kept in the folder `cache`.

    Raises ValueError for a frame that is no sales frame. A series that cannot be fitted gets a
    simpler model instead, named in `DemandModel.model`.
    """
    settings = settings or ForecastSettings()
    if freq not in STEP_DAYS:
        raise ValueError(f"freq must be D or W, got {freq!r}")
    if horizon < 1:
        raise ValueError(f"horizon must be >= 1 period, got {horizon}")
    shut = closed_days(frame, freq) if closed is None else closed
    batch = read_batch(frame, groups, shut, STEP_DAYS[freq])
    patterns = fit_patterns(
        batch,
        Fitting(
            horizon=horizon,
            shape=settings.shape,
            events=tuple(events),
            country=settings.country,
            engine=settings.engine,
            holidays=holidays,
            jobs=jobs,
            cache=cache,
            progress=progress,
        ),
    )
    followed = follow_levels(
        [(one.actual, one.fitted, one.idle) for one in patterns], settings.level(freq), jobs
    )
    resting = [one.model in AT_REST for one in patterns]
    pasts = [
        one.past.at_rest() if still else one.past
        for one, still in zip(followed, resting, strict=True)
    ]
    laws = add_level_errors(pasts, fit_day_laws(pasts, jobs), settings.lead_times(freq), jobs)
    origin: date = batch.dates(0)[-1].astype(object)
    models = []
    for one, told, law, still in zip(patterns, followed, laws, resting, strict=True):
        models.append(
            DemandModel(
                unique_id=one.unique_id,
                model=one.model,
                origin=origin,
                fitted=one.ahead,
                law=SURE if one.model in CERTAIN else law,
                level=UNMOVED if still else told.level,
                awake=None if still else told.awake,
                idle=one.idle,
                run=one.run,
                ceiling=one.ceiling if np.isfinite(one.ceiling) else None,
                step=STEP_DAYS[freq],
                event_effects=one.event_effects,
            )
        )
    return models
