"""Events: what is taken, what is refused and with which words, and the one form of each."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import orjson
import pytest
from cloudevents.core.bindings.http import to_structured_event
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from streaming_production.events import (
    Event,
    EventError,
    Events,
    StoredEvent,
    internal_event,
    parse_events,
    stored_events,
)
from tests.live_facts import posted

SALE = posted(1, "sale.recorded", quantity=3)


def stored(event: Event) -> StoredEvent:
    """Return an event as the log holds it."""
    return StoredEvent(event.id, event.source, event.type, event.subject, event.instant, event.rest)


def refusal(sent: Any, content_type: str = "application/json") -> list[dict[str, Any]]:
    """Return what is said of a body that is refused."""
    raw = sent if isinstance(sent, bytes) else orjson.dumps(sent)
    with pytest.raises(EventError) as caught:
        parse_events(raw, content_type)
    return caught.value.errors


def test_a_sale_is_read() -> None:
    [event] = parse_events(orjson.dumps(SALE | {"traceid": "abc", "sampled": True}))
    assert (event.id, event.source, event.type, event.subject) == (
        "1",
        "tests",
        "sale.recorded",
        "milk",
    )
    assert event.time == datetime(2024, 3, 1, 12, tzinfo=UTC)
    assert event.instant == "2024-03-01T12:00:00.000000Z"
    assert (event.data.quantity, event.data.price) == (3, None)
    assert stored(event).attributes()["traceid"] == "abc"
    assert stored(event).attributes()["sampled"] is True


def test_the_business_day_is_the_date_as_written_in_its_own_offset() -> None:
    [event] = parse_events(orjson.dumps(SALE | {"time": "2024-03-01T23:30:00-05:00"}))
    assert event.day == date(2024, 3, 1)
    assert event.instant == "2024-03-02T04:30:00.000000Z"
    assert event.time.utcoffset() == timedelta(hours=-5)


def test_a_batch_is_read_in_the_order_in_which_it_was_sent() -> None:
    raw = orjson.dumps([SALE | {"id": str(number)} for number in range(5)])
    kinds = ("application/json", "application/cloudevents-batch+json; charset=utf-8")
    for kind in kinds:
        assert [event.id for event in parse_events(raw, kind)] == ["0", "1", "2", "3", "4"]
    assert list(parse_events(b" []")) == []


def test_events_by_column_are_the_events_one_by_one() -> None:
    one_by_one = [
        *parse_events(orjson.dumps([SALE, posted(2, "stock.counted", on_hand=0)])),
        internal_event("order.sent", None, date(2024, 3, 1), {"order_id": "o"}),
    ]
    events = Events.of(iter(one_by_one))
    assert Events.of(events) is events
    assert (len(events), list(events), events[-1]) == (3, one_by_one, one_by_one[2])
    assert [list(events[1:]), list(events.part([2, 0]))] == [one_by_one[1:], one_by_one[::-2]]
    assert events.keys() == [event.key for event in one_by_one]
    assert events.columns.id == ("1", "2", one_by_one[2].id)
    assert (len(Events.of([])), list(Events.of([])), Events.of([]).keys()) == (0, [], [])
    with pytest.raises(IndexError):
        events[3]


def test_the_same_content_written_otherwise_has_the_same_form() -> None:
    one = parse_events(orjson.dumps(SALE))[0]
    spread = orjson.dumps(
        {
            **dict(reversed(SALE.items())),
            "data": {"price": None, "quantity": 3},
            "time": "2024-03-01T12:00:00.000+00:00",
            "datacontenttype": "application/json",
        },
        option=orjson.OPT_INDENT_2,
    )
    assert parse_events(spread)[0].rest == one.rest
    assert parse_events(orjson.dumps(SALE | {"time": "2024-03-01T13:00:00+01:00"}))[0] != one


def test_events_read_back_from_the_log_are_the_same() -> None:
    events = [
        *parse_events(orjson.dumps([SALE, posted(2, "stock.counted", on_hand=0)])),
        internal_event("order.sent", None, date(2024, 3, 1), {"order_id": "o"}),
    ]
    assert stored_events(map(stored, events)) == events


def test_what_the_cloudevents_sdk_writes_is_read() -> None:
    attributes = {
        "id": "from-sdk",
        "source": "/shop/7",
        "type": "sale.recorded",
        "subject": "milk",
        "time": datetime(2024, 3, 1, 9, tzinfo=timezone(timedelta(hours=1))),
        "specversion": "1.0",
        "datacontenttype": "application/json",
        "partitionkey": "milk",
    }
    message = to_structured_event(CloudEvent(attributes, {"quantity": 2}), JSONFormat())
    [event] = parse_events(message.body, message.headers["content-type"])
    assert (event.id, event.instant) == ("from-sdk", "2024-03-01T08:00:00.000000Z")
    read_back = JSONFormat().read(CloudEvent, orjson.dumps(stored(event).attributes()))
    assert read_back.get_data() == {"price": None, "quantity": 2}
    assert read_back.get_extension("partitionkey") == "milk"


@pytest.mark.parametrize(
    ("data", "pointer", "words"),
    [
        ({"quantity": True}, "/data/quantity", "should be a valid integer, got True"),
        ({"quantity": "3"}, "/data/quantity", "should be a valid integer, got '3'"),
        ({"quantity": 1.5}, "/data/quantity", "should be a valid integer, got 1.5"),
        ({"quantity": 0}, "/data/quantity", "greater than or equal to 1"),
        ({"quantity": 10**10}, "/data/quantity", "less than or equal to 1000000000"),
        ({"quantity": 1, "price": 0}, "/data/price", "greater than 0"),
        ({}, "/data/quantity", "is missing"),
        ({"quantity": 1, "prise": 2}, "/data/prise", "did you mean price?"),
        ([], "/data", "should be an object"),
    ],
)
def test_wrong_data_is_refused_with_its_place(data: Any, pointer: str, words: str) -> None:
    [error] = refusal([SALE, SALE | {"data": data}])
    assert (error["index"], error["pointer"]) == (1, pointer)
    assert words in error["message"]


@pytest.mark.parametrize(
    ("change", "pointer", "words"),
    [
        ({"specversion": "0.3"}, "/specversion", "1.0"),
        ({"id": ""}, "/id", "at least 1 character"),
        ({"id": "x" * 201}, "/id", "at most 200 characters"),
        ({"source": "agent"}, "/source", "choose another source"),
        ({"subject": None}, "/subject", "valid string"),
        ({"subject": "a\nb"}, "/subject", "match pattern"),
        ({"time": "2024-03-01T12:00:00"}, "/time", "with its offset"),
        ({"time": "1709294400"}, "/time", "2024-03-01T12:00:00Z"),
        ({"time": 1709294400}, "/time", "datetime"),
        ({"time": "2024-02-30T12:00:00Z"}, "/time", "day is out of range"),
        ({"time": "0001-01-01T00:00:00+14:00"}, "/time", "greater than or equal to"),
        ({"time": "9999-12-31T23:59:59-14:00"}, "/time", "less than or equal to"),
        ({"datacontenttype": "text/plain"}, "/datacontenttype", "application/json"),
        ({"Trace-Id": "x"}, "/Trace-Id", "match pattern"),
        ({"trace": [1]}, "/trace", "text, true, false or a whole number"),
        ({"trace": 1.5}, "/trace", "text, true, false or a whole number"),
        ({"trace": 2**40}, "/trace", "text, true, false or a whole number"),
        ({"type": "sale.recorde"}, "/type", "did you mean sale.recorded"),
        ({"type": "decision.made"}, "/type", "only the agent itself writes"),
        ({"type": 7}, "/type", "sale.recorded"),
    ],
)
def test_a_wrong_envelope_is_refused_with_its_place(
    change: dict[str, Any], pointer: str, words: str
) -> None:
    [error] = refusal(SALE | change)
    assert (error["index"], error["pointer"]) == (0, pointer)
    assert words in error["message"]


def test_a_missing_type_is_told_with_the_types_there_are() -> None:
    [error] = refusal({"id": "1"})
    assert (error["pointer"], "sale.recorded" in error["message"]) == ("/type", True)


def test_every_wrong_event_of_a_batch_is_told_up_to_a_hundred() -> None:
    assert {error["index"] for error in refusal([{}, SALE, {}])} == {0, 2}
    assert len(refusal([{}] * 300)) == 100


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"id": "\\ud800"}',
        b"\xff\xfe",
        b"[" * 10_000,
        b'{"a":' * 10_000,
        orjson.dumps(SALE)[:-5],
        b"\xef\xbb\xbf{}",
    ],
)
def test_what_is_no_json_is_told_apart(body: bytes) -> None:
    with pytest.raises(EventError) as caught:
        parse_events(body)
    assert caught.value.not_json


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1e309", b"9" * 5000])
def test_numbers_that_are_none_are_refused(number: bytes) -> None:
    raw = orjson.dumps(SALE | {"data": {"quantity": 1, "price": 0}})
    assert refusal(raw.replace(b'"price":0', b'"price":' + number))


def test_a_batch_is_not_taken_for_one_event_and_the_other_way_round() -> None:
    assert refusal([SALE], "application/cloudevents+json")
    assert refusal(SALE, "application/cloudevents-batch+json")


def test_a_day_may_be_closed_from_a_day_before_but_not_earlier() -> None:
    ahead = posted(1, "day.closed", None, day="2024-03-02")
    assert parse_events(orjson.dumps(ahead))[0].data.day == date(2024, 3, 2)
    [error] = refusal(posted(1, "day.closed", None, day="2024-03-03"))
    assert error["pointer"] == "/data/day"
    assert "at most a day after the event's own, 2024-03-01" in error["message"]
    [error] = refusal(posted(1, "day.closed", None, day="86400"))
    assert "YYYY-MM-DD" in error["message"]


def test_a_signal_ends_on_its_first_day_or_later() -> None:
    signal = {"signal_id": "s", "kind": "viral", "start": "2024-03-10"}
    told = posted(1, "signal.announced", None, **signal, last_day="2024-03-12", demand=3.5)
    assert parse_events(orjson.dumps(told))[0].data.demand == 3.5
    [error] = refusal(posted(1, "signal.announced", None, **signal, last_day="2024-03-09"))
    assert error["pointer"] == "/data/last_day"
    assert "last_day must be 2024-03-10 or later" in error["message"]
    assert (
        "'viral'"
        in refusal(posted(1, "signal.announced", None, **signal | {"kind": "flu"}))[0]["message"]
    )


def test_the_item_of_a_signal_that_is_none_is_told_by_its_place() -> None:
    signal = {"signal_id": "s", "kind": "viral", "start": "2024-03-10"}
    told = posted(1, "signal.announced", None, **signal, items=["tea", "", "milk", 3])
    assert [error["pointer"] for error in refusal([SALE, told])] == [
        "/data/items/1",
        "/data/items/3",
    ]


def test_an_adjustment_by_nothing_is_refused_at_its_quantity() -> None:
    [error] = refusal(posted(1, "stock.adjusted", quantity=0, reason="none"))
    assert error["pointer"] == "/data/quantity"
    assert "must not be 0" in error["message"]


def test_our_own_facts_are_dated_at_the_end_of_their_day_and_may_be_repeated() -> None:
    data = {"order_id": "o-1", "quantity": 4, "due": date(2024, 3, 4)}
    first, again = (
        internal_event("order.confirmed", None, date(2024, 3, 1), data, id="o-1 confirmed")
        for _ in range(2)
    )
    assert first == again
    assert (first.day, first.instant) == (date(2024, 3, 1), "2024-03-01T23:59:59.999999Z")
    assert first.source == "agent"


def test_a_wrong_fact_of_our_own_is_told() -> None:
    with pytest.raises(EventError, match=r"/data/quantity: is missing"):
        internal_event(
            "order.confirmed", None, date(2024, 3, 1), {"order_id": "o", "due": "2024-03-02"}
        )
    item = {"opening_stock": 1, "opening_day": date(2024, 3, 1), "terms": {"unique_id": "a"}}
    with pytest.raises(EventError, match="unit_price"):
        internal_event("item.registered", "a", date(2024, 3, 1), item)
    item["terms"] = {"unique_id": "a", "unit_price": 1, "unit_cost": 2, "holding_cost": 0}
    with pytest.raises(EventError, match="a lost unit must not be a gain"):
        internal_event("item.registered", "a", date(2024, 3, 1), item)
