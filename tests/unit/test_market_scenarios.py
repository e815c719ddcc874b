"""Market events: their effects day by day, and what is known of them when."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_modules.market_scenarios import (
    NORMAL_OPERATIONS,
    EventKind,
    MarketEvent,
    Shape,
    affecting,
    demand_profile,
    scenario_effects,
    signals_known,
)

START = date(2024, 3, 1)


def event(first: int = 0, days: int = 3, **values: Any) -> MarketEvent:
    """An event that begins `first` days after START."""
    kind = values.pop("kind", EventKind.VIRAL)
    return MarketEvent(f"{kind}-{first}", kind, START + timedelta(days=first), days, **values)


def test_days_without_an_event_are_normal() -> None:
    effects = scenario_effects([], START, 3)
    assert effects.demand_multiplier.tolist() == [1, 1, 1]
    assert effects.price_multiplier.tolist() == [1, 1, 1]
    assert effects.lead_times(3).tolist() == [3, 3, 3]
    assert effects.filled_share.tolist() == [1, 1, 1]
    assert effects.supplier_open.all()
    assert effects.label == (NORMAL_OPERATIONS,) * 3


def test_an_event_acts_from_its_first_to_its_last_day() -> None:
    promotion = event(1, 2, kind=EventKind.PROMOTION, demand=1.8, price=0.8)
    effects = scenario_effects([promotion], START, 4)
    assert effects.demand_multiplier == pytest.approx([1, 1.8, 1.8, 1])
    assert effects.price_multiplier.tolist() == [1, 0.8, 0.8, 1]
    assert effects.label == (NORMAL_OPERATIONS, "Promotion", "Promotion", NORMAL_OPERATIONS)


def test_an_event_that_began_before_the_run_acts_on_what_is_left_of_it() -> None:
    effects = scenario_effects([event(-2, 3, demand=4.0, shape=Shape.RAMP)], START, 2)
    # a ramp of 3 days reaches 4 on its last day, the run's first
    assert effects.demand_multiplier.tolist() == [4, 1]


def test_an_event_beyond_the_end_of_the_run_has_no_effect() -> None:
    effects = scenario_effects([event(5, 3, demand=4.0), event(-9, 3, demand=4.0)], START, 5)
    assert effects.demand_multiplier.tolist() == [1] * 5


def test_extra_demand_of_overlapping_events_adds_and_missing_demand_multiplies() -> None:
    viral, endorsement = event(demand=3.0), event(demand=2.0)
    downturn, price_cut = event(demand=0.5), event(demand=0.8)
    both = scenario_effects([viral, endorsement], START, 1)
    assert both.demand_multiplier.tolist() == [4]  # 1 + 2 + 1
    all_four = scenario_effects([viral, downturn, endorsement, price_cut], START, 1)
    assert all_four.demand_multiplier == pytest.approx([1.6])  # 4 * 0.5 * 0.8


def test_labels_of_overlapping_events_are_joined_once_each_in_the_same_order() -> None:
    viral, again = event(0, 2), event(1, 2)
    shut = event(1, 1, kind=EventKind.SUPPLY_DISRUPTION)
    expected = ("Viral_Social_Media_Boost", "Supply_Chain_Disruption + Viral_Social_Media_Boost")
    assert scenario_effects([viral, again, shut], START, 2).label == expected
    assert scenario_effects([shut, again, viral], START, 2).label == expected


def test_a_false_alarm_gives_a_signal_and_no_effect() -> None:
    alarm = event(0, 2, demand=3.5, price=0.5, false_alarm=True)
    assert scenario_effects([alarm], START, 2) is not None
    assert scenario_effects([alarm], START, 2).demand_multiplier.tolist() == [1, 1]
    assert scenario_effects([alarm], START, 2).label == (NORMAL_OPERATIONS,) * 2
    assert [signal.event_id for signal in signals_known([alarm], START)] == [alarm.event_id]


@pytest.mark.parametrize(
    ("shape", "days", "expected"),
    [
        (Shape.FLAT, 3, [5, 5, 5]),
        (Shape.RAMP, 4, [2, 3, 4, 5]),  # 1 + 4 * (1/4, 2/4, 3/4, 1)
        (Shape.PEAK, 5, [7 / 3, 11 / 3, 5, 11 / 3, 7 / 3]),  # 1 + 4 * (1/3, 2/3, 1, 2/3, 1/3)
        (Shape.PEAK, 4, [3, 5, 5, 3]),  # an even length has its peak on both middle days
        (Shape.PEAK, 1, [5]),
        (Shape.DECAY, 6, [5, 1 + 4 * 0.5**0.5, 3, 1 + 4 * 0.5**1.5, 2, 1 + 4 * 0.5**2.5]),
    ],
)
def test_a_shape_runs_up_to_the_peak_over_the_days(
    shape: Shape, days: int, expected: list[float]
) -> None:
    assert demand_profile(event(0, days, demand=5.0, shape=shape)) == pytest.approx(expected)


def test_what_is_pulled_forward_is_missing_afterwards() -> None:
    # 3 days at x2 are 3 ordinary days extra; half of it, 1.5 days, is missing over 6: 0.75 a day
    promotion = event(0, 3, demand=2.0, pull_forward=0.5, pull_forward_days=6)
    assert demand_profile(promotion) == pytest.approx([2, 2, 2] + [0.75] * 6)
    assert demand_profile(promotion).sum() == pytest.approx(9 + 3 - 1.5)


def test_an_event_that_lowers_demand_pulls_nothing_forward() -> None:
    assert demand_profile(event(0, 1, demand=0.5, pull_forward=0.5, pull_forward_days=2)) == (
        pytest.approx([0.5, 1, 1])
    )


def test_delays_add_and_filled_shares_multiply() -> None:
    late = event(0, 2, lead_time_extra=4, filled_share=0.5)
    later = event(1, 1, lead_time_extra=2, filled_share=0.8)
    effects = scenario_effects([late, later], START, 3)
    assert effects.lead_times(3).tolist() == [7, 9, 3]
    assert effects.filled_share == pytest.approx([0.5, 0.4, 1])


def test_orders_to_a_closed_supplier_wait_for_the_first_evening_it_is_open() -> None:
    shut = event(1, 3, supplier_shut=True)  # closed on days 1, 2, 3, open on 4
    effects = scenario_effects([shut], START, 5)
    assert effects.supplier_open.tolist() == [True, False, False, False, True]
    assert effects.reopening.tolist() == [0, 3, 2, 1, 0]
    # an order of day 2 is as good as one of day 4: 4 + 3 = 7 = 2 + 5
    assert effects.lead_times(3).tolist() == [3, 6, 5, 4, 3]


def test_orders_wait_through_shutdowns_that_follow_on_each_other() -> None:
    first, second = event(1, 3, supplier_shut=True), event(3, 4, supplier_shut=True)
    effects = scenario_effects([first, second], START, 9)  # closed on days 1 to 6
    assert effects.reopening.tolist() == [0, 6, 5, 4, 3, 2, 1, 0, 0]


def test_a_run_needs_a_day() -> None:
    with pytest.raises(ValueError, match="days must be >= 1, got 0"):
        scenario_effects([], START, 0)


def test_an_announced_event_is_known_from_its_announcement_until_its_last_day() -> None:
    black_friday = event(10, 4, kind=EventKind.BLACK_FRIDAY, demand=5.0, announced=6)
    known = [bool(signals_known([black_friday], START + timedelta(days=day))) for day in range(16)]
    assert known == [False] * 4 + [True] * 10 + [False] * 2  # days 4 to 13
    signal = signals_known([black_friday], START + timedelta(days=4))[0]
    assert signal.announced
    assert (signal.demand, signal.last_day) == (5.0, date(2024, 3, 14))


def test_an_event_without_notice_is_known_on_its_first_evening() -> None:
    viral = event(2, 3, demand=3.5, size_told=False, length_told=False)
    assert signals_known([viral], START + timedelta(days=1)) == ()
    signal = signals_known([viral], START + timedelta(days=2))[0]
    assert not signal.announced
    assert (signal.demand, signal.last_day) == (None, None)
    assert signals_known([viral], START + timedelta(days=5)) == ()  # gone on the first day without


def test_notice_of_no_days_is_no_announcement() -> None:
    assert not signals_known([event(announced=0)], START)[0].announced


def test_an_event_whose_size_is_not_told_does_not_tell_what_it_does_to_supply() -> None:
    disruption = event(0, 9, lead_time_extra=4, filled_share=0.6, size_told=False)
    signal = signals_known([disruption], START)[0]
    assert (signal.lead_time_extra, signal.filled_share) == (None, None)


def test_an_unnoticed_event_gives_no_signal() -> None:
    assert signals_known([event(demand=3.0, unnoticed=True)], START) == ()


@given(first=st.integers(0, 5), told=st.booleans(), size=st.floats(0, 10))
def test_a_signal_tells_nothing_that_is_not_told(first: int, told: bool, size: float) -> None:
    """Two events that differ only in what is not told look the same on every evening."""
    one = event(first, 3, demand=size, size_told=told)
    other = event(first, 3, demand=2.0, size_told=told)
    for day in range(8):
        same = signals_known([one], START + timedelta(days=day)) == signals_known(
            [other], START + timedelta(days=day)
        )
        running = first <= day < first + 3
        assert same == (not running or not told or size == 2.0)


def test_an_event_names_the_items_it_concerns() -> None:
    all_items, some = event(), event(items=("a", "b"))
    assert affecting([all_items, some], "a") == (all_items, some)
    assert affecting([all_items, some], "c") == (all_items,)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"days": 0}, "days must be 1 to 3660, got 0"),
        ({"demand": -0.1}, "demand must be 0 to 1000, got -0.1"),
        ({"demand": float("nan")}, "demand must be 0 to 1000, got nan"),
        ({"price": 0}, "price must be 0.01 to 100, got 0"),
        ({"filled_share": 1.2}, "filled_share must be 0 to 1, got 1.2"),
        ({"announced": -1}, "announced must be 0 to 3660, got -1"),
        ({"lead_time_extra": -1}, "lead_time_extra must be 0 to 3660, got -1"),
        ({"pull_forward": 2.0}, "pull_forward must be 0 to 1, got 2.0"),
        ({"unnoticed": True, "announced": 3}, "unnoticed excludes announced and false_alarm"),
        ({"unnoticed": True, "false_alarm": True}, "unnoticed excludes announced and false_alarm"),
        ({"name": NORMAL_OPERATIONS}, "name must be one line other than Normal_Operations"),
        ({"name": "two\nlines"}, "name must be one line"),
        # 3 days at x2 are 3 days extra; all of it needs 3 days to be missing on
        (
            {"demand": 2.0, "pull_forward": 1.0, "pull_forward_days": 2},
            "pull_forward_days must be >= 3, got 2",
        ),
    ],
)
def test_an_impossible_event_is_refused_by_the_name_of_its_field(
    values: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match="^" + message):
        event(**({"days": 3} | values))


@pytest.mark.parametrize("year", [1, 1899, 3000, 9999])
def test_an_event_outside_the_years_of_a_calendar_is_refused(year: int) -> None:
    with pytest.raises(ValueError, match="start must be in the years 1900 to 2999"):
        MarketEvent("e", EventKind.VIRAL, date(year, 12, 31), 3)


@given(
    first=st.integers(-20, 20),
    days=st.integers(1, 8),
    notice=st.one_of(st.none(), st.integers(0, 10)),
    length=st.integers(1, 10),
)
def test_an_event_concerns_a_run_exactly_if_it_is_felt_or_known_in_it(
    first: int, days: int, notice: int | None, length: int
) -> None:
    one = event(first, days, demand=2.0, announced=notice, pull_forward=0.5, pull_forward_days=days)
    felt = scenario_effects([one], START, length).demand_multiplier
    known = [signals_known([one], START + timedelta(days=day)) for day in range(length)]
    assert one.concerns(START, length) == (bool(np.any(felt != 1)) or any(known))
