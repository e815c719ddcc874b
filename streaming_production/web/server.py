"""The server: waitress with real threads, made to stop gracefully and to speak problem+json.

Waitress reads whole requests before a thread sees them and sends answers after the thread is done,
so slow clients cost a buffer and no thread. What is added here: its own refusals (malformed HTTP,
a body too large) in the form of the path, a connection that is drained after a refusal so that the
client gets to read it, clients dropped that take forever, and an orderly end.
"""

import contextlib
import ctypes
import gc
import signal
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator
from types import FrameType
from typing import Any

from flask import Flask
from waitress import wasyncore
from waitress.buffers import OverflowableBuffer
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import create_server
from waitress.task import ErrorTask, ThreadedTaskDispatcher

from streaming_production.web.problems import Problem, told_as_bytes
from streaming_production.web.security import api_headers

DRAIN = 5.0  # seconds that a refused client may go on sending before it is cut off
GRACE = 5.0  # seconds that running requests get when the server stops
REQUEST_TIME = 300.0  # seconds within which a request must have come in whole
M_ARENA_MAX = -8  # glibc's number of the setting
KEPT_BYTES = 1 << 16  # of what a connection has sent already
SWITCH_TIME = 0.0005  # seconds that a thread computes before another gets its turn
IDLE_TIME = 60  # seconds without a byte in either direction
_WORDS = {
    400: "this is not well-formed HTTP",
    413: "the body is larger than {max_body} bytes, send it in parts",
    431: "the header of this request is too large",
    501: "this transfer encoding is not supported; send Content-Length or chunked",
}


class PortTakenError(OSError):
    """Say that an address cannot be listened at, and how to mend it."""


class _Refusal(ErrorTask):
    """Waitress's own refusals, in the form that the path speaks."""

    channel: Any  # the stubs of waitress know less than these three have
    request: Any
    response_headers: Any

    def execute(self) -> None:
        status = int(self.request.error.code)
        words = _WORDS.get(status, "the service failed on this request")
        limit = self.channel.adj.max_request_body_size - 1
        problem = Problem(status, words.format(max_body=limit))
        wire_paths = self.channel.server.wire_paths
        body, media_type = told_as_bytes(problem, self.request.path, wire_paths)
        self.status = f"{status} {self.request.error.reason}"
        headers = api_headers() | {"Content-Type": media_type}
        self.response_headers.extend(headers.items())
        self.set_close_on_finish()
        self.content_length = len(body)
        self.channel.refused = True
        self.write(body)


class _Parser(HTTPRequestParser):
    path = "/"  # of a request so malformed that none was found; waitress reads it nevertheless


class _Channel(HTTPChannel):
    """A connection that is drained before it closes after a refusal.

    Closing a socket with unread bytes makes the kernel reset it, and the client would lose the
    answer that says what was wrong.
    """

    error_task_class = _Refusal
    parser_class = _Parser
    socket: Any  # the stubs of waitress leave these out, or take them for less
    outbufs: Any
    _flush_exception: Any
    _flush_some: Any
    refused = False
    began = 0.0  # when the request now coming in began
    drain_until: float | None = None

    def received(self, data: bytes) -> bool:
        if self.request is None:
            self.began = time.monotonic()
        return bool(super().received(data))

    def readable(self) -> bool:
        return self.drain_until is not None or bool(super().readable())

    def write_soon(self, data: Any) -> int:
        with self.outbuf_lock:
            # Waitress frees a buffer once 16 MiB went through it, which a hundred streams feel.
            if self.current_outbuf_count > KEPT_BYTES:
                self.outbufs.append(OverflowableBuffer(self.adj.outbuf_overflow))
                self.current_outbuf_count = 0
            return int(super().write_soon(data))

    def handle_read(self) -> None:
        if self.drain_until is None:
            super().handle_read()
            return
        with contextlib.suppress(OSError):
            self.recv(1 << 18)  # closes the channel itself at the end of what was sent
        if self.connected and time.monotonic() > self.drain_until:
            self.handle_close()

    def handle_write(self) -> None:
        if self.refused and self.close_when_flushed and not self.will_close:
            self._flush_exception(self._flush_some)
            if not self.total_outbufs_len and not self.will_close:
                self._begin_to_drain()
            return
        super().handle_write()

    def _begin_to_drain(self) -> None:
        self.close_when_flushed = False
        self.drain_until = time.monotonic() + DRAIN
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            self.handle_close()

    def is_overdue(self, idle_since: float) -> bool:
        """Say whether its client takes too long to send, to read or to go."""
        now = time.monotonic()
        if self.drain_until is not None:
            return now > self.drain_until
        if self.request is not None and now > self.began + REQUEST_TIME:
            return True
        waits_for_client = not self.requests or self.total_outbufs_len > 0
        return waits_for_client and self.last_activity < idle_since


class _LastIdleFirst(threading.Condition):
    """Wakes the thread that has waited shortest, so that few threads do most of the work.

    Each thread keeps memory of its own that it freed. In turn, as they usually wake, all of them
    would fill theirs, and the process would grow for as long as that takes.
    """

    _waiters: deque[Any]  # the base's own, longest waiting first; the stubs leave it out

    def notify(self, n: int = 1) -> None:
        self._waiters.rotate(n)
        super().notify(n)


