"""Generated demand follows its pattern, and luck is the same under every scenario."""

import math
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from scipy.special import ndtri

from core_modules.demand_pattern import (
    DemandPattern,
    HolidayEffect,
    LevelStep,
    Memory,
    Provenance,
)
from core_modules.market_scenarios import (
    EventKind,
    MarketEvent,
    ScenarioEffects,
    scenario_effects,
)
from core_modules.reference_demand import DEMO_CATEGORIES, demo_mean
from core_modules.scenario_calendars import calendar_events
from core_modules.synthetic_generator import (
    demo_history,
    demo_pattern,
    expected_demand,
    generate_demand,
    reference_demand,
    reference_mean,
    uniforms_with_memory,
)

START = date(2024, 1, 1)  # a Monday
FIRST, LAST = date(2019, 1, 1), date(2023, 12, 31)


def flat(level: float = 10.0, **parts: object) -> DemandPattern:
    source = Provenance("test", "", FIRST, LAST, 1, 0)
    pattern = DemandPattern("flat", source, (LevelStep(FIRST, level),))
    return replace(pattern, **parts)


def viral(demand: float) -> ScenarioEffects:
    event = MarketEvent("e", EventKind.VIRAL, date(2024, 1, 10), 5, demand=demand)
    return scenario_effects([event], START, 60)


def days(first: str, last: str) -> np.ndarray:
    return np.arange(first, last, dtype="datetime64[D]")


def test_demand_is_whole_units_of_items_paths_and_days() -> None:
    demand = generate_demand([flat(), flat(3)], None, START, 60, 20, np.random.default_rng(0))
    assert demand.shape == (2, 20, 60)
    assert demand.dtype == np.int64
    assert demand.min() >= 0


def test_the_same_seed_gives_the_same_demand() -> None:
    first, second = (
        generate_demand([flat()], None, START, 60, 20, np.random.default_rng(7)) for _ in range(2)
    )
    assert np.array_equal(first, second)


@pytest.mark.parametrize("memory", [Memory(), Memory(0.5, 0.8)])
@pytest.mark.parametrize("zeros", [0.0, 0.3])
def test_an_event_never_takes_demand_from_a_path_it_gives_to(memory: Memory, zeros: float) -> None:
    pattern = flat(memory=memory, extra_zeros=zeros, dispersion=0.4)
    calm, busy = (
        generate_demand([pattern], effects, START, 60, 200, np.random.default_rng(3))
        for effects in (viral(1.0), viral(3.0))
    )
    acting = slice(9, 14)
    assert np.all(busy[..., acting] >= calm[..., acting])
    assert busy[..., acting].mean() == pytest.approx(3 * calm[..., acting].mean(), rel=0.1)
    untouched = np.r_[0:9, 14:60]
    assert np.array_equal(busy[..., untouched], calm[..., untouched])


def test_an_items_luck_does_not_depend_on_the_items_after_it() -> None:
    alone = generate_demand([flat()], None, START, 60, 20, np.random.default_rng(5))
    first = generate_demand([flat(), flat(99)], None, START, 60, 20, np.random.default_rng(5))
    assert np.array_equal(alone[0], first[0])


def test_each_item_may_have_its_own_events() -> None:
    demand = generate_demand(
        [flat(), flat()], [viral(1.0), viral(5.0)], START, 60, 500, np.random.default_rng(5)
    )
    # 2,500 item-days of a Poisson mean of 10: standard error 3.2 / 50 = 0.06.
    assert demand[0, :, 9:14].mean() == pytest.approx(10, abs=0.3)
    assert demand[1, :, 9:14].mean() == pytest.approx(50, abs=0.6)


def test_mean_and_variance_are_those_of_the_pattern() -> None:
    # 100,000 days, mean 10 and variance 10 + 0.5 * 100 = 60: standard error of the mean
    # sqrt(60 / 100,000) = 0.025; of the variance, with an excess kurtosis of 6 * 0.5 + 1 / 60,
    # sqrt((3.02 + 2) / 100,000) = 0.7 % of it.
    demand = generate_demand([flat(dispersion=0.5)], None, START, 100, 1000, _rng())[0]
    assert demand.mean() == pytest.approx(10, abs=0.1)
    assert demand.var() == pytest.approx(60, rel=0.03)


