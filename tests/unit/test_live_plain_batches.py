"""Plain batches: the quick reader takes what the careful one takes, and reads it just the same."""

import json
from typing import Any
from unittest.mock import patch

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming_production.events import Event, EventError, parse_events
from streaming_production.plain_batches import read_plain_batch
from tests.live_facts import posted

MOVEMENTS = [
    posted(1, "sale.recorded", quantity=3),
    posted(2, "sale.recorded", quantity=1, price=4),
    posted(3, "receipt.recorded", quantity=12, order_id="order 1", complete=True),
    posted(4, "stock.counted", on_hand=0),
    posted(5, "stock.adjusted", quantity=-2, reason="broken\u2028on the way"),
    posted(6, "return.recorded", quantity=1, resaleable=False),
    posted(7, "price.changed", price=49.9),
]


def read_carefully(raw: bytes) -> list[Event] | None:
    """Read a batch without the quick reader; None where it is refused."""
    with patch("streaming_production.events.read_plain_batch", return_value=None):
        try:
            return list(parse_events(raw, "application/cloudevents-batch+json"))
        except EventError:
            return None


def read_quickly(raw: bytes) -> list[Event] | None:
    """Read a batch by the quick reader alone; None where it leaves it to the other."""
    read = read_plain_batch(raw)
    return None if read is None else list(read)


def changed(place: tuple[str, ...], raw_value: str, event: dict[str, Any]) -> bytes:
    """Return a batch of which one value is written as given."""
    copy = json.loads(json.dumps(event))
    inner = copy
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = "@@"
    good = json.dumps(posted(99, "sale.recorded", quantity=1))
    return f"[{good},{json.dumps(copy)}]".replace('"@@"', raw_value).encode("utf-8", "replace")


RAW_VALUES = (
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.integers(-3, 3),
        st.floats(),
        st.text(max_size=5),
        st.sampled_from(["sale.recorded", "day.closed", "agent", "1.0", "x" * 200, "x" * 501]),
        st.datetimes(timezones=st.timezones() | st.none(), allow_imaginary=False).map(
            lambda one: one.isoformat()
        ),
        st.lists(st.integers(), max_size=1),
    ).map(json.dumps)
    | st.from_regex(r"\A-?[0-9]{1,22}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?\Z")
    | st.from_regex(r'\A"20[0-9]{2}-[01][0-9]-[0-3][0-9][Tt ][0-2]\d:[0-6]\d[0-9:.,+Zz-]{0,12}"\Z')
    | st.sampled_from(
        ['"\\ud800"', '"\\u0007"', '"\x7f"', '"a\\/b"', '"\\u00e4"', '"\u2028"', "-0", "NaN", "01"]
    )
)
PLACES = [("id",), ("source",), ("type",), ("subject",), ("time",), ("specversion",), ("data",)]
INNER = ["quantity", "price", "order_id", "complete", "on_hand", "reason", "resaleable", "more"]


def test_a_batch_of_all_movements_is_read_quickly_and_the_same() -> None:
    raw = orjson.dumps(MOVEMENTS)
    quick = read_quickly(raw)
    assert quick is not None
    assert quick == read_carefully(raw)
    assert [type(event.data) for event in quick] == [
        type(event.data) for event in read_carefully(raw) or ()
    ]


@pytest.mark.parametrize(
    "time",
    [
        "2024-03-01T12:00:00Z",
        "2024-03-01T12:00:00+00:00",
        "2024-03-01T12:00:00.5Z",
        "2024-03-01T12:00:00.123456+00:00",
        "2024-03-01T12:00:00.123456789Z",
        "2024-03-01T120000.0001+00:00",
        "2024-03-01T12:00:00-00:00",
        "2024-03-01T23:30:00-05:00",
        "2024-03-01t00:30:00.5+05:30",
        "2024-12-31 12:00:00,123456789+00:00",
    ],
)
def test_a_time_is_told_as_the_careful_reader_tells_it(time: str) -> None:
    raw = orjson.dumps([MOVEMENTS[0] | {"time": time}])
    quick = read_quickly(raw)
    assert quick is not None
    assert quick == read_carefully(raw)


@pytest.mark.parametrize(
    "times",
    [
        ["2024-03-01T12:00:00Z", "2024-03-02T13:00:00Z"],
        ["2024-03-01T12:00:00Z", "2024-03-02T13:00:00.1Z"],
        ["2024-03-01T12:00:00.1234+00:00", "2024-03-01T23:30:00.1234-05:00"],
        ["2024-03-01T12:00:00.12Z", "2024-03-01T12:00:00,12Z"],
        ["2024-03-01T12:00:00Z", "2024-03-01 12:00:01Z"],
    ],
)
def test_times_written_alike_or_not_are_told_as_the_careful_reader_tells_them(
    times: list[str],
) -> None:
    sent = [MOVEMENTS[0] | {"id": time, "time": time} for time in times]
    quick = read_quickly(orjson.dumps(sent))
    assert quick is not None
    assert quick == read_carefully(orjson.dumps(sent))


@pytest.mark.parametrize(
    "time",
    [
        "2024-02-30T12:00:00Z",
        "2024-03-01T25:00:00Z",
        "2024-03-01T12:60:00+00:00",
        "2024-03-01T12:00:0xZ",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
    ],
)
def test_what_is_no_time_is_left_to_the_careful_reader(time: str) -> None:
    assert read_plain_batch(orjson.dumps([MOVEMENTS[0] | {"time": time}])) is None


@given(
    event=st.sampled_from(MOVEMENTS),
    place=st.sampled_from([*PLACES, *(("data", name) for name in INNER)]),
    value=RAW_VALUES,
)
def test_what_is_read_quickly_is_read_the_same_by_the_careful_reader(
    event: dict[str, Any], place: tuple[str, ...], value: str
) -> None:
    raw = changed(place, value, event)
    quick = read_quickly(raw)
    if quick is not None:
        careful = read_carefully(raw)
        assert quick == careful
        assert repr(quick) == repr(careful)


@pytest.mark.parametrize(
    "raw",
    [
        b"[]",
        b"{}",
        b"[1]",
        b'["1234567"]',
        b"[[1,2,3,4,5,6,7]]",
        b"[null]",
        b"not json",
        orjson.dumps([MOVEMENTS[0] | {"traceid": "abc"}]),
        orjson.dumps([MOVEMENTS[0], posted(2, "day.closed", day="2024-03-01")]),
        orjson.dumps([MOVEMENTS[0] | {"source": "agent"}]),
    ],
)
def test_what_is_not_plain_is_left_to_the_careful_reader(raw: bytes) -> None:
    assert read_plain_batch(raw) is None


def test_a_key_given_twice_counts_as_it_stands_last() -> None:
    raw = orjson.dumps([MOVEMENTS[0]]).replace(b'"quantity":3', b'"quantity":"x","quantity":4')
    [event] = parse_events(raw)
    assert event.data.quantity == 4
    assert [event] == read_carefully(raw)
