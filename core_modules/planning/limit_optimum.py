"""The best orders under shared limits, exactly: a multiple-choice program solved by HiGHS."""

import ctypes
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from core_modules.planning.shared_limits import IntArray, OrderCurve, SharedLimits

GAP = 1e-6  # share of the cost below which a better choice is not looked for
NODES = 5_000  # branches after which the search is given up; a count, so that runs repeat


def optimal_places(curves: Sequence[OrderCurve], limits: SharedLimits) -> IntArray | None:
    """Return the place of each item's quantity in its curve, (items,); None where not proven.

    One binary for each item and choice, exactly one of an item's choices taken; one for each
    supplier with a minimum, which opens all choices of its items but 0.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    size = np.array([curve.quantities.size for curve in curves])
    item = np.repeat(np.arange(len(curves)), size)
    units = np.concatenate([curve.quantities for curve in curves]).astype(np.float64)
    costs = np.concatenate([curve.costs for curve in curves])
    suppliers = len(limits.minimums)
    rows = _Rows(units.size + suppliers)
    for number in range(len(curves)):
        rows.add({int(at): 1.0 for at in np.flatnonzero(item == number)}, 1.0, 1.0)
    for room in limits.rooms:
        # Shares of the room, because the solver's tolerance is absolute.
        scale = room.room if room.room > 0 else 1.0
        rows.add(_weights(room.use[item] * units / scale), -np.inf, float(room.room > 0))
    for number, one in enumerate(limits.minimums):
        served = units.size + number
        mine = np.isin(item, one.items)
        value = _weights(np.where(mine, limits.unit_cost[item] * units / one.minimum, 0.0))
        rows.add(value | {served: -1.0}, 0.0, np.inf)
        for place in one.items:
            chosen = np.flatnonzero((item == place) & (units > 0))
            rows.add({int(at): 1.0 for at in chosen} | {served: -1.0}, -np.inf, 0.0)
    first = np.cumsum(size) - size  # place of each item's quantity 0
    saved = costs - np.repeat(costs[first], size)
    with _quiet():
        found = milp(
            np.concatenate([saved, np.zeros(suppliers)]),
            integrality=np.ones(units.size + suppliers, dtype=np.int64),
            bounds=Bounds(0, 1),
            constraints=LinearConstraint(*rows.matrix()),
            options={"mip_rel_gap": GAP, "node_limit": NODES},
        )
    if found.status != 0 or found.x is None:
        return None
    chosen = np.flatnonzero(found.x[: units.size] > 0.5)
    return np.asarray(chosen - first, dtype=np.int64)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the lines that HiGHS prints past Python off standard output, where JSON may go."""
    if os.name != "posix":
        yield
        return
    flush = ctypes.CDLL(None).fflush
    flush(None)
    kept = os.dup(1)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        try:
            yield
        finally:
            flush(None)
            os.dup2(kept, 1)
            os.close(kept)


def _weights(values: Any) -> dict[int, float]:
    return {int(at): float(values[at]) for at in np.flatnonzero(values)}


class _Rows:
    """The rows of a sparse matrix, with the bounds of each."""

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._rows: list[dict[int, float]] = []
        self._low: list[float] = []
        self._high: list[float] = []

    def add(self, weights: dict[int, float], low: float, high: float) -> None:
        """Add low <= sum of weights times variables <= high."""
        self._rows.append(weights)
        self._low.append(low)
        self._high.append(high)

    def matrix(self) -> tuple[Any, list[float], list[float]]:
        """Return the sparse matrix, (rows, columns), and the bounds."""
        from scipy.sparse import csr_array

        row = np.repeat(np.arange(len(self._rows)), [len(one) for one in self._rows])
        column = np.array([at for one in self._rows for at in one], dtype=np.int64)
        value = np.array([weight for one in self._rows for weight in one.values()])
        shape = (len(self._rows), self._columns)
        return csr_array((value, (row, column)), shape=shape), self._low, self._high
