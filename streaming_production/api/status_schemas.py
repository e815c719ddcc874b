"""How the service and the business are doing."""

from datetime import date
from typing import Any, Literal

from pydantic import Field

from streaming_production.api.shared_schemas import (
    Amount,
    Answer,
    Body,
    Instant,
    Query,
    WholeText,
    example,
)
from streaming_production.event_types import Count, Who, Why


class KpiQuery(Query):
    """How far the trend goes back."""

    days: WholeText = Field(default=30, ge=1, le=1000)


class KpiTotals(Answer):
    """Key figures of the epoch; shares are 0 to 1."""

    service_level: float | None = Field(description="share of closed item-days without lost sales")
    fill_rate: float | None = Field(description="units sold of units demanded")
    revenue: float
    profit: float
    cash_profit: float = Field(description="revenue less purchases")
    stock_value: float
    units_on_hand: int
    orders_placed: int
    open_orders: int
    decisions: int
    autonomous_share: float | None = Field(description="share of decisions that needed nobody")
    waiting: int
    at_risk: int
    items: int


class KpiDay(Answer):
    """Key figures of one day."""

    day: date
    service_level: float | None
    fill_rate: float | None
    profit: float
    revenue: float
    stock_value: float
    orders: int
    autonomous_share: float | None


class Kpis(Answer):
    """Key figures with their trend."""

    today: date | None
    epoch: int
    totals: KpiTotals
    trend: list[KpiDay]


class Autonomy(Answer):
    """How far the agent may go by itself."""

    max_order_value: float | None
    max_order_quantity: int | None
    kill_switch: bool = Field(description="every order waits for a person")


class AutonomyChange(Body):
    """New limits, and who wants them why; null is no limit."""

    model_config = example(
        {
            "max_order_value": 20000.0,
            "max_order_quantity": None,
            "kill_switch": False,
            "who": "maria",
            "why": "first week",
        }
    )
    max_order_value: Amount | None
    max_order_quantity: Count | None
    kill_switch: bool
    who: Who
    why: Why


class ForecastStatus(Answer):
    """How fresh the forecasts are."""

    fitted: int
    missing: int
    stale: int
    oldest_origin: date | None


class WorkerStatus(Answer):
    """How the process that fits forecasts is doing."""

    alive: bool
    last_run_at: Instant | None
    error: str | None


class OutboxStatus(Answer):
    """Orders on their way to the supplier."""

    queued: int
    unknown: int
    refused: int


class Status(Answer):
    """How the service is doing."""

    status: Literal["running"]
    version: str
    uptime_seconds: float
    epoch: int
    today: date | None
    items: int
    last_event_at: Instant | None
    last_event_age_seconds: float | None
    last_seq: int
    closings_pending: int
    forecasts: ForecastStatus
    worker: WorkerStatus
    outbox: OutboxStatus
    spool: int | None = Field(description="events that the generator still holds back")
    streams: int
    autonomy: Autonomy
    supplier: bool = Field(description="orders are sent to a supplier's address")


class Health(Answer):
    """The service answers."""

    status: Literal["ok"]


class Readiness(Answer):
    """Whether the service can decide, or why not yet."""

    ready: bool
    reasons: list[str]


class Difference(Answer):
    """Where a projection is not what the log says."""

    table: str
    key: str
    column: str
    stored: Any
    recomputed: Any


class SelfCheck(Answer):
    """Whether every projection is what the log says."""

    ok: bool
    differences: list[Difference]
