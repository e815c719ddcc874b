"""Reads wait for each other beyond a number at once; writes, probes and streams do not."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask, Response

from streaming_production.web.limits import limit_reads

AT_ONCE = 2


class Busy:
    """An app that counts how many of its requests are worked on at once."""

    def __init__(self) -> None:
        self.now, self.most = 0, 0
        self._lock = threading.Lock()
        self.app = Flask("busy")
        limit_reads(self.app, AT_ONCE, {"/reading-post"}, {"/healthz"})
        for path in ("/read", "/healthz", "/fails"):
            self.app.add_url_rule(path, path, lambda path=path: self.work(path))
        for path in ("/write", "/reading-post"):
            self.app.add_url_rule(path, path, lambda: self.work(""), methods=["POST"])
        self.app.add_url_rule("/stream", "stream", self.stream)

    def work(self, path: str) -> str:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(0.02)
        with self._lock:
            self.now -= 1
        if path == "/fails":
            raise ValueError("it cannot be read")
        return "done"

    def stream(self) -> Response:
        def chunks() -> Iterator[bytes]:
            while True:
                yield b"still here"

        return Response(chunks())

    def ask(self, method: str, path: str, times: int) -> list[int]:
        def one(_: int) -> int:
            return self.app.test_client().open(path, method=method).status_code

        with ThreadPoolExecutor(times) as pool:
            return list(pool.map(one, range(times)))


@pytest.mark.parametrize(("method", "path"), [("GET", "/read"), ("POST", "/reading-post")])
def test_reads_wait_for_each_other(method: str, path: str) -> None:
    busy = Busy()
    assert busy.ask(method, path, 12) == [200] * 12
    assert busy.most == AT_ONCE


@pytest.mark.parametrize(("method", "path"), [("POST", "/write"), ("GET", "/healthz")])
def test_writes_and_probes_do_not_wait_for_reads(method: str, path: str) -> None:
    busy = Busy()
    busy.ask(method, path, 12)
    assert busy.most > AT_ONCE


def test_a_read_that_fails_gives_its_place_back() -> None:
    busy = Busy()
    assert busy.ask("GET", "/fails", 6) == [500] * 6
    assert busy.ask("GET", "/read", 6) == [200] * 6


def test_a_stream_that_runs_keeps_no_place() -> None:
    busy = Busy()
    clients = [busy.app.test_client() for _ in range(2 * AT_ONCE)]
    streams = [client.get("/stream", buffered=False) for client in clients]
    assert [next(iter(one.response)) for one in streams] == [b"still here"] * len(streams)
    assert busy.ask("GET", "/read", 3) == [200] * 3
