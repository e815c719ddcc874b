"""Bodies that no client should send, made from good ones in every way we could think of."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.live_agent import DEMO, closing, sale

WRONG_VALUES: tuple[Any, ...] = (True, None, [], {}, 1.5, {"a": [1]}, -1, [None])
WRONG_NUMBERS = ("NaN", "Infinity", "-Infinity", "1e309", "-1e309", "9" * 400, "0x10", "01", "+1")
WRONG_TEXTS = (
    '"\\ud800"',
    '"\\udfff\\ud800"',
    '"\\u12"',
    '"a\x00b"',
    '"\x01"',
    '"unclosed',
    "'single'",
    '"\\x41"',
)
DEPTH = 10_000


@dataclass(frozen=True, slots=True)
class BadBody:
    """A request that must be refused."""

    name: str
    method: str
    path: str
    body: bytes
    media_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class _Target:
    method: str
    path: str
    body: Any
    places: tuple[tuple[Any, ...], ...]  # of values that no wrong one may replace
    number: tuple[Any, ...]  # place of a number
    text: tuple[Any, ...]  # place of a text


TARGETS = (
    _Target(
        "POST",
        "/api/events",
        sale(1),
        (("specversion",), ("id",), ("source",), ("type",), ("time",), ("data", "quantity")),
        ("data", "quantity"),
        ("id",),
    ),
    _Target(
        "POST",
        "/api/events",
        [sale(1), closing(2, "2024-01-01")],
        ((0, "id"), (0, "subject"), (0, "data"), (1, "data", "day"), (1, "time")),
        (0, "data", "quantity"),
        (1, "id"),
    ),
    _Target(
        "POST",
        "/api/process-day",
        {"date": "2024-01-01", "sales": 5, "scenario": "Normal_Operations"},
        (("date",), ("scenario",)),
        ("sales",),
        ("scenario",),
    ),
    _Target(
        "POST",
        "/api/what-if",
        {"unique_id": DEMO, "demand_factor": 1.5},
        (("unique_id",),),
        ("demand_factor",),
        ("unique_id",),
    ),
    _Target("POST", "/api/decisions", {"unique_id": DEMO}, (("unique_id",),), (), ("unique_id",)),
    _Target(
        "PUT",
        "/api/autonomy",
        {
            "max_order_value": 1.0,
            "max_order_quantity": 1,
            "kill_switch": False,
            "who": "maria",
            "why": "test",
        },
        (("who",), ("why",)),
        ("max_order_quantity",),
        ("who",),
    ),
    _Target(
        "PATCH",
        f"/api/items/{DEMO}",
        {"terms": {"lead_time": 4}, "who": "maria", "why": "test"},
        (("who",), ("why",)),
        ("terms", "lead_time"),
        ("who",),
    ),
    _Target(
        "POST",
        "/api/catalogue",
        {"profile": "rossmann", "items": 1},
        (("profile",), ("items",)),
        ("items",),
        ("profile",),
    ),
)


def bad_bodies() -> list[BadBody]:
    """Return more than 500 different bad bodies."""
    return [bad for target in TARGETS for bad in _of(target)]


def _of(target: _Target) -> Iterator[BadBody]:
    for name, body in _texts(target):
        raw = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
        yield BadBody(f"{target.path} {name}", target.method, target.path, raw)
    good = json.dumps(target.body).encode()
    for media_type in ("text/plain", "application/xml", "application/x-www-form-urlencoded", ""):
        yield BadBody(
            f"{target.path} as {media_type}", target.method, target.path, good, media_type
        )


def _texts(target: _Target) -> Iterator[tuple[str, str | bytes]]:
    good = json.dumps(target.body)
    for share in range(1, 20):
        yield f"truncated {share}", good[: len(good) * share // 20]
    for place in target.places:
        for wrong in WRONG_VALUES:
            yield f"{place} {wrong!r}", json.dumps(_with(target.body, place, wrong))
        if place not in _MAY_BE_MISSING:
            yield f"without {place}", json.dumps(_with(target.body, place, _GONE))
    if target.number:
        for number in WRONG_NUMBERS:
            yield f"number {number[:9]}", _with_raw(target.body, target.number, number)
    for text in WRONG_TEXTS:
        yield f"text {text}", _with_raw(target.body, target.text, text)
    yield "deep list", "[" * DEPTH + "]" * DEPTH
    yield "deep object", '{"a":' * DEPTH + "1" + "}" * DEPTH
    yield "deep inside", _with_raw(target.body, target.text, "[" * DEPTH + "]" * DEPTH)
    yield "endless list", "[" * DEPTH
    yield "unknown key", _with_raw(target.body, target.text, '"x", "no_such_key": 1')
    yield "nothing", ""
    yield "blank", " \n\t "
    yield "null", "null"
    yield "a number", "5"
    yield "a text", json.dumps(good)
    yield "two documents", good + good
    yield "a comment", good + "// why not"
    yield "a comma too many", good[:-1] + ",}"
    yield "byte order mark", b"\xef\xbb\xbf" + good.encode()
    yield "utf-16", good.encode("utf-16")
    yield "no utf-8", good.encode().replace(b"e", b"\xff\xfe", 1)
    yield "gzip", gzip.compress(good.encode(), mtime=0)
    yield "noise", bytes(range(256))
    yield "xml", "<sale><quantity>1</quantity></sale>"


_GONE = object()
_MAY_BE_MISSING = (("scenario",), ("items",))
_MARK = "\u0001mark"


def _with(body: Any, place: tuple[Any, ...], value: Any) -> Any:
    key, *rest = place
    copy = list(body) if isinstance(body, list) else dict(body)
    if rest:
        copy[key] = _with(copy[key], tuple(rest), value)
    elif value is _GONE:
        del copy[key]
    else:
        copy[key] = value
    return copy


def _with_raw(body: Any, place: tuple[Any, ...], raw: str) -> str:
    return json.dumps(_with(body, place, _MARK)).replace(json.dumps(_MARK), raw)
