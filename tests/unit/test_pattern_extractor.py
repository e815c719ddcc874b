"""Extraction finds again what generation put in, within the error that chance allows.

The tolerances are four standard errors, worked beside each: with n days of relative standard
deviation s, a mean is known to s / sqrt(n).
"""

import math
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from core_modules.demand_pattern import DemandClass, DemandPattern, LevelStep, Memory
from core_modules.pattern_extractor import (
    ExtractionSettings,
    extract_pattern,
    extract_patterns,
)
from core_modules.patterns.expected_demand import expected_demand
from core_modules.patterns.pattern_fit import fit_grid
from core_modules.patterns.pattern_grid import sales_grid
from core_modules.patterns.pattern_table import extract_report, pattern_table
from core_modules.sales_history import SalesDataError, SalesHistory
from core_modules.synthetic_generator import demo_pattern, generate_demand

FIRST, DAYS = date(2019, 1, 1), 1826  # five years
DATES = np.datetime64(FIRST) + np.arange(DAYS)
SPREAD = 0.3  # relative standard deviation of Electronics


def sales(pattern: DemandPattern, seed: int, items: int = 1, days: int = DAYS) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    sold = generate_demand([pattern] * items, None, FIRST, days, 1, rng)[:, 0]
    return long_frame(sold, FIRST)


def long_frame(sold: np.ndarray, first: date, **columns: np.ndarray) -> pd.DataFrame:
    items, days = sold.shape
    frame = pd.DataFrame(
        {
            "unique_id": np.repeat([f"item {number:03d}" for number in range(items)], days),
            "ds": np.tile(pd.date_range(first, periods=days, unit="us"), items),
            "y": sold.ravel().astype(np.float64),
        }
    )
    for name, values in columns.items():
        frame[name] = values
    return frame.astype({"unique_id": "str"})


def history(
    frame: pd.DataFrame, *, quantity: str = "units", closed: pd.DatetimeIndex | None = None
) -> SalesHistory:
    none = pd.DatetimeIndex([], dtype="datetime64[us]")
    return SalesHistory(frame, "D", "test", "00", {}, none if closed is None else closed, quantity)


def steady(level: float, **parts: object) -> DemandPattern:
    """Return a pattern without seasons."""
    plain = DemandPattern("steady", demo_pattern("Sports").provenance, (LevelStep(FIRST, level),))
    return replace(plain, **parts)


@pytest.fixture(scope="module")
def found() -> DemandPattern:
    return extract_pattern(sales(demo_pattern("Electronics"), 1), name="Electronics")


def test_the_level_is_found_again(found: DemandPattern) -> None:
    # 0.3 / sqrt(1826) = 0.7 %; the calendar's factors share the blame for about as much again.
    assert found.level == pytest.approx(demo_pattern("Electronics").level, rel=0.03)
    assert found.changepoints == ()
    assert found.growth == 0


def test_the_weekday_profile_is_found_again(found: DemandPattern) -> None:
    # 261 days of each weekday: 0.3 / sqrt(261) = 1.9 % of a factor of up to 1.32.
    truth = np.array(demo_pattern("Electronics").weekday)
    assert np.array(found.weekday) == pytest.approx(truth, abs=4 * 0.019 * 1.32)
    assert sum(found.weekday) == pytest.approx(7, abs=1e-4)


def test_the_yearly_swing_and_august_are_found_again(found: DemandPattern) -> None:
    # What the smooth year leaves to the months is a matter of taste: together they count. A month
    # has 150 days: 0.3 / sqrt(150) = 2.4 % of a factor of up to 1.4, and the pull to the mean.
    # November to January share their days with the seasons of the trade.
    ordinary = slice(1, 10)
    truth = months_of(demo_pattern("Electronics"))
    assert months_of(found)[ordinary] == pytest.approx(truth[ordinary], abs=4 * 0.034)
    july, august, september = months_of(found)[6:9]
    assert august > max(july, september)


def months_of(pattern: DemandPattern) -> np.ndarray:
    """Return the factor of each month, holidays and weekdays apart."""
    calm = replace(pattern, holidays=(), weekday=(1.0,) * 7, month_days=(1.0,) * 31)
    months = DATES.astype("datetime64[M]").astype(int) % 12
    mean = np.bincount(months, weights=expected_demand(calm, DATES)) / np.bincount(months)
    return mean / mean.mean()


def test_the_seasons_of_the_trade_are_found_again(found: DemandPattern) -> None:
    truth = {effect.name: effect for effect in demo_pattern("Electronics").holidays}
    sizes = {effect.name: effect.multiplier for effect in found.holidays}
    assert set(sizes) == set(truth)
    for name, effect in truth.items():
        # Five times its days, and the month about it as unsure: twice the error of its own mean.
        error = 2 * SPREAD / math.sqrt(5 * effect.days)
        assert sizes[name] == pytest.approx(effect.multiplier, rel=4 * error), name


