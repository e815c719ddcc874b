"""The server on a real socket: slow clients, refusals that are read, streams, an orderly end."""

import contextlib
import gc
import http.client
import io
import json
import socket
import threading
import time
from collections.abc import Generator, Iterator

import pytest
import requests
from flask import Flask, Response, request
from waitress.buffers import OverflowableBuffer

from streaming_production.web.event_stream import HEARTBEAT, stream_response
from streaming_production.web.limits import Slots
from streaming_production.web.problems import tell_problems
from streaming_production.web.server import PortTakenError, Server
from tests.live_server import Running, running, slow_clients, wait_until

WIRE = "/api/process-day"
MOST = 100_000  # bytes of a body
LONG = 4 * 1024 * 1024  # bytes of a stream


class SmallApp(Flask):
    """An app with a stream, a slow path and one that says how much it was sent."""

    def __init__(self, stop: threading.Event) -> None:
        super().__init__("small")
        self.slots = Slots(3)
        self.slow_began = threading.Event()
        tell_problems(self, {WIRE})

        @self.post("/length")
        def length() -> dict[str, int]:
            return {"length": len(request.get_data())}

        @self.get("/stream")
        def stream() -> Response:
            def beats() -> Generator[bytes]:
                while not stop.is_set():
                    yield HEARTBEAT
                    stop.wait(0.05)

            return stream_response(beats(), self.slots)

        @self.get("/long")
        def long() -> Response:
            def chunks() -> Generator[bytes]:
                for _ in range(LONG // 16_384):
                    yield b"x" * 16_384
                stop.wait(5)

            return stream_response(chunks(), self.slots)

        @self.get("/thread")
        def thread() -> str:
            return threading.current_thread().name

        @self.get("/slow")
        def slow() -> str:
            self.slow_began.set()
            time.sleep(0.5)
            return "done"


@pytest.fixture
def small() -> Iterator[tuple[Running, SmallApp]]:
    stop = threading.Event()
    app = SmallApp(stop)
    with running(app, max_body=MOST, wire_paths={WIRE}, stop=stop) as one:
        yield one, app


def raw(port: int, sent: bytes) -> bytes:
    """Send bytes and return everything that is answered."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(sent)
        answered = b""
        while chunk := connection.recv(65536):
            answered += chunk
    return answered


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_is_refused_so_that_the_client_reads_why(
    small: tuple[Running, SmallApp], chunked: bool
) -> None:
    body = b"x" * 5_000_000
    sent = (body[at : at + 65536] for at in range(0, len(body), 65536)) if chunked else body
    answered = requests.post(f"{small[0].url}/length", data=sent, timeout=20)
    assert answered.status_code == 413
    assert answered.headers["Content-Type"] == "application/problem+json"
    assert answered.json()["detail"] == "the body is larger than 100000 bytes, send it in parts"


def test_a_body_of_just_the_limit_is_taken(small: tuple[Running, SmallApp]) -> None:
    answered = requests.post(f"{small[0].url}/length", data=b"x" * MOST, timeout=10)
    assert answered.json() == {"length": MOST}


def test_the_paths_of_the_demo_are_refused_in_their_own_form(
    small: tuple[Running, SmallApp],
) -> None:
    answered = requests.post(f"{small[0].url}{WIRE}", data=b"x" * (MOST + 1), timeout=10)
    assert answered.status_code == 413
    assert answered.json() == {
        "status": "error",
        "message": "the body is larger than 100000 bytes, send it in parts",
    }


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"NONSENSE\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 300_000 + b"\r\n\r\n", 431),
    ],
)
def test_what_is_no_http_is_told_as_a_problem(
    small: tuple[Running, SmallApp], sent: bytes, status: int
) -> None:
    head, _, body = raw(small[0].port, sent).partition(b"\r\n\r\n")
    assert f" {status} ".encode() in head.splitlines()[0]
    assert json.loads(body)["status"] == status


def test_the_server_does_not_tell_what_it_is(small: tuple[Running, SmallApp]) -> None:
    answered = requests.post(f"{small[0].url}/length", data=b"", timeout=10)
    assert "Server" not in answered.headers


def test_streams_beyond_the_limit_are_refused_and_a_reader_that_goes_frees_its_place(
    small: tuple[Running, SmallApp],
) -> None:
    one, app = small
    with contextlib.ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(requests.get(f"{one.url}/stream", stream=True, timeout=10))
        refused = requests.get(f"{one.url}/stream", timeout=10)
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
        assert requests.post(f"{one.url}/length", data=b"abc", timeout=10).json()["length"] == 3
    wait_until(lambda: app.slots.taken == 0, 5)


def test_what_a_stream_has_sent_is_not_kept(small: tuple[Running, SmallApp]) -> None:
    one, _ = small
    with requests.get(f"{one.url}/long", stream=True, timeout=10) as answer:
        pieces, read = answer.raw.stream(65536), 0  # to let go of it would close the connection
        while read < LONG:
            read += len(next(pieces))
        buffers = [found for found in gc.get_objects() if type(found) is OverflowableBuffer]
        files = [found.getfile() for found in buffers if found.buf]
        kept = [file.seek(0, io.SEEK_END) for file in files if not file.closed]
        assert sum(kept) < LONG / 8


def test_requests_in_a_row_are_worked_on_by_few_threads(small: tuple[Running, SmallApp]) -> None:
    # A thread may still be on its way back to rest when the next request comes.
    names = {requests.get(f"{small[0].url}/thread", timeout=10).text for _ in range(40)}
    assert len(names) <= 4


def test_a_head_request_takes_no_stream(small: tuple[Running, SmallApp]) -> None:
    one, app = small
    for _ in range(5):
        assert requests.head(f"{one.url}/stream", timeout=10).status_code == 200
    assert app.slots.taken == 0


def test_fifty_slow_clients_do_not_keep_others_waiting(small: tuple[Running, SmallApp]) -> None:
    one, _ = small
    with slow_clients(one.url, 50, "/length"), requests.Session() as session:
        took = []
        for _ in range(100):
            began = time.perf_counter()
            session.post(f"{one.url}/length", data=b"abc", timeout=10)
            took.append(time.perf_counter() - began)
    assert sorted(took)[98] < 0.5


def test_a_request_that_runs_is_finished_when_the_server_stops(
    small: tuple[Running, SmallApp],
) -> None:
    one, app = small
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", one.port, timeout=10)) as asked:
        asked.request("GET", "/slow")
        assert app.slow_began.wait(5)
        one.end()
        assert asked.getresponse().read() == b"done"
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{one.url}/slow", timeout=2)


def test_streams_end_when_the_server_stops(small: tuple[Running, SmallApp]) -> None:
    one, app = small
    with requests.get(f"{one.url}/stream", stream=True, timeout=10) as answered:
        wait_until(lambda: app.slots.taken == 1)
        began = time.monotonic()
        one.end()
        assert time.monotonic() - began < 3
        assert answered.raw.read().endswith(HEARTBEAT)


def test_a_port_that_is_taken_is_told_with_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTakenError, match=f"port {port}.*choose another with --port"):
            Server(Flask("none"), "127.0.0.1", port, threads=1, max_body=1024)
