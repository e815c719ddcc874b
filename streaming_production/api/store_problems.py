"""What the core and the store refuse, told as problems."""

from flask import Flask, request
from flask.typing import ResponseReturnValue

from streaming_production.events import EventError
from streaming_production.store import EventConflict, RuleBroken, StoreError, UnknownItems
from streaming_production.web.problems import Fault, Problem

# The status of a broken rule by its code; a code that is not here is about what was asked.
STATUSES = {
    "decided": 409,
    "not_waiting": 409,
    "registered": 409,
    "ordered": 409,
    "order_state": 409,
    "unknown_decision": 404,
    "unknown_order": 404,
    "no_forecast": 503,
}
NOT_AS_ASKED = 422
EVENTS = "/api/events"


def problem_of(error: Exception, path: str) -> Problem:
    """Return the problem that tells of an error of the core or the store, met at a path."""
    match error:
        case EventError():
            return _wrong_events(error)
        case EventConflict():
            return Problem(409, str(error), code="event-conflict")
        case UnknownItems():
            return _unknown_items(error, path)
        case RuleBroken():
            return _broken_rule(error)
        case StoreError():
            words = f"{error}; nothing was written, try again"
            return Problem(503, words, headers={"Retry-After": str(error.retry_after)})
    raise TypeError(f"no problem tells of {type(error).__name__}") from error


TOLD = (EventError, EventConflict, UnknownItems, RuleBroken, StoreError)


def tell_store_problems(app: Flask) -> None:
    """Answer the errors of the core and the store as problems."""

    def tell(error: Exception) -> ResponseReturnValue:
        return app.handle_user_exception(problem_of(error, request.path))

    for kind in TOLD:
        app.register_error_handler(kind, tell)


def _wrong_events(error: EventError) -> Problem:
    faults = [Fault(one["pointer"], one["message"], one.get("index")) for one in error.errors]
    if error.not_json:
        words = faults[0].message.removeprefix("Invalid JSON: ")
        return Problem(400, f"the body is not JSON: {words}")
    words = "some events are not as they should be, none was applied"
    return Problem(NOT_AS_ASKED, words, errors=faults)


def _unknown_items(error: UnknownItems, path: str) -> Problem:
    names = error.names[:100]
    if path != EVENTS:
        told = ", ".join(map(repr, names))
        return Problem(404, f"there is no item {told} in the catalogue", code="unknown-items")
    faults = [Fault("/subject", f"{name!r} is not in the catalogue") for name in names]
    return Problem(NOT_AS_ASKED, str(error), code="unknown-items", errors=faults)


def _broken_rule(error: RuleBroken) -> Problem:
    status = STATUSES.get(error.code, NOT_AS_ASKED)
    headers = {"Retry-After": "5"} if status == 503 else None
    return Problem(status, str(error), code=error.code.replace("_", "-"), headers=headers)
