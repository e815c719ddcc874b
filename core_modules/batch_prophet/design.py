"""Prophet's own columns for a calendar: made by a Prophet object, once for all items it serves.

Which seasons Prophet turns on by itself depends on an item's span and spacing alone, so items are
sorted into the few classes that those rules tell apart, and Prophet prepares one of each.
"""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numba import njit
from numpy.typing import NDArray

from core_modules.batch_prophet.panel import Dates, FloatArray, IntArray, Panel
from core_modules.batch_prophet.settings import BatchSettings, prophet_model

DAY = 86_400_000_000  # microseconds
NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """The columns of one class of items, multiplicative ones first: the engine's order."""

    model: Any  # the Prophet object that made them, prepared on one item of the class
    names: tuple[str, ...]  # (columns,) Prophet's names, in the engine's order
    order: IntArray  # (columns,) each column's place in Prophet's order
    multiplied: int  # how many columns multiply the trend
    sigmas: FloatArray  # (columns,) prior scales, in the engine's order
    regressors: IntArray  # (regressors,) the column of each
    conditions: IntArray  # (columns,) which condition switches a column, -1 for none


def season_classes(panel: Panel) -> IntArray:
    """Return a number for each item; items of one number get the same seasons from Prophet."""
    spans, nearest = _spans(panel.dates.view(np.int64), panel.offsets, panel.rows)
    marks = [spans >= 730 * DAY, spans >= 14 * DAY, spans >= 2 * DAY]
    marks += [nearest >= 7 * DAY, nearest >= DAY]
    return np.array(sum(mark.astype(np.int64) << bit for bit, mark in enumerate(marks)))


@njit(cache=True, nogil=True)
def _spans(
    dates: IntArray, offsets: IntArray, rows: NDArray[np.int32]
) -> tuple[IntArray, IntArray]:
    """Return each item's span and the least step between two of its dates, in microseconds."""
    items = offsets.size - 1
    spans, nearest = np.zeros(items, np.int64), np.full(items, NEVER)
    for item in range(items):
        first, last = offsets[item], offsets[item + 1]
        if last > first:
            spans[item] = dates[rows[last - 1]] - dates[rows[first]]
        for i in range(first + 1, last):
            step = dates[rows[i]] - dates[rows[i - 1]]
            if 0 < step < nearest[item]:
                nearest[item] = step
    return spans, nearest


def make_design(settings: BatchSettings, panel: Panel, item: int) -> Design:
    """Return the columns that Prophet makes for an item and all others of its class."""
    part = panel.part(item, item + 1)
    frame = pd.DataFrame({"ds": panel.dates[panel.rows[part]], "y": panel.y[part]})
    for name, array in panel.columns.items():
        frame[name] = array[part]
    with prophet_silence():
        model = prophet_model(settings, uncertainty_samples=0)
        inputs = model.preprocess(frame)
    return design_of(settings, model, list(inputs.X.columns), np.asarray(inputs.sigmas))


def design_of(
    settings: BatchSettings, model: Any, columns: list[str], sigmas: FloatArray
) -> Design:
    """Return the design of a prepared Prophet object whose columns are named."""
    scaling = model.train_component_cols["multiplicative_terms"].to_numpy() == 1
    order = np.concatenate([np.flatnonzero(scaling), np.flatnonzero(~scaling)])
    names = tuple(columns[place] for place in order)
    listed = [props["condition_name"] for props in model.seasonalities.values()]
    known = list(dict.fromkeys(name for name in listed if name is not None))
    switch = {
        season: known.index(props["condition_name"])
        for season, props in model.seasonalities.items()
        if props["condition_name"] is not None
    }
    return Design(
        model=model,
        names=names,
        order=order.astype(np.int64),
        multiplied=int(scaling.sum()),
        sigmas=np.asarray(sigmas, dtype=float)[order],
        regressors=np.array([names.index(r.name) for r in settings.regressors], dtype=np.int64),
        conditions=np.array(
            [switch.get(name.split("_delim_")[0], -1) for name in names], dtype=np.int64
        ),
    )


def design_rows(design: Design, dates: Dates) -> FloatArray:
    """Return Prophet's columns on any dates, (dates, columns), regressors at zero."""
    frame = pd.DataFrame({"ds": dates})
    for name in design.model.extra_regressors:
        frame[name] = 0.0
    for name in condition_names(design):
        frame[name] = True
    with prophet_silence():
        features = design.model.make_all_seasonality_features(frame)[0]
    return np.ascontiguousarray(features[list(design.names)].to_numpy(dtype=float))


def condition_names(design: Design) -> list[str]:
    """Return the columns of the data that switch seasons, in the order of `conditions`."""
    listed = [props["condition_name"] for props in design.model.seasonalities.values()]
    return list(dict.fromkeys(name for name in listed if name is not None))


def data_columns(settings: BatchSettings) -> list[str]:
    """Return the columns that the settings read beside unique_id, ds and y."""
    found = [regressor.name for regressor in settings.regressors]
    found += [s.condition_name for s in settings.seasonalities if s.condition_name is not None]
    if settings.growth == "logistic":
        found.append("cap")
    return list(dict.fromkeys(found))


@contextmanager
def prophet_silence() -> Iterator[None]:
    """Keep the libraries' chatter, and Prophet's use of old pandas calls, off the screen."""
    loggers = [logging.getLogger(name) for name in ("cmdstanpy", "prophet", "prophet.forecaster")]
    before = [logger.disabled for logger in loggers]
    for logger in loggers:
        logger.disabled = True
    try:
        with warnings.catch_warnings():
            # Prophet 1.5 calls what pandas 3 announces to change; nothing of ours does.
            warnings.filterwarnings("ignore", category=pd.errors.Pandas4Warning)
            warnings.filterwarnings("ignore", "The inplace keyword", DeprecationWarning)
            yield
    finally:
        for logger, disabled in zip(loggers, before, strict=True):
            logger.disabled = disabled
