"""Whether the live system stays quick and steady under many open pages and callers.

Agent, dashboard, supplier and data generator run as processes of their own. Pages hold their
streams open and renew themselves as in a browser; callers ask the agent's API without end; every
few seconds an event is posted and timed until each page has heard of it. Exits 1 where a page or a
call hung or failed, or an event took longer than 5 seconds to a page.

    python benchmarks/live_load.py [--minutes 10] [--pages 100] [--calls 20] [--slow-clients 200]
    python benchmarks/live_load.py --quick
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep

ROOT = Path(__file__).resolve().parents[1]
if not __package__:
    sys.path[0] = str(ROOT)

import numpy as np  # noqa: E402 - the guard above comes first
import requests  # noqa: E402

from benchmarks.live_clients import Callers, Calls, Pages, slow_clients  # noqa: E402
from streaming_production.launching.child_process import Child  # noqa: E402
from streaming_production.launching.demo_services import (  # noqa: E402
    DemoOptions,
    start_services,
    why_not_up,
)
from streaming_production.launching.ports import usable_ports  # noqa: E402

ITEMS = 20
SECONDS_A_DAY = 2.0
PROBE_EVERY, PROBE_WITHIN = 10.0, 5.0  # seconds
SETTLING = 30.0  # seconds until memory is first measured: caches fill at the start
READY_WITHIN = 300.0  # seconds; the first forecasts are fitted meanwhile
DEMO_ITEM = "Electronics_DEMO_ITEM"
PAGES = ("/", "/", "/items", f"/items/{DEMO_ITEM}", "/decisions", "/orders", "/log")
CALLS = (
    "/api/items",
    f"/api/items/{DEMO_ITEM}",
    "/api/decisions",
    "/api/orders",
    "/api/kpis",
    "/api/status",
    "/api/events?limit=100",
    "/api/signals",
)


class Memory:
    """The resident memory of processes over time."""

    def __init__(self, children: dict[str, int]) -> None:
        self._children = children  # name -> process id
        self.minutes: list[float] = []
        self.megabytes: dict[str, list[float]] = {name: [] for name in children}

    def measure(self, minute: float) -> None:
        """Write down what each process holds now."""
        self.minutes.append(minute)
        for name, pid in self._children.items():
            status = Path(f"/proc/{pid}/status").read_text()
            line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
            self.megabytes[name].append(int(line.split()[1]) / 1024)

    def told(self) -> Iterator[str]:
        """Yield lines: when it was measured, and what each process held then."""
        half = len(self.minutes) // 2
        shown = np.linspace(0, len(self.minutes) - 1, 7).round().astype(int)
        yield f"memory after {', '.join(f'{self.minutes[at]:.1f}' for at in shown)} minutes"
        for name, values in self.megabytes.items():
            slope = np.polyfit(self.minutes[half:], values[half:], 1)[0] if half > 1 else np.nan
            held = ", ".join(f"{values[at]:.0f}" for at in shown)
            yield f"  {name}: {held} MB; last half {slope:+.2f} MB a minute"


@contextmanager
def system(folder: Path) -> Iterator[tuple[DemoOptions, dict[str, int]]]:
    """Run supplier, agent and dashboard until they are ready; yield their process ids too."""
    options = DemoOptions(
        ports=usable_ports({"agent": 0, "dashboard": 0, "supplier": 0}),
        folder=folder,
        store=None,
        keep=False,
        days=1,
        speed=SECONDS_A_DAY,
        scenario="demo",
        seed=0,
        items=ITEMS,
        profile="demo",
        leave=True,
        open_page=False,
    )
    children = start_services(options)
    try:
        until = monotonic() + READY_WITHIN
        for child in children:
            while why := why_not_up(child.name, options.url(child.name), None):
                if child.code is not None or monotonic() > until:
                    raise RuntimeError(f"the {child.name} is not up: {why}\n{child.last_lines()}")
                sleep(0.5)
        yield options, {child.name: child.pid for child in children}
    finally:
        stop(children)


def stop(children: list[Child]) -> None:
    """Stop processes and wait for them."""
    for child in children:
        child.ask_to_stop()
    for child in children:
        child.wait_to_stop()


@contextmanager
def generator(options: DemoOptions, minutes: float) -> Iterator[Child]:
    """Stream market days for so long."""
    days = int(60 * minutes / SECONDS_A_DAY)
    arguments = {
        "agent": options.url("agent"),
        "days": days,
        "speed": SECONDS_A_DAY,
        "spool": options.folder / "spool",
    }
    child = Child(
        "generator",
        [
            "streaming_production.services.data_generator",
            *(f"--{name}={value}" for name, value in arguments.items()),
        ],
        options.folder / "generator.log",
    )
    try:
        yield child
    finally:
        stop([child])


class Probe:
    """Events that are timed from their post until every page has heard of them."""

    def __init__(self, agent: str, pages: Pages) -> None:
        self._agent, self._pages = agent, pages
        self.seconds: list[float] = []  # until the last page
        self.late = 0  # pages that had not heard in time, of all probes

    def send(self) -> None:
        """Post an event and wait for the pages."""
        now = datetime.now(UTC)
        told = {
            "specversion": "1.0",
            "id": f"probe-{len(self.seconds)}",
            "source": "live load",
            "type": "price.changed",
            "subject": DEMO_ITEM,
            "time": now.replace(year=2024, day=1, month=1).isoformat(),
            "data": {"price": 30.0},
        }
        answer = requests.post(f"{self._agent}/api/events", json=told, timeout=10)
        answer.raise_for_status()
        seq, began = answer.json()["last_seq"], monotonic()
        missing = len(self._pages.streams)
        while missing and monotonic() - began < PROBE_WITHIN:
            sleep(0.01)
            missing = len(self._pages.streams) - self._pages.seen(seq)
        self.seconds.append(monotonic() - began)
        self.late += missing

    def told(self) -> str:
        """Return how it went."""
        words = f"an event to all pages: p50 {np.median(self.seconds):.2f} s"
        words = f"{words}, longest {max(self.seconds):.2f} s of {len(self.seconds)} events"
        return f"{words}; pages that had to wait longer than 5 s: {self.late}"


def told_of(name: str, calls: Calls) -> str:
    """Return a line about calls of one kind."""
    middle, late, worst = np.percentile(calls.milliseconds or [np.nan], (50, 99, 100))
    words = f"{name}: {len(calls.milliseconds):,}, p50 {middle:.0f} ms, p99 {late:.0f} ms"
    failures = f"; first: {calls.failures[0]}" if calls.failures else ""
    return f"{words}, longest {worst:.0f} ms, {len(calls.failures)} failed or hung{failures}"


def load(given: argparse.Namespace, folder: Path) -> bool:
    """Put the load on and print how it went; tell whether all went well."""
    with system(folder) as (options, pids):
        agent, dashboard = options.url("agent"), options.url("dashboard")
        pages = Pages(dashboard, PAGES, given.pages)
        callers = Callers(agent, CALLS, given.calls, given.pause)
        probe, memory = Probe(agent, pages), Memory(pids)
        half = given.slow_clients // 2
        with (
            generator(options, given.minutes) as streaming,
            slow_clients(agent, half),
            slow_clients(dashboard, given.slow_clients - half),
        ):
            pages.start()
            callers.start()
            watch(probe, memory, 60 * given.minutes)
            ended = streaming.code
            callers.stop()
            hung = pages.hung
            pages.stop()
        status = requests.get(f"{agent}/api/status", timeout=10).json()
        checked = requests.get(f"{agent}/api/self-check", timeout=60).json()["ok"]
    changes = [stream.told for stream in pages.streams]
    print(f"{given.minutes:g} minutes, {given.pages} pages, {given.calls} callers,", end=" ")
    print(f"{given.slow_clients} slow clients")
    print(told_of("calls of the API", callers.calls))
    print(told_of("pages fetched", pages.calls))
    print(f"changes told to a page: {min(changes):,} to {max(changes):,};", end=" ")
    print(f"streams broken or silent: {hung}")
    print(probe.told(), *memory.told(), sep="\n")
    print(f"day {status['today']}, {status['last_seq']:,} events in the log,", end=" ")
    print(f"self-check {'without difference' if checked else 'FAILED'},", end=" ")
    print(f"generator {'running' if ended is None else f'ended with {ended}'} at the end")
    failures = len(callers.calls.failures) + len(pages.calls.failures)
    return not (hung or probe.late or failures or ended) and checked


def watch(probe: Probe, memory: Memory, length: float) -> None:
    """Probe and measure for so many seconds; the last probe is the last event of all."""
    began = monotonic()
    while (passed := monotonic() - began) < length:
        probe.send()
        if passed > min(SETTLING, length / 4):
            memory.measure(passed / 60)
        sleep(max(0.0, min(PROBE_EVERY, length - (monotonic() - began))))
    probe.send()
    memory.measure(length / 60)


def parsed() -> argparse.Namespace:
    """Read the command line; everything is bounded."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--pages", type=int, default=100, help="at most 110")
    parser.add_argument("--calls", type=int, default=20, help="callers at once, at most 100")
    parser.add_argument("--pause", type=float, default=0.1, help="seconds between a caller's calls")
    parser.add_argument("--slow-clients", type=int, default=0, help="at most 400")
    parser.add_argument("--quick", action="store_true", help="one minute")
    given = parser.parse_args()
    if given.quick:
        given.minutes = 1.0
    bounds = {
        "minutes": (0.25, 60),
        "pages": (1, 110),
        "calls": (1, 100),
        "pause": (0, 10),
        "slow_clients": (0, 400),
    }
    for name, (least, most) in bounds.items():
        if not least <= getattr(given, name) <= most:
            parser.error(f"--{name.replace('_', '-')} must be {least} to {most}")
    return given


def main() -> int:
    """Print the figures; 1 where a page or a call hung."""
    arguments = parsed()
    # All clients share one address here; in a shop each has its own, and its own limit.
    os.environ |= {"INVENTORY_RATE_LIMIT": "0", "INVENTORY_DASHBOARD_RATE_LIMIT": "0"}
    (ROOT / "results").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT / "results") as folder:
        return 0 if load(arguments, Path(folder)) else 1


if __name__ == "__main__":
    sys.exit(main())
