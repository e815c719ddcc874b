"""What a quantity ordered tonight costs on each path, when later orders follow a plain rule.

The rule for later orders needs no paths of its own: it carries mean and variance of stock to the
moment at which the order arrives, cut at zero in each period as lost sales cut it, and fills up to
what covers the periods until the next delivery, `z` standard deviations above the mean. Alone it is
some percent above the best; as the future of tonight's order it serves as well as the best rule,
for what it gets wrong it gets wrong for every quantity.

All compiled code of a decision is in this file: what numba keeps on disk of a function is renewed
when the file changes, not when a function that it calls from another file does.
"""
# ruff: noqa: FURB136 - `min` and `max` take care of NaN, and a loop with them is not vectorised

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.special import ndtr

from core_modules.ordering.order_problem import OrderProblem

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

FURTHEST = 4.0  # standard deviations from zero beyond which a normal number is cut wholly or not
MOST_TRIED = 64  # quantities a search
CELLS = 64  # of the tables, a standard deviation
LAST_CELL = 2 * FURTHEST * CELLS - 1.0


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
    """An order problem in the plain arrays and numbers that compiled code takes.

    Paths stand side by side, periods one after the other: what is done to a period is done to all
    paths at once, which the processor does several at a time.
    """

    demand: FloatArray  # (periods, paths)
    mean: FloatArray  # (periods,)
    variance: FloatArray  # (periods,)
    known: FloatArray  # (periods, paths)
    extra: FloatArray  # (periods, paths) what a surge adds to a multiplier of 1
    surge_stays: float
    level: FloatArray  # (periods, paths) as a path's periods have told it
    pace: FloatArray  # (paths,) units a period at the end, surges left out
    pace_variance: FloatArray  # (paths,)
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
    arrival: IntArray  # (paths,) column on which tonight's order arrives
    arrivals: IntArray  # (periods, paths) and an order of the evening of each period
    shares: FloatArray  # (paths,)
    order: IntArray  # (paths,) where each of these paths stands in the problem


