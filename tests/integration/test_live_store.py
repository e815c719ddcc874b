"""The store on SQLite and PostgreSQL: each event once, all or nothing, facts by their rules."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import psycopg
import pytest
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import select

from core_modules.agent_rules import Priority
from streaming_production.events import Events, internal_event, parse_events
from streaming_production.storage import engine
from streaming_production.storage.engine import Database
from streaming_production.storage.errors import KeyTaken
from streaming_production.storage.tables import closings
from streaming_production.store import (
    Autonomy,
    DecisionQuery,
    EventConflict,
    ForecastRow,
    ItemQuery,
    OrderQuery,
    RuleBroken,
    Store,
    StoreBusy,
    StoreFull,
    StoreUnwritable,
    UnknownItems,
)
from tests.live_facts import (
    FIRST_DAY,
    LIMITS,
    about_order,
    answered,
    changed,
    closed,
    decided,
    happened,
    minutes,
    parsed,
    placed_order,
    posted,
    registered,
    sale,
)

SECOND_DAY = FIRST_DAY + timedelta(days=1)
TWO_SOLD = posted(1, "sale.recorded", quantity=2)


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """A store with one item, milk, of which 100 are on hand; checked against its log at the end."""
    with Store.open(store_url) as opened:
        opened.append([registered("milk", 100)])
        yield opened
        assert opened.self_check() == []


@pytest.fixture
def sqlite_store(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The same in a file, with little patience."""
    monkeypatch.setattr(engine, "PATIENCE", 0.2)
    with Store.open(sqlite_url) as opened:
        opened.append([registered("milk", 100)])
        yield opened
        assert opened.self_check() == []


def on_hand(store: Store, name: str = "milk") -> int:
    """Return an item's stock."""
    row = store.item(name)
    assert row is not None
    return row.on_hand


