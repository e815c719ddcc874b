"""The best parameters of the textbook's rules on a lost-sales instance, by exact cost.

A rule's cost is not known to be convex in its parameters, so a search that goes downhill step by
step gives an upper bound on the best of its class.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from core_modules.textbook.instances import LostSales
from core_modules.textbook.lost_sales import PolicyTable, policy_cost
from core_modules.textbook.order_rules import base_stock, capped_base_stock, projected_inventory

SEARCH_ACCURACY = 1e-5  # money a period
LEVEL_GRID = 10  # projected inventory levels tried a unit
COVERED = 0.999


@dataclass(frozen=True, slots=True)
class TunedRule:
    """A rule with the best parameters found."""

    cost: float  # money a period
    parameters: tuple[float, ...]  # units, in the order of the rule's function


def best_base_stock(instance: LostSales) -> TunedRule:
    """Return the best base-stock level of an instance with one regime.

    >>> from core_modules.textbook.instances import one_regime, poisson_law
    >>> best_base_stock(one_regime(poisson_law(5), holding=1, penalty=4, lead_time=1)).parameters
    (12,)
    """
    mean = (instance.lead_time + 1) * instance.mean_demand.max()
    return _descend(instance, lambda levels: base_stock(instance, levels), (int(np.ceil(mean)),))


def best_two_level(instance: LostSales, start: tuple[int, int]) -> TunedRule:
    """Return the best pair of base-stock levels of an instance with two regimes."""
    return _descend(instance, lambda levels: base_stock(instance, levels), start)


def best_capped_base_stock(instance: LostSales, start: int) -> TunedRule:
    """Return the best base-stock level and cap on an order; start at the best level without."""
    first = (start, int(np.ceil(instance.mean_demand.max())) + 2)
    return _descend(instance, lambda both: capped_base_stock(instance, both[0], both[1]), first)


def best_projected_inventory(instance: LostSales) -> TunedRule:
    """Return the best projected inventory level, to a tenth of a unit.

    Its cost has many valleys because orders are whole units, so a range is tried throughout: from
    half a period's demand to the level that covers what `COVERED` periods in a hundred ask for.
    """
    law = instance.demand[int(np.argmax(instance.mean_demand))]
    highest = LEVEL_GRID * int(np.searchsorted(np.cumsum(law), COVERED))
    lowest = LEVEL_GRID * int(instance.mean_demand.max()) // 2

    @cache
    def cost(tenths: int) -> float:
        policy = projected_inventory(instance, tenths / LEVEL_GRID)
        return policy_cost(instance, policy, accuracy=SEARCH_ACCURACY)

    coarse = min(range(lowest, highest, LEVEL_GRID // 2), key=cost)
    found = min(range(coarse - LEVEL_GRID, coarse + LEVEL_GRID + 1), key=cost)
    return TunedRule(cost(found), (found / LEVEL_GRID,))


def _descend(
    instance: LostSales,
    table: Callable[[tuple[int, ...]], PolicyTable],
    start: tuple[int, ...],
) -> TunedRule:
    """Go from neighbour to cheaper neighbour until there is none."""

    @cache
    def cost(point: tuple[int, ...]) -> float:
        if min(point) < 1:
            return np.inf
        return policy_cost(instance, table(point), accuracy=SEARCH_ACCURACY)

    moves = [np.array(move) - 1 for move in np.ndindex(*[3] * len(start))]
    here = start
    while True:
        around = [tuple(int(x) for x in np.array(here) + move) for move in moves]
        best = min(around, key=cost)
        if cost(best) >= cost(here):
            return TunedRule(cost(here), here)
        here = best
