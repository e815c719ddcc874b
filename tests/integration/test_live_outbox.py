"""Orders on their way to the supplier: sent once, asked for when in doubt, tried again in time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import requests

from streaming_production.deciding.decider import order_name
from streaming_production.event_types import ItemRegistered
from streaming_production.events import internal_event
from streaming_production.store import Store
from streaming_production.supplier.mock_supplier import Faults, create_app
from streaming_production.supplier.order_book import OrderBook
from streaming_production.supplier.outbox_sender import OutboxSender
from tests.live_server import running

TODAY = date(2024, 1, 5)
LATER = datetime.now(UTC) + timedelta(days=1)  # when everything is due


@contextmanager
def supplier(book: OrderBook, faults: Faults | None = None) -> Iterator[str]:
    """Serve the mock supplier on a free port."""
    with running(create_app(book, faults), threads=2) as server:
        yield server.url


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(str(tmp_path / "live.db")) as opened:
        terms = {"unique_id": "a", "unit_price": 10.0, "unit_cost": 6.0, "holding_cost": 0.01}
        item = ItemRegistered(terms=terms, opening_stock=5, opening_day=date(2024, 1, 4))
        opened.append([internal_event("item.registered", "a", date(2024, 1, 4), item)])
        yield opened


def place_order(store: Store, number: int = 0) -> str:
    """Write a decision that places an order of 40 units."""
    name = f"decision-{number}"
    numbers = (
        "projected_stock", "stockout_risk", "unavoidable_risk", "service_target",
        "expected_demand", "believed_multiplier", "forecast_mean", "forecast_low",
        "forecast_high", "expected_cost", "expected_regret",
    )  # fmt: skip
    data = dict.fromkeys(numbers, 0.0) | {
        "decision_id": name, "unique_id": "a", "day": TODAY, "kind": "on_demand",
        "status": "automatic", "action": "order", "quantity": 40, "due": date(2024, 1, 8),
        "urgency": "normal", "rule": "normal_operations", "reason": "stock is low",
        "reason_codes": (), "needs_review": False, "review_reason": "", "reorder_point": 1,
        "order_up_to": 2, "curve": (), "on_hand": 5, "on_order": 0, "order_value": 240.0,
        "order": {"order_id": order_name(name), "quantity": 40, "due": date(2024, 1, 8)},
    }  # fmt: skip
    store.append([internal_event("decision.made", "a", TODAY, data)])
    return order_name(name)


@contextmanager
def sender(store: Store, url: str) -> Iterator[OutboxSender]:
    """Return a sender whose rounds the test runs itself."""
    one = OutboxSender(store, store.append, url)
    try:
        yield one
    finally:
        one.stop()


def test_an_order_is_sent_once_and_confirmed_as_the_supplier_says(store: Store) -> None:
    book = OrderBook(lead_time=5)
    order_id = place_order(store)
    with supplier(book) as url, sender(store, url) as outbox:
        outbox.send_due(LATER)
        outbox.send_due(LATER)
    order = store.order(order_id)
    assert order is not None
    assert (order.status, order.confirmed_quantity) == ("confirmed", 40)
    assert order.due == TODAY + timedelta(days=5)
    assert [one["quantity"] for one in book.all()] == [40]


def test_a_supplier_that_cannot_be_reached_is_tried_again_later_and_longer(store: Store) -> None:
    order_id = place_order(store)
    with sender(store, "http://127.0.0.1:9") as outbox:  # nobody listens on the discard port
        now = datetime.now(UTC)
        assert not outbox.send_due(now)
        assert store.outbox_due(now) == []
        assert [one.attempts for one in store.outbox_due(now + timedelta(seconds=1.1))] == [1]
        outbox.send_due(now + timedelta(seconds=1.1))
        assert store.outbox_due(now + timedelta(seconds=2.5)) == []
        assert [one.attempts for one in store.outbox_due(now + timedelta(seconds=4))] == [2]
    assert "cannot be reached" in str(store.order(order_id).last_error)
    book = OrderBook()
    with supplier(book) as url, sender(store, url) as outbox:
        outbox.send_due(LATER)
    assert store.order(order_id).status == "confirmed"
    assert len(book.all()) == 1


def test_a_lost_answer_is_asked_for_and_nothing_is_ordered_twice(store: Store) -> None:
    book, order_id = OrderBook(), place_order(store)
    with supplier(book, Faults(lose_answer_share=1.0)) as url, sender(store, url) as outbox:
        outbox.send_due(LATER)
        assert store.order(order_id).status == "unknown"
        outbox.send_due(LATER + timedelta(days=1))
    assert store.order(order_id).status == "confirmed"
    assert len(book.all()) == 1


def test_a_supplier_in_trouble_is_asked_and_then_sent_the_same_order(store: Store) -> None:
    book, order_id = OrderBook(), place_order(store)
    with supplier(book, Faults(fail_share=1.0)) as url, sender(store, url) as outbox:
        outbox.send_due(LATER)
        assert store.order(order_id).status == "unknown"
        assert book.all() == []
    with supplier(book) as url, sender(store, url) as outbox:
        outbox.send_due(LATER + timedelta(days=1))
    assert store.order(order_id).status == "confirmed"
    assert len(book.all()) == 1


def test_a_refusal_is_final_and_its_reason_is_kept(store: Store) -> None:
    book, order_id = OrderBook(), place_order(store)
    book.take(order_id, slip(order_id, quantity=7))
    with supplier(book) as url, sender(store, url) as outbox:
        outbox.send_due(LATER)
        assert not store.outbox_due(LATER + timedelta(days=1))
    order = store.order(order_id)
    assert order.status == "refused"
    assert "stands for another order" in str(order.last_error)


def slip(order_id: str, quantity: int = 40) -> dict[str, object]:
    return {
        "order_id": order_id,
        "unique_id": "a",
        "quantity": quantity,
        "placed": "2024-01-05",
        "due": "2024-01-08",
    }


@pytest.mark.parametrize("run", range(5))
def test_a_crash_between_sending_and_writing_orders_once(store: Store, run: int) -> None:
    """The process dies after the supplier took the order, before its answer is written."""
    book, order_id = OrderBook(), place_order(store)
    with supplier(book) as url:
        crash = np.random.default_rng(run).integers(0, 3)
        calls = 0

        def append_or_die(events):
            nonlocal calls
            calls += 1
            if calls > crash:
                raise KeyboardInterrupt
            return store.append(events)

        dying = OutboxSender(store, append_or_die, url)
        try:
            dying.send_due(LATER)
        except KeyboardInterrupt:
            pass
        finally:
            dying.stop()
        with sender(store, url) as outbox:
            outbox.send_due(LATER)
    assert store.order(order_id).status == "confirmed"
    assert len(book.all()) == 1


def test_the_thread_sends_by_itself_and_stops(store: Store) -> None:
    book = OrderBook()
    ids = [place_order(store, number) for number in range(5)]
    with supplier(book) as url:
        outbox = OutboxSender(store, store.append, url)
        outbox.start()
        waiting = threading.Event()
        for _ in range(200):
            if all(store.order(name).status == "confirmed" for name in ids):
                break
            waiting.wait(0.05)
        outbox.stop()
    assert sorted(one["order_id"] for one in book.all()) == sorted(ids)


def test_the_book_remembers_its_orders_over_a_restart(tmp_path: Path) -> None:
    keep = tmp_path / "orders.jsonl"
    OrderBook(keep).take("k", slip("k"))
    again = OrderBook(keep)
    assert again.take("k", slip("k"))[1] is False
    assert len(again.all()) == 1


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (None, "JSON object"),
        ({}, "lacks"),
        (slip("k") | {"quantity": True}, "whole number"),
        (slip("k") | {"due": "soon"}, "ISO day"),
        (slip("k") | {"colour": "red"}, "unknown colour"),
        (slip("other"), "Idempotency-Key"),
    ],
)
def test_the_supplier_says_what_is_wrong_with_an_order(body: object, told: str) -> None:
    with supplier(OrderBook()) as url:
        answer = requests.post(
            f"{url}/orders", json=body, headers={"Idempotency-Key": "k"}, timeout=5
        )
    assert answer.status_code == 422
    assert told in answer.json()["detail"]
