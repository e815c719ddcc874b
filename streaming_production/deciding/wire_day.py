"""The demo's wire contract as values: what a posted day says, and what comes of it.

Shares are 0 to 1 and money is plain numbers here; percent and text are made at the edge.
"""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class WireDay:
    """One day as a client of the demo posts it."""

    date: date  # the client's date; the ledger's day follows the last one where it is not later
    sales: float  # units of demand, >= 0; the ledger takes the nearest whole number
    scenario: str = "Normal_Operations"  # one of the demo's names
    predicted_demand: float | None = None  # units, >= 0; None: as sales
    key: str | None = None  # Idempotency-Key


@dataclass(frozen=True, slots=True)
class WireDecision:
    """What the agent did on one day."""

    day: int  # counts from 1 in each epoch
    date: date  # ledger day
    made_at: datetime  # instant of the decision
    scenario: str
    predicted_demand: float  # units, as posted
    sales: int  # units of demand posted
    stock_before: int  # units before the day's demand, deliveries included
    stock_after: int  # units at the end of the day; an order comes after its lead time
    action: str  # 'no_action', 'intelligent_reorder' or 'stockout'
    urgency_level: str
    reason: str
    strategy_notes: str  # the rule that was followed
    order_quantity: int  # units ordered, 0 where none
    reorder_point: int  # units


@dataclass(frozen=True, slots=True)
class WireOrder:
    """The order of a day, as the demo announces it."""

    made_at: datetime
    item: str
    quantity: int  # units
    urgency: str
    reason: str
    supplier: str
    estimated_cost: float  # money
    expected_delivery: date


@dataclass(frozen=True, slots=True)
class WireMetrics:
    """Figures of the epoch up to a day."""

    days: int
    stockouts: int  # days on which demand was lost
    service_level: float  # share of days without a stockout, 1 before the first
    total_revenue: float  # money
    total_costs: float  # money paid for what was ordered
    orders_placed: int
    units_ordered: int
    units_sold: int

    @property
    def profit(self) -> float:
        """Revenue less purchases: the demo's cash view."""
        return self.total_revenue - self.total_costs


@dataclass(frozen=True, slots=True)
class WireResult:
    """What a posted day brought."""

    decision: WireDecision
    order: WireOrder | None
    metrics: WireMetrics  # up to that day
    total_decisions: int  # of the epoch, up to that day


@dataclass(frozen=True, slots=True)
class WireState:
    """All of the epoch, for the current state and the summary."""

    unique_id: str
    current_stock: int  # units
    unit_price: float  # money
    decisions: tuple[WireDecision, ...]  # by day
    metrics: WireMetrics
    average_stock: float  # units at the end of a day, mean over the days
    adaptive_decisions: int  # taken under a rule other than that of normal operations

    @property
    def current_day(self) -> int:
        """Days posted in this epoch."""
        return len(self.decisions)

    @property
    def scenario_breakdown(self) -> dict[str, int]:
        """Days by scenario, in order of first appearance."""
        days: dict[str, int] = {}
        for one in self.decisions:
            days[one.scenario] = days.get(one.scenario, 0) + 1
        return days
