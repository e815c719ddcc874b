"""Demand paths of real items, evening by evening, from the sales recorded up to each evening."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core_modules.demand_forecaster import draw_paths, fit_models, standard_uniforms
from core_modules.forecasting.forecast_values import DemandModel

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

LOOKAHEAD = 10  # periods that paths reach beyond the arrival of an order
REFIT_EVERY = 28  # days between two fits; between them each day's sales move the level
PATHS = 64  # a decision, a power of two
SEED = 20151222  # of the uniforms that all items and evenings share


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """The forecasts of some evenings in a row, column 0 of a path the day after."""

    paths: NDArray[np.int32]  # (evenings, items, paths, days) units
    mean: NDArray[np.float32]  # (evenings, items, days) units expected
    level_variance: NDArray[np.float32]  # (lead times, evenings, items) of the log level


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Days in a row of real demand, and how its evenings are forecast."""

    history: pd.DataFrame  # long sales frame of the items, from their first to the last day
    items: tuple[str, ...]
    start: pd.Timestamp  # first day
    demand: IntArray  # (items, days) recorded sales, taken to be the demand
    before: IntArray  # (items, days) of the days before, which a policy may learn from
    lead_times: tuple[int, ...]  # days

    @property
    def days(self) -> int:
        """Days of the stretch."""
        return int(self.demand.shape[1])


def forecast_blocks(stretch: Stretch, jobs: int, cache: Path | None) -> Iterator[Block]:
    """Yield the forecasts of all evenings, from the one before the first day, block by block.

    Models are fitted at the start of each block on all days before; the evenings between follow by
    each day's sales alone.
    """
    horizon = max(stretch.lead_times) + LOOKAHEAD
    uniforms = standard_uniforms(PATHS, horizon, SEED)
    for first in range(0, stretch.days, REFIT_EVERY):
        past = stretch.history[stretch.history["ds"] < stretch.start + pd.Timedelta(days=first)]
        models = fit_models(past, horizon=REFIT_EVERY + horizon, jobs=jobs, cache=cache)
        found = {model.unique_id: model for model in models}
        evenings = min(REFIT_EVERY, stretch.days - first)
        yield _block(
            [found[item] for item in stretch.items],
            stretch.demand[:, first : first + evenings],
            stretch.lead_times,
            uniforms,
        )


def _block(
    models: list[DemandModel],
    sales: IntArray,
    lead_times: tuple[int, ...],
    uniforms: FloatArray,
) -> Block:
    """Draw the paths of each evening, the models moving on by the day's sales in between."""
    items, evenings = sales.shape
    horizon = uniforms.shape[1] - 1
    block = Block(
        paths=np.empty((evenings, items, uniforms.shape[0], horizon), dtype=np.int32),
        mean=np.empty((evenings, items, horizon), dtype=np.float32),
        level_variance=np.empty((len(lead_times), evenings, items), dtype=np.float32),
    )
    for evening in range(evenings):
        block.paths[evening] = draw_paths(models, horizon, uniforms)
        block.mean[evening] = [model.expected[:horizon] for model in models]
        for place, lead_time in enumerate(lead_times):
            middle = (lead_time + LOOKAHEAD) // 2
            block.level_variance[place, evening] = [
                model.law.level_sds(middle + 1, model.level.doubt)[middle] ** 2 for model in models
            ]
        models = [
            model.observe(float(units))
            for model, units in zip(models, sales[:, evening], strict=True)
        ]
    return block
