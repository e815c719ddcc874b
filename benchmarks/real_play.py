"""Runs the agent and the textbook's rules through real demand, item by item, at compiled speed.

The day is that of the ledger: the order of the evening before a day with lead time L arrives at the
start of the L-th day, demand comes, what cannot be served is lost, what is left is held. Nothing is
fixed an order here, so units held and units lost are all that a policy can influence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.special import ndtr

from core_modules.ordering.order_choice import FINEST, RUNG, WIDE, cost_at, safety_rung
from core_modules.ordering.order_problem import NO_MAXIMUM
from core_modules.ordering.rollout import Rollout, levels_shown, recent_pace, search
from core_modules.policies.rule_arithmetic import (
    Past,
    Terms,
    path_sums,
    wanted_units,
)

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

REVIEW = 1  # days between two orders
HOLDING = 1.0  # money a unit a day


class Stocks(NamedTuple):
    """Where some runs stand, changed as they go on; a lane is a policy with its parameters."""

    on_hand: FloatArray  # (lanes, items) units
    due: FloatArray  # (lanes, items, lead time) units, column 0 tomorrow
    held: FloatArray  # (lanes, items) unit-days so far
    lost: FloatArray  # (lanes, items) units so far


def opening_stocks(lanes: int, on_hand: FloatArray, lead_time: int) -> Stocks:
    """Begin with the same stock in every lane and nothing under way."""
    items = on_hand.size
    return Stocks(
        on_hand=np.tile(on_hand, (lanes, 1)),
        due=np.zeros((lanes, items, lead_time)),
        held=np.zeros((lanes, items)),
        lost=np.zeros((lanes, items)),
    )


class Days(NamedTuple):
    """A block of days: what was forecast on the evening before each, and what was sold."""

    first: int  # days of the run before the block
    paths: NDArray[np.int32]  # (evenings, items, paths, days ahead) units
    mean: NDArray[np.float32]  # (evenings, items, days ahead) units
    level_variance: NDArray[np.float32]  # (evenings, items) of the log level, at one lead time
    demand: IntArray  # (items, evenings) units
    recent: FloatArray  # (items, evenings) units a day, mean of the 28 days before
    week: FloatArray  # (items, evenings) units a day, mean of the 7 days before
    usual: FloatArray  # (items,) units a day before the run
    usual_sd: FloatArray  # (items,)


@njit(error_model="numpy", nogil=True)
def play_rules(
    days: Days,
    which: IntArray,
    stocks: Stocks,
    rules: IntArray,
    parameters: FloatArray,
    lead_time: int,
) -> None:
    """Run the rules, one a lane, through a block of days of some items.

    `parameters` are a and b of `wanted_units`, (lanes, 2).
    """
    evenings = days.demand.shape[1]
    terms = Terms(lead_time, REVIEW, HOLDING, 0.0, False)
    equal = np.full(days.paths.shape[2], 1 / days.paths.shape[2])
    for item in which:
        for evening in range(evenings):
            seen = path_sums(days.paths[evening, item].astype(np.float64), equal, terms)
            past = Past(
                days.recent[item, evening],
                days.week[item, evening],
                days.usual[item],
                days.usual_sd[item],
                days.first + evening,
            )
            for lane in range(rules.size):
                due = stocks.due[lane, item]
                on_hand = stocks.on_hand[lane, item]
                a, b = parameters[lane]
                quantity = wanted_units(rules[lane], a, b, seen, past, terms, on_hand, 0.0, due)
                counted = days.first + evening >= lead_time - 1
                _pass_day(stocks, lane, item, quantity, days.demand[item, evening], counted)


@njit(error_model="numpy", nogil=True)
def _pass_day(
    stocks: Stocks, lane: int, item: int, quantity: float, demand: float, counted: bool
) -> None:
    due = stocks.due[lane, item]
    due[due.size - 1] += quantity
    stock = stocks.on_hand[lane, item] + due[0]
    due[:-1] = due[1:]
    due[due.size - 1] = 0.0
    left = max(stock - demand, 0.0)
    stocks.on_hand[lane, item] = left
    # No order of the run reaches the days before; they cost every policy the same.
    if counted:
        stocks.held[lane, item] += left
        stocks.lost[lane, item] += demand - (stock - left)


@dataclass(frozen=True, slots=True)
class Shortage:
    """What the agent makes of a lost unit's cost, worked out once."""

    cost: float  # money a lost unit
    chance: float  # with which later orders cover their need
    cost_below: float  # largest cost of the rung below
    chance_below: float

    @staticmethod
    def of(cost: float) -> Shortage:
        """Place a cost on the ladder of the agent's safety."""
        held = HOLDING * REVIEW
        rung = safety_rung(cost, held)
        return Shortage(
            cost, float(ndtr(rung)), cost_at(rung - RUNG, held), float(ndtr(rung - RUNG))
        )

    @property
    def row(self) -> tuple[float, float, float, float]:
        """The numbers as `play_agent` takes them."""
        return self.cost, self.chance, self.cost_below, self.chance_below