def test_extra_zeros_leave_the_mean_alone() -> None:
    # A share of 0.4 sells nothing, the rest is Poisson with a mean of 2 / 0.6 = 3.33, itself zero
    # in exp(-3.33) = 3.6 % of days: 0.4 + 0.6 * 0.0357 = 0.421 zeros, standard error 0.0016.
    demand = generate_demand([flat(2.0, extra_zeros=0.4)], None, START, 100, 1000, _rng())[0]
    assert (demand == 0).mean() == pytest.approx(0.4 + 0.6 * math.exp(-2 / 0.6), abs=0.007)
    assert demand.mean() == pytest.approx(2, abs=0.03)


def test_uniforms_have_the_memory_asked_for_from_the_first_day_on() -> None:
    scores = ndtri(uniforms_with_memory(Memory(0.4, 0.8), 4000, 60, _rng()))
    assert scores.std(axis=0) == pytest.approx(np.ones(60), abs=0.05)
    for lag in (1, 2, 7):
        # Standard error below 1 / sqrt(4000) = 0.016, and far less over all days.
        found = (scores[:, lag:] * scores[:, :-lag]).mean(axis=0)
        assert found.mean() == pytest.approx(0.4 * 0.8**lag, abs=0.02)
        assert found[0] == pytest.approx(0.4 * 0.8**lag, abs=0.08)


def test_full_memory_is_a_plain_autoregression() -> None:
    scores = ndtri(uniforms_with_memory(Memory(1.0, 0.9), 2000, 40, _rng()))
    fresh = scores[:, 1:] - 0.9 * scores[:, :-1]
    assert fresh.var() == pytest.approx(1 - 0.81, rel=0.05)
    assert np.corrcoef(fresh[:, 1:].ravel(), fresh[:, :-1].ravel())[0, 1] == pytest.approx(
        0, abs=0.02
    )


def test_levels_hold_from_their_changepoint_and_growth_only_within_the_history() -> None:
    steps = (LevelStep(FIRST, 10.0), LevelStep(date(2023, 1, 1), 20.0))
    pattern = flat(steps=steps, growth=0.1)
    mean = expected_demand(pattern, days("2018-12-31", "2024-01-03"))
    assert mean[0] == mean[1] == pytest.approx(10 * math.exp(-0.1 * 1825 / 365.25))
    assert mean[-1] == mean[-2] == mean[-3] == 20.0
    jump = int((np.datetime64("2023-01-01") - np.datetime64("2018-12-31")).astype(int))
    assert mean[jump] / mean[jump - 1] == pytest.approx(2, rel=0.001)


def test_holidays_move_with_their_rule() -> None:
    friday = HolidayEffect("Thanksgiving", "11/thu/4", 1, 1, 5.0)
    mean = expected_demand(flat(holidays=(friday,)), days("2024-01-01", "2026-01-01"))
    assert days("2024-01-01", "2026-01-01")[mean == 50.0].astype(str).tolist() == [
        "2024-11-29",
        "2025-11-28",
    ]


def test_weekly_patterns_step_by_weeks_and_have_no_weekdays() -> None:
    pattern = flat(freq="W", weekday=(0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 4.0))
    demand = generate_demand([pattern], None, START, 30, 500, _rng())
    assert demand.mean() == pytest.approx(10, abs=0.15)  # standard error sqrt(10 / 15,000) = 0.026


@pytest.mark.parametrize(
    ("length", "paths", "message"),
    [(0, 1, "days and paths must be >= 1"), (5, 0, "days and paths must be >= 1")],
)
def test_no_days_or_paths_are_refused(length: int, paths: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        generate_demand([flat()], None, START, length, paths, _rng())
    with pytest.raises(ValueError, match=message):
        reference_demand(None, START, length, paths, _rng())


def test_effects_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="effects cover 60 days, not 30"):
        generate_demand([flat()], viral(2.0), START, 30, 1, _rng())
    with pytest.raises(ValueError, match="one or 2, one an item, got 1"):
        generate_demand([flat(), flat()], [viral(2.0)], START, 60, 1, _rng())


