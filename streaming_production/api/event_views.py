"""Events: taken in, read back, streamed."""

from time import monotonic
from typing import Any

from flask import Response, request
from flask_openapi3.blueprint import APIBlueprint

from streaming_production.api.answers import answer
from streaming_production.api.api_app import problems
from streaming_production.api.change_feed import stream_changes
from streaming_production.api.context import here
from streaming_production.api.event_documents import EVENTS_BODY, STREAM_RESPONSE
from streaming_production.api.event_schemas import Accepted, EventList, EventsQuery, StreamQuery
from streaming_production.api.event_words import summary
from streaming_production.api.request_checks import check_media_type
from streaming_production.event_types import EXTERNAL, INTERNAL
from streaming_production.events import parse_events
from streaming_production.storage.rows import LoggedEvent, by_name
from streaming_production.web.event_stream import stream_response
from streaming_production.web.problems import Fault, Problem

EVENT_TYPES = frozenset(
    {
        "application/json",
        "application/cloudevents+json",
        "application/cloudevents-batch+json",
    }
)
api = APIBlueprint("events", __name__)


@api.post(
    "/api/events",
    responses={200: Accepted, **problems(409, 413, 415)},
    openapi_extensions=EVENTS_BODY,
)
def take_events() -> Response:
    """Take in one CloudEvent, or a batch of which all events are applied or none."""
    media_type = check_media_type(EVENT_TYPES)
    context = here()
    context.spool = _spool_size(request.headers.get("Spool-Size"), context.spool)
    events = parse_events(request.get_data(cache=False), media_type)
    most = context.settings.max_events
    if len(events) > most:
        raise Problem(413, f"a request may hold {most} events, got {len(events)}: send several")
    appended = context.core.accept(events)
    context.metrics.count_events(appended)
    return answer(Accepted, appended)


@api.get("/api/events", responses={200: EventList, **problems()})
def list_events(query: EventsQuery) -> Response:
    """Read the log, in its order or the newest first."""
    if query.after is not None and query.before is not None:
        raise Problem(422, "give after or before, not both")
    types = [_known_type(query.type)] if query.type is not None else None
    store = here().store
    with store.one_view():
        if query.before is None:
            events = store.events_after(query.after or 0, query.limit, query.unique_id, types)
        else:
            events = store.events_before(query.before or None, query.limit, query.unique_id, types)
        told = {"events": [_row(one) for one in events], "last_seq": store.last_seq}
    return answer(EventList, told)


@api.get("/api/stream", responses={200: STREAM_RESPONSE, **problems()})
def stream(query: StreamQuery) -> Response:
    """Follow the log live, as Server-Sent Events that resume after Last-Event-ID."""
    context = here()
    end = monotonic() + query.timeout
    seq = _last_seen(request.headers.get("Last-Event-ID"), query.last_event_id)

    def seconds_left() -> float:
        return 0.0 if context.stop.is_set() else end - monotonic()

    changes = stream_changes(context.core, context.feed, seq, query.limit, seconds_left)
    return stream_response(changes, context.streams)


def _row(event: LoggedEvent) -> dict[str, Any]:
    return {**by_name(event), "summary": summary(event, here().store.order)}


def _known_type(name: str) -> str:
    known = (*EXTERNAL, *INTERNAL)
    if name not in known:
        raise Problem(
            422, "no such type of event", errors=[Fault("type", f"may be {', '.join(known)}")]
        )
    return name


def _spool_size(header: str | None, before: int | None) -> int | None:
    if header is None:
        return before
    if not (header.isascii() and header.isdigit() and len(header) <= 12):
        raise Problem(422, f"the header Spool-Size must be a whole number, got {header[:40]!r}")
    return int(header)


def _last_seen(header: str | None, parameter: int | None) -> int | None:
    if header and header.isascii() and header.isdigit() and len(header) <= 18:
        return int(header)
    return parameter
