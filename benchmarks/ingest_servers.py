"""The two servers that `ingest.py` compares, each in a process of its own.

    python benchmarks/ingest_servers.py bare|agent FOLDER

`bare` is the least that could be called taking events in: Flask, json.loads and one executemany a
batch, of the fields as they were sent; nothing is written out as JSON again. Both are served by the
same server, and both keep their database in a write-ahead log that is on the disk before the answer
goes out.
"""

import json
import sqlite3
import sys
import threading
from datetime import date
from operator import itemgetter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if not __package__:
    sys.path[0] = str(ROOT)

from flask import Flask, request  # noqa: E402 - the guard above comes first

from core_modules.item_terms import ItemTerms  # noqa: E402
from streaming_production.agent_core import AgentCore  # noqa: E402
from streaming_production.deciding.core_settings import CoreSettings  # noqa: E402
from streaming_production.deciding.warm_up import warm_up  # noqa: E402
from streaming_production.events import Event, internal_event  # noqa: E402
from streaming_production.service_settings import AgentServiceSettings  # noqa: E402
from streaming_production.services.agent_service import create_app  # noqa: E402
from streaming_production.store import Store  # noqa: E402
from streaming_production.web.request_log import configure_log  # noqa: E402
from streaming_production.web.server import serve  # noqa: E402

ITEMS = 500
OPENING_DAY = date(2024, 2, 29)
INSERTION = (
    "INSERT INTO events (source, id, type, subject, time, quantity) VALUES (?, ?, ?, ?, ?, ?)"
)
MAX_BODY = 16 * 1024 * 1024  # bytes
THREADS = 16


def bare_app(path: Path) -> Flask:
    """Make the bare server."""
    app, turn = Flask("bare"), threading.Lock()
    database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    columns = "source TEXT, id TEXT, type TEXT, subject TEXT, time TEXT, quantity INTEGER"
    database.execute(f"CREATE TABLE events (seq INTEGER PRIMARY KEY, {columns})")
    fields = itemgetter("source", "id", "type", "subject", "time")

    @app.post("/api/events")
    def take() -> dict[str, int]:
        sent = json.loads(request.get_data(cache=False))
        events = sent if isinstance(sent, list) else [sent]
        rows = [(*fields(event), event["data"]["quantity"]) for event in events]
        with turn:
            database.execute("BEGIN IMMEDIATE")
            database.executemany(INSERTION, rows)
            database.execute("COMMIT")
        return {"applied": len(rows)}

    return app


def item_name(number: int) -> str:
    """Return the name of an item of the catalogue."""
    return f"item-{number:05}"


def registered(number: int) -> Event:
    """Return the fact that an item enters the catalogue, with plenty of stock."""
    terms = ItemTerms(item_name(number), unit_price=50, unit_cost=30, holding_cost=0.02)
    data = {"terms": terms, "opening_stock": 10_000_000, "opening_day": OPENING_DAY}
    return internal_event("item.registered", terms.unique_id, OPENING_DAY, data)


def agent_app(path: Path) -> Flask:
    """Make the agent service, all of it, with a catalogue."""
    store = Store.open(str(path))
    store.append([registered(number) for number in range(ITEMS)])
    core = AgentCore(store, CoreSettings(start_worker=False))
    warm_up()  # or its first seconds would compile beside the measuring
    core.start()
    return create_app(core, AgentServiceSettings(store=str(path), rate_limit=0))


def main() -> None:
    """Serve until told to stop; the address is printed once it listens."""
    kind, folder = sys.argv[1], Path(sys.argv[2])
    configure_log("warning", "text")
    app = {"bare": bare_app, "agent": agent_app}[kind](folder / f"{kind}.db")
    serve(
        app,
        "127.0.0.1",
        0,
        threads=THREADS,
        max_body=MAX_BODY,
        on_ready=lambda url: print(url, flush=True),
    )


if __name__ == "__main__":
    main()
