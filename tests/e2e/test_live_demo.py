"""The demo with all its real processes: from one command to its end, through signals and kills."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from streaming_production.launching.child_process import Child
from streaming_production.launching.ports import HOST, usable_ports

ROOT = Path(__file__).resolve().parents[2]
LAUNCHER = ROOT / "streaming_production" / "working_demo.py"
SERVICES = ("agent", "dashboard", "supplier")
CHECKED = "self-check: stock, orders and decisions are what the event log says"


@contextmanager
def started(
    arguments: list[str], folder: Path, name: str = "out"
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command in a folder, its output in a file there; it does not outlive the test."""
    with (folder / f"{name}.txt").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments], cwd=folder, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(30)


def said(folder: Path, name: str = "out") -> str:
    return (folder / f"{name}.txt").read_text()


def wait_for(condition: Callable[[], object], seconds: float, what: Callable[[], str]) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"waited too long:\n{what()}"
        time.sleep(0.05)


def launch(folder: Path, ports: dict[str, int], *options: str) -> list[str]:
    given = [part for name in SERVICES for part in (f"--{name}-port", str(ports[name]))]
    return [str(LAUNCHER), *given, "--folder", str(folder / "demo"), *options]


def script(name: str) -> str:
    return str(ROOT / "streaming_production" / "services" / f"{name}.py")


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def is_running(process: Path) -> bool:
    """Tell whether a process lives; one that waits to be buried does not."""
    try:
        return ") Z " not in (process / "stat").read_text()
    except OSError:
        return False


def ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/readyz", timeout=5).ok
    except requests.RequestException:
        return False


def test_the_fast_demo_streams_twenty_days_and_leaves_nothing_running(tmp_path: Path) -> None:
    ports = usable_ports(dict.fromkeys(SERVICES, 0))
    with started(launch(tmp_path, ports, "--fast"), tmp_path) as demo:
        assert demo.wait(150) == 0, said(tmp_path)
    output = said(tmp_path)
    assert f"dashboard: http://{HOST}:{ports['dashboard']}" in output
    days = [line for line in output.splitlines() if line.startswith("2024-01-")]
    assert len(days) == 20
    assert any("order" in line and "units" in line for line in days)
    assert CHECKED in output
    assert not any(map(listens, ports.values()))
    assert {file.stem for file in (tmp_path / "demo").glob("*.log")} == set(SERVICES)


@pytest.mark.long
def test_a_demo_that_serves_on_ends_with_everything_at_sigterm(tmp_path: Path) -> None:
    ports = usable_ports(dict.fromkeys(SERVICES, 0))
    options = ("--days", "2", "--speed", "0")
    with started(launch(tmp_path, ports, *options), tmp_path) as demo:
        wait_for(lambda: "still serving" in said(tmp_path), 120, lambda: said(tmp_path))
        page = requests.get(f"http://{HOST}:{ports['dashboard']}/", timeout=10)
        assert page.ok
        demo.send_signal(signal.SIGTERM)
        assert demo.wait(40) == 0, said(tmp_path)
    assert CHECKED in said(tmp_path)
    assert not any(map(listens, ports.values()))


def test_a_taken_port_is_named_with_the_way_to_choose_another(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind((HOST, 0))
        holder.listen()
        ports = dict.fromkeys(SERVICES, 0) | {"dashboard": holder.getsockname()[1]}
        with started(launch(tmp_path, ports), tmp_path) as demo:
            assert demo.wait(60) == 2
    assert f"port {ports['dashboard']} for the dashboard cannot be had" in said(tmp_path)
    assert "--dashboard-port 0" in said(tmp_path)


def test_a_process_that_ended_has_left_its_last_words_in_its_log(tmp_path: Path) -> None:
    child = Child("tool", ["json.tool", "no-such-file"], tmp_path / "tool.log")
    wait_for(lambda: child.code is not None, 30, child.last_lines)
    assert child.code == 2
    assert "no-such-file" in child.last_lines()


def test_a_process_is_stopped_and_waited_for_with_all_that_it_started(tmp_path: Path) -> None:
    # A module that starts a process of its own and forgets it when it is told to end.
    (tmp_path / "parent.py").write_text(
        "import subprocess, sys, time\n"
        "sleeper = [sys.executable, '-c', 'import time; time.sleep(600)']\n"
        "print(subprocess.Popen(sleeper).pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    log = tmp_path / "parent.log"
    child = Child("parent", ["cProfile", str(tmp_path / "parent.py")], log)
    wait_for(lambda: log.read_text().strip(), 30, child.last_lines)
    child.ask_to_stop()
    child.wait_to_stop()
    assert child.code == -signal.SIGTERM
    grandchild = Path("/proc") / log.read_text().strip()
    wait_for(lambda: not is_running(grandchild), 10, lambda: str(grandchild))


@pytest.mark.long
def test_a_service_that_dies_is_named_with_its_last_words(tmp_path: Path) -> None:
    ports = usable_ports(dict.fromkeys(SERVICES, 0))
    with started(launch(tmp_path, ports, "--profile", "nothing"), tmp_path) as demo:
        assert demo.wait(90) == 1
    assert "the agent ended with exit code 2; its last lines:" in said(tmp_path)
    assert "profile must be one of" in said(tmp_path)
    assert not any(map(listens, ports.values()))


@pytest.mark.long
def test_an_agent_killed_during_the_stream_has_lost_nothing_when_it_is_back(
    tmp_path: Path,
) -> None:
    port = usable_ports({"agent": 0})["agent"]
    url = f"http://{HOST}:{port}"
    service = [script("agent_service"), "--port", str(port), "--store", "live.db"]
    stream = [
        script("data_generator"),
        "--agent",
        url,
        "--spool",
        "spool",
        "--speed",
        "0.3",
        "--wait",
        "180",
    ]
    with started(service, tmp_path, "agent") as agent:
        wait_for(lambda: ready(url), 120, lambda: said(tmp_path, "agent"))
        with started(stream, tmp_path, "stream") as generator:
            wait_for(lambda: "2024-01-04" in said(tmp_path, "stream"), 60, lambda: "")
            agent.kill()
            agent.wait()
            wait_for(lambda: "spool" in said(tmp_path, "stream"), 30, lambda: "")
            with started(service, tmp_path, "again"):
                assert generator.wait(200) == 0, said(tmp_path, "stream")
                assert "0 batches left" in said(tmp_path, "stream")
                assert requests.get(f"{url}/api/self-check", timeout=30).json()["ok"]
                closed = requests.get(
                    f"{url}/api/events?type=day.closed&after=0&limit=100", timeout=10
                ).json()["events"]
    assert [event["data"]["day"] for event in closed] == [
        f"2024-01-{day:02d}" for day in range(1, 21)
    ]
