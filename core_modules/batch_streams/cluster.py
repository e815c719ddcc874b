"""Runs tasks on a Dask cluster, few at a time; the only door to distributed.

The scheduler sends a task again when its worker is lost, and a second time when it fails. A task
carries its own data, so whatever is lost can be computed again, and the scheduler holds no more of
them than are under way.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from core_modules.batch_streams.fingerprints import engine_version

if TYPE_CHECKING:
    from distributed import Client

ANSWER_SECONDS = 10  # for the scheduler to answer
WORKERS_SECONDS = 30  # for its first worker to come, and for workers to say what they run
RETRIES = 1  # of a task that fails; for one whose worker is lost the scheduler has its own count
IN_FLIGHT = 2  # tasks a worker's thread: one runs while the next one waits there
LARGE_TASK = "distributed.admin.large-graph-warning-threshold"

Task = TypeVar("Task")
Result = TypeVar("Result")


@contextmanager
def connected(scheduler: str) -> "Iterator[Client]":
    """Yield a client of the scheduler, its workers checked to run this engine.

    Raises ValueError where Dask is not installed or the workers run something else, and
    ConnectionError where no scheduler answers or no worker comes.
    """
    try:
        import dask
        from distributed import Client
    except ImportError:
        raise ValueError(
            "a scheduler needs the extra dask: "
            "pip install --require-hashes -r requirements-dask.txt, here and where workers run"
        ) from None
    _check_answer(scheduler)
    # A task carries its own data on purpose; Dask would advise against it from 10 MB on.
    with (
        dask.config.set({LARGE_TASK: "1 GiB"}),
        Client(scheduler, timeout=ANSWER_SECONDS, set_as_default=False) as client,
    ):
        _check_engines(client, scheduler)
        yield client


def _check_answer(scheduler: str) -> None:
    """Shake hands first: a client waits for ever where something else listens."""
    from distributed import Security
    from distributed.comm import connect

    keys = Security().get_connection_args("client")  # what Dask's own settings say of TLS

    async def shake_hands() -> None:
        await (await connect(scheduler, timeout=ANSWER_SECONDS, **keys)).close()

    async def in_time() -> None:
        await asyncio.wait_for(shake_hands(), ANSWER_SECONDS + 1)

    try:
        with ThreadPoolExecutor(1) as thread:  # a notebook's own thread has a loop already
            thread.submit(asyncio.run, in_time()).result()
    except (OSError, TypeError, ValueError) as error:
        why = str(error) or "no handshake"
        raise ConnectionError(
            f"no Dask scheduler answers at {scheduler} ({why}): start one by `python -m dask "
            "scheduler` and name the address that it prints, such as tcp://host:8786"
        ) from None


def _check_engines(client: "Client", scheduler: str) -> None:
    """Ask scheduler and workers for their engine: both read the tasks that are sent."""
    try:
        client.wait_for_workers(1, timeout=WORKERS_SECONDS)
    except TimeoutError:
        raise ConnectionError(
            f"the scheduler at {scheduler} has no worker after {WORKERS_SECONDS} s: start some by "
            f"`python -m dask worker {scheduler} --nthreads 1` in the project's folder"
        ) from None
    try:
        answers: dict[str, object] = {scheduler: client.run_on_scheduler(engine_version)}
    except Exception as error:  # noqa: BLE001 - whatever its Python raised is what it cannot do
        answers = {scheduler: error}
    else:
        answers |= _workers_engines(client)
    for place, answer in answers.items():
        if isinstance(answer, BaseException):
            raise ValueError(
                f"{place} cannot run the engine ({answer}): start scheduler and workers by "
                "`python -m dask` in the project's folder, with the same libraries"
            )
        check_engine(place, str(answer), engine_version())


def _workers_engines(client: "Client") -> dict[str, object]:
    """Ask each worker by a task of its own; one that is lost meanwhile is left out.

    A broadcast would wait for ever for a worker that is lost at that moment.
    """
    from distributed import as_completed

    asked = {
        worker: client.submit(engine_version, workers=[worker], priority=1, pure=False)
        for worker in client.scheduler_info(n_workers=-1)["workers"]
    }
    with suppress(TimeoutError):
        deque(as_completed(asked.values(), loop=client.loop, timeout=WORKERS_SECONDS), maxlen=0)
    there = client.scheduler_info(n_workers=-1)["workers"]
    answers: dict[str, object] = {}
    for worker, future in asked.items():
        if future.status == "finished":
            answers[worker] = future.result()
        elif future.status == "error":
            answers[worker] = future.exception()
        elif worker in there:
            answers[worker] = TimeoutError(f"no answer within {WORKERS_SECONDS} s")
    client.cancel(list(asked.values()))
    return answers


def check_engine(place: str, runs: str, wanted: str) -> None:
    """Raise ValueError where a place runs another version of the engine than is wanted."""
    if runs != wanted:
        raise ValueError(
            f"{place} runs another engine ({runs}) than asked for ({wanted}): give all machines "
            "the same version of the project and its libraries"
        )


def completed(
    client: "Client", function: Callable[[Task], Result], tasks: Iterable[Task]
) -> Iterator[tuple[Task, Result]]:
    """Yield each task and its result as they finish, two a worker's thread under way.

    Raises ConnectionError where the scheduler, or a task's every worker, is lost for good.
    """
    from distributed import CancelledError, KilledWorker, as_completed
    from distributed.comm import CommClosedError

    waiting = iter(tasks)
    running: dict[str, Task] = {}
    finished = as_completed(loop=client.loop)

    def top_up() -> None:
        room = IN_FLIGHT * max(sum(client.nthreads().values()), 1) - len(running)
        for task in islice(waiting, max(room, 0)):
            future = client.submit(function, task, pure=False, retries=RETRIES)
            running[future.key] = task
            finished.add(future)

    try:
        top_up()
        for future in finished:
            result: Any = future.result()
            yield running.pop(future.key), result
            del future, result
            top_up()
    except KilledWorker as error:
        raise ConnectionError(
            f"a part brought down one worker after another ({error}): give them more memory or "
            "ask for smaller parts; what is done is kept"
        ) from None
    except (CancelledError, CommClosedError) as error:
        raise ConnectionError(
            f"lost the scheduler ({error}): what is done is kept, the same call does the rest"
        ) from None
