"""What the quantities of an order cost on each path, and what chance makes them cost too much."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core_modules.ordering.order_choice import safety_rung, shortfall
from core_modules.ordering.rollout import order_batch, path_costs, rollout_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from core_modules.ordering.order_problem import OrderProblem

FloatArray = NDArray[np.float64]


def expected_regret(
    problem: OrderProblem, need: FloatArray, arriving: float, shortage: float
) -> float:
    """Return the money that knowing the demand which this order serves would save, on average.

    `need` is each path's units wanted from the order until the next delivery, (paths,), negative
    where there are units to spare, and `shortage` the true money of a lost unit. The newsvendor's
    loss against each path's best accepted quantity: a unit short is lost; X units too many are held
    for the review period R and then until demand of pace d has used them up, h (R X + X^2 / (2 d)),
    those that expire before are wasted. What no quantity could have averted, demand lost before the
    order arrives or stock that was there anyway, is no regret, nor is the batch that saves the cost
    of further orders.
    """
    best = _best_arriving(problem, need)
    batch = order_batch(problem) if arriving > 0 else 0.0
    short = np.maximum(np.minimum(need, best) - arriving, 0.0)
    spare = np.maximum(arriving - best - batch, 0.0)
    pace = max(float(problem.outlook.mean.mean()), 1e-9)
    kept = spare if problem.shelf_life == 0 else np.minimum(spare, pace * problem.shelf_life)
    held = problem.costs.holding * (problem.review_period * kept + kept**2 / (2 * pace))
    lost = shortage * short + held + problem.costs.waste * (spare - kept)
    return float(problem.outlook.weights @ lost)


def _best_arriving(problem: OrderProblem, need: FloatArray) -> FloatArray:
    """Return the units that arrive of the smallest accepted quantity that serves each need."""
    steps, share = problem.steps, max(problem.filled_share, 1e-9)
    packs = np.maximum(np.ceil(need / (share * steps.pack_size) - 1e-9), steps.first)
    largest = steps.max_order // steps.pack_size * steps.pack_size
    quantity = np.minimum(packs * steps.pack_size, largest)
    return np.where(need > 0, quantity * problem.filled_share, 0.0)


def later_safety(problem: OrderProblem) -> float:
    """Return the standard deviations that later orders keep as safety, as `choose_order` has it."""
    rung = safety_rung(problem.costs.shortage, problem.costs.holding * problem.review_period)
    return shortfall(problem).safety(rung)


def costs_by_path(
    problem: OrderProblem,
    quantities: Iterable[int],
    shortage: float | None = None,
    safety: float | None = None,
) -> FloatArray:
    """Return what each quantity costs on each path, money, (quantities, paths).

    A lost unit costs `shortage`, by default what it counts in the problem; later orders keep
    `safety` standard deviations, by default those of `choose_order`.
    """
    world = rollout_of(problem)
    lost = problem.costs.shortage if shortage is None else shortage
    z = later_safety(problem) if safety is None else safety
    tried = list(quantities)
    table = np.empty((len(tried), problem.outlook.weights.size))
    for row, quantity in enumerate(tried):
        path_costs(world, float(quantity), lost, z, table[row])
    return table
