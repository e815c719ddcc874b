"""What each textbook rule orders on an evening, from the paths of demand and the stock.

An order placed tonight arrives at the start of day L (tomorrow is day 1) and the next one a review
period R later, so the inventory position must cover the days 1 ... L + R - 1: the cover. Every rule
gets the same cover, the same paths and one or two parameters, and answers in units wanted; limits
of the supplier are applied to the answer by whoever asked. Rules whose order is a lot take the
economic order quantity where an order has a cost.

All compiled code of the rules is in this file: what numba keeps on disk of a function is renewed
when the file changes, not when a function that it calls from another file does.
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class Rule(IntEnum):
    """The rules; `wanted_units` says what each orders and what its parameters a and b are."""

    ORDER_UP_TO = 0
    NORMAL_ORDER_UP_TO = 1
    CONSTANT_ORDER_UP_TO = 2
    DAYS_OF_COVER = 3
    CAPPED_BASE_STOCK = 4
    S_S = 5
    R_Q = 6
    MIN_MAX = 7
    NEWSVENDOR = 8
    ECONOMIC_ORDER = 9
    PROJECTED_INVENTORY = 10
    CONSTANT_ORDER = 11
    WAGNER_WHITIN = 12
    ORIGINAL = 13


# Numba takes plain module numbers as constants of the compiled code.
_ORDER_UP_TO = int(Rule.ORDER_UP_TO)
_NORMAL_ORDER_UP_TO = int(Rule.NORMAL_ORDER_UP_TO)
_CONSTANT_ORDER_UP_TO = int(Rule.CONSTANT_ORDER_UP_TO)
_DAYS_OF_COVER = int(Rule.DAYS_OF_COVER)
_CAPPED_BASE_STOCK = int(Rule.CAPPED_BASE_STOCK)
_S_S = int(Rule.S_S)
_R_Q = int(Rule.R_Q)
_MIN_MAX = int(Rule.MIN_MAX)
_NEWSVENDOR = int(Rule.NEWSVENDOR)
_ECONOMIC_ORDER = int(Rule.ECONOMIC_ORDER)
_PROJECTED_INVENTORY = int(Rule.PROJECTED_INVENTORY)
_CONSTANT_ORDER = int(Rule.CONSTANT_ORDER)
_WAGNER_WHITIN = int(Rule.WAGNER_WHITIN)

DEMO_REORDER_DAYS = 400 / 150  # the superseded demo's reorder point, in days of usual demand
DEMO_ORDER_DAYS = 1000 / 150  # and its quantity
DEMO_COVER_DAYS = 17.5  # "2.5 weeks of the last 7 days' mean demand"


class Terms(NamedTuple):
    """An item's costs and times as the rules take them."""

    lead_time: int  # days from order to shelf, >= 1
    review_period: int  # days between two chances to order, >= 1
    holding: float  # money a unit a day
    order_cost: float  # money an order
    backorders: bool  # demand that cannot be served waits


class Past(NamedTuple):
    """What an item's recorded sales say without a forecast."""

    recent: float  # units a day, mean of the last 28 days
    week: float  # units a day, mean of the last 7 days
    usual: float  # units a day, mean before the run
    usual_sd: float  # standard deviation of a day before the run
    reviews: int  # reviews of the run before tonight's


class PathSums(NamedTuple):
    """An evening's paths and what all rules need of them; see `path_sums`."""

    demand: FloatArray  # (paths, days) units, column 0 tomorrow
    weights: FloatArray  # (paths,) sum 1
    mean: FloatArray  # (days,) units
    cover: FloatArray  # (paths,) units of the cover's days, rising
    reached: FloatArray  # (paths,) weight of a path of `cover` and those below it
    cover_mean: float
    cover_sd: float
    arrival_mean: float  # of the days from the order's arrival to the next one's
    arrival_sd: float
    pace: float  # units a day over the cover


@njit(cache=True, error_model="numpy", nogil=True)
def path_sums(demand: FloatArray, weights: FloatArray, terms: Terms) -> PathSums:
    """Sum the paths up over the cover and over the days that tonight's order serves."""
    paths, days = demand.shape
    first, last = terms.lead_time - 1, terms.lead_time - 1 + terms.review_period
    totals, arriving = np.zeros(paths), np.zeros(paths)
    mean = np.zeros(days)
    for path in range(paths):
        for day in range(days):
            units = demand[path, day]
            mean[day] += weights[path] * units
            if day < last:
                totals[path] += units
                if day >= first:
                    arriving[path] += units
    cover_mean, arrival_mean = 0.0, 0.0
    for path in range(paths):
        cover_mean += weights[path] * totals[path]
        arrival_mean += weights[path] * arriving[path]
    cover_square, arrival_square = 0.0, 0.0
    for path in range(paths):
        cover_square += weights[path] * (totals[path] - cover_mean) ** 2
        arrival_square += weights[path] * (arriving[path] - arrival_mean) ** 2
    order = np.argsort(totals)
    return PathSums(
        demand,
        weights,
        mean,
        totals[order],
        np.cumsum(weights[order]),
        cover_mean,
        math.sqrt(cover_square),
        arrival_mean,
        math.sqrt(arrival_square),
        cover_mean / last,
    )


