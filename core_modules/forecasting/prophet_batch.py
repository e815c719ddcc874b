"""Runs many Prophet fits: over a process pool that is kept, and from a cache where they were made.

A fit's file in the cache is named by the digest of everything it depends on: the series, the
calendar columns, the settings and the versions of the libraries.
"""

import hashlib
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from functools import cache
from importlib import import_module
from importlib.metadata import version
from multiprocessing import get_all_start_methods, get_context
from pathlib import Path
from threading import Thread

import numpy as np

from core_modules.forecasting.engines import Engine
from core_modules.forecasting.prophet_shape import (
    ShapeError,
    ShapeFit,
    ShapeTask,
    fit_shape,
)

Progress = Callable[[int, int], None]  # fits done, fits in all

POOL_FROM = 8  # fits that pay for starting processes
FORMAT = "1"  # of the cached files


def fit_shapes(
    tasks: Sequence[ShapeTask],
    *,
    engine: Engine = "prophet",
    jobs: int = 2,
    folder: Path | None = None,
    progress: Progress | None = None,
) -> list[ShapeFit | ShapeError]:
    """Fit every task, in order; a series that cannot be fitted gives its error, not a stop.

    The batch engine needs no processes and no cache: reading a fit costs as much as making it.
    """
    if engine == "batch":
        from core_modules.forecasting.batch_shapes import fit_batch_shapes

        made = fit_batch_shapes(tasks, threads=jobs)
        if progress and tasks:
            progress(len(tasks), len(tasks))
        return made
    found: list[ShapeFit | ShapeError | None] = [_cached(task, folder) for task in tasks]
    missing = [place for place, fit in enumerate(found) if fit is None]
    done = len(tasks) - len(missing)
    if progress and tasks:
        progress(done, len(tasks))
    fits = _run([tasks[place] for place in missing], jobs)
    for place, fit in zip(missing, fits, strict=True):
        found[place] = fit
        if folder is not None and isinstance(fit, ShapeFit):
            # A cache that cannot be written costs the next run time, and this one nothing.
            with suppress(OSError):
                _store(tasks[place], fit, folder)
        done += 1
        if progress:
            progress(done, len(tasks))
    return [fit for fit in found if fit is not None]


def warm_up(jobs: int) -> None:
    """Start the workers, Prophet imported, while the caller still does other things."""
    if jobs > 1:
        # Handing over work waits until a worker is there, so a thread of its own does that.
        Thread(target=_pool(jobs).submit, args=(_one_thread,), daemon=True).start()


def import_ahead(engine: Engine) -> None:
    """Import what the batch engine needs, which takes a second, while the caller reads its files.

    Prophet itself may have all its fits in the cache, and then needs nothing.
    """
    if engine == "batch":
        Thread(target=_import_batch).start()


def _import_batch() -> None:
    for name in ("prophet", "scipy.stats", "core_modules.forecasting.batch_shapes"):
        import_module(name)


def _run(tasks: Sequence[ShapeTask], jobs: int) -> Iterator[ShapeFit | ShapeError]:
    started = _pool.cache_info().currsize > 0
    if jobs < 2 or not tasks or (len(tasks) < POOL_FROM and not started):
        yield from map(_attempt, tasks)
        return
    done = 0
    try:
        for fit in _pool(jobs).map(_attempt, tasks, chunksize=1):
            yield fit
            done += 1
    except BrokenProcessPool:
        # A worker was killed, say for want of memory: finish here and start afresh next time.
        _pool.cache_clear()
        yield from map(_attempt, tasks[done:])


def _attempt(task: ShapeTask) -> ShapeFit | ShapeError:
    try:
        return fit_shape(task)
    except ShapeError as failure:
        return failure


@cache
def _pool(jobs: int) -> ProcessPoolExecutor:
    """Start the workers once; the interpreter ends them when it ends."""
    # A forked server has no threads and holds no locks of ours, and need not import us anew.
    method = "forkserver" if "forkserver" in get_all_start_methods() else "spawn"
    context = get_context(method)
    if method == "forkserver":
        context.set_forkserver_preload(["core_modules.forecasting.prophet_shape", "prophet"])
    return ProcessPoolExecutor(jobs, mp_context=context, initializer=_one_thread)


def _one_thread() -> None:
    """Keep each worker to one core: the pool already fills them."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "STAN_NUM_THREADS"):
        os.environ[name] = "1"


def task_digest(task: ShapeTask) -> str:
    """Return the sha256 of all that a fit depends on, hex."""
    digest = hashlib.sha256(_versions().encode())
    plain = (str(task.start), task.step, task.ahead, task.keep, task.event_names, task.settings)
    digest.update(repr(plain).encode())
    for array in (task.values, task.holidays, task.events):
        digest.update(repr(array.shape).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


@cache
def _versions() -> str:
    libraries = ("prophet", "cmdstanpy", "numpy", "pandas")
    return f"{FORMAT} " + " ".join(f"{name}-{version(name)}" for name in libraries)


def _cached(task: ShapeTask, folder: Path | None) -> ShapeFit | None:
    """Return the stored fit; None where there is none, or none that can be read."""
    if folder is None:
        return None
    try:
        with (
            (folder / f"{task_digest(task)}.npz").open("rb") as file,
            np.load(file, allow_pickle=False) as stored,
        ):
            sizes = tuple(float(size) for size in stored["effects"])
            return ShapeFit(
                stored["fitted"],
                stored["event_multiplier"],
                tuple(zip(task.event_names, sizes, strict=True)),
            )
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, EOFError):
        return None


def _store(task: ShapeTask, fit: ShapeFit, folder: Path) -> None:
    """Write a fit under a name of its own and rename it, so no reader meets half a file."""
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(suffix=".npz", dir=folder)
    with os.fdopen(handle, "wb") as file:
        np.savez(
            file,
            fitted=fit.fitted,
            event_multiplier=fit.event_multiplier,
            effects=np.array([size for _, size in fit.event_effects]),
        )
    Path(name).replace(folder / f"{task_digest(task)}.npz")
