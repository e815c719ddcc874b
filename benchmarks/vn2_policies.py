"""Who orders in the VN2 games: the challenge's benchmark policy, and quantiles of our paths."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.vn2_history import HIERARCHY, History
from core_modules.demand_forecaster import draw_paths, fit_models, standard_uniforms

FloatArray = NDArray[np.float64]

# Orders of an evening: the place of the next week, stock (items,) and what is due at the start of
# the next two weeks (items, 2) -> units (items,). An order arrives at the start of the third week.
Policy = Callable[[int, FloatArray, FloatArray], FloatArray]

LEAD_TIME = 3  # weeks from the end of the week of order to the start of the week of arrival
MEAN_WEEKS = 13  # of the benchmark's moving mean
COVERED_WEEKS = 4  # that the benchmark orders up to
PATHS = 256
SEED = 0


def benchmark_policy(history: History) -> Policy:
    """Return the challenge's benchmark: order up to the next four weeks' forecast.

    Weeks out of stock are missing. The global factor of a week of the year is its mean sale over
    all items and years, over the mean of these; the forecast is the mean of the last 13 weeks
    divided by their factors, times the factors ahead.
    """
    levels: dict[int, FloatArray] = {}

    def order(place: int, on_hand: FloatArray, due: FloatArray) -> FloatArray:
        if place not in levels:
            levels[place] = _order_up_to(history, place)
        return np.maximum(np.round(levels[place] - on_hand - due.sum(axis=1)), 0.0)

    return order


def _order_up_to(history: History, place: int) -> FloatArray:
    """Return the benchmark's forecast of the next four weeks, units, (items,)."""
    known = history.units[:, :place]
    ahead = history.weeks[0] + pd.to_timedelta(7 * np.arange(place + COVERED_WEEKS), unit="D")
    week = np.asarray(ahead.isocalendar().week)
    means = pd.Series(np.nanmean(known, axis=0)).groupby(week[:place]).mean()
    factor = (means / means.mean()).reindex(week).fillna(1.0).to_numpy()
    recent = pd.DataFrame(known[:, -MEAN_WEEKS:] / factor[place - MEAN_WEEKS : place])
    return np.asarray(recent.mean(axis=1).fillna(0.0) * factor[place:].sum())


def path_forecast(
    history: History, *, jobs: int = 1, cache: Path | None = None
) -> Callable[[int], FloatArray]:
    """Return a function that draws paths of the weeks from a place on, (items, paths, weeks).

    The models of all items are fitted anew each week.
    """
    uniforms = standard_uniforms(PATHS, LEAD_TIME, SEED)
    drawn: dict[int, FloatArray] = {}

    def forecast(place: int) -> FloatArray:
        if place not in drawn:
            models = fit_models(
                history.frame(place),
                horizon=LEAD_TIME,
                freq="W",
                groups=HIERARCHY,
                jobs=jobs,
                cache=cache,
            )
            drawn[place] = draw_paths(models, LEAD_TIME, uniforms).astype(np.float64)
        return drawn[place]

    return forecast


def quantile_order(
    paths: FloatArray, on_hand: FloatArray, due: FloatArray, ratio: float
) -> FloatArray:
    """Return the least order that serves the arrival week on a share `ratio` of the paths.

    Stock is carried along each path to the arrival, what is short on the way being lost.
    """
    stock = np.repeat(on_hand[:, None], paths.shape[1], axis=1)  # (items, paths)
    for week in range(LEAD_TIME - 1):
        stock = np.maximum(stock + due[:, week, None] - paths[:, :, week], 0.0)
    lacking = np.sort(paths[:, :, LEAD_TIME - 1] - stock, axis=1)
    return np.maximum(lacking[:, int(np.ceil(ratio * paths.shape[1])) - 1], 0.0)
