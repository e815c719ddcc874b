"""What each page shows: the agent's answers that it needs, read when it is asked for."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from streaming_production.dashboard.agent_client import (
    AgentClient,
    decision_path,
    item_path,
)

Shown = dict[str, Any]  # what a template is given: JSON of the agent
Query = Mapping[str, str]
MOST_SHOWN = 5  # rows of each list on the overview
PAGE = 50  # rows of a table
FEED = 40
WEEK = 7  # days

KPIS = (  # name, words, how it is written, whether more is better, how a week is summed up
    ("service_level", "Service level", "percent", True, "mean"),
    ("fill_rate", "Fill rate", "percent", True, "mean"),
    ("profit", "Profit", "money", True, "sum"),
    ("stock_value", "Stock value", "money", None, "last"),
    ("orders", "Orders placed", "whole", None, "sum"),
    ("autonomous_share", "Decided without a person", "percent", None, "mean"),
)
KINDS = (
    "promotion", "black_friday", "viral", "celebrity_endorsement", "competitor_stockout",
    "competitor_price_cut", "supply_disruption", "economic_downturn", "post_holiday_clearance",
)  # fmt: skip


def overview(agent: AgentClient, _query: Query, status: Shown) -> Shown:
    """Show what needs a person now, the key figures, the feed and the health of the system."""
    waiting = agent.read("/api/items", filter="waiting", sort="risk", size=MOST_SHOWN)
    at_risk = agent.read("/api/items", filter="at_risk", sort="risk", size=100)
    decisions = agent.read("/api/decisions", status="waiting", size=200)
    risky = [item for item in at_risk["items"] if not item["waiting_decision_id"]]
    figures = agent.read("/api/kpis", days=30)
    return {
        "waiting": waiting,
        "at_risk": at_risk | {"items": risky[:MOST_SHOWN]},
        "decisions": {row["decision_id"]: row for row in decisions["decisions"]},
        "kpis": figures,
        "cards": [kpi_card(figures, *kpi) for kpi in KPIS],
        "signals": agent.read("/api/signals")["signals"],
        "feed": newest_events(agent, status, FEED)["events"],
    }


def items(agent: AgentClient, query: Query, _status: Shown) -> Shown:
    """Show a page of the items, searched, filtered and sorted by the agent."""
    chosen = {
        "search": query.get("search", "")[:200],
        "filter": query.get("filter", "all"),
        "group": query.get("group", ""),
        "sort": query.get("sort", "risk"),
        "descending": query.get("descending", ""),
    }
    page = agent.read("/api/items", **chosen, page=page_number(query), size=PAGE)
    return {"found": page, "rows": page["items"], "chosen": chosen}


def item(agent: AgentClient, unique_id: str, status: Shown) -> Shown:
    """Show one item: stock, demand, forecast, orders, decisions and the why of the last one."""
    found = agent.read(item_path(unique_id))
    waiting = next((d for d in found["decisions"] if d["status"] == "waiting"), None)
    last = found["last_decision"]
    if waiting and (last is None or last["decision_id"] != waiting["decision_id"]):
        last = agent.read(decision_path(waiting["decision_id"]))
    events = agent.read("/api/events", before=status["last_seq"] + 1, limit=30, unique_id=unique_id)
    return {
        "item": found,
        "why": last,
        "waiting": waiting,
        "feed": events["events"],
        "ahead": days_ahead(found),
        "kinds": KINDS,
    }


def decisions(agent: AgentClient, query: Query, _status: Shown) -> Shown:
    """Show a page of the decisions, newest first."""
    names = ("status", "urgency", "search", "unique_id", "first", "last")
    chosen = {name: query.get(name, "")[:200] for name in names}
    page = agent.read("/api/decisions", **chosen, page=page_number(query), size=PAGE)
    return {"found": page, "rows": page["decisions"], "chosen": chosen}


def decision(agent: AgentClient, decision_id: str, _status: Shown) -> Shown:
    """Show one decision with its explanation."""
    return {"why": agent.read(decision_path(decision_id))}


def orders(agent: AgentClient, query: Query, _status: Shown) -> Shown:
    """Show a page of the orders, newest first."""
    chosen = {name: query.get(name, "")[:200] for name in ("status", "search", "unique_id")}
    page = agent.read("/api/orders", **chosen, page=page_number(query), size=PAGE)
    return {"found": page, "rows": page["orders"], "chosen": chosen}


def events(agent: AgentClient, _query: Query, status: Shown) -> Shown:
    """Show the market events and promotions, and what the agent does about each."""
    signals = agent.read("/api/signals")["signals"]
    order = {"running": 0, "announced": 1, "ended": 2, "withdrawn": 3}
    signals.sort(key=lambda signal: signal["start"], reverse=True)
    signals.sort(key=lambda signal: order.get(signal["status"], 9))
    return {"signals": signals, "kinds": KINDS, "next_day": business_day(status)}


def log(agent: AgentClient, query: Query, status: Shown) -> Shown:
    """Show the log of all that happened, newest first."""
    before = query.get("before", "")
    seq = int(before) if before.isdecimal() and len(before) < 19 else status["last_seq"] + 1
    chosen = {name: query.get(name, "")[:200] for name in ("type", "unique_id")}
    found = agent.read("/api/events", before=seq, limit=PAGE, **chosen)
    rows = found["events"]
    older = rows[-1]["seq"] if len(rows) == PAGE else None
    return {"rows": rows, "older": older, "newest": not before, "chosen": chosen}


def autonomy(agent: AgentClient, _query: Query, status: Shown) -> Shown:
    """Show what the agent may decide alone."""
    share = agent.read("/api/kpis", days=30)["totals"]["autonomous_share"]
    return {"autonomy": status["autonomy"], "share": share}


PAGES: dict[str, tuple[str, Callable[[AgentClient, Query, Shown], Shown]]] = {
    "/": ("overview", overview),
    "/items": ("items", items),
    "/decisions": ("decisions", decisions),
    "/orders": ("orders", orders),
    "/events": ("events", events),
    "/log": ("log", log),
    "/autonomy": ("autonomy", autonomy),
}
ONE_OF: dict[str, tuple[str, Callable[[AgentClient, str, Shown], Shown]]] = {
    "/items/<path:name>": ("item", item),
    "/decisions/<path:name>": ("decision", decision),
}


def newest_events(agent: AgentClient, status: Shown, limit: int) -> Any:
    """Read the newest events of the log."""
    return agent.read("/api/events", before=status["last_seq"] + 1, limit=limit)


def page_number(query: Query) -> int:
    """Return the page asked for, 1 if that is no number.

    >>> page_number({"page": "3"}), page_number({"page": "x"}), page_number({})
    (3, 1, 1)
    """
    wanted = query.get("page", "1")
    return max(int(wanted), 1) if wanted.isdecimal() and len(wanted) < 9 else 1


def business_day(status: Shown) -> str | None:
    """Return the day that is running in the shop: the one after the last closed, or after history.

    >>> business_day({"today": None, "forecasts": {"oldest_origin": "2023-12-31"}})
    '2024-01-01'
    """
    last = status["today"] or status["forecasts"]["oldest_origin"]
    return (date.fromisoformat(last) + timedelta(days=1)).isoformat() if last else None


def kpi_card(
    figures: Shown, name: str, words: str, form: str, more_is_better: bool | None, summing: str
) -> Shown:
    """Return one key figure: its value, its days, and the last week against the one before."""
    trend, totals = figures["trend"], figures["totals"]
    total = "orders_placed" if name == "orders" else name
    change = None
    if len(trend) >= 2 * WEEK:
        this = week(trend[-WEEK:], name, summing)
        before = week(trend[-2 * WEEK : -WEEK], name, summing)
        change = None if this is None or before is None else this - before
    better = None if not change or more_is_better is None else (change > 0) == more_is_better
    return {
        "name": name, "words": words, "form": form, "value": totals.get(total),
        "change": change, "better": better,
    }  # fmt: skip


def week(rows: list[Shown], name: str, summing: str) -> float | None:
    """Sum one figure of a week up; None where no day has it.

    >>> week([{"a": 1}, {"a": None}, {"a": 4}], "a", "mean"), week([{"a": None}], "a", "sum")
    (2.5, None)
    """
    known = [row[name] for row in rows if row.get(name) is not None]
    if not known:
        return None
    if summing == "last":
        return float(known[-1])
    return float(sum(known)) / (len(known) if summing == "mean" else 1)


def days_ahead(item: Shown) -> list[Shown]:
    """Return the forecast's days, what open orders bring on each, and the stock that then is left.

    >>> order = {"due": "2024-03-02", "quantity": 30, "received": 10, "confirmed_quantity": None}
    >>> days = [{"day": "2024-03-02", "mean": 8.0}, {"day": "2024-03-03", "mean": 40.0}]
    >>> item = {"on_hand": 5, "open_orders": [order], "forecast": {"days": days}}
    >>> [(row["due"], row["stock"]) for row in days_ahead(item)]
    [(20, 17.0), (0, 0.0)]
    """
    due: dict[str, int] = {}
    for order in item["open_orders"]:
        wanted = order["confirmed_quantity"]
        coming = (order["quantity"] if wanted is None else wanted) - order["received"]
        due[order["due"]] = due.get(order["due"], 0) + max(coming, 0)
    stock, rows = float(item["on_hand"]), []
    for row in item["forecast"]["days"] if item["forecast"] else []:
        coming = due.get(row["day"], 0)
        stock = max(stock + coming - row["mean"], 0.0)
        rows.append(row | {"due": coming, "stock": stock})
    return rows