@njit(cache=True, error_model="numpy", nogil=True)
def wanted_units(  # noqa: C901 - one branch a rule
    rule: int,
    a: float,
    b: float,
    sums: PathSums,
    past: Past,
    terms: Terms,
    on_hand: float,
    backlog: float,
    due: FloatArray,
) -> float:
    """Return the units that a rule wants tonight, whole and >= 0.

    `due` are confirmed deliveries, column 0 tomorrow. IP is the inventory position, D the demand of
    the cover with mean m and standard deviation s over the paths, EOQ the economic order quantity.

    ORDER_UP_TO (base stock): S - IP with S the a-quantile of D.
    NORMAL_ORDER_UP_TO: S = m + a s.
    CONSTANT_ORDER_UP_TO: S from mean and deviation of the sales before the run, a deviations above.
    DAYS_OF_COVER: S = a times the cover's days of the last 28 days' mean.
    CAPPED_BASE_STOCK: to m + a s, at most b times the mean demand of a review period.
    S_S: below m + a s (that is s + 1), up to S = s + the lot; the lot is the larger of EOQ and
    b days of demand. R_Q: at the same s as many whole lots as bring IP above s.
    MIN_MAX: at a times the cover's days of the last 28 days' mean or less, up to b days more.
    NEWSVENDOR: the stock on arrival serves the demand until the next order with chance a.
    ECONOMIC_ORDER: an EOQ at a reorder point of m + a s.
    PROJECTED_INVENTORY: the expected stock on arrival is brought to a standard deviations above the
    mean demand until the next order.
    CONSTANT_ORDER: a times the usual demand at each review, whatever the stock.
    WAGNER_WHITIN: the first lot of the cheapest plan for the mean forecast, a standard deviations
    of the cover kept beside it.
    ORIGINAL: the superseded demo's rule without its events.

    The same rules for a known law of demand, with their sources, are in `textbook.order_rules`,
    `textbook.economic_order` and `textbook.wagner_whitin`; here each stands on a forecast.
    """
    position = on_hand - backlog + due.sum()
    review = terms.review_period
    cover_days = terms.lead_time - 1 + review
    if rule == _ORDER_UP_TO:
        return max(_quantile(sums, a) - float(position), 0.0)
    level = _whole(sums.cover_mean + a * sums.cover_sd)
    if rule == _NORMAL_ORDER_UP_TO:
        return max(level - float(position), 0.0)
    if rule == _CAPPED_BASE_STOCK:
        return max(min(level - float(position), float(math.ceil(b * sums.pace * review))), 0.0)
    if rule == _CONSTANT_ORDER_UP_TO:
        usual = past.usual * cover_days + a * past.usual_sd * math.sqrt(cover_days)
        return _whole(usual - position)
    if rule == _DAYS_OF_COVER:
        return _whole(a * cover_days * past.recent - position)
    if rule in (_S_S, _R_Q):
        point = level - 1
        lot = max(round(max(_economic(sums.pace, terms), b * sums.pace)), 1.0)
        if position > point:
            return 0.0
        if rule == _S_S:
            return float(point + lot - position)
        return float(lot * (math.floor((point - position) / lot) + 1))
    if rule == _MIN_MAX:
        point = a * cover_days * past.recent
        return _whole(point + b * past.recent - position) if position <= point else 0.0
    if rule == _NEWSVENDOR:
        return _newsvendor(a, sums, terms, on_hand, backlog, due)
    if rule == _ECONOMIC_ORDER:
        low = position <= sums.cover_mean + a * sums.cover_sd
        return max(_whole(_economic(sums.pace, terms)), 1.0) if low else 0.0
    if rule == _PROJECTED_INVENTORY:
        expected = 0.0
        for path in range(sums.weights.size):
            expected += sums.weights[path] * _on_arrival(
                sums.demand[path], terms, on_hand, backlog, due
            )
        return _whole(sums.arrival_mean + a * sums.arrival_sd - expected)
    if rule == _CONSTANT_ORDER:
        each = a * past.usual * review
        return float(math.floor(each * (past.reviews + 1)) - math.floor(each * past.reviews))
    if rule == _WAGNER_WHITIN:
        return _planned(a * sums.cover_sd, sums, terms, on_hand, backlog, due)
    if on_hand > DEMO_REORDER_DAYS * past.usual:
        return 0.0
    return float(math.ceil(max(DEMO_ORDER_DAYS * past.usual, DEMO_COVER_DAYS * past.week) - 1e-9))


@njit(cache=True, error_model="numpy", nogil=True)
def _whole(units: float) -> float:
    """Return the nearest whole number of units, at least 0."""
    return max(float(math.floor(units + 0.5)), 0.0)


@njit(cache=True, error_model="numpy", nogil=True)
def _quantile(sums: PathSums, level: float) -> float:
    """Return the least demand of the cover that is not passed with chance `level`."""
    at = min(int(np.searchsorted(sums.reached, level - 1e-12)), sums.cover.size - 1)
    return float(math.ceil(sums.cover[at]))


