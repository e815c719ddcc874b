"""The forecast as a fan of days: demand's mean and quantiles with the known events applied."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from core_modules.belief_paths import known_effects
from core_modules.demand_view import MOST_EVENTS
from core_modules.forecasting.forecast_values import standard_uniforms
from core_modules.inventory_agent import ItemState

FAN_DAYS = 28
PATHS = 512
LEVELS = {"low95": 0.025, "low80": 0.1, "high80": 0.9, "high95": 0.975}


def forecast_fan(state: ItemState, today: date, seed: int) -> list[dict[str, Any]]:
    """Return the days after `today`, as many as the model reaches, at most `FAN_DAYS`."""
    days = min(FAN_DAYS, state.model.fitted.size)
    if days == 0:
        return []
    forecast = state.model.forecast(days, standard_uniforms(PATHS, FAN_DAYS, seed))
    chances = standard_uniforms(PATHS, 2 * MOST_EVENTS, seed + 1)
    nearest = sorted(state.beliefs.events, key=lambda event: event.signal.start)[:MOST_EVENTS]
    beliefs = replace(state.beliefs, events=tuple(nearest))
    multiplier = known_effects(beliefs, today, days, chances).multiplier
    demand = forecast.paths * multiplier
    mean = forecast.mean * multiplier.mean(axis=0)
    bands = {name: np.quantile(demand, level, axis=0) for name, level in LEVELS.items()}
    return [
        {"day": today + timedelta(days=number + 1), "mean": float(mean[number])}
        | {name: float(band[number]) for name, band in bands.items()}
        for number in range(days)
    ]
