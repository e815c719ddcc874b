"""Requests are read strictly: media types, parameters and bodies, and what is told of mistakes."""

import functools
import inspect
from collections.abc import Collection
from difflib import get_close_matches
from typing import Any, NoReturn, get_args, get_type_hints

from flask import Flask, Request, current_app, request
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from streaming_production.api.shared_schemas import Query
from streaming_production.web.problems import Fault, Problem

JSON_TYPES = frozenset({"application/json"})


class TextRequest(Request):
    """A request whose JSON is left as text for pydantic.

    The library validates text by pydantic's own parser. That one is strict, where a value that
    went through Python's has lost whether it was 1 or 1.0, or whether a day was text.
    """

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> str:  # noqa: ARG002  # its signature
        check_media_type(JSON_TYPES)
        try:
            return self.get_data(cache=cache).decode("utf-8")
        except UnicodeDecodeError as error:
            raise Problem(400, f"the body is not UTF-8 at byte {error.start}") from None


def check_media_type(accepted: Collection[str]) -> str:
    """Return the media type of the body, or refuse it with a 415."""
    given = request.mimetype
    if given not in accepted:
        told = f"got {given}" if given else "none was given"
        raise Problem(
            415,
            f"the Content-Type must be {' or '.join(sorted(accepted))}, {told}",
            headers={"Accept": ", ".join(sorted(accepted))},
        )
    return given


def check_queries(app: Flask, lenient: Collection[str]) -> None:
    """Refuse parameters that a path does not know, except on `lenient` paths."""

    @app.before_request
    def check() -> None:
        if not request.args or request.path in lenient or request.url_rule is None:
            return
        known = _known_parameters(current_app.view_functions.get(request.endpoint or ""))
        faults = [
            Fault(name, unknown_words(name, known)) for name in request.args if name not in known
        ]
        faults += [
            Fault(name, f"is given {len(values)} times, give it once")
            for name, values in request.args.lists()
            if name in known and len(values) > 1
        ]
        if faults:
            raise Problem(422, "the parameters are not as they should be", errors=faults)


def unknown_words(name: str, known: Collection[str]) -> str:
    """Say that a name is not known, and which one was perhaps meant.

    >>> unknown_words("pgae", ["page", "size"])
    'is not known here: did you mean page?'
    """
    near = get_close_matches(name[:100], known, n=3)
    if near:
        return f"is not known here: did you mean {' or '.join(near)}?"
    return f"is not known here; known: {', '.join(known) or 'none'}"


def _hints(view: Any) -> dict[str, Any]:
    return get_type_hints(inspect.unwrap(view))


@functools.cache
def _known_parameters(view: Any) -> tuple[str, ...]:
    query = _hints(view).get("query") if view is not None else None
    return tuple(query.model_fields) if query is not None else ()


def refuse(error: ValidationError, model: type[BaseModel] | None = None) -> NoReturn:
    """Turn what pydantic found into a problem: 400 for no JSON, 422 for what does not fit.

    `model` is what was read; None looks for it in the view.
    """
    details = error.errors(include_url=False, include_context=True)
    if details[0]["type"] == "json_invalid":
        raise Problem(400, f"the body is not JSON: {details[0]['ctx']['error']}")
    model = model or _model_named(error.title)
    is_query = model is not None and issubclass(model, Query)
    faults = [
        Fault(
            str(one["loc"][0]) if is_query and one["loc"] else _pointer(one), _message(one, model)
        )
        for one in details[:100]
    ]
    raise Problem(422, "the request is not as it should be", errors=faults)


def _model_named(title: str) -> type[BaseModel] | None:
    hints = _hints(current_app.view_functions[request.endpoint or ""]).values()
    return next((one for one in hints if getattr(one, "__name__", "") == title), None)


def _pointer(detail: ErrorDetails) -> str:
    parts = (str(part).replace("~", "~0").replace("/", "~1") for part in detail["loc"])
    return "".join(f"/{part}" for part in parts)


def _message(detail: ErrorDetails, model: type[BaseModel] | None) -> str:
    place, value = detail["loc"], detail["input"]
    match detail["type"]:
        case "extra_forbidden":
            return unknown_words(str(place[-1]), _fields_at(model, place[:-1]))
        case "missing":
            return "is missing"
        case "value_error":
            return str(detail["ctx"]["error"])
    words = detail["msg"].removeprefix("Input ")
    return words if isinstance(value, (dict, list)) else f"{words}, got {repr(value)[:60]}"


def _fields_at(model: type[BaseModel] | None, place: tuple[int | str, ...]) -> tuple[str, ...]:
    """Return the names that are known at a place inside a model."""
    for part in place:
        kind = model.model_fields[str(part)].annotation if model else None
        choices = (kind, *get_args(kind))
        model = next((one for one in choices if _is_model(one)), None)
    return tuple(model.model_fields) if model else ()


def _is_model(kind: Any) -> bool:
    return inspect.isclass(kind) and issubclass(kind, BaseModel)
