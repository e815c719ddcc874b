"""Forecasts as a table: one row an item and day, with the intervals that planners read."""

from collections.abc import Sequence
from datetime import timedelta

import pandas as pd

from core_modules.forecasting.forecast_values import DemandModel, standard_uniforms

LEVELS = {"p05": 0.05, "p10": 0.1, "p50": 0.5, "p90": 0.9, "p95": 0.95}
PATHS = 1024


def forecast_table(models: Sequence[DemandModel], seed: int = 0) -> pd.DataFrame:
    """Lay out each model's horizon: `unique_id`, `ds`, `model`, `mean` and LEVELS, in units."""
    parts = []
    for model in models:
        days = model.fitted.size
        forecast = model.forecast(days, standard_uniforms(PATHS, days, seed))
        dates = [model.origin + timedelta(days=model.step * (day + 1)) for day in range(days)]
        part = pd.DataFrame({"unique_id": model.unique_id, "ds": dates, "model": model.model})
        part["mean"] = forecast.mean.round(3)
        for name, level in LEVELS.items():
            part[name] = forecast.quantile(level)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)