def at_once(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Run work in so many threads that all begin at the same moment."""
    start = threading.Barrier(count)

    def one(number: int) -> Any:
        start.wait(10)
        return work(number)

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(one, range(count)))


# Opening


def test_a_store_is_opened_again_with_all_that_was_in_it(store_url: str) -> None:
    with Store.open(store_url) as first:
        first.append([registered("milk", 7)])
    with Store.open(store_url) as again:
        assert (on_hand(again), again.last_seq, again.epoch) == (7, 1, 1)


def test_many_may_open_a_new_database_at_once(store_url: str) -> None:
    def opened(_: int) -> int:
        with Store.open(store_url) as store:
            return store.last_seq

    assert at_once(4, opened) == [0] * 4


def test_a_path_is_the_address_of_a_file(tmp_path: Path) -> None:
    with Store.open(str(tmp_path / "new folder" / "shop #1%20.db")):
        assert (tmp_path / "new folder" / "shop #1%20.db").exists()


@pytest.mark.parametrize("url", ["mysql://root@localhost/shop", "://", "ftp://a"])
def test_an_address_that_is_none_is_told(url: str) -> None:
    with pytest.raises(ValueError, match=r"results/live\.db"):
        Store.open(url)


def test_a_server_that_is_away_is_told_as_busy() -> None:
    with pytest.raises(StoreBusy, match="away"):
        Store.open("postgresql://nobody@127.0.0.1:9/none")


# Each event once


def test_an_event_sent_again_is_acknowledged_and_not_applied(store: Store) -> None:
    events = [sale(number, 2, at=when) for number, when in enumerate(minutes(5))]
    first, again = store.append(events), store.append(events)
    assert (first.applied, first.duplicates, again.applied, again.duplicates) == (5, 0, 0, 5)
    assert (again.first_seq, again.last_seq) == (None, first.last_seq)
    assert on_hand(store) == 90
    mixed = store.append([*events, sale("new", 1)])
    assert (mixed.applied, mixed.duplicates, on_hand(store)) == (1, 5, 89)


def test_an_event_twice_in_one_batch_counts_once(store: Store) -> None:
    done = store.append([sale(1, 2), sale(1, 2)])
    assert (done.applied, done.duplicates, on_hand(store)) == (1, 1, 98)


def test_one_id_with_another_content_refuses_the_whole_batch(store: Store) -> None:
    store.append([sale(1, 2)])
    with pytest.raises(EventConflict) as caught:
        store.append([sale(7, 1), sale(1, 3)])
    assert caught.value.ids == ["1"]
    with pytest.raises(EventConflict):
        store.append([sale(8, 1), sale(8, 2)])
    assert (on_hand(store), store.last_seq) == (98, 2)


@pytest.mark.parametrize(
    "other",
    [
        {"type": "signal.started"},
        {"subject": "bread"},
        {"time": "2024-03-01T12:00:00.000001Z"},
        {"time": "2024-03-01T13:00:00+01:00"},  # the same instant
        {"data": {"quantity": 2, "price": 3.0}},
        {"traceid": "abc"},
    ],
)
def test_one_id_is_one_content_whatever_of_it_differs(store: Store, other: dict[str, Any]) -> None:
    signal = {"signal_id": "s", "kind": "viral", "start": "2024-03-02"}
    one = posted(1, "signal.announced", **signal) if "type" in other else TWO_SOLD
    store.append([registered("bread"), *parsed(one)])
    before = store.last_seq
    for sent in ([one | other], [posted(9, "sale.recorded", quantity=1), one | other]):
        with pytest.raises(EventConflict) as caught:
            store.append(parsed(*sent))
        assert caught.value.ids == ["1"]
    with pytest.raises(EventConflict):
        store.append(parsed(*(sent | {"id": "8"} for sent in (one, one | other))))
    again = [one, one | {"time": "2024-03-01T12:00:00.000+00:00"}]
    assert store.append(parsed(*again)).duplicates == 2
    assert store.last_seq == before


def test_an_id_belongs_to_its_source_and_epoch(store: Store) -> None:
    other = posted(1, "sale.recorded", quantity=2) | {"source": "other"}
    assert store.append([sale(1, 2), *parsed(other)]).applied == 2
    assert store.reset("Ada", "a fresh start") == 2
    assert store.append([sale(1, 9)]).applied == 1
    assert on_hand(store) == 91


def test_an_unknown_item_refuses_the_whole_batch(store: Store) -> None:
    with pytest.raises(UnknownItems) as caught:
        store.append([sale(1, 2), happened(2, "sale.recorded", "mlik", quantity=1)])
    assert caught.value.names == ["mlik"]
    assert (on_hand(store), store.last_seq) == (100, 1)


def test_the_last_unit_is_sold_once_to_fifty_buyers_at_once(store: Store) -> None:
    store.append([happened("count", "stock.counted", at="2024-03-01T08:00:00Z", on_hand=1)])
    outcomes = at_once(50, lambda number: store.append([sale(number, 1)]).outcomes[0])
    assert sorted(one.sold for one in outcomes) == [0] * 49 + [1]
    assert sum(one.unmet for one in outcomes) == 49
    assert on_hand(store) == 0


def test_numbers_follow_the_order_of_commits(store: Store) -> None:
    at_once(4, lambda number: [store.append([sale(f"{number}-{n}", 1)]) for n in range(5)])
    assert [one.seq for one in store.events_after(0, 100)] == list(range(1, 22))
    received = [one.received_at for one in store.events_after(0, 100)]
    assert received == sorted(set(received))


# Decisions and orders


def test_an_automatic_decision_places_its_order(store: Store) -> None:
    store.append([decided(1, status="automatic", quantity=40)], inputs={"decision-1": b"why"})
    order, decision, item = store.order("order-1"), store.decision("decision-1"), store.item("milk")
    assert (order.status, order.quantity, order.value, order.placed_day) == (
        "queued",
        40,
        80.0,
        FIRST_DAY,
    )
    assert (decision.order_id, decision.status, decision.title) == (
        "order-1",
        "automatic",
        "Item milk",
    )
    assert (item.on_order, item.last_decision_id, item.reason) == (40, "decision-1", "because")
    assert item.cover_days == pytest.approx(100 / (30 / 3))  # 30 units over 3 days
    assert store.decision_inputs("decision-1") == b"why"
    assert store.decision_fields("decision-1")["curve"] == [[0, 12.5], [40, 10.0]]


def test_a_day_is_decided_once_even_by_many_at_once(store: Store) -> None:
    def decide(number: int) -> bool:
        try:
            store.append([decided(number, status="automatic", quantity=40)])
        except RuleBroken as error:
            return error.code != "decided"
        return True

    assert sorted(at_once(6, decide)) == [False] * 5 + [True]
    assert store.list_orders(OrderQuery()).total == 1
    store.append([decided("again", kind="on_demand"), decided("next", day=SECOND_DAY)])


def test_a_decision_that_waits_is_approved_rejected_or_changed(store: Store) -> None:
    for number, verdict in enumerate(("approved", "rejected", "overridden")):
        day = FIRST_DAY + timedelta(days=number)
        waiting = {"status": "waiting", "quantity": 40, "waiting_for": ["above the limit"]}
        store.append([decided(number, day=day, **waiting)])
        assert store.item("milk").waiting_decision_id == f"decision-{number}"
        store.append([answered(number, verdict, quantity=36 if number == 2 else 40)])
        row = store.decision(f"decision-{number}")
        assert (row.status, row.decided_by, row.decided_why) == (verdict, "Ada", "because")
        assert row.waiting_for == ("above the limit",)
        with pytest.raises(RuleBroken, match=f"is {verdict}, not waiting"):
            store.append([answered(number, "approved")])
    assert store.item("milk").waiting_decision_id is None
    rows = store.list_decisions(DecisionQuery()).rows
    assert [(row.proposed_quantity, row.quantity) for row in rows] == [(40, 36), (40, 0), (40, 40)]
    assert {row.order_id for row in store.list_orders(OrderQuery()).rows} == {"order-0", "order-2"}


def test_two_people_cannot_both_approve(store: Store) -> None:
    store.append([decided(1, status="waiting", quantity=40)])

    def approve(_: int) -> str:
        try:
            store.append([answered(1, "approved")])
        except RuleBroken as error:
            return error.code
        return "approved"

    assert sorted(at_once(4, approve)) == ["approved"] + ["not_waiting"] * 3
    assert store.list_orders(OrderQuery()).total == 1


def test_a_newer_decision_takes_the_place_of_one_that_waits(store: Store) -> None:
    store.append([decided(1, status="waiting", quantity=40)])
    store.append([decided(2, day=SECOND_DAY, status="waiting", quantity=30), registered("bread")])
    assert store.decision("decision-1").status == "superseded"
    assert store.item("milk").waiting_quantity == 30
    with pytest.raises(RuleBroken, match="superseded"):
        store.append([answered(1, "approved")])


def test_decisions_about_nothing_are_refused(store: Store) -> None:
    with pytest.raises(UnknownItems):
        store.append([decided(1, "bread")])
    with pytest.raises(RuleBroken, match="no decision decision-9"):
        store.append([answered(9, "rejected")])
    with pytest.raises(RuleBroken, match="no order order-9"):
        store.append([about_order(9, "sent")])
    assert store.last_seq == 1


def test_an_order_goes_from_the_queue_to_the_shelf(store: Store) -> None:
    now = datetime(2024, 3, 1, 12, tzinfo=UTC)
    store.append([decided(1, status="automatic", quantity=40)])
    assert [(row.order_id, row.status) for row in store.outbox_due(now)] == [("order-1", "queued")]
    store.append([about_order(1, "sent")])
    store.append([about_order(1, "unknown", why="no answer")])
    store.outbox_attempted("order-1", now + timedelta(seconds=30), "timed out")
    assert store.outbox_due(now) == []
    [row] = store.outbox_due(now + timedelta(seconds=31))
    assert (row.status, row.attempts) == ("unknown", 1)
    late = FIRST_DAY + timedelta(days=4)
    store.append([about_order(1, "confirmed", quantity=36, due=late)])
    order = store.order("order-1")
    assert (order.status, order.confirmed_quantity, order.due, order.attempts) == (
        "confirmed",
        36,
        late,
        1,
    )
    assert store.outbox_due(now + timedelta(days=1)) == []
    assert store.item("milk").on_order == 36
    receipt = {"order_id": "order-1", "at": f"{late}"}
    store.append([happened(1, "receipt.recorded", quantity=30, **receipt)])
    assert (store.order("order-1").status, store.item("milk").on_order) == ("partly_received", 6)
    store.append([happened(2, "receipt.recorded", quantity=6, **receipt)])
    order = store.order("order-1")
    assert (order.status, order.received, order.received_day) == ("received", 36, late)
    assert (store.item("milk").on_order, on_hand(store), store.open_orders()) == (0, 136, {})


def test_a_receipt_may_say_that_nothing_more_will_come(store: Store) -> None:
    store.append([decided(1, status="automatic", quantity=40), about_order(1, "sent")])
    nothing = {"quantity": 0, "order_id": "order-1", "complete": True}
    store.append([happened(1, "receipt.recorded", **nothing)])
    assert (store.order("order-1").status, store.item("milk").on_order) == ("received", 0)


def test_a_refused_or_cancelled_order_is_over(store: Store) -> None:
    store.append([decided(1, status="automatic", quantity=40)])
    store.append([about_order(1, "refused", why="sold out")])
    assert (store.order("order-1").status, store.order("order-1").last_error) == (
        "refused",
        "sold out",
    )
    with pytest.raises(RuleBroken, match="it cannot be confirmed now"):
        store.append([about_order(1, "confirmed", quantity=40, due=SECOND_DAY)])
    store.append([decided(2, day=SECOND_DAY, status="automatic", quantity=40)])
    store.append([about_order(2, "cancelled", who="Ada", why="too much")])
    assert store.open_orders() == {}
    assert store.outbox_due(datetime.now(UTC)) == []


def test_an_order_number_is_used_once(store: Store) -> None:
    order = placed_order(1)
    store.append([decided(1, status="automatic", quantity=40)])
    with pytest.raises(RuleBroken, match="order-1 was placed already"):
        store.append([decided(2, day=SECOND_DAY, status="automatic", quantity=40, order=order)])


# Days, corrections, signals, epochs


def test_closed_days_wait_until_their_items_are_decided(store: Store) -> None:
    store.append(
        [registered("bread"), closed("c1"), closed("c1 again"), closed("m", SECOND_DAY, "milk")]
    )
    both, one = store.pending_closings()
    assert (both.day, both.unique_id, one.day, one.unique_id) == (
        FIRST_DAY,
        None,
        SECOND_DAY,
        "milk",
    )
    assert store.undecided(both) == ["bread", "milk"]
    store.append([decided(1)])
    assert (store.undecided(both), store.undecided(one)) == (["bread"], ["milk"])
    store.mark_closing_done(both)
    store.mark_closing_done(both)
    assert store.pending_closings() == [one]
    assert (store.last_closed_day(), store.last_closed_day("bread")) == (SECOND_DAY, FIRST_DAY)


def test_a_late_event_marks_the_decisions_it_touches_until_the_next(store: Store) -> None:
    store.append([sale(1, 5), closed("c1")])
    store.append([decided(1)])
    store.append([sale(2, 5, at=f"{SECOND_DAY}"), closed("c2", SECOND_DAY)])
    store.append([decided(2, day=SECOND_DAY)])
    done = store.append([sale("late", 3, at=f"{SECOND_DAY}T08:00:00Z")])
    assert done.late == ["late"]
    assert [store.decision(f"decision-{n}").touched for n in (1, 2)] == [False, True]
    assert "corrected" in store.item("milk").flags
    store.append([decided(3, day=SECOND_DAY + timedelta(days=1))])
    assert "corrected" not in store.item("milk").flags
    in_time = store.append([sale("in time", 3, at=f"{SECOND_DAY + timedelta(days=2)}")])
    assert in_time.late == []


def test_a_signal_is_known_from_its_evening_and_edited_ended_and_withdrawn(store: Store) -> None:
    start = FIRST_DAY + timedelta(days=5)
    viral = {"signal_id": "v", "kind": "viral", "start": start.isoformat()}
    store.append([happened(1, "signal.announced", None, **viral, demand=2.0)])
    store.append([happened(2, "signal.announced", "milk", at=f"{SECOND_DAY}", **viral, demand=3.0)])
    [told] = store.signals_known(FIRST_DAY)
    assert (told.demand, told.items, told.status, told.known_day) == (
        2.0,
        (),
        "announced",
        FIRST_DAY,
    )
    [edited] = store.signals_known(SECOND_DAY)
    assert (edited.demand, edited.items, edited.signal.announced) == (3.0, ("milk",), True)
    [running] = store.signals_known(start)
    assert running.status == "running"
    store.append([happened(3, "signal.ended", None, at=f"{start}", signal_id="v")])
    assert store.signals_known(start) == []
    [over] = store.signals()
    assert (over.status, over.last_day) == ("ended", start)
    store.append([happened(4, "signal.withdrawn", None, at=f"{start}", signal_id="v")])
    assert [one.status for one in store.signals()] == ["withdrawn"]
    assert store.signals(active_on=start) == []
    with pytest.raises(UnknownItems):
        store.append([happened(5, "signal.started", "bread", **viral)])


def test_a_signal_whose_announcement_comes_late_is_the_same(store: Store) -> None:
    start = {"signal_id": "s", "kind": "promotion", "start": SECOND_DAY.isoformat()}
    store.append([happened(1, "signal.ended", None, at=f"{SECOND_DAY}", signal_id="s")])
    assert store.signals() == []
    store.append([happened(2, "signal.started", None, at=f"{SECOND_DAY}T09:00:00Z", **start)])
    assert [(one.status, one.last_day) for one in store.signals()] == [("ended", SECOND_DAY)]


def test_a_new_epoch_begins_with_the_opening_stock_and_keeps_the_log(store: Store) -> None:
    store.append([sale(1, 5), closed("c1"), happened(3, "price.changed", price=4.0)])
    store.append([decided(1, status="automatic", quantity=40)])
    store.append([internal_event("autonomy.changed", None, FIRST_DAY, LIMITS)])
    before = store.last_seq
    assert store.reset("Ada", "try again") == 2
    item = store.item("milk")
    assert (item.on_hand, item.unit_price, item.on_order, item.last_decision_id) == (
        100,
        3.0,
        0,
        None,
    )
    assert store.item_days("milk") == []
    assert store.pending_closings() == []
    assert store.last_closed_day() is None
    assert store.outbox_due(datetime.now(UTC)) == []
    assert store.list_decisions(DecisionQuery()).total == 0
    assert store.autonomy().kill_switch
    assert store.last_seq == before + 1
    assert store.decision("decision-1") is not None
    store.append([decided("1 again", status="automatic", quantity=40)])


def test_autonomy_is_the_newest_that_was_set(store: Store) -> None:
    assert store.autonomy() == Autonomy()
    store.append([internal_event("autonomy.changed", None, FIRST_DAY, LIMITS)])
    store.append(
        [internal_event("autonomy.changed", None, FIRST_DAY, LIMITS | {"kill_switch": False})]
    )
    now = store.autonomy()
    assert (now.max_order_value, now.max_order_quantity, now.kill_switch, now.who) == (
        500.0,
        None,
        False,
        "Ada",
    )


def test_terms_and_settings_change_as_far_as_they_are_named(store: Store) -> None:
    store.append(
        [changed(terms={"lead_time": 5, "unit_price": 3.5}, settings={"automatic": False})]
    )
    [record] = store.item_records()
    assert (record.terms.lead_time, record.terms.unit_cost, record.terms.unit_price) == (
        5,
        2.0,
        3.5,
    )
    assert (record.settings.automatic, record.settings.priority) == (False, Priority.SERVICE)
    assert (record.price, record.on_hand, record.opening_stock) == (3.5, 100, 100)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"terms": {"unit_price": 1.0}}, "a lost unit must not be a gain"),
        ({"terms": {"unique_id": "bread"}}, "unique_id cannot change"),
        ({"settings": {"risk": 7}}, "less than or equal to 1"),
    ]
    for data, words in wrong:
        with pytest.raises(RuleBroken, match=words):
            store.append([changed(**data)])


def test_an_item_is_registered_once(store: Store) -> None:
    with pytest.raises(RuleBroken, match="in the catalogue already: milk"):
        store.append([registered("bread"), registered("milk")])
    with pytest.raises(RuleBroken, match="bread"):
        store.append([registered("bread"), registered("bread", stock=1)])
    assert [one.unique_id for one in store.item_records()] == ["milk"]


# Lists and figures


def test_items_are_searched_filtered_sorted_and_paged(store: Store) -> None:
    names = ["a%b", "Bread", "butter", "cream"]
    store.append(
        [
            registered(name, 10 * place, group="dairy" if place else "")
            for place, name in enumerate(names)
        ]
    )
    store.append(
        [
            decided(1, "butter", status="waiting", quantity=5, stockout_risk=0.4),
            decided(2, "cream", stockout_risk=0.9, urgency="critical"),
            decided(3, "milk", stockout_risk=0.01),
        ]
    )
    store.append([happened(1, "stock.counted", "Bread", on_hand=3)])

    def found(**asked: Any) -> list[str]:
        return [row.unique_id for row in store.list_items(ItemQuery(**asked)).rows]

    assert found() == ["butter", "cream", "milk", "a%b", "Bread"]
    assert found(filter="at_risk") == ["butter", "cream", "a%b"]
    assert found(filter="waiting") == ["butter"]
    assert found(search="BREA") == ["Bread"]
    assert found(search="%") == ["a%b"]
    assert found(group="dairy", sort="name") == ["Bread", "butter", "cream"]
    assert found(sort="on_hand", descending=True)[:2] == ["milk", "cream"]
    assert found(sort="cover")[-2:] == ["Bread", "a%b"]  # nothing is known of theirs
    page = store.list_items(ItemQuery(sort="name", page=2, size=2))
    assert ([row.unique_id for row in page.rows], page.total) == (["butter", "cream"], 5)
    flags = {row.unique_id: row.flags for row in store.list_items(ItemQuery()).rows}
    assert flags["Bread"] == ("discrepancy", "no_forecast")
    assert set(found(filter="flagged")) == {*names, "milk"}
    with pytest.raises(ValueError, match="sort must be one of risk"):
        ItemQuery(sort="colour")


def test_decisions_and_orders_are_filtered_newest_first(store: Store) -> None:
    store.append([registered("bread")])
    for number in range(3):
        day = FIRST_DAY + timedelta(days=number)
        store.append(
            [
                decided(f"m{number}", day=day, status="automatic", quantity=40),
                decided(f"b{number}", "bread", day=day, urgency="high"),
            ]
        )

    def found(**asked: Any) -> list[str]:
        page = store.list_decisions(DecisionQuery(**asked))
        assert page.total >= len(page.rows)
        return [row.decision_id.removeprefix("decision-") for row in page.rows]

    assert found() == ["b2", "m2", "b1", "m1", "b0", "m0"]
    assert found(unique_id="milk", first=SECOND_DAY) == ["m2", "m1"]
    assert found(urgency="high", last=FIRST_DAY) == ["b0"]
    assert found(status="automatic", size=1, page=2) == ["m1"]
    assert found(search="item bre") == ["b2", "b1", "b0"]
    assert found(search="item_bre") == []
    assert store.count_decisions(("automatic", "rejected")) == {"automatic": 3, "rejected": 0}
    store.append([about_order("m1", "refused", why="x")])
    assert store.count_orders(("queued", "refused")) == {"queued": 2, "refused": 1}
    placed = store.orders_placed("milk", FIRST_DAY + timedelta(days=1), most=5)
    assert placed == [(FIRST_DAY + timedelta(days=2), 40)]
    orders = store.list_orders(OrderQuery(status="open"))
    assert [row.order_id for row in orders.rows] == ["order-m2", "order-m0"]
    assert store.list_orders(OrderQuery(search="m1")).rows[0].last_error == "x"


def test_key_figures_follow_the_core_definitions(store: Store) -> None:
    # Milk: price 3, cost 2, holding 0.01 a unit a day; bread the same, goodwill 1, order cost 7.
    store.append([registered("bread", 4, goodwill=1.0, order_cost=7.0)])
    store.append([sale(1, 10), happened(2, "sale.recorded", "bread", quantity=6), closed("c1")])
    store.append([decided(1, "bread", status="automatic", quantity=40), decided(2)])
    receipt = happened(3, "receipt.recorded", "bread", at=f"{SECOND_DAY}", quantity=40)
    store.append([receipt, closed("c2", SECOND_DAY)])
    store.append([decided(3, day=SECOND_DAY, status="waiting", quantity=5)])
    figures = store.key_figures(30)
    totals = figures.totals
    # Revenue (10 + 4) * 3 = 42; cost of goods 28; holding 90 * 0.01, then (90 + 40) * 0.01;
    # ordering 7; goodwill 2 lost loaves; purchases 40 * 2.
    assert totals.revenue == pytest.approx(42)
    assert totals.profit == pytest.approx(42 - 28 - 0.9 - 1.3 - 7 - 2)
    assert totals.cash_profit == pytest.approx(42 - 80)
    assert totals.service_level == pytest.approx(3 / 4)
    assert totals.fill_rate == pytest.approx(14 / 16)
    assert (totals.units_on_hand, totals.stock_value) == (130, 260.0)
    assert (totals.orders_placed, totals.open_orders, totals.waiting, totals.items) == (1, 1, 1, 2)
    assert (totals.decisions, totals.autonomous_share) == (3, pytest.approx(2 / 3))
    assert [day.service_level for day in figures.trend] == [0.5, 1.0]
    assert [day.orders for day in figures.trend] == [1, 0]
    assert figures.today == SECOND_DAY
    assert len(store.key_figures(1).trend) == 1


def test_key_figures_of_a_store_without_any_day_are_empty(store: Store) -> None:
    figures = store.key_figures(30)
    assert (figures.today, figures.trend, figures.totals.items) == (None, [], 1)
    assert figures.totals.service_level is None


def test_the_log_is_read_forwards_and_backwards(store: Store) -> None:
    store.append(
        [registered("bread"), sale(1, 1), happened(2, "sale.recorded", "bread", quantity=2)]
    )
    assert [one.seq for one in store.events_after(1, 2)] == [2, 3]
    assert [one.seq for one in store.events_before(None, 2)] == [4, 3]
    assert [one.seq for one in store.events_before(3, 9, types=["item.registered"])] == [2, 1]
    [event] = store.events_after(0, 9, unique_id="bread", types=["sale.recorded"])
    assert (event.data, event.time, event.source) == (
        {"quantity": 2, "price": None},
        "2024-03-01T12:00:00+00:00",
        "tests",
    )


def test_days_are_read_by_item_and_by_span(store: Store) -> None:
    store.append([registered("bread"), sale(1, 1), closed("c1"), closed("c2", SECOND_DAY)])
    assert [day.day for day in store.item_days("milk", first=SECOND_DAY)] == [SECOND_DAY]
    assert [day.unique_id for day in store.all_item_days(FIRST_DAY, FIRST_DAY)] == ["bread", "milk"]
    assert {name: len(days) for name, days in store.days_of(["milk"], FIRST_DAY).items()} == {
        "milk": 1
    }


# What is no fact of the log


def test_histories_come_back_as_they_were_given(store: Store) -> None:
    y, in_stock = np.array([1.0, 0.0, 2.5]), np.array([True, False, True])
    store.put_history("milk", date(2023, 1, 1), y, in_stock)
    history = store.history(["milk", "bread"])["milk"]
    assert (history.first_day, history.y.tolist(), history.in_stock.tolist()) == (
        date(2023, 1, 1),
        [1.0, 0.0, 2.5],
        [True, False, True],
    )
    with pytest.raises(ValueError, match="as long"):
        store.put_history("milk", date(2023, 1, 1), y, in_stock[:2])


def test_the_newest_forecast_counts_and_old_ones_go(store: Store) -> None:
    def forecast(name: str, origin: date) -> ForecastRow:
        return ForecastRow(name, origin, origin + timedelta(days=7), "flat", "now", "{}")

    store.append([registered("bread")])
    for number in range(4):
        day = FIRST_DAY + timedelta(days=number)
        store.put_forecasts([forecast("milk", day), forecast("bread", day)])
    newest = store.newest_forecasts(["milk"])["milk"]
    assert newest.origin == FIRST_DAY + timedelta(days=3)
    assert store.forecast_stamps()["milk"] == (newest.origin, newest.forecast_id)
    assert store.newest_forecasts().keys() == {"milk", "bread"}
    assert store.item("milk").flags == ()
    store.append([closed("c", FIRST_DAY + timedelta(days=11))])
    assert store.item("milk").flags == ("stale_forecast",)
    assert store.list_items(ItemQuery(filter="flagged")).total == 2


# Trouble


def test_a_locked_file_is_told_as_busy_and_nothing_is_lost(sqlite_store: Store) -> None:
    with closing(sqlite3.connect(sqlite_store._database.url.database)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy) as caught:
            sqlite_store.append([sale(1, 1)])
        assert caught.value.retry_after > 0
        assert on_hand(sqlite_store) == 100  # reading goes on
    assert sqlite_store.append([sale(1, 1)]).applied == 1


def test_a_lock_on_the_server_is_told_as_busy_and_nothing_is_lost(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "PATIENCE", 1)
    with Store.open(postgres_url) as store:
        store.append([registered("milk", 100)])
        with psycopg.connect(postgres_url) as other:
            other.execute("SELECT pg_advisory_xact_lock(%s)", [engine.WRITERS_LOCK])
            with pytest.raises(StoreBusy):
                store.append([sale(1, 1)])
            assert on_hand(store) == 100
        assert store.append([sale(1, 1)]).applied == 1


def test_connections_that_the_server_dropped_are_made_again(postgres_url: str) -> None:
    with Store.open(postgres_url) as store:
        store.append([registered("milk", 100)])
        with psycopg.connect(postgres_url, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        assert store.append([sale(1, 1)]).applied == 1


SALE = posted(1, "sale.recorded", quantity=1) | {"note": "x" * 1500}


def test_a_full_disk_refuses_writes_and_recovers(sqlite_store: Store) -> None:
    database = sqlite_store._database.engine

    def limit(connection: Any, *_: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # SQLite takes the pages it has

    sqlalchemy_event.listen(database, "checkout", limit)
    big = parsed(*(SALE | {"id": str(number)} for number in range(200)))
    with pytest.raises(StoreFull):
        sqlite_store.append(big)
    assert (on_hand(sqlite_store), sqlite_store.last_seq) == (100, 1)
    sqlalchemy_event.remove(database, "checkout", limit)
    sqlalchemy_event.listen(
        database, "checkout", lambda one, *_: one.execute("PRAGMA max_page_count = 1000000").close()
    )
    assert sqlite_store.append(big).applied == 200


def test_a_database_that_may_not_be_written_is_told(sqlite_store: Store) -> None:
    database = sqlite_store._database.engine

    def forbid(connection: Any, *_: object) -> None:
        connection.execute("PRAGMA query_only = ON").close()

    sqlalchemy_event.listen(database, "checkout", forbid)
    with pytest.raises(StoreUnwritable):
        sqlite_store.append([sale(1, 1)])
    assert on_hand(sqlite_store) == 100


# Large batches


def test_a_batch_of_many_items_is_booked_as_one_sale_after_the_other(store: Store) -> None:
    names = [f"item-{number:03}" for number in range(617)]  # no multiple of what is put together
    store.append([registered(name, 10) for name in names])
    batch = [
        happened(number, "sale.recorded", name, quantity=1 + number % 4)
        for number, name in enumerate(names)
    ]
    assert store.append(batch).applied == 617
    for number, name in enumerate(names[:5]):
        assert on_hand(store, name) == 10 - (1 + number % 4)
    assert sum(day.sold for day in store.all_item_days(FIRST_DAY, FIRST_DAY)) == sum(
        1 + number % 4 for number in range(617)
    )
    again = store.append([*batch, happened("new", "sale.recorded", names[0], quantity=2)])
    assert (again.applied, again.duplicates, on_hand(store, names[0])) == (1, 617, 7)
    assert store.self_check() == []


def test_a_batch_of_sales_in_order_is_booked_without_making_its_events(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = [
        posted(number, "sale.recorded", at=at, quantity=1) for number, at in enumerate(minutes(9))
    ]
    for first in (0, 5):  # the second goes on from what is known after the first
        some = parse_events(orjson.dumps(sent[first : first + 4]))
        with monkeypatch.context() as patched:
            for name in ("__iter__", "__getitem__"):
                patched.setattr(Events, name, None)
            assert store.append(some).applied == 4
    assert on_hand(store) == 92


@pytest.mark.parametrize("size", [1, 9, 10, 11, 49, 250, 311])
def test_rows_come_in_as_they_are_however_many(store_url: str, size: int) -> None:
    Store.open(store_url).close()
    database, numbers = Database(store_url), range(1, size + 1)
    names = [f"item {number}" for number in numbers]
    rows = [*zip(numbers, [1] * size, ["2024-03-01"] * size, names, strict=True)]
    with database.write() as connection:
        engine.insert_rows(connection, closings, rows)
    with pytest.raises(KeyTaken), database.write() as connection:
        engine.insert_rows(connection, closings, rows[-10:])
    with database.read() as connection:
        assert [*map(tuple, connection.execute(select(closings).order_by(closings.c.seq)))] == rows
    database.close()


def test_a_delivery_that_is_overdue_is_told(store: Store) -> None:
    due = FIRST_DAY + timedelta(days=3)
    store.append([decided(1, status="automatic", quantity=40)])
    store.append([closed("before", due - timedelta(days=1))])
    assert "overdue" not in told_of(store, "milk")
    store.append([closed("on the day", due)])
    assert "overdue" in told_of(store, "milk")
    store.append([happened(9, "receipt.recorded", quantity=40, order_id="order-1")])
    assert "overdue" not in told_of(store, "milk")


def test_more_than_was_ordered_is_shelved_and_flagged_for_a_week(store: Store) -> None:
    def receive(number: int, quantity: int) -> None:
        store.append([happened(number, "receipt.recorded", quantity=quantity, order_id="order-1")])

    store.append([decided(1, status="automatic", quantity=40)])
    store.append([about_order(1, "confirmed", quantity=30, due=SECOND_DAY)])
    receive(8, 30)
    assert "overfilled" not in told_of(store, "milk")
    receive(9, 1)
    assert on_hand(store) == 131
    assert "overfilled" in told_of(store, "milk")
    later = f"{FIRST_DAY + timedelta(days=6)}T12:00:00Z"
    store.append([sale(10, 1, at=later)])
    assert "overfilled" in told_of(store, "milk")
    store.append([sale(11, 1, at=later.replace("07T", "08T"))])
    assert "overfilled" not in told_of(store, "milk")


def test_only_open_orders_of_this_epoch_are_still_to_come(store: Store) -> None:
    def seen() -> tuple[int, bool, bool]:
        row = store.item("milk")
        assert row is not None
        at_risk = store.list_items(ItemQuery(filter="at_risk"))
        return row.on_order, "overdue" in row.flags, row in at_risk.rows

    def order(number: int, quantity: int, status: str = "automatic") -> None:
        more = {"kind": "on_demand", "stockout_risk": 0.01}  # and 30 units are expected to go
        store.append([decided(number, status=status, quantity=quantity, **more)])

    store.append([happened(1, "stock.counted", on_hand=20), closed("first", FIRST_DAY)])
    order(1, 40)
    order(2, 40, "waiting")
    store.append([closed("due", FIRST_DAY + timedelta(days=3))])
    assert seen() == (40, True, False)
    store.append([about_order(1, "refused", why="none left")])
    assert seen() == (0, False, True)
    order(3, 50)
    order(4, 40, "waiting")
    assert seen() == (50, True, False)
    store.reset("maria", "again")
    assert seen() == (0, False, False)


def told_of(store: Store, name: str) -> tuple[str, ...]:
    """Return an item's flags."""
    row = store.item(name)
    assert row is not None
    return row.flags


def test_two_writers_of_one_database_never_go_on_from_what_the_other_has_changed(
    store_url: str,
) -> None:
    with Store.open(store_url) as one, Store.open(store_url) as other:
        one.append([registered("milk", 100)])
        for number in range(0, 6, 2):
            one.append([sale(f"one {number}", 3)])
            one.append([sale(f"one {number + 1}", 3)])
            other.append([sale(f"other {number}", 5)])
        other.append([closed("evening")])
        assert one.append([sale("late", 1)]).late == ["late"]
        item = one.item("milk")
        assert item is not None
        assert item.on_hand == 100 - 6 * 3 - 3 * 5 - 1
        assert one.self_check() == []


def test_a_refused_batch_leaves_nothing_to_go_on_from(store_url: str) -> None:
    with Store.open(store_url) as store:
        store.append([registered("milk", 100)])
        store.append([sale("1", 3)])
        with pytest.raises(UnknownItems):
            store.append([sale("2", 3), happened("3", "sale.recorded", "nothing", quantity=1)])
        store.append([sale("4", 3)])
        item = store.item("milk")
        assert item is not None
        assert item.on_hand == 94
        assert store.self_check() == []


def test_a_new_epoch_goes_on_from_the_opening_stock(store_url: str) -> None:
    with Store.open(store_url) as store:
        store.append([registered("milk", 100)])
        store.append([sale("1", 3)])
        store.reset("tests", "again")
        store.append([sale("1", 4)])
        item = store.item("milk")
        assert item is not None
        assert item.on_hand == 96
        assert store.self_check() == []
