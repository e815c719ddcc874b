"""Simulated average costs of policies on a lost-sales instance, all on the same demand.

Many independent replications are run side by side, so the standard error needs no guess of how
long the memory of the stock is. A period is charged what its stock on hand costs in expectation,
h E(x0 - D)^+ + p E(D - x0)^+, which has the mean of what it did cost and less noise.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from numba import njit

from core_modules.textbook.instances import FloatArray, LostSales
from core_modules.textbook.lost_sales import PolicyTable
from core_modules.textbook.value_iteration import OrderArray, Shape, place_ahead

CountArray: TypeAlias = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class DemandPaths:
    """Demand that several policies are run on."""

    units: CountArray  # (replications, periods)
    regimes: CountArray  # (replications, periods)


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedCost:
    """The average cost of a policy as simulated."""

    mean: float  # money a period
    standard_error: float  # of the mean
    by_replication: FloatArray  # money a period, (replications,); pair them to compare policies


def draw_demand(
    instance: LostSales, rng: np.random.Generator, *, replications: int, periods: int
) -> DemandPaths:
    """Draw demand, the first regime of a path from the long-run shares of the regimes."""
    regimes = np.zeros((replications, periods), dtype=np.int32)
    if instance.regimes > 1:
        turn = np.cumsum(instance.transition, axis=1)
        shares = np.linalg.matrix_power(instance.transition, 1 << 20)[0]
        regimes[:, 0] = np.searchsorted(np.cumsum(shares), rng.random(replications))
        for period in range(1, periods):
            chance = rng.random(replications)[:, None]
            regimes[:, period] = (chance > turn[regimes[:, period - 1]]).sum(axis=1)
        np.clip(regimes, 0, instance.regimes - 1, out=regimes)
    uniform = rng.random(regimes.shape)
    units = np.zeros(regimes.shape, dtype=np.int32)
    for regime, law in enumerate(instance.demand):
        inside = regimes == regime
        drawn = np.searchsorted(np.cumsum(law), uniform[inside], side="right")
        units[inside] = np.minimum(drawn, law.size - 1)
    return DemandPaths(units, regimes)


def simulated_cost(
    instance: LostSales, policy: PolicyTable, demand: DemandPaths, *, warm_up: int = 100
) -> SimulatedCost:
    """Run a policy from empty shelves; the periods of the warm-up are not counted."""
    costs = _run(
        policy.orders, policy.space.shape, instance.period_cost(policy.space.most_units),
        instance.order_cost, demand.units, demand.regimes, warm_up,
    )  # fmt: skip
    error = costs.std(ddof=1) / np.sqrt(costs.size)
    return SimulatedCost(float(costs.mean()), float(error), costs)


@njit(cache=True, nogil=True)
def _run(
    orders: OrderArray,
    shape: Shape,
    costs: FloatArray,
    order_cost: float,
    demand: CountArray,
    regimes: CountArray,
    warm_up: int,
) -> FloatArray:
    """Return the mean cost of a period, (replications,)."""
    lead_time, _, most_ordered = shape
    width = most_ordered + 1
    stride = width ** (lead_time - 1)
    replications, periods = demand.shape
    mean = np.zeros(replications)
    for path in range(replications):
        place = 0
        for period in range(periods):
            regime, on_hand = regimes[path, period], place // stride
            units = orders[regime, place]
            if period >= warm_up:
                mean[path] += costs[regime, on_hand] + (order_cost if units > 0 else 0.0)
            left = max(on_hand - demand[path, period], 0)
            place = place_ahead(place % stride, width, stride) + left * stride + units
    mean /= periods - warm_up
    return mean
