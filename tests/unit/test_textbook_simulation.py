"""Simulated costs against exact ones, and rules given as functions."""

import numpy as np
import pytest

from core_modules.textbook.instances import (
    IntArray,
    StateSpace,
    geometric_law,
    one_regime,
    poisson_law,
    viral_instance,
)
from core_modules.textbook.lost_sales import optimal_policy, policy_cost
from core_modules.textbook.order_rules import base_stock, projected_inventory
from core_modules.textbook.rule_search import (
    best_base_stock,
    best_capped_base_stock,
    best_projected_inventory,
)
from core_modules.textbook.simulated_cost import draw_demand, simulated_cost
from core_modules.textbook.tabulation import regret_of, tabulate, tabulate_visited

POISSON = one_regime(poisson_law(5), holding=1, penalty=9, lead_time=3)


def test_a_simulated_cost_is_the_exact_one_within_its_error() -> None:
    demand = draw_demand(POISSON, np.random.default_rng(1), replications=200, periods=600)
    for policy in (base_stock(POISSON, [23]), projected_inventory(POISSON, 9.4)):
        found = simulated_cost(POISSON, policy, demand)
        assert found.mean == pytest.approx(
            policy_cost(POISSON, policy), abs=4 * found.standard_error
        )
        assert found.standard_error < 0.05


def test_regimes_are_drawn_with_their_long_run_shares() -> None:
    viral = viral_instance(9)
    demand = draw_demand(viral, np.random.default_rng(2), replications=400, periods=500)
    share = 0.02 / (0.02 + 1 / 7)  # of event periods
    assert demand.regimes.mean() == pytest.approx(share, abs=0.01)
    assert demand.units[demand.regimes == 1].mean() == pytest.approx(20, abs=0.1)
    found = simulated_cost(viral, base_stock(viral, [19, 59]), demand)
    assert found.mean == pytest.approx(12.689, abs=4 * found.standard_error)


def test_the_same_seed_gives_the_same_cost() -> None:
    both = [
        simulated_cost(
            POISSON,
            base_stock(POISSON, [23]),
            draw_demand(POISSON, np.random.default_rng(5), replications=20, periods=200),
        ).by_replication
        for _ in range(2)
    ]
    assert (both[0] == both[1]).all()


def order_up_to_23(states: IntArray, regime: int) -> IntArray:
    assert regime == 0
    return 23 - states.sum(axis=1)


def test_a_rule_given_as_a_function_costs_what_its_table_costs() -> None:
    exact = policy_cost(POISSON, base_stock(POISSON, [23]))
    assert policy_cost(
        POISSON, tabulate(POISSON, StateSpace(3, 23, 23), order_up_to_23)
    ) == pytest.approx(exact)


def test_a_rule_is_asked_about_each_state_once() -> None:
    asked: list[tuple[int, ...]] = []

    def rule(states: IntArray, regime: int) -> IntArray:
        asked.extend(map(tuple, states.tolist()))
        return order_up_to_23(states, regime)

    demand = draw_demand(POISSON, np.random.default_rng(1), replications=50, periods=150)
    visited = tabulate_visited(POISSON, StateSpace(3, 23, 23), rule, demand)
    assert len(asked) == len(set(asked))
    ours = simulated_cost(POISSON, visited, demand).mean
    assert ours == simulated_cost(POISSON, base_stock(POISSON, [23]), demand).mean


def test_the_regret_of_the_best_rule_is_nothing() -> None:
    best = optimal_policy(POISSON)

    def rule(states: IntArray, regime: int) -> IntArray:
        return best.policy.orders[regime, best.policy.space.places(states)]

    assert regret_of(POISSON, rule).share == pytest.approx(0, abs=1e-6)


def test_a_rule_that_orders_beyond_all_bounds_is_refused() -> None:
    with pytest.raises(ValueError, match=r"orders 99 in state \[0, 0, 0\]"):
        regret_of(POISSON, lambda states, regime: np.full(len(states), 99))


def test_published_parameters_are_found() -> None:
    poisson = one_regime(poisson_law(5), holding=1, penalty=4, lead_time=2)
    assert best_base_stock(poisson).parameters == (16,)
    assert best_capped_base_stock(poisson, 16).cost == pytest.approx(4.4057, abs=1e-4)
    assert best_projected_inventory(poisson).parameters == (7.4,)
    geometric = one_regime(geometric_law(5), holding=1, penalty=4, lead_time=1)
    assert best_projected_inventory(geometric).cost == pytest.approx(9.8446, abs=1e-4)
