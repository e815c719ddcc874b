"""Exact average costs of lost-sales instances: of the best policy, and of any given one.

Value iteration: V(x) = c(x0) + min over q of K [q > 0] + E V(next(x, q, D)). The least and the
largest change of a step bound the average cost of a period from both sides, so the iteration stops
when they are close; see `value_iteration` for its steps.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from core_modules.textbook.instances import FloatArray, IntArray, LostSales, StateSpace
from core_modules.textbook.value_iteration import evaluate, improve, reach

OrderArray: TypeAlias = npt.NDArray[np.int32]

ACCURACY = 1e-6  # money a period between the bounds on the average cost
ROUGH = 1e-2  # the same, while the limits of the states are still being looked for
MOST_STEPS = 20_000
ROOM = 1.25  # by how much a limit that binds is raised
SPARE_UNITS = 2  # kept between a limit and what the best policy does


class NotConvergedError(ValueError):
    """Value iteration whose bounds on the cost do not meet, as where the policy is periodic."""


@dataclass(frozen=True, slots=True, eq=False)
class PolicyTable:
    """A policy as the order of every state."""

    space: StateSpace
    orders: OrderArray  # units by regime and place of the state, (regimes, space.size)


@dataclass(frozen=True, slots=True, eq=False)
class Optimum:
    """The best policy of an instance."""

    cost: float  # money a period
    error: float  # money a period; the true average cost is within cost +- error
    policy: PolicyTable


def optimal_policy(instance: LostSales, *, accuracy: float = ACCURACY) -> Optimum:
    """Return the best policy and its average cost.

    Orders and stock are limited for the iteration; the limits are raised until the best policy
    keeps away from them in every state that it reaches, and lowered to little more than that
    before the last, accurate run.

    >>> from core_modules.textbook.instances import one_regime, poisson_law
    >>> best = optimal_policy(one_regime(poisson_law(5), holding=1, penalty=4, lead_time=1))
    >>> round(best.cost, 4)  # published: 4.0407
    4.0407
    """
    space, wanted = _first_space(instance), max(accuracy, ROUGH)
    while True:
        found = _solve(instance, space, wanted)
        units, ordered = _needed(instance, found.policy)
        if units == space.most_units or ordered == space.most_ordered:
            space = _raised(space, units, ordered)
        elif wanted == accuracy:
            return found
        else:
            wanted = accuracy
            space = StateSpace(instance.lead_time, units + SPARE_UNITS, ordered + SPARE_UNITS)


def policy_cost(instance: LostSales, policy: PolicyTable, *, accuracy: float = ACCURACY) -> float:
    """Return the exact average cost of a given policy, money a period.

    Only states that the policy gets to from empty shelves count. Raises ValueError if it orders
    there more than `policy.space` has room for.
    """
    terms = _Terms(instance, policy.space)
    used = reached_places(instance, policy)
    orders, values = policy.orders, np.zeros(policy.orders.shape)
    ahead = np.zeros(values.shape)

    def step() -> tuple[float, float]:
        ahead[:, used] = instance.transition @ values[:, used]
        return evaluate(
            ahead, instance.demand, terms.beyond, terms.costs,
            instance.order_cost, terms.shape, used, orders, values,
        )  # fmt: skip

    return _iterated(step, accuracy)[0]


def reached_places(instance: LostSales, policy: PolicyTable) -> IntArray:
    """Return the places of the states that a policy can get to from empty shelves.

    Raises ValueError if it orders more than its space has room for.
    """
    space = policy.space
    orders = policy.orders
    room = space.room()
    if ((orders > np.maximum(room, 0)) | (orders < 0)).any():
        raise ValueError(f"an order goes beyond {space}: widen most_units or most_ordered")
    return reach(orders, instance.demand, space.shape)


class _Terms:
    """What the compiled steps want to know of an instance."""

    def __init__(self, instance: LostSales, space: StateSpace) -> None:
        law = instance.demand
        self.shape = space.shape
        self.costs = instance.period_cost(space.most_units)
        self.beyond = np.cumsum(law[:, ::-1], axis=1)[:, ::-1]  # (regimes, units)
        self.beyond = np.column_stack([self.beyond, np.zeros(len(law))])
        self.ratio = np.array([_geometric_ratio(row) for row in law])


def _geometric_ratio(law: FloatArray) -> float:
    """Return r where P(k + 1) = r P(k) throughout, else 0."""
    if law.size < 3 or (law == 0).any():
        return 0.0
    ratios = law[1:] / law[:-1]
    geometric = np.allclose(ratios, ratios[0], rtol=1e-9) and np.isclose(law[0], 1 - ratios[0])
    return float(ratios[0]) if geometric else 0.0


def _solve(instance: LostSales, space: StateSpace, accuracy: float) -> Optimum:
    terms = _Terms(instance, space)
    values = np.zeros((instance.regimes, space.size))
    orders = np.zeros(values.shape, dtype=np.int32)

    def step() -> tuple[float, float]:
        return improve(
            instance.transition @ values, instance.demand, terms.beyond, terms.ratio, terms.costs,
            instance.order_cost, terms.shape, values, orders,
        )  # fmt: skip

    cost, error = _iterated(step, accuracy)
    return Optimum(cost, error, PolicyTable(space, orders))


def _iterated(step: Callable[[], tuple[float, float]], accuracy: float) -> tuple[float, float]:
    """Repeat a step until its bounds meet; return the cost and how far it may be off."""
    for _ in range(MOST_STEPS):
        least, largest = step()
        if largest - least <= accuracy:
            return (least + largest) / 2, (largest - least) / 2
    raise NotConvergedError(
        f"the bounds {least:g} and {largest:g} on the cost do not meet within {accuracy:g} after "
        f"{MOST_STEPS} steps: ask for less accuracy"
    )


def _first_space(instance: LostSales) -> StateSpace:
    """Return limits to begin with: the stock that would be right if demand were backordered."""
    law = instance.demand[int(np.argmax(instance.mean_demand))]
    ratio = instance.penalty / (instance.penalty + instance.holding)
    of_all = law
    for _ in range(instance.lead_time):
        of_all = np.convolve(of_all, law)
    batch = np.sqrt(2 * instance.order_cost * instance.mean_demand.max() / instance.holding)
    units, ordered = (int(np.searchsorted(np.cumsum(p), ratio) + batch) for p in (of_all, law))
    return StateSpace(instance.lead_time, units + SPARE_UNITS, ordered + SPARE_UNITS)


def _needed(instance: LostSales, policy: PolicyTable) -> tuple[int, int]:
    """Return the most units, and the most units in one order, that a policy comes to."""
    used = reached_places(instance, policy)
    orders = policy.orders[:, used]
    return int((policy.space.totals()[used] + orders).max()), int(orders.max())


def _raised(space: StateSpace, units: int, ordered: int) -> StateSpace:
    most_units, most_ordered = space.most_units, space.most_ordered
    if units == most_units:
        most_units = int(most_units * ROOM) + SPARE_UNITS
    if ordered == most_ordered:
        most_ordered = int(most_ordered * ROOM) + SPARE_UNITS
    return StateSpace(space.lead_time, most_units, most_ordered)
