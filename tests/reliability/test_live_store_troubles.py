"""A database that is locked, or a disk that is full: refused in words, read on, then as before."""

import random
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
import requests

from streaming_production.storage.engine import WRITERS_LOCK
from tests.live_server import wait_until
from tests.reliability.agents import Agent, Client, Sent, together
from tests.reliability.bookkeeping import (
    check_books,
    check_itself,
    day_close,
    rows,
    sale,
    traffic,
)
from tests.reliability.small_disks import fill, small_disk

Opening = dict[str, int]
REFUSED_WITHIN = 12.0  # seconds: waiting for the lock is part of it


@contextmanager
def locked(store: str) -> Iterator[None]:
    """Hold what writers take, from a connection of our own."""
    if store.startswith("postgresql"):
        with psycopg.connect(store) as connection:
            connection.execute(f"SELECT pg_advisory_xact_lock({WRITERS_LOCK})")
            yield
        return
    with closing(sqlite3.connect(store.removeprefix("sqlite:///"))) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.rollback()


def hold_the_lock(store: str, folder: Path, opening: Opening, seconds: float) -> None:
    """Post over a time in which another connection holds the database, and read meanwhile."""
    events = traffic(random.Random(5), sorted(opening), 40)
    released = threading.Event()
    refusals: list[requests.Response] = []
    slowest = 0.0

    with Agent(store, folder) as agent:
        items = agent.get("/api/items")

        def hold() -> None:
            with locked(store):
                held.wait(30)
                time.sleep(seconds)
            released.set()

        def post(mine: list[Sent]) -> None:
            held.wait(30)
            with Client(agent) as client:
                for one in mine:
                    client.insist(one)
                refusals.extend(client.refusals)

        def read() -> None:
            nonlocal slowest
            held.wait(30)
            while not released.is_set():
                began = time.monotonic()
                assert agent.get("/api/items") == items
                slowest = max(slowest, time.monotonic() - began)
                released.wait(0.1)

        held = threading.Barrier(6)
        together([hold, read, *[lambda mine=events[n::4]: post(mine) for n in range(4)]])
        assert refusals
        assert {answer.status_code for answer in refusals} == {503}
        for answer in refusals:
            assert int(answer.headers["Retry-After"]) >= 1
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert answer.elapsed.total_seconds() < REFUSED_WITHIN
        assert slowest < 3
        check_books(store, opening, events)


def test_locked_for_7_seconds_the_agent_asks_to_come_again_and_loses_nothing(
    store: str, tmp_path: Path, opening: Opening
) -> None:
    hold_the_lock(store, tmp_path, opening, 7)


@pytest.mark.long
def test_locked_for_30_seconds_the_agent_asks_to_come_again_and_loses_nothing(
    store: str, tmp_path: Path, opening: Opening
) -> None:
    hold_the_lock(store, tmp_path, opening, 30)


def test_on_a_full_disk_the_agent_refuses_reads_on_and_recovers_by_itself(
    filled_file: Path, tmp_path: Path, opening: Opening
) -> None:
    events = traffic(random.Random(6), sorted(opening), 3_000)
    batches = [events[first : first + 500] for first in range(0, 3_000, 500)]
    with small_disk(tmp_path / "disk", 32) as disk:
        store = f"sqlite:///{shutil.copy(filled_file, disk / 'live.db')}"
        with Agent(store, tmp_path) as agent, Client(agent) as client:
            client.insist(batches[0])
            client.insist(day_close("close-0", 0))
            agent.settle()
            for number in (1, 2):  # it fills up twice
                filler = disk / "filler"
                fill(filler)
                refused = client.attempt(batches[number])
                assert refused is not None
                assert refused.status_code in (503, 507), refused.text
                assert int(refused.headers["Retry-After"]) >= 1
                assert "full" in refused.json()["detail"]
                before = logged(store)
                single = client.attempt(sale(f"single-{number}", min(opening), 1))
                stored = logged(store)
                # A single event may still fit into what the log's file holds already.
                assert single is not None
                assert stored == before + (single.status_code == 200)
                assert len(agent.get("/api/items")["items"]) == len(opening)
                assert agent.get("/api/status")["last_seq"] > 0
                if number == 2:
                    agent.kill()
                filler.unlink()
                if number == 2:
                    agent.start()
                wait_until(lambda: taken(client, batches[number]), 10)  # noqa: B023
                client.insist(sale(f"single-{number}", min(opening), 1))
                check_itself(store)
            for batch in batches[3:]:
                client.insist(batch)
            agent.settle()
            singles = [sale(f"single-{number}", min(opening), 1) for number in (1, 2)]
            check_books(store, opening, [*events, *singles, day_close("close-0", 0)])


def logged(store: str) -> int:
    """Return how many events from outside the log holds."""
    return int(rows(store, "SELECT count(*) FROM events WHERE source <> 'agent'")[0][0])


def taken(client: Client, batch: list[Sent]) -> bool:
    """Tell whether the agent takes a batch now."""
    answer = client.attempt(batch)
    return answer is not None and answer.status_code == 200