def rollout_of(problem: OrderProblem) -> Rollout:
    """Lay a problem out for `path_costs`."""
    outlook, steps, costs = problem.outlook, problem.steps, problem.costs
    paths = outlook.demand.shape[0]
    arrival, arrivals = _arrivals(problem)
    # Paths whose orders arrive together become neighbours, to be carried on together.
    order = np.argsort(arrivals[0], kind="stable")
    demand, known, surge = (
        np.ascontiguousarray(one[order].T) for one in (outlook.demand, outlook.known, outlook.surge)
    )
    shares = np.ones(paths) if problem.shares is None else problem.shares[order]
    precision = 1 / outlook.level_variance if outlook.level_variance > 0 else math.inf
    return Rollout(
        demand=demand,
        mean=outlook.mean,
        variance=outlook.variance,
        known=known,
        extra=surge - 1.0,
        surge_stays=outlook.surge_stays,
        level=levels_shown(demand, outlook.mean, outlook.variance, known, surge, precision),
        pace=recent_pace(outlook.mean, known),
        pace_variance=recent_pace(outlook.variance, known),
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
        batch=order_batch(problem),
        pack_size=steps.pack_size,
        first_packs=steps.first,
        largest=float(steps.max_order // steps.pack_size * steps.pack_size),
        arrival=arrival[order],
        arrivals=arrivals.take(order, axis=1),
        shares=shares,
        order=order,
    )


def order_batch(problem: OrderProblem) -> float:
    """Return the units that are ordered at a time beyond the need, >= 0.

    The economic order quantity, less what the need holds beyond the level at which an order goes
    out: half of a review period's demand and of its scatter on average.
    """
    outlook, costs = problem.outlook, problem.costs
    if not (costs.order > 0 and costs.holding > 0):
        return 0.0
    pace = float(outlook.mean.mean())
    cycle = math.sqrt(2 * costs.order * pace / costs.holding)
    beyond = pace * problem.review_period + float(outlook.variance.mean()) / max(pace, 1e-9)
    return max(cycle - beyond / 2, 0.0)


def _arrivals(problem: OrderProblem) -> tuple[IntArray, IntArray]:
    """Return the columns on which tonight's order arrives, and one of each evening to come."""
    paths, periods = problem.outlook.demand.shape
    evenings = np.arange(periods)[:, None]
    if problem.lead_times is None:
        tonight = np.full(paths, problem.lead_time - 1, dtype=np.int64)
        later = np.repeat(evenings + problem.later_lead_time, paths, axis=1)
    else:
        tonight = problem.lead_times[:, 0] - 1
        later = evenings + problem.lead_times[:, 1:].T
    resumes = problem.outlook.resumes
    later = later if resumes is None else np.maximum(later, resumes)
    return tonight, later


@njit(cache=True, error_model="numpy", nogil=True)
def levels_shown(
    demand: FloatArray,
    mean: FloatArray,
    variance: FloatArray,
    known: FloatArray,
    surge: FloatArray,
    precision: float,
) -> FloatArray:
    """Return the level that each path's demand has shown by the end of each period.

    `precision` is 1 / variance of the log level; inf: the level is sure.
    """
    periods, paths = demand.shape
    level = np.ones((periods, paths))
    if precision == np.inf:
        return level
    surprise, evidence = np.zeros(paths), np.zeros(paths)
    for period in range(periods):
        scatter = variance[period]
        for path in range(paths):
            usual = mean[period] * known[period, path] * surge[period, path]
            if usual > 0 and scatter > 0:
                surprise[path] += usual * demand[period, path] / scatter
                evidence[path] += usual * usual / scatter
            level[period, path] = (precision + surprise[path]) / (precision + evidence[path])
    return level


@njit(cache=True, error_model="numpy", nogil=True)
def recent_pace(units: FloatArray, known: FloatArray) -> FloatArray:
    """Return what the last seven periods hold on average, known events included, (paths,)."""
    periods, paths = known.shape
    first = max(periods - 7, 0)
    pace = np.zeros(paths)
    for column in range(first, periods):
        for path in range(paths):
            pace[path] += units[column] * known[column, path] / (periods - first)
    return pace


@njit(cache=True, error_model="numpy", nogil=True)
def path_costs(
    world: Rollout, quantity: float, shortage: float, z: float, costs: FloatArray
) -> None:
    """Fill `costs` (paths,) with the money that a quantity ordered tonight costs on each path."""
    periods, paths = world.demand.shape
    arriving = np.empty((periods, paths))
    for period in range(periods):
        arriving[period] = world.due[period]
    for path in range(paths):
        arrival = world.arrival[path]
        if arrival < periods:
            arriving[arrival, path] += quantity * world.filled_share * world.shares[path]
    stock, owed = np.full(paths, world.on_hand), np.full(paths, world.backlog)
    projected, spread, extra = np.empty(paths), np.empty(paths), np.empty(paths)
    life = world.shelf_life
    # Units on hand by period of arrival, shifted by the life; taken to be as fresh as can be.
    lots = np.zeros((paths, periods + life + 1 if life > 0 else 0))
    oldest = np.full(paths, life - 1)
    if life > 0:
        lots[:, life - 1] = world.on_hand
    charged = np.full(paths, world.order_cost if quantity > 0 else 0.0)
    for period in range(periods):
        if life > 0:
            _sell_perishable(world, period, arriving, shortage, stock, owed, lots, oldest, charged)
        else:
            _sell(world, period, arriving[period], shortage, stock, owed, charged)
        if (period + 1) % world.review_period == 0:
            _order_again(world, period, z, arriving, stock, owed, projected, spread, extra, charged)
    _charge_left_over(world, z, stock, charged)
    for path in range(paths):
        costs[world.order[path]] = charged[path]


@njit(cache=True, error_model="numpy", nogil=True)
def _sell(
    world: Rollout,
    period: int,
    arriving: FloatArray,
    shortage: float,
    stock: FloatArray,
    owed: FloatArray,
    costs: FloatArray,
) -> None:
    """Receive and sell a period's units of goods that keep, and charge it."""
    demand, holding = world.demand[period], world.holding
    if world.backorders:
        for path in range(stock.size):
            there = stock[path] + arriving[path]
            served = min(there, owed[path])
            there -= served
            sold = min(there, demand[path])
            stock[path] = there - sold
            owed[path] = owed[path] - served + (demand[path] - sold)
            costs[path] += shortage * owed[path]
            costs[path] += holding * stock[path]
        return
    for path in range(stock.size):
        there, wanted = stock[path] + arriving[path], demand[path]
        sold = there if there < wanted else wanted
        left = there - sold
        stock[path] = left
        costs[path] = (costs[path] + shortage * (wanted - sold)) + holding * left


@njit(cache=True, error_model="numpy", nogil=True)
def _sell_perishable(
    world: Rollout,
    period: int,
    arriving: FloatArray,
    shortage: float,
    stock: FloatArray,
    owed: FloatArray,
    lots: FloatArray,
    oldest: IntArray,
    costs: FloatArray,
) -> None:
    """Receive and sell a period's units of goods that expire, oldest first, and charge it."""
    life = world.shelf_life
    for path in range(stock.size):
        fresh, wanted = arriving[period, path], world.demand[period, path]
        there = stock[path] + fresh
        if world.backorders:
            served = min(there, owed[path])
            there -= served
            owed[path] -= served
        sold = min(there, wanted)
        there -= sold
        if world.backorders:
            owed[path] += wanted - sold
            costs[path] += shortage * owed[path]
        else:
            costs[path] += shortage * (wanted - sold)
        costs[path] += world.holding * there
        lots[path, period + life] = fresh
        oldest[path] = _take_oldest(lots[path], oldest[path], sold)
        spoiled = lots[path, period + 1]  # arrived a life ago, less what was sold of it
        lots[path, period + 1] = 0.0
        stock[path] = max(there - spoiled, 0.0)
        costs[path] += world.waste * spoiled


@njit(cache=True, error_model="numpy", nogil=True)
def _order_again(
    world: Rollout,
    period: int,
    z: float,
    arriving: FloatArray,
    stock: FloatArray,
    owed: FloatArray,
    projected: FloatArray,
    spread: FloatArray,
    extra: FloatArray,
    costs: FloatArray,
) -> None:
    """Place what the plain rule orders on the evening of a period, on every path."""
    periods, paths = arriving.shape
    arrivals, surging = world.arrivals[period], world.extra[period]
    for path in range(paths):
        projected[path] = stock[path] - owed[path]
    spread[:] = 0.0
    extra[:] = surging
    first = 0
    while first < paths:
        # Neighbouring paths whose orders arrive together are carried on together.
        arrival = arrivals[first]
        last = first + 1
        while last < paths and arrivals[last] == arrival:
            last += 1
        if arrival < periods:
            # Loops that begin at 0 are vectorised, so what they run over is cut out here.
            stand = (projected[first:last], spread[first:last], extra[first:last])
            for column in range(period + 1, arrival):
                _wait(world, period, column, first, arriving[column, first:last], stand)
            _receive(arriving[arrival, first:last], stand[0])
            end = min(arrival + world.review_period, periods)
            for column in range(arrival, end):
                _cover(world, period, column, first, stand)
                if column > arrival:
                    _receive(arriving[column, first:last], stand[0])
            pace = world.mean[arrival:end].mean()
            _refill(world, z, pace, stand, arriving[arrival, first:last], costs[first:last])
        first = last


@njit(cache=True, error_model="numpy", nogil=True)
def _wait(
    world: Rollout,
    period: int,
    column: int,
    first: int,
    arriving: FloatArray,
    stand: tuple[FloatArray, FloatArray, FloatArray],
) -> None:
    """Carry mean and variance of stock through a period before the order arrives."""
    mean, variance, stays = world.mean[column], world.variance[column], world.surge_stays
    projected, spread, extra = stand
    last = first + projected.size
    level, known = world.level[period, first:last], world.known[column, first:last]
    if world.backorders:
        for path in range(projected.size):
            more = extra[path] * stays
            factor = level[path] * known[path] * (1.0 + more)
            projected[path] += arriving[path] - mean * factor
            spread[path] += variance * factor
            extra[path] = more
        return
    for path in range(projected.size):
        more = extra[path] * stays
        factor = level[path] * known[path] * (1.0 + more)
        there = projected[path] + (arriving[path] - mean * factor)
        there, scatter = _cut_at_zero(there, spread[path] + variance * factor)
        projected[path], spread[path], extra[path] = there, scatter, more


@njit(cache=True, error_model="numpy", nogil=True)
def _receive(arriving: FloatArray, projected: FloatArray) -> None:
    for path in range(projected.size):
        projected[path] += arriving[path]


@njit(cache=True, error_model="numpy", nogil=True)
def _cover(
    world: Rollout,
    period: int,
    column: int,
    first: int,
    stand: tuple[FloatArray, FloatArray, FloatArray],
) -> None:
    """Take the demand of a period that the order serves."""
    mean, variance, stays = world.mean[column], world.variance[column], world.surge_stays
    projected, spread, extra = stand
    last = first + projected.size
    level, known = world.level[period, first:last], world.known[column, first:last]
    for path in range(projected.size):
        more = extra[path] * stays
        factor = level[path] * known[path] * (1.0 + more)
        projected[path] -= mean * factor
        spread[path] += variance * factor
        extra[path] = more


@njit(cache=True, error_model="numpy", nogil=True)
def _refill(
    world: Rollout,
    z: float,
    pace: float,
    stand: tuple[FloatArray, FloatArray, FloatArray],
    arriving: FloatArray,
    costs: FloatArray,
) -> None:
    """Order what is wanted beyond the projected stock, `z` deviations of it included."""
    projected, spread, _ = stand
    pack, fewest, largest = float(world.pack_size), float(world.first_packs), world.largest
    in_packs = world.pack_size > 1 or world.first_packs > 1
    perishes, batch, fixed = world.shelf_life > 0, world.batch, world.order_cost
    kept = pace * max(world.shelf_life - world.review_period, 0)
    for path in range(projected.size):
        need = z * math.sqrt(spread[path]) - projected[path]
        wanted = need + batch
        if perishes:
            # None that would expire; what is projected is left of the stock after the days covered.
            fresh = kept - projected[path]
            wanted = wanted if wanted < fresh else fresh
            wanted = wanted if wanted > 0.0 else 0.0
        if in_packs:
            packs = np.ceil(wanted / pack - 1e-9)
            packs = packs if packs > fewest else fewest
            wanted = pack * packs if wanted > 0.0 else wanted
        wanted = wanted if wanted < largest else largest
        later = wanted if need > 0.0 else 0.0
        arriving[path] += later
        costs[path] += fixed if later > 0.0 else 0.0


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
def _cut_at_zero(mean: float, variance: float) -> tuple[float, float]:
    """Return mean and variance of a normal number whose negative part is replaced by zero."""
    # Chosen among values, without branches and without `min`: so loops over paths are vectorised.
    spread = math.sqrt(variance if variance > 1e-12 else 1e-12)
    ratio = mean / spread
    place = ratio if ratio > -FURTHEST else -FURTHEST
    place = ((place if place < FURTHEST else FURTHEST) + FURTHEST) * CELLS
    at = np.int32(place if place < LAST_CELL else LAST_CELL)
    part = place - at
    cell, following = np.uint32(at), np.uint32(at + np.int32(1))
    cut = CUT_MEAN[cell] + part * (CUT_MEAN[following] - CUT_MEAN[cell])
    left = CUT_VARIANCE[cell] + part * (CUT_VARIANCE[following] - CUT_VARIANCE[cell])
    whole, gone, sure = ratio >= FURTHEST, ratio <= -FURTHEST, variance <= 1e-12
    new_mean = mean if whole else spread * cut
    new_variance = variance if whole else variance * left
    new_mean = 0.0 if gone else new_mean
    new_variance = 0.0 if gone else new_variance
    certain = mean if mean > 0.0 else 0.0
    return (certain if sure else new_mean), (0.0 if sure else new_variance)


@njit(cache=True, error_model="numpy", nogil=True)
def _charge_left_over(world: Rollout, z: float, stock: FloatArray, costs: FloatArray) -> None:
    """Charge what stock at the end still costs, compared with ordinary stock.

    Stock X beyond the ordinary lasts X / d periods and costs h X^2 / (2 d); where ordering costs K
    it saves X of the next batches, h Q X / d with the economic quantity Q = sqrt(2 K d / h).
    """
    review, holding, life = world.review_period, world.holding, float(world.shelf_life)
    saves, perishes = world.order_cost > 0 and world.holding > 0, world.shelf_life > 0
    for path in range(stock.size):
        pace, variance = world.pace[path], world.pace_variance[path]
        ordinary = pace * review + z * math.sqrt(variance * review)
        ordinary = ordinary if ordinary > 0.0 else 0.0
        extra = stock[path] - ordinary
        extra = extra if extra > 0.0 else 0.0
        pace = pace if pace > 1e-9 else 1e-9
        saved, held = 0.0, 0.0
        if saves:
            quantity = math.sqrt(2 * world.order_cost * pace / holding)
            saved = holding * quantity * (extra if extra < quantity else quantity) / pace
        if perishes:
            spoiled = extra - pace * life
            spoiled = spoiled if spoiled > 0.0 else 0.0
            good = extra - spoiled
            held = holding * (good * good) / (2 * pace) + world.waste * spoiled
        else:
            held = holding * extra * extra / (2 * pace)
        costs[path] += held - saved


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
