"""The demo's five paths, so that its clients work unchanged."""

from datetime import UTC, datetime
from typing import Any

from flask import Response, request
from flask_openapi3.blueprint import APIBlueprint

from streaming_production.api.answers import answer
from streaming_production.api.api_app import ALWAYS
from streaming_production.api.context import here
from streaming_production.api.wire_answers import (
    current_state,
    day_answer,
    performance_summary,
)
from streaming_production.api.wire_schemas import (
    CurrentState,
    DayAnswer,
    PerformanceSummary,
    PostedDay,
    ResetAnswer,
    WireError,
    WireHealth,
)
from streaming_production.deciding.wire_day import WireDay
from streaming_production.version import VERSION
from streaming_production.web.problems import Problem

WIRE_PATHS = frozenset(
    {
        "/api/process-day",
        "/api/current-state",
        "/api/performance-summary",
        "/api/reset",
        "/api/health",
    }
)
LONGEST_KEY = 200
_KEY_PARAMETER: dict[str, Any] = {
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "sent again with the same day, the first answer is given again",
            "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
        }
    ]
}
api = APIBlueprint("demo", __name__)


def _errors(*statuses: int) -> dict[str | int, Any]:
    return dict.fromkeys(sorted({*ALWAYS, *statuses}), WireError)


@api.post(
    "/api/process-day",
    responses={200: DayAnswer, **_errors(409, 413, 415)},
    openapi_extensions=_KEY_PARAMETER,
)
def process_day(body: PostedDay) -> Response:
    """Take in a day's demand, close the day, decide."""
    context = here()
    day = WireDay(key=_idempotency_key(), **dict(body))
    return answer(DayAnswer, day_answer(context.core.process_wire_day(day), context.uptime))


@api.get("/api/current-state", responses={200: CurrentState, **_errors()})
def show_state() -> Response:
    """Tell how things stand, with the last ten decisions."""
    context = here()
    return answer(CurrentState, current_state(context.core.wire_state(), context.uptime))


@api.get("/api/performance-summary", responses={200: PerformanceSummary, **_errors()})
def show_summary() -> Response:
    """Tell all figures since the last reset."""
    return answer(PerformanceSummary, performance_summary(here().core.wire_state(), _now()))


@api.post("/api/reset", responses={200: ResetAnswer, **_errors(413)})
def reset() -> Response:
    """Begin anew with the opening stock; nothing is erased."""
    epoch = here().core.reset("a client of the demo", "POST /api/reset")
    return answer(
        ResetAnswer,
        {
            "status": "success",
            "message": f"the agent begins anew, this is epoch {epoch}; nothing was erased",
            "timestamp": _now(),
        },
    )


@api.get("/api/health", responses={200: WireHealth, **_errors()})
def health() -> Response:
    """Say that the service answers."""
    return answer(
        WireHealth,
        {
            "status": "healthy",
            "service": "inventory agent",
            "version": VERSION,
            "timestamp": _now(),
            "uptime_seconds": round(here().uptime, 2),
        },
    )


def _idempotency_key() -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not (0 < len(key) <= LONGEST_KEY and key.isprintable()):
        raise Problem(422, f"the Idempotency-Key must have 1 to {LONGEST_KEY} printable characters")
    return key


def _now() -> str:
    return datetime.now(UTC).isoformat()
