"""Compiled steps of value iteration over the states of a lost-sales instance.

Values and orders are flat, one row a regime, in the order of `StateSpace`. `ahead` are the values
of tomorrow, expected over its regime, by the regime of today; `law` the chances of demand,
(regimes, units); `beyond` the chance that demand is at least so much, (regimes, units + 1); `costs`
those of a period by regime and stock on hand; `shape` is (lead_time, most_units, most_ordered).

Order quantities are neighbours in memory, so the expectation over demand is taken for all of them
in one sweep. For geometric demand, P(k + 1) = r P(k), it needs no sum either: given the first unit,
E f((x - D)^+) = (1 - r) f(x) + r E f((x - 1 - D)^+).
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from numba import njit

FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.int64]
OrderArray: TypeAlias = npt.NDArray[np.int32]
Shape: TypeAlias = tuple[int, int, int]


@njit(cache=True, nogil=True)
def place_ahead(way: int, width: int, stride: int) -> int:
    """Return the place of tomorrow's state if nothing is left of today and nothing ordered.

    `way` is the place among the orders under way: the oldest arrives, the others move up.
    """
    if stride == 1:
        return 0
    following = stride // width
    return (way // following) * stride + (way % following) * width


@njit(cache=True, nogil=True)
def _under_way(way: int, width: int) -> int:
    units = 0
    while way > 0:
        units += way % width
        way //= width
    return units


@njit(cache=True, nogil=True)
def _expect(
    values: FloatArray,
    law: FloatArray,
    tail: float,
    ratio: float,
    start: int,
    stride: int,
    on_hand: int,
    count: int,
    total: FloatArray,
) -> None:
    """Put into `total` what is expected after demand for orders of 0 to `count` - 1 units.

    With geometric demand `total` has to hold what was expected from one unit less on hand.
    """
    if ratio > 0 and on_hand > 0:
        place = start + on_hand * stride
        for units in range(count):
            total[units] = (1 - ratio) * values[place + units] + ratio * total[units]
        return
    for units in range(count):
        total[units] = tail * values[start + units]
    for sold in range(min(on_hand, law.size)):
        chance, place = law[sold], start + (on_hand - sold) * stride
        for units in range(count):
            total[units] += chance * values[place + units]


@njit(cache=True, nogil=True)
def _cheapest(total: FloatArray, count: int, order_cost: float) -> tuple[int, float]:
    chosen, best = 0, total[0]
    for units in range(1, count):
        if total[units] + order_cost < best:
            chosen, best = units, total[units] + order_cost
    return chosen, best


@njit(cache=True, nogil=True)
def improve(
    ahead: FloatArray,
    law: FloatArray,
    beyond: FloatArray,
    ratio: FloatArray,
    costs: FloatArray,
    order_cost: float,
    shape: Shape,
    values: FloatArray,
    orders: OrderArray,
) -> tuple[float, float]:
    """Take one step under the best orders; return the least and largest change of a value.

    Sets `values`, which hold the step before, and `orders`, both (regimes, size). `ratio` is r of
    geometric demand and 0 of any other, (regimes,).
    """
    lead_time, most_units, most_ordered = shape
    width = most_ordered + 1
    stride = width ** (lead_time - 1)
    total = np.empty(width)
    least, largest = np.inf, -np.inf
    for regime in range(law.shape[0]):
        for way in range(stride):
            room = most_units - _under_way(way, width)
            start = place_ahead(way, width, stride)
            for on_hand in range(room + 1):
                count = min(width, room - on_hand + 1)
                tail = beyond[regime, min(on_hand, law.shape[1])]
                _expect(
                    ahead[regime], law[regime], tail, ratio[regime],
                    start, stride, on_hand, count, total,
                )  # fmt: skip
                place = on_hand * stride + way
                orders[regime, place], value = _cheapest(total, count, order_cost)
                value += costs[regime, on_hand]
                change = value - values[regime, place]
                least, largest = min(least, change), max(largest, change)
                values[regime, place] = value
    return least, largest


@njit(cache=True, nogil=True)
def evaluate(
    ahead: FloatArray,
    law: FloatArray,
    beyond: FloatArray,
    costs: FloatArray,
    order_cost: float,
    shape: Shape,
    used: IntArray,
    orders: OrderArray,
    values: FloatArray,
) -> tuple[float, float]:
    """Take one step under given orders at the places `used`; return the extreme changes."""
    lead_time, _, most_ordered = shape
    width = most_ordered + 1
    stride = width ** (lead_time - 1)
    least, largest = np.inf, -np.inf
    for regime in range(law.shape[0]):
        for place in used:
            on_hand, units = place // stride, orders[regime, place]
            after = place_ahead(place % stride, width, stride) + units
            value = costs[regime, on_hand] + (order_cost if units > 0 else 0.0)
            value += beyond[regime, min(on_hand, law.shape[1])] * ahead[regime, after]
            for sold in range(min(on_hand, law.shape[1])):
                value += law[regime, sold] * ahead[regime, after + (on_hand - sold) * stride]
            change = value - values[regime, place]
            least, largest = min(least, change), max(largest, change)
            values[regime, place] = value
    return least, largest


@njit(cache=True, nogil=True)
def reach(orders: OrderArray, law: FloatArray, shape: Shape) -> IntArray:
    """Return the places that given orders can lead to from empty shelves, whatever the regimes.

    An order below 0 is not known yet, and leads nowhere.
    """
    lead_time, _, most_ordered = shape
    width = most_ordered + 1
    stride = width ** (lead_time - 1)
    seen = np.zeros(orders.shape[1], dtype=np.bool_)
    found = np.empty(orders.shape[1], dtype=np.int64)
    seen[0], found[0], count, done = True, 0, 1, 0
    while done < count:
        place = found[done]
        done += 1
        on_hand, start = place // stride, place_ahead(place % stride, width, stride)
        for regime in range(law.shape[0]):
            if orders[regime, place] < 0:
                continue
            for left in range(on_hand + 1):
                sold = on_hand - left
                if left > 0 and (sold >= law.shape[1] or law[regime, sold] <= 0):
                    continue
                after = start + left * stride + orders[regime, place]
                if not seen[after]:
                    seen[after] = True
                    found[count] = after
                    count += 1
    return found[:count]
