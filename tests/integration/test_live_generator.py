"""The generator's command against a small agent written by hand, over real HTTP."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, request

from streaming_production.deciding.profile_items import profile_items
from streaming_production.services import data_generator
from streaming_production.web.server import Server

ROOT = Path(__file__).resolve().parents[2]
DEMO_ITEM = "Electronics_DEMO_ITEM"
Answer = tuple[dict[str, Any], int] | tuple[dict[str, Any], int, dict[str, str]]


@dataclass
class FakeAgent:
    """Keeps what it is sent; orders 500 units at every third close; fails when it is told to."""

    items: dict[str, float] = field(default_factory=lambda: {DEMO_ITEM: 50.0})  # with prices
    events: dict[str, dict[str, Any]] = field(default_factory=dict)  # by id, as they came
    wire_days: dict[str, dict[str, Any]] = field(default_factory=dict)  # by Idempotency-Key
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    batches: list[int] = field(default_factory=list)  # sizes, as they came
    spool_sizes: list[int] = field(default_factory=list)
    faults: list[Callable[[], Answer | None]] = field(default_factory=list)  # of the next posts
    port: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _server: Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def runs(self) -> bool:
        return self._thread is not None

    @property
    def closed(self) -> list[str]:
        return [e["data"]["day"] for e in self.of_type("day.closed")]

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events.values() if event["type"] == kind]

    def start(self) -> None:
        self._stop = threading.Event()
        self._server = Server(self._app(), "127.0.0.1", self.port, threads=4, max_body=1 << 24)
        self.port = self._server.port
        self._thread = threading.Thread(target=serve, args=(self._server, self._stop))
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._server and self._thread:
            self._server.wake()
            self._thread.join(10)
            self._thread = None

    def _app(self) -> Flask:
        app = Flask("fake_agent")
        app.get("/readyz")(self._status)
        app.get("/api/status")(self._status)
        app.get("/api/items")(self._items)
        app.get("/api/orders")(self._orders)
        app.get("/api/decisions")(self._decisions)
        app.post("/api/events")(self._take)
        app.post("/api/process-day")(self._take_wire_day)
        return app

    def _status(self) -> dict[str, Any]:
        today = max(self.closed, default=None)
        done = {"closings_pending": 0, "outbox": {"queued": 0}, "last_seq": len(self.events)}
        return {"epoch": 1, "today": today, **done}

    def _items(self) -> dict[str, Any]:
        names = ("unique_id", "unit_price", "forecast_origin")
        rows = [(item, price, "2023-12-31") for item, price in self.items.items()]
        return self._page("items", [dict(zip(names, row, strict=True)) for row in rows])

    def _decisions(self) -> dict[str, Any]:
        return self._page("decisions", [])

    def _page(self, name: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
        page, size = int(request.args.get("page", 1)), int(request.args.get("size", 50))
        part = rows[(page - 1) * size : page * size]
        return {name: part, "page": page, "size": size, "total": len(rows)}

    def _orders(self) -> dict[str, Any]:
        status = request.args["status"]
        return self._page("orders", [o for o in self.orders.values() if o["status"] == status])

    def _take(self) -> Answer:
        answer = self.faults.pop(0)() if self.faults else None
        if answer is not None:
            return answer
        batch = request.get_json(force=True)
        clash = [e["id"] for e in batch if self.events.get(e["id"], e) != e]
        if clash:
            return {"detail": f"these ids were sent before: {', '.join(clash)}"}, 409
        self.batches.append(len(batch))
        self.spool_sizes.append(int(request.headers["Spool-Size"]))
        new = [event for event in batch if event["id"] not in self.events]
        for event in new:
            self.events[event["id"]] = event
            self._react(event)
        counts = {"applied": len(new), "duplicates": len(batch) - len(new), "unmet": 0}
        return {**counts, "last_seq": len(self.events)}, 200

    def _react(self, event: dict[str, Any]) -> None:
        data = event["data"]
        if event["type"] == "receipt.recorded":
            self.orders[data["order_id"]]["status"] = "received"
        if event["type"] == "day.closed" and len(self.closed) % 3 == 0:
            day, name = data["day"], f"order-{len(self.orders)}"
            due = day[:-2] + f"{int(day[-2:]) + 2:02d}"
            self.orders[name] = {
                "order_id": name,
                "unique_id": next(iter(self.items)),
                "status": "confirmed",
                "quantity": 500,
                "confirmed_quantity": 500,
                "received": 0,
                "placed_day": day,
                "due": due,
            }

    def _take_wire_day(self) -> dict[str, Any]:
        self.wire_days[request.headers["Idempotency-Key"]] = request.get_json()
        decision = {"current_stock": 9, "action": "no_action", "order_quantity": 0, "reason": "-"}
        return {"day": len(self.wire_days), "agent_decision": decision}


def serve(server: Server, stop: threading.Event) -> None:
    server.run(stop)
    server.close()


@pytest.fixture
def agent() -> Iterator[FakeAgent]:
    fake = FakeAgent()
    fake.start()
    yield fake
    fake.stop()


@pytest.fixture
def generate(agent: FakeAgent, tmp_path: Path) -> Callable[..., int]:
    """Run the generator in this process, as fast as it goes; return its exit code."""

    def run(*options: str) -> int:
        usual = ("--agent", agent.url, "--speed", "0", "--spool", str(tmp_path / "spool"))
        return exit_code((*usual, "--wait", "20", *options))

    return run


def exit_code(options: tuple[str, ...]) -> int:
    with pytest.raises(SystemExit) as end:
        data_generator.app(list(options))
    return int(end.value.code or 0)


def parcels(tmp_path: Path) -> list[str]:
    return sorted(file.name for file in (tmp_path / "spool").glob("*.parcel"))


def answering(status: int, **headers: str) -> Callable[[], Answer]:
    return lambda: ({"detail": f"told to answer {status}"}, status, headers)


def wait_for(condition: Callable[[], object], seconds: float = 15) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited too long"
        time.sleep(0.02)


def test_without_options_for_the_market_it_streams_the_demos_twenty_days(
    agent: FakeAgent, generate: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert generate() == 0
    assert agent.closed == [f"2024-01-{day:02d}" for day in range(1, 21)]
    lines = capsys.readouterr().out.splitlines()
    days = [line for line in lines if line.startswith("2024-01-")]
    assert len(days) == 20
    assert "Competitor_Stockout_Benefit" in days[2]
    assert "demand" in days[2]
    started = [event["data"]["label"] for event in agent.of_type("signal.started")]
    assert started == [
        "Competitor_Stockout_Benefit",
        "Viral_Social_Media_Boost",
        "Celebrity_Endorsement_Spike",
    ]


def test_orders_arrive_on_the_day_they_are_due(
    agent: FakeAgent, generate: Callable[..., int]
) -> None:
    assert generate("--days", "7") == 0
    # Ordered on the evenings of days 3 and 6, due two days later: days 5 and 8.
    (receipt,) = agent.of_type("receipt.recorded")
    assert receipt["time"] == "2024-01-05T06:30:00Z"
    assert receipt["data"] == {"quantity": 500, "order_id": "order-0"}


def test_an_agent_that_is_busy_gets_the_same_batch_again(
    agent: FakeAgent, generate: Callable[..., int]
) -> None:
    agent.faults = [answering(503, **{"Retry-After": "0.1"}), answering(429), answering(500)]
    assert generate("--days", "3") == 0
    assert agent.closed == ["2024-01-01", "2024-01-02", "2024-01-03"]


def test_days_played_while_the_agent_is_away_are_sent_in_order_when_it_is_back(
    agent: FakeAgent, generate: Callable[..., int], tmp_path: Path
) -> None:
    def fall_over() -> Answer:
        # Not from this thread: the server waits for its running requests.
        threading.Thread(target=agent.stop).start()
        return {}, 503

    agent.faults = [fall_over]
    with started(command(agent, tmp_path)) as process:
        wait_for(lambda: len(parcels(tmp_path)) == 20 and not agent.runs)
        assert not agent.closed
        agent.start()
        said, _ = process.communicate(timeout=30)
    assert process.returncode == 0, said
    assert agent.closed == [f"2024-01-{day:02d}" for day in range(1, 21)]
    assert agent.spool_sizes == list(range(19, -1, -1))
    assert parcels(tmp_path) == []


@contextmanager
def started(arguments: list[str]) -> Iterator[subprocess.Popen[str]]:
    """Run the generator as a process of its own, which does not outlive the test."""
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def command(agent: FakeAgent, tmp_path: Path, *options: str) -> list[str]:
    script = ROOT / "streaming_production" / "services" / "data_generator.py"
    spool = str(tmp_path / "spool")
    usual = ["--agent", agent.url, "--speed", "0", "--spool", spool, "--wait", "20"]
    return [sys.executable, str(script), *usual, *options]


def test_a_stopped_run_ends_cleanly_and_goes_on_where_it_was(
    agent: FakeAgent, generate: Callable[..., int], tmp_path: Path
) -> None:
    with started(command(agent, tmp_path, "--speed", "0.2")) as process:
        wait_for(lambda: len(agent.closed) >= 3)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "0 batches left" in said
    assert len(agent.closed) < 20
    assert generate() == 0
    assert agent.closed == [f"2024-01-{day:02d}" for day in range(1, 21)]


def test_a_run_sent_twice_is_applied_once(
    agent: FakeAgent, generate: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--days", "4", "--start", "2024-01-01")
    assert generate(*options) == 0
    before = len(agent.events)
    assert generate(*options) == 0
    assert len(agent.events) == before
    assert "known before" in capsys.readouterr().out


def test_a_refused_batch_is_kept_with_the_answer_and_told(
    agent: FakeAgent, generate: Callable[..., int], tmp_path: Path
) -> None:
    agent.faults = [answering(422)]
    assert generate("--days", "2") == 1
    assert agent.closed == ["2024-01-02"]
    (kept,) = (tmp_path / "spool" / "rejected").glob("*.parcel")
    assert b"2024-01-01" in kept.read_bytes()
    assert "told to answer 422" in kept.with_suffix(".answer.txt").read_text()


def test_of_a_conflict_only_the_events_named_are_set_aside(
    agent: FakeAgent, generate: Callable[..., int], tmp_path: Path
) -> None:
    assert generate("--days", "1", "--start", "2024-01-01") == 0
    changed = next(iter(agent.events))
    agent.events[changed] = {**agent.events[changed], "data": {"quantity": 12345}}
    before = len(agent.events)
    assert generate("--days", "1", "--start", "2024-01-01") == 1
    assert len(agent.events) == before
    (kept,) = (tmp_path / "spool" / "rejected").glob("*.parcel")
    assert kept.read_bytes().count(b'"specversion"') == 1


def test_a_wrong_token_stops_the_run_and_keeps_every_batch(
    agent: FakeAgent,
    generate: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    agent.faults = [answering(401)]
    assert generate("--days", "2") == 2
    assert len(parcels(tmp_path)) == 1
    assert "error: 401" in capsys.readouterr().err
    assert generate("--days", "0") == 0  # only what waits
    assert agent.closed == ["2024-01-01"]


def test_a_spool_for_another_agent_is_not_sent_to_this_one(
    agent: FakeAgent,
    generate: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    agent.faults = [answering(401)]
    generate("--days", "2")
    other = f"http://localhost:{agent.port}"
    assert generate("--agent", other) == 2
    assert f"--agent {agent.url} --days 0" in capsys.readouterr().err
    assert not agent.closed


def test_batches_hold_at_most_a_thousand_events(
    agent: FakeAgent, generate: Callable[..., int]
) -> None:
    made = profile_items("rossmann", 200, 0)
    agent.items = {one.unique_id: one.terms.unit_price for one in made}
    assert generate("--days", "3", "--start", "2024-01-02", "--scenario", "none") == 0
    assert max(agent.batches) == 1000
    assert len(agent.batches) > 3


def test_only_some_items_are_sold_and_closed_when_asked(
    agent: FakeAgent, generate: Callable[..., int]
) -> None:
    agent.items["Zed"] = 1.0
    assert generate("--days", "1", "--items", "1") == 0
    assert {event.get("subject") for event in agent.events.values()} == {DEMO_ITEM}


def test_the_wire_contract_gets_one_post_a_day_with_a_key(
    agent: FakeAgent, generate: Callable[..., int]
) -> None:
    assert generate("--wire", "--days", "3") == 0
    first, _, third = agent.wire_days.values()
    assert first["date"] == "2024-01-01"
    assert first["scenario"] == "Normal_Operations"
    assert third["scenario"] == "Competitor_Stockout_Benefit"
    assert isinstance(first["sales"], int)
    assert agent.events == {}


def test_a_sales_file_is_replayed_to_the_agents_items(
    agent: FakeAgent, generate: Callable[..., int], tmp_path: Path
) -> None:
    path = tmp_path / "sales.csv"
    path.write_text(
        f"unique_id,ds,y\n{DEMO_ITEM},2024-01-01,3\n{DEMO_ITEM},2024-01-02,5\nother,2024-01-01,7\n"
    )
    assert generate("--replay", str(path)) == 0
    sold = [event["data"]["quantity"] for event in agent.of_type("sale.recorded")]
    assert sold == [3, 5]
    assert agent.closed == ["2024-01-01", "2024-01-02"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--scenario", "sunny"), "there is no scenario 'sunny'"),
        (("--replay", "missing.csv"), "missing.csv: there is no such file"),
        (("--start", "tomorrow"), "not a day such as"),
    ],
)
def test_wrong_options_are_told_in_one_line(
    agent: FakeAgent,
    generate: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    options: tuple[str, ...],
    message: str,
) -> None:
    assert generate(*options) == 2
    assert message in capsys.readouterr().err


def test_without_an_agent_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--agent", "http://127.0.0.1:9", "--wait", "0", "--spool", str(tmp_path))
    assert exit_code(options) == 2
    assert "no agent answers at http://127.0.0.1:9" in capsys.readouterr().err


def test_another_service_at_the_address_is_not_taken_for_the_agent(
    agent: FakeAgent, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Server(Flask("other"), "127.0.0.1", 0, threads=1, max_body=1 << 20)
    other._server.application = lambda _, start: [start("200 OK", []), b"hello"][1:]  # any page
    stop = threading.Event()
    thread = threading.Thread(target=serve, args=(other, stop))
    thread.start()
    try:
        assert exit_code(("--agent", other.url, "--wait", "0", "--spool", str(tmp_path))) == 2
    finally:
        stop.set()
        thread.join(10)
    assert "does not answer as agents do" in capsys.readouterr().err
