"""The demo's figures of an epoch, computed from the ledger of its item each time they are asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from core_modules.agent_rules import NORMAL_RULE
from core_modules.market_events import NORMAL_OPERATIONS
from streaming_production.deciding.signal_book import SignalBook
from streaming_production.deciding.wire_day import (
    WireDecision,
    WireMetrics,
    WireOrder,
    WireResult,
    WireState,
)
from streaming_production.storage.rows import DecisionRow, ItemDay, ItemRecord, OrderRow

SUPPLIER = "the item's supplier"


@dataclass(frozen=True, slots=True)
class PostedDay:
    """What a client said of a day."""

    sales: int  # units
    scenario: str
    predicted_demand: float  # units


@dataclass(frozen=True, slots=True, eq=False)
class DemoBooks:
    """Everything that the figures follow from, of the demo's item in the open epoch."""

    record: ItemRecord
    days: Sequence[ItemDay]  # in order
    decisions: Sequence[DecisionRow]  # newest first
    orders: Sequence[OrderRow]
    posted: Mapping[date, PostedDay]
    reorder_points: Mapping[str, int]  # units, by decision
    book: SignalBook

    def metrics(self, last: date | None = None) -> WireMetrics:
        """Return the figures of all days, or of those up to one."""
        days = [row for row in self.days if row.closed and (last is None or row.day <= last)]
        orders = [one for one in self.orders if last is None or one.placed_day <= last]
        stockouts = sum(row.unmet > 0 for row in days)
        return WireMetrics(
            days=len(days),
            stockouts=stockouts,
            service_level=1 - stockouts / len(days) if days else 1.0,
            total_revenue=sum(row.revenue for row in days),
            total_costs=sum(one.value for one in orders),
            orders_placed=len(orders),
            units_ordered=sum(one.quantity for one in orders),
            units_sold=sum(row.sold for row in days),
        )

    def made(self) -> list[WireDecision]:
        """Return what was decided, day by day; of several on one day the newest."""
        newest: dict[date, DecisionRow] = {}
        for row in reversed(self.decisions):
            newest[row.day] = row
        closed = [row for row in self.days if row.closed]
        return [
            self._decision(number, row, newest[row.day])
            for number, row in enumerate(closed, start=1)
            if row.day in newest
        ]

    def _decision(self, number: int, day: ItemDay, made: DecisionRow) -> WireDecision:
        posted = self.posted.get(day.day) or PostedDay(
            day.demanded, self._scenario(day.day), float(day.demanded)
        )
        ordered = made.quantity if made.order_id else 0
        acted = "intelligent_reorder" if ordered else "no_action"
        return WireDecision(
            day=number,
            date=day.day,
            made_at=datetime.fromisoformat(made.made_at),
            scenario=posted.scenario,
            predicted_demand=posted.predicted_demand,
            sales=posted.sales,
            stock_before=day.closing + day.sold,
            stock_after=day.closing,
            action="stockout" if day.unmet else acted,
            urgency_level=made.urgency,
            reason=made.reason,
            strategy_notes=made.rule.replace("_", " "),
            order_quantity=ordered,
            reorder_point=self.reorder_points.get(made.decision_id, 0),
        )

    def _scenario(self, day: date) -> str:
        running = [one.label for one in self.book.on(day) if one.start <= day]
        return " + ".join(sorted(set(running))) or NORMAL_OPERATIONS

    def state(self) -> WireState:
        """Return all of the epoch."""
        made, closed = self.made(), [row for row in self.days if row.closed]
        rules = [row.rule for row in self.decisions]
        return WireState(
            unique_id=self.record.unique_id,
            current_stock=self.record.on_hand,
            unit_price=self.record.price,
            decisions=tuple(made),
            metrics=self.metrics(),
            average_stock=sum(row.closing for row in closed) / len(closed) if closed else 0.0,
            adaptive_decisions=sum(rule != NORMAL_RULE.name for rule in rules),
        )

    def result(self, day: date) -> WireResult:
        """Return what a day brought; the same as often as it is asked."""
        made = [one for one in self.made() if one.date <= day]
        decision = made[-1]
        return WireResult(
            decision=decision,
            order=self._order(decision) if decision.order_quantity else None,
            metrics=self.metrics(day),
            total_decisions=len(made),
        )

    def _order(self, made: WireDecision) -> WireOrder:
        terms = self.record.terms
        placed = [one for one in self.orders if one.placed_day == made.date]
        usual = made.date + timedelta(days=terms.lead_time)
        return WireOrder(
            made_at=made.made_at,
            item=self.record.unique_id,
            quantity=made.order_quantity,
            urgency=made.urgency_level,
            reason=made.reason,
            supplier=SUPPLIER,
            estimated_cost=made.order_quantity * terms.unit_cost,
            expected_delivery=placed[0].due if placed else usual,
        )