def test_the_reference_year_sells_what_the_demo_sold() -> None:
    # original_demo.md: about 45,900 units in 180 days under the calendar `original`.
    effects = scenario_effects(calendar_events("original", START, 180, _rng()), START, 180)
    mean = reference_mean(START, 180) * effects.demand_multiplier
    assert mean.sum() == pytest.approx(45_900, rel=0.005)
    # Standard error of the mean of 400 sums: 0.3 * sqrt(sum of squares) / 20 = 70 units at most.
    demand = reference_demand(effects, START, 180, 400, _rng())
    assert demand.shape == (1, 400, 180)
    assert demand.sum(axis=2).mean() == pytest.approx(mean.sum(), abs=300)


def test_the_reference_year_scatters_by_30_percent_of_its_mean() -> None:
    demand = reference_demand(None, START, 180, 2000, _rng())[0]
    # Relative standard error of a standard deviation from 2,000 draws: 1.6 %, over 180 days 0.1 %.
    assert (demand.std(axis=0) / reference_mean(START, 180)).mean() == pytest.approx(0.3, abs=0.004)


def test_reference_days_are_those_worked_by_hand() -> None:
    # 6 April 2024 is a Saturday and day 97: 180 (1 + 0.3 sin(2 pi 97 / 365)) 1.4 * 1.3 = 425.3.
    assert reference_mean(date(2024, 4, 6), 1)[0] == pytest.approx(425.3, abs=0.1)


@pytest.mark.parametrize("category", DEMO_CATEGORIES)
def test_a_demo_pattern_expects_what_the_demo_did(category: str) -> None:
    dates = days("2019-01-01", "2024-01-01")
    found = expected_demand(demo_pattern(category), dates)
    # The pattern's three waves stand for 1 + 0.2 sin, whose logarithm has more.
    assert found == pytest.approx(demo_mean(category, dates), rel=2e-4)


def test_demo_days_are_those_worked_by_hand() -> None:
    # 27 November 2021 is a Saturday and day 331: 150 (1 + 0.2 sin(2 pi 331 / 365)) 2.5 * 1.4.
    swing = 1 + 0.2 * math.sin(2 * math.pi * 331 / 365)
    assert demo_mean("Electronics", ["2021-11-27"])[0] == pytest.approx(150 * swing * 2.5 * 1.4)
    # 7 January 2019 is a Monday and day 7.
    swing = 1 + 0.2 * math.sin(2 * math.pi * 7 / 365)
    assert demo_mean("Sports", ["2019-01-07"])[0] == pytest.approx(80 * swing * 0.6 * 0.8)


def test_the_demo_history_is_five_years_of_whole_units_about_the_demo_mean() -> None:
    history = demo_history("Electronics", _rng())
    assert str(history["ds"].iloc[0].date()) == "2019-01-01"
    assert str(history["ds"].iloc[-1].date()) == "2023-12-31"
    assert set(history["unique_id"]) == {"Electronics_DEMO_ITEM"}
    sold = history["y"].to_numpy()
    assert np.array_equal(sold, np.floor(sold))
    left = sold - demo_mean("Electronics", history["ds"].to_numpy())
    # Standard deviation 0.3 * 150 = 45; standard errors 45 / sqrt(1826) = 1.1 and 1.7 %.
    assert left.mean() == pytest.approx(0, abs=4)
    assert left.std() == pytest.approx(45, rel=0.07)


def test_an_unknown_category_is_named() -> None:
    with pytest.raises(ValueError, match=r"category must be one of Electronics, .* got 'Toys'"):
        demo_pattern("Toys")


def _rng() -> np.random.Generator:
    return np.random.default_rng(11)
