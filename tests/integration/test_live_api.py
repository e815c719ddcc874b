"""The agent's API: what each path does, asked as a client would."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from streaming_production.api.change_feed import ChangeFeed
from tests.live_agent import DEMO, Agent, agent_of, closing, event, sale
from tests.live_server import wait_until


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    with agent_of(tmp_path / "live.db") as made:
        yield made


def read(agent: Agent, path: str) -> Any:
    answer = agent.client.get(path)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_json()


def close_a_day(agent: Agent, day: str = "2024-01-01", sold: int = 180) -> dict[str, Any]:
    """Sell, close the day, wait for the decision and return its row."""
    agent.send(sale(f"sale-{day}", sold, at=f"{day}T12:00:00Z"), closing(f"close-{day}", day))
    found: list[dict[str, Any]] = []

    def decided() -> bool:
        found[:] = read(agent, f"/api/decisions?first={day}&last={day}")["decisions"]
        return bool(found)

    wait_until(decided)
    return found[0]


def let_wait(agent: Agent) -> dict[str, Any]:
    """Turn the kill switch on, close a day and return the decision that waits."""
    limits = {"max_order_value": None, "max_order_quantity": None, "kill_switch": True}
    answer = agent.client.put("/api/autonomy", json={**limits, "who": "maria", "why": "test"})
    assert answer.status_code == 200
    waiting = close_a_day(agent)
    assert waiting["status"] == "waiting"
    return waiting


def test_a_sale_is_applied_once_and_answered_with_what_was_sold(agent: Agent) -> None:
    first = agent.client.post("/api/events", json=sale(1, 3100)).get_json()
    assert (first["applied"], first["unmet"]) == (1, 100)
    assert first["outcomes"] == [{"id": "test-1", "status": "applied", "sold": 3000, "unmet": 100}]
    again = agent.client.post("/api/events", json=sale(1, 3100)).get_json()
    assert (again["applied"], again["duplicates"]) == (0, 1)
    assert read(agent, f"/api/items/{DEMO}")["on_hand"] == 0


@pytest.mark.parametrize(
    ("media_type", "batch"),
    [
        ("application/cloudevents+json", False),
        ("application/cloudevents+json; charset=utf-8", False),
        ("application/cloudevents-batch+json", True),
        ("application/json", False),
        ("application/json", True),
    ],
)
def test_events_come_singly_or_in_batches_in_every_media_type(
    agent: Agent, media_type: str, batch: bool
) -> None:
    body = agent.app.json.dumps([sale(1), sale(2)] if batch else sale(1))
    answer = agent.client.post("/api/events", data=body, content_type=media_type)
    assert answer.get_json()["applied"] == (2 if batch else 1)


def test_the_same_id_with_another_content_refuses_the_whole_batch(agent: Agent) -> None:
    agent.send(sale(1, 5))
    before = agent.store.last_seq
    answer = agent.client.post("/api/events", json=[sale(2), sale(1, 6)])
    assert (answer.status_code, answer.get_json()["type"]) == (409, "event-conflict")
    assert "test-1" in answer.get_json()["detail"]
    assert agent.store.last_seq == before


def test_wrong_events_are_told_with_their_place_in_the_batch(agent: Agent) -> None:
    answer = agent.client.post(
        "/api/events", json=[sale(1), sale(2, True), event(3, "decision.made")]
    )
    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")
    errors = answer.get_json()["errors"]
    assert [(one["index"], one["pointer"]) for one in errors] == [
        (1, "/data/quantity"),
        (2, "/type"),
    ]


def test_events_of_unknown_items_name_them(agent: Agent) -> None:
    answer = agent.client.post("/api/events", json=event(1, "sale.recorded", "milk", quantity=1))
    assert (answer.status_code, answer.get_json()["type"]) == (422, "unknown-items")
    assert "milk" in answer.get_json()["detail"]


def test_units_of_an_order_that_is_none_of_the_items_are_told_as_such(agent: Agent) -> None:
    order_id = agent.core.decide_now(DEMO).order_id
    agent.send(
        event(1, "receipt.recorded", quantity=7, order_id="nobody-knows"),
        event(2, "receipt.recorded", quantity=1, order_id=order_id),
        event(3, "receipt.recorded", quantity=5),
    )
    listed = agent.client.get("/api/events?type=receipt.recorded").get_json()["events"]
    told = [one["summary"] for one in listed]
    assert told == [
        "7 units received, of order nobody-knows, which is none of the item's",
        "1 unit received",
        "5 units received",
    ]
    feed = b"".join(sent for _, sent in ChangeFeed(agent.store).after(0, agent.store.last_seq))
    assert all(words.encode() in feed for words in told)


def test_too_many_events_at_once_are_refused(tmp_path: Path) -> None:
    with agent_of(tmp_path / "few.db", max_events=3, start=False) as made:
        answer = made.client.post("/api/events", json=[sale(number) for number in range(4)])
        assert answer.status_code == 413
        assert "3 events" in answer.get_json()["detail"]


def test_the_log_is_read_forwards_and_backwards(agent: Agent) -> None:
    agent.send(*(sale(number) for number in range(5)))
    last = agent.store.last_seq
    newest = read(agent, "/api/events?before=0&limit=2")
    assert [one["seq"] for one in newest["events"]] == [last, last - 1]
    assert newest["events"][0]["summary"] == "1 unit sold"
    forward = read(agent, f"/api/events?after={last - 3}&type=sale.recorded&unique_id={DEMO}")
    assert [one["seq"] for one in forward["events"]] == [last - 2, last - 1, last]
    assert forward["last_seq"] == last


def test_the_stream_resumes_where_its_reader_left(agent: Agent) -> None:
    seq = agent.store.last_seq
    agent.send(sale(1), sale(2, 7))
    answer = agent.client.get(
        "/api/stream?limit=1&timeout=5", headers={"Last-Event-ID": f"{seq + 1}"}
    )
    assert answer.mimetype == "text/event-stream"
    text = answer.get_data(as_text=True)
    assert text.startswith("event: hello\n")
    assert f"id: {seq + 2}\nevent: change\n" in text
    assert '"summary":"7 units sold"' in text


def test_a_reader_that_missed_too_much_is_told_to_load_afresh(agent: Agent) -> None:
    seq = agent.store.last_seq
    agent.send(*(sale(number) for number in range(300)))
    text = agent.client.get(f"/api/stream?last_event_id={seq}&limit=1&timeout=5").get_data(True)
    assert f'event: refresh\ndata: {{"seq":{seq + 300},"applied":300}}' in text


def test_a_reader_of_another_store_is_told_to_load_afresh(agent: Agent) -> None:
    text = agent.client.get("/api/stream?last_event_id=999999&timeout=0.1").get_data(True)
    assert "event: refresh\n" in text


def test_a_quiet_stream_beats(agent: Agent) -> None:
    text = agent.client.get("/api/stream?timeout=0.1").get_data(as_text=True)
    assert text.endswith(": still here\n\n")


def test_a_closed_day_is_decided_and_explained(agent: Agent) -> None:
    made = close_a_day(agent)
    assert (made["kind"], made["status"]) == ("day_close", "automatic")
    detail = read(agent, f"/api/decisions/{made['decision_id']}")
    assert detail["quantity"] == made["quantity"] > 0
    chosen = [point for point in detail["curve"] if point["chosen"]]
    assert [point["quantity"] for point in chosen] == [made["quantity"]]
    assert detail["alternatives"]
    assert detail["flips"]
    order = read(agent, f"/api/orders/{made['order_id']}")
    assert (order["quantity"], order["decision_id"]) == (made["quantity"], made["decision_id"])


def test_an_item_is_shown_with_all_that_is_known_of_it(agent: Agent) -> None:
    made = close_a_day(agent)
    item = read(agent, f"/api/items/{DEMO}")
    assert item["last_decision"]["decision_id"] == made["decision_id"]
    assert [day["closing"] for day in item["days"]] == [2820]
    assert item["open_orders"][0]["order_id"] == made["order_id"]
    assert item["on_order"] == made["quantity"]
    assert len(item["forecast"]["days"]) == 28
    day = item["forecast"]["days"][0]
    assert day["low95"] <= day["low80"] <= day["mean"] <= day["high80"] <= day["high95"]
    assert item["terms"]["lead_time"] == 3


@pytest.mark.parametrize(
    "path",
    ["/api/items/none", "/api/items/a/b//c", "/api/decisions/none", "/api/orders/none"],
)
def test_what_is_not_there_is_told_so(agent: Agent, path: str) -> None:
    answer = agent.client.get(path)
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
    assert "there is no" in answer.get_json()["detail"]


def test_a_decision_that_waits_can_be_approved_once(agent: Agent) -> None:
    waiting = let_wait(agent)
    path = f"/api/decisions/{waiting['decision_id']}/approve"
    answer = agent.client.post(path, json={"who": "maria"})
    assert answer.status_code == 200
    row = answer.get_json()
    assert (row["status"], row["decided_by"]) == ("approved", "maria")
    assert read(agent, f"/api/orders/{row['order_id']}")["quantity"] == waiting["quantity"]
    again = agent.client.post(path, json={"who": "maria"})
    assert (again.status_code, again.get_json()["type"]) == (409, "not-waiting")


def test_a_decision_that_waits_can_be_rejected_with_a_reason(agent: Agent) -> None:
    path = f"/api/decisions/{let_wait(agent)['decision_id']}/reject"
    assert agent.client.post(path, json={"who": "maria"}).status_code == 422
    row = agent.client.post(path, json={"who": "maria", "why": "delisted"}).get_json()
    assert (row["status"], row["decided_why"], row["order_id"]) == ("rejected", "delisted", None)
    assert read(agent, "/api/orders")["total"] == 0


def test_a_decision_that_waits_can_be_given_another_quantity(agent: Agent) -> None:
    path = f"/api/decisions/{let_wait(agent)['decision_id']}/override"
    body = {"who": "maria", "why": "a pallet"}
    too_much = agent.client.post(path, json={**body, "quantity": 6000})
    assert too_much.status_code == 422
    assert "5000" in too_much.get_json()["detail"].replace(",", "")
    row = agent.client.post(path, json={**body, "quantity": 480}).get_json()
    assert (row["status"], row["quantity"]) == ("overridden", 480)
    assert read(agent, f"/api/orders/{row['order_id']}")["quantity"] == 480


def test_a_decision_can_be_asked_for_now(agent: Agent) -> None:
    answer = agent.client.post("/api/decisions", json={"unique_id": DEMO})
    assert answer.status_code == 201
    assert answer.get_json()["kind"] == "on_demand"
    unknown = agent.client.post("/api/decisions", json={"unique_id": "milk"})
    assert unknown.status_code == 404


def test_a_dry_run_stores_nothing(agent: Agent) -> None:
    before = agent.store.last_seq
    question = {
        "unique_id": DEMO,
        "demand_factor": 2.0,
        "on_hand": 10,
        "event": {"kind": "promotion", "starts_in": 1, "days": 3, "demand": 2.0},
    }
    body = agent.client.post("/api/what-if", json=question).get_json()
    assert body["changed"]["quantity"] > body["baseline"]["quantity"]
    assert body["changed"]["expected_demand"] > 2 * body["baseline"]["expected_demand"]
    assert agent.store.last_seq == before


def test_limits_on_autonomy_make_orders_wait_with_the_reason(agent: Agent) -> None:
    limits = {"max_order_value": 100.0, "max_order_quantity": None, "kill_switch": False}
    agent.client.put("/api/autonomy", json={**limits, "who": "maria", "why": "first week"})
    assert read(agent, "/api/autonomy") == limits
    waiting = close_a_day(agent)
    assert waiting["status"] == "waiting"
    assert any("value" in reason for reason in waiting["waiting_for"])
    listed = read(agent, "/api/items?filter=waiting")["items"]
    assert listed[0]["waiting_decision_id"] == waiting["decision_id"]


def test_terms_and_settings_of_an_item_can_be_changed(agent: Agent) -> None:
    change = {"terms": {"lead_time": 5}, "settings": {"automatic": False}}
    path = f"/api/items/{DEMO}"
    answer = agent.client.patch(path, json={**change, "who": "maria", "why": "new supplier"})
    assert answer.status_code == 200
    assert answer.get_json()["terms"]["lead_time"] == 5
    assert answer.get_json()["settings"]["automatic"] is False
    empty = agent.client.patch(path, json={"who": "maria", "why": "nothing"})
    assert empty.status_code == 422
    wrong = agent.client.patch(
        path, json={"terms": {"moq": 900, "max_order": 800}, "who": "maria", "why": "x"}
    )
    assert wrong.status_code == 422
    assert "no order is possible" in wrong.get_json()["detail"]


def test_a_signal_is_told_with_what_the_agent_does_about_it(agent: Agent) -> None:
    told = {"signal_id": "bf", "kind": "black_friday", "start": "2024-01-05", "demand": 3.0}
    agent.send(event("s", "signal.announced", None, **told, at="2024-01-01T08:00:00Z"))
    close_a_day(agent)
    signals = read(agent, "/api/signals")["signals"]
    assert [(one["signal_id"], one["status"]) for one in signals] == [("bf", "announced")]
    assert signals[0]["response"]
    assert read(agent, "/api/signals?status=ended")["signals"] == []


def test_key_figures_and_status_follow_the_day(agent: Agent) -> None:
    close_a_day(agent)
    kpis = read(agent, "/api/kpis")
    assert (kpis["today"], kpis["totals"]["service_level"]) == ("2024-01-01", 1.0)
    assert kpis["totals"]["revenue"] == 180 * 50
    assert len(kpis["trend"]) == 1
    status = read(agent, "/api/status")
    assert (status["status"], status["items"], status["today"]) == ("running", 1, "2024-01-01")
    assert status["forecasts"] == status["forecasts"] | {"fitted": 1, "missing": 0}
    assert status["last_event_age_seconds"] < 60
    assert status["last_seq"] == agent.store.last_seq


def test_the_generators_backlog_is_shown_in_the_status(agent: Agent) -> None:
    assert read(agent, "/api/status")["spool"] is None
    agent.client.post("/api/events", json=sale(1), headers={"Spool-Size": "1234"})
    assert read(agent, "/api/status")["spool"] == 1234
    wrong = agent.client.post("/api/events", json=sale(2), headers={"Spool-Size": "-1"})
    assert wrong.status_code == 422


def test_lists_are_exported_whole_and_harmless_to_a_spreadsheet(agent: Agent) -> None:
    path = f"/api/decisions/{let_wait(agent)['decision_id']}/reject"
    agent.client.post(path, json={"who": "maria", "why": '=HYPERLINK("http://evil")'})
    answer = agent.client.get("/api/decisions.csv?status=rejected")
    assert answer.mimetype == "text/csv"
    assert "decisions.csv" in answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True))))
    assert [row["decided_why"] for row in rows] == ['\'=HYPERLINK("http://evil")']
    assert agent.client.get("/api/orders.csv").get_data(as_text=True).startswith("order_id,")


@pytest.mark.parametrize(
    ("path", "name", "told"),
    [
        ("/api/items?pgae=2", "pgae", "did you mean page?"),
        ("/api/items?page=0", "page", "greater than or equal to 1"),
        ("/api/items?page=1&page=2", "page", "give it once"),
        ("/api/items?sort=colour", "sort", "'risk', 'name', 'cover', 'value' or 'on_hand'"),
        ("/api/items?size=5.0", "size", "must be a whole number"),
        ("/api/items?search=%00", "search", "match pattern"),
        ("/api/decisions?first=yesterday", "first", "YYYY-MM-DD"),
        ("/api/events?type=sale", "type", "sale.recorded"),
        ("/api/orders/x?verbose=1", "verbose", "known: none"),
    ],
)
def test_a_wrong_parameter_is_told_with_what_is_accepted(
    agent: Agent, path: str, name: str, told: str
) -> None:
    answer = agent.client.get(path)
    assert answer.status_code == 422
    error = answer.get_json()["errors"][0]
    assert (error["pointer"], told in error["message"]) == (name, True), error


def test_paths_that_take_other_methods_say_which(agent: Agent) -> None:
    answer = agent.client.delete("/api/events")
    assert (answer.status_code, answer.mimetype) == (405, "application/problem+json")
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}
    assert agent.client.head("/api/items").status_code == 200
    assert "GET" in agent.client.options("/api/items").headers["Allow"]


def test_a_catalogue_is_filled_from_a_profile(agent: Agent) -> None:
    answer = agent.client.post("/api/catalogue", json={"profile": "rossmann", "items": 3})
    assert (answer.status_code, answer.get_json()["registered"]) == (202, 3)
    assert read(agent, "/api/items")["total"] == 4
    again = agent.client.post("/api/catalogue", json={"profile": "rossmann", "items": 3})
    assert again.status_code == 409


def test_a_catalogue_is_filled_from_a_planners_files(agent: Agent) -> None:
    days = [f"2024-{month:02d}-{day:02d}" for month in (1, 2, 3) for day in range(1, 29)]
    sales = "unique_id,ds,y\n" + "".join(f"milk/1,{day},{5}\n" for day in days)
    parts = {
        "sales": (io.BytesIO(sales.encode()), "../../etc/passwd"),
        "stock": (io.BytesIO(b"unique_id,on_hand\nmilk/1,40\n"), "stock.csv"),
    }
    answer = agent.client.post("/api/catalogue", data=parts)
    assert (answer.status_code, answer.get_json()["registered"]) == (202, 1)
    assert answer.get_json()["notes"]
    assert read(agent, "/api/items/milk/1")["on_hand"] == 40


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"stock": "unique_id,on_hand\n"}, "sales"),
        ({"sales": "unique_id,ds\nmilk,2024-01-01\n"}, "y"),
        ({"sales": "\x00\x01\x02"}, ""),
        ({"sales": "unique_id,ds,y\n", "slaes": "x"}, "did you mean sales"),
    ],
)
def test_files_that_cannot_be_read_are_told_and_register_nothing(
    agent: Agent, parts: dict[str, str], told: str
) -> None:
    data = {name: (io.BytesIO(text.encode()), f"{name}.csv") for name, text in parts.items()}
    answer = agent.client.post("/api/catalogue", data=data)
    assert answer.status_code == 422
    assert told in answer.get_data(as_text=True)
    assert "/tmp" not in answer.get_data(as_text=True)
    assert read(agent, "/api/items")["total"] == 1


def test_the_self_check_finds_nothing_amiss(agent: Agent) -> None:
    close_a_day(agent)
    assert read(agent, "/api/self-check") == {"ok": True, "differences": []}


def test_the_service_is_ready_once_every_item_has_a_forecast(agent: Agent) -> None:
    assert read(agent, "/readyz") == {"ready": True, "reasons": []}
    agent.client.post("/api/catalogue", json={"profile": "rossmann", "items": 1})
    wait_until(lambda: agent.client.get("/readyz").status_code == 503)
    answer = agent.client.get("/readyz")
    assert "forecast" in answer.get_json()["reasons"][0]


def test_metrics_are_told_to_prometheus(agent: Agent) -> None:
    agent.send(sale(1), sale(2))
    agent.send(sale(1))
    close_a_day(agent)
    read(agent, f"/api/items/{DEMO}")
    text = agent.client.get("/metrics").get_data(as_text=True)
    for line in (
        'inventory_events_total{outcome="applied"} 4.0',
        'inventory_events_total{outcome="duplicate"} 1.0',
        'inventory_decisions{status="automatic"} 1.0',
        'inventory_orders{status="confirmed"} 1.0',
        'inventory_forecasts{status="missing"} 0.0',
        "inventory_live_streams 0.0",
        'route="/api/items/<path:unique_id>"',
    ):
        assert line in text, line
    assert DEMO not in text
