"""What goes wrong, told as problem+json (RFC 9457), and on the demo's five paths in their form."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

PROBLEM_JSON = "application/problem+json"
JSON = "application/json"

# Werkzeug's words are written for a browser's page; these say what to do.
_WORDS = {
    404: "there is nothing at this path; /openapi/openapi.json lists what there is",
    405: "this path does not take the method {method}; it takes {allow}",
    413: "the body is larger than {max_body} bytes, send it in parts",
    500: "the service failed on this request; its log says more under this request's id",
}
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Fault:
    """Say what is wrong with one place of a request."""

    pointer: str  # JSON pointer into the body, or the parameter's name
    message: str
    index: int | None = None  # which event of a batch

    def as_json(self) -> dict[str, Any]:
        """Return it as in the `errors` of a problem."""
        found: dict[str, Any] = {"pointer": self.pointer, "message": self.message}
        return found if self.index is None else found | {"index": self.index}


class Problem(Exception):  # noqa: N818  # the word of RFC 9457
    """End a request with a status and words about it."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        code: str = "about:blank",
        errors: Collection[Fault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.code = code  # the problem's type: a short name that a client can branch on
        self.errors = tuple(errors)
        self.headers = dict(headers or {})


def problem_body(problem: Problem, path: str) -> bytes:
    """Return a problem as problem+json bytes."""
    body: dict[str, Any] = {
        "type": problem.code,
        "title": _title(problem.status),
        "status": problem.status,
        "detail": problem.detail,
        "instance": path,
    }
    if problem.errors:
        body["errors"] = [fault.as_json() for fault in problem.errors]
    return orjson.dumps(body)


def wire_body(problem: Problem) -> bytes:
    """Return a problem in the form that the demo's clients know."""
    told = "; ".join(f"{fault.pointer}: {fault.message}" for fault in problem.errors[:5])
    message = f"{problem.detail}: {told}" if told else problem.detail
    return orjson.dumps({"status": "error", "message": message})


def told_as_bytes(problem: Problem, path: str, wire_paths: Collection[str]) -> tuple[bytes, str]:
    """Return the body and its media type in the form that a path speaks."""
    if path in wire_paths:
        return wire_body(problem), JSON
    return problem_body(problem, _printable(path)), PROBLEM_JSON


def tell_problems(app: Flask, wire_paths: Collection[str] = ()) -> None:
    """Answer each error of `app` in the form of its path, without a stack trace."""

    def answer(problem: Problem) -> Response:
        body, media_type = told_as_bytes(problem, request.path, wire_paths)
        return Response(
            body, status=problem.status, content_type=media_type, headers=problem.headers
        )

    @app.errorhandler(Problem)
    def tell(problem: Problem) -> Response:
        return answer(problem)

    @app.errorhandler(HTTPException)
    def tell_http(error: HTTPException) -> Response:
        return answer(_problem_of(error))

    @app.errorhandler(Exception)
    def tell_failure(error: Exception) -> Response:
        log.error("request failed", path=request.path, exc_info=error)
        return answer(Problem(500, _WORDS[500]))


def _problem_of(error: HTTPException) -> Problem:
    status = error.code or 500
    headers = {
        name: value
        for name, value in error.get_headers()
        if name.lower() in {"allow", "retry-after", "location", "www-authenticate"}
    }
    words = _WORDS.get(status, error.description or _title(status))
    told = words.format(
        method=request.method,
        allow=headers.get("Allow", "none"),
        max_body=request.max_content_length,
    )
    return Problem(status, told, headers=headers)


def _title(status: int) -> str:
    return HTTPStatus(status).phrase


def _printable(path: str) -> str:
    return path.encode("utf-8", "replace").decode()
