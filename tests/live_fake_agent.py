"""A hand-written agent service for the tests of the dashboard: plausible, in memory, stoppable."""

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import orjson
from flask import Flask, Response, request

from streaming_production.web.event_stream import EVENT_STREAM, HEARTBEAT, sse_event
from streaming_production.web.server import Server

TODAY = date(2024, 3, 12)
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "=cmd|' /C calc'!A0",
    "a/b//c?d=e#f&g%20h",
    "\u202eright to left\u202c \u05e9\u05dc\u05d5\u05dd",
    "emoji \U0001f4e6\U0001f69a box",
    "L" * 200,
    "{{ 7 * 7 }} ${7*7} </textarea>",
)
PRODUCTS = ("Kettle", "Desk lamp", "Rain jacket", "Trail shoes", "Espresso beans", "Garden hose")
Json = dict[str, Any]


def _iso(day: date) -> str:
    return day.isoformat()


class FakeAgent:
    """Hold the state, answer the API, and keep a stream going."""

    def __init__(self, items: int = 300, waiting: int = 12, hostile: bool = True) -> None:
        self.rng = np.random.default_rng(7)
        self.lock = threading.Condition()
        self.log: list[Json] = []
        self.signals: list[Json] = []
        self.requests: list[Json] = []  # every action that came in
        self.calls: Counter[str] = Counter()  # by path
        self.token = ""  # asked for where it is set
        self.autonomy: Json = {
            "max_order_value": 500.0, "max_order_quantity": None, "kill_switch": False
        }  # fmt: skip
        names = [f"{PRODUCTS[n % len(PRODUCTS)]} {n + 1:03d}" for n in range(items)]
        if hostile:
            names[: len(HOSTILE)] = HOSTILE[:items]
        self.items = {name: self._item(n, name) for n, name in enumerate(names)}
        self.decisions: dict[str, Json] = {}
        self.orders: list[Json] = []
        for n, item in enumerate(self.items.values()):
            self._decide(item, "waiting" if n < waiting else "automatic")
        if items:
            self._announce("Viral <b>video</b>" if hostile else "Viral video")

    def _announce(self, viral: str) -> None:
        self.signals = [
            _signal("s-1", "viral", viral, -1, 2, 3.5, "running",
                    "Every day's order follows the surge; 14 orders since it is known."),
            _signal("s-2", "promotion", "Spring sale", 9, 7, 1.8, "announced",
                    "Stock is built up for the promotion from 18 Mar on."),
            _signal("s-3", "supply_disruption", "Port strike", -30, 10, None, "ended",
                    "Orders went out earlier and larger; 9 orders."),
        ]  # fmt: skip

    def _item(self, n: int, name: str) -> Json:
        level = float(self.rng.gamma(2.0, 20.0)) + 4
        on_hand = int(level * self.rng.uniform(0, 12))
        risk = float(np.clip(self.rng.normal(0.55 - on_hand / level / 8, 0.15), 0, 1))
        price = round(float(self.rng.uniform(4, 80)), 2)
        return {
            "unique_id": name, "title": name, "group": ("Home", "Outdoor", "Food")[n % 3],
            "on_hand": on_hand, "on_order": 0, "cover_days": on_hand / level,
            "unit_price": price, "stock_value": on_hand * price * 0.6, "stockout_risk": risk,
            "urgency": "critical" if risk > 0.4 else "high" if risk > 0.2 else "normal"
            if risk > 0.05 else "low", "waiting_decision_id": None,
            "waiting_quantity": None, "last_decision_id": None, "last_decision_day": _iso(TODAY),
            "reason": "", "flags": ["discrepancy"] if n % 17 == 3 else [],
            "forecast_origin": _iso(TODAY - timedelta(3)), "last_event_at": _now(),
            "last_closed_day": _iso(TODAY), "level": level,
        }  # fmt: skip

    def _decide(self, item: Json, status: str) -> Json:
        quantity = max(12, int(item["level"] * 6) // 12 * 12)
        decision_id = str(uuid.UUID(bytes=self.rng.bytes(16), version=4))
        due = TODAY + timedelta(3)
        reason = (
            f"Normal operations: {item['on_hand'] * 0.4:,.0f} units expected on the shelf on "
            f"{due}, and {quantity:,} more give a 98.0% chance of serving all demand until the "
            "next delivery (the order follows the forecast)."
        )
        value = quantity * item["unit_price"] * 0.6
        row = {
            "decision_id": decision_id, "unique_id": item["unique_id"], "title": item["title"],
            "day": _iso(TODAY), "made_at": _now(), "kind": "day_close", "status": status,
            "proposed_quantity": quantity, "quantity": quantity, "due": _iso(due),
            "urgency": item["urgency"], "rule": "normal_operations", "reason": reason,
            "needs_review": status == "waiting", "review_reason": "",
            "waiting_for": [f"the order value {value:,.0f} is above the limit of 500"]
            if status == "waiting" else [],
            "stockout_risk": item["stockout_risk"], "expected_cost": value * 0.2,
            "expected_regret": 35.0, "order_value": value, "order_id": None, "decided_by": None,
            "decided_why": None, "decided_at": None, "touched": False,
        }  # fmt: skip
        self.decisions[decision_id] = row
        item["reason"], item["last_decision_id"] = reason, decision_id
        if status == "waiting":
            item |= {"waiting_decision_id": decision_id, "waiting_quantity": quantity}
        else:
            self._order(row, quantity)
        return row

    def _order(self, decision: Json, quantity: int) -> None:
        order_id = str(uuid.UUID(bytes=self.rng.bytes(16), version=4))
        decision |= {"order_id": order_id, "quantity": quantity}
        self.items[decision["unique_id"]]["on_order"] += quantity
        self.orders.insert(0, {
            "order_id": order_id, "decision_id": decision["decision_id"],
            "unique_id": decision["unique_id"], "title": decision["title"], "quantity": quantity,
            "confirmed_quantity": quantity, "received": 0, "placed_day": decision["day"],
            "due": decision["due"], "status": "confirmed", "value": decision["order_value"],
            "attempts": 1, "last_error": None, "updated_at": _now(),
        })  # fmt: skip

    def write(self, kind: str, summary: str, unique_id: str | None = None, **more: Any) -> None:
        """Add an event to the log and wake the streams."""
        with self.lock:
            seq = len(self.log) + 1
            self.log.append({
                "seq": seq, "id": f"e{seq}", "source": "shop", "type": kind, "data": {},
                "unique_id": unique_id, "day": _iso(TODAY), "time": _now(), "received_at": _now(),
                "summary": summary, **more,
            })  # fmt: skip
            self.lock.notify_all()

    def sell(self, unique_id: str, quantity: int) -> None:
        """Let a sale come in."""
        item = self.items[unique_id]
        item["on_hand"] = max(item["on_hand"] - quantity, 0)
        item["cover_days"] = item["on_hand"] / item["level"]
        self.write("sale.recorded", f"sold {quantity:,}", unique_id)

    def answer(self, decision_id: str, verdict: str, asked: Json) -> Json | None:
        """Approve, reject or override; None where the decision does not wait."""
        row = self.decisions[decision_id]
        if row["status"] != "waiting":
            return None
        row |= {
            "status": {"approve": "approved", "reject": "rejected"}.get(verdict, "overridden"),
            "decided_by": asked["who"], "decided_why": asked.get("why"), "decided_at": _now(),
        }  # fmt: skip
        self.items[row["unique_id"]] |= {"waiting_decision_id": None, "waiting_quantity": None}
        if verdict != "reject":
            self._order(row, int(asked.get("quantity", row["proposed_quantity"])))
        self.write(f"decision.{row['status']}", f"{row['status']} by {asked['who']}",
                   row["unique_id"], decision_id=decision_id)  # fmt: skip
        return row

    def detail(self, row: Json) -> Json:
        """Return a decision with its explanation."""
        quantity = row["proposed_quantity"]
        tried = sorted({0, *(int(quantity * share / 4) for share in range(1, 9))})
        best = row["expected_cost"]
        return row | {
            "on_hand": self.items[row["unique_id"]]["on_hand"], "on_order": 40,
            "reason_codes": ["safety_stock"], "projected_stock": 31.0,
            "unavoidable_risk": row["stockout_risk"] / 2,
            "service_target": 0.98, "reorder_point": 220, "order_up_to": 420,
            "expected_demand": quantity * 0.8, "believed_multiplier": 1.6, "forecast_mean": 44.0,
            "forecast_low": 28.0, "forecast_high": 63.0,
            "curve": [
                {"quantity": tried_quantity, "chosen": tried_quantity == quantity,
                 "cost": best * (1 + 1.4 * ((tried_quantity - quantity) / quantity) ** 2),
                 "meets_target": tried_quantity >= quantity * 0.7}
                for tried_quantity in tried
            ],
            "alternatives": [
                {"quantity": int(quantity * 1.25), "extra_cost": best * 0.09, "meets_target": True},
                {"quantity": 0, "extra_cost": best * 1.4, "meets_target": False},
            ],
            "flips": ["12 % less demand expected: no order",
                      "a lead time of 5 days instead of 3: twice as much"],
            "not_known": ["demand on 2 days when stock had run out was not seen",
                          "whether the video's effect lasts beyond Thursday"],
            "accepted": {"moq": 24, "pack_size": 12, "max_order": 5000},
        }  # fmt: skip

    def item_detail(self, unique_id: str) -> Json:
        """Return an item with its days, forecast, orders and decisions."""
        item = self.items[unique_id]
        rng, level, stock = np.random.default_rng(len(unique_id)), item["level"], item["level"] * 9
        days = []
        for n in range(90, -1, -1):
            demanded = int(rng.poisson(level * (3 if n in (1, 0) else 1)))
            received = int(level * 7) if n % 7 == 3 else 0
            sold = min(int(stock) + received, demanded)
            closing = int(stock) + received - sold
            days.append({
                "day": _iso(TODAY - timedelta(n)), "opening": int(stock), "received": received,
                "demanded": demanded, "sold": sold, "unmet": demanded - sold, "returned": 0,
                "adjusted": 0, "closing": closing, "revenue": sold * item["unit_price"],
                "closed": True,
            })  # fmt: skip
            stock = closing
        ahead = []
        for n in range(1, 29):
            mean = float(level * (1 + 0.25 * np.sin(n / 7 * 2 * np.pi)) * (2.4 if n < 3 else 1))
            ahead.append({
                "day": _iso(TODAY + timedelta(n)), "mean": mean, "low80": mean * 0.7,
                "high80": mean * 1.35, "low95": mean * 0.5, "high95": mean * 1.7,
            })  # fmt: skip
        rows = [row for row in self.decisions.values() if row["unique_id"] == unique_id]
        return item | {
            "terms": {"unique_id": unique_id, "unit_price": item["unit_price"], "lead_time": 3,
                      "review_period": 1, "moq": 24, "pack_size": 12},
            "settings": {"priority": "service", "service_target": None, "risk": 0.0,
                         "max_order_value": None, "max_order_quantity": None, "automatic": True},
            "opening_stock": 300, "days": days, "signals": self.signals, "decisions": rows,
            "ordered": [
                {"day": order["placed_day"], "quantity": order["quantity"]}
                for order in self.orders
                if order["unique_id"] == unique_id
            ],
            "open_orders": [order for order in self.orders if order["unique_id"] == unique_id],
            "forecast": {"origin": item["forecast_origin"], "model": "prophet",
                         "fitted_at": _now(), "days": ahead},
            "last_decision": self.detail(rows[-1]) if rows else None,
        }  # fmt: skip

    def kpis(self) -> Json:
        """Return key figures with a trend of 30 days."""
        rng = np.random.default_rng(3)
        trend = [
            {"day": _iso(TODAY - timedelta(29 - n)), "service_level": 0.97 + 0.001 * (n % 9),
             "fill_rate": 0.985 + 0.0004 * n, "profit": 9000 + 120 * n + float(rng.normal(0, 700)),
             "revenue": 30000.0, "stock_value": 420000 - 900.0 * n, "orders": 40 + n % 6,
             "autonomous_share": 0.93}
            for n in range(30)
        ] if self.items else []  # fmt: skip
        waiting = sum(row["status"] == "waiting" for row in self.decisions.values())
        full = bool(self.items)
        return {
            "today": _iso(TODAY) if full else None, "epoch": 1, "trend": trend,
            "totals": {
                "service_level": 0.974 if full else None, "fill_rate": 0.991 if full else None,
                "revenue": 902000.0, "profit": sum(row["profit"] for row in trend),
                "cash_profit": 290000.0, "stock_value": 394000.0 if full else 0.0,
                "units_on_hand": 21000, "orders_placed": len(self.orders), "open_orders": 44,
                "decisions": len(self.decisions), "autonomous_share": 0.931 if full else None,
                "waiting": waiting, "at_risk": 20, "items": len(self.items),
            },
        }  # fmt: skip

    def status(self) -> Json:
        """Return how the service is doing."""
        return {
            "status": "running", "version": "2", "uptime_seconds": 60.0, "epoch": 1,
            "today": _iso(TODAY) if self.items else None, "items": len(self.items),
            "last_event_at": self.log[-1]["received_at"] if self.log else None,
            "last_event_age_seconds": 3.0, "last_seq": len(self.log), "closings_pending": 0,
            "forecasts": {"fitted": len(self.items), "missing": 0, "stale": 0,
                          "oldest_origin": _iso(TODAY - timedelta(3)) if self.items else None},
            "worker": {"alive": True, "last_run_at": _now(), "error": None},
            "outbox": {"queued": 0, "unknown": 0, "refused": 0}, "spool": 0, "streams": 1,
            "autonomy": self.autonomy, "supplier": True,
        }  # fmt: skip

    def find_items(self, asked: Any) -> list[Json]:
        """Return the items asked for, worst first by default."""
        wanted = asked.get("search", "").lower()
        keep = {
            "waiting": lambda row: row["waiting_decision_id"],
            "at_risk": lambda row: row["stockout_risk"] > 0.05 or row["on_hand"] == 0,
            "flagged": lambda row: row["flags"],
        }.get(asked.get("filter", "all"), lambda row: True)
        rows = [row for row in self.items.values() if keep(row) and wanted in row["title"].lower()]
        field = {"name": "title", "cover": "cover_days", "value": "stock_value"}.get(
            asked.get("sort", "risk"), asked.get("sort", "risk")
        )
        if field == "risk":
            return sorted(
                rows, key=lambda row: (not row["waiting_quantity"], -row["stockout_risk"])
            )
        return sorted(rows, key=lambda r: r[field], reverse=asked.get("descending") == "true")


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def _signal(
    signal_id: str, kind: str, label: str, starts_in: int, days: int, demand: float | None,
    status: str, response: str,
) -> Json:  # fmt: skip
    start = TODAY + timedelta(starts_in)
    return {
        "signal_id": signal_id, "kind": kind, "label": label, "start": _iso(start),
        "last_day": _iso(start + timedelta(days - 1)), "demand": demand, "lead_time_extra": None,
        "filled_share": None, "supplier_shut": False, "price": 1.0, "shape": "flat", "items": [],
        "source": "planner", "status": status, "response": response,
    }  # fmt: skip


def answer(content: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, content_type="application/json")


def problem(status: int, detail: str) -> Response:
    return answer({"title": "refused", "status": status, "detail": detail}, status)


def paged(name: str, rows: list[Json]) -> Json:
    page, size = int(request.args.get("page", 1)), int(request.args.get("size", 50))
    shown = rows[(page - 1) * size : page * size]
    return {name: shown, "page": page, "size": size, "total": len(rows)}


def matching(rows: list[Json]) -> list[Json]:
    wanted = request.args
    return [
        row
        for row in rows
        if wanted.get("status", row["status"]) == row["status"]
        and wanted.get("unique_id", row["unique_id"]) == row["unique_id"]
        and wanted.get("search", "").lower() in row["title"].lower()
    ]


def _add_decisions(app: Flask, agent: FakeAgent) -> None:
    @app.get("/api/decisions")
    def decisions() -> Response:
        return answer(paged("decisions", matching(list(agent.decisions.values()))))

    @app.post("/api/decisions")
    def decide() -> Response:
        unique_id = (request.get_json())["unique_id"]
        row = agent._decide(agent.items[unique_id], "waiting")
        agent.write("decision.made", "decided on demand", unique_id)
        return answer(agent.detail(row), 201)

    @app.get("/api/decisions/<decision_id>")
    def decision(decision_id: str) -> Response:
        row = agent.decisions.get(decision_id)
        return answer(agent.detail(row)) if row else problem(404, "there is no such decision")

    @app.post("/api/decisions/<decision_id>/<verdict>")
    def answer_decision(decision_id: str, verdict: str) -> Response:
        asked = request.get_json()
        agent.requests.append({"verdict": verdict, **asked})
        if int(asked.get("quantity", 0)) % 12:
            return problem(422, "quantity must be a multiple of 12")
        row = agent.answer(decision_id, verdict, asked)
        return answer(row) if row else problem(409, "this decision does not wait any more")

    @app.get("/api/orders")
    def orders() -> Response:
        return answer(paged("orders", matching(agent.orders)))

    @app.get("/api/orders.csv")
    @app.get("/api/decisions.csv")
    def table() -> Response:
        lines = (f"'{row['title']},{row['quantity']}\n" for row in matching(agent.orders))
        headers = {"Content-Disposition": "attachment; filename=orders.csv"}
        return Response(lines, 200, headers, content_type="text/csv; charset=utf-8")


def _add_events(app: Flask, agent: FakeAgent) -> None:
    @app.get("/api/events")
    def events() -> Response:
        before = int(request.args.get("before", 1 << 60))
        rows = [row for row in reversed(agent.log) if row["seq"] < before]
        rows = [r for r in rows if request.args.get("unique_id", r["unique_id"]) == r["unique_id"]]
        rows = rows[: int(request.args.get("limit", 50))]
        return answer({"events": rows, "last_seq": len(agent.log)})

    @app.post("/api/events")
    def post_event() -> Response:
        event = request.get_json(force=True)
        agent.requests.append(event)
        data = event["data"]
        known = {signal["signal_id"]: signal for signal in agent.signals}
        if event["type"] == "signal.withdrawn":
            known[data["signal_id"]]["status"] = "withdrawn"
        elif event["type"] == "signal.ended":
            known[data["signal_id"]]["status"] = "ended"
        else:
            signal = _signal(data["signal_id"], data["kind"], data.get("label", ""), 0, 1,
                             data.get("demand"), "announced", "Nothing yet.")  # fmt: skip
            signal |= {name: data[name] for name in ("start", "last_day") if name in data}
            known[data["signal_id"]] = known.get(data["signal_id"], {}) | signal
        agent.signals = list(known.values())
        agent.write(event["type"], data.get("label", ""))
        return answer({"applied": 1, "duplicates": 0, "last_seq": len(agent.log)})

    @app.post("/api/what-if")
    def what_if() -> Response:
        asked = request.get_json()
        row = next(r for r in agent.decisions.values() if r["unique_id"] == asked["unique_id"])
        found = agent.detail(row) | {"quantity": row["proposed_quantity"]}
        factor = float(asked.get("demand_factor", 1))
        curve = [p | {"quantity": int(p["quantity"] * factor)} for p in found["curve"]]
        changed = found | {"quantity": int(found["quantity"] * factor), "curve": curve}
        return answer({"baseline": found, "changed": changed})

    @app.route("/api/autonomy", methods=["GET", "PUT"])
    def autonomy() -> Response:
        if request.method == "PUT":
            agent.requests.append(request.get_json())
            agent.autonomy = {name: request.get_json()[name] for name in agent.autonomy}
            agent.write("autonomy.changed", "limits changed")
        return answer(agent.autonomy)


def _add_items(app: Flask, agent: FakeAgent) -> None:
    @app.get("/api/items")
    def items() -> Response:
        return answer(paged("items", agent.find_items(request.args)))

    @app.get("/api/items/<path:unique_id>")
    def item(unique_id: str) -> Response:
        if unique_id not in agent.items:
            return problem(404, f"there is no item {unique_id}")
        return answer(agent.item_detail(unique_id))

    @app.get("/api/signals")
    def signals() -> Response:
        return answer({"signals": agent.signals})


def fake_app(agent: FakeAgent, stopping: threading.Event) -> Flask:
    """Return the API over a fake agent."""
    app = Flask(__name__)
    app.url_map.merge_slashes = False

    _add_items(app, agent)
    _add_decisions(app, agent)
    _add_events(app, agent)

    @app.before_request
    def check() -> Response | None:
        agent.calls[request.path] += 1
        if agent.token and request.headers.get("Authorization") != f"Bearer {agent.token}":
            return problem(401, "a token is required")
        return None

    @app.get("/api/status")
    def status() -> Response:
        return answer(agent.status())

    @app.get("/api/kpis")
    def kpis() -> Response:
        return answer(agent.kpis())

    @app.get("/api/current-state")
    def current_state() -> Response:
        metrics = {"service_level": 97.4, "total_revenue": 1.0, "total_costs": 1.0, "profit": 0.0,
                   "orders_placed": 3, "stockouts": 1}  # fmt: skip
        return answer({"performance_metrics": metrics, "current_day": 5, "recent_decisions": []})

    @app.get("/api/stream")
    def stream() -> Response:
        last = request.headers.get("Last-Event-ID", "")
        return Response(_stream(agent, stopping, last), content_type=EVENT_STREAM)

    return app


def _stream(agent: FakeAgent, stopping: threading.Event, last_id: str) -> Iterator[bytes]:
    seq = int(last_id) if last_id.isdecimal() else len(agent.log)
    yield sse_event({"last_seq": seq, "epoch": 1}, event="hello", number=seq)
    while not stopping.is_set():
        with agent.lock:
            if len(agent.log) <= seq:
                agent.lock.wait(timeout=0.5)
            fresh = agent.log[seq:]
        seq += len(fresh)
        changes = [sse_event(row, event="change", number=row["seq"]) for row in fresh]
        yield b"".join(changes) or HEARTBEAT


class RunningApp:
    """Serve an app on a port, to be stopped and started again on the same one."""

    def __init__(self, make: Callable[[threading.Event], Flask], threads: int = 12) -> None:
        self._make = make
        self._threads = threads
        self.port = 0
        self.start()

    def start(self) -> None:
        """Serve, on the port of before if there was one."""
        self._stop = threading.Event()
        self._server = Server(
            self._make(self._stop),
            "127.0.0.1",
            self.port,
            threads=self._threads,
            max_body=1 << 20,
        )
        self.port = self._server.port
        self._thread = threading.Thread(target=self._server.run, args=(self._stop,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """End it, streams and all."""
        self._stop.set()
        self._server.wake()
        self._thread.join(timeout=10)
        self._server.close()


class RunningFake(RunningApp):
    """Serve a fake agent."""

    def __init__(self, agent: FakeAgent) -> None:
        self.agent = agent
        super().__init__(lambda stopping: fake_app(agent, stopping))
