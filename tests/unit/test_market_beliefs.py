"""What the agent believes: sizes learned from sales, unannounced surges, false alarms."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from core_modules.belief_paths import surge_chance, surge_multipliers
from core_modules.market_beliefs import (
    DayEvidence,
    MarketBeliefs,
    ShockPrior,
    kind_prior,
    update_beliefs,
)
from core_modules.market_scenarios import EventKind, MarketEvent, MarketSignal, signals_known

MONDAY = date(2024, 3, 4)


def viral(days: int = 5, **known: object) -> MarketEvent:
    return MarketEvent(
        "v", EventKind.VIRAL, MONDAY, days, demand=3.5, size_told=False, length_told=False, **known
    )


def evidence(sales: float, ran_out: bool = False) -> DayEvidence:
    return DayEvidence(sales=sales, ran_out=ran_out, expected=200, variation=0.3)


def after(days: list[float], signals: list[tuple[MarketSignal, ...]]) -> MarketBeliefs:
    beliefs = MarketBeliefs(ShockPrior())
    for number, (sales, known) in enumerate(zip(days, signals, strict=True)):
        today = MONDAY + timedelta(days=number)
        beliefs = update_beliefs(beliefs, known, today, evidence(sales))
    return beliefs


def test_an_event_of_unknown_size_is_believed_at_its_sales_after_some_days() -> None:
    signals = [signals_known([viral()], MONDAY + timedelta(days=day)) for day in range(4)]
    first, later = after([700], signals[:1]), after([700, 680, 720, 700], signals)
    # 700 against 200 is x3.5; the prior median of a viral event is x3.
    assert 3.0 < first.events[0].expected < 3.6
    assert later.events[0].expected == pytest.approx(3.5, rel=0.08)


def test_a_stockout_day_only_says_that_demand_was_at_least_its_sales() -> None:
    known = signals_known([viral()], MONDAY)
    seen = update_beliefs(MarketBeliefs(ShockPrior()), known, MONDAY, evidence(300))
    hidden = update_beliefs(MarketBeliefs(ShockPrior()), known, MONDAY, evidence(300, ran_out=True))
    assert seen.events[0].expected < 2 < hidden.events[0].expected


def test_a_false_alarm_is_recognised_by_ordinary_sales_and_remembered() -> None:
    alarm = viral(false_alarm=True)
    signals = [signals_known([alarm], MONDAY + timedelta(days=day)) for day in range(6)]
    beliefs = after([200, 190, 210], signals[:3])
    assert beliefs.events[0].expected == pytest.approx(1.0, abs=0.05)
    ended = after([200, 190, 210, 205, 195, 200], signals)
    assert not ended.events
    assert kind_prior(ended, EventKind.VIRAL).reliability < 0.6  # (2 x 0.85) / (2 + 1)


def test_a_past_event_moves_what_is_expected_of_the_next_of_its_kind() -> None:
    signals = [signals_known([viral(days=2)], MONDAY + timedelta(days=day)) for day in range(3)]
    beliefs = after([900, 900, 200], signals)
    prior = kind_prior(beliefs, EventKind.VIRAL)
    assert prior.median > 3.2
    assert prior.days == pytest.approx((2 * 5 + 2) / 3, abs=0.1)


def test_a_surge_that_nobody_announced_is_found_from_sales_alone() -> None:
    beliefs = after([210, 190, 720, 700], [()] * 4)
    assert beliefs.surge_probability > 0.99
    assert beliefs.surge_multiplier == pytest.approx(3.5, rel=0.1)
    assert beliefs.multiplier_to_follow(MONDAY) is None


def test_ordinary_noise_is_no_surge() -> None:
    beliefs = after([200, 290, 120, 260, 240], [()] * 5)
    assert beliefs.surge_probability < 0.05


def test_a_surge_is_forgotten_when_sales_are_ordinary_again() -> None:
    beliefs = after([700, 700, 200, 210], [()] * 4)
    assert beliefs.surge_probability < 0.05


def test_the_hedge_grows_with_the_frequency_of_shocks() -> None:
    chances = [
        surge_chance(MarketBeliefs(ShockPrior().scaled(factor)), 3) for factor in (0, 0.5, 1, 2)
    ]
    assert chances[0] == 0
    assert chances == sorted(chances)
    # Three a year: within 3 days 1 - (1 - 3/365)**3.
    assert chances[2] == pytest.approx(1 - (1 - 3 / 365) ** 3)


def test_a_drawn_surge_begins_within_reach_and_lasts_its_mean_length() -> None:
    prior = ShockPrior(days=6)
    uniforms = np.random.default_rng(1).random((20_000, 4))
    paths = surge_multipliers(MarketBeliefs(prior), 80, 3, uniforms)
    on = paths > 1
    assert np.all(on[:, :3].any(axis=1))
    assert on.sum(axis=1).mean() == pytest.approx(6, rel=0.05)
    assert np.median(paths[on]) == pytest.approx(3.1, rel=0.1)


def test_history_without_shocks_leaves_the_prior_and_shocks_in_it_correct_it() -> None:
    prior = ShockPrior()
    assert prior.learned([], [], 5.0) is prior
    learned = prior.learned([2.0, 2.0], [10, 10], 4.0)
    assert learned.surges_a_year == pytest.approx((2 * 3 + 2) / (2 + 4))
    assert learned.size == pytest.approx((3.1**2 * 2.0**2) ** 0.25)
    assert learned.days == pytest.approx((2 * 6 + 20) / 4)


def test_a_prior_that_is_no_shock_is_refused() -> None:
    with pytest.raises(ValueError, match="size > 1"):
        replace(ShockPrior(), size=0.9)
    with pytest.raises(ValueError, match=">= 0"):
        ShockPrior().scaled(-1)
