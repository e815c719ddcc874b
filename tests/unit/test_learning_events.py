"""What past events teach of the next of their kind."""

import json
from dataclasses import asdict, replace
from datetime import date, timedelta

import numpy as np
import pytest

from core_modules.learning.event_kinds import (
    OWN_SHARE,
    Experience,
    KindPrior,
    kind_posterior,
)
from core_modules.learning.event_lessons import SizeBelief, lesson_of
from core_modules.learning.lesson_sharing import share_lessons
from core_modules.market_beliefs import (
    DayEvidence,
    MarketBeliefs,
    ShockPrior,
    kind_believed,
    kind_prior,
    update_beliefs,
)
from core_modules.market_scenarios import EventKind, MarketEvent, signal_of, signals_known
from core_modules.plain_json import plain

MONDAY = date(2024, 3, 4)
PRIOR = KindPrior(median=3.0, spread=0.4, days=5)
CALM = MarketBeliefs(ShockPrior(surges_a_year=0))


def seen(*multipliers: float, days: float = 5) -> Experience:
    logs = np.log(multipliers)
    count = float(len(multipliers))
    return Experience(count, count, float(logs.sum()), float(logs @ logs), count * days)


def viral(event_id: str, first: int, days: int, demand: float, **known: object) -> MarketEvent:
    told = {"size_told": False, "length_told": False, **known}
    start = MONDAY + timedelta(days=first)
    return MarketEvent(event_id, EventKind.VIRAL, start, days, demand=demand, **told)


def after(beliefs: MarketBeliefs, events: list[MarketEvent], days: int) -> MarketBeliefs:
    """Live through days of exact demand, 100 units times what the events do."""
    for number in range(days):
        today = MONDAY + timedelta(days=number)
        on = [one for one in events if one.start <= today <= one.last_day and not one.false_alarm]
        sales = 100.0 * np.prod([one.demand for one in on])
        evidence = DayEvidence(sales=sales, ran_out=False, expected=100, variation=0.2)
        beliefs = update_beliefs(beliefs, signals_known(events, today), today, evidence)
    return beliefs


def test_the_prior_counts_for_two_events() -> None:
    believed = kind_posterior(PRIOR, seen(1.5, days=2))
    assert believed.median == pytest.approx((3.0**2 * 1.5) ** (1 / 3))
    assert believed.mean_days == pytest.approx((2 * 5 + 2) / 3)


def test_many_events_teach_size_spread_and_length() -> None:
    rng = np.random.default_rng(1)
    believed = kind_posterior(PRIOR, seen(*np.exp(rng.normal(0.5, 0.15, 400)), days=9))
    assert believed.mean == pytest.approx(0.5, abs=0.03)
    assert believed.spread == pytest.approx(0.15, rel=0.15)
    assert believed.mean_days == pytest.approx(9, rel=0.02)


def test_one_surprise_makes_the_next_size_less_certain() -> None:
    assert kind_posterior(PRIOR, seen(1.1)).spread > kind_posterior(PRIOR, seen(3.0)).spread


def test_other_items_events_never_outweigh_an_item_s_own() -> None:
    events = Experience(1e6, 1e6, 1e6 * np.log(2.0), 1e6 * np.log(2.0) ** 2, 1e6 * 5)
    believed = kind_posterior(PRIOR, elsewhere=events)
    assert believed.median == pytest.approx(2.0, rel=1e-4)
    assert believed.weight == pytest.approx(1 / OWN_SHARE, rel=1e-4)
    # Four events' worth of others at x2 against four of its own at x4: the middle.
    own = kind_posterior(PRIOR, seen(4.0, 4.0, 4.0, 4.0), events)
    assert own.median == pytest.approx(8**0.5, rel=1e-3)


