"""The agent's core on a real store: closed days are decided once, the same after a restart."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import QueuePool
from sqlalchemy import event as sqlalchemy_event

from core_modules.explaining.explanation import Explanation
from core_modules.run_cases import REFERENCE_TERMS
from streaming_production.deciding import item_pages
from streaming_production.deciding.core_settings import CoreSettings
from streaming_production.deciding.decision_inputs import unpacked
from streaming_production.deciding.refusals import NoForecast, NotAccepted, NotPossible
from streaming_production.deciding.wire_day import WireDay
from streaming_production.storage.queries import AT_RISK, DecisionQuery, ItemQuery, OrderQuery
from streaming_production.store import EventConflict, RuleBroken, Store, UnknownItems
from tests.live_stock_room import StockRoom, closing, day, posted, sale, terms, wait_for

DEMO = REFERENCE_TERMS.unique_id


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[StockRoom]:
    """A shop with one item, a, and its forecast."""
    with Store.open(str(tmp_path / "live.db")) as store:
        one = StockRoom(store)
        one.register(terms())
        one.rounds.run()
        yield one


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[StockRoom]:
    """A shop with the demo's item and its forecast."""
    with Store.open(str(tmp_path / "demo.db")) as store:
        one = StockRoom(store)
        one.core.register_profile("demo", 1, 0)
        one.rounds.run()
        yield one


def new_shop(folder: Path, name: str) -> StockRoom:
    one = StockRoom(Store.open(str(folder / f"{name}.db")))
    one.register(terms())
    one.rounds.run()
    return one


# Closed days


def test_a_closed_day_is_decided_and_its_order_goes_out(shop: StockRoom) -> None:
    made = shop.play(1, 60)
    assert made.status == "automatic"
    assert made.quantity > 0
    order = shop.store.order(str(made.order_id))
    assert order is not None
    # Without a supplier to ask an order counts as confirmed at once.
    assert (order.status, order.quantity, order.due) == ("confirmed", made.quantity, day(4))
    assert shop.store.pending_closings() == []
    assert shop.store.self_check() == []


def test_units_on_order_are_not_ordered_again(shop: StockRoom) -> None:
    first, second = shop.play(1, 60), shop.play(2, 20)
    assert second.quantity < first.quantity


