"""The exact (s, S) policy for discrete demand with backorders and a fixed cost an order.

The search is that of Zheng and Federgruen (1991), "Finding optimal (s, S) policies is about as
simple as evaluating a single policy". The cost of a period of a policy is that of the cycle
between two orders over its length:

    c(s, S) = (K + sum over j < S - s of m(j) G(S - j)) / sum over j < S - s of m(j)

G(y) is the expected holding and stockout cost of a period whose order brings the inventory
position to y, and m(j) the expected number of periods that the position spends j below S.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ReorderPolicy:
    """Order up to a level once the inventory position is at the reorder point or below."""

    reorder_point: int  # s, units
    order_up_to: int  # S, units, > s
    cost: float  # money a period


def reorder_policy(
    law: FloatArray, *, holding: float, stockout: float, order_cost: float, lead_time: int = 0
) -> ReorderPolicy:
    """Return the best (s, S) policy and its average cost.

    `law` are the chances of 0, 1, ... units in a period, (units,); `holding` and `stockout` money
    a unit held or owed at the end of a period; `lead_time` is Zipkin's, periods >= 0. Raises
    ValueError for costs that are not positive (the order cost may be 0) or demand that is always 0.

    >>> from core_modules.textbook.instances import poisson_law
    >>> best = reorder_policy(poisson_law(10), holding=1, stockout=9, order_cost=64)
    >>> best.reorder_point, best.order_up_to, round(best.cost, 3)  # published: 6, 40, 35.022
    (6, 40, 35.022)
    """
    if holding <= 0 or stockout <= 0 or order_cost < 0 or lead_time < 0 or law[0] >= 1:
        raise ValueError(
            "need holding > 0, stockout > 0, order_cost >= 0, lead_time >= 0 and some demand"
        )
    costs = _Costs(law, holding, stockout, order_cost, lead_time)
    level = best_level = costs.cheapest_position
    point = level - 1
    while costs.cycle(point, best_level) > costs.period(point):
        point -= 1
    least = costs.cycle(point, best_level)
    # No level whose own period costs more than the best policy can be better.
    while costs.period(level := level + 1) <= least:
        if costs.cycle(point, level) >= least:
            continue
        best_level = level
        while costs.cycle(point, best_level) <= costs.period(point + 1):
            point += 1
        least = costs.cycle(point, best_level)
    return ReorderPolicy(point, best_level, least)


class _Costs:
    """G and c of the module's text; m is worked out as far as it was asked for."""

    def __init__(
        self, law: FloatArray, holding: float, stockout: float, order_cost: float, lead_time: int
    ) -> None:
        self._law, self._order_cost = law, order_cost
        self._holding, self._stockout = holding, stockout
        until = law
        for _ in range(lead_time):
            until = np.convolve(until, law)
        self._mean = float(until @ np.arange(until.size))
        beyond = 1 - np.cumsum(until)
        # E(D - y)^+ for y = 0, 1, ...: what is beyond y, summed up from y on.
        self._short = np.append(np.cumsum(np.maximum(beyond, 0)[::-1])[::-1], 0.0)
        ratio = stockout / (stockout + holding)
        self.cheapest_position = int(np.searchsorted(np.cumsum(until), ratio))
        self._visits = np.array([1 / (1 - law[0])])

    def period(self, position: int) -> float:
        """Return G, money."""
        if position < 0:
            return self._stockout * (self._mean - position)
        short = self._short[position] if position < self._short.size else 0.0
        left = position - self._mean + short
        return float(self._holding * left + self._stockout * short)

    def cycle(self, reorder_point: int, level: int) -> float:
        """Return c, money a period."""
        steps = level - reorder_point
        visits = self._known_visits(steps)
        periods = np.array([self.period(level - j) for j in range(steps)])
        return float((self._order_cost + visits @ periods) / visits.sum())

    def _known_visits(self, steps: int) -> FloatArray:
        """Return m(0), ..., m(steps - 1): m(j) (1 - P(0)) = sum over k >= 1 of P(k) m(j - k)."""
        law = self._law
        while self._visits.size < steps:
            reach = min(self._visits.size, law.size - 1)
            through = law[1 : reach + 1] @ self._visits[::-1][:reach]
            self._visits = np.append(self._visits, through / (1 - law[0]))
        return self._visits[:steps]
