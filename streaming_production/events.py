"""Events: CloudEvents 1.0 in JSON, one or a batch, checked and put in one canonical form.

An event's business day is the calendar date as its time is written, in its own offset; within an
item events are ordered by day, instant, source and id. Our own facts are dated at the end of their
business day; when they were written down is the log's `received_at`.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Union
from uuid import uuid4

import orjson
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    create_model,
    model_validator,
)
from pydantic_core import ErrorDetails

from streaming_production.event_form import (
    AGENT,
    Event,
    Events,
    Key,
    StoredEvent,
    canonical_json,
    day_text,
    rest_of,
    utc_text,
)
from streaming_production.event_types import (
    CLOSING,
    EXTERNAL,
    INTERNAL,
    LEDGER,
    EventId,
    Facts,
    FieldError,
    Instant,
    ItemId,
    Source,
)
from streaming_production.plain_batches import read_plain_batch

__all__ = [
    "AGENT",
    "EXTERNAL_BATCH",
    "EXTERNAL_EVENT",
    "Event",
    "EventError",
    "Events",
    "Key",
    "StoredEvent",
    "internal_event",
    "parse_events",
    "stored_events",
    "utc_text",
]

MOST_ERRORS = 100  # told of one request
_DAY_END = time(23, 59, 59, 999999, tzinfo=UTC)


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str) and len(value) <= 2000 and value.isprintable():
        return value
    if isinstance(value, int) and -(2**31) <= value < 2**31:
        return value
    raise ValueError("must be text, true, false or a whole number of 32 bits")


Extension = Annotated[str | bool | int | None, BeforeValidator(_plain)]


class EventError(ValueError):
    """A body is no valid event or batch; `errors` say where and how to mend it."""

    def __init__(self, errors: Sequence[Mapping[str, Any]], *, not_json: bool = False) -> None:
        super().__init__("; ".join(f"{one['pointer'] or '/'}: {one['message']}" for one in errors))
        self.errors = list(errors)  # {"index": place in the batch, "pointer", "message"}
        self.not_json = not_json


class Envelope(BaseModel):
    """What every event carries; unknown attributes are kept where their names are legal."""

    model_config = ConfigDict(extra="allow", strict=True)
    __pydantic_extra__: dict[Annotated[str, Field(pattern=r"^[a-z0-9]{1,20}$")], Extension]

    specversion: Literal["1.0"]
    id: EventId
    source: Source
    time: Instant
    datacontenttype: Literal["application/json"] | None = None


class _Closing(Envelope):
    @model_validator(mode="after")
    def _closes_no_future_day(self) -> "_Closing":
        day: date = self.data.day  # type: ignore[attr-defined]  # declared by the made model
        if day > self.time.date() + timedelta(days=1):
            message = f"day must be at most a day after the event's own, {self.time.date()}"
            raise FieldError(f"{message}: got {day}", "data", "day")
        return self


def _envelope(kind: str, facts: type[Facts]) -> type[Envelope]:
    one_type: Any = Literal[kind]
    subject: Any = (ItemId, ...) if kind in LEDGER else (ItemId | None, None)
    return create_model(
        "".join(part.title() for part in kind.split(".")) + "Event",
        __base__=_Closing if kind == CLOSING else Envelope,
        __doc__=facts.__doc__,
        type=(one_type, ...),
        subject=subject,
        data=(facts, ...),
    )


ENVELOPES = {kind: _envelope(kind, facts) for kind, facts in {**EXTERNAL, **INTERNAL}.items()}


def _one_of(kinds: Iterable[str]) -> Any:
    choices = tuple(ENVELOPES[kind] for kind in kinds)
    return Annotated[Union[choices], Field(discriminator="type")]  # noqa: UP007 - made at run time


def _list_of(one: Any) -> Any:
    return list[one]


_EXTERNAL, _ANY = _one_of(EXTERNAL), _one_of(ENVELOPES)
# The schema of one event from outside, for the API's description too.
EXTERNAL_EVENT: TypeAdapter[Any] = TypeAdapter(_EXTERNAL)
EXTERNAL_BATCH: TypeAdapter[Any] = TypeAdapter(_list_of(_EXTERNAL))
_STORED_BATCH: TypeAdapter[Any] = TypeAdapter(_list_of(_ANY))


def parse_events(raw: bytes, content_type: str = "application/json") -> Events:
    """Read the events of a request, in the order in which they were sent.

    Raises EventError where the body is not JSON, or any event is wrong.
    """
    kind = content_type.partition(";")[0].strip().lower()
    batch = kind == "application/cloudevents-batch+json" or (
        kind != "application/cloudevents+json" and raw.lstrip()[:1] == b"["
    )
    if batch and (plain := read_plain_batch(raw)) is not None:
        return plain
    try:
        whole = EXTERNAL_BATCH if batch else EXTERNAL_EVENT
        read = whole.validate_json(raw)
    except ValidationError as error:
        raise _event_error(error, batch) from None
    models = read if batch else [read]
    for index, model in enumerate(models):
        if model.source == AGENT:
            message = f"{AGENT!r} is the agent's own name: choose another source"
            raise EventError([_error(index, "/source", message)])
    return Events.of(_event(model) for model in models)


def stored_events(rows: Iterable[StoredEvent]) -> list[Event]:
    """Read events back from the log; ValueError where what it holds is no event."""
    whole = orjson.dumps([row.attributes() for row in rows])
    return [_event(one) for one in _STORED_BATCH.validate_json(whole)]


def internal_event(
    type: str,  # noqa: A002 - CloudEvents' own word
    subject: str | None,
    day: date,
    data: Facts | Mapping[str, Any],
    id: str | None = None,  # noqa: A002 - CloudEvents' own word
    *,
    source: str = AGENT,
    instant: datetime | None = None,
) -> Event:
    """Make a fact of our own; without an `id` it is a new one.

    Dates, enumerations and dataclasses in `data` become JSON by themselves. Raises EventError.
    """
    fields = {
        "specversion": "1.0",
        "id": id or str(uuid4()),
        "source": source,
        "type": type,
        "subject": subject,
        "time": instant or datetime.combine(day, _DAY_END),
        "data": data,
    }
    try:
        model = ENVELOPES[type].model_validate_json(canonical_json(fields))
    except ValidationError as error:
        raise _event_error(error, batch=False, nested=False) from None
    return _event(model)


def _event(model: Any) -> Event:
    """Make an event of a model."""
    moment: datetime = model.time
    instant = utc_text(moment)
    return Event(
        model.id,
        model.source,
        model.type,
        model.subject,
        moment,
        day_text(moment, instant),
        instant,
        model.data,
        rest_of(model.data, moment, model.__pydantic_extra__),
    )


def _event_error(error: ValidationError, batch: bool, nested: bool = True) -> EventError:
    details = error.errors(include_url=False, include_context=True)
    not_json = details[0]["type"] == "json_invalid"
    told = [_told(one, batch, nested) for one in details[:MOST_ERRORS]]
    return EventError(told, not_json=not_json)


def _told(detail: ErrorDetails, batch: bool, nested: bool) -> dict[str, Any]:
    place = list(detail["loc"])
    index = int(place.pop(0)) if batch and place else 0
    kind = str(place.pop(0)) if nested and place else None  # the union puts the type here
    if detail["type"].startswith("union_tag"):
        place = ["type"]
    if detail["type"] == "value_error" and isinstance(detail["ctx"]["error"], FieldError):
        place += detail["ctx"]["error"].place
    pointer = "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in place)
    return _error(index, pointer, _message(detail, kind))


def _error(index: int, pointer: str, message: str) -> dict[str, Any]:
    return {"index": index, "pointer": pointer, "message": message}


def _message(detail: ErrorDetails, kind: str | None) -> str:
    problem, value = detail["type"], detail["input"]
    if problem == "union_tag_not_found":
        return f"type is missing: give one of {', '.join(EXTERNAL)}"
    if problem == "union_tag_invalid":
        return _unknown_type(str(detail["ctx"]["tag"]))
    if problem == "extra_forbidden":
        return _unknown_key(str(detail["loc"][-1]), EXTERNAL.get(kind or ""))
    if problem == "missing":
        return "is missing"
    if problem == "value_error":
        return str(detail["ctx"]["error"])
    text = detail["msg"].removeprefix("Input ")
    return text if isinstance(value, (dict, list)) else f"{text}, got {_shown(value)}"


def _unknown_type(kind: str) -> str:
    if kind in INTERNAL:
        return f"{kind} is a fact that only the agent itself writes"
    return f"{_shown(kind)} is no type of event{_near(kind, EXTERNAL)}"


def _unknown_key(key: str, facts: type[Facts] | None) -> str:
    known = list(facts.model_fields) if facts else []
    return f"{_shown(key)} is not known here{_near(key, known)}"


def _near(name: str, known: Iterable[str]) -> str:
    choices = list(known)
    near = get_close_matches(name[:200], choices, n=3)
    if near:
        return f": did you mean {' or '.join(near)}?"
    return f": it may be {', '.join(choices)}" if choices else ""


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
