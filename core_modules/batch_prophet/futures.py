"""The rows that a forecast is asked for: days ahead, dates, or a frame with the known columns."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from core_modules.batch_prophet.assembly import KINDS
from core_modules.batch_prophet.design import condition_names, data_columns, design_rows
from core_modules.batch_prophet.fitted import BatchFit
from core_modules.batch_prophet.panel import FloatArray, Panel, panel_of_frame
from core_modules.batch_prophet.trend_ahead import Ahead, write_terms, write_trend

Future = int | pd.DataFrame | pd.DatetimeIndex | Sequence[object]


def future_of(future: Future, ids: Iterable[object]) -> Future:
    """Return what is asked about some items alone: the rows of a frame that name them."""
    if isinstance(future, pd.DataFrame):
        return future[future["unique_id"].isin(ids)]
    return future


def future_panel(fit: BatchFit, future: Future) -> Panel:
    """Return the rows asked for; a number means so many days after the history's last, for all.

    Raises ValueError where the settings need columns that only a frame can hold, or where a frame
    names an item that was not fitted.
    """
    if isinstance(future, pd.DataFrame):
        names = data_columns(fit.settings)
        names += [name for name in ("floor",) if name in fit.panel.columns]
        asked = panel_of_frame(future, names, values=False)
        places = fit.ids.get_indexer(asked.ids)
        if (places < 0).any():
            raise ValueError(f"unique_id {asked.ids[places < 0][0]!r} was not fitted")
        return asked
    needed = data_columns(fit.settings)
    if needed:
        raise ValueError(f"the future must be a frame with the columns {needed}")
    if isinstance(future, int):
        if future < 1:
            raise ValueError(f"days ahead must be >= 1, got {future}")
        dates = fit.panel.dates[-1] + np.arange(1, future + 1) * np.timedelta64(1, "D")
    else:
        dates = pd.DatetimeIndex(pd.to_datetime(np.asarray(future))).to_numpy()
    dates = np.unique(dates.astype("datetime64[us]"))
    items = len(fit.ids)
    return Panel(
        fit.ids,
        dates,
        np.arange(items + 1, dtype=np.int64) * dates.size,
        np.tile(np.arange(dates.size, dtype=np.int32), items),
        np.empty(0),
        {},
    )


def look_ahead(fit: BatchFit, asked: Panel) -> tuple[Ahead, FloatArray]:
    """Return scaled parameters, times and seasonal terms of the rows asked for, and their trend."""
    places = fit.ids.get_indexer(asked.ids)
    owner = np.repeat(places, np.diff(asked.offsets))
    times = asked.dates.view(np.int64)[asked.rows]
    total = owner.size
    logistic = fit.settings.growth == "logistic"
    floors = asked.columns.get("floor", np.zeros(total))
    multiplied, added = np.full(total, np.nan), np.full(total, np.nan)
    regressors = [asked.columns[regressor.name] for regressor in fit.settings.regressors]
    table = np.column_stack(regressors) if regressors else np.empty((total, 0))
    table = (table - fit.regressor_means[owner]) / fit.regressor_spreads[owner]
    for number, design in enumerate(fit.designs):
        members = np.flatnonzero(fit.design[places] == number)
        switches = [asked.columns[name] for name in condition_names(design)]
        beta = np.zeros((asked.items, design.order.size))
        beta[members] = fit.beta[places[members]][:, design.order]
        write_terms(
            design_rows(design, asked.dates),
            design.multiplied,
            members,
            asked.offsets,
            asked.rows,
            beta,
            design.regressors,
            table,
            design.conditions,
            np.column_stack(switches) if switches else np.empty((total, 0)),
            multiplied,
            added,
        )
    ahead = Ahead(
        kind=KINDS[fit.settings.growth],
        slope=fit.k[places],
        offset=fit.m[places],
        change=fit.delta[places],
        places=fit.changepoints_t[places],
        sigma=fit.sigma_obs[places],
        scale=fit.y_scale[places],
        offsets=asked.offsets,
        times=(times - fit.start[owner]) / np.maximum(fit.t_scale[owner], 1),
        caps=(asked.columns["cap"] - floors) / fit.y_scale[owner] if logistic else np.empty(0),
        floors=floors,
        multiplied=multiplied,
        added=added,
    )
    trend = np.empty(total)
    write_trend(ahead, trend)
    return ahead, trend
