"""Orders: placed by decisions, answered by the supplier, filled by receipts."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sqlalchemy import select, update

from streaming_production.event_types import (
    OrderCancelled,
    OrderConfirmed,
    OrderFailed,
    OrderSent,
    PlacedOrder,
    ReceiptRecorded,
)
from streaming_production.storage.engine import AnyRow, insert_rows
from streaming_production.storage.errors import RuleBroken
from streaming_production.storage.facts import Facts, Logged, Run
from streaming_production.storage.tables import items, orders

# From which answers a fact about an order may follow.
_FOLLOWS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "sent": frozenset({"queued", "unknown", "sent"}),
        "unknown": frozenset({"queued", "sent", "unknown"}),
        "confirmed": frozenset({"queued", "sent", "unknown"}),
        "refused": frozenset({"queued", "sent", "unknown"}),
        "cancelled": frozenset({"queued", "sent", "unknown", "confirmed"}),
    }
)
WAITING = ("queued", "sent", "unknown")  # answers not final: to be sent or asked for
OPEN = (*WAITING, "confirmed", "partly_received")  # statuses of orders still to come
NO_ORDER = ("refused", "cancelled")  # statuses of orders that came to nothing


def place(facts: Facts, fact: Logged, decision_id: str, unique_id: str, order: PlacedOrder) -> None:
    """Put an order in the queue to the supplier, on the day of the fact that places it."""
    known = select(orders.c.order_id).where(orders.c.order_id == order.order_id)
    if facts.connection.execute(known).first():
        raise RuleBroken("ordered", f"order {order.order_id} was placed already")
    cost = select(items.c.unit_cost).where(items.c.unique_id == unique_id)
    unit_cost = facts.connection.execute(cost).scalar_one()
    row = (
        order.order_id,
        fact.seq,
        facts.epoch,
        decision_id,
        unique_id,
        order.quantity,
        None,
        0,
        None,
        False,
        fact.event.day.isoformat(),
        order.due.isoformat(),
        "queued",
        "queued",
        order.quantity * unit_cost,
        None,
        fact.received_at,
    )
    insert_rows(facts.connection, orders, [row])


def follow(facts: Facts, new: Sequence[Logged]) -> None:
    """Follow what the supplier answered, or a person took back."""
    for _, now, event in new:
        data = event.data
        if not isinstance(data, (OrderSent, OrderConfirmed, OrderFailed, OrderCancelled)):
            raise TypeError(f"{event.type} is no fact about an order")
        answer = event.type.removeprefix("order.")
        row = _order(facts, data.order_id)
        if row is None:
            raise RuleBroken("unknown_order", f"there is no order {data.order_id} in this epoch")
        if row.answer not in _FOLLOWS[answer]:
            raise RuleBroken(
                "order_state", f"order {data.order_id} is {row.answer}: it cannot be {answer} now"
            )
        changes: dict[str, Any] = {"answer": answer}
        if isinstance(data, OrderConfirmed):
            changes |= {"confirmed_quantity": data.quantity, "due": data.due.isoformat()}
            changes["last_error"] = None
        elif isinstance(data, OrderFailed):
            changes["last_error"] = data.why
        _change(facts, row, changes, now)


def receive(facts: Facts, new: Run) -> None:
    """Count what came in of orders."""
    if "receipt.recorded" not in new.types:
        return
    for _, now, event in new.of_type("receipt.recorded"):
        data = event.data
        if not isinstance(data, ReceiptRecorded) or data.order_id is None:
            continue
        row = _order(facts, data.order_id)
        if row is None or row.unique_id != event.subject:
            continue  # units came in all the same: of an order that is not ours, or of old times
        day = event.day.isoformat()
        changes = {
            "received": row.received + data.quantity,
            "received_day": max(row.received_day or day, day),
            "completed": row.completed or data.complete,
        }
        _change(facts, row, changes, now)


def _order(facts: Facts, order_id: str) -> AnyRow | None:
    query = select(orders).where(orders.c.order_id == order_id, orders.c.epoch == facts.epoch)
    return facts.connection.execute(query).first()


def _change(facts: Facts, row: AnyRow, changes: dict[str, Any], now: str) -> None:
    new = {**row._mapping, **changes}
    changes |= {"status": _status(new), "updated_at": now}
    facts.connection.execute(
        update(orders).where(orders.c.order_id == row.order_id).values(**changes)
    )


def _status(order: Mapping[str, Any]) -> str:
    confirmed = order["confirmed_quantity"]
    ordered = order["quantity"] if confirmed is None else confirmed
    if order["completed"] or (order["received"] >= ordered and order["received"] > 0):
        return "received"
    return "partly_received" if order["received"] else str(order["answer"])
