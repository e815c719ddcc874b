"""The agent calls that pages may make, passed on with the dashboard's own token.

What is not listed here is not reachable from a browser.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import orjson
import requests
from flask import Blueprint, Response, request

from streaming_production.dashboard.agent_client import AgentAwayError, AgentClient, item_path
from streaming_production.dashboard.relay import Relay
from streaming_production.web.problems import Problem

ITEM = "/api/items/<path:unique_id>"
DECISION = "/api/decisions/<decision_id>"
PASSED = (
    ("GET", "/api/items"),
    ("GET", ITEM),
    ("PATCH", ITEM),
    ("GET", "/api/decisions"),
    ("POST", "/api/decisions"),
    ("GET", DECISION),
    ("POST", DECISION + "/<any(approve, reject, override):verdict>"),
    ("GET", "/api/orders"),
    ("GET", "/api/orders/<order_id>"),
    ("GET", "/api/orders.csv"),
    ("GET", "/api/decisions.csv"),
    ("POST", "/api/what-if"),
    ("GET", "/api/signals"),
    ("GET", "/api/events"),
    ("POST", "/api/events"),
    ("GET", "/api/kpis"),
    ("GET", "/api/status"),
    ("GET", "/api/autonomy"),
    ("PUT", "/api/autonomy"),
    ("GET", "/api/self-check"),
)
LARGEST_BODY = 256 * 1024  # bytes; a planner's form, not a file
HEADERS_UP = ("Content-Type", "Accept", "X-Request-Id")
HEADERS_DOWN = ("Content-Type", "Content-Disposition", "Retry-After")
PIECE = 64 * 1024  # bytes of a download at once


def passing_on(agent: AgentClient, relay: Relay) -> Blueprint:
    """Return the blueprint with every call that is passed on."""
    api = Blueprint("agent_api", __name__)

    def pass_on(**names: str) -> Response:
        body = request.get_data() if request.method != "GET" else None
        if request.path == "/api/events" and body is not None:
            check_signals(body)
        headers = {name: request.headers[name] for name in HEADERS_UP if name in request.headers}
        answer = agent.pass_on(
            request.method,
            agent_path(names),
            query=request.args.to_dict(flat=False),
            body=body,
            headers=headers,
            stream=True,
        )
        if request.method != "GET" and answer.ok:
            relay.renew()
        kept = {name: answer.headers[name] for name in HEADERS_DOWN if name in answer.headers}
        pieces: Any = _pieces(answer) if request.path.endswith(".csv") else _whole(answer)
        return Response(pieces, status=answer.status_code, headers=kept)

    for method, path in PASSED:
        name = f"{method} {path}".replace(".", "_")
        api.add_url_rule(path, name, pass_on, methods=[method], provide_automatic_options=False)

    @api.before_request
    def limit() -> None:
        request.max_content_length = LARGEST_BODY

    return api


def agent_path(names: Mapping[str, str]) -> str:
    """Return the agent's path for the one asked for, encoded again."""
    if "unique_id" in names:
        return item_path(names["unique_id"])
    return quote(request.path, safe="/")


def check_signals(body: bytes) -> None:
    """Let only announcements through: sales and counts come from the shop, not from a page."""
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Problem(400, "the body is not JSON") from None
    events = content if isinstance(content, list) else [content]
    for event in events:
        kind = event.get("type") if isinstance(event, dict) else None
        if not str(kind).startswith("signal."):
            raise Problem(403, f"the dashboard sends signal.* events only, not {str(kind)[:60]}")


def _whole(answer: requests.Response) -> bytes:
    try:
        return answer.content
    except requests.RequestException:
        raise AgentAwayError("the agent's answer broke off") from None


def _pieces(answer: requests.Response) -> Iterator[bytes]:
    with answer:
        yield from answer.iter_content(PIECE)