def test_the_expected_days_are_found_again(found: DemandPattern) -> None:
    # Some 60 factors fitted to 1,826 days leave an error of 0.3 * sqrt(60 / 1826) = 5.4 % a day,
    # 4.3 % in absolute value (times sqrt(2 / pi)).
    truth = expected_demand(demo_pattern("Electronics"), DATES)
    error = np.abs(expected_demand(found, DATES) - truth).sum() / truth.sum()
    assert error < 0.06


def test_the_dispersion_is_found_again(found: DemandPattern) -> None:
    # The standard error of a variance is sqrt(2 / 1826) = 3.3 % of it; 3 % go into the fit.
    assert found.dispersion == pytest.approx(demo_pattern("Electronics").dispersion, rel=0.17)
    assert found.extra_zeros == 0
    assert found.memory == Memory()
    assert found.demand_class is DemandClass.SMOOTH


def test_provenance_tells_where_the_pattern_comes_from() -> None:
    frame = sales(steady(5), 2, items=2, days=100)
    patterns = extract_patterns(history(frame), settings=ExtractionSettings(country="US"))
    source = patterns[0].provenance
    assert (source.source, source.digest, source.items) == ("test", "00", 1)
    assert (source.first_day, source.last_day) == (FIRST, FIRST + timedelta(days=99))
    assert source.observations == 100
    assert source.settings["country"] == "US"


def test_the_fit_expects_what_the_pattern_expects() -> None:
    frame = sales(demo_pattern("Groceries"), 3, items=2)
    grid = sales_grid(frame)
    fit = fit_grid(grid, ExtractionSettings(), continuous=False)
    for row, pattern in enumerate(extract_patterns(history(frame))):
        # Patterns keep six digits.
        assert expected_demand(pattern, DATES) == pytest.approx(fit.expected[row], rel=1e-4)


def test_shifts_of_the_level_are_found_with_their_day() -> None:
    # Weeks of 7 * 163 units with a standard deviation of 0.3 * 163 * sqrt(7): a shift by 30 % is
    # 2.6 weekly standard deviations: its week is known to within a few, less well beside a season.
    base = demo_pattern("Electronics")
    steps = (
        LevelStep(FIRST, base.level * 0.7),
        LevelStep(date(2020, 3, 1), base.level),
        LevelStep(date(2022, 3, 1), base.level * 0.7),
    )
    pattern = extract_pattern(sales(replace(base, steps=steps), 4))
    assert len(pattern.steps) == 3
    for step, truth in zip(pattern.steps, steps, strict=True):
        assert abs((step.start - truth.start).days) <= 42
        # Two years of days: 0.3 / sqrt(700) = 1.1 %, and as much for the calendar.
        assert step.level == pytest.approx(truth.level, rel=0.08)


def test_steady_growth_is_found_as_growth() -> None:
    pattern = extract_pattern(sales(steady(100, growth=0.2, dispersion=0.05), 5))
    # The slope over five years: 0.25 / (sqrt(1826) * 1.44 years) = 0.004.
    assert pattern.growth == pytest.approx(0.2, abs=0.02)
    assert pattern.changepoints == ()
    assert pattern.level == pytest.approx(100, rel=0.05)


def test_memory_is_found_again() -> None:
    truth = Memory(0.5, 0.7)
    pattern = extract_pattern(sales(steady(60, dispersion=0.2, memory=truth), 6))
    # Correlations over 1,826 days have a standard error of 0.023, more with memory.
    for lag in (1, 2, 3):
        found = pattern.memory.strength * pattern.memory.decay**lag
        assert found == pytest.approx(0.5 * 0.7**lag, abs=0.1)


def test_seldom_demand_is_found_again() -> None:
    truth = steady(0.4, dispersion=1.5)
    sold = sales(truth, 7, items=40)
    patterns = extract_patterns(history(sold))
    # 730 units an item: the mean is known to sqrt((0.4 + 1.5 * 0.16) / 0.16 / 1826) = 4.7 %.
    assert np.mean([pattern.level for pattern in patterns]) == pytest.approx(0.4, rel=0.03)
    spread = np.array([pattern.dispersion for pattern in patterns])
    assert spread.mean() == pytest.approx(1.5, rel=0.1)
    zero = (1 + 1.5 * 0.4) ** (-1 / 1.5)  # of a negative binomial
    assert np.mean([pattern.zero_share for pattern in patterns]) == pytest.approx(zero, abs=0.01)
    assert {pattern.demand_class for pattern in patterns} <= {
        DemandClass.INTERMITTENT,
        DemandClass.LUMPY,
    }