@njit(cache=True, error_model="numpy", nogil=True)
def _economic(pace: float, terms: Terms) -> float:
    """Return the economic order quantity sqrt(2 K rate / h), units; 0 where orders are free."""
    if terms.order_cost <= 0 or terms.holding <= 0:
        return 0.0
    return math.sqrt(2 * terms.order_cost * pace / terms.holding)


@njit(cache=True, error_model="numpy", nogil=True)
def _on_arrival(
    demand: FloatArray, terms: Terms, on_hand: float, backlog: float, due: FloatArray
) -> float:
    """Return a path's stock when tonight's order arrives, without it; sales cut it at zero."""
    stock = on_hand - backlog
    for day in range(terms.lead_time - 1):
        if day < due.size:
            stock += due[day]
        stock -= demand[day]
        if stock < 0 and not terms.backorders:
            stock = 0.0
    # Deliveries of the days that the order covers come in time for them.
    for day in range(terms.lead_time - 1, min(terms.lead_time - 1 + terms.review_period, due.size)):
        stock += due[day]
    return stock


@njit(cache=True, error_model="numpy", nogil=True)
def _newsvendor(
    ratio: float,
    sums: PathSums,
    terms: Terms,
    on_hand: float,
    backlog: float,
    due: FloatArray,
) -> float:
    paths = sums.weights.size
    need = np.empty(paths)
    first = terms.lead_time - 1
    for path in range(paths):
        wanted = 0.0
        for day in range(first, first + terms.review_period):
            wanted += sums.demand[path, day]
        need[path] = wanted - _on_arrival(sums.demand[path], terms, on_hand, backlog, due)
    reached = 0.0
    for path in np.argsort(need):
        reached += sums.weights[path]
        if reached >= ratio - 1e-12:
            return max(float(math.ceil(need[path])), 0.0)
    return max(float(math.ceil(need.max())), 0.0)


@njit(cache=True, error_model="numpy", nogil=True)
def _planned(
    safety: float,
    sums: PathSums,
    terms: Terms,
    on_hand: float,
    backlog: float,
    due: FloatArray,
) -> float:
    """Return the first lot of Wagner and Whitin's plan for what the stock does not serve.

    Periods of the plan are review periods from the order's arrival to the end of the forecast.
    """
    review, first = terms.review_period, terms.lead_time - 1
    stock = _on_arrival(sums.mean, terms, on_hand, backlog, due) - safety
    periods = max((sums.mean.size - first) // review, 1)
    need = np.zeros(periods)
    for period in range(periods):
        wanted = 0.0
        for day in range(first + period * review, first + (period + 1) * review):
            wanted += sums.mean[day]
            if period > 0 and day < due.size:
                stock += due[day]
        served = min(max(stock, 0.0), wanted)
        need[period] = wanted - served
        if period == 0 and stock < 0:
            need[0] -= stock
        stock = max(stock - wanted, 0.0)
    if _whole(need[0]) == 0:
        return 0.0
    return _whole(_first_lot(need, terms.holding * review, terms.order_cost))


@njit(cache=True, error_model="numpy", nogil=True)
def _first_lot(need: FloatArray, holding: float, fixed: float) -> float:
    """Return the first order of the cheapest plan; see `textbook.wagner_whitin`."""
    periods = need.size
    rest = np.zeros(periods + 1)  # least cost of the periods from each on
    end = np.zeros(periods, dtype=np.int64)  # first period that the best order of each leaves
    for start in range(periods - 1, -1, -1):
        rest[start] = np.inf
        if need[start] <= 0:
            rest[start], end[start] = rest[start + 1], start + 1
            continue
        kept = 0.0
        for last in range(start, periods):
            kept += holding * (last - start) * need[last]
            if fixed + kept + rest[last + 1] < rest[start]:
                rest[start], end[start] = fixed + kept + rest[last + 1], last + 1
    return float(need[: end[0]].sum())


@njit(cache=True, error_model="numpy", nogil=True)
def wanted_by_lane(
    rules: IntArray,
    parameters: FloatArray,
    demand: FloatArray,
    weights: FloatArray,
    trailing: FloatArray,
    usual: tuple[float, float],
    reviews: int,
    terms: Terms,
    on_hand: IntArray,
    backlog: IntArray,
    due: IntArray,
) -> FloatArray:
    """Return what each lane wants, (lanes,): rules with their parameters on the same paths.

    `parameters` are a and b, (lanes, 2); `trailing` the means of the last 28 and 7 days, (2,
    lanes); `usual` mean and standard deviation before the run; stocks are (lanes,), `due` (lanes,
    days).
    """
    sums = path_sums(demand, weights, terms)
    wanted = np.zeros(rules.size)
    for lane in range(rules.size):
        past = Past(trailing[0, lane], trailing[1, lane], usual[0], usual[1], reviews)
        wanted[lane] = wanted_units(
            rules[lane],
            parameters[lane, 0],
            parameters[lane, 1],
            sums,
            past,
            terms,
            float(on_hand[lane]),
            float(backlog[lane]),
            due[lane].astype(np.float64),
        )
    return wanted
