"""Clients of the live system for `live_load.py`: open pages, callers of the API, slow ones.

A page does what the dashboard's script does in a browser: it holds the stream open and, when it is
told of a change, asks for its live parts, never sooner than the script would.
"""

import contextlib
import selectors
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter, sleep
from urllib.parse import urlsplit

import requests

LEAST_GAP, SLOWED = 0.8, 4.0  # as in static/server.js: seconds, and times as long as the last took
PATIENCE = 10.0  # seconds for one answer; an answer that takes longer counts as hanging
SILENCE = 6.0  # seconds; a stream beats every 2


@dataclass
class Calls:
    """What became of calls of one kind."""

    milliseconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)  # wrong answers, none in time

    def get(self, session: requests.Session, url: str, **given: str) -> float:
        """Make one call and write down how it went; return the seconds it took."""
        began = perf_counter()
        try:
            answer = session.get(url, timeout=PATIENCE, headers=given)
            if answer.status_code != 200:
                self.failures.append(f"{answer.status_code} of {url}")
        except requests.RequestException as error:
            self.failures.append(f"{type(error).__name__} of {url}")
        seconds = perf_counter() - began
        self.milliseconds.append(1_000 * seconds)
        return seconds


@dataclass
class Stream:
    """One page's stream, read by the one thread that reads all."""

    connection: socket.socket
    changed: threading.Event = field(default_factory=threading.Event)
    last_seq: int = 0
    told: int = 0  # changes and refreshes
    heard: float = field(default_factory=perf_counter)
    longest_silence: float = 0.0  # seconds
    broken: bool = False
    _rest: bytes = b""

    def read(self) -> None:
        """Take in what has arrived."""
        piece = self.connection.recv(65536)
        self.broken |= not piece
        now = perf_counter()
        self.longest_silence = max(self.longest_silence, now - self.heard)
        self.heard = now
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            if line.startswith(b"id: "):
                self.last_seq = max(self.last_seq, int(line[4:]))
            elif line in (b"event: change", b"event: refresh"):
                self.told += 1
                self.changed.set()


class Pages:
    """Open pages of the dashboard."""

    def __init__(self, url: str, paths: Sequence[str], count: int) -> None:
        self.calls = Calls()
        self._url, self._ending = url, threading.Event()
        place = urlsplit(url)
        asked = f"GET /stream HTTP/1.1\r\nHost: {place.netloc}\r\n\r\n".encode()
        self.streams = []
        for _ in range(count):
            connection = socket.create_connection((place.hostname, place.port), PATIENCE)
            connection.sendall(asked)
            self.streams.append(Stream(connection))
        self._threads = [threading.Thread(target=self._read, daemon=True)]
        for number, stream in enumerate(self.streams):
            path = paths[number % len(paths)]
            self._threads.append(
                threading.Thread(target=self._renew, args=(stream, path), daemon=True)
            )

    def start(self) -> None:
        """Begin to read and to renew."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Close all pages."""
        self._ending.set()
        for stream in self.streams:
            stream.changed.set()
        for thread in self._threads:
            thread.join(2 * PATIENCE)
        for stream in self.streams:
            stream.connection.close()

    def seen(self, seq: int) -> int:
        """Count the pages that were told of an event."""
        return sum(stream.last_seq >= seq for stream in self.streams)

    @property
    def hung(self) -> int:
        """Count the streams that broke, or that fell silent for too long."""
        now = perf_counter()
        return sum(
            one.broken or max(one.longest_silence, now - one.heard) > SILENCE
            for one in self.streams
        )

    def _read(self) -> None:
        with selectors.DefaultSelector() as waiting:
            for stream in self.streams:
                waiting.register(stream.connection, selectors.EVENT_READ, stream)
            while not self._ending.is_set():
                for key, _ in waiting.select(0.2):
                    key.data.read()
                    if key.data.broken:
                        waiting.unregister(key.fileobj)

    def _renew(self, stream: Stream, path: str) -> None:
        with requests.Session() as session:
            self.calls.get(session, self._url + path)
            while not self._ending.is_set():
                stream.changed.wait()
                stream.changed.clear()
                took = self.calls.get(session, self._url + path, **{"X-Live": "1"})
                self._ending.wait(max(LEAST_GAP, SLOWED * took))


class Callers:
    """Programs that ask the agent's API, one call after the other."""

    def __init__(self, url: str, paths: Sequence[str], count: int, pause: float) -> None:
        self.calls = Calls()
        self._url, self._paths, self._pause = url, paths, pause
        self._ending = threading.Event()
        self._threads = [
            threading.Thread(target=self._call, args=(number,), daemon=True)
            for number in range(count)
        ]

    def start(self) -> None:
        """Begin to call."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Finish the calls under way."""
        self._ending.set()
        for thread in self._threads:
            thread.join(2 * PATIENCE)

    def _call(self, number: int) -> None:
        with requests.Session() as session:
            while not self._ending.is_set():
                self.calls.get(session, self._url + self._paths[number % len(self._paths)])
                number += 1
                self._ending.wait(self._pause)


@contextmanager
def slow_clients(url: str, count: int) -> Iterator[None]:
    """Keep clients that send a byte a second of a long body, and never read."""
    place, ending = urlsplit(url), threading.Event()
    head = (
        f"POST /api/events HTTP/1.1\r\nHost: {place.netloc}\r\n"
        "Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
    ).encode()
    with contextlib.ExitStack() as opened:
        sockets = []
        for _ in range(count):
            connection = socket.create_connection((place.hostname, place.port), PATIENCE)
            sockets.append(opened.enter_context(connection))
            connection.sendall(head)

        def drip() -> None:
            while not ending.is_set():
                for one in sockets:
                    with contextlib.suppress(OSError):  # the server may end one that is too slow
                        one.send(b" ")
                    sleep(1 / count)

        dripping = threading.Thread(target=drip, daemon=True)
        if count:
            dripping.start()
        try:
            yield
        finally:
            ending.set()
            if count:
                dripping.join(PATIENCE)
