"""What an event says, in a few words for a feed."""

from collections.abc import Callable, Mapping
from typing import Any

from core_modules.reporting.report_wording import plural
from streaming_production.storage.rows import LoggedEvent, OrderRow

Data = Mapping[str, Any]
OrderNamed = Callable[[str], OrderRow | None]


def summary(event: LoggedEvent, order_named: OrderNamed) -> str:
    """Say in a few words what happened, and where units came of an order that is not the item's."""
    words = _WORDS.get(event.type)
    told = words(event.data) if words else event.type
    order_id = event.data.get("order_id") if event.type == "receipt.recorded" else None
    if order_id is None:
        return told
    order = order_named(order_id)
    known = order is not None and order.unique_id == event.unique_id
    return told if known else f"{told}, of order {order_id}, which is none of the item's"


def _sale(data: Data) -> str:
    price = data.get("price")
    return f"{plural(data['quantity'], 'unit')} sold" + (f" at {price:,.2f}" if price else "")


def _receipt(data: Data) -> str:
    rest = ", nothing more will come" if data.get("complete") else ""
    return f"{plural(data['quantity'], 'unit')} received{rest}"


def _return(data: Data) -> str:
    rest = "" if data.get("resaleable", True) else ", not to be sold again"
    return f"{plural(data['quantity'], 'unit')} returned{rest}"


def _signal(data: Data) -> str:
    demand = data.get("demand")
    end = data.get("last_day")
    parts = [
        data.get("label") or data["kind"],
        f"from {data['start']}" + (f" to {end}" if end else ""),
        f"demand x{demand:g}" if demand is not None else "",
    ]
    return ", ".join(part for part in parts if part)


def _decision(data: Data) -> str:
    match data["status"]:
        case "waiting":
            return f"{plural(data['quantity'], 'unit')} wait for approval: {data['reason']}"
        case "automatic":
            return f"{plural(data['quantity'], 'unit')} ordered: {data['reason']}"
    return f"no order: {data['reason']}"


def _answered(verb: str) -> Callable[[Data], str]:
    def words(data: Data) -> str:
        why = f": {data['why']}" if data.get("why") else ""
        return f"{verb} by {data['who']}, {plural(data['quantity'], 'unit')}{why}"

    return words


def _autonomy(data: Data) -> str:
    if data.get("kill_switch"):
        return f"every order waits for a person, says {data['who']}"
    value, quantity = data.get("max_order_value"), data.get("max_order_quantity")
    limits = [
        f"value {value:,.2f}" if value is not None else "",
        plural(quantity, "unit") if quantity is not None else "",
    ]
    told = " or ".join(limit for limit in limits if limit)
    return f"orders above {told} wait, says {data['who']}" if told else "no limit on orders"


_WORDS: Mapping[str, Callable[[Data], str]] = {
    "sale.recorded": _sale,
    "receipt.recorded": _receipt,
    "stock.counted": lambda data: f"{plural(data['on_hand'], 'unit')} counted",
    "stock.adjusted": lambda data: f"stock adjusted by {data['quantity']:+,}: {data['reason']}",
    "return.recorded": _return,
    "price.changed": lambda data: f"price is now {data['price']:,.2f}",
    "signal.announced": lambda data: f"announced: {_signal(data)}",
    "signal.started": lambda data: f"started: {_signal(data)}",
    "signal.ended": lambda data: f"{data['signal_id']} ended",
    "signal.withdrawn": lambda data: f"{data['signal_id']} withdrawn",
    "day.closed": lambda data: f"{data['day']} closed",
    "item.registered": lambda data: (
        f"in the catalogue with {plural(data['opening_stock'], 'unit')}"
    ),
    "item.changed": lambda data: f"changed by {data['who']}: {data['why']}",
    "decision.made": _decision,
    "decision.approved": _answered("approved"),
    "decision.rejected": _answered("rejected"),
    "decision.overridden": _answered("changed"),
    "order.sent": lambda _: "order sent to the supplier",
    "order.confirmed": lambda data: (
        f"{plural(data['quantity'], 'unit')} confirmed, due {data['due']}"
    ),
    "order.refused": lambda data: f"the supplier refused: {data['why']}",
    "order.unknown": lambda data: f"the supplier's answer is not known: {data['why']}",
    "order.cancelled": lambda data: f"order cancelled by {data['who']}: {data['why']}",
    "autonomy.changed": _autonomy,
    "epoch.opened": lambda data: f"a new beginning, says {data['who']}",
}
