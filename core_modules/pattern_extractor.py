"""Demand patterns from sales history: by item or by group, pooled where an item is too thin.

Sales are level x calendar x chance. The calendar is fitted pooled over all items, each item drawn
towards the pool as far as its own noise asks; the level is cut at changepoints; what chance cannot
explain are shocks, and their days are left out when everything is fitted again.
"""

from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import date

import numpy as np
import pandas as pd

from core_modules.demand_law import FloatArray
from core_modules.demand_pattern import (
    DemandPattern,
    LevelStep,
    Memory,
    Provenance,
    Shock,
)
from core_modules.patterns.pattern_fit import ExtractionSettings, PatternFit, fit_grid
from core_modules.patterns.pattern_grid import SalesGrid, sales_grid
from core_modules.patterns.typical_item import mean_item_fit
from core_modules.sales_history import SalesDataError, SalesHistory

__all__ = ["ExtractionSettings", "extract_pattern", "extract_patterns"]

CONTRACT_COLUMNS = ("unique_id", "ds", "y", "in_stock", "price", "promo")
MOSTLY_POOLED = 0.5  # weight of own sales below which a part is said to be pooled
LARGEST_GRID = 8_000_000  # item-days fitted together; larger files are fitted in parts
ALWAYS_CLOSED = 0.95  # share of a weekday's dates


def extract_patterns(
    history: SalesHistory, by: str = "item", settings: ExtractionSettings | None = None
) -> tuple[DemandPattern, ...]:
    """Return a pattern of every item, or of the typical item of every group.

    `by` is 'item', 'all' (one group) or a group column of the history such as 'category'. Items
    are pooled with the rest of the file (of their group, by group). A group's level, growth,
    changepoints and shocks are those of its mean sales an item; its profiles are pooled, and its
    noise is the median item's.

    Raises SalesDataError where `by` names no column, and ValueError where no item ever sold.
    """
    settings = settings or ExtractionSettings()
    if by == "item":
        return tuple(
            pattern
            for grid in _parts(history)
            for pattern in _item_patterns(_fit(grid, history, settings), history, settings)
        )
    return tuple(
        _group_pattern(name, frame, history, settings) for name, frame in _groups(history, by)
    )


def extract_pattern(
    frame: pd.DataFrame,
    *,
    name: str = "",
    history: SalesHistory | None = None,
    settings: ExtractionSettings | None = None,
) -> DemandPattern:
    """Return the pattern of one item's frame, or of the typical one of several items.

    `history` tells source, closed days and kind of quantity; without it the frame holds daily
    units and no closed days.
    """
    settings = settings or ExtractionSettings()
    if history is None:
        none = pd.DatetimeIndex([], dtype="datetime64[us]")
        history = SalesHistory(frame, "D", name or "frame", "", {}, none, "units")
    if len(frame["unique_id"].unique()) > 1:
        return _group_pattern(name or "typical item", frame, history, settings)
    grid = sales_grid(frame, history.closed_days, history.freq)
    pattern = _item_patterns(_fit(grid, history, settings), history, settings)[0]
    return replace(pattern, name=name) if name else pattern


def _fit(grid: SalesGrid, history: SalesHistory, settings: ExtractionSettings) -> PatternFit:
    return fit_grid(grid, settings, continuous=history.quantity != "units")


