"""The agent service as processes that are killed and started again, and clients that insist."""

import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, Self

import orjson
import requests

from streaming_production.services.agent_service import main
from tests.live_server import ROOT, wait_until

# A process forked off one that has imported everything starts in a fraction of a second, and dies
# of a kill -9 as any other does.
_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(["pytest", __name__])
LISTENS = "The agent listens at "
PATIENCE = 120.0  # seconds that a client insists

Sent = dict[str, Any]  # one event as it is posted


class Agent:
    """The agent service on one store; without a forecast worker, and with no limit to requests."""

    def __init__(self, store: str, folder: Path, *arguments: str) -> None:
        self.store, self.url, self.starts = store, "", 0
        self._folder, self._arguments = folder, arguments
        self._process: ForkServerProcess | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def port(self) -> str:
        """Return the port that it listens at, or did."""
        return self.url.rpartition(":")[2]

    def start(self, port: str = "0") -> None:
        """Start it, or start it again, and wait until it listens."""
        self.starts += 1
        log = self._folder / f"agent-{self.starts}.log"
        arguments = ["--store", self.store, "--port", port, *self._arguments]
        process = _CONTEXT.Process(target=_serve, args=(arguments, str(log)), daemon=True)
        process.start()
        self._process = process
        wait_until(lambda: not process.is_alive() or LISTENS in _text(log), 60)
        assert process.is_alive(), _text(log)
        self.url = _text(log).partition(LISTENS)[2].split()[0]

    def kill(self) -> None:
        """End it with kill -9, whatever it is doing."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process.close()
            self._process = None

    def get(self, path: str, **parameters: Any) -> Any:
        """Return what it answers to a question."""
        answer = requests.get(self.url + path, params=parameters, timeout=30)
        assert answer.ok, answer.text
        return answer.json()

    def settle(self, seconds: float = 60) -> None:
        """Wait until every closed day is decided and every order answered."""

        def settled() -> bool:
            status = self.get("/api/status")
            outbox = status["outbox"]
            return status["closings_pending"] == outbox["queued"] == outbox["unknown"] == 0

        wait_until(settled, seconds)


def _serve(arguments: list[str], log: str) -> None:
    os.environ |= {"INVENTORY_START_WORKER": "false", "INVENTORY_RATE_LIMIT": "0"}
    os.chdir(ROOT)
    with Path(log).open("w") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())
    sys.exit(main(arguments))


def _text(log: Path) -> str:
    return log.read_text() if log.exists() else ""


class Client:
    """Posts events until each parcel of them is acknowledged, over kills, locks and full disks."""

    def __init__(self, agent: Agent) -> None:
        self._agent, self._session = agent, requests.Session()
        self.refusals: list[requests.Response] = []  # answers that asked to come again

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def insist(self, events: Sequence[Sent] | Sent) -> Any:
        """Post one event, or a batch, until the agent acknowledges it; return its answer."""
        until = time.monotonic() + PATIENCE
        while True:
            answer = self.attempt(events)
            if answer is not None and answer.status_code == 200:
                return answer.json()
            if answer is not None:
                assert answer.status_code == 503, answer.text
                self.refusals.append(answer)
            told = "no answer" if answer is None else answer.text
            assert time.monotonic() < until, f"not acknowledged in time: {told}"
            time.sleep(0.02)

    def attempt(self, events: Sequence[Sent] | Sent) -> requests.Response | None:
        """Post once; None where no answer came."""
        try:
            return self._session.post(
                f"{self._agent.url}/api/events",
                data=orjson.dumps(events),
                headers={"Content-Type": "application/json"},
                timeout=30,
            )
        except requests.RequestException:
            return None


Parcel = list[Sent] | Sent


def post_all(
    agent: Agent,
    parcels: Sequence[Parcel],
    threads: int = 4,
    meanwhile: Callable[[Callable[[], int]], None] = lambda _: None,
) -> list[Any]:
    """Post parcels over several threads, each until acknowledged; return all answers.

    `meanwhile` runs beside it and is given how to count the answers.
    """
    waiting: queue.SimpleQueue[Parcel] = queue.SimpleQueue()
    for parcel in parcels:
        waiting.put(parcel)
    answers: list[Any] = []

    def work() -> None:
        with Client(agent) as client:
            while True:
                try:
                    parcel = waiting.get_nowait()
                except queue.Empty:
                    return
                answers.append(client.insist(parcel))

    together([*[work] * threads, lambda: meanwhile(lambda: len(answers))])
    assert len(answers) == len(parcels)
    return answers


def together(tasks: Sequence[Callable[[], object]]) -> None:
    """Run tasks at the same moment, each in a thread, and raise what one of them raised."""
    failures: list[BaseException] = []
    line = threading.Barrier(len(tasks))

    def run(task: Callable[[], object]) -> None:
        try:
            line.wait(30)
            task()
        except BaseException as failure:  # noqa: BLE001 - raised again below
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(task,), daemon=True) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
