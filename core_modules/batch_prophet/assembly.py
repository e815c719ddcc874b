"""Puts together what the solvers read, and the result from what they wrote."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from core_modules.batch_prophet.design import Design, condition_names, design_rows
from core_modules.batch_prophet.fitted import BatchFit, Routes
from core_modules.batch_prophet.own_calendars import Fits, Source
from core_modules.batch_prophet.panel import IntArray, Panel
from core_modules.batch_prophet.problem import FLAT, LINEAR, LOGISTIC
from core_modules.batch_prophet.scaling import Scaled, changepoint_rows
from core_modules.batch_prophet.settings import BatchSettings

KINDS = {"linear": LINEAR, "logistic": LOGISTIC, "flat": FLAT}


def room_for(panel: Panel, settings: BatchSettings, designs: Sequence[Design]) -> Fits:
    """Return room for the results of all items, nothing known yet."""
    items = panel.items
    given = settings.changepoints
    changes = max(len(given) if given is not None else settings.n_changepoints, 1)
    columns = max((design.sigmas.size for design in designs), default=0)
    return Fits(
        slope=np.full(items, np.nan),
        offset=np.full(items, np.nan),
        change=np.zeros((items, changes)),
        places=np.full((items, changes), np.nan),
        beta=np.zeros((items, columns)),
        variance=np.full(items, np.nan),
        loss=np.full(items, np.nan),
        residual=np.full(items, np.nan),
        swing=np.zeros(items),
        steps=np.zeros(items, np.int64),
    )


def changepoint_table(panel: Panel, settings: BatchSettings) -> IntArray:
    """Return each item's changepoints as rows of its own, -1 beyond the last."""
    found = np.full((panel.items, max(settings.n_changepoints, 1)), -1, np.int64)
    if settings.changepoints is None:
        counts = np.diff(panel.offsets)
        for count in np.unique(counts):
            rows = changepoint_rows(int(count), settings)
            found[counts == count, : rows.size] = rows
    return found


def source_of(
    panel: Panel, settings: BatchSettings, scaled: Scaled, design: Design, picks: IntArray
) -> Source:
    """Return the arrays that fits of one design read."""
    features = design_rows(design, panel.dates)
    given = pd.DatetimeIndex(settings.changepoints or ())
    switches = [panel.columns[name] for name in condition_names(design)]
    rows = panel.rows.size
    return Source(
        kind=KINDS[settings.growth],
        tau=settings.changepoint_prior_scale,
        precision=1.0 / design.sigmas**2,
        dates=panel.dates.view(np.int64),
        multiplied=np.ascontiguousarray(features[:, : design.multiplied]),
        added=np.ascontiguousarray(features[:, design.multiplied :]),
        offsets=panel.offsets,
        rows=panel.rows,
        y=scaled.y,
        caps=scaled.caps,
        places=design.regressors,
        regressors=scaled.regressors,
        conditions=design.conditions,
        switches=np.column_stack(switches) if switches else np.empty((rows, 0)),
        change_rows=picks,
        change_dates=np.array(given, dtype="datetime64[us]").view(np.int64),
    )


def result_of(
    panel: Panel,
    settings: BatchSettings,
    designs: Sequence[Design],
    design: IntArray,
    scaled: Scaled,
    fits: Fits,
    route: Routes,
) -> BatchFit:
    """Return the fits with the columns back in Prophet's order."""
    beta = np.zeros_like(fits.beta)
    for place, made in enumerate(designs):
        members = np.flatnonzero(design == place)
        beta[members[:, None], made.order] = fits.beta[members[:, None], np.arange(made.order.size)]
    # Prophet folds its dummy changepoint, which lies at 0 alone, into the rate.
    dummy = (fits.places[:, 0] == 0.0) & np.isnan(fits.places[:, 1:]).all(axis=1)
    if settings.changepoints is None:
        slope = np.where(dummy, fits.slope + fits.change[:, 0], fits.slope)
        change = np.where(dummy[:, None], 0.0, fits.change)
    elif not settings.changepoints:
        slope, change = fits.slope + fits.change[:, 0], np.zeros_like(fits.change)
    else:
        slope, change = fits.slope, fits.change
    return BatchFit(
        settings=settings,
        panel=panel,
        designs=tuple(designs),
        design=design,
        k=slope,
        m=fits.offset,
        delta=change,
        changepoints_t=fits.places,
        beta=beta,
        sigma_obs=np.sqrt(fits.variance),
        y_scale=scaled.y_scale,
        start=scaled.start,
        t_scale=scaled.span,
        regressor_means=scaled.means,
        regressor_spreads=scaled.spreads,
        loss=fits.loss,
        residual=fits.residual,
        steps=fits.steps,
        route=route,
    )
