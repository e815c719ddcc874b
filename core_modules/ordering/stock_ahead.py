"""Compiled projection of stock along paths of demand, to an order's arrival and beyond."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@njit(cache=True, error_model="numpy", nogil=True)
def project_each(
    demand: FloatArray,
    due: FloatArray,
    covers: IntArray,
    before: float,
    lead_time: int,
    backorders: bool,
    stock: FloatArray,
    need: FloatArray,
    lost: FloatArray,
) -> None:
    """Fill stock on arrival, need until the next delivery and units lost before, all (paths,).

    `demand` is (paths, periods), `due` (periods,), `covers` the periods that the order serves and
    `before` the units on hand less those owed. What is short on the way is lost, or owed.
    """
    for path in range(demand.shape[0]):
        there, missed = before, 0.0
        for column in range(lead_time - 1):
            there = there + due[column] - demand[path, column]
            if backorders:
                missed = max(-there, 0.0)
            else:
                missed += max(-there, 0.0)
                there = max(there, 0.0)
        there += due[lead_time - 1]
        net, peak = 0.0, -np.inf
        for column in range(lead_time - 1, lead_time - 1 + covers[path]):
            if column >= demand.shape[1]:
                break
            net += demand[path, column] - (due[column] if column >= lead_time else 0.0)
            peak = max(peak, net)
        stock[path], need[path], lost[path] = there, peak - there, missed


@njit(cache=True, error_model="numpy", nogil=True)
def short_each(
    demand: FloatArray,
    due: FloatArray,
    before: float,
    lead_time: int,
    review_period: int,
    backorders: bool,
    units: FloatArray,
) -> None:
    """Fill the units wanting when the order arrives, until the next one, (paths,); < 0: spare."""
    first = lead_time - 1
    last = min(first + review_period, demand.shape[1])
    coming = 0.0
    for column in range(first, last):
        coming += due[column]
    for path in range(demand.shape[0]):
        there = before
        for column in range(first):
            there = there + due[column] - demand[path, column]
            if not backorders:
                there = max(there, 0.0)
        wanted = 0.0
        for column in range(first, last):
            wanted += demand[path, column]
        units[path] = wanted - coming - there
