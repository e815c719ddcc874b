"""The fit of patterns: calendar, level and noise in turn, and again without the days of shocks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core_modules.demand_law import FloatArray, IntArray
from core_modules.demand_pattern import HolidayEffect, Memory
from core_modules.patterns.pattern_calendar import PoolSales, fit_pool_calendar
from core_modules.patterns.pattern_factors import (
    SHORTEST_YEARS,
    fit_about_pool,
    fit_elasticity,
    fit_holidays_about_pool,
    fit_promotion,
    fit_weekday,
    fit_year_about_pool,
)
from core_modules.patterns.pattern_grid import BoolArray, SalesGrid
from core_modules.patterns.pattern_holidays import HolidayDays, candidate_holidays, closed_holidays
from core_modules.patterns.pattern_levels import (
    BUCKET,
    SHORTEST_STRETCH,
    daily_levels,
    years_before_end,
)
from core_modules.patterns.pattern_memory import fit_memory, run_inflation
from core_modules.patterns.pattern_noise import (
    continuous_scores,
    fit_dispersion,
    intermittency,
    law_variance,
    normal_scores,
    relative_variance,
    shown_variance,
)
from core_modules.patterns.pattern_season import Evidence, Season, new_season
from core_modules.patterns.pattern_shocks import FoundShocks, find_shocks, shock_days

PASSES = 3
ROUGH_SAMPLE = 400  # days of an item that the dispersion is fitted to before the last pass
BUSY = 50.0  # units sold from which an item's dispersion speaks for the pool
A_CROWD = 10  # items from which a shock of most of them is no chance
MONTH = 30  # days
LEAST_SHARE = 0.05  # of the expectation without a factor that its variance is taken at
MONTH_DAYS_FROM = 0.9  # years of history


@dataclass(frozen=True, slots=True)
class ExtractionSettings:
    """How patterns are extracted."""

    country: str = ""  # ISO 3166 code whose public holidays are tried; '': those of the trade only
    yearly_order: int = 3  # waves of the smooth year, >= 0
    changepoint_penalty: float = 4.0  # cost of a changepoint over the log of the weeks, > 0
    surge_threshold: float = 5.0  # standard deviations from which more than expected is a shock
    gap_threshold: float = 7.0  # and less; shops sell nothing more often than the law says

    def __post_init__(self) -> None:
        if self.yearly_order < 0:
            raise ValueError(f"yearly_order must be >= 0, got {self.yearly_order}")
        for name in ("changepoint_penalty", "surge_threshold", "gap_threshold"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be > 0, got {getattr(self, name)}")


@dataclass(frozen=True, slots=True, eq=False)
class PatternFit:
    """Everything fitted to a grid of items; arrays are (items,) or (items, days)."""

    grid: SalesGrid
    season: Season
    closed: list[HolidayEffect]  # days about holidays on which nobody sells
    level: FloatArray  # (items, days) before growth
    stretch: IntArray  # (items, days) number of the stretch of one level
    growth: FloatArray  # (items,) of the log level a year
    expected: FloatArray  # (items, days) units, 0 where not seen
    dispersion: FloatArray  # (items,)
    extra_zeros: FloatArray  # (items,)
    memory: list[Memory]  # (items,)
    pool_memory: Memory
    autocorrelation: FloatArray  # (items, lags)
    interval: FloatArray  # (items,)
    size_variation: FloatArray  # (items,)
    zero_share: FloatArray  # (items,)
    shocks: FoundShocks
    used: BoolArray  # (items, days) seen and not in a shock


def fit_grid(grid: SalesGrid, settings: ExtractionSettings, *, continuous: bool) -> PatternFit:
    """Fit the patterns of a grid of items that share a pool; `continuous` for money and weight."""
    yearly = grid.years >= SHORTEST_YEARS
    season = new_season(grid, 2 * settings.yearly_order if yearly else 0)
    daily = yearly and grid.freq == "D"
    candidates = candidate_holidays(grid, settings.country) if daily else []
    state = _State(grid, season, continuous=continuous)
    for _ in range(PASSES):
        state.fit_calendar(settings, candidates)
        state.fit_level(settings)
        state.fit_noise(stride=1 + grid.sold.shape[1] // ROUGH_SAMPLE)
        state.fit_shocks(settings)
    state.fit_level(settings)
    state.fit_noise()
    return state.result(closed_holidays(grid, settings.country))


class _State:
    """The unfinished fit, which each step moves on."""

    def __init__(self, grid: SalesGrid, season: Season, *, continuous: bool) -> None:
        self.grid, self.season, self.used = grid, season, grid.seen
        self.calendar_days = grid.seen  # (items, days) that the calendar is fitted to
        self.continuous = continuous
        shape = grid.sold.shape
        mean = grid.sold.sum(axis=1) / np.maximum(1, self.used.sum(axis=1))
        self.level = np.repeat(mean[:, None], shape[1], axis=1)
        self.stretch = np.zeros(shape, dtype=np.int64)
        self.growth = np.zeros(shape[0])
        self.dispersion, self.zeros = np.ones(shape[0]), np.zeros(shape[0])
        self.prior: float | None = None  # the pool's dispersion
        self.settled = False  # the noise has been fitted once
        self.memory, self.pool_memory = [Memory()] * shape[0], Memory()
        self.autocorrelation = np.zeros((shape[0], 0))
        empty = np.zeros(0, dtype=np.int64)
        self.shocks = FoundShocks(empty, empty, empty, np.zeros(0))
        self.years = years_before_end(shape[1], grid.freq)  # (days,)

    def trend(self) -> FloatArray:
        return np.asarray(self.level * np.exp(self.growth[:, None] * self.years))

    def expected(self, *without: str) -> FloatArray:
        return np.where(self.grid.seen, self.trend() * self.season.factor(*without), 0.0)

    def evidence(self, *without: str) -> Evidence:
        expected = np.where(self.used, self.expected(*without), 0.0)
        whole = np.where(self.used, self.expected(), 0.0)
        # A factor fitted as 0 would leave no variance, and no second look at the item.
        whole = np.maximum(whole, LEAST_SHARE * expected)
        variance = self.variance(whole)
        return Evidence(np.where(self.used, self.grid.sold, 0.0), expected, variance)

    def fit_calendar(self, settings: ExtractionSettings, candidates: Sequence[HolidayDays]) -> None:
        season, kept = self.season, self.used
        if candidates:
            self.used = self.calendar_days
        self._fit_factors(season, settings, candidates)
        self.used = kept

    def _fit_factors(
        self, season: Season, settings: ExtractionSettings, candidates: Sequence[HolidayDays]
    ) -> None:
        fit_promotion(season, self.evidence("promotion"))
        fit_elasticity(season, self.evidence("elasticity"))
        if self.grid.freq == "D":
            fit_weekday(season, self.evidence("weekday"))
        if self.grid.years < MONTH_DAYS_FROM:
            return
        yearly = season.yearly.shape[1] > 0
        pool = fit_pool_calendar(
            self._pool_sales(), settings.yearly_order, candidates, yearly=yearly
        )
        inflation = run_inflation(self.pool_memory, MONTH)
        if yearly:
            fit_year_about_pool(season, self.evidence("yearly"), pool.yearly, inflation)
            fit_holidays_about_pool(season, self.evidence("holidays"), pool)
            fit_about_pool(season, "months", self.evidence("months"), pool.months, inflation)
        if self.grid.freq == "D":
            evidence = self.evidence("month_days")
            fit_about_pool(season, "month_days", evidence, pool.month_days, 1.0)

    def _pool_sales(self) -> PoolSales:
        """Return the items' sales added up, each by what its noise lets it say."""
        evidence = self.evidence("yearly", "months", "month_days", "holidays")
        mean = evidence.expected.sum(axis=1) / np.maximum(1, self.used.sum(axis=1))
        weight = 1 / (1 + self.dispersion * mean)
        return PoolSales(
            self.grid,
            weight @ evidence.sold,
            weight @ evidence.expected,
            # At what is expected without the calendar: a day shut by an earlier pass would else
            # be held to its shut scatter before it is known to be shut.
            weight**2 @ self.variance(evidence.expected),
        )

    def fit_level(self, settings: ExtractionSettings) -> None:
        shape = np.where(self.used, self.season.factor(), 0.0)
        sold = np.where(self.used, self.grid.sold, 0.0)
        least = None
        if self.settled:  # with what is known of the noise, memory included
            expected = np.where(self.used, self.expected(), 0.0)
            variance = self.variance(expected).sum(axis=1)
            least = variance / np.maximum(expected.sum(axis=1), 1e-9)
            run = SHORTEST_STRETCH * BUCKET[self.grid.freq]
            least *= [run_inflation(memory, run) for memory in self.memory]
        self.level, self.growth, self.stretch = daily_levels(
            sold, shape, self.grid.freq, settings.changepoint_penalty, least
        )

    def variance(self, expected: FloatArray) -> FloatArray:
        return law_variance(expected, self.dispersion, self.zeros, continuous=self.continuous)

    def fit_noise(self, stride: int = 1) -> None:
        expected, sold = self.expected(), self.grid.sold
        if self.continuous:
            self.dispersion = relative_variance(sold, expected, self.used)
        else:
            days = slice(None, None, stride)
            self.dispersion, self.zeros = fit_dispersion(
                sold[:, days], expected[:, days], self.used[:, days], self.dispersion, self.prior
            )
            busy = np.where(self.used, sold, 0.0).sum(axis=1) >= BUSY
            if len(sold) > 1 and busy.any():
                self.prior = float(np.median(self.dispersion[busy]))
        if self.continuous:
            score = continuous_scores(sold, expected, self.used, self.dispersion)
            shown = np.ones(len(sold))
        else:
            score = normal_scores(sold, expected, self.used, self.dispersion, self.zeros)
            shown = shown_variance(expected, self.used, self.dispersion, self.zeros)
        found = fit_memory(score, self.used & (expected > 0), shown)
        self.memory, self.pool_memory, self.autocorrelation = found
        self.settled = True

    def fit_shocks(self, settings: ExtractionSettings) -> None:
        expected = self.expected()
        self.shocks = find_shocks(
            self.grid.sold,
            expected,
            self.variance(expected),
            self.grid.seen,
            self.memory,
            settings.surge_threshold,
            settings.gap_threshold,
        )
        struck = shock_days(self.shocks, self.used.shape)
        self.used = self.grid.seen & ~struck
        # A day that strikes most items is the calendar's to explain, where it can.
        if len(struck) >= A_CROWD:
            crowd = struck.sum(axis=0) > 0.5 * np.maximum(1, self.grid.seen.sum(axis=0))
            self.calendar_days = self.used | (self.grid.seen & crowd)
        else:
            self.calendar_days = self.used

    def result(self, closed: list[HolidayEffect]) -> PatternFit:
        interval, variation, zeros = intermittency(self.grid.sold, self.used)
        return PatternFit(
            grid=self.grid,
            season=self.season,
            closed=closed,
            level=self.level,
            stretch=self.stretch,
            growth=self.growth,
            expected=self.expected(),
            dispersion=self.dispersion,
            extra_zeros=self.zeros,
            memory=self.memory,
            pool_memory=self.pool_memory,
            autocorrelation=self.autocorrelation,
            interval=interval,
            size_variation=variation,
            zero_share=zeros,
            shocks=self.shocks,
            used=self.used,
        )
