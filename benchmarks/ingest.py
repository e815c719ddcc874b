"""How fast events are taken in, beside the least that could be called taking events in.

Batches of 1,000 sales of 500 items go to the agent service (validated, each once, ledger updated)
and to a bare server in turn, so that both meet the same machine. Then single events over eight
connections, to the one and to the other, and decisions for items of a catalogue of 5,000: alone,
then from reading the item's state to the decision on the disk, on demand and at the close of a day.

    python benchmarks/ingest.py [--quick] [--json]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter, sleep
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[1]
if not __package__:
    sys.path[0] = str(ROOT)

import numpy as np  # noqa: E402 - the guard above comes first

from benchmarks.ingest_servers import ITEMS, OPENING_DAY, item_name, registered  # noqa: E402
from core_modules.forecasting.forecast_values import DemandModel, ObservationLaw  # noqa: E402
from core_modules.inventory_agent import AgentSettings, opening_state  # noqa: E402
from streaming_production.agent_core import AgentCore  # noqa: E402
from streaming_production.deciding.core_settings import CoreSettings  # noqa: E402
from streaming_production.deciding.evenings import Evenings  # noqa: E402
from streaming_production.deciding.known_forecasts import Forecast  # noqa: E402
from streaming_production.events import internal_event  # noqa: E402
from streaming_production.store import DecisionQuery, ForecastRow, Store  # noqa: E402

BATCH = 1_000  # events
CONNECTIONS = 8
CATALOGUE = 5_000  # items, for decisions
WAKING = 200  # decisions at the close that pass before its time is taken
HORIZON = 120  # days


@contextmanager
def server(kind: str, folder: Path) -> Iterator[HTTPConnection]:
    """Run one of the servers and connect to it."""
    command = [sys.executable, str(ROOT / "benchmarks" / "ingest_servers.py"), kind, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            url = process.stdout.readline().strip() if process.stdout else ""
            connection = HTTPConnection(urlsplit(url).hostname or "", urlsplit(url).port)
            yield connection
            connection.close()
        finally:
            process.terminate()
            process.wait(20)


def sale(number: int, moment: datetime) -> dict[str, Any]:
    """Return one sale as it is sent."""
    return {
        "specversion": "1.0",
        "id": f"sale-{number}",
        "source": "benchmark",
        "type": "sale.recorded",
        "subject": item_name(number * 7919 % ITEMS),
        "time": moment.isoformat(),
        "data": {"quantity": 1 + number % 5},
    }


def batches(count: int) -> Iterator[bytes]:
    """Make batches of sales, an event a second."""
    moment = datetime(2024, 3, 1, 8, tzinfo=UTC)
    for batch in range(count):
        numbers = range(batch * BATCH, (batch + 1) * BATCH)
        sales = [sale(number, moment + timedelta(seconds=number)) for number in numbers]
        yield json.dumps(sales).encode()


def post(connection: HTTPConnection, body: bytes) -> float:
    """Post events and return the seconds until they were acknowledged."""
    began = perf_counter()
    connection.request("POST", "/api/events", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"events were refused with {answer.status}: {text[:300]!r}")
    return perf_counter() - began


def batch_figures(bare: HTTPConnection, agent: HTTPConnection, count: int) -> dict[str, float]:
    """Send the same batches to both, one after the other."""
    seconds: dict[str, list[float]] = {"bare": [], "agent": []}
    for body in batches(count):
        seconds["bare"].append(post(bare, body))
        seconds["agent"].append(post(agent, body))
    bare_rate, rate = (BATCH / median(seconds[kind]) for kind in ("bare", "agent"))
    return {
        "bare_events_per_second": bare_rate,
        "events_per_second": rate,
        "ratio_ingest": rate / bare_rate,
    }


def single_figures(agent: HTTPConnection, count: int) -> dict[str, float]:
    """Send single events over several connections at once."""
    seconds: list[float] = []

    def send(connection_number: int) -> None:
        connection = HTTPConnection(agent.host, agent.port)
        first = 10**9 + connection_number * count
        moment = datetime(2024, 4, 1, 8, tzinfo=UTC)
        for number in range(first, first + count):
            body = json.dumps(sale(number, moment + timedelta(milliseconds=number - first)))
            seconds.append(post(connection, body.encode()))
        connection.close()

    threads = [threading.Thread(target=send, args=(one,)) for one in range(CONNECTIONS)]
    began = perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {
        "single_p50_ms": 1_000 * median(seconds),
        "single_p99_ms": 1_000 * quantiles(seconds, n=100)[98],
        "single_events_per_second": len(seconds) / (perf_counter() - began),
    }


def decision_figures(folder: Path, count: int) -> dict[str, float]:
    """Decide for items of a large catalogue: alone, on demand, then at the close of a day."""
    with Store.open(str(folder / "decisions.db")) as store:
        names = [item_name(number) for number in range(CATALOGUE)]
        store.append([registered(number) for number in range(CATALOGUE)])
        store.put_forecasts([_flat_forecast(name) for name in names])
        core = AgentCore(store, CoreSettings(start_worker=False))
        core.what_if(names[0])  # compiles what is compiled once
        asked = [names[number * 37 % CATALOGUE] for number in range(count)]
        alone, whole = [], []
        evenings = Evenings(store, CoreSettings())
        evenings.look()
        for record in store.item_records(asked):
            ready = evenings.gather([record], OPENING_DAY).ready[record.unique_id]
            began = perf_counter()
            ready.inputs.decide()
            alone.append(perf_counter() - began)
        for name in asked:
            began = perf_counter()
            core.decide_now(name)
            whole.append(perf_counter() - began)
        made, day = _decisions(store), OPENING_DAY + timedelta(days=1)
        core.accept([internal_event("day.closed", None, day, {"day": day})])
        core.start()
        _wait_for_decisions(store, made + WAKING)
        began, first = perf_counter(), _decisions(store)
        _wait_for_decisions(store, first + count)
        closing = (perf_counter() - began) / (_decisions(store) - first)
        core.stop()
    return {
        "decision_ms": 1_000 * median(alone),  # nothing read, nothing written
        "decision_on_demand_ms": 1_000 * median(whole),
        "decision_at_close_ms": 1_000 * closing,
    }


def _wait_for_decisions(store: Store, count: int) -> None:
    while _decisions(store) < count:
        sleep(0.02)


def _decisions(store: Store) -> int:
    return store.list_decisions(DecisionQuery(size=1)).total


def _flat_forecast(name: str) -> ForecastRow:
    model = DemandModel(
        unique_id=name,
        model="flat-level",
        origin=OPENING_DAY,
        fitted=np.full(HORIZON, 20.0),
        law=ObservationLaw(scale=0.09, power=2.0),
    )
    beginning = Forecast(opening_state(model, AgentSettings()), epoch=1, opening=True)
    return beginning.row(OPENING_DAY + timedelta(days=30), "2024-03-01T00:00:00.000000Z")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a fifth of the events")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    share = 5 if arguments.quick else 1
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(dir=ROOT / "results") as temporary:
        folder = Path(temporary)
        with server("bare", folder) as bare, server("agent", folder) as agent:
            batch_figures(bare, agent, 1)  # the first of everything is slower
            figures |= batch_figures(bare, agent, 100 // share)
            figures |= single_figures(agent, 500 // share)
            alone = single_figures(bare, 500 // share)
            figures |= {f"bare_{name}": value for name, value in alone.items()}
        figures |= decision_figures(folder, 1_000 // share)
    if arguments.json:
        print(json.dumps(figures, indent=1))
        return
    for name, value in figures.items():
        print(f"{name:26} {value:12,.2f}")


if __name__ == "__main__":
    main()
