"""Fits Prophet to many series at once: `fit_batch` for a frame or a table, `fit_panel` behind it.

Items are sorted by the seasons Prophet would turn on for them, then by their days. Those that
share all their days share the calendar's matrix products; the others are solved one by one with
columns cut from the same design. Every fit is checked, and the few that fail are handed on.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core_modules.batch_prophet.chunks import TOLERANCE
from core_modules.batch_prophet.design import (
    Design,
    condition_names,
    data_columns,
    design_rows,
    make_design,
    season_classes,
)
from core_modules.batch_prophet.fallbacks import mend
from core_modules.batch_prophet.fitted import CONSTANT, ENGINE, UNFIT, BatchFit, Routes
from core_modules.batch_prophet.own_calendars import Fits, Source, fit_own
from core_modules.batch_prophet.panel import IntArray, Panel, panel_of_frame, panel_of_table
from core_modules.batch_prophet.problem import FLAT, LINEAR, LOGISTIC
from core_modules.batch_prophet.scaling import Scaled, changepoint_rows, scale_panel
from core_modules.batch_prophet.settings import BatchSettings
from core_modules.batch_prophet.shared_calendars import CHUNK, SharedCalendar
from core_modules.batch_prophet.warm_starts import warm_values

KINDS = {"linear": LINEAR, "logistic": LOGISTIC, "flat": FLAT}
SHARED_FROM = 8  # items on one calendar that pay for making its products

Job = Callable[[], None]


def fit_batch(
    data: pd.DataFrame | NDArray[np.floating],
    settings: BatchSettings | None = None,
    *,
    dates: Sequence[object] | pd.DatetimeIndex | None = None,
    ids: Sequence[str] | None = None,
    threads: int = 1,
    start: BatchFit | None = None,
) -> BatchFit:
    """Fit every series of a long frame (`unique_id, ds, y`) or of a table (days, items).

    The frame holds regressors, conditions, `cap` and `floor` too, as the settings ask. A table
    comes with its `dates` and, if wanted, `ids`. `start` is an earlier fit of the same items.
    """
    chosen = settings or BatchSettings()
    if isinstance(data, pd.DataFrame):
        panel = panel_of_frame(data, frame_columns(chosen, data))
    else:
        if dates is None:
            raise ValueError("a table of values needs `dates`, one for each of its rows")
        names = ids if ids is not None else [str(number) for number in range(data.shape[1])]
        panel = panel_of_table(np.asarray(data), dates, names)
    return fit_panel(panel, chosen, threads=threads, start=start)


def frame_columns(settings: BatchSettings, frame: pd.DataFrame) -> list[str]:
    """Return the columns to read from a frame beside unique_id, ds and y."""
    floor = ["floor"] if settings.growth == "logistic" and "floor" in frame.columns else []
    return data_columns(settings) + floor


def fit_panel(
    panel: Panel, settings: BatchSettings, *, threads: int = 1, start: BatchFit | None = None
) -> BatchFit:
    """Fit every series of a panel."""
    scaled = scale_panel(panel, settings)
    constant = (scaled.constant == 1) & (settings.growth != "logistic")
    open_items = (scaled.fitted == 1) & ~constant
    classes = season_classes(panel)
    design = np.full(panel.items, -1, np.int64)
    designs: list[Design] = []
    for number in np.unique(classes[scaled.fitted == 1]):
        members = np.flatnonzero((classes == number) & (scaled.fitted == 1))
        design[members] = len(designs)
        designs.append(make_design(settings, panel, int(members[0])))
    fits = room_for(panel, settings, designs)
    picks = changepoint_table(panel, settings)
    route = np.full(panel.items, ENGINE, np.int8)
    route[constant] = CONSTANT
    route[scaled.fitted == 0] = UNFIT
    _fill_constant(panel, scaled, np.flatnonzero(constant & (scaled.fitted == 1)), fits)
    for place, made in enumerate(designs):
        members = np.flatnonzero((design == place) & open_items)
        if members.size:
            source = source_of(panel, settings, scaled, made, picks)
            known = warm_values(start, panel, scaled, source, made, members, fits)
            _run([*_jobs(source, members[known], True, fits)], threads)
            _run([*_jobs(source, members[~known], False, fits)], threads)
            poor = members[~(fits.residual[members] <= TOLERANCE)]
            mend(source, made, panel, settings, poor, fits, route)
    return result_of(panel, settings, designs, design, scaled, fits, route)


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


def _jobs(source: Source, members: IntArray, warm: bool, fits: Fits) -> Iterator[Job]:
    """Yield pieces of work that write to rows of their own."""
    alone: list[IntArray] = []
    for group in _calendars(source, members):
        if group.size < SHARED_FROM or not _same_data(source, group):
            alone.append(group)
            continue
        calendar = SharedCalendar(source, group)
        for first in range(0, group.size, CHUNK):
            yield partial(calendar.fit, group[first : first + CHUNK], warm, fits)
    rest = np.sort(np.concatenate(alone)) if alone else np.empty(0, np.int64)
    for first in range(0, rest.size, CHUNK):
        yield partial(fit_own, source, rest[first : first + CHUNK], warm, fits)


def _calendars(source: Source, members: IntArray) -> list[IntArray]:
    """Return the members in groups that share all their days."""
    groups: dict[bytes, list[int]] = {}
    offsets = source.offsets
    for item in members:
        key = source.rows[offsets[item] : offsets[item + 1]].tobytes()
        groups.setdefault(key, []).append(int(item))
    return [np.array(group, np.int64) for group in groups.values()]


def _same_data(source: Source, group: IntArray) -> bool:
    """Whether regressors and conditions are the same for all items of a calendar."""
    if source.regressors.shape[1] == 0 and source.switches.shape[1] == 0:
        return True
    days = int(source.offsets[group[0] + 1] - source.offsets[group[0]])
    places = source.offsets[group][:, None] + np.arange(days)
    return all(
        bool((table[places] == table[places[0]]).all())
        for table in (source.regressors, source.switches)
    )


def _run(jobs: Sequence[Job], threads: int) -> None:
    if threads < 2 or len(jobs) < 2:
        for job in jobs:
            job()
        return
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(job) for job in jobs]:
            done.result()


def _fill_constant(panel: Panel, scaled: Scaled, items: IntArray, fits: Fits) -> None:
    """Give series that never change what Prophet gives them: its start, and sigma 1e-9."""
    fits.slope[items] = 0.0
    fits.offset[items] = scaled.y[panel.offsets[items]]
    fits.variance[items] = 1e-18
    fits.residual[items] = 0.0


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