@njit(error_model="numpy", nogil=True)
def agent_order(
    demand: FloatArray,
    mean: FloatArray,
    level_variance: float,
    shortage: FloatArray,
    lead_time: int,
    on_hand: float,
    due: FloatArray,
) -> float:
    """Return what `choose_order` answers to the same problem, units."""
    paths, periods = demand.shape
    weights, ones = np.full(paths, 1 / paths), np.ones((periods, paths))
    variance = np.zeros(periods)
    for period in range(periods):
        variance[period] = demand[:, period].var()
    arriving = np.zeros(periods)
    arriving[:lead_time] = due
    need = np.empty(paths)
    for path in range(paths):
        stock = on_hand
        for period in range(lead_time - 1):
            stock = max(stock + due[period] - demand[path, period], 0.0)
        need[path] = demand[path, lead_time - 1] - due[lead_time - 1] - stock
    centre, spread = need.mean(), need.std()
    need.sort()
    reached = np.cumsum(weights)
    here = need[min(np.searchsorted(reached, shortage[1] - 1e-12), paths - 1)]
    below = need[min(np.searchsorted(reached, shortage[3] - 1e-12), paths - 1)]
    z = (here - centre) / spread if spread > 0 else 0.0
    z_below = (below - centre) / spread if spread > 0 else 0.0
    by_period = np.ascontiguousarray(demand.T)
    precision = 1 / level_variance if level_variance > 0 else np.inf
    arrivals = np.empty((periods, paths), dtype=np.int64)
    for period in range(periods):
        arrivals[period] = period + lead_time
    world = Rollout(
        by_period, mean, variance, ones, np.zeros((periods, paths)), 0.0,
        levels_shown(by_period, mean, variance, ones, ones, precision),
        recent_pace(mean, ones), recent_pace(variance, ones), arriving, on_hand, 0.0, REVIEW,
        1.0, 0, False, HOLDING, 0.0, 0.0, 0.0, 1, 1, float(NO_MAXIMUM),
        np.full(paths, lead_time - 1), arrivals, np.ones(paths), np.arange(paths),
    )  # fmt: skip
    fine = max(int(FINEST * spread), 1)
    widest = max(spread / 2, WIDE * fine) if spread > 0 else 0.0
    coarse = fine
    while 2 * coarse <= widest:
        coarse *= 2
    last = NO_MAXIMUM // fine * fine
    start = int(np.ceil(np.ceil(max(here, 0.0) - 1e-9) / fine)) * fine
    found = search(
        world,
        np.array([min(start, last)]),
        (0, last),
        (coarse, fine),
        (shortage[0], z),
        (shortage[2], z_below),
        weights,
        (0.0, 0.1),
    )
    return float(found[1])


@njit(error_model="numpy", nogil=True)
def play_agent(
    days: Days,
    which: IntArray,
    stocks: Stocks,
    shortages: FloatArray,
    lead_time: int,
    periods: int,
) -> None:
    """Run the agent, one cost of a lost unit a lane, through a block of days of some items.

    `shortages` are rows of `Shortage`, (lanes, 4); paths are looked at for `periods` days.
    """
    evenings = days.demand.shape[1]
    for item in which:
        for evening in range(evenings):
            demand = days.paths[evening, item, :, :periods].astype(np.float64)
            mean = days.mean[evening, item, :periods].astype(np.float64)
            variance = float(days.level_variance[evening, item])
            counted = days.first + evening >= lead_time - 1
            for lane in range(shortages.shape[0]):
                quantity = agent_order(
                    demand,
                    mean,
                    variance,
                    shortages[lane],
                    lead_time,
                    stocks.on_hand[lane, item],
                    stocks.due[lane, item],
                )
                _pass_day(stocks, lane, item, quantity, days.demand[item, evening], counted)
