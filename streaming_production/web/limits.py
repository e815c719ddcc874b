"""Limits: how fast one client may ask, and how many long answers run at once."""

import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from flask import Flask, g, request

from streaming_production.web.problems import Problem

MAX_CLIENTS = 10_000  # remembered at once; the longest idle are forgotten first


class RateLimiter:
    """Give each client a bucket that holds `burst` requests and refills at `rate` a second."""

    def __init__(self, rate: float, burst: int) -> None:
        self.rate = rate
        self.burst = burst
        self._buckets: dict[str, tuple[float, float]] = {}  # client -> (tokens, filled at)
        self._lock = threading.Lock()

    def wait_for(self, client: str, now: float) -> float:
        """Take one token; return 0, or the seconds until there is one again.

        >>> limiter = RateLimiter(rate=2, burst=1)
        >>> limiter.wait_for("a", now=10.0), limiter.wait_for("a", now=10.0)
        (0.0, 0.5)
        """
        with self._lock:
            # Taken out and put in again, a client moves to the end: the first is the longest idle.
            tokens, filled = self._buckets.pop(client, (float(self.burst), now))
            tokens = min(float(self.burst), tokens + (now - filled) * self.rate)
            wait = 0.0 if tokens >= 1 else (1 - tokens) / self.rate
            self._buckets[client] = (tokens - 1 if wait == 0 else tokens, now)
            if len(self._buckets) > MAX_CLIENTS:
                del self._buckets[next(iter(self._buckets))]
        return wait


def limit_rate(app: Flask, rate: float, burst: int, open_paths: Collection[str]) -> None:
    """Answer 429 with Retry-After to a client that asks faster than `rate` a second (0: never)."""
    if rate <= 0:
        return
    limiter = RateLimiter(rate, burst)

    @app.before_request
    def check() -> None:
        if request.path in open_paths:
            return
        wait = limiter.wait_for(request.remote_addr or "", time.monotonic())
        if wait > 0:
            seconds = max(1, round(wait + 0.5))
            raise Problem(
                429,
                f"more than {rate:g} requests a second; send events in batches, or wait",
                headers={"Retry-After": str(seconds)},
            )


def limit_reads(
    app: Flask, at_once: int, posts: Collection[str], open_paths: Collection[str]
) -> None:
    """Work on so many reads at once, first come, first served; the others wait.

    Reads compute, and threads that compute take turns: were all of them at it together, the long
    ones would take as many times longer as there are short ones beside them. `posts` read too.
    """
    gate = threading.BoundedSemaphore(at_once)

    @app.before_request
    def enter() -> None:
        reads = request.method in ("GET", "HEAD") or request.path in posts
        if reads and request.path not in open_paths:
            gate.acquire()
            g.reading = True

    @app.teardown_request
    def leave(_error: BaseException | None) -> None:
        if g.pop("reading", False):
            gate.release()


class Slots:
    """Count long answers, such as live streams, and refuse those beyond a limit."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._taken = 0
        self._lock = threading.Lock()

    @property
    def taken(self) -> int:
        """Return how many run now."""
        return self._taken

    def take(self, what: str) -> None:
        """Take a slot, to be given back with `free`; raise a 503 if there is none."""
        with self._lock:
            if self._taken >= self.limit:
                raise Problem(
                    503,
                    f"{self.limit} {what} run already, ask again later",
                    headers={"Retry-After": "5"},
                )
            self._taken += 1

    def free(self) -> None:
        """Give a slot back."""
        with self._lock:
            self._taken -= 1

    @contextmanager
    def held(self, what: str) -> Iterator[None]:
        """Hold a slot for the length of a block."""
        self.take(what)
        try:
            yield
        finally:
            self.free()
