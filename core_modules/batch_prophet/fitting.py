"""Fits Prophet to many series at once: `fit_batch` for a frame or a table, `fit_panel` behind it.

Items are sorted by the seasons Prophet would turn on for them, then by their days. Those that
share all their days share the calendar's matrix products; the others are solved one by one with
columns cut from the same design. Every fit is checked, and the few that fail are handed on: those
that are not optimal, and those whose trend and seasons the data do not tell apart.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core_modules.batch_prophet.assembly import changepoint_table, result_of, room_for, source_of
from core_modules.batch_prophet.chunks import TOLERANCE
from core_modules.batch_prophet.design import Design, data_columns, make_design, season_classes
from core_modules.batch_prophet.fallbacks import hand_on, mend
from core_modules.batch_prophet.fitted import CONSTANT, ENGINE, UNFIT, BatchFit
from core_modules.batch_prophet.own_calendars import Fits, Source, fit_own
from core_modules.batch_prophet.panel import IntArray, Panel, panel_of_frame, panel_of_table
from core_modules.batch_prophet.scaling import Scaled, scale_panel
from core_modules.batch_prophet.settings import BatchSettings
from core_modules.batch_prophet.shared_calendars import CHUNK, SharedCalendar
from core_modules.batch_prophet.warm_starts import warm_values

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
            hand_on(source, made, panel, settings, members, fits, route)
    return result_of(panel, settings, designs, design, scaled, fits, route)


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
