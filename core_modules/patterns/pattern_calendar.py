"""The pool's calendar beyond the weekday: year, months, days of the month, holidays, all at once.

Fitted one after the other, the smooth year would swallow the holidays before they are looked at.
Here all terms explain the pooled sales of each day together. Smooth year, months and days of the
month are drawn to nothing as far as the data ask (each block's variance by MacKay's fixed point);
holidays enter one by one, the surest first, while they stand out; and the noise is whitened, since
neighbouring days share their luck.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from core_modules.demand_law import FloatArray, IntArray
from core_modules.demand_pattern import Memory
from core_modules.patterns.expected_demand import year_waves
from core_modules.patterns.pattern_grid import BoolArray, SalesGrid
from core_modules.patterns.pattern_holidays import HolidayDays
from core_modules.patterns.pattern_memory import innovations, moving_average, series_memory

SUREST_HOLIDAY = 4.0  # standard errors from which an effect is believed; some 100 are tried
SMALLEST_EFFECT = 0.05
LEAST_DAY = 0.05  # share of the usual day's expectation from which a day counts
DRIFT_DAYS = 120  # between the knots of the pool's drift; no part of a year, so no season
LONGEST_DECAY = 0.9  # of the noise's memory; what lingers longer is drift
WILDEST_SCORE = 5.0  # standard deviations to which a day is clipped when holidays are sought
MOST_HOLIDAYS = 40
ROUNDS = 4  # of the linearised fit
HOLIDAY_VARIANCE = 1.0  # of the log multiplier of a holiday, before its days are seen
LEAST_VARIANCE = 1e-6
YEARLY_SD = 0.15  # least standard deviation of the year's first wave; of the k-th the k-th part
START_VARIANCE = 0.01  # of a block's log factors, from which the fixed point starts
LARGEST_STEP = 1.0  # of a log factor in one round


@dataclass(frozen=True, slots=True, eq=False)
class PoolCalendar:
    """The calendar of a pool of items beyond its weekdays."""

    yearly: FloatArray  # (2 * order,) coefficients of the log factor; empty: not known
    months: FloatArray  # (12,) mean 1
    month_days: FloatArray  # (31,) mean 1
    holidays: tuple[HolidayDays, ...] = field(default=())


@dataclass(frozen=True, slots=True, eq=False)
class PoolSales:
    """The sales of a pool day by day, (days,) each; `expected` without the calendar sought."""

    grid: SalesGrid
    sold: FloatArray
    expected: FloatArray  # 0 on days that do not count
    variance: FloatArray


def fit_pool_calendar(
    sales: PoolSales, order: int, candidates: Sequence[HolidayDays], *, yearly: bool
) -> PoolCalendar:
    """Fit the calendar of a pool; `yearly`: the history shows the time of year and its holidays."""
    fit = _Fit(sales)
    for name, block in _blocks(sales.grid, order, yearly=yearly).items():
        if name != "months":
            fit.add(name, block)
    chosen: list[HolidayDays] = []
    while len(chosen) < MOST_HOLIDAYS:
        left = [days for days in candidates if days not in chosen]
        fit.doubtful = _season_days(left, len(sales.sold))
        fit.settle()
        best = fit.surest(left)
        if best is None:
            break
        fit.add(f"holiday {len(chosen)}", best.on[:, None].astype(np.float64))
        chosen.append(best)
    if yearly:  # months explain what is left: before the holidays they would explain these
        fit.add("months", np.eye(12)[_months(sales.grid)])
        fit.settle()
    return _calendar(fit, chosen)


def _season_days(candidates: Sequence[HolidayDays], days: int) -> BoolArray:
    """Return True on the days of seasons of the trade, (days,)."""
    on = np.zeros(days, dtype=np.bool_)
    for season in candidates:
        if season.effect.days > 1:
            on |= season.on
    return on


def _months(grid: SalesGrid) -> IntArray:
    return grid.days.astype("datetime64[M]").astype(np.int64) % 12


def _blocks(grid: SalesGrid, order: int, *, yearly: bool) -> dict[str, FloatArray]:
    """Return the columns of each block of terms, (days, terms)."""
    months = grid.days.astype("datetime64[M]")
    # Level shifts must be somebody's, or the noise would be taken to have a long memory.
    age = (grid.days - grid.days[0]).astype(np.int64) / DRIFT_DAYS
    knots = np.arange(np.ceil(age[-1]) + 1)
    blocks = {"drift": np.maximum(0.0, 1 - np.abs(age[:, None] - knots))}
    if yearly:
        day_of_year = (grid.days - grid.days.astype("datetime64[Y]")).astype(np.int64) + 1
        blocks["yearly"] = year_waves(day_of_year, order)
    if grid.freq == "D":
        blocks["month_days"] = np.eye(31)[(grid.days - months).astype(np.int64)]
    return blocks


class _Fit:
    """The unfinished fit of a pool's log factors: coefficients, block variances, noise memory."""

    def __init__(self, sales: PoolSales) -> None:
        self.sales = sales
        known = (sales.expected > 0) & (sales.variance > 0)
        # A weekday on which hardly anybody opens says nothing of the year.
        usual = float(np.median(sales.expected[known])) if known.any() else 0.0
        self.used = known & (sales.expected > LEAST_DAY * usual)
        self.design = np.ones((len(sales.sold), 1))
        self.coefficients = np.zeros(1)
        self.prior = np.array([1e6])  # variances of the coefficients; the level is free
        self.least = np.array([0.0])  # below which no block's variance falls
        self.places: dict[str, slice] = {}
        self.memory, self.noise = Memory(), 1.0
        # A season not yet taken in would pass for memory, so its days do not speak of the noise.
        self.doubtful = np.zeros(len(sales.sold), dtype=np.bool_)

    def add(self, name: str, block: FloatArray) -> None:
        """Add the columns of a block of terms (days, terms)."""
        first, terms = self.design.shape[1], block.shape[1]
        self.places[name] = slice(first, first + terms)
        self.design = np.concatenate([self.design, block], axis=1)
        self.coefficients = np.append(self.coefficients, np.zeros(terms))
        start = HOLIDAY_VARIANCE if terms == 1 else START_VARIANCE
        self.prior = np.append(self.prior, np.full(terms, start))
        least = np.full(terms, LEAST_VARIANCE)
        if name == "yearly":  # or a drifting level would explain the year
            least = np.repeat((YEARLY_SD / np.arange(1, terms // 2 + 1)) ** 2, 2)
        self.least = np.append(self.least, least)

    def settle(self) -> None:
        for _ in range(ROUNDS):
            self.step()

    def working(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return root weights, scaled residuals (days,) and whitened scaled columns."""
        expected = self.sales.expected * np.exp(self.design @ self.coefficients)
        safe = np.where(self.used, expected, 1.0)
        # The variance grows with the mean as the square, so weights barely move with the fit.
        spread = (
            np.where(self.used, self.sales.variance, 1.0)
            * safe
            / np.where(self.used, self.sales.expected, 1.0)
        )
        root = np.where(self.used, safe / np.sqrt(spread), 0.0)
        residual = np.where(self.used, (self.sales.sold - expected) / np.sqrt(spread), 0.0)
        return root, residual, innovations(root[:, None] * self.design, self.memory)

    def step(self) -> None:
        """Move all coefficients by one linearised fit, then variances, noise and memory."""
        _, residual, columns = self.working()
        target = innovations(residual[:, None], self.memory)[:, 0] + columns @ self.coefficients
        precision = columns.T @ columns / self.noise + np.diag(1 / self.prior)
        covariance = np.linalg.inv(precision)
        wanted = covariance @ (columns.T @ target) / self.noise
        self.coefficients += np.clip(wanted - self.coefficients, -LARGEST_STEP, LARGEST_STEP)
        for place in self.places.values():
            if place.stop - place.start == 1:
                continue
            size = float((self.coefficients[place] ** 2).sum())
            shrunk = float((np.diag(covariance)[place] / self.prior[place]).sum())
            known = max(0.5, self.prior[place].size - shrunk)
            self.prior[place] = np.clip(size / known, self.least[place], 1.0)
        self._fit_noise()

    def _fit_noise(self) -> None:
        _, residual, _ = self.working()
        speaks = self.used & ~self.doubtful
        if not speaks.any():
            return
        low, high = np.quantile(residual[speaks], (0.005, 0.995))
        residual = np.where(speaks, np.clip(residual, low, high), 0.0)
        self.memory = series_memory(residual, speaks, LONGEST_DECAY)
        left = innovations(residual[:, None], self.memory)[:, 0]
        self.noise = max(1e-12, float((left[speaks] ** 2).mean()))

    def surest(self, candidates: Sequence[HolidayDays]) -> HolidayDays | None:
        """Return the candidate whose effect is surest beyond what is fitted, None where none is."""
        if not candidates:
            return None
        root, residual, columns = self.working()
        # Clipped, so that one wild day does not make a holiday of all its years.
        wild = WILDEST_SCORE * np.sqrt(self.noise / moving_average(self.memory)[1])
        left = innovations(np.clip(residual, -wild, wild)[:, None], self.memory)[:, 0]
        tried = np.stack([days.on for days in candidates], axis=1) * root[:, None]
        tried = innovations(tried, self.memory)
        precision = columns.T @ columns / self.noise + np.diag(1 / self.prior)
        # What the fitted terms could explain of a candidate counts against it.
        shared = np.linalg.solve(precision, columns.T @ tried) / self.noise
        information = ((tried - columns @ shared) * tried).sum(axis=0) / self.noise
        push = (tried * left[:, None]).sum(axis=0) / self.noise
        score = np.abs(push) / np.sqrt(np.maximum(information, 1e-12))
        size = np.abs(push) / np.maximum(information, 1e-12)
        score[(size < SMALLEST_EFFECT) | (information < 1e-9)] = 0.0
        best = int(score.argmax())
        return candidates[best] if score[best] >= SUREST_HOLIDAY else None


def _calendar(fit: _Fit, chosen: Sequence[HolidayDays]) -> PoolCalendar:
    def log_factors(name: str, count: int) -> FloatArray:
        return fit.coefficients[fit.places[name]] if name in fit.places else np.zeros(count)

    def profile(name: str, count: int) -> FloatArray:
        factors = np.exp(log_factors(name, count))
        return np.asarray(factors / factors.mean())

    sizes = [float(np.exp(log_factors(f"holiday {n}", 1)[0])) for n in range(len(chosen))]
    return PoolCalendar(
        yearly=log_factors("yearly", 0),
        months=profile("months", 12),
        month_days=profile("month_days", 31),
        holidays=tuple(
            replace(days, effect=replace(days.effect, multiplier=size))
            for days, size in zip(chosen, sizes, strict=True)
        ),
    )
