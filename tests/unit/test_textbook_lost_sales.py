"""Exact lost-sales costs: published optima, a chain solved by linear algebra, and the laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core_modules.textbook import lost_sales
from core_modules.textbook.instances import (
    LostSales,
    StateSpace,
    geometric_law,
    one_regime,
    poisson_law,
    viral_instance,
)
from core_modules.textbook.lost_sales import (
    Optimum,
    PolicyTable,
    optimal_policy,
    policy_cost,
    reached_places,
)
from core_modules.textbook.order_rules import (
    base_stock,
    capped_base_stock,
    constant_order,
    newsvendor_at_arrival,
    projected_inventory,
    reorder_batches,
    reorder_to_level,
)

POISSON = one_regime(poisson_law(5), holding=1, penalty=4, lead_time=2)


def instance(law: list[float], *, lead_time: int, **costs: float) -> LostSales:
    terms = {"holding": 1.0, "penalty": 4.0} | costs
    return one_regime(np.array(law), lead_time=lead_time, **terms)  # type: ignore[arg-type]


def test_published_optima_are_found() -> None:
    for law, penalty, lead_time, published in (
        (poisson_law(5), 4, 2, 4.40),  # Zipkin 2008, as published_tables.json quotes it
        (poisson_law(5), 19, 2, 7.66),
        (geometric_law(5), 4, 2, 10.24),
        (geometric_law(5), 19, 2, 20.89),
    ):
        best = optimal_policy(one_regime(law, holding=1, penalty=penalty, lead_time=lead_time))
        assert best.cost == pytest.approx(published, abs=0.005)
        assert best.error <= 1e-6


@pytest.mark.parametrize("lead_time", [1, 3, 7])
def test_without_uncertainty_the_best_policy_costs_nothing(lead_time: int) -> None:
    assert optimal_policy(instance([0, 0, 1], lead_time=lead_time)).cost == pytest.approx(0)


def test_a_coin_of_demand_is_worked_by_hand() -> None:
    # Demand 0 or 1, order up to 1, lead time 1. With 1 on hand nothing is ordered; a sale, with
    # chance 1/2, leads to one period with 0 on hand, whose order brings the unit back. So two
    # periods in three begin with 1, at h/2, and one with 0, at p/2.
    coin = instance([0.5, 0.5], lead_time=1, penalty=4.0)
    assert policy_cost(coin, base_stock(coin, [1])) == pytest.approx((2 * 0.5 + 4 * 0.5) / 3)


def test_a_policy_costs_what_its_markov_chain_says() -> None:
    law = [0.3, 0.3, 0.2, 0.2]
    one = instance(law, lead_time=2, penalty=6.0)
    policy = capped_base_stock(one, 6, 2)
    places = reached_places(one, policy)
    chain = np.zeros((places.size, places.size))
    costs = np.zeros(places.size)
    for row, (on_hand, coming) in enumerate(policy.space.states_at(places).tolist()):
        ordered = int(policy.orders[0, places[row]])
        for units, chance in enumerate(law):
            after = np.array([[max(on_hand - units, 0) + coming, ordered]])
            chain[row, places == policy.space.places(after)] += chance
            costs[row] += chance * (max(on_hand - units, 0) + 6 * max(units - on_hand, 0))
    balance = np.vstack([chain.T - np.eye(places.size), np.ones(places.size)])
    shares = np.linalg.lstsq(balance, np.append(np.zeros(places.size), 1), rcond=None)[0]
    assert policy_cost(one, policy) == pytest.approx(shares @ costs, abs=2e-6)


def test_the_geometric_shortcut_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    one = one_regime(geometric_law(3), holding=1, penalty=9, lead_time=2)
    short = optimal_policy(one)
    monkeypatch.setattr(lost_sales, "_geometric_ratio", lambda law: 0.0)
    summed = optimal_policy(one)
    assert summed.cost == pytest.approx(short.cost, abs=1e-9)
    assert (summed.policy.orders == short.policy.orders).all()


def test_two_regimes_of_the_same_demand_are_one() -> None:
    both = LostSales(
        np.tile(POISSON.demand, (2, 1)), 1, 4, 2, transition=np.array([[0.7, 0.3], [0.4, 0.6]])
    )
    assert optimal_policy(both).cost == pytest.approx(optimal_policy(POISSON).cost, abs=2e-6)
    assert policy_cost(both, base_stock(both, [16, 16])) == pytest.approx(4.6386, abs=1e-4)


def test_knowing_the_event_is_worth_money() -> None:
    viral = viral_instance(9)
    levels = [policy_cost(viral, base_stock(viral, pair)) for pair in ([20, 20], [19, 59])]
    assert levels == pytest.approx([20.29, 12.689], abs=0.005)  # published
    assert optimal_policy(viral).cost == pytest.approx(11.697, abs=0.005)


def test_a_fixed_cost_makes_orders_rarer_and_never_cheaper() -> None:
    fixed = one_regime(poisson_law(5), holding=1, penalty=14, lead_time=2, order_cost=5)
    free = one_regime(poisson_law(5), holding=1, penalty=14, lead_time=2)
    costs = [
        policy_cost(fixed, policy)
        for policy in (
            reorder_to_level(fixed, 17, 23),
            reorder_batches(fixed, 17, 7),
            reorder_to_level(fixed, 17, 23, 7),
            optimal_policy(fixed).policy,
        )
    ]
    assert costs == pytest.approx([11.6181, 11.5552, 11.4974, 11.4631], abs=1e-4)  # published
    assert costs[-1] > optimal_policy(free).cost


def test_the_best_policy_is_far_from_its_limits() -> None:
    best = optimal_policy(POISSON)
    wide = StateSpace(2, best.policy.space.most_units + 6, best.policy.space.most_ordered + 4)
    again: Optimum = lost_sales._solve(POISSON, wide, 1e-6)
    assert again.cost == pytest.approx(best.cost, abs=2e-6)


@settings(max_examples=25, deadline=None)
@given(
    weights=st.lists(st.integers(1, 9), min_size=2, max_size=6),
    penalty=st.sampled_from([2.0, 9.0, 30.0]),
    lead_time=st.integers(1, 3),
    level=st.integers(1, 12),
)
def test_no_rule_beats_the_optimum(
    weights: list[int], penalty: float, lead_time: int, level: int
) -> None:
    law = (np.array(weights) / sum(weights)).tolist()
    one = instance(law, lead_time=lead_time, penalty=penalty)
    best = optimal_policy(one).cost - 2e-6
    for policy in (
        base_stock(one, [level]),
        capped_base_stock(one, level, 2),
        reorder_to_level(one, level // 2, level),
        reorder_batches(one, level // 2, 2),
        projected_inventory(one, level / 2),
        newsvendor_at_arrival(one, penalty / (penalty + 1)),
    ):
        assert policy_cost(one, policy) >= best


def test_a_constant_order_above_the_mean_is_held_by_its_limit() -> None:
    coin = instance([0.5, 0.5], lead_time=1)
    assert constant_order(coin, 1, 5).orders.tolist() == [[1, 1, 1, 1, 1, 0]]


def test_projected_stock_is_what_lost_sales_leave() -> None:
    # 2 on hand, 1 under way, demand 0 or 2: left after the first period 2 or 0, so 3 or 1 before
    # the second, and 3, 1, 1, 0 after it: mean 1.25. The level 3.3 asks for 2 more.
    coin = instance([0.5, 0, 0.5], lead_time=2)
    policy = projected_inventory(coin, 3.3)
    here = policy.space.places(np.array([[2, 1]]))
    assert policy.orders[0, here].tolist() == [2]
    nearest = projected_inventory(coin, 3.75, to_nearest=True)  # 2.5 is 3 to the nearest
    assert nearest.orders[0, nearest.space.places(np.array([[2, 1]]))].tolist() == [3]


def test_the_newsvendor_covers_the_period_of_arrival() -> None:
    # As above: 3, 1, 1 or 0 on hand at arrival, then demand 0 or 2. With 1 more demand is covered
    # in 1/2 + (1/4 + 1/2) / 2 = 7/8 of the cases, with 0 in 1/2 + 1/8, with 2 always.
    coin = instance([0.5, 0, 0.5], lead_time=2)
    for ratio, units in ((0.6, 0), (0.85, 1), (0.9, 2)):
        policy = newsvendor_at_arrival(coin, ratio)
        assert policy.orders[0, policy.space.places(np.array([[2, 1]]))].tolist() == [units]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"lead_time": 0}, "lead_time >= 1"),
        ({"penalty": 0.0}, "penalty > 0"),
        ({"demand": np.array([[0.5, 0.4]])}, "each row of demand"),
        ({"transition": np.ones((2, 2)) / 2}, "demand must be"),
    ],
)
def test_impossible_instances_are_refused(change: dict[str, object], told: str) -> None:
    terms: dict[str, object] = {"demand": POISSON.demand, "holding": 1.0, "penalty": 4.0}
    with pytest.raises(ValueError, match=told):
        LostSales(**(terms | {"lead_time": 2} | change))  # type: ignore[arg-type]


def test_an_order_without_room_is_refused() -> None:
    space = StateSpace(1, 3, 2)
    with pytest.raises(ValueError, match="widen most_units"):
        policy_cost(
            instance([0.5, 0.5], lead_time=1),
            PolicyTable(space, np.full((1, space.size), 2, dtype=np.int32)),
        )
