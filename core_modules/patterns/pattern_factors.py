"""Fits the factors of each item's expected sales in turn, each drawn towards the pool's.

Weekday, promotion and price are pooled here; the rest of the pool's calendar is fitted at once
(`core_modules.patterns.pattern_calendar`), and items scatter about it.
"""

from dataclasses import replace

import numpy as np

from core_modules.demand_law import FloatArray, IntArray
from core_modules.patterns.expected_demand import year_waves
from core_modules.patterns.pattern_calendar import PoolCalendar
from core_modules.patterns.pattern_grid import BoolArray
from core_modules.patterns.pattern_pooling import Pooled, drawn_to_one, pool_estimates, pool_ratios
from core_modules.patterns.pattern_season import Evidence, Season, calendar_columns, day_of_year

YEAR_BINS = 73  # of five days
CLOSED_DOOR = 25.0  # expected units, and squared standard deviations, that nothing sold must miss
SHORTEST_YEARS = 1.9  # of history from which the time of year can be told from the trend
LEAST_HOLIDAY = 0.01  # multiplier below which a ratio to it would say nothing
PRICE_MOVES = 0.02  # standard deviation of the log price from which an elasticity is fitted
LARGEST_ELASTICITY = 8.0


def fit_weekday(season: Season, evidence: Evidence) -> None:
    """Fit the weekday profile, of the pool and of each item."""
    bins = calendar_columns(season.grid)["weekday"]
    sold, expected, variance = evidence.totals(bins, 7)
    found = pool_ratios(sold, expected, variance)
    known = expected.sum(axis=0) > 0
    noise = np.maximum(found.pool_variance, _scatter(evidence, bins, 7))
    pool = np.ones(7)
    pool[known] = drawn_to_one(found.pool[known], noise[known])
    _set_profile(season, "weekday", found.drawn_to(pool), pool, known)
    season.weekday[_closed_door(sold, expected, variance)] = 0.0
    season.own["weekday"] = _own(found, known)


def _scatter(evidence: Evidence, bins: IntArray, count: int) -> FloatArray:
    """Return the variance of each bin's pooled ratio, judged by the days it repeats on."""
    expected = evidence.expected.sum(axis=0)
    full = (
        expected > 0.25 * np.median(expected[expected > 0])
        if (expected > 0).any()
        else expected > 0
    )
    ratio = evidence.sold.sum(axis=0)[full] / expected[full]
    bins = bins[full]
    repeats = np.maximum(1, np.bincount(bins, minlength=count))
    middle = np.bincount(bins, weights=ratio, minlength=count) / repeats
    freedom = max(1, len(ratio) - count)
    return np.asarray(((ratio - middle[bins]) ** 2).sum() / freedom / repeats)


def _closed_door(sold: FloatArray, expected: FloatArray, variance: FloatArray) -> BoolArray:
    """Return True where nothing sold although much was expected: no thin sample, but shut."""
    much = (expected > CLOSED_DOOR) & (expected**2 > CLOSED_DOOR * variance)
    return np.asarray((sold == 0) & much)


def _own(found: Pooled, known: BoolArray) -> FloatArray:
    """Return the mean weight of own sales over the bins that any day shows, (items,)."""
    return found.own @ known / max(1, int(known.sum()))


def _set_profile(
    season: Season, name: str, items: FloatArray, pool: FloatArray, known: BoolArray
) -> None:
    """Store a profile with the mean 1; bins that no day shows count as 1."""
    factors = np.maximum(0.0, np.where(known, items, 1.0))
    setattr(season, name, factors / np.maximum(factors.mean(axis=1, keepdims=True), 1e-9))
    season.pool[name] = np.where(known, pool, 1.0) / np.where(known, pool, 1.0).mean()


def fit_about_pool(
    season: Season, name: str, evidence: Evidence, pool: FloatArray, inflation: float
) -> None:
    """Fit the items' own `months` or `month_days` about the pool's.

    `inflation` is the variance of a bin's total over that of as many independent days.
    """
    sold, expected, variance = evidence.totals(calendar_columns(season.grid)[name], len(pool))
    found = pool_ratios(sold, expected * pool, variance * inflation)
    known = expected.sum(axis=0) > 0
    _set_profile(season, name, pool * found.drawn_to(np.ones(len(pool))), pool, known)
    season.own[name] = _own(found, known)


