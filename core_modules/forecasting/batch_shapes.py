"""Seasonal patterns by the batch engine: Prophet's model for many series in one process."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core_modules.batch_prophet.fitted import UNFIT, BatchFit
from core_modules.batch_prophet.fitting import fit_batch
from core_modules.batch_prophet.prediction import predict_batch
from core_modules.batch_prophet.settings import BatchSettings
from core_modules.forecasting.prophet_shape import (
    ShapeError,
    ShapeFit,
    ShapeTask,
    rows_of,
    seen_rows,
    shape_fit,
    shape_settings,
    without_events,
)

FloatArray = NDArray[np.float64]
Key = tuple[object, ...]


def fit_batch_shapes(tasks: Sequence[ShapeTask], threads: int = 1) -> list[ShapeFit | ShapeError]:
    """Fit every task, in order; a series that cannot be fitted gives its error, not a stop."""
    found: list[ShapeFit | ShapeError] = [ShapeError("not fitted")] * len(tasks)
    groups: defaultdict[Key, list[int]] = defaultdict(list)
    seen: dict[int, pd.DataFrame] = {}
    for place, task in enumerate(tasks):
        try:
            seen[place] = seen_rows(task, rows_of(task))
        except ShapeError as failure:
            found[place] = failure
        else:
            groups[_key(shape_settings(task, seen[place]))].append(place)
    for places in groups.values():
        mine = {place: (tasks[place], seen[place]) for place in places}
        for place, fit in _fit_group(mine, threads).items():
            found[place] = fit
    return found


def _key(settings: BatchSettings) -> Key:
    """Return what fits of one call must share."""
    return (
        settings.growth,
        settings.weekly_seasonality,
        settings.yearly_seasonality,
        settings.seasonality_prior_scale,
        settings.seasonalities,
        settings.regressors,
    )


def _fit_group(
    group: dict[int, tuple[ShapeTask, pd.DataFrame]], threads: int
) -> dict[int, ShapeFit | ShapeError]:
    settings = shape_settings(*next(iter(group.values())))
    history = pd.concat([rows.assign(unique_id=str(place)) for place, (_, rows) in group.items()])
    fit = fit_batch(history, settings, threads=threads)
    shown = pd.concat(
        [
            rows_of(task).iloc[task.values.size - task.keep :].assign(unique_id=str(place))
            for place, (task, _) in group.items()
        ]
    )
    plain = _forecasts(fit, without_events(shown))
    real = _forecasts(fit, shown)
    names = fit.ids.get_indexer(pd.Index([str(place) for place in group]))
    made: dict[int, ShapeFit | ShapeError] = {}
    for (place, (task, _)), row in zip(group.items(), names, strict=True):
        if fit.route[row] == UNFIT:
            made[place] = ShapeError("the batch engine has no fit of it")
            continue
        try:
            name = str(place)
            made[place] = shape_fit(task, plain[name], real[name], _sizes(fit, int(row), task))
        except ShapeError as failure:
            made[place] = failure
    return made


def _forecasts(fit: BatchFit, rows: pd.DataFrame) -> dict[str, FloatArray]:
    told = predict_batch(fit, rows, intervals=False)
    return {
        str(name): one["yhat"].to_numpy()
        for name, one in told.groupby("unique_id", sort=False, observed=True)
    }


def _sizes(fit: BatchFit, row: int, task: ShapeTask) -> list[float]:
    """Return what each event does at its peak, as a share of the trend."""
    design = fit.designs[int(fit.design[row])]
    beta = fit.beta[row][design.order]
    first = len(fit.settings.regressors) - len(task.event_names)
    return [float(beta[column]) for column in design.regressors[first:]]
