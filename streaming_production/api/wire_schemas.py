"""The demo's wire contract: its five paths, in percent and plain money.

Its clients send keys of their own; those are allowed and ignored.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from core_modules.market_scenarios import NORMAL_OPERATIONS
from streaming_production.api.shared_schemas import Answer, Instant
from streaming_production.event_types import MOST, Day

Percent = Annotated[float, Field(ge=0, le=100)]
Demand = Annotated[float, Field(ge=0, le=MOST)]  # units


class PostedDay(BaseModel):
    """One day of demand."""

    model_config = ConfigDict(
        strict=True,
        extra="ignore",
        frozen=True,
        allow_inf_nan=False,
        json_schema_extra={
            "example": {
                "date": "2024-03-15",
                "sales": 412,
                "scenario": "Viral_Social_Media_Boost",
                "predicted_demand": 180.5,
            }
        },
    )
    date: Day
    sales: Demand = Field(
        description="units asked for, to the nearest whole one: sold = min(stock, sales)"
    )
    scenario: str = Field(default=NORMAL_OPERATIONS, min_length=1, max_length=200)
    predicted_demand: Demand | None = Field(default=None, description="null: as sales")


class AgentDecision(Answer):
    """What the agent did."""

    action: Literal["no_action", "intelligent_reorder", "stockout"]
    urgency_level: str
    reason: str
    current_stock: int
    order_quantity: int
    reorder_point: int


class ReorderMessage(Answer):
    """The order that the agent placed."""

    timestamp: Instant
    action: Literal["REORDER"]
    item: str
    quantity: int
    urgency: str
    reason: str
    supplier: str
    estimated_cost: str = Field(pattern=r"^\$[0-9,]+\.[0-9]{2}$")
    expected_delivery: str


class PerformanceMetrics(Answer):
    """Figures since the last reset."""

    service_level: Percent
    total_revenue: float
    total_costs: float
    profit: float
    orders_placed: int
    stockouts: int


class SystemInfo(Answer):
    """How the service is doing."""

    uptime_seconds: float
    total_decisions: int
    system_status: Literal["running"]


class DayAnswer(Answer):
    """What a posted day brought."""

    status: Literal["success"]
    day: int
    timestamp: Instant
    agent_decision: AgentDecision
    reorder_message: ReorderMessage | None
    performance_metrics: PerformanceMetrics
    system_info: SystemInfo


class PastDecision(Answer):
    """One day's decision, looked back at."""

    date: str
    scenario: str
    predicted_demand: float
    sales: int
    current_stock_before: int
    current_stock_after: int
    urgency_level: str
    strategy_notes: str
    action: str
    order_quantity: int
    reorder_point: int
    reason: str


class RecentDecision(Answer):
    """One of the last ten days."""

    day: int
    decision: PastDecision
    timestamp: Instant


class CurrentState(Answer):
    """How things stand."""

    current_day: int
    current_stock: int
    performance_metrics: PerformanceMetrics
    recent_decisions: list[RecentDecision]
    system_uptime: float
    status: Literal["running"]


class Operational(Answer):
    """How demand was served."""

    total_days_simulated: int
    stockouts: int
    stockout_rate_percent: Percent
    service_level_percent: Percent
    customer_satisfaction: Percent = Field(description="percent of the units asked for")


class Financial(Answer):
    """What came in and went out; profit is revenue less purchases."""

    total_revenue: float
    total_costs: float
    profit: float
    profit_margin_percent: float


class Inventory(Answer):
    """What was ordered and held."""

    current_stock: int
    total_orders_placed: int
    average_order_size: float
    total_units_ordered: int
    inventory_turnover_rate: float = Field(description="units sold for each unit held")


class Intelligence(Answer):
    """What the market did and how the agent took it."""

    scenarios_encountered: int
    scenario_breakdown: dict[str, int]
    adaptive_decisions: int
    learning_entries: int


class AgentMetrics(Answer):
    """Figures of the agent."""

    operational: Operational
    financial: Financial
    inventory: Inventory
    intelligence: Intelligence


class PerformanceSummary(Answer):
    """All figures since the last reset."""

    status: Literal["success"]
    days_processed: int
    service_metrics: PerformanceMetrics
    agent_metrics: AgentMetrics
    timestamp: Instant


class ResetAnswer(Answer):
    """A new beginning."""

    status: Literal["success"]
    message: str
    timestamp: Instant


class WireHealth(Answer):
    """The service answers."""

    status: Literal["healthy"]
    service: str
    version: str
    timestamp: Instant
    uptime_seconds: float


class WireError(BaseModel):
    """What is answered when something is wrong."""

    status: Literal["error"]
    message: str
