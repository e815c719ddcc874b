"""Starts the forecast worker, reads what it reports, starts it again when it dies, stops it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import orjson
import structlog

ROOT = Path(__file__).resolve().parents[2]
LONGEST_PAUSE = 60.0  # seconds between two starts
STORE_VARIABLE = "INVENTORY_WORKER_STORE"
STOP_SECONDS = 10.0  # for the worker to end by itself

_log = structlog.get_logger("worker")


@dataclass(frozen=True, slots=True)
class WorkerState:
    """How the worker is."""

    alive: bool = False
    last_run_at: str | None = None  # instant of its last finished round
    error: str | None = None  # of the last round, or why it died


class WorkerProcess:
    """Watches one worker from a thread of its own."""

    def __init__(self, store: str, arguments: Sequence[str]) -> None:
        # An address may carry a password, which a command line would show to everybody.
        self._environment = {STORE_VARIABLE: store, "PYTHONUNBUFFERED": "1"}
        self._command = [sys.executable, "-m", "streaming_production.forecast_worker", *arguments]
        self._state = WorkerState()
        self._ending = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._watch, name="worker", daemon=True)

    @property
    def state(self) -> WorkerState:
        """How it is now."""
        return self._state

    def start(self) -> None:
        """Start the worker and watch it."""
        self._thread.start()

    def stop(self) -> None:
        """End the worker and wait for it."""
        self._ending.set()
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        pause = 1.0
        while not self._ending.is_set():
            rounds = self._live()
            if self._ending.is_set():
                break
            # One that has worked before it died is started again at once.
            pause = 1.0 if rounds else min(2 * pause, LONGEST_PAUSE)
            _log.warning("forecast worker ended", error=self._state.error, again_in=pause)
            self._ending.wait(pause)

    def _live(self) -> int:
        """Run one worker to its end; return the rounds that it reported."""
        environment = {**os.environ, **self._environment}
        with subprocess.Popen(
            [*self._command, "--parent", str(os.getpid())],
            cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        ) as process:  # fmt: skip
            self._process = process
            if self._ending.is_set():  # stop() came between the loop's look and the start
                process.terminate()
            self._state = replace(self._state, alive=True)
            rounds = self._read(process.stdout) if process.stdout else 0
        ended = None if self._ending.is_set() else f"the worker ended with {process.returncode}"
        self._state = replace(self._state, alive=False, error=self._state.error or ended)
        return rounds

    def _read(self, reports: IO[bytes]) -> int:
        rounds = 0
        for line in reports:
            try:
                told = orjson.loads(line)
                self._state = WorkerState(True, told["at"], told["error"])
                rounds += 1
            except (orjson.JSONDecodeError, KeyError, TypeError):
                _log.info("forecast worker says", line=line.decode(errors="replace").rstrip())
        return rounds
