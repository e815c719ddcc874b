"""The typical item of a group: the pool's calendar, the mean item's level and shocks."""

import numpy as np

from core_modules.demand_law import FloatArray
from core_modules.demand_pattern import Memory
from core_modules.patterns.pattern_fit import ExtractionSettings, PatternFit
from core_modules.patterns.pattern_levels import daily_levels, years_before_end
from core_modules.patterns.pattern_noise import intermittency, law_variance, relative_variance
from core_modules.patterns.pattern_shocks import find_shocks


def mean_item_fit(fit: PatternFit, settings: ExtractionSettings) -> PatternFit:
    """Return the fit of the typical item of a grid: the pool's calendar, the mean item's level.

    Its sales are those of all items together, over what they would have been at steady levels;
    noise is left to the caller, who knows the items'.
    """
    grid, season = fit.grid, fit.season.typical()
    weight = fit.expected.sum(axis=1) / np.maximum(1e-9, _steady(fit).sum(axis=1))
    exposure = (weight[:, None] * _steady(fit)).sum(axis=0, keepdims=True)
    sold = np.where(fit.used, grid.sold, 0.0).sum(axis=0, keepdims=True)
    level, growth, stretch = daily_levels(sold, exposure, grid.freq, settings.changepoint_penalty)
    years = years_before_end(len(grid.days), grid.freq)
    expected = level * np.exp(growth[:, None] * years) * exposure
    used = exposure > 0
    spread = relative_variance(sold, expected, used)
    none = np.zeros(1)
    shocks = find_shocks(
        sold,
        expected,
        law_variance(expected, spread, none, continuous=True),
        used,
        [Memory()],
        settings.surge_threshold,
        settings.gap_threshold,
    )
    mean_level = float(weight.mean())
    interval, variation, zeros = intermittency(sold, used)
    return PatternFit(
        grid=season.grid,
        season=season,
        closed=fit.closed,
        level=level * mean_level,
        stretch=stretch,
        growth=growth,
        expected=expected,
        dispersion=spread,
        extra_zeros=none,
        memory=[Memory()],
        pool_memory=Memory(),
        autocorrelation=np.zeros((1, 0)),
        interval=interval,
        size_variation=variation,
        zero_share=zeros,
        shocks=shocks,
        used=used,
    )


def _steady(fit: PatternFit) -> FloatArray:
    """Return what each item would sell at level 1 on the days used, (items, days)."""
    return np.where(fit.used, fit.season.factor(), 0.0)