def test_a_day_closed_twice_and_from_two_sides_is_decided_once(shop: StockRoom) -> None:
    other = shop.restarted()
    shop.sell(1, 60)
    shop.close(1)
    shop.core.accept([posted("day.closed", "a", day(1), "23:30:00", "again", {"day": str(day(1))})])
    threads = [threading.Thread(target=one.decide) for one in (shop, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(shop.decided(1)) == 1
    assert shop.store.list_orders(OrderQuery()).total == 1
    shop.decide()
    assert shop.store.pending_closings() == []


def test_an_item_without_a_forecast_waits_and_is_decided_when_it_comes(tmp_path: Path) -> None:
    with Store.open(str(tmp_path / "live.db")) as store:
        shop = StockRoom(store)
        shop.register(terms("a"), terms("b"))
        shop.close(1)
        shop.close(2)
        assert not shop.decide()
        assert shop.decided(1) == []
        assert "2 items without a forecast" in shop.core.ready()[0]
        shop.rounds.run()
        assert shop.decide()
        assert [len(shop.decided(number)) for number in (1, 2)] == [2, 2]


def test_an_item_is_decided_only_when_it_may_be_ordered(tmp_path: Path) -> None:
    with Store.open(str(tmp_path / "live.db")) as store:
        shop = StockRoom(store)
        shop.register(terms(review_period=3))
        shop.rounds.run()
        for number in range(1, 8):
            shop.close(number)
            assert shop.decide()
        assert [len(shop.decided(number)) for number in range(1, 8)] == [1, 0, 0, 1, 0, 0, 1]


def test_days_that_are_closed_together_are_decided_in_their_order(shop: StockRoom) -> None:
    days = [(sale(number, 30), closing(number)) for number in (1, 2, 3)]
    shop.core.accept([event for events in days for event in events])
    shop.decide()
    made = [shop.decided(number)[0] for number in (1, 2, 3)]
    assert [one.day for one in made] == [day(1), day(2), day(3)]
    assert made[0].seq < made[1].seq < made[2].seq
    fields = [shop.store.decision_fields(one.decision_id) for one in made]
    assert [one["on_hand"] for one in fields if one] == [70, 40, 10]


def test_a_late_close_of_a_day_gone_by_orders_nothing(shop: StockRoom) -> None:
    shop.play(3)
    shop.close(2)
    assert shop.decide()
    assert shop.decided(2) == []


def test_one_item_that_fails_does_not_stop_the_others(
    shop: StockRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.register(terms("b"))
    shop.rounds.run()
    deciding = shop.core._deciding
    usual = deciding._made

    def failing(one, *rest):
        if one.record.unique_id == "a":
            raise ValueError("a wrong item")
        return usual(one, *rest)

    monkeypatch.setattr(deciding, "_made", failing)
    shop.close(1)
    assert not shop.decide()
    assert [one.unique_id for one in shop.decided(1)] == ["b"]
    monkeypatch.undo()
    assert shop.decide()
    assert {one.unique_id for one in shop.decided(1)} == {"a", "b"}


# The same decision again


DAYS = [31, 8, 22, 90, 75, 14, 0, 27, 33, 19]
NUMBERS = range(1, len(DAYS) + 1)


def told_signals() -> list:
    viral = {"signal_id": "v", "kind": "viral", "start": str(day(4))}
    over = {"signal_id": "v", "last_day": str(day(5))}
    return [
        posted("signal.started", None, day(4), "18:00:00", "v1", viral),
        posted("signal.ended", None, day(6), "07:00:00", "v2", over),
    ]


def play_all(shop: StockRoom, *, restart: bool) -> StockRoom:
    for number, units in enumerate(DAYS, start=1):
        if restart:
            shop = shop.restarted()
        shop.core.accept([one for one in told_signals() if one.day == day(number)])
        shop.play(number, units)
        shop.rounds.run()
    return shop


def inputs_of(shop: StockRoom, number: int) -> bytes:
    content = shop.store.decision_inputs(shop.decided(number)[0].decision_id)
    assert content is not None
    return content


def test_restarts_change_no_decision_by_a_bit(tmp_path: Path) -> None:
    steady, restarted = new_shop(tmp_path, "one"), new_shop(tmp_path, "two")
    play_all(steady, restart=False)
    play_all(restarted, restart=True)
    assert [inputs_of(steady, number) for number in NUMBERS] == [
        inputs_of(restarted, number) for number in NUMBERS
    ]
    steady.store.close()
    restarted.store.close()


def test_what_a_decision_followed_from_gives_the_same_decision_again(shop: StockRoom) -> None:
    play_all(shop, restart=False)
    for number in NUMBERS:
        made = shop.decided(number)[0]
        again = unpacked(inputs_of(shop, number)).decide()
        logged = shop.store.decision_fields(made.decision_id)
        assert (again.quantity, again.reason) == (made.proposed_quantity, made.reason)
        assert [list(point) for point in again.curve] == logged["curve"]
        assert again.expected_cost == logged["expected_cost"]


def test_events_that_come_late_lead_to_the_same_next_decision(tmp_path: Path) -> None:
    ordered, late = new_shop(tmp_path, "one"), new_shop(tmp_path, "two")
    for shop in (ordered, late):
        shop.sell(1, 40)
    ordered.sell(1, 25, hour=13)
    for shop in (ordered, late):
        # Nobody decides on the first two evenings, so that both order the same.
        shop.core.accept([sale(2, 20), sale(3, 20)])
    late.sell(1, 25, hour=13)
    for shop in (ordered, late):
        shop.core.accept([closing(number) for number in (1, 2, 3)])
        shop.decide()
    assert ordered.store.item("a").on_hand == late.store.item("a").on_hand
    assert [inputs_of(ordered, number) for number in (1, 2, 3)] == [
        inputs_of(late, number) for number in (1, 2, 3)
    ]
    ordered.store.close()
    late.store.close()


def test_a_late_event_moves_beliefs_that_had_taken_its_day_in(shop: StockRoom) -> None:
    shop.play(1)
    shop.play(2)
    before = shop.core._tonight("a")[1]
    shop.sell(1, 30, hour=15)
    after = shop.core._tonight("a")[1]
    assert before is not None
    assert after is not None
    assert after.inputs.state.model.level != before.inputs.state.model.level


def test_forecasts_go_on_from_what_was_believed(shop: StockRoom) -> None:
    play_all(shop, restart=False)
    known = shop.core._tonight("a")[1]
    row = shop.store.newest_forecasts(["a"])["a"]
    assert row.origin == day(7)
    assert known is not None
    # The event of days 4 and 5 is over, and what it did is remembered beyond the refit.
    assert known.inputs.state.beliefs.experience != {}


def test_a_model_never_knows_of_days_after_the_evening_it_decides(shop: StockRoom) -> None:
    """The whole log is there before anything is decided; the past must not know of it."""
    shop.core.accept([sale(number, 20 + number) for number in NUMBERS])
    shop.core.accept([closing(number) for number in NUMBERS])
    while shop.store.pending_closings():
        shop.rounds.run()
        shop.decide()
    for number in NUMBERS:
        assert unpacked(inputs_of(shop, number)).state.model.origin == day(number)


# People


def test_an_order_above_a_limit_waits_until_a_person_approves(shop: StockRoom) -> None:
    shop.core.change_autonomy(
        max_order_value=10.0, max_order_quantity=None, kill_switch=False, who="eva", why="try"
    )
    made = shop.play(1, 60)
    assert made.status == "waiting"
    assert shop.store.list_orders(OrderQuery()).total == 0
    answered = shop.core.answer_decision(made.decision_id, "approve", "eva", "")
    assert (answered.status, answered.decided_by) == ("approved", "eva")
    assert shop.store.order(str(answered.order_id)).status == "confirmed"
    for verdict, units in (("approve", None), ("override", 7), ("reject", None)):
        with pytest.raises(RuleBroken, match="is approved, not waiting"):
            shop.core.answer_decision(made.decision_id, verdict, "eva", "", units)


def test_an_item_whose_order_waits_is_at_risk_until_it_is_approved(shop: StockRoom) -> None:
    shop.core.change_item("a", settings={"automatic": False}, who="eva", why="try")
    made = shop.play(1, 30)
    assert made.stockout_risk < AT_RISK  # as its order comes
    risky = ItemQuery(filter="at_risk")
    assert [one.unique_id for one in shop.store.list_items(risky).rows] == ["a"]
    assert shop.store.key_figures(7).totals.at_risk == 1
    shop.core.answer_decision(made.decision_id, "approve", "eva", "")
    assert shop.store.list_items(risky).rows == []
    assert shop.store.key_figures(7).totals.at_risk == 0


def test_an_event_of_a_wrong_year_is_refused(shop: StockRoom) -> None:
    wrong = sale(5_500, 3)
    with pytest.raises(RuleBroken, match="mend its time"):
        shop.core.accept([sale(1, 3), wrong])
    assert shop.store.days_of(["a"], day(1)) == {}
    shop.core.accept([sale(1, 3)])


def test_a_person_may_order_another_quantity_that_the_supplier_takes(tmp_path: Path) -> None:
    with Store.open(str(tmp_path / "live.db")) as store:
        shop = StockRoom(store)
        shop.register(terms(pack_size=12), settings={"automatic": False})
        shop.rounds.run()
        made = shop.play(1, 90)
        with pytest.raises(NotAccepted, match="0 or a multiple of 12 from 1, got 13"):
            shop.core.answer_decision(made.decision_id, "override", "eva", "a pallet", 13)
        answered = shop.core.answer_decision(made.decision_id, "override", "eva", "a pallet", 24)
        assert (answered.status, answered.quantity) == ("overridden", 24)
        assert store.order(str(answered.order_id)).quantity == 24


def test_a_rejected_decision_orders_nothing(shop: StockRoom) -> None:
    shop.core.change_item("a", settings={"automatic": False}, who="eva", why="try")
    made = shop.play(1, 60)
    answered = shop.core.answer_decision(made.decision_id, "reject", "eva", "delisted")
    assert (answered.status, answered.quantity, answered.order_id) == ("rejected", 0, None)


def test_the_next_days_decision_takes_the_place_of_one_that_waits(shop: StockRoom) -> None:
    shop.core.change_item("a", settings={"automatic": False}, who="eva", why="try")
    first, second = shop.play(1, 60), shop.play(2, 20)
    assert shop.store.decision(first.decision_id).status == "superseded"
    assert second.status == "waiting"


def test_a_decision_on_demand_stands_on_the_stock_of_the_moment(shop: StockRoom) -> None:
    shop.sell(1, 95)
    made = shop.core.decide_now("a")
    again = shop.core.decide_now("a")
    assert made.kind == "on_demand"
    assert shop.store.decision_fields(made.decision_id)["on_hand"] == 5
    assert made.quantity > 0
    # What the first one ordered is not ordered again.
    assert again.quantity < made.quantity
    assert again.decision_id != made.decision_id


def asked_of(store: Store) -> list[str]:
    """Return the list that the store's statements go into from now on."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    for engine in (store._database.engine, store._database._readers):
        sqlalchemy_event.listen(engine, "before_cursor_execute", note)
    return asked


def test_no_read_transaction_waits_for_an_explanation(
    shop: StockRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    explain, transactions = item_pages.explanation_parts, list[int]()

    def noted(explanation: Explanation) -> dict[str, Any]:
        pool = shop.store._database._readers.pool
        assert isinstance(pool, QueuePool)
        transactions.append(pool.checkedout())
        return explain(explanation)

    monkeypatch.setattr(item_pages, "explanation_parts", noted)
    shop.core.explain_decision(shop.play(1, 60).decision_id)
    shop.play(2, 60)
    shop.core.item_detail("a")
    assert transactions == [0, 0]


def test_a_decision_on_demand_asks_for_each_thing_once(shop: StockRoom) -> None:
    shop.sell(1, 95)
    shop.core.decide_now("a")
    asked = asked_of(shop.store)
    shop.core.decide_now("a")
    # The writer looks at the log's head again before anything else.
    reads = asked[: [at for at, one in enumerate(asked) if "FROM epochs" in one][1]]
    # The log's head, the item, its newest forecast, days, orders, new signals, the limits.
    assert len(reads) == 7
    assert len(set(reads)) == 7


def test_an_items_page_and_the_status_each_see_one_state_of_the_store(shop: StockRoom) -> None:
    shop.play(1, 60)
    asked = asked_of(shop.store)
    for look in (lambda: shop.core.item_detail("a"), shop.core.status, shop.core.signals):
        asked.clear()
        look()
        assert sum("FROM epochs" in one for one in asked) == 1


def test_deciding_for_nothing_known_is_refused(shop: StockRoom) -> None:
    with pytest.raises(UnknownItems):
        shop.core.decide_now("nobody")
    shop.register(terms("b"))
    with pytest.raises(NoForecast):
        shop.core.decide_now("b")
    with pytest.raises(NoForecast):
        shop.core.what_if("b")


# Looking


def test_what_if_answers_and_stores_nothing(shop: StockRoom) -> None:
    shop.play(1, 40)
    seq = shop.store.last_seq
    tried = shop.core.what_if(
        "a",
        demand_factor=2.0,
        event={"kind": "promotion", "starts_in": 2, "days": 7, "demand": 2.0},
    )
    assert tried["changed"]["quantity"] > tried["baseline"]["quantity"]
    assert shop.store.last_seq == seq


def test_an_items_page_has_its_stock_fan_and_last_decision(shop: StockRoom) -> None:
    made = shop.play(1, 60)
    page = shop.core.item_detail("a")
    assert (page["on_hand"], page["opening_stock"]) == (40, 100)
    assert len(page["forecast"]["days"]) == 28
    assert page["forecast"]["days"][0]["day"] == day(2)
    assert page["open_orders"][0]["quantity"] == made.quantity
    last = page["last_decision"]
    assert last["decision_id"] == made.decision_id
    assert sum(point["chosen"] for point in last["curve"]) == 1
    assert last["flips"]
    assert last["not_known"]
    assert last["accepted"] == {"moq": 0, "pack_size": 1, "max_order": None}


def test_signals_say_what_the_agent_does_about_them(shop: StockRoom) -> None:
    promotion = {
        "signal_id": "p", "kind": "promotion", "start": str(day(3)), "last_day": str(day(6)),
        "demand": 2.0, "items": ["a"],
    }  # fmt: skip
    shop.core.accept([posted("signal.announced", None, day(1), "09:00:00", "p", promotion)])
    assert "promotion" in shop.core.signals()[0]["response"]
    shop.play(1)
    shop.play(2)
    assert "2 decisions under its rule" in shop.core.signals()[0]["response"]
    ended = posted(
        "signal.ended",
        None,
        day(2),
        "23:30:00",
        "over",
        {"signal_id": "p", "last_day": str(day(2))},
    )
    shop.core.accept([ended])
    later = promotion | {"signal_id": "q", "start": str(day(8)), "last_day": str(day(9))}
    shop.core.accept([posted("signal.announced", None, day(5), "09:00:00", "q", later)])
    for number in range(3, 8):
        shop.play(number)
    first = next(one for one in shop.core.signals() if one["signal_id"] == "p")
    assert "2 decisions under its rule" in first["response"]  # the others are the second's


def test_a_waiting_reader_hears_of_news_at_once(shop: StockRoom) -> None:
    heard: list[int] = []
    seq = shop.store.last_seq
    reader = threading.Thread(target=lambda: heard.append(shop.core.wait_for_change(seq, 20)))
    reader.start()
    shop.sell(1, 1)
    reader.join(20)
    assert heard == [seq + 1]
    assert shop.core.wait_for_change(seq + 1, 0.01) == seq + 1


def test_the_status_tells_what_is_missing(shop: StockRoom) -> None:
    status = shop.core.status()
    assert (status.items, status.forecasts.fitted, status.forecasts.missing) == (1, 1, 0)
    assert shop.core.ready() == []


# The threads


def test_started_the_core_decides_by_itself_and_stops(shop: StockRoom) -> None:
    shop.core.start()
    try:
        shop.sell(1, 60)
        shop.close(1)
        wait_for(lambda: shop.decided(1))
        shop.register(terms("b"))
        shop.close(2)
        wait_for(lambda: len(shop.decided(2)) == 1)
        shop.rounds.run()
        wait_for(lambda: len(shop.decided(2)) == 2)
        wait_for(lambda: not shop.store.pending_closings())
    finally:
        shop.core.stop()
    assert "decider" not in {thread.name for thread in threading.enumerate()}


def test_a_reset_begins_anew_with_the_same_first_decision(shop: StockRoom) -> None:
    before = shop.play(1, 60)
    assert shop.core.reset("eva", "try again") == 2
    assert shop.store.item("a").on_hand == 100
    after = shop.play(1, 60)
    assert after.decision_id != before.decision_id
    assert shop.store.decision_inputs(after.decision_id) == shop.store.decision_inputs(
        before.decision_id
    )


# The demo's wire


def test_posted_days_follow_each_other_and_decide(demo: StockRoom) -> None:
    first = demo.core.process_wire_day(WireDay(day(1), 150))
    second = demo.core.process_wire_day(WireDay(day(1), 2900))
    assert (first.decision.day, first.decision.date) == (1, day(1))
    assert (second.decision.day, second.decision.date) == (2, day(2))
    assert (second.decision.stock_before, second.decision.stock_after) == (2850, 0)
    assert second.decision.action == "stockout"
    assert second.order is not None
    assert second.order.expected_delivery == day(5)
    assert second.metrics.total_revenue == 50 * (150 + 2850)
    assert (second.metrics.stockouts, second.metrics.service_level) == (1, 0.5)
    state = demo.core.wire_state()
    assert (state.current_day, state.current_stock) == (2, 0)


def test_an_order_of_the_wire_comes_after_the_lead_time(demo: StockRoom) -> None:
    ordered = demo.core.process_wire_day(WireDay(day(1), 2900)).decision.order_quantity
    stock = [
        demo.core.process_wire_day(WireDay(day(number), 0)).decision.stock_after
        for number in (2, 3, 4)
    ]
    assert ordered > 0
    assert stock[:2] == [100, 100]
    assert stock[2] >= 100 + ordered


def test_the_same_key_gets_the_same_answer_and_another_body_a_conflict(demo: StockRoom) -> None:
    asked = WireDay(day(1), 150, "Viral_Social_Media_Boost", 140.0, key="k1")
    first = demo.core.process_wire_day(asked)
    demo.core.process_wire_day(WireDay(day(2), 100, key="k2"))
    assert demo.restarted().core.process_wire_day(asked) == first
    with pytest.raises(EventConflict):
        demo.core.process_wire_day(replace(asked, sales=151))
    assert demo.core.wire_state().current_day == 2


def test_a_scenario_is_a_signal_that_begins_and_ends_with_its_days(demo: StockRoom) -> None:
    viral = "Viral_Social_Media_Boost"
    for number, name in enumerate([viral, viral, "Normal_Operations"], start=1):
        demo.core.process_wire_day(WireDay(day(number), 150, name))
    signal = demo.store.signals()[0]
    assert (signal.label, signal.start, signal.last_day) == (viral, day(1), day(2))
    state = demo.core.wire_state()
    assert state.scenario_breakdown == {viral: 2, "Normal_Operations": 1}
    assert state.decisions[0].strategy_notes == "critical viral event"


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (WireDay(day(1), -1), "sales must be 0 to"),
        (WireDay(day(1), 1, "Aliens"), "Black_Friday_Mega_Event"),
    ],
)
def test_a_posted_day_that_cannot_be_is_refused(demo: StockRoom, asked: WireDay, told: str) -> None:
    with pytest.raises(NotPossible, match=told):
        demo.core.process_wire_day(asked)
    assert demo.store.last_closed_day() is None


@pytest.mark.parametrize("first", [date(2026, 11, 23), date(2021, 6, 1)])
def test_the_first_day_may_be_any_date(demo: StockRoom, first: date) -> None:
    made = demo.core.process_wire_day(WireDay(first, 150)).decision
    assert made.date == first
    assert demo.store.newest_forecasts([DEMO])[DEMO].origin == first - timedelta(days=1)
    for _ in range(8):
        demo.core.process_wire_day(WireDay(first, 150))
    # The refit learns from the demo's history, moved to the days of this epoch.
    assert demo.rounds.run().fitted == 1
    assert demo.core.process_wire_day(WireDay(first, 150)).decision.day == 10


def test_after_a_reset_another_first_day_is_taken_too(demo: StockRoom) -> None:
    demo.core.process_wire_day(WireDay(date(2026, 11, 23), 150))
    demo.core.reset("eva", "again")
    demo.rounds.run()
    made = demo.core.process_wire_day(WireDay(day(1), 150))
    assert (made.decision.day, made.decision.date) == (1, day(1))
    assert made.metrics.days == 1


def test_the_wire_never_decides_a_day_twice(demo: StockRoom) -> None:
    demo.core.start()
    try:
        for number in range(1, 6):
            demo.core.process_wire_day(WireDay(day(number), 150))
        wait_for(lambda: not demo.store.pending_closings())
    finally:
        demo.core.stop()
    made = demo.store.list_decisions(DecisionQuery()).rows
    assert [one.kind for one in made] == ["wire"] * 5


def test_the_core_works_on_either_database(store_url: str) -> None:
    with Store.open(store_url) as store:
        shop = StockRoom(store, CoreSettings(start_worker=False))
        shop.register(terms())
        shop.rounds.run()
        for number in range(1, 10):
            shop.play(number, 30)
            shop.rounds.run()
        assert shop.store.newest_forecasts(["a"])["a"].origin == day(7)
        assert shop.core.item_detail("a")["forecast"]["origin"] == day(7)
        assert store.self_check() == []
