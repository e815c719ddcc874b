"""Wagner and Whitin's plan: the cheapest orders for known demand at a fixed cost an order."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class OrderPlan:
    """When to order how much, and what that costs."""

    orders: FloatArray  # units by the period in which they are used first, (periods,)
    cost: float  # money: orders and holding; the units themselves cost the same in any plan


def wagner_whitin(demand: npt.ArrayLike, holding: npt.ArrayLike, fixed: npt.ArrayLike) -> OrderPlan:
    """Return the plan that meets all demand, units by period, at the least cost.

    `holding` is money a unit kept from a period to the next, `fixed` money an order; numbers, or
    one a period. An order arrives in time for its period's demand. Some cheapest plan orders only
    when nothing is left, so an order is the demand of some periods in a row:

        F(j) = min over i <= j of  F(i - 1) + K_i [demand of i ... j > 0] + holding of i ... j

    Raises ValueError for a negative or missing number.

    >>> best = wagner_whitin([90, 120, 80, 70], 2, 500)  # published: 1380, [210, 0, 150, 0]
    >>> best.cost, best.orders.tolist()
    (1380.0, [210.0, 0.0, 150.0, 0.0])
    """
    units = np.asarray(demand, dtype=np.float64)
    kept = np.broadcast_to(np.asarray(holding, dtype=np.float64), units.shape)
    setup = np.broadcast_to(np.asarray(fixed, dtype=np.float64), units.shape)
    if units.ndim != 1 or any(not (values >= 0).all() for values in (units, kept, setup)):
        raise ValueError("demand must be one row of numbers >= 0, holding and fixed costs too")
    least = np.zeros(units.size + 1)  # cost of the periods before each, and of all
    first = np.zeros(units.size, dtype=np.int64)  # period of the order that serves each last
    for last in range(units.size):
        served = np.cumsum(units[last::-1])[::-1]  # of the periods from i to the last
        # A unit served in period k from an order in i is kept in the periods i ... k - 1.
        carried = np.append(np.cumsum((kept[:last] * served[1:])[::-1])[::-1], 0.0)
        costs = least[: last + 1] + setup[: last + 1] * (served > 0) + carried
        first[last] = int(np.argmin(costs))
        least[last + 1] = costs[first[last]]
    return OrderPlan(_followed(units, first), float(least[-1]))


def _followed(demand: FloatArray, first: npt.NDArray[np.int64]) -> FloatArray:
    """Return the orders by following the choices back from the last period."""
    orders = np.zeros(demand.size)
    last = demand.size - 1
    while last >= 0:
        start = int(first[last])
        orders[start] = demand[start : last + 1].sum()
        last = start - 1
    return orders
