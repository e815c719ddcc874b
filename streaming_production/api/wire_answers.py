"""Our figures as the demo's clients read them: percent, dollars in words, ISO times."""

from typing import Any

from streaming_production.deciding.wire_day import (
    WireDecision,
    WireMetrics,
    WireOrder,
    WireResult,
    WireState,
)

RECENT = 10  # decisions told of the current state


def day_answer(result: WireResult, uptime: float) -> dict[str, Any]:
    """Return what a posted day brought."""
    made = result.decision
    return {
        "status": "success",
        "day": made.day,
        "timestamp": made.made_at.isoformat(),
        "agent_decision": {
            "action": made.action,
            "urgency_level": made.urgency_level,
            "reason": made.reason,
            "current_stock": made.stock_after,
            "order_quantity": made.order_quantity,
            "reorder_point": made.reorder_point,
        },
        "reorder_message": reorder_message(result.order) if result.order else None,
        "performance_metrics": performance_metrics(result.metrics),
        "system_info": {
            "uptime_seconds": round(uptime, 2),
            "total_decisions": result.total_decisions,
            "system_status": "running",
        },
    }


def reorder_message(order: WireOrder) -> dict[str, Any]:
    """Return an order as the demo announced it."""
    return {
        "timestamp": order.made_at.isoformat(),
        "action": "REORDER",
        "item": order.item,
        "quantity": order.quantity,
        "urgency": order.urgency,
        "reason": order.reason,
        "supplier": order.supplier,
        "estimated_cost": f"${order.estimated_cost:,.2f}",
        "expected_delivery": order.expected_delivery.isoformat(),
    }


def performance_metrics(metrics: WireMetrics) -> dict[str, Any]:
    """Return the figures that every answer carries."""
    return {
        "service_level": percent(metrics.service_level),
        "total_revenue": round(metrics.total_revenue, 2),
        "total_costs": round(metrics.total_costs, 2),
        "profit": round(metrics.profit, 2),
        "orders_placed": metrics.orders_placed,
        "stockouts": metrics.stockouts,
    }


def current_state(state: WireState, uptime: float) -> dict[str, Any]:
    """Return how things stand."""
    return {
        "current_day": state.current_day,
        "current_stock": state.current_stock,
        "performance_metrics": performance_metrics(state.metrics),
        "recent_decisions": [_recent(made) for made in state.decisions[-RECENT:]],
        "system_uptime": round(uptime, 2),
        "status": "running",
    }


def performance_summary(state: WireState, timestamp: str) -> dict[str, Any]:
    """Return all figures since the last reset."""
    return {
        "status": "success",
        "days_processed": state.current_day,
        "service_metrics": performance_metrics(state.metrics),
        "agent_metrics": {
            "operational": _operational(state),
            "financial": _financial(state.metrics),
            "inventory": _inventory(state),
            "intelligence": _intelligence(state),
        },
        "timestamp": timestamp,
    }


def percent(share: float) -> float:
    """Return a share as percent.

    >>> percent(0.9333333)
    93.33
    """
    return round(100 * share, 2)


def _recent(made: WireDecision) -> dict[str, Any]:
    return {
        "day": made.day,
        "decision": {
            "date": made.date.isoformat(),
            "scenario": made.scenario,
            "predicted_demand": made.predicted_demand,
            "sales": made.sales,
            "current_stock_before": made.stock_before,
            "current_stock_after": made.stock_after,
            "urgency_level": made.urgency_level,
            "strategy_notes": made.strategy_notes,
            "action": made.action,
            "order_quantity": made.order_quantity,
            "reorder_point": made.reorder_point,
            "reason": made.reason,
        },
        "timestamp": made.made_at.isoformat(),
    }


def _operational(state: WireState) -> dict[str, Any]:
    metrics = state.metrics
    demanded = sum(made.sales for made in state.decisions)
    return {
        "total_days_simulated": state.current_day,
        "stockouts": metrics.stockouts,
        "stockout_rate_percent": percent(_share(metrics.stockouts, metrics.days)),
        "service_level_percent": percent(metrics.service_level),
        "customer_satisfaction": percent(metrics.units_sold / demanded if demanded else 1.0),
    }


def _financial(metrics: WireMetrics) -> dict[str, Any]:
    return {
        "total_revenue": round(metrics.total_revenue, 2),
        "total_costs": round(metrics.total_costs, 2),
        "profit": round(metrics.profit, 2),
        "profit_margin_percent": percent(_share(metrics.profit, metrics.total_revenue)),
    }


def _inventory(state: WireState) -> dict[str, Any]:
    metrics = state.metrics
    return {
        "current_stock": state.current_stock,
        "total_orders_placed": metrics.orders_placed,
        "average_order_size": round(_share(metrics.units_ordered, metrics.orders_placed), 2),
        "total_units_ordered": metrics.units_ordered,
        "inventory_turnover_rate": round(_share(metrics.units_sold, state.average_stock), 4),
    }


def _intelligence(state: WireState) -> dict[str, Any]:
    breakdown = state.scenario_breakdown
    return {
        "scenarios_encountered": len(breakdown),
        "scenario_breakdown": breakdown,
        "adaptive_decisions": state.adaptive_decisions,
        "learning_entries": state.current_day,  # the agent learns from every day's sales
    }


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
