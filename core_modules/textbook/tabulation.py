"""Tables and costs of a rule given as a function: what it orders, asked only where it gets to.

This is how any decision procedure, the agent's included, is held against the exact optimum. A rule
is asked about states in Zipkin's times: the stock on hand after the period's delivery and before
its demand, then the orders under way, oldest first. The evening before, in our own convention, that
is the stock left plus what is due in the morning, then what is due on the days after; our lead
time is `LostSales.lead_time` + 1.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from core_modules.textbook.instances import IntArray, LostSales, StateSpace
from core_modules.textbook.lost_sales import OrderArray, PolicyTable, optimal_policy, policy_cost
from core_modules.textbook.simulated_cost import DemandPaths
from core_modules.textbook.value_iteration import reach

# What to order by states, (n, lead_time), of one regime: units, (n,).
Rule: TypeAlias = Callable[[IntArray, int], IntArray]

UNKNOWN = -1  # the order of a state that the rule was not asked about yet
ROOM = 1.5  # times what the best policy orders and holds: room for a rule


@dataclass(frozen=True, slots=True, eq=False)
class Regret:
    """A rule's exact cost beside the optimum's."""

    cost: float  # money a period
    optimal_cost: float  # money a period
    policy: PolicyTable  # what the rule orders

    @property
    def share(self) -> float:
        """Return by how much the rule costs more, as a share of the optimum."""
        return self.cost / self.optimal_cost - 1


def regret_of(instance: LostSales, rule: Rule) -> Regret:
    """Return the exact cost of a rule beside the optimum's.

    Asks the rule about every state that it can get to from empty shelves: tens of them at lead
    time 1 and tens of thousands at lead time 4, handed over in a dozen or so calls.
    """
    best = optimal_policy(instance)
    space = StateSpace(
        instance.lead_time,
        int(best.policy.space.most_units * ROOM),
        int(best.policy.space.most_ordered * ROOM),
    )
    policy = tabulate(instance, space, rule)
    return Regret(policy_cost(instance, policy), best.cost, policy)


def tabulate(instance: LostSales, space: StateSpace, rule: Rule) -> PolicyTable:
    """Return the table of a rule, asked about every state that it can get to from empty shelves.

    Its exact cost is `policy_cost`. Raises ValueError where `space` has no room for an order.
    """
    orders = np.full((instance.regimes, space.size), UNKNOWN, dtype=np.int32)
    while True:
        places = reach(orders, instance.demand, space.shape)
        asked = False
        for regime in range(instance.regimes):
            new = places[orders[regime, places] == UNKNOWN]
            asked |= new.size > 0
            _ask(rule, space, regime, new, orders)
        if not asked:
            return PolicyTable(space, np.maximum(orders, 0))


def tabulate_visited(
    instance: LostSales, space: StateSpace, rule: Rule, demand: DemandPaths
) -> PolicyTable:
    """Return the table of a rule, asked only about the states that it visits on some demand.

    For rules that are slow to ask or whose states are many; elsewhere its orders are 0, so only
    `simulated_cost` on the same demand means anything.
    """
    orders = np.full((instance.regimes, space.size), UNKNOWN, dtype=np.int32)
    width, stride = space.most_ordered + 1, space.stride
    place = np.zeros(len(demand.units), dtype=np.int64)  # empty shelves
    for units, regimes in zip(demand.units.T, demand.regimes.T, strict=True):
        for regime in range(instance.regimes):
            here = np.unique(place[regimes == regime])
            _ask(rule, space, regime, here[orders[regime, here] == UNKNOWN], orders)
        left = np.maximum(place // stride - units, 0)
        way = place % stride
        following = max(stride // width, 1)
        start = 0 if stride == 1 else way // following * stride + way % following * width
        place = start + left * stride + orders[regimes, place]
    return PolicyTable(space, np.maximum(orders, 0))


def _ask(rule: Rule, space: StateSpace, regime: int, places: IntArray, orders: OrderArray) -> None:
    if places.size == 0:
        return
    states = space.states_at(places)
    wanted = np.asarray(rule(states, regime))
    room = np.minimum(space.most_units - states.sum(axis=1), space.most_ordered)
    wrong = np.flatnonzero((wanted < 0) | (wanted > room))
    if wrong.size:
        raise ValueError(
            f"the rule orders {wanted[wrong[0]]} in state {states[wrong[0]].tolist()}, where "
            f"{space} has room for {room[wrong[0]]}: widen most_units or most_ordered"
        )
    orders[regime, places] = wanted
