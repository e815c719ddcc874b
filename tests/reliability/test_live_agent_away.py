"""The data generator while the agent is away, or its own disk is full: all of it applied once."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest

from streaming_production.event_form import StoredEvent
from streaming_production.generating.agent_client import AgentAwayError, AgentClient
from streaming_production.generating.spool import Parcel
from tests.live_server import ROOT, wait_until
from tests.reliability.agents import Agent, Sent
from tests.reliability.bookkeeping import check_books, rows
from tests.reliability.conftest import StoreMaker
from tests.reliability.small_disks import MEBIBYTE, small_disk

Opening = dict[str, int]
HALF_AN_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
CLOSED = "SELECT count(*) FROM closings"


@contextmanager
def generator(agent: Agent, spool: Path, days: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the data generator as fast as it goes."""
    command = [sys.executable, "-m", "streaming_production.services.data_generator"]
    options = {"agent": agent.url, "spool": spool, "days": days, "speed": 0, "wait": 120}
    arguments = [f"--{name}={value}" for name, value in options.items()]
    with (
        log.open("wb") as output,
        subprocess.Popen([*command, *arguments], cwd=ROOT, stdout=output, stderr=output) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def spooled(spool: Path) -> list[Sent]:
    """Return the events that wait in a spool."""
    parcels = [Parcel.from_bytes(file.read_bytes()) for file in sorted(spool.glob("*.parcel"))]
    return [one for parcel in parcels for one in orjson.loads(parcel.body)]


def generate_without_agent(
    store: str, folder: Path, opening: Opening, days: int, at_least: int
) -> None:
    """Kill the agent once a day is in, bring it back when all days wait in the spool."""
    spool, log = folder / "spool", folder / "generator.log"
    with Agent(store, folder) as agent, generator(agent, spool, days, log) as process:
        wait_until(lambda: rows(store, CLOSED) != [(0,)], 60)
        agent.kill()
        sent = logged(store)
        known = {one["id"] for one in sent}
        wait_until(lambda: log.read_text().count("  demand ") == days, 120)
        waiting = spooled(spool)
        assert len(waiting) >= at_least
        # The batch under way at the kill may be in the log and still wait, for want of an answer.
        sent += [one for one in waiting if one["id"] not in known]
        agent.start(agent.port)
        assert process.wait(300) == 0, log.read_text()
        assert spooled(spool) == []
        agent.settle(300)
        check_books(store, opening, sent)


def logged(store: str) -> list[Sent]:
    """Return the events of the log that came from outside."""
    columns = ", ".join(StoredEvent._fields).replace("subject", "unique_id")
    found = rows(store, f"SELECT {columns} FROM events WHERE source <> 'agent'")
    return [StoredEvent._make(row).attributes() for row in found]


def test_an_agent_killed_in_the_middle_of_an_answer_is_away() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def break_off() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(HALF_AN_ANSWER)

        thread = threading.Thread(target=break_off)
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with AgentClient(url) as client, pytest.raises(AgentAwayError, match="broke off"):
            client.get("/api/status")
        thread.join()


def test_what_the_generator_made_without_the_agent_is_applied_once(
    new_store: StoreMaker, tmp_path: Path, opening: Opening
) -> None:
    generate_without_agent(new_store("sqlite"), tmp_path, opening, 18, 2_000)


@pytest.mark.long
def test_20000_events_made_without_the_agent_are_applied_once(
    store: str, tmp_path: Path, opening: Opening
) -> None:
    generate_without_agent(store, tmp_path, opening, 180, 20_000)


def test_a_full_spool_stops_the_generator_which_goes_on_where_it_was(
    new_store: StoreMaker, tmp_path: Path, opening: Opening
) -> None:
    store, days = new_store("sqlite"), 25
    logs = [tmp_path / "full.log", tmp_path / "again.log"]
    with small_disk(tmp_path / "disk", 8) as disk, Agent(store, tmp_path) as agent:
        spool, filler = disk / "spool", disk / "filler"
        filler.write_bytes(b"\0" * (8 * MEBIBYTE - 300_000))
        with generator(agent, spool, days, logs[0]) as process:
            wait_until(lambda: rows(store, CLOSED) != [(0,)], 60)
            agent.kill()
            assert process.wait(60) == 1
        assert "make room" in logs[0].read_text()
        assert list(spool.glob("*.part")) == []
        waiting = spooled(spool)
        assert waiting
        filler.unlink()
        agent.start(agent.port)
        with generator(agent, spool, days, logs[1]) as process:
            assert process.wait(120) == 0, logs[1].read_text()
        sent = logged(store)
        assert {one["id"] for one in waiting} <= {one["id"] for one in sent}
        assert rows(store, CLOSED) == [(days,)]
        check_books(store, opening, sent)
