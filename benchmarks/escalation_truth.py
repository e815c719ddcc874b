"""Realised regret of an order: what it cost on what came, less the best quantity in hindsight."""

from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from core_modules.agent_policy import DecisionRecord
from core_modules.explaining.order_regret import costs_by_path
from core_modules.inventory_agent import AgentSettings, ItemState, Situation, decide, observe
from core_modules.item_terms import ItemTerms
from core_modules.market import Market
from core_modules.ordering.order_problem import OrderProblem, Outlook
from core_modules.simulation import Observation, simulate

FloatArray = NDArray[np.float64]

COARSE, FINE = 120, 41  # quantities costed in hindsight: over all, then about the best of them
CHECKED_DAYS = 24  # days that the agent itself goes on for


@dataclass(frozen=True, slots=True, eq=False)
class Future:
    """What came after an evening."""

    demand: FloatArray  # (periods,)
    multiplier: FloatArray  # (periods,) what events truly did
    lead_time: int
    filled_share: float


def realised(problem: OrderProblem, future: Future) -> OrderProblem:
    """Put the problem on the one path that came; later orders still see what they could see."""
    outlook = problem.outlook
    known = (outlook.weights @ outlook.known)[None, :]
    came = Outlook(
        demand=future.demand[None, :].copy(),
        weights=np.ones(1),
        mean=outlook.mean,
        variance=outlook.variance,
        known=known,
        surge=np.maximum(future.multiplier, 1e-3)[None, :] / known,
        surge_stays=outlook.surge_stays,
        level_variance=outlook.level_variance,
    )
    return replace(
        problem, outlook=came, lead_time=future.lead_time, filled_share=future.filled_share
    )


def until_next_delivery(problem: OrderProblem) -> OrderProblem:
    """Cut a problem where the next order can arrive; what is left then is valued as it stands."""
    end = problem.lead_time - 1 + problem.review_period
    outlook = problem.outlook
    rows = {
        name: np.ascontiguousarray(getattr(outlook, name)[..., :end])
        for name in ("demand", "mean", "variance", "known", "surge")
    }
    return replace(problem, due=problem.due[:end], outlook=replace(outlook, **rows))


def hindsight(
    problem: OrderProblem, quantity: int, shortage: float, safety: float
) -> tuple[float, int]:
    """Return the regret of a quantity on the path that came, and the best one."""
    steps = problem.steps
    most = quantity + problem.outlook.demand.sum() / max(problem.filled_share, 0.05)
    top, own = steps.place(float(most)), steps.place(quantity)

    def best_of(places: np.ndarray) -> tuple[float, int]:
        tried = [steps.quantity(int(place)) for place in places]
        costs = costs_by_path(problem, tried, shortage, safety)[:, 0]
        return float(costs.min()), int(places[costs.argmin()])

    chosen, _ = best_of(np.array([own]))
    least, place = best_of(np.unique(np.rint(np.linspace(0, top, COARSE)).astype(int)))
    gap = max(top // COARSE + 1, 1)
    near = np.rint(np.linspace(max(place - gap, 0), min(place + gap, top), FINE)).astype(int)
    finest, finer = best_of(np.unique(near))
    if finest < least:
        least, place = finest, finer
    return max(chosen - least, 0.0), steps.quantity(place)


class AgentFrom:
    """The agent from an evening on, with the models it had then."""

    name = "agent"

    def __init__(self, state: ItemState, terms: ItemTerms, settings: AgentSettings) -> None:
        self._state, self._terms, self._settings = state, terms, settings

    def order(self, observation: Observation) -> NDArray[np.int64]:
        """Observe the day and decide."""
        sales, out = int(observation.sales[0, 0]), bool(observation.ran_out[0, 0])
        signals = observation.signals(0)
        today, terms = observation.today, self._terms
        self._state = observe(self._state, terms, today, sales, out, signals)
        due = observation.due[0, 0]
        stock = Situation(int(observation.on_hand[0, 0]), 0, due.copy())
        decision = decide(self._state, terms, today, stock, self._settings)
        return np.array([[decision.quantity]], dtype=np.int64)


def agent_cost(
    record: DecisionRecord,
    terms: ItemTerms,
    market: Market,
    day: int,
    settings: AgentSettings,
    quantity: int,
) -> float:
    """Return what `CHECKED_DAYS` after an order of `quantity` cost when the agent decides them."""
    days = slice(day + 1, day + 1 + CHECKED_DAYS)
    names = ("demand", "lead_times", "filled_share", "price_multiplier", "scenario")
    rest = replace(
        market,
        start=record.decision.day + timedelta(days=1),
        **{name: getattr(market, name)[..., days] for name in names},
    )
    due = np.zeros((1, CHECKED_DAYS), dtype=np.int64)
    known = record.situation.due[:CHECKED_DAYS]
    due[0, : known.size] = known
    arrival = int(market.lead_times[0, 0, day]) - 1
    if arrival < CHECKED_DAYS:
        due[0, arrival] += int(quantity * market.filled_share[0, 0, day] + 1e-9)
    result = simulate(
        rest,
        [terms],
        np.array([record.situation.on_hand]),
        AgentFrom(record.state, terms, settings),
        opening_orders=due,
    )
    lost, held = result.unmet.sum(), result.on_hand.sum()
    return float(terms.shortage_cost * lost + terms.holding_cost * held)
