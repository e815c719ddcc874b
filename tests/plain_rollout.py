"""What a quantity costs on each path, path by path and period by period: the kernel's referee."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core_modules.ordering.order_problem import NO_MAXIMUM, OrderProblem
from core_modules.ordering.rollout import CELLS, CUT_MEAN, CUT_VARIANCE, FURTHEST

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class Rollout(NamedTuple):
    """An order problem in the plain arrays and numbers that compiled code takes."""

    demand: FloatArray  # (paths, periods)
    mean: FloatArray  # (periods,)
    variance: FloatArray  # (periods,)
    known: FloatArray  # (paths, periods)
    surge: FloatArray  # (paths, periods)
    surge_stays: float
    level_precision: float  # 1 / variance of the log level; inf: the level is sure
    resumes: IntArray  # (paths,)
    due: FloatArray  # (periods,)
    on_hand: float
    backlog: float
    review_period: int
    filled_share: float
    shelf_life: int
    backorders: bool
    holding: float
    order_cost: float
    waste: float
    batch: float  # units ordered at a time beyond the need, >= 0
    pack_size: int
    first_packs: int
    largest: float
    lead_times: IntArray  # (paths, 1 + periods)
    shares: FloatArray  # (paths,)


def rollout_of(problem: OrderProblem) -> Rollout:
    """Lay a problem out for `path_costs`."""
    outlook, steps, costs = problem.outlook, problem.steps, problem.costs
    paths = outlook.demand.shape[0]
    resumes = np.zeros(paths, np.int64) if outlook.resumes is None else outlook.resumes
    pace = float(outlook.mean.mean())
    cycle = 0.0
    if costs.order > 0 and costs.holding > 0:
        # The economic order quantity, less what the need holds beyond the level at which an order
        # goes out: half of a review period's demand and of its scatter on average.
        cycle = math.sqrt(2 * costs.order * pace / costs.holding)
        beyond = pace * problem.review_period + float(outlook.variance.mean()) / max(pace, 1e-9)
        cycle -= beyond / 2
    return Rollout(
        demand=outlook.demand,
        mean=outlook.mean,
        variance=outlook.variance,
        known=outlook.known,
        surge=outlook.surge,
        surge_stays=outlook.surge_stays,
        level_precision=1 / outlook.level_variance if outlook.level_variance > 0 else math.inf,
        resumes=resumes,
        due=problem.due,
        on_hand=float(problem.on_hand),
        backlog=float(problem.backlog),
        review_period=problem.review_period,
        filled_share=float(problem.filled_share),
        shelf_life=problem.shelf_life,
        backorders=problem.backorders,
        holding=float(costs.holding),
        order_cost=float(costs.order),
        waste=float(costs.waste),
        batch=max(cycle, 0.0),
        pack_size=steps.pack_size,
        first_packs=steps.first,
        largest=float(steps.max_order // steps.pack_size * steps.pack_size),
        lead_times=_lead_times(problem),
        shares=np.ones(paths) if problem.shares is None else problem.shares,
    )


def _lead_times(problem: OrderProblem) -> IntArray:
    """Return the periods that tonight's order and one of each later evening take."""
    if problem.lead_times is not None:
        return problem.lead_times
    paths, periods = problem.outlook.demand.shape
    days = np.full((paths, 1 + periods), problem.later_lead_time, dtype=np.int64)
    days[:, 0] = problem.lead_time
    return days


