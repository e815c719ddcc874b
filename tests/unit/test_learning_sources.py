"""How far signals are believed after those that came before."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_modules.belief_paths import known_effects
from core_modules.learning.signal_sources import SOURCE_WEIGHT, SourceRecord
from core_modules.market_beliefs import (
    DayEvidence,
    MarketBeliefs,
    ShockPrior,
    kind_prior,
    update_beliefs,
)
from core_modules.market_scenarios import EventKind, MarketEvent, signals_known

MONDAY = date(2024, 3, 4)
CALM = MarketBeliefs(ShockPrior(surges_a_year=0))


def alarm(
    first: int, kind: EventKind = EventKind.VIRAL, announced: int | None = None
) -> MarketEvent:
    return MarketEvent(
        f"{kind}-{first}", kind, MONDAY + timedelta(days=first), 4, demand=3.0, announced=announced,
        size_told=False, length_told=False, false_alarm=True,
    )  # fmt: skip


def ordinary_days(beliefs: MarketBeliefs, events: list[MarketEvent], days: range) -> MarketBeliefs:
    for number in days:
        today = MONDAY + timedelta(days=number)
        evidence = DayEvidence(sales=100, ran_out=False, expected=100, variation=0.2)
        beliefs = update_beliefs(beliefs, signals_known(events, today), today, evidence)
    return beliefs


def test_a_sure_false_alarm_counts_once_and_a_true_signal_too() -> None:
    record = SourceRecord().judged(0.85, 0.0).judged(0.85, 1.0)
    assert (record.real, record.empty) == (pytest.approx(1), pytest.approx(1))
    assert record.reliability(0.85) == pytest.approx((2 * 0.85 + 1) / 4)


@given(prior=st.floats(0.05, 0.95), real=st.floats(0, 1))
def test_the_mean_after_a_doubtful_signal_is_that_of_both_ways_it_may_have_been(
    prior: float, real: float
) -> None:
    record = SourceRecord().judged(prior, real)
    expected = (SOURCE_WEIGHT * prior + real) / (SOURCE_WEIGHT + 1)
    assert record.reliability(prior) == pytest.approx(expected, abs=1e-6)
    assert -SOURCE_WEIGHT < record.real + record.empty < 1 + 1e-6


def test_false_alarms_shrink_the_hedge_against_the_next_signal() -> None:
    alarms = [alarm(first) for first in (0, 10, 20, 30)]
    doubted = ordinary_days(CALM, alarms, range(40))
    new = [alarm(40, announced=3)]
    today = MONDAY + timedelta(days=37)
    evidence = DayEvidence(sales=100, ran_out=False, expected=100, variation=0.2)
    uniforms = np.random.default_rng(1).random((2000, 2))
    extra = []
    for beliefs in (CALM, doubted):
        hedged = update_beliefs(beliefs, signals_known(new, today), today, evidence)
        extra.append(known_effects(hedged, today, 4, uniforms).multiplier[:, -1].mean() - 1)
    assert 0 < extra[1] < 0.5 * extra[0]


def test_each_source_is_judged_by_its_own_signals() -> None:
    beliefs = ordinary_days(CALM, [alarm(0), alarm(10)], range(20))
    assert kind_prior(beliefs, EventKind.VIRAL).reliability < 0.5
    assert kind_prior(beliefs, EventKind.CELEBRITY_ENDORSEMENT).reliability == 0.85


def test_a_signal_withdrawn_before_its_day_is_a_false_alarm() -> None:
    announced = [alarm(10, announced=8)]
    heard = ordinary_days(CALM, announced, range(2, 5))
    withdrawn = ordinary_days(heard, [], range(5, 6))
    reliability = kind_prior(withdrawn, EventKind.VIRAL).reliability
    assert reliability == pytest.approx(2 * 0.85 / 3)


def test_a_signal_that_was_true_once_or_false_once_is_worth_the_beta_mean() -> None:
    assert SourceRecord(real=8, empty=0).reliability(0.85) == pytest.approx(9.7 / 10)
    assert SourceRecord(real=0, empty=8).reliability(0.85) == pytest.approx(1.7 / 10)