def test_extra_zeros_are_told_from_dispersion() -> None:
    # Poisson with a mean of 10 where it sells has no zeros (exp(-10)), so 30 % zeros are extra.
    pattern = extract_pattern(sales(steady(7.0, extra_zeros=0.3), 8))
    assert pattern.extra_zeros == pytest.approx(0.3, abs=4 * math.sqrt(0.21 / DAYS))
    assert pattern.dispersion < 0.02


def test_thin_items_take_their_week_from_the_pool() -> None:
    weekday = demo_pattern("Sports").weekday
    patterns = extract_patterns(
        history(sales(steady(0.5, weekday=weekday, dispersion=1.0), 9, items=60, days=730))
    )
    # Pooled, 6,240 days a weekday of relative standard deviation sqrt(1 / 0.5 + 1) = 1.7: 2.2 %.
    for pattern in patterns:
        assert np.array(pattern.weekday) == pytest.approx(np.array(weekday), abs=4 * 0.03)
        assert "weekday" in pattern.pooled


def test_large_items_keep_a_week_of_their_own() -> None:
    flat, peaked = steady(100.0), steady(100.0, weekday=(0.5,) * 5 + (2.25, 2.25))
    sold = np.concatenate(
        [generate_demand([p] * 5, None, FIRST, 730, 1, np.random.default_rng(10))[:, 0]
         for p in (flat, peaked)]
    )  # fmt: skip
    patterns = extract_patterns(history(long_frame(sold, FIRST)))
    # Poisson with 104 days a weekday: 0.1 / sqrt(104) = 1 %, up to 1.5 % of a factor of 0.5.
    assert np.array(patterns[0].weekday) == pytest.approx(np.ones(7), abs=0.06)
    assert patterns[9].weekday[6] == pytest.approx(2.25, abs=0.12)
    assert "weekday" not in patterns[9].pooled


def test_a_surge_is_found_with_its_day_length_and_size() -> None:
    sold = sales(steady(50, dispersion=0.05), 11, days=900)
    sold.loc[400:404, "y"] *= 4
    pattern = extract_pattern(sold)
    (shock,) = pattern.shocks
    assert abs((shock.start - (FIRST + timedelta(days=400))).days) <= 1
    assert 4 <= shock.days <= 6
    assert shock.multiplier == pytest.approx(4, rel=0.25)
    assert pattern.level == pytest.approx(50, rel=0.04)


def test_weeks_without_a_sale_are_a_gap_and_leave_the_level_alone() -> None:
    sold = sales(steady(8, dispersion=0.2), 12, days=900)
    sold.loc[300:320, "y"] = 0
    pattern = extract_pattern(sold)
    (shock,) = pattern.shocks
    assert shock.multiplier < 0.1
    assert shock.days == pytest.approx(21, abs=2)
    # 0.57 / sqrt(880) = 1.9 %.
    assert pattern.level == pytest.approx(8, rel=0.08)


def test_chance_alone_makes_no_surge() -> None:
    # 60 items over 5 years; measured on shipped patterns: one false surge in 1,000 item-years.
    patterns = extract_patterns(history(sales(steady(3, dispersion=0.8), 13, items=60)))
    assert sum(shock.multiplier > 1 for p in patterns for shock in p.shocks) <= 3


def test_promotions_are_told_from_the_level() -> None:
    rng = np.random.default_rng(14)
    promoted = rng.random(900) < 0.2
    sold = rng.poisson(np.where(promoted, 30.0, 20.0))[None]
    pattern = extract_pattern(long_frame(sold, FIRST, promo=promoted.astype(float)))
    # 180 promoted days of a mean of 30: 1 / sqrt(5400) = 1.4 %, and 0.8 % for the others.
    assert pattern.promotion == pytest.approx(1.5, rel=4 * 0.016)
    assert pattern.level == pytest.approx(20, rel=0.04)


def test_the_price_elasticity_is_found_again() -> None:
    rng = np.random.default_rng(15)
    price = 10 * np.exp(rng.normal(0, 0.1, 900))
    sold = rng.poisson(40 * (price / 10) ** -2.0)[None]
    pattern = extract_pattern(long_frame(sold, FIRST, price=price))
    # 1 / sqrt(900 * 40 * 0.1**2) = 0.053.
    assert pattern.price_elasticity == pytest.approx(-2.0, abs=0.22)


def test_days_out_of_stock_say_nothing() -> None:
    rng = np.random.default_rng(16)
    sold = rng.poisson(10, (1, 600)).astype(float)
    in_stock = np.arange(600) % 3 > 0
    sold[0, ~in_stock] = 0
    pattern = extract_pattern(long_frame(sold, FIRST, in_stock=in_stock))
    assert pattern.level == pytest.approx(10, rel=4 / math.sqrt(10 * 400))
    assert pattern.zero_share < 0.01


