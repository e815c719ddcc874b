"""The compiled runs of the real-data benchmark: the agent's own orders, the simulation's ledger."""

from dataclasses import replace
from datetime import date

import numpy as np

from benchmarks.real_play import (
    Days,
    Shortage,
    agent_order,
    opening_stocks,
    play_agent,
    play_rules,
)
from core_modules.item_terms import ItemTerms
from core_modules.ordering.order_choice import choose_order
from core_modules.ordering.order_problem import OrderCosts, OrderProblem, OrderSteps, Outlook
from core_modules.policies.rule_arithmetic import Rule
from core_modules.replenishment_policies import Clairvoyant, OrderUpTo
from core_modules.simulation import build_market, simulate

LEAD_TIME, AHEAD = 3, 10


def test_the_compiled_agent_orders_what_choose_order_answers() -> None:
    rng = np.random.default_rng(0)
    for case in range(12):
        lead_time = (1, 3, 7)[case % 3]
        periods = lead_time + AHEAD
        level = rng.gamma(1, 10) * np.exp(rng.normal(0, 0.3, (64, 1)))
        demand = rng.poisson(level, (64, periods)).astype(float)
        mean, doubt = demand.mean(axis=0), (0.0, 0.09)[case % 2]
        due = np.floor(rng.gamma(1, 10, lead_time))
        due[-1] = 0
        shortage, on_hand = (2.0, 9.0, 19.0)[case // 4], float(rng.integers(0, 60))
        problem = OrderProblem(
            outlook=replace(Outlook.plain(demand, mean), level_variance=doubt),
            costs=OrderCosts(holding=1.0, shortage=shortage),
            steps=OrderSteps(),
            on_hand=on_hand,
            due=np.concatenate([due, np.zeros(AHEAD)]),
            lead_time=lead_time,
            later_lead_time=lead_time,
        )
        row = np.array(Shortage.of(shortage).row)
        ordered = agent_order(demand, mean, doubt, row, lead_time, on_hand, due)
        assert ordered == choose_order(problem).quantity


def days_of(demand: np.ndarray, first: int) -> Days:
    """Return days on which five units are always forecast."""
    items, evenings = demand.shape
    width = LEAD_TIME + AHEAD
    return Days(
        first,
        np.full((evenings, items, 4, width), 5, dtype=np.int32),
        np.full((evenings, items, width), 5, dtype=np.float32),
        np.zeros((evenings, items), dtype=np.float32),
        demand,
        np.full((items, evenings), 5.0),
        np.full((items, evenings), 5.0),
        np.full(items, 5.0),
        np.zeros(items),
    )


def test_blocks_of_days_run_as_the_simulation_does() -> None:
    demand = np.random.default_rng(1).poisson(5, (2, 40))
    stocks = opening_stocks(1, np.array([20.0, 3.0]), LEAD_TIME)
    for first in (0, 25):
        block = np.ascontiguousarray(demand[:, first : first + 25])
        lanes = np.array([int(Rule.ORDER_UP_TO)]), np.array([[0.5, 0.0]])
        play_rules(days_of(block, first), np.arange(2), stocks, *lanes, LEAD_TIME)
    # The evening before the first day is a day without demand to the simulation.
    terms = [ItemTerms(name, 10, 5, 1.0, lead_time=LEAD_TIME) for name in "ab"]
    led = np.pad(demand, ((0, 0), (1, 0)))[:, None, :].astype(np.int64)
    market = build_market(date(2024, 1, 1), led, terms, [()])
    level = OrderUpTo(terms, np.array([15.0, 15.0]))  # three days of five units
    same = simulate(market, terms, np.array([20, 3]), level)
    counted = slice(LEAD_TIME, None)
    assert stocks.held[0].tolist() == same.on_hand[:, 0, counted].sum(axis=1).tolist()
    assert stocks.lost[0].tolist() == same.unmet[:, 0, counted].sum(axis=1).tolist()


def test_the_agent_holds_nothing_for_sure_demand() -> None:
    demand = np.full((1, 20), 5)
    stocks = opening_stocks(1, np.array([15.0]), LEAD_TIME)
    shortages = np.array([Shortage.of(9.0).row])
    width = LEAD_TIME + AHEAD
    play_agent(days_of(demand, 0), np.array([0]), stocks, shortages, LEAD_TIME, width)
    assert stocks.held.tolist() == [[0.0]]
    assert stocks.lost.tolist() == [[0.0]]


def test_the_bound_is_the_clairvoyants() -> None:
    demand = np.random.default_rng(2).poisson(3, 30)
    terms = [ItemTerms("a", 10, 1, 1.0, lead_time=LEAD_TIME)]
    led = np.pad(demand, (1, 0))[None, None, :].astype(np.int64)
    market = build_market(date(2024, 1, 1), led, terms, [()])
    bound = Clairvoyant(terms, market, np.array([25]))
    result = simulate(market, terms, np.array([25]), bound)
    left = np.maximum(25 - np.cumsum(demand), 0)[LEAD_TIME - 1 :]
    assert result.on_hand[0, 0, LEAD_TIME:].sum() == left.sum()
    assert result.unmet.sum() == 0