def test_drawn_lengths_have_the_believed_mean_and_outlast_the_event_s_age() -> None:
    believed = kind_posterior(PRIOR, seen(3.0, 3.0, days=8))
    uniforms = (np.arange(20_000) + 0.5) / 20_000
    lengths = believed.lengths_after(0, uniforms)
    # Whole days: rounding up adds half a day; (2 x 5 + 2 x 8) / 4 = 6.5.
    assert lengths.mean() == pytest.approx(6.5 + 0.5, rel=0.02)
    assert believed.lengths_after(30, uniforms).min() >= 31
    assert believed.lengths_after(4000, uniforms).min() >= 4001


def test_an_event_whose_days_showed_nothing_teaches_no_size() -> None:
    belief = SizeBelief(real=0.85, mean=1.1, variance=0.16)
    signal = signal_of(viral("a", 0, 3, 2.0))
    lesson = lesson_of(signal, MONDAY + timedelta(days=3), belief, belief, kind_posterior(PRIOR))
    assert lesson.felt.weight == 0
    assert lesson.felt.days == pytest.approx(0.85 * 3)


def test_what_the_kind_itself_said_of_an_event_is_not_learned_from_it() -> None:
    # Sales alone said log 2 with variance 0.1: believed halfway from the prior's log 4.
    before, after = SizeBelief(1.0, np.log(4), 0.1), SizeBelief(1.0, np.log(8) / 2, 0.05)
    signal = signal_of(viral("a", 0, 3, 2.0))
    felt = lesson_of(signal, MONDAY + timedelta(days=3), before, after, kind_posterior(PRIOR)).felt
    assert felt.log_sizes / felt.weight == pytest.approx(np.log(2))


def test_a_size_that_was_told_is_learned_from() -> None:
    event = viral("a", 0, 4, 1.5, size_told=True)
    assert kind_prior(after(CALM, [event], 6), EventKind.VIRAL).median < 2.6


def test_an_event_on_supply_alone_teaches_its_length_and_no_false_alarm() -> None:
    event = replace(
        viral("a", 0, 20, 1.0, size_told=True), kind=EventKind.SUPPLY_DISRUPTION, lead_time_extra=2
    )
    prior = kind_prior(after(CALM, [event], 22), EventKind.SUPPLY_DISRUPTION)
    assert prior.reliability == 1
    assert prior.days == pytest.approx((2 * 10 + 20) / 3)
    assert prior.median == pytest.approx(0.8)


def test_beliefs_approach_the_truth_event_by_event() -> None:
    events = [viral(f"v{number}", 20 * number, 9, 1.6) for number in range(8)]
    errors, beliefs = [], CALM
    for count in (0, 1, 3, 8):
        beliefs = after(CALM, events[:count], 20 * count)
        errors.append(abs(np.log(kind_prior(beliefs, EventKind.VIRAL).median / 1.6)))
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.2
    assert kind_prior(beliefs, EventKind.VIRAL).days == pytest.approx((2 * 5 + 8 * 9) / 10, abs=0.1)


def test_an_event_elsewhere_teaches_once_and_only_those_that_missed_it() -> None:
    felt = after(CALM, [viral("v", 0, 4, 1.5)], 5)
    missed = after(CALM, [], 5)
    first, second, third = share_lessons([felt, felt, missed])
    assert first.experience == felt.experience
    assert not first.elsewhere
    assert not second.elsewhere
    assert kind_prior(third, EventKind.VIRAL).median < 2.9
    # However many items felt it, it is one event.
    crowd = share_lessons([felt] * 9 + [missed])[-1]
    few = kind_believed(third, EventKind.VIRAL)
    assert kind_believed(crowd, EventKind.VIRAL).weight == pytest.approx(few.weight, rel=0.1)


def test_an_evening_on_which_nothing_ended_changes_nothing() -> None:
    beliefs = [after(CALM, [viral("v", 0, 4, 1.5)], 6), CALM]
    shared = share_lessons(beliefs)
    assert all(after is before for after, before in zip(shared, beliefs, strict=True))


def test_experience_comes_back_from_json_bit_for_bit() -> None:
    record = after(CALM, [viral("v", 0, 4, 1.5)], 6).experience[EventKind.VIRAL]
    assert Experience(**json.loads(json.dumps(plain(asdict(record))))) == record
