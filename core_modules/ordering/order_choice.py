"""Chooses the quantity with the least expected cost over the paths of an order problem."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from core_modules.ordering.order_problem import OrderProblem, OrderSteps
from core_modules.ordering.rollout import rollout_of, search, weighed
from core_modules.ordering.stock_ahead import short_each

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# Safety of later orders, in standard deviations, stands on a ladder: within a rung the future is
# the same whatever a lost unit costs, so that a dearer one never lowers tonight's order.
RUNG = 0.25
LOWEST, HIGHEST = -2.0, 4.0
# A unit left over is held for about two review periods before it replaces one of a later order.
HELD_REVIEWS = 2.0
FINEST = 0.02  # of the spread of need: the smallest step between quantities tried
WIDE = 4  # smallest steps that the first one is at least, to see over the bumps of thin demand


@dataclass(frozen=True, slots=True)
class Risk:
    """How far the costs of bad paths count more than the mean."""

    weight: float = 0.0  # of the tail's mean (CVaR) in what is minimised, 0 to 1
    tail: float = 0.1  # share of the worst paths, 0 to 1

    def __post_init__(self) -> None:
        if not 0 <= self.weight <= 1:
            raise ValueError(f"weight of risk must be 0 to 1, got {self.weight}")
        if not 0 < self.tail <= 1:
            raise ValueError(f"tail of risk must be above 0 and up to 1, got {self.tail}")


@dataclass(frozen=True, slots=True, eq=False)
class OrderChoice:
    """The quantity chosen and what it was weighed against."""

    quantity: int  # units
    quantities: IntArray  # (tried,) units, rising; the chosen one among them
    costs: FloatArray  # (tried,) money: expected, or with the weight of risk
    path_costs: FloatArray  # (tried, paths) money

    @property
    def place(self) -> int:
        """Where the chosen quantity stands among those tried."""
        return int(np.searchsorted(self.quantities, self.quantity))


def choose_order(
    problem: OrderProblem, risk: Risk | None = None, least: float = 0.0, start: float | None = None
) -> OrderChoice:
    """Return the accepted quantity of least expected cost, and no less than `least`.

    Cost falls and then rises with the quantity where nothing is fixed, so quantities are tried from
    `start` (by default the plain rule's need) in steps that halve. With a cost an order, a minimum
    or a shelf life, not ordering and whole batches are tried as well.
    """
    risk = risk or Risk()
    if problem.filled_share <= 0:  # nothing of tonight's order would come
        problem = replace(problem, steps=OrderSteps(max_order=0))
        least = 0.0
    world = rollout_of(problem)
    costs, steps = problem.costs, problem.steps
    held = costs.holding * problem.review_period
    rung = safety_rung(costs.shortage, held)
    short = shortfall(problem)
    need, spread = short.level(rung), short.spread
    begin = need if start is None else start
    share = max(problem.filled_share, 1e-9)
    floor = steps.place(least / share) if least > 0 else 0
    starts = [begin]
    if world.batch > 0 or steps.first > 1 or steps.pack_size > 1 or problem.shelf_life:
        starts += [0.0, begin + world.batch / 2, begin + world.batch, begin + 2 * world.batch]
    fine = max(int(FINEST * spread / steps.pack_size), 1)
    widest = max(spread / (2 * steps.pack_size), WIDE * fine) if spread > 0 else 0.0
    coarse = fine
    while 2 * coarse <= widest:
        coarse *= 2
    # On one grid whatever a lost unit costs, so that a dearer one cannot end a step lower.
    last = floor + (steps.count - 1 - floor) // fine * fine
    places = sorted(
        {
            min(floor + math.ceil(max(steps.place(one / share) - floor, 0) / fine) * fine, last)
            for one in starts
        }
    )
    below = (costs.shortage, short.safety(rung))
    if rung > LOWEST:
        below = (cost_at(rung - RUNG, held), short.safety(rung - RUNG))
    tried, found, table = search(
        world,
        np.array(places, dtype=np.int64),
        (floor, last),
        (coarse, fine),
        (costs.shortage, short.safety(rung)),
        below,
        problem.outlook.weights,
        (risk.weight, risk.tail),
    )
    order = np.argsort(tried)
    quantities = np.array([steps.quantity(int(tried[one])) for one in order], dtype=np.int64)
    table = table[order]
    weights = problem.outlook.weights
    objective = np.array([weighed(row, weights, risk.weight, risk.tail) for row in table])
    return OrderChoice(steps.quantity(int(found)), quantities, objective, table)


def safety_rung(shortage: float, holding: float) -> float:
    """Return the rung, in normal standard deviations, for the costs of a lost and of a held unit.

    `holding` is that of a review period.
    """
    if shortage <= 0:
        return LOWEST
    if holding <= 0:
        return HIGHEST
    z = float(ndtri(shortage / (shortage + HELD_REVIEWS * holding)))
    return float(np.clip(np.ceil(z / RUNG - 1e-9) * RUNG, LOWEST, HIGHEST))


def cost_at(rung: float, holding: float) -> float:
    """Return the largest cost of a lost unit for which later orders keep to a rung, money."""
    ratio = float(ndtr(rung))
    return HELD_REVIEWS * holding * ratio / (1 - ratio)


@dataclass(frozen=True, slots=True, eq=False)
class Shortfall:
    """Units that are wanting when the order arrives, until the next one, by path."""

    units: FloatArray  # (paths,) rising; negative: units to spare
    reached: FloatArray  # (paths,) weight of the path and those below it
    mean: float
    spread: float  # standard deviation

    def level(self, rung: float) -> float:
        """Return the units, 0 or more, that suffice with the chance that belongs to a rung."""
        at = min(int(np.searchsorted(self.reached, ndtr(rung) - 1e-12)), self.units.size - 1)
        return max(float(self.units[at]), 0.0)

    def safety(self, rung: float) -> float:
        """Return the standard deviations above the mean that belong to a rung."""
        at = min(int(np.searchsorted(self.reached, ndtr(rung) - 1e-12)), self.units.size - 1)
        return (float(self.units[at]) - self.mean) / self.spread if self.spread > 0 else 0.0


def shortfall(problem: OrderProblem) -> Shortfall:
    """Project stock to the order's arrival, lost sales cutting each path at zero."""
    outlook = problem.outlook
    units = np.empty(outlook.weights.size)
    before = float(problem.on_hand - problem.backlog)
    times = (problem.lead_time, problem.review_period)
    short_each(outlook.demand, problem.due, before, *times, problem.backorders, units)
    mean = float(outlook.weights @ units)
    spread = math.sqrt(max(float(outlook.weights @ (units - mean) ** 2), 0.0))
    order = np.argsort(units, kind="stable")
    return Shortfall(units[order], np.cumsum(outlook.weights[order]), mean, spread)