def fit_year_about_pool(
    season: Season, evidence: Evidence, pool: FloatArray, inflation: float
) -> None:
    """Take one Gauss-Newton step of each item's smooth year about the pool's."""
    if len(season.yearly) == 1:
        season.yearly = pool[None].copy()
    bins = np.minimum((day_of_year(season.grid) - 1) // 5, YEAR_BINS - 1)
    current = Evidence(evidence.sold, evidence.expected * season.year_curve(), evidence.variance)
    sold, expected, variance = current.totals(bins, YEAR_BINS)
    weight = np.divide(expected, variance * inflation, out=np.zeros_like(sold), where=variance > 0)
    waves = year_waves(np.arange(YEAR_BINS) * 5 + 3, len(pool) // 2)  # (bins, coefficients)
    information = np.einsum("ib,bj,bk->ijk", weight * expected, waves, waves)
    information += 1e-3 * np.eye(len(pool))
    push = (weight * (sold - expected)) @ waves
    step = np.linalg.solve(information, push[..., None])[..., 0]
    noise = np.einsum("ijj->ij", np.linalg.inv(information)).copy()
    noise[season.grid.seen.sum(axis=1) < 0.9 * SHORTEST_YEARS * 365.25] = np.inf
    found = pool_estimates(season.yearly + np.clip(step, -1, 1) - pool, noise)
    season.yearly = pool + found.drawn_to(np.zeros(len(pool)))
    season.pool["yearly"] = pool
    season.own["yearly"] = found.own.mean(axis=1)


def fit_holidays_about_pool(season: Season, evidence: Evidence, calendar: PoolCalendar) -> None:
    """Fit each item's multipliers of the pool's holidays.

    The pool's are fitted once more as ratios: the linear fit falls short where doors were shut.
    """
    pool = np.ones(len(season.grid.days))
    for days in calendar.holidays:
        pool[days.on] *= days.effect.multiplier
    expected = evidence.expected * np.maximum(pool, LEAST_HOLIDAY)
    current = Evidence(evidence.sold, expected, evidence.variance)
    holidays, sizes = [], np.ones((len(expected), len(calendar.holidays)))
    for number, days in enumerate(calendar.holidays):
        found = pool_ratios(*current.on(days.on))
        multiplier = max(days.effect.multiplier, LEAST_HOLIDAY)
        sizes[:, number] = multiplier * np.maximum(0.0, found.items[:, 0])
        refined = replace(days.effect, multiplier=multiplier * max(0.0, float(found.pool[0])))
        holidays.append(replace(days, effect=refined))
    season.holidays, season.holiday_sizes = tuple(holidays), sizes


def fit_promotion(season: Season, evidence: Evidence) -> None:
    """Fit the multiplier of promoted days, where promotions are known."""
    promoted = season.grid.promoted
    if promoted is None or not promoted.any():
        return
    found = pool_ratios(*evidence.on(promoted))
    season.promotion = found.items[:, 0]
    season.pool["promotion"] = found.pool
    season.own["promotion"] = found.own[:, 0]


def fit_elasticity(season: Season, evidence: Evidence) -> None:
    """Take one scoring step of the price elasticity, where prices are known and move."""
    price = season.grid.log_price
    if price is None:
        return
    expected = evidence.expected * np.exp(season.elasticity[:, None] * price)
    known = evidence.variance > 0
    weight = np.divide(expected, evidence.variance, out=np.zeros_like(price), where=known)
    moved = np.where(known, price, 0.0)
    information = (weight * expected * moved**2).sum(axis=1)
    information[moved.std(axis=1) < PRICE_MOVES] = 0.0
    known_items = information > 0
    push = (weight * (evidence.sold - expected) * moved).sum(axis=1)
    step = np.divide(push, information, out=np.zeros_like(push), where=known_items)
    noise = np.divide(1.0, information, out=np.full_like(push, np.inf), where=known_items)
    estimate = season.elasticity + np.clip(step, -1, 1)
    estimate = np.clip(estimate, -LARGEST_ELASTICITY, LARGEST_ELASTICITY)
    found = pool_estimates(estimate[:, None], noise[:, None])
    season.elasticity = np.where(known_items, found.items[:, 0], 0.0)
    season.pool["elasticity"] = found.pool
    season.own["elasticity"] = np.where(known_items, found.own[:, 0], 0.0)