class Server:
    """Listen at an address and answer with `app` until told to stop."""

    def __init__(
        self,
        app: Flask,
        host: str,
        port: int,
        *,
        threads: int,
        max_body: int,
        wire_paths: Collection[str] = (),
    ) -> None:
        self._map: dict[int, Any] = {}
        self._socket = _listen(host, port)
        self.host = host
        self.port: int = self._socket.getsockname()[1]
        self._server = _waitress(app, self._map, self._socket, threads, max_body)
        self._server.wire_paths = frozenset(wire_paths)
        self._server.maintenance = self._drop_overdue

    @property
    def url(self) -> str:
        """Return the address under which this machine reaches the service."""
        name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return f"http://[{name}]:{self.port}" if ":" in name else f"http://{name}:{self.port}"

    def run(self, stop: threading.Event, on_stop: Callable[[], None] = lambda: None) -> None:
        """Serve until `stop` is set, then refuse new connections and let running requests end.

        `on_stop` is called as soon as no new request can come, to end live streams.
        """
        while not stop.is_set():
            self._turn(0.5)
        self._server.del_channel(self._map)
        self._socket.close()
        on_stop()
        deadline = time.monotonic() + GRACE
        while self._busy() and time.monotonic() < deadline:
            self._turn(0.05)

    def close(self) -> None:
        """End all threads and connections; a server that was closed stays so."""
        self._server.task_dispatcher.shutdown(timeout=1)
        wasyncore.close_all(self._map)
        self._socket.close()

    def wake(self) -> None:
        """Make `run` look at its stop event now."""
        with contextlib.suppress(OSError):
            self._server.pull_trigger()

    def _turn(self, timeout: float) -> None:
        wasyncore.loop(timeout=timeout, use_poll=True, map=self._map, count=1)

    def _busy(self) -> bool:
        return any(
            channel.requests or channel.total_outbufs_len
            for channel in list(self._server.active_channels.values())
        )

    def _drop_overdue(self, now: float) -> None:
        for channel in list(self._server.active_channels.values()):
            if channel.is_overdue(now - IDLE_TIME):
                channel.handle_close()


def serve(
    app: Flask,
    host: str,
    port: int,
    *,
    threads: int,
    max_body: int,
    stop: threading.Event | None = None,
    wire_paths: Collection[str] = (),
    on_ready: Callable[[str], None] = lambda url: None,  # noqa: ARG005
    on_stop: Callable[[], None] = lambda: None,
) -> None:
    """Serve `app` until `stop` is set or SIGTERM or SIGINT arrives.

    `on_ready` gets the address once connections are accepted. Signals are only watched when this
    is called in the main thread.

    Raises:
        PortTakenError: the address cannot be listened at; the message says how to mend it.
    """
    stop = stop or threading.Event()
    _share_memory_pools()
    _spare_the_collector()
    # A thread that comes back from the disk would wait ten times as long for those that compute.
    sys.setswitchinterval(SWITCH_TIME)
    server = Server(app, host, port, threads=threads, max_body=max_body, wire_paths=wire_paths)
    try:
        with _signals(stop, server):
            on_ready(server.url)
            server.run(stop, on_stop)
    finally:
        server.close()


def _spare_the_collector() -> None:
    """Let the collector of cycles look seldom, and never through what was loaded at the start.

    As it comes, it looks through thousands of classes and tables again and again while a large
    request is worked on, which leaves next to no cycles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@contextlib.contextmanager
def _signals(stop: threading.Event, server: Server) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()
        server.wake()

    kept = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def _share_memory_pools() -> None:
    """Let threads share memory: the C library gives each a pool, which grows and is never empty."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").mallopt(M_ARENA_MAX, 2)


def _waitress(
    app: Flask, sockets: dict[int, Any], listening: socket.socket, threads: int, max_body: int
) -> Any:  # the stubs of waitress lack what is used of it
    dispatcher: Any = ThreadedTaskDispatcher()
    dispatcher.queue_cv = _LastIdleFirst(dispatcher.lock)
    dispatcher.set_thread_count(threads)
    server: Any = create_server(
        app,
        _dispatcher=dispatcher,
        map=sockets,
        sockets=[listening],
        threads=threads,
        ident=None,
        asyncore_use_poll=True,
        connection_limit=1000,
        backlog=1024,
        channel_timeout=IDLE_TIME,
        cleanup_interval=5,
        # Reading on while a request is worked on is how a client that went away is noticed.
        channel_request_lookahead=1,
        max_request_body_size=max_body + 1,  # waitress refuses from its limit on
        clear_untrusted_proxy_headers=True,
    )
    vars(server)["channel_class"] = _Channel
    return server


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise PortTakenError(f"cannot listen at {host}: {error.strerror}") from None
    listening = socket.socket(family, kind, protocol)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(address)
    except OSError as error:
        listening.close()
        raise PortTakenError(
            f"cannot listen at {host} port {port}: {error.strerror}; choose another with --port"
        ) from None
    return listening
