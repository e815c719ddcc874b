"""The dashboard's stream: one of the agent's, fanned out to every page; its ends and returns."""

import contextlib
import json
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from streaming_production.dashboard import agent_client
from streaming_production.dashboard.agent_client import AgentClient, StreamMessage, read_messages
from streaming_production.dashboard.relay import Relay
from tests.live_server import wait_until
from tests.live_shop import Shop


class Listener:
    """One live page: reads the stream in a thread and keeps what it hears."""

    def __init__(self, port: int, last_id: str = "") -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        lines = ["GET /stream HTTP/1.0", "Host: localhost"]  # 1.0: no chunks
        if last_id:
            lines.append(f"Last-Event-ID: {last_id}")
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self._file = self._socket.makefile("rb")
        self.status = int(self._file.readline().split()[1])
        self.heard: queue.Queue[StreamMessage] = queue.Queue()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        lines = (line.rstrip(b"\r\n") for line in self._file)
        for message in read_messages(lines):
            self.heard.put(message)

    def wait_for(self, event: str, words: bytes = b"", limit: float = 6) -> StreamMessage:
        deadline = time.monotonic() + limit
        while True:
            message = self.heard.get(timeout=max(0.01, deadline - time.monotonic()))
            if message.event == event and words in message.data:
                return message

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(timeout=5)
        self._file.close()
        self._socket.close()


class Live(Shop):
    """A shop with live pages."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(waiting=4, **settings)
        self.listeners: list[Listener] = []

    def listen(self, last_id: str = "") -> Listener:
        self.listeners.append(Listener(self.served.port, last_id))
        return self.listeners[-1]

    def close(self) -> None:
        for listener in self.listeners:
            listener.close()
        super().close()


@pytest.fixture
def live() -> Iterator[Callable[..., Live]]:
    opened: list[Live] = []

    def make(**settings: Any) -> Live:
        opened.append(Live(**settings))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def test_thirty_pages_hear_of_a_sale_over_one_stream_of_the_agent(
    live: Callable[..., Live],
) -> None:
    opened = live(max_streams=30)
    listeners = [opened.listen() for _ in range(30)]
    for listener in listeners:
        listener.wait_for("agent", b'"reachable":true')
    refused = requests.get(f"{opened.served.url}/stream", timeout=5)
    assert refused.status_code == 503
    assert "Retry-After" in refused.headers
    opened.agent.sell("Kettle 013", 1)
    told = {listener.wait_for("change", b"Kettle 013").data for listener in listeners}
    assert len(told) == 1
    assert opened.agent.calls["/api/stream"] == 1
    listeners[0].close()
    wait_until(lambda: opened.relay.pages == 29)
    assert opened.listen().status == 200


def test_a_page_that_returns_hears_what_it_missed(live: Callable[..., Live]) -> None:
    opened = live()
    first = opened.listen()
    first.wait_for("agent", b'"reachable":true')
    opened.agent.sell("Kettle 013", 1)
    seen = first.wait_for("change").last_id
    opened.agent.sell("Kettle 019", 2)
    first.wait_for("change", b"Kettle 019")
    assert opened.listen(seen).wait_for("change").data.count(b"Kettle 019") == 1
    assert opened.listen("0").wait_for("refresh")  # longer ago than anybody remembers


def test_many_changes_at_once_become_one_call_to_look_again(live: Callable[..., Live]) -> None:
    opened = live()
    listener = opened.listen()
    listener.wait_for("agent", b'"reachable":true')
    for _ in range(400):
        opened.agent.sell("Kettle 013", 1)
    listener.wait_for("refresh")
    assert listener.heard.qsize() < 250


def test_pages_are_told_within_five_seconds_that_the_agent_went_and_when_it_is_back(
    live: Callable[..., Live],
) -> None:
    opened = live()
    listener = opened.listen()
    listener.wait_for("agent", b'"reachable":true')
    opened.fake.stop()
    away = json.loads(listener.wait_for("agent", b'"reachable":false', limit=5).data)
    assert away["last_contact"] is not None
    opened.fake.start()
    listener.wait_for("agent", b'"reachable":true', limit=8)
    listener.wait_for("refresh")
    assert requests.get(f"{opened.served.url}/orders", timeout=10).status_code == 200


@contextlib.contextmanager
def half_a_stream(*, silent: bool) -> Iterator[str]:
    """Be an agent that begins a stream, then dies in the middle of it or falls silent."""
    ending = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                chunk = b"event: hello\ndata: {}\n\n"
                connection.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n")
                connection.sendall(b"%x\r\n%s\r\n" % (len(chunk), chunk))
                if silent:
                    ending.wait(10)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        ending.set()
        thread.join()


@pytest.mark.parametrize("silent", [False, True])
def test_an_agent_killed_or_frozen_in_the_middle_of_its_stream_is_away(
    silent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_client, "SILENCE", 0.3)
    with half_a_stream(silent=silent) as url:
        client = AgentClient(url)
        relay = Relay(client)
        relay.start()
        wait_until(lambda: relay.last_contact is not None, 5)
        wait_until(lambda: relay.away, 5)
        relay.stop()
        client.close()
