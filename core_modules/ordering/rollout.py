"""What a quantity ordered tonight costs on each path, when later orders follow a plain rule.

The rule for later orders needs no paths of its own: it carries mean and variance of stock to the
moment at which the order arrives, cut at zero in each period as lost sales cut it, and fills up to
what covers the periods until the next delivery, `z` standard deviations above the mean. Alone it is
some percent above the best; as the future of tonight's order it serves as well as the best rule,
for what it gets wrong it gets wrong for every quantity.

All compiled code of a decision is in this file: what numba keeps on disk of a function is renewed
when the file changes, not when a function that it calls from another file does.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.special import ndtr

from core_modules.ordering.order_problem import NO_MAXIMUM, OrderProblem

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

FURTHEST = 4.0  # standard deviations from zero beyond which a normal number is cut wholly or not
MOST_TRIED = 64  # quantities a search
CELLS = 64  # of the tables, a standard deviation


def _cut_tables() -> tuple[FloatArray, FloatArray]:
    """Return mean and variance of max(r + normal, 0), by r from -FURTHEST to FURTHEST."""
    ratio = np.linspace(-FURTHEST, FURTHEST, int(2 * FURTHEST * CELLS) + 1)
    density = np.exp(-0.5 * ratio**2) / math.sqrt(2 * math.pi)
    mean = ratio * ndtr(ratio) + density
    square = (ratio**2 + 1) * ndtr(ratio) + ratio * density
    return mean, np.maximum(square - mean**2, 0.0)


# Interpolated: the error function itself would take most of the time of a decision.
CUT_MEAN, CUT_VARIANCE = _cut_tables()


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


@njit(cache=True, error_model="numpy", nogil=True)
def path_costs(  # noqa: C901, PLR0915 - calls with arrays cost more here than all arithmetic
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


@njit(cache=True, error_model="numpy", nogil=True)
def _take_oldest(lots: FloatArray, oldest: int, sold: float) -> int:
    """Take `sold` units from the lots in order of age; return the first lot that is left."""
    while sold > 1e-9 and oldest < lots.size:
        taken = min(lots[oldest], sold)
        lots[oldest] -= taken
        sold -= taken
        if lots[oldest] <= 1e-9 and sold > 1e-9:
            oldest += 1
    return oldest


@njit(cache=True, error_model="numpy", nogil=True)
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


@njit(cache=True, error_model="numpy", nogil=True)
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


@njit(cache=True, error_model="numpy", nogil=True)
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


@njit(cache=True, error_model="numpy", nogil=True)
def weighed(costs: FloatArray, weights: FloatArray, weight: float, tail: float) -> float:
    """Return the mean cost, moved towards the mean of the worst paths by `weight`."""
    mean = float((costs * weights).sum())
    if weight == 0.0:
        return mean
    left, worst = tail, 0.0
    for place in np.argsort(-costs):
        share = min(weights[place], left)
        worst += share * costs[place]
        left -= share
        if left <= 0.0:
            break
    return (1.0 - weight) * mean + weight * worst / tail


@njit(cache=True, error_model="numpy", nogil=True)
def search(  # noqa: C901 - one search
    world: Rollout,
    starts: IntArray,
    bounds: tuple[int, int],
    step_sizes: tuple[int, int],
    now: tuple[float, float],
    below: tuple[float, float],
    weights: FloatArray,
    risk: tuple[float, float],
) -> tuple[IntArray, int, FloatArray]:
    """Try places from the starts in halving steps: (places tried, the best, path costs of each)."""
    paths = weights.size
    tried = np.empty(MOST_TRIED, np.int64)
    table = np.empty((MOST_TRIED, paths))
    value = np.empty(MOST_TRIED)
    count, best = 0, -1
    for start in starts:
        count, at = _try(world, start, now, weights, risk, tried, table, value, count)
        if best < 0 or value[at] < value[best]:
            best = at
    step = step_sizes[0]
    while step >= step_sizes[1] and count < MOST_TRIED - 4:
        moved = False
        for side in (1, -1):
            place = tried[best] + side * step
            if place < bounds[0] or place > bounds[1]:
                continue
            count, at = _try(world, place, now, weights, risk, tried, table, value, count)
            if value[at] < value[best]:
                best, moved = at, True
                break
        if not moved:
            if step == step_sizes[1]:
                break
            step = max(step // 2, step_sizes[1])
    # The order of the rung below, at its dearest, is the least of this one's: see `order_choice`.
    here, above = np.empty(paths), np.empty(paths)
    while tried[best] + step_sizes[1] <= bounds[1] and count < MOST_TRIED - 2:
        path_costs(world, _units(world, tried[best]), below[0], below[1], here)
        more = _units(world, tried[best] + step_sizes[1])
        path_costs(world, more, below[0], below[1], above)
        if weighed(above, weights, risk[0], risk[1]) >= weighed(here, weights, risk[0], risk[1]):
            break
        place = tried[best] + step_sizes[1]
        count, best = _try(world, place, now, weights, risk, tried, table, value, count)
    return tried[:count], tried[best], table[:count]


@njit(cache=True, error_model="numpy", nogil=True)
def _try(
    world: Rollout,
    place: int,
    now: tuple[float, float],
    weights: FloatArray,
    risk: tuple[float, float],
    tried: IntArray,
    table: FloatArray,
    value: FloatArray,
    count: int,
) -> tuple[int, int]:
    """Cost a place unless it was tried: (places tried, where it stands)."""
    for at in range(count):
        if tried[at] == place:
            return count, at
    path_costs(world, _units(world, place), now[0], now[1], table[count])
    tried[count] = place
    value[count] = weighed(table[count], weights, risk[0], risk[1])
    return count + 1, count


@njit(cache=True, error_model="numpy", nogil=True)
def _units(world: Rollout, place: int) -> float:
    return 0.0 if place == 0 else float((world.first_packs + place - 1) * world.pack_size)
