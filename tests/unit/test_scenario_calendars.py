"""The named calendars: what they hold, by the figures of the superseded demo."""

from datetime import date

import numpy as np
import pytest

from core_modules.market_scenarios import (
    NORMAL_OPERATIONS,
    EventKind,
    MarketEvent,
    scenario_effects,
)
from core_modules.scenario_calendars import ARRIVAL_RATES, CALENDARS, calendar_events

START = date(2024, 1, 1)


def events_of(name: str, start: date = START, days: int = 180) -> tuple[MarketEvent, ...]:
    return calendar_events(name, start, days, np.random.default_rng(7))


def test_the_reference_half_year_has_152_normal_days_of_180() -> None:
    # clearance 14, viral 3, competitor stockout 11: 28 days; the disruption begins on 1 July,
    # day 182
    labels = scenario_effects(events_of("original"), START, 180).label
    assert labels.count(NORMAL_OPERATIONS) == 152
    assert labels.count("Post_Holiday_Clearance") == 14
    assert labels.count("Viral_Social_Media_Boost") == 3
    assert labels.count("Competitor_Stockout_Benefit") == 11


def test_the_year_of_the_calendar_original_has_the_days_and_sizes_of_the_demo() -> None:
    effects = scenario_effects(events_of("original", days=366), START, 366)
    expected = {
        (date(2024, 1, 2), date(2024, 1, 15)): 0.4,
        (date(2024, 3, 15), date(2024, 3, 17)): 3.5,
        (date(2024, 5, 10), date(2024, 5, 20)): 2.2,
        (date(2024, 7, 1), date(2024, 7, 14)): 0.3,
        (date(2024, 9, 8), date(2024, 9, 12)): 4.0,
        (date(2024, 11, 1), date(2024, 11, 10)): 0.6,
        (date(2024, 11, 24), date(2024, 11, 27)): 5.0,
    }
    multipliers = np.ones(366)
    for (first, last), size in expected.items():
        multipliers[(first - START).days : (last - START).days + 1] = size
    assert effects.demand_multiplier == pytest.approx(multipliers)


def test_the_calendar_original_tells_what_is_known_when() -> None:
    known = {event.kind: event for event in events_of("original", days=366)}
    for kind in (EventKind.POST_HOLIDAY_CLEARANCE, EventKind.BLACK_FRIDAY):
        assert known[kind].announced == 60
    for kind in (EventKind.ECONOMIC_DOWNTURN, EventKind.SUPPLY_DISRUPTION):
        assert known[kind].announced is None
        assert known[kind].size_told
        assert known[kind].length_told
    for kind in (
        EventKind.VIRAL,
        EventKind.CELEBRITY_ENDORSEMENT,
        EventKind.COMPETITOR_STOCKOUT,
    ):
        assert known[kind].announced is None
        assert not known[kind].size_told
        assert not known[kind].length_told


def test_next_years_announced_events_are_known_at_the_end_of_a_year() -> None:
    # the clearance of 2 January 2025 is announced 60 days before, on 3 November 2024
    autumn = events_of("original", date(2024, 10, 1), 60)
    assert date(2025, 1, 2) in [event.start for event in autumn]


def test_events_that_a_run_cannot_notice_are_left_out() -> None:
    # Black Friday is announced on 25 September; the run ends on 28 June
    assert [event.kind for event in events_of("original")] == [
        EventKind.POST_HOLIDAY_CLEARANCE,
        EventKind.VIRAL,
        EventKind.COMPETITOR_STOCKOUT,
    ]


def test_the_calendar_stress_has_every_kind_within_180_days() -> None:
    stress = events_of("stress")
    assert {event.kind for event in stress} == set(EventKind)
    assert all((event.start - START).days >= 0 for event in stress)
    assert all((event.last_day - START).days < 180 for event in stress)


def test_the_calendar_stress_has_a_fourfold_viral_spike_over_a_supply_disruption() -> None:
    effects = scenario_effects(events_of("stress"), START, 180)
    viral = [event for event in events_of("stress") if event.kind is EventKind.VIRAL]
    assert max(event.demand for event in viral) == 4.0
    assert np.any((effects.demand_multiplier > 1.5) & (effects.lead_time_extra > 0))
    assert any(event.false_alarm for event in viral)
    assert any(event.unnoticed for event in viral)
    assert not effects.supplier_open.all()


def test_the_calendar_random_follows_its_generator() -> None:
    one = calendar_events("random", START, 365, np.random.default_rng(3))
    assert one == calendar_events("random", START, 365, np.random.default_rng(3))
    assert one != calendar_events("random", START, 365, np.random.default_rng(4))


def test_the_calendar_random_has_each_kind_at_its_rate_and_length() -> None:
    rng = np.random.default_rng(11)
    years = [calendar_events("random", START, 365, rng) for _ in range(400)]
    for rate in ARRIVAL_RATES:
        of_kind = [event for year in years for event in year if event.kind is rate.kind]
        # 400 Poisson years of mean 1: a standard deviation of 20 about 400
        assert abs(len(of_kind) - 400 * rate.a_year) < 80
        # 1 + a negative binomial of shape 2: variance (m - 1) (m + 1) / 2, under 15^2 for m = 20
        assert np.mean([event.days for event in of_kind]) == pytest.approx(rate.mean_days, rel=0.2)
        sizes = np.log([event.demand for event in of_kind])
        assert np.exp(np.median(sizes)) == pytest.approx(rate.demand, rel=0.1)
        shares = [event.filled_share for event in of_kind]
        assert np.mean(shares) == pytest.approx(0.6 if rate.fills_short else 1.0, abs=0.05)


def test_a_fifth_of_the_rumours_of_the_calendar_random_is_false() -> None:
    rng = np.random.default_rng(12)
    rumours = [
        event
        for _ in range(400)
        for event in calendar_events("random", START, 365, rng)
        if not event.size_told
    ]
    # about 1600 events: a standard deviation of 0.01
    assert np.mean([event.false_alarm for event in rumours]) == pytest.approx(0.2, abs=0.04)
    assert np.mean([event.unnoticed for event in rumours]) == pytest.approx(0.2, abs=0.04)


def test_the_calendar_none_is_empty() -> None:
    assert events_of("none") == ()


def test_every_named_calendar_can_be_built_and_ids_are_unique() -> None:
    for name in CALENDARS:
        ids = [event.event_id for event in events_of(name, days=730)]
        assert len(set(ids)) == len(ids)


def test_a_calendar_without_a_name_is_refused_with_the_names_there_are() -> None:
    expected = "no calendar 'storm': use one of none, original, stress, random, or a file"
    with pytest.raises(ValueError, match=expected):
        events_of("storm")