def path_costs(  # noqa: C901, PLR0915 - in one piece, to be read beside the kernel
    world: Rollout, quantity: float, shortage: float, z: float, costs: FloatArray
) -> None:
    """Fill `costs` (paths,) with the money that a quantity ordered tonight costs on each path."""
    demand, mean, variance = world.demand, world.mean, world.variance
    known, surge, stays = world.known, world.surge, world.surge_stays
    backorders, life, review = world.backorders, world.shelf_life, world.review_period
    learns = world.level_precision < np.inf
    plain = (
        world.batch == 0
        and life == 0
        and world.pack_size == 1
        and world.first_packs == 1
        and world.largest >= NO_MAXIMUM
    )
    paths, periods = demand.shape
    arriving = np.empty(periods)
    lots = np.empty(periods + life + 1)  # units on hand by period of arrival, shifted by the life
    for path in range(paths):
        arriving[:] = world.due
        if world.lead_times[path, 0] <= periods:
            arrives = quantity * world.filled_share * world.shares[path]
            arriving[world.lead_times[path, 0] - 1] += arrives
        cost = world.order_cost if quantity > 0 else 0.0
        stock, owed = world.on_hand, world.backlog
        surprise, evidence = 0.0, 0.0
        oldest = life - 1
        if life > 0:
            lots[:] = 0.0
            lots[oldest] = stock  # taken to be as fresh as can be
        for period in range(periods):
            stock += arriving[period]
            if backorders:
                served = min(stock, owed)
                stock -= served
                owed -= served
            wanted = demand[path, period]
            sold = min(stock, wanted)
            stock -= sold
            short = wanted - sold
            if backorders:
                owed += short
                cost += shortage * owed
            else:
                cost += shortage * short
            cost += world.holding * stock
            if life > 0:
                lots[period + life] = arriving[period]
                oldest = _take_oldest(lots, oldest, sold)
                spoiled = lots[period + 1]  # arrived a life ago, less what was sold of it
                lots[period + 1] = 0.0
                stock = max(stock - spoiled, 0.0)
                cost += world.waste * spoiled
            usual = mean[period] * known[path, period] * surge[path, period]
            if learns and usual > 0 and variance[period] > 0:
                surprise += usual * wanted / variance[period]
                evidence += usual * usual / variance[period]
            if (period + 1) % review == 0:
                arrival = max(period + world.lead_times[path, 1 + period], world.resumes[path])
                if arrival < periods:
                    level = 1.0
                    if learns:
                        level = (world.level_precision + surprise) / (
                            world.level_precision + evidence
                        )
                    extra = surge[path, period] - 1.0
                    projected, spread = stock - owed, 0.0
                    for column in range(period + 1, arrival):
                        extra *= stays
                        factor = level * known[path, column] * (1.0 + extra)
                        projected += arriving[column] - mean[column] * factor
                        spread += variance[column] * factor
                        if not backorders:
                            projected, spread = _cut_at_zero(projected, spread)
                    projected += arriving[arrival]
                    last = min(arrival + review, periods)
                    for column in range(arrival, last):
                        extra *= stays
                        factor = level * known[path, column] * (1.0 + extra)
                        projected -= mean[column] * factor
                        spread += variance[column] * factor
                        if column > arrival:
                            projected += arriving[column]
                    need = z * math.sqrt(spread) - projected
                    if need > 0:
                        if plain:
                            later = need
                        else:
                            later = _batched(world, need, mean[arrival:last].mean(), projected)
                        if later > 0:
                            cost += world.order_cost
                            arriving[arrival] += later
        costs[path] = cost + _left_over(world, path, stock, z)


def _take_oldest(lots: FloatArray, oldest: int, sold: float) -> int:
    """Take `sold` units from the lots in order of age; return the first lot that is left."""
    while sold > 1e-9 and oldest < lots.size:
        taken = min(lots[oldest], sold)
        lots[oldest] -= taken
        sold -= taken
        if lots[oldest] <= 1e-9 and sold > 1e-9:
            oldest += 1
    return oldest


def _batched(world: Rollout, need: float, pace: float, spare: float) -> float:
    """Return the units ordered for a need: in batches and packs, and none that would expire."""
    wanted = need + world.batch
    if world.shelf_life > 0:
        # `spare` is what is left of the stock, short of the need, after the days it covers.
        most = pace * max(world.shelf_life - world.review_period, 0) - spare
        wanted = max(min(wanted, most), 0.0)
    if wanted > 0 and (world.pack_size > 1 or world.first_packs > 1):
        packs = max(math.ceil(wanted / world.pack_size - 1e-9), world.first_packs)
        wanted = packs * world.pack_size
    return min(wanted, world.largest)


def _cut_at_zero(mean: float, variance: float) -> tuple[float, float]:
    """Return mean and variance of a normal number whose negative part is replaced by zero."""
    if variance <= 1e-12:
        return max(mean, 0.0), 0.0
    spread = math.sqrt(variance)
    ratio = mean / spread
    if ratio >= FURTHEST:
        return mean, variance
    if ratio <= -FURTHEST:
        return 0.0, 0.0
    place = (ratio + FURTHEST) * CELLS
    cell = int(place)
    part = place - cell
    cut = CUT_MEAN[cell] + part * (CUT_MEAN[cell + 1] - CUT_MEAN[cell])
    left = CUT_VARIANCE[cell] + part * (CUT_VARIANCE[cell + 1] - CUT_VARIANCE[cell])
    return spread * cut, variance * left


def _left_over(world: Rollout, path: int, stock: float, z: float) -> float:
    """Return what stock at the end of the last period still costs, compared with ordinary stock.

    Stock X beyond the ordinary lasts X / d periods and costs h X^2 / (2 d); where ordering costs K
    it saves X of the next batches, h Q X / d with the economic quantity Q = sqrt(2 K d / h).
    """
    last = world.mean.size - 1
    recent = max(last - 6, 0)
    pace, variance = 0.0, 0.0
    for column in range(recent, last + 1):
        pace += world.mean[column] * world.known[path, column] / (last + 1 - recent)
        variance += world.variance[column] * world.known[path, column] / (last + 1 - recent)
    ordinary = pace * world.review_period + z * math.sqrt(variance * world.review_period)
    extra = max(stock - max(ordinary, 0.0), 0.0)
    pace = max(pace, 1e-9)
    saved = 0.0
    if world.order_cost > 0 and world.holding > 0:
        quantity = math.sqrt(2 * world.order_cost * pace / world.holding)
        saved = world.holding * quantity * min(extra, quantity) / pace
    held = world.holding * extra * extra / (2 * pace)
    if world.shelf_life > 0:
        spoiled = max(extra - pace * world.shelf_life, 0.0)
        held = world.holding * (extra - spoiled) ** 2 / (2 * pace) + world.waste * spoiled
    return held - saved