def _parts(history: SalesHistory) -> Iterator[SalesGrid]:
    frame = history.frame
    days = frame["ds"].nunique()
    ids = frame["unique_id"].unique()
    size = max(1, LARGEST_GRID // max(1, days))
    for first in range(0, len(ids), size):
        chosen = frame
        if len(ids) > size:
            chosen = frame[frame["unique_id"].isin(ids[first : first + size])]
        yield sales_grid(chosen, history.closed_days, history.freq)


def _groups(history: SalesHistory, by: str) -> Iterator[tuple[str, pd.DataFrame]]:
    if by == "all":
        yield history.name, history.frame
        return
    columns = [name for name in history.frame.columns if name not in CONTRACT_COLUMNS]
    if by not in columns:
        found = ", ".join(map(str, columns)) or "none"
        raise SalesDataError(
            f"{history.name} has no group column {by!r}; found {found}; use item or all instead"
        )
    for name, frame in history.frame.groupby(by, sort=True):
        yield str(name), frame


def _item_patterns(
    fit: PatternFit, history: SalesHistory, settings: ExtractionSettings
) -> list[DemandPattern]:
    return [_item_pattern(fit, item, history, settings) for item in range(len(fit.grid.ids))]


def _item_pattern(
    fit: PatternFit, item: int, history: SalesHistory, settings: ExtractionSettings
) -> DemandPattern:
    season = fit.season
    weekday, scale = _open_weekdays(season.weekday[item], fit.grid)
    parts = {name: float(weight[item]) for name, weight in season.own.items()}
    return DemandPattern(
        name=fit.grid.ids[item],
        provenance=_provenance(fit, item, history, settings),
        quantity=history.quantity,
        freq=history.freq,
        steps=_steps(fit, item, scale),
        growth=float(fit.growth[item]),
        weekday=weekday,
        yearly=_numbers(season.yearly[item]),
        months=_numbers(season.months[item]),
        month_days=_numbers(season.month_days[item]),
        holidays=(
            *(
                replace(days.effect, multiplier=_rounded(float(size)))
                for days, size in zip(season.holidays, season.holiday_sizes[item], strict=True)
            ),
            *fit.closed,
        ),
        dispersion=_rounded(float(fit.dispersion[item])),
        extra_zeros=_rounded(float(fit.extra_zeros[item])),
        memory=_memory(fit.memory[item]),
        autocorrelation=_numbers(fit.autocorrelation[item]),
        interval=_rounded(float(fit.interval[item])),
        size_variation=_rounded(float(fit.size_variation[item])),
        zero_share=_rounded(float(fit.zero_share[item])),
        promotion=_rounded(float(season.promotion[item])) if "promotion" in parts else None,
        price_elasticity=(
            _rounded(float(season.elasticity[item])) if parts.get("elasticity", 0) > 0 else None
        ),
        shocks=_shocks(fit, item),
        pooled=tuple(name for name, weight in sorted(parts.items()) if weight < MOSTLY_POOLED),
    )


def _rounded(value: float) -> float:
    """Return a figure to six digits: more is noise, and shipped files stay small."""
    return float(f"{value:.6g}")


def _numbers(values: FloatArray) -> tuple[float, ...]:
    return tuple(_rounded(float(value)) for value in values)


def _memory(memory: Memory) -> Memory:
    return Memory(_rounded(memory.strength), _rounded(memory.decay))


def _day(grid: SalesGrid, column: int) -> date:
    day: date = grid.days[column].item()
    return day


def _provenance(
    fit: PatternFit, item: int, history: SalesHistory, settings: ExtractionSettings
) -> Provenance:
    listed = np.flatnonzero(fit.grid.seen[item])
    return Provenance(
        source=history.name,
        digest=history.digest,
        first_day=_day(fit.grid, int(listed[0]) if len(listed) else 0),
        last_day=_day(fit.grid, len(fit.grid.days) - 1),
        items=1,
        observations=int(fit.used[item].sum()),
        settings=_settings(settings),
    )


def _settings(settings: ExtractionSettings) -> dict[str, str]:
    return {name: str(value) for name, value in asdict(settings).items()}


def _open_weekdays(weekday: FloatArray, grid: SalesGrid) -> tuple[tuple[float, ...], float]:
    """Return the weekday profile with closed weekdays at 0 and mean 1, and the level's scale."""
    if grid.freq != "D" or not grid.closed.any():
        return _numbers(weekday), 1.0
    day = (grid.days.astype(np.int64) + 3) % 7
    shut = [bool(grid.closed[day == number].mean() > ALWAYS_CLOSED) for number in range(7)]
    profile = np.where(shut, 0.0, weekday)
    scale = float(profile.mean())
    return (_numbers(profile / scale), scale) if scale > 0 else (_numbers(weekday), 1.0)


def _steps(fit: PatternFit, item: int, scale: float) -> tuple[LevelStep, ...]:
    starts = np.flatnonzero(np.diff(fit.stretch[item], prepend=-1) != 0)
    listed = np.flatnonzero(fit.grid.seen[item])
    first = int(listed[0]) if len(listed) else 0
    starts = np.unique(np.maximum(starts, first))
    return tuple(
        LevelStep(_day(fit.grid, int(start)), _rounded(float(fit.level[item, start]) * scale))
        for start in starts
    )


def _shocks(fit: PatternFit, item: int) -> tuple[Shock, ...]:
    found = fit.shocks
    mine = np.flatnonzero(found.item == item)
    return tuple(
        Shock(
            _day(fit.grid, int(found.start[row])),
            int(found.days[row]),
            _rounded(float(found.multiplier[row])),
        )
        for row in mine[np.argsort(found.start[mine])]
    )


def _group_pattern(
    name: str, frame: pd.DataFrame, history: SalesHistory, settings: ExtractionSettings
) -> DemandPattern:
    grid = sales_grid(frame, history.closed_days, history.freq)
    fit = _fit(grid, history, settings)
    mean_item = mean_item_fit(fit, settings)
    whole = _item_pattern(mean_item, 0, history, settings)
    correlations = fit.autocorrelation
    return replace(
        whole,
        name=name,
        provenance=replace(whole.provenance, items=len(grid.ids), observations=int(fit.used.sum())),
        dispersion=_middle(fit.dispersion),
        extra_zeros=_middle(fit.extra_zeros),
        memory=_memory(fit.pool_memory),
        autocorrelation=_numbers(correlations.mean(axis=0)) if correlations.size else (),
        interval=_middle(fit.interval),
        size_variation=_middle(fit.size_variation),
        zero_share=_middle(fit.zero_share),
    )


def _middle(values: FloatArray) -> float:
    return _rounded(float(np.median(values)))
