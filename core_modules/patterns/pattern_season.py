"""The factors of each item's expected sales, and what they are fitted to.

Factors multiply: weekday, time of year, month, day of the month, holidays, promotion and price.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from core_modules.demand_law import FloatArray, IntArray
from core_modules.patterns.expected_demand import year_waves
from core_modules.patterns.pattern_grid import BoolArray, SalesGrid, group_totals
from core_modules.patterns.pattern_holidays import HolidayDays


@dataclass(slots=True, eq=False)
class Season:
    """The factors of a group of items; owns them while they are being fitted."""

    grid: SalesGrid
    weekday: FloatArray  # (items, 7)
    yearly: FloatArray  # (items, 2 * order) coefficients of the log factor; no column: no year
    months: FloatArray  # (items, 12)
    month_days: FloatArray  # (items, 31)
    promotion: FloatArray  # (items,)
    elasticity: FloatArray  # (items,)
    holidays: tuple[HolidayDays, ...] = ()  # with the pool's multipliers
    holiday_sizes: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))  # (items, holidays)
    pool: dict[str, FloatArray] = field(default_factory=dict)  # the same factors of the pool
    own: dict[str, FloatArray] = field(default_factory=dict)  # (items,) weight of own sales

    def factor(self, *without: str) -> FloatArray:
        """Return the product of all factors but those named, (items, days)."""
        product = np.ones(self.grid.sold.shape)
        for name, bins in calendar_columns(self.grid).items():
            if name not in without:
                product *= getattr(self, name)[:, bins]
        if self.yearly.shape[1] and "yearly" not in without:
            product *= self.year_curve()
        if "holidays" not in without:
            for number, days in enumerate(self.holidays):
                product[:, days.on] *= self.holiday_sizes[:, [number]]
        if self.grid.promoted is not None and "promotion" not in without:
            product *= np.where(self.grid.promoted, self.promotion[:, None], 1.0)
        if self.grid.log_price is not None and "elasticity" not in without:
            product *= np.exp(self.elasticity[:, None] * self.grid.log_price)
        return product

    def year_curve(self) -> FloatArray:
        """Return the smooth year's factor, (items, days), with the mean 1 over a year."""
        curve = np.exp(self.yearly @ year_waves(np.arange(1, 367), self.yearly.shape[1] // 2).T)
        curve /= curve[:, :365].mean(axis=1, keepdims=True)
        return np.asarray(curve[:, day_of_year(self.grid) - 1])

    def typical(self) -> "Season":
        """Return the pool's season, as that of one item listed on everybody's days."""
        days = len(self.grid.days)
        grid = replace(
            self.grid,
            ids=("typical item",),
            sold=np.zeros((1, days)),
            seen=(self.grid.seen.sum(axis=0) > 0)[None],
            promoted=None,
            log_price=None,
        )
        season = new_season(grid, self.yearly.shape[1])
        for name, factors in self.pool.items():
            setattr(season, name, factors if name in ("promotion", "elasticity") else factors[None])
        season.holidays = self.holidays
        season.holiday_sizes = np.array([[days.effect.multiplier for days in self.holidays]])
        season.own = {name: np.ones(1) for name in self.pool}
        return season


def new_season(grid: SalesGrid, waves: int) -> Season:
    """Return a season without any effect; `waves` is the number of the year's coefficients."""
    items = len(grid.ids)
    return Season(
        grid=grid,
        weekday=np.ones((items, 7)),
        yearly=np.zeros((items, waves)),
        months=np.ones((items, 12)),
        month_days=np.ones((items, 31)),
        promotion=np.ones(items),
        elasticity=np.zeros(items),
        holiday_sizes=np.ones((items, 0)),
    )


def day_of_year(grid: SalesGrid) -> IntArray:
    """Return the day of the year of each column, 1 to 366, (days,)."""
    first: IntArray = grid.days.astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64)
    return np.asarray(grid.days.astype(np.int64) - first + 1)


def calendar_columns(grid: SalesGrid) -> dict[str, IntArray]:
    """Return the bin of each day in each profile of the calendar, (days,) each."""
    months = grid.days.astype("datetime64[M]")
    columns = {"months": months.astype(np.int64) % 12}
    if grid.freq == "D":
        columns["weekday"] = (grid.days.astype(np.int64) + 3) % 7
        columns["month_days"] = (grid.days - months).astype(np.int64)
    return columns


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What a factor is fitted to: sales, expectation without it, and variance, (items, days)."""

    sold: FloatArray
    expected: FloatArray
    variance: FloatArray

    def totals(self, group: IntArray, groups: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the three summed over groups of days, (items, groups) each."""
        return (
            group_totals(self.sold, group, groups),
            group_totals(self.expected, group, groups),
            group_totals(self.variance, group, groups),
        )

    def on(self, days: BoolArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the three summed over some days, (items, 1) each."""
        chosen = days.astype(np.float64)
        return (
            (self.sold @ chosen)[:, None] if days.ndim == 1 else _row_sums(self.sold, days),
            (self.expected @ chosen)[:, None] if days.ndim == 1 else _row_sums(self.expected, days),
            (self.variance @ chosen)[:, None] if days.ndim == 1 else _row_sums(self.variance, days),
        )


def _row_sums(values: FloatArray, days: BoolArray) -> FloatArray:
    return np.asarray(np.where(days, values, 0.0).sum(axis=1, keepdims=True))