def test_closed_weekdays_and_holidays_are_closed_in_the_pattern() -> None:
    frame = sales(steady(20), 17, days=1000)
    ds = frame["ds"]
    shut = (ds.dt.day_of_week == 6) | ((ds.dt.month == 12) & (ds.dt.day == 25))
    frame.loc[shut, "y"] = 0.0
    closed = pd.DatetimeIndex(ds[shut]).as_unit("us")
    (pattern,) = extract_patterns(history(frame, closed=closed))
    assert pattern.weekday[6] == 0
    expected = expected_demand(pattern, ["2026-12-25", "2026-12-24", "2026-12-27"])
    assert expected[0] == expected[2] == 0  # Christmas, and a Sunday
    assert expected[1] == pytest.approx(20, rel=0.1)


def test_a_group_is_its_typical_item() -> None:
    small, large = (sales(steady(level, dispersion=0.3), 18, items=5, days=730) for level in (2, 6))
    large["unique_id"] = "large " + large["unique_id"]
    frame = pd.concat([small, large], ignore_index=True)
    frame["category"] = pd.Series("toys", index=frame.index, dtype="str")
    (pattern,) = extract_patterns(history(frame), "category")
    assert pattern.name == "toys"
    assert pattern.provenance.items == 10
    # 7,300 days in all, of relative standard deviation below 0.9: 1 %.
    assert pattern.level == pytest.approx(4, rel=0.05)
    assert pattern.dispersion == pytest.approx(0.3, rel=0.15)
    assert extract_patterns(history(frame), "all")[0].name == "test"


def test_an_unknown_group_is_named_with_those_there_are() -> None:
    frame = sales(steady(2), 19, days=50)
    frame["store"] = pd.Series("TX", index=frame.index, dtype="str")
    with pytest.raises(SalesDataError, match="no group column 'category'; found store"):
        extract_patterns(history(frame), "category")


def test_money_gives_its_coefficient_of_variation() -> None:
    rng = np.random.default_rng(20)
    turnover = rng.gamma(25, 240, (1, 900))  # mean 6,000, variation 1 / 25
    (pattern,) = extract_patterns(history(long_frame(turnover, FIRST), quantity="money"))
    assert pattern.level == pytest.approx(6000, rel=0.03)
    assert pattern.dispersion == pytest.approx(1 / 25, rel=4 * math.sqrt(2 / 900))
    assert pattern.quantity == "money"


@pytest.mark.parametrize(
    "sold",
    [
        [3],
        [0] * 100,
        [0] * 50 + [1] + [0] * 400,
        [5] * 800,
        [50_000] * 100,
        np.floor(np.exp(np.arange(800) / 60)).tolist(),
    ],
    ids=["one day", "nothing", "one sale", "constant", "constant and large", "exploding"],
)
def test_odd_series_give_a_pattern_all_the_same(sold: list[float]) -> None:
    frame = long_frame(np.array([sold], dtype=float), FIRST)
    for by in ("item", "all"):
        (pattern,) = extract_patterns(history(frame), by)
        assert DemandPattern.from_json(pattern.to_json()) == pattern
        assert np.all(np.isfinite(expected_demand(pattern, DATES)))
    assert len(pattern_table([pattern])) == 1


def test_weekly_sales_give_weekly_patterns() -> None:
    rng = np.random.default_rng(21)
    frame = long_frame(rng.poisson(20, (1, 150)), FIRST)
    frame["ds"] = pd.date_range("2022-01-03", periods=150, freq="7D", unit="us")
    weekly = replace(history(sales(steady(1), 1, days=5)), frame=frame, freq="W")
    (pattern,) = extract_patterns(weekly)
    assert pattern.freq == "W"
    assert pattern.weekday == (1.0,) * 7
    assert pattern.level == pytest.approx(20, rel=4 / math.sqrt(150 * 20))


def test_the_same_sales_give_the_same_bytes() -> None:
    frame = sales(demo_pattern("Sports"), 22, items=3, days=800)
    first, second = (
        [pattern.to_json() for pattern in extract_patterns(history(frame))] for _ in range(2)
    )
    assert first == second


def test_the_report_has_a_row_for_every_pattern() -> None:
    report = extract_report(history(sales(demo_pattern("Sports"), 23, items=3, days=400)))
    assert report["name"].tolist() == ["item 000", "item 001", "item 002"]
    assert report["week"].str.startswith("Sat x").all()
    assert (report["class"] == "smooth").all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"yearly_order": -1}, "yearly_order must be >= 0"),
        ({"changepoint_penalty": 0.0}, "changepoint_penalty must be > 0"),
        ({"surge_threshold": float("nan")}, "surge_threshold must be > 0"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ExtractionSettings(**settings)
