"""Servers and slow clients for the tests of the live system."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask

from streaming_production.web.server import Server

ROOT = Path(__file__).resolve().parents[1]


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for a condition, at most `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {condition}"
        time.sleep(0.02)


@dataclass
class Running:
    """A server in a thread of this process."""

    url: str
    port: int
    stop: threading.Event
    thread: threading.Thread
    server: Server

    def end(self) -> None:
        """Stop as a signal would, and wait for it."""
        self.stop.set()
        self.server.wake()
        self.thread.join(15)
        assert not self.thread.is_alive()


@contextlib.contextmanager
def running(
    app: Flask,
    *,
    threads: int = 8,
    max_body: int = 1 << 20,
    wire_paths: Collection[str] = (),
    stop: threading.Event | None = None,
) -> Iterator[Running]:
    """Serve an app on a free port of loopback for the length of a block."""
    stop = stop or threading.Event()
    server = Server(app, "127.0.0.1", 0, threads=threads, max_body=max_body, wire_paths=wire_paths)
    thread = threading.Thread(target=server.run, args=(stop,), daemon=True)
    thread.start()
    one = Running(server.url, server.port, stop, thread, server)
    try:
        yield one
    finally:
        one.end()
        server.close()


@dataclass
class Process:
    """The agent service in a process of its own."""

    url: str
    process: subprocess.Popen[str]
    log: Path

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code; what was logged is told where it is not 0."""
        self.process.send_signal(number)
        code = self.process.wait(30)
        if code != 0:
            sys.stderr.write(self.log.read_text())
        return code

    @property
    def memory(self) -> float:
        """Return the resident memory in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024


@contextlib.contextmanager
def agent_process(store: Path | str, *arguments: str, **environment: str) -> Iterator[Process]:
    """Run the agent service on a free port for the length of a block, without a worker."""
    log = Path(tempfile.mkstemp(suffix=".log")[1])
    command = [sys.executable, "-m", "streaming_production.services.agent_service"]
    settings = {"INVENTORY_START_WORKER": "false"} | environment
    with log.open("w") as errors:
        process = subprocess.Popen(
            [*command, "--port", "0", "--store", str(store), *arguments],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=ROOT,
            env=os.environ | settings,
        )
    try:
        assert process.stdout is not None
        told = ""
        for line in process.stdout:
            told += line
            if line.startswith("The agent listens at "):
                yield Process(line.split()[-1], process, log)
                break
        else:
            raise AssertionError(f"the agent did not start: {told}{log.read_text()}")
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(10)
        process.stdout.close()
        log.unlink()


@contextlib.contextmanager
def slow_clients(url: str, count: int, path: str) -> Iterator[None]:
    """Keep `count` clients that send one byte of a long body now and then, and read nothing."""
    place = urlsplit(url)
    stop = threading.Event()
    with contextlib.ExitStack() as stack:
        sockets = [
            stack.enter_context(socket.create_connection((place.hostname, place.port)))
            for _ in range(count)
        ]
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {place.netloc}\r\n"
            "Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
        ).encode()
        for one in sockets:
            one.sendall(head)

        def drip() -> None:
            while not stop.wait(1 / max(1, count)):
                one = sockets.pop(0)
                one.send(b" ")
                sockets.append(one)

        dripping = threading.Thread(target=drip, daemon=True)
        dripping.start()
        try:
            yield
        finally:
            stop.set()
            dripping.join(5)
