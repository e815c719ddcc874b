"""The two paths of the demo's dashboard, as its clients know them."""

import time
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, jsonify

from streaming_production.dashboard.agent_client import (
    AgentAwayError,
    AgentClient,
    AgentRefusedError,
)
from streaming_production.dashboard.relay import Relay


def demo_api(agent: AgentClient, relay: Relay, version: str) -> Blueprint:
    """Return the blueprint of `/api/data` and `/api/health`."""
    api = Blueprint("demo_api", __name__)
    began = time.monotonic()

    @api.get("/api/data")
    def data() -> tuple[Response, int]:
        try:
            state: dict[str, Any] = agent.read("/api/current-state")
        except (AgentAwayError, AgentRefusedError) as error:
            return jsonify(status="error", message=str(error)), 503
        shown = {
            "agent_metrics": state["performance_metrics"],
            "current_day": state["current_day"],
            "decisions": state["recent_decisions"],
            "last_update": datetime.now(UTC).isoformat(),
        }
        return jsonify(shown), 200

    @api.get("/api/health")
    def health() -> Response:
        return jsonify(
            status="healthy",
            service="dashboard",
            version=version,
            timestamp=datetime.now(UTC).isoformat(),
            uptime_seconds=round(time.monotonic() - began, 3),
            agent_reachable=not relay.away,
            agent_last_contact=relay.last_contact and relay.last_contact.isoformat(),
            live_pages=relay.pages,
        )

    return api
