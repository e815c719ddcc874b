"""Forecasts, intervals and sample paths of a batch of fits, in frames or arrays."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numba import njit
from scipy.special import ndtri

from core_modules.batch_prophet.dense_solves import FAST
from core_modules.batch_prophet.design import condition_names, design_rows
from core_modules.batch_prophet.fitted import BatchFit
from core_modules.batch_prophet.futures import Future, future_panel, look_ahead
from core_modules.batch_prophet.intervals import half_width, quantile_table
from core_modules.batch_prophet.panel import FloatArray, Panel
from core_modules.batch_prophet.problem import FLAT, LOGISTIC
from core_modules.batch_prophet.trend_ahead import Ahead, change_rate, write_paths

DRAWS = 1000  # paths behind a logistic interval, which has no closed form; as many as Prophet's


def predict_batch(
    fit: BatchFit, future: Future, *, intervals: bool = True, components: bool = False
) -> pd.DataFrame:
    """Return `unique_id, ds, yhat, trend` and the bounds of the settings' levels, a row each day.

    `future` is a number of days after the history's last, dates for all items, or a frame
    (`unique_id, ds` and the columns that the settings read). With `components` each of Prophet's
    components has its column. Logistic intervals are quantiles of paths drawn with seed 0.
    """
    asked = future_panel(fit, future)
    ahead, trend = look_ahead(fit, asked)
    counts = np.diff(asked.offsets)
    scale = np.repeat(ahead.scale, counts)
    # Prophet adds the floor to the trend before it multiplies, in prediction though not in fitting.
    level = trend * scale + ahead.floors
    yhat = level * (1.0 + ahead.multiplied) + ahead.added * scale
    codes = np.repeat(np.arange(asked.items), counts)
    columns: dict[str, object] = {
        "unique_id": asked.ids.take(codes),
        "ds": asked.dates[asked.rows],
        "yhat": yhat,
    }
    if intervals and fit.settings.levels:
        columns |= _bounds(fit, asked, ahead, trend, yhat)
    columns["trend"] = level
    if components:
        columns |= _components(fit, asked)
    return pd.DataFrame(columns)


def sample_paths(fit: BatchFit, future: Future, samples: int, seed: int) -> FloatArray:
    """Return paths (items, samples, days) drawn from Prophet's law, the same for the same seed.

    Raises ValueError where items are asked for different numbers of days; see `stream_paths`.
    """
    return np.stack(list(stream_paths(fit, future, samples, seed)))


def stream_paths(fit: BatchFit, future: Future, samples: int, seed: int) -> Iterator[FloatArray]:
    """Yield the paths (samples, days) of one item after the other, so that memory stays small.

    An item's paths depend on the seed and its place alone.
    """
    asked = future_panel(fit, future)
    ahead, trend = look_ahead(fit, asked)
    for item in range(asked.items):
        yield _paths_of(ahead, trend, item, samples, seed)


def _paths_of(ahead: Ahead, trend: FloatArray, item: int, samples: int, seed: int) -> FloatArray:
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(item,)))
    found = np.empty((samples, int(ahead.offsets[item + 1] - ahead.offsets[item])))
    write_paths(ahead, trend, item, rng, found)
    return found


def _bounds(
    fit: BatchFit, asked: Panel, ahead: Ahead, trend: FloatArray, yhat: FloatArray
) -> dict[str, FloatArray]:
    found: dict[str, FloatArray] = {}
    if ahead.kind == LOGISTIC:
        shares = [0.5 + sign * level / 200 for level in fit.settings.levels for sign in (-1, 1)]
        rows = [
            np.quantile(_paths_of(ahead, trend, item, DRAWS, 0), shares, axis=0)
            for item in range(asked.items)
        ]
        table = np.concatenate(rows, axis=1)
        for place, level in enumerate(fit.settings.levels):
            found[f"yhat_lower_{level}"] = table[2 * place]
            found[f"yhat_upper_{level}"] = table[2 * place + 1]
        return found
    for level in fit.settings.levels:
        width = np.empty(yhat.size)
        _write_widths(ahead, quantile_table(level), float(ndtri(0.5 + level / 200)), width)
        found[f"yhat_lower_{level}"] = yhat - width
        found[f"yhat_upper_{level}"] = yhat + width
    return found


@njit(cache=True, nogil=True, fastmath=FAST)
def _write_widths(ahead: Ahead, table: FloatArray, normal: float, found: FloatArray) -> None:
    """Write half the interval's width of every row, in the data's units."""
    for item in range(ahead.slope.size):
        count, size = change_rate(ahead, item)
        for row in range(ahead.offsets[item], ahead.offsets[item + 1]):
            ahead_by = max(ahead.times[row] - 1.0, 0.0)
            changes = 0.0 if ahead.kind == FLAT else count * ahead_by
            moved = size * ahead_by * abs(1.0 + ahead.multiplied[row])
            found[row] = ahead.scale[item] * half_width(
                table, normal, changes, moved, ahead.sigma[item]
            )


def _components(fit: BatchFit, asked: Panel) -> dict[str, FloatArray]:
    """Return Prophet's components: multiplicative ones as shares, additive ones in data units."""
    places = fit.ids.get_indexer(asked.ids)
    owner = np.repeat(places, np.diff(asked.offsets))
    found: dict[str, FloatArray] = {}
    for number, design in enumerate(fit.designs):
        rows = np.flatnonzero(fit.design[owner] == number)
        if not rows.size:
            continue
        features = design_rows(design, asked.dates)[asked.rows[rows]]
        for place, regressor in enumerate(fit.settings.regressors):
            values = asked.columns[regressor.name][rows] - fit.regressor_means[owner[rows], place]
            column = design.regressors[place]
            features[:, column] = values / fit.regressor_spreads[owner[rows], place]
        for column, switch in enumerate(design.conditions):
            if switch >= 0:
                name = condition_names(design)[switch]
                features[:, column] *= asked.columns[name][rows]
        terms = features * fit.beta[owner[rows]][:, design.order]
        scale = fit.y_scale[owner[rows]]
        for name, mask in design.model.train_component_cols.items():
            chosen = mask.to_numpy()[design.order] == 1
            value = terms[:, chosen].sum(axis=1)
            adds = name in design.model.component_modes["additive"]
            column_of = found.setdefault(str(name), np.zeros(owner.size))
            column_of[rows] = value * scale if adds else value
    return found
