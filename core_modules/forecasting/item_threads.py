"""Shares items among threads; worth it for compiled code that lets go of Python's lock."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

PARTS = 4  # a thread, so that none waits long for the others
FEWEST = 64  # items, below which one thread does all


def in_threads(work: Callable[[int, int], None], items: int, jobs: int) -> None:
    """Call `work` (first, last) on stretches that cover items 0 ... items - 1, in `jobs` threads.

    Raises what a stretch raised.
    """
    if jobs <= 1 or items < FEWEST:
        work(0, items)
        return
    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(lambda stretch: work(*stretch), stretches(items, PARTS * jobs)))


def stretches(items: int, parts: int) -> list[tuple[int, int]]:
    """Return stretches (first, last) that cover items 0 ... items - 1, at most so many.

    >>> stretches(7, 3)
    [(0, 3), (3, 6), (6, 7)]
    """
    step = max(-(-items // parts), 1)
    return [(first, min(first + step, items)) for first in range(0, items, step)]
