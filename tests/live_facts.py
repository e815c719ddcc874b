"""Events for tests of the store, short to write."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import orjson

from streaming_production.events import Event, internal_event, parse_events

FIRST_DAY = date(2024, 3, 1)
OPENING_DAY = FIRST_DAY - timedelta(days=1)
LIMITS = {"max_order_value": 500.0, "kill_switch": True, "who": "Ada", "why": "holidays"}


def posted(
    number: object, kind: str, subject: str | None = "milk", /, at: str = "", **data: Any
) -> dict[str, Any]:
    """Return an event as it is sent; `at` is its time, or the first part of it."""
    noon = "2024-03-01T12:00:00Z"
    time = (at or noon) + noon[len(at or noon) :]
    made = {"specversion": "1.0", "id": str(number), "source": "tests", "type": kind}
    return {**made, "subject": subject, "time": time, "data": data}


def parsed(*sent: dict[str, Any]) -> list[Event]:
    """Return events as the store takes them."""
    return list(parse_events(orjson.dumps(list(sent))))


def happened(number: object, kind: str, subject: str | None = "milk", /, **data: Any) -> Event:
    """Return one event as the store takes it."""
    return parsed(posted(number, kind, subject, **data))[0]


def sale(number: object, quantity: int, **more: Any) -> Event:
    """Return a sale."""
    return happened(number, "sale.recorded", quantity=quantity, **more)


def closed(number: object, day: date = FIRST_DAY, subject: str | None = None) -> Event:
    """Return the end of a day, for all items by default."""
    return happened(number, "day.closed", subject, at=f"{day}T23:00:00Z", day=day.isoformat())


def registered(name: str = "milk", stock: int = 100, **terms: Any) -> Event:
    """Return a new item: price 3, cost 2, lead time 3 days."""
    base = {"unique_id": name, "unit_price": 3.0, "unit_cost": 2.0, "holding_cost": 0.01}
    data = {
        "terms": base | terms,
        "opening_stock": stock,
        "opening_day": OPENING_DAY,
        "title": f"Item {name}",
    }
    return internal_event("item.registered", name, OPENING_DAY, data)


def placed_order(number: object, quantity: int = 40, day: date = FIRST_DAY) -> dict[str, Any]:
    """Return what a decision says of its order."""
    return {"order_id": f"order-{number}", "quantity": quantity, "due": day + timedelta(days=3)}


def decided(
    number: object,
    name: str = "milk",
    day: date = FIRST_DAY,
    status: str = "no_order",
    quantity: int = 0,
    **more: Any,
) -> Event:
    """Return a decision; an automatic one places its order."""
    data: dict[str, Any] = {
        "decision_id": f"decision-{number}",
        "unique_id": name,
        "day": day,
        "kind": "day_close",
        "status": status,
        "action": "order" if quantity else "wait",
        "quantity": quantity,
        "due": day + timedelta(days=3) if quantity else None,
        "urgency": "normal",
        "rule": "normal_operations",
        "reason": "because",
        "reason_codes": ["forecast"],
        "needs_review": False,
        "review_reason": "",
        "expected_demand": 30.0,
        "reorder_point": 50,
        "order_up_to": 90,
        "curve": [[0, 12.5], [40, 10.0]],
        "on_hand": 20,
        "on_order": 0,
        "order_value": 2.0 * quantity,
    }
    data |= dict.fromkeys(NUMBERS, 0.25)
    if status == "automatic":
        data["order"] = placed_order(number, quantity, day)
    return internal_event("decision.made", name, day, data | more)


NUMBERS = (
    "projected_stock",
    "stockout_risk",
    "unavoidable_risk",
    "service_target",
    "believed_multiplier",
    "forecast_mean",
    "forecast_low",
    "forecast_high",
    "expected_cost",
    "expected_regret",
)


def answered(number: object, verdict: str, quantity: int = 40, **more: Any) -> Event:
    """Return a person's answer; approving and changing place the order."""
    order = None if verdict == "rejected" else placed_order(number, quantity)
    data = {
        "decision_id": f"decision-{number}",
        "who": "Ada",
        "why": "because",
        "quantity": quantity,
        "order": order,
    }
    return internal_event(f"decision.{verdict}", None, FIRST_DAY, data | more)


def about_order(number: object, what: str, **data: Any) -> Event:
    """Return what became of an order."""
    return internal_event(f"order.{what}", None, FIRST_DAY, {"order_id": f"order-{number}", **data})


def minutes(count: int, start: str = "2024-03-01T08:00:00+00:00") -> Sequence[str]:
    """Return the times of so many minutes, one after the other."""
    first = datetime.fromisoformat(start)
    return [(first + timedelta(minutes=one)).isoformat() for one in range(count)]


def changed(**data: Any) -> Event:
    """Return a change of milk's terms or settings."""
    return internal_event("item.changed", "milk", FIRST_DAY, {"who": "Ada", "why": "x", **data})
