"""Metrics of the HTTP layer for Prometheus, in a registry of the app's own."""

import time
from typing import Any

from flask import Flask, Response, g, request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


def measure_requests(app: Flask, registry: CollectorRegistry) -> None:
    """Count requests by route, method and status, and how long they took."""
    counted = Counter(
        "inventory_http_requests",
        "Requests answered.",
        ("route", "method", "status"),
        registry=registry,
    )
    lasted = Histogram(
        "inventory_http_request_seconds",
        "Seconds from a request's arrival to the start of its answer.",
        ("route", "method"),
        buckets=BUCKETS,
        registry=registry,
    )

    @app.before_request
    def begin() -> None:
        g.measured_from = time.perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        # The route, not the path: a label for each item would fill the memory of both sides.
        route = request.url_rule.rule if request.url_rule else "none"
        method = request.method if request.method in _METHODS else "other"
        counted.labels(route, method, str(response.status_code)).inc()
        lasted.labels(route, method).observe(time.perf_counter() - g.measured_from)
        return response


_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})


def metrics_response(registry: CollectorRegistry) -> Response:
    """Answer with everything in the registry, in Prometheus's text form."""
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


METRICS_RESPONSE: dict[str, Any] = {
    "description": "figures in Prometheus's text form",
    "content": {"text/plain": {"schema": {"type": "string"}}},
}
