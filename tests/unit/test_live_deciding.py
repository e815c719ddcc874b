"""What the live agent's deciding is made of: dates, signals, beliefs, limits, items."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from core_modules.forecasting.forecast_values import DemandModel
from core_modules.forecasting.observation_law import ObservationLaw
from core_modules.inventory_agent import AgentSettings, opening_state
from core_modules.item_terms import ItemTerms
from core_modules.market_events import EventKind
from streaming_production.deciding.answering import accepted_words, answer_event
from streaming_production.deciding.core_settings import CoreSettings
from streaming_production.deciding.decider import (
    Arrival,
    Limits,
    decided,
    inputs_of,
    name_of,
    needed_days,
    order_name,
    situation_of,
    waiting_reasons,
)
from streaming_production.deciding.decision_inputs import packed, unpacked
from streaming_production.deciding.forecast_dating import (
    days_to_move,
    epoch_opening,
    redated_model,
)
from streaming_production.deciding.forecast_fan import forecast_fan
from streaming_production.deciding.item_beliefs import SeenDay, believe, every_day, live_together
from streaming_production.deciding.known_forecasts import Forecast
from streaming_production.deciding.profile_items import opening_items, profile_items
from streaming_production.deciding.refits import chunks, due_refits, moved_history
from streaming_production.deciding.refusals import NotPossible
from streaming_production.deciding.signal_book import SignalBook
from streaming_production.deciding.what_if import WhatIf, changed
from streaming_production.event_types import ItemSettings
from streaming_production.events import internal_event
from streaming_production.storage.rows import Closing, History, ItemRecord

EVE = date(2023, 12, 31)
TERMS = ItemTerms("a", unit_price=10, unit_cost=6, holding_cost=0.01)


def flat_model(days: int = 80, origin: date = EVE, mean: float = 20.0) -> DemandModel:
    return DemandModel("a", "flat-level", origin, np.full(days, mean), ObservationLaw(1.0, 1.0))


def day(number: int) -> date:
    return EVE + timedelta(days=number)


def signal(kind: str, on: date, /, **data: object):
    said = {"signal_id": "s1", **data}
    noon = datetime(on.year, on.month, on.day, 12, tzinfo=UTC)
    return internal_event(kind, None, on, said, source="test", instant=noon)


VIRAL = {"kind": "viral", "start": day(3)}


# Dates


def test_an_epoch_that_begins_soon_after_the_history_keeps_its_calendar():
    assert epoch_opening(EVE, None) == EVE
    assert epoch_opening(EVE, day(1)) == EVE
    assert epoch_opening(EVE, day(20)) == EVE


@pytest.mark.parametrize("first", [date(2026, 11, 23), date(2020, 2, 29), EVE])
def test_an_epoch_on_any_other_day_opens_the_evening_before_it(first):
    assert epoch_opening(EVE, first) == first - timedelta(days=1)


@pytest.mark.parametrize("first", [date(2026, 11, 23), date(2024, 2, 29), date(2025, 1, 1)])
def test_a_model_is_moved_to_the_same_weekday_and_season(first):
    model = flat_model(366 + 120)
    # Each fitted day carries its own number, so that the slice tells where it came from.
    model = replace(model, fitted=np.arange(model.fitted.size, dtype=np.float64))
    moved = redated_model(model, first - timedelta(days=1), 80)
    source = EVE + timedelta(days=1 + int(moved.fitted[0]))
    apart = abs(source.timetuple().tm_yday - first.timetuple().tm_yday)
    assert moved.origin == first - timedelta(days=1)
    assert moved.fitted.size == 80
    assert source.weekday() == first.weekday()
    assert min(apart, 365 - apart) <= 4


def test_a_model_that_does_not_reach_a_year_ahead_cannot_be_moved_far():
    assert redated_model(flat_model(80), date(2026, 7, 1), 70) is None


@pytest.mark.parametrize("origin", [date(2026, 11, 22), date(2019, 5, 5), EVE])
def test_a_past_moves_by_whole_weeks_near_whole_years_and_reaches_its_day(origin):
    moved = days_to_move(EVE, origin)
    assert moved % 7 == 0
    assert EVE + timedelta(days=moved) >= origin
    assert abs(moved / 365.2425 - round(moved / 365.2425)) < 4 / 365


def test_a_moved_past_ends_on_the_evening_it_is_moved_to():
    past = History("a", day(-99), np.arange(100.0), np.ones(100, dtype=bool))
    first, sales, known = moved_history(past, date(2026, 11, 22))
    assert first + timedelta(days=sales.size - 1) == date(2026, 11, 22)
    assert known.all()
    assert first.weekday() == past.first_day.weekday()


@pytest.mark.parametrize("gap", [45, 90, 200, 330, 380, 490])
@pytest.mark.parametrize("size", [2, 60, 300])
def test_a_short_past_keeps_its_days_however_old_it_is(gap, size):
    past = History("a", day(1 - size), np.arange(float(size)), np.ones(size, dtype=bool))
    first, sales, known = moved_history(past, day(gap))
    assert first + timedelta(days=sales.size - 1) == day(gap)
    assert known.sum() == size
    assert known[:size].all()
    assert sales.size - size < 7
    assert first.weekday() == past.first_day.weekday()


def test_a_long_past_keeps_its_seasons():
    past = History("a", day(-999), np.arange(1000.0), np.ones(1000, dtype=bool))
    first, sales, _ = moved_history(past, day(90))
    assert sales.size >= 365
    assert (first - past.first_day).days == 364


# Signals


def test_a_signal_is_known_from_its_evening_until_its_last_day():
    book = SignalBook([signal("signal.announced", day(1), **VIRAL, last_day=day(5))])
    known = [bool(book.on(day(number))) for number in range(7)]
    assert known == [False, True, True, True, True, True, False]
    assert book.on(day(1))[0].announced


def test_an_untold_length_runs_until_its_end_is_told():
    book = SignalBook(
        [
            signal("signal.started", day(3), **VIRAL),
            signal("signal.ended", day(6), last_day=day(5)),
        ]
    )
    assert [bool(book.on(day(number))) for number in (3, 5, 6)] == [True, True, False]
    # On the evening of the 5th nobody had told that it was the last day.
    assert book.on(day(5))[0].last_day is None


def test_an_edited_signal_is_what_it_was_on_the_evenings_before():
    book = SignalBook(
        [
            signal("signal.announced", day(1), **VIRAL, demand=2.0),
            signal("signal.announced", day(4), **VIRAL, demand=3.0),
        ]
    )
    assert [book.on(day(number))[0].demand for number in (1, 3, 4)] == [2.0, 2.0, 3.0]


def test_a_withdrawn_signal_is_gone_from_its_evening_on():
    book = SignalBook(
        [signal("signal.announced", day(1), **VIRAL), signal("signal.withdrawn", day(2))]
    )
    assert [bool(book.on(day(number))) for number in (1, 2, 3)] == [True, False, False]
    assert book.known(day(2))[0].status(day(2)) == "withdrawn"


# Beliefs


def test_a_day_that_nobody_closed_tells_nothing():
    state = opening_state(flat_model(), AgentSettings())
    days = every_day({}, EVE, day(3))
    after = believe(state, TERMS, days, SignalBook())
    assert after.model.origin == day(3)
    assert after.model.level == state.model.level


def test_the_same_evenings_in_one_go_or_two_give_the_same_beliefs():
    state = opening_state(flat_model(), AgentSettings())
    book = SignalBook([signal("signal.announced", day(2), **VIRAL, demand=2.0)])
    days = [SeenDay(day(number), 15 + 7 * number % 13, False) for number in range(1, 9)]
    whole = believe(state, TERMS, days, book)
    halves = believe(believe(state, TERMS, days[:3], book), TERMS, days[3:], book)
    assert evening(whole) == evening(halves)


def evening(state):
    return packed(inputs_of(state, TERMS, state.model.origin, 50, [], AgentSettings()))


def test_an_edited_size_is_believed_anew_and_is_no_false_alarm():
    state = opening_state(flat_model(), AgentSettings())
    book = SignalBook(
        [
            signal("signal.announced", day(1), **VIRAL, demand=2.0),
            signal("signal.announced", day(2), **VIRAL, demand=5.0),
        ]
    )
    days = [SeenDay(day(1), 20, False), SeenDay(day(2), 20, False)]
    beliefs = believe(state, TERMS, days, book).beliefs
    assert beliefs.events[0].expected > 3
    assert beliefs.sources == {}


def test_items_that_live_together_learn_from_each_others_events():
    other = replace(TERMS, unique_id="b")
    states = [opening_state(flat_model(), AgentSettings())] * 2
    told = signal(
        "signal.started", day(1), kind="viral", start=day(1), last_day=day(3), items=["a"]
    )
    book = SignalBook([told])
    hot = [SeenDay(day(number), 90 if number <= 3 else 20, False) for number in range(1, 6)]
    calm = [SeenDay(day(number), 20, False) for number in range(1, 6)]
    lived = live_together(states, [TERMS, other], [hot, calm], book)
    assert EventKind.VIRAL in lived[0].state.beliefs.experience
    assert EventKind.VIRAL in lived[1].state.beliefs.elsewhere
    # The days of the event say nothing of ordinary demand, those without it do.
    assert lived[0].tells == (False, False, False, True, True)
    assert lived[1].tells == (True,) * 5


def test_demand_behind_a_stockout_is_more_than_its_sales():
    states = [opening_state(flat_model(), AgentSettings())]
    days = [[SeenDay(day(1), 12, True), SeenDay(day(2), 0, True), SeenDay(day(3), 12, False)]]
    lived = live_together(states, [TERMS], days, SignalBook())[0]
    assert lived.demand[0] > 12
    assert lived.demand[2] == 12
    assert lived.tells == (True, False, True)


# Decisions


def test_what_is_overdue_is_expected_tomorrow():
    arrivals = [Arrival(day(-3), 5), Arrival(day(1), 7), Arrival(day(3), 11), Arrival(day(99), 1)]
    due = situation_of(0, arrivals, EVE, days=10).due
    assert due.tolist() == [12, 0, 11, 0, 0, 0, 0, 0, 0, 0]


def test_inputs_come_back_bit_for_bit_and_give_the_same_decision():
    state = opening_state(flat_model(200), AgentSettings())
    days = [SeenDay(day(number), 31, number == 2) for number in range(1, 6)]
    state = believe(state, TERMS, days, SignalBook())
    inputs = inputs_of(state, TERMS, day(5), 13, [Arrival(day(7), 40)], AgentSettings(seed=3))
    again = unpacked(packed(inputs))
    assert packed(again) == packed(inputs)
    assert again.decide() == inputs.decide()


def made(on_hand: int = 0, kind: str = "day_close", limits: Limits | None = None, **settings):
    state = opening_state(flat_model(), AgentSettings())
    inputs = inputs_of(state, TERMS, EVE, on_hand, [], AgentSettings())
    return decided(
        inputs,
        ItemSettings(**settings),
        limits or Limits(),
        decision_id=name_of(1, "a", EVE, kind),
        kind=kind,
        forecast_id=1,
    )


def test_an_order_that_nobody_has_to_approve_goes_out_with_the_decision():
    one = made()
    assert one.event.data.status == "automatic"
    assert one.event.data.order.order_id == order_name(one.decision_id)
    assert one.event.data.order.quantity == one.quantity > 0
    assert one.event.data.order_value == one.quantity * TERMS.unit_cost


def test_with_enough_on_hand_there_is_no_order_and_nothing_to_wait_for():
    one = made(on_hand=5000, limits=Limits(kill_switch=True))
    assert one.event.data.status == "no_order"
    assert one.event.data.order is None
    assert one.event.data.waiting_for == ()


@pytest.mark.parametrize(
    ("limits", "settings", "told"),
    [
        (Limits(kill_switch=True), {}, "switched off"),
        (Limits(), {"automatic": False}, "approved by a person"),
        (Limits(max_order_value=1.0), {}, "above the shop's limit of 1"),
        (Limits(), {"max_order_value": 2.0}, "above the item's limit of 2"),
        (Limits(max_order_quantity=3), {}, "quantity of"),
        (Limits(), {"max_order_quantity": 4}, "above the item's limit of 4"),
    ],
)
def test_an_order_above_a_limit_waits_and_says_why(limits, settings, told):
    one = made(limits=limits, **settings)
    assert one.event.data.status == "waiting"
    assert one.event.data.order is None
    assert told in " ".join(one.event.data.waiting_for)


def test_the_items_own_limit_goes_before_the_shops():
    one = made(limits=Limits(max_order_value=1.0), max_order_value=1e9)
    assert one.event.data.status == "automatic"


def test_a_decision_that_a_person_should_see_waits_but_not_on_the_demos_wire():
    decision = made().event.data
    asked = replace(
        inputs_of(
            opening_state(flat_model(), AgentSettings()), TERMS, EVE, 0, [], AgentSettings()
        ).decide(),
        needs_review=True,
        review_reason="chance may cost 5,000",
    )
    reasons = waiting_reasons(asked, 1.0, ItemSettings(), Limits())
    assert reasons == ("chance may cost 5,000",)
    assert decision.status == "automatic"


def test_the_same_attempt_gets_the_same_id_and_another_one_its_own():
    ids = {
        name_of(epoch, item, on, kind)
        for epoch in (1, 2)
        for item in ("a", "b")
        for on in (day(1), day(2))
        for kind in ("day_close", "on_demand")
    }
    assert len(ids) == 16
    assert name_of(1, "a", day(1), "day_close") == name_of(1, "a", day(1), "day_close")


def test_what_the_supplier_takes_is_said_in_words():
    assert accepted_words(replace(TERMS, moq=5)) == "0 or a whole number from 5"
    assert answer_event.__doc__.startswith("Return the answer")


# What if


def tonight():
    state = opening_state(flat_model(), AgentSettings())
    return inputs_of(state, TERMS, EVE, 30, [Arrival(day(2), 20)], AgentSettings())


def test_twice_the_demand_orders_more_and_leaves_the_baseline_alone():
    before = packed(tonight())
    more = changed(tonight(), WhatIf(demand_factor=2.0)).decide().quantity
    assert more > tonight().decide().quantity
    assert packed(tonight()) == before


def test_a_disruption_from_today_lengthens_the_wait():
    event = {"kind": "supply_disruption", "starts_in": 0, "days": 10, "lead_time_extra": 5}
    late = changed(tonight(), WhatIf.of(1.0, None, None, None, event)).decide()
    assert late.due == tonight().decide().due + timedelta(days=5)


def test_more_on_order_orders_less():
    less = changed(tonight(), WhatIf(on_order=500)).decide()
    assert less.quantity == 0


def test_a_lead_time_beyond_the_forecast_is_refused_with_its_limit():
    with pytest.raises(NotPossible, match=r"lead_time must be 1 to \d+ days"):
        changed(tonight(), WhatIf(lead_time=300))


def test_the_fan_widens_from_its_mean_and_shows_a_known_event():
    state = opening_state(flat_model(), AgentSettings())
    calm = forecast_fan(state, EVE, seed=0)
    book = SignalBook([signal("signal.announced", EVE, kind="promotion", start=day(5), demand=3.0)])
    told = believe(
        opening_state(flat_model(origin=day(-1)), AgentSettings()),
        TERMS,
        [SeenDay(EVE, 20, False)],
        book,
    )
    promoted = forecast_fan(told, EVE, seed=0)
    assert len(calm) == 28
    assert all(
        one["low95"] <= one["low80"] <= one["mean"] <= one["high80"] <= one["high95"]
        for one in calm
    )
    assert promoted[5]["mean"] > 1.5 * calm[5]["mean"]
    assert promoted[0]["mean"] == pytest.approx(calm[0]["mean"], rel=0.1)


# Refits


def record(name: str = "a", **changes) -> ItemRecord:
    one = ItemRecord(
        unique_id=name,
        title="",
        profile="demo",
        terms=replace(TERMS, unique_id=name),
        settings=ItemSettings(),
        opening_stock=10,
        opening_day=EVE,
        on_hand=10,
        price=10.0,
        last_closed_day=None,
        last_decided_day=None,
        last_decision_id=None,
        corrected=False,
    )
    return replace(one, **changes)


def known(origin: date = EVE, *, opening: bool = True, epoch: int = 1) -> Forecast:
    return Forecast(opening_state(flat_model(origin=origin), AgentSettings()), epoch, opening)


def test_an_item_without_a_forecast_comes_first():
    records = [record("a", last_closed_day=day(7), last_decided_day=day(7)), record("b")]
    due = due_refits(records, {"a": known()}, {}, [], epoch=1, refit_every=7)
    assert [(one.unique_id, one.before is None, one.origin) for one in due] == [
        ("b", True, EVE),
        ("a", False, day(7)),
    ]


def test_a_fresh_forecast_is_left_alone():
    records = [record(last_closed_day=day(6), last_decided_day=day(6))]
    assert due_refits(records, {"a": known()}, {}, [], epoch=1, refit_every=7) == []


def test_a_model_knows_no_more_than_the_next_evening_to_be_decided():
    records = [record(last_closed_day=day(20), last_decided_day=day(8))]
    pending = [Closing(number, day(number), None) for number in range(7, 21)]
    due = due_refits(records, {"a": known()}, {}, pending, epoch=1, refit_every=7)
    assert [one.origin for one in due] == [day(9)]


def test_forecasts_of_another_epoch_are_fitted_anew_and_the_opening_one_is_kept():
    again = [record()]
    old = known(day(7), opening=False, epoch=1)
    assert due_refits(again, {"a": old}, {}, [], epoch=2, refit_every=7)[0].before is None
    assert due_refits(again, {"a": known()}, {}, [], epoch=2, refit_every=7) == []


def test_items_are_fitted_in_lots_of_one_day_and_their_groups_together():
    names = [f"{number:03d}" for number in range(450)]
    records = [
        record(name, terms=replace(TERMS, unique_id=name, group="ab"[int(name) % 2]), profile="")
        for name in names
    ]
    lots = chunks(due_refits(records, {}, {}, [], epoch=1, refit_every=7), refit_every=7)
    assert [len(lot) for lot in lots] == [200, 200, 50]
    assert {one.record.terms.group for one in lots[0]} == {"a"}


def test_the_demos_item_is_fitted_a_year_ahead_at_first():
    first = due_refits([record()], {}, {}, [], epoch=1, refit_every=7)[0]
    assert first.horizon(7) >= 366 + 100
    later = due_refits(
        [record(last_closed_day=day(7), last_decided_day=day(7))],
        {"a": known()}, {}, [], epoch=1, refit_every=7,
    )[0]  # fmt: skip
    assert later.horizon(7) >= needed_days(TERMS) + 7


# Items of profiles


@pytest.mark.parametrize("profile", ["demo", "online_retail", "m5_foods3_tx3", "rossmann"])
def test_the_same_profile_and_seed_make_the_same_items_however_many(profile):
    few, many = profile_items(profile, 3, 7), profile_items(profile, 12, 7)
    assert few == many[:3]
    assert len({one.unique_id for one in many}) == 12
    assert all(one.pattern is None or one.pattern.quantity == "units" for one in many)


def test_an_items_past_does_not_depend_on_the_items_beside_it():
    few = opening_items(profile_items("m5_foods3_tx3", 2, 7), "m5_foods3_tx3", 7)
    many = opening_items(profile_items("m5_foods3_tx3", 5, 7), "m5_foods3_tx3", 7)
    assert all(
        np.array_equal(one.sales, other.sales) for one, other in zip(few, many, strict=False)
    )
    assert few[0].opening_day == EVE
    assert few[0].opening_stock > 0


def test_the_demos_item_opens_with_the_demos_stock_and_history():
    one = opening_items(profile_items("demo", 1, 0), "demo", 0)[0]
    assert (one.terms.unique_id, one.opening_stock) == ("Electronics_DEMO_ITEM", 3000)
    assert (one.first_day, one.opening_day) == (date(2019, 1, 1), EVE)


@pytest.mark.parametrize(("profile", "count"), [("nowhere", 1), ("demo", 0), ("demo", 10**6)])
def test_a_profile_or_count_that_is_none_is_refused_with_what_is_known(profile, count):
    with pytest.raises(ValueError, match="must be"):
        profile_items(profile, count, 0)


def test_settings_out_of_range_are_refused():
    with pytest.raises(ValueError, match="refit_every must be >= 1, got 0"):
        CoreSettings(refit_every=0)
