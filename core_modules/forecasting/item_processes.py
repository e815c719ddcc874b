"""Shares items among processes; worth it for Python code, at which threads only take turns."""

import multiprocessing
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import count, starmap
from typing import Any, TypeVar

from core_modules.forecasting.item_threads import stretches

PARTS = 40  # in all: none waits long for the others, and progress is seen
FEWEST = 500  # items, below which one process does all

Result = TypeVar("Result")

# What forked processes find in place: nothing that the work needs is sent to them.
_works: dict[int, Callable[[int, int], Any]] = {}
_numbers = count()


def in_processes(work: Callable[[int, int], Result], items: int, jobs: int) -> Iterator[Result]:
    """Yield what `work` (first, last) returns for stretches that cover items 0 ... items - 1.

    The stretches are worked on by `jobs` copies of this process, made as they are now; where a
    process cannot copy itself safely, or a copy is killed, by this one alone. Raises what a stretch
    raised.
    """
    parts = stretches(items, PARTS)
    if jobs <= 1 or items < FEWEST or not sys.platform.startswith("linux"):
        yield from starmap(work, parts)
        return
    number = next(_numbers)
    _works[number], done = work, 0
    try:
        with ProcessPoolExecutor(jobs, multiprocessing.get_context("fork")) as pool:
            asked = [pool.submit(_work, number, first, last) for first, last in parts]
            for one in asked:
                yield one.result()
                done += 1
    except BrokenProcessPool:
        # A copy was killed, say for want of memory: what is left is done here.
        yield from starmap(work, parts[done:])
    finally:
        del _works[number]


def _work(number: int, first: int, last: int) -> Any:
    return _works[number](first, last)
