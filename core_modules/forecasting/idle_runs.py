"""Compiled days without a sale: runs, what idle laws stand on, and the days on that these draw."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

STRIDE = 17.0  # idle paths whose level errors run once through the law


@njit(cache=True, error_model="numpy", nogil=True)
def runs(actual: FloatArray) -> IntArray:
    """Return how many days in a row, up to each, sold nothing; missing days leave the run."""
    found = np.empty(actual.size, dtype=np.int64)
    run = 0
    for day in range(actual.size):
        if actual[day] > 0:
            run = 0
        elif actual[day] == 0:
            run += 1
        found[day] = run
    return found


@njit(cache=True, error_model="numpy", nogil=True)
def run_lengths(run: IntArray) -> IntArray:
    """Return for each day the whole length of the run without a sale that it lies in."""
    lengths = np.empty_like(run)
    whole = 0
    for day in range(run.size - 1, -1, -1):
        if run[day] == 0:
            whole = 0
        elif whole == 0:
            whole = run[day]
        lengths[day] = whole
    return lengths


@njit(cache=True, error_model="numpy", nogil=True)
def patience_of(known: FloatArray, shortest: int, rare: float, rounds: int, never: int) -> int:
    """Return the days without a sale that chance does not explain, at least `shortest`.

    The share of days without a sale and the spells are told from each other in some rounds.
    """
    days, lengths = never, run_lengths(runs(known))
    for _ in range(rounds):
        on, none = 0, 0
        for day in range(known.size):
            if lengths[day] < days:
                on += 1
                none += known[day] == 0
        no_sale = (none + 0.5) / (on + 1.0)
        days = max(shortest, math.ceil(math.log(rare) / math.log(no_sale)))
    return days


@njit(cache=True, error_model="numpy", nogil=True)
def spell_counts(known: FloatArray, patience: int, ages: IntArray, counts: FloatArray) -> None:
    """Fill spells, runs, days on, and by age idle days and ends of spells, (3 + 2 ages + 2,)."""
    run = runs(known)
    lengths = run_lengths(run)
    counts[:] = 0.0
    groups = ages.size + 1
    for day in range(known.size):
        idle = lengths[day] >= patience
        if run[day] == 1:
            counts[0] += idle
            counts[1] += 1
        counts[2] += not idle
        if idle and run[day] >= patience:  # the spell is known and may end
            age = np.searchsorted(ages, run[day])
            counts[3 + age] += 1
            ends = day + 1 < known.size and run[day + 1] == 0
            counts[3 + groups + age] += ends


@njit(cache=True, error_model="numpy", nogil=True)
def on_paths(
    uniforms: FloatArray, idle: float, stays: FloatArray, fallen: FloatArray
) -> tuple[BoolArray, FloatArray]:
    """Return the days that are on, (paths, days), and what remains of each uniform, (paths,).

    `idle` is the chance of being idle now, `stays` (days,) that of an idle item to be so still, and
    `fallen` (days,) that of one that is on to have fallen idle.
    """
    on = np.empty((uniforms.size, fallen.size), dtype=np.bool_)
    rest = np.empty(uniforms.size)
    for path in range(uniforms.size):
        uniform = uniforms[path]
        if uniform < idle:
            # The day of return takes the size of an idle path's uniform, its level error later
            # digits.
            place = uniform / max(idle, 1e-12)
            rest[path] = min(max(STRIDE * place % 1.0, 1e-9), 1 - 1e-9)
            for day in range(fallen.size):
                on[path, day] = place >= stays[day]
        else:
            rest[path] = (uniform - idle) / max(1 - idle, 1e-12)
            for day in range(fallen.size):
                on[path, day] = rest[path] >= fallen[day]
    return on, rest
