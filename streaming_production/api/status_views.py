"""How the service and the business are doing, and how far the agent may go."""

from flask import Response
from flask_openapi3.blueprint import APIBlueprint

from streaming_production.api.answers import answer
from streaming_production.api.api_app import problems
from streaming_production.api.context import here
from streaming_production.api.market_schemas import SignalList, SignalQuery
from streaming_production.api.status_answer import status_now
from streaming_production.api.status_schemas import (
    Autonomy,
    AutonomyChange,
    Health,
    KpiQuery,
    Kpis,
    Readiness,
    SelfCheck,
    Status,
)
from streaming_production.web.metrics import METRICS_RESPONSE, metrics_response

api = APIBlueprint("status", __name__)


@api.get("/api/kpis", responses={200: Kpis, **problems()})
def key_figures(query: KpiQuery) -> Response:
    """Tell the key figures of the epoch and of its last days."""
    return answer(Kpis, here().store.key_figures(query.days))


@api.get("/api/status", responses={200: Status, **problems()})
def status() -> Response:
    """Tell how the service is doing."""
    return answer(Status, status_now(here()))


@api.get("/api/signals", responses={200: SignalList, **problems()})
def list_signals(query: SignalQuery) -> Response:
    """List what is known of market events, and what the agent does about them."""
    signals = here().core.signals()
    wanted = [one for one in signals if query.status in (None, one["status"])]
    return answer(SignalList, {"signals": wanted})


@api.get("/api/autonomy", responses={200: Autonomy, **problems()})
def show_autonomy() -> Response:
    """Tell how far the agent may go by itself."""
    return answer(Autonomy, here().store.autonomy())


@api.put("/api/autonomy", responses={200: Autonomy, **problems(413, 415)})
def change_autonomy(body: AutonomyChange) -> Response:
    """Set how far the agent may go by itself; waiting decisions keep waiting."""
    core = here().core
    core.change_autonomy(**body.model_dump())
    return answer(Autonomy, core.store.autonomy())


@api.get("/api/self-check", responses={200: SelfCheck, **problems()})
def self_check() -> Response:
    """Recompute everything from the log and tell where what is stored differs."""
    differences = here().store.self_check()
    return answer(SelfCheck, {"ok": not differences, "differences": differences})


@api.get("/healthz", responses={200: Health, **problems()})
def health() -> Response:
    """Say that the service answers."""
    return answer(Health, {"status": "ok"})


@api.get("/readyz", responses={200: Readiness, **problems(), 503: Readiness})
def readiness() -> Response:
    """Say whether the agent can decide, or why not yet."""
    reasons = here().core.ready()
    found = {"ready": not reasons, "reasons": reasons}
    return answer(Readiness, found, status=503 if reasons else 200)


@api.get("/metrics", responses={200: METRICS_RESPONSE, **problems()})
def metrics() -> Response:
    """Tell the figures that Prometheus collects."""
    return metrics_response(here().metrics.registry)
