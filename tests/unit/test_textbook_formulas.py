"""Textbook formulae against a search over everything, and at their edges."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core_modules.textbook.economic_order import economic_order
from core_modules.textbook.instances import geometric_law, poisson_law
from core_modules.textbook.newsvendor import (
    newsvendor_lognormal,
    newsvendor_normal,
    newsvendor_poisson,
)
from core_modules.textbook.reorder_policy import reorder_policy
from core_modules.textbook.wagner_whitin import wagner_whitin


def test_no_other_order_quantity_is_cheaper() -> None:
    fixed, holding, rate = 8.0, 0.225, 1300.0
    best = economic_order(fixed, holding, rate)
    tried = np.linspace(50, 900, 1701)
    costs = fixed * rate / tried + holding * tried / 2
    assert tried[costs.argmin()] == pytest.approx(float(best.quantity), abs=0.5)
    assert costs.min() >= float(best.cost)


def test_many_items_are_computed_at_once() -> None:
    both = economic_order([8, 8], 0.225, 1300, [np.inf, 5])
    assert both.quantity.round(4).tolist() == [304.0468, 310.8126]
    # h / (h + p) = 0.225 / 5.225 of an order is owed when it arrives
    assert both.backorder_share.tolist() == pytest.approx([0, 0.225 / 5.225])
    assert newsvendor_normal(1, [4, 9], 10, 2).quantity.shape == (2,)


@pytest.mark.parametrize(("mean", "stockout"), [(0.2, 1), (0.2, 9), (6, 4), (18, 1.35), (200, 19)])
def test_no_other_stock_for_poisson_demand_is_cheaper(mean: float, stockout: float) -> None:
    law = poisson_law(mean)
    stock, units = np.arange(400)[:, None], np.arange(law.size)
    costs = (np.maximum(stock - units, 0) + stockout * np.maximum(units - stock, 0)) @ law
    best = newsvendor_poisson(1, stockout, mean)
    assert int(best.quantity) == costs.argmin()
    assert float(best.cost) == pytest.approx(costs.min())


def test_a_lead_time_adds_its_periods_demand() -> None:
    together = newsvendor_poisson(1, 9, 20)
    assert newsvendor_poisson(1, 9, 5, lead_time=3).quantity == together.quantity


def test_no_other_stock_for_lognormal_demand_is_cheaper() -> None:
    best = newsvendor_lognormal(1, 3, 2, 0.5)
    demand = np.exp(2 + 0.5 * np.random.default_rng(3).standard_normal(200_000))

    def cost(stock: float) -> float:
        short = np.maximum(demand - stock, 0)
        return float((stock - demand + short + 3 * short).mean())

    assert cost(float(best.quantity)) == pytest.approx(float(best.cost), rel=0.02)
    assert cost(float(best.quantity)) < min(cost(float(best.quantity) + d) for d in (-1, 1))


@settings(max_examples=60, deadline=None)
@given(
    demand=st.lists(st.integers(0, 9), min_size=1, max_size=6),
    holding=st.sampled_from([0.0, 0.5, 2.0]),
    fixed=st.sampled_from([0.0, 3.0, 20.0]),
)
def test_no_other_plan_is_cheaper(demand: list[int], holding: float, fixed: float) -> None:
    def cost(choice: tuple[int, ...]) -> float:
        """Cost where each chosen period orders all demand until the next one."""
        total, start = 0.0, -1
        for period, units in enumerate(demand):
            if choice[period]:
                start = period
            if units and start < 0:
                return np.inf
            total += holding * units * (period - start)
        starts = [period for period, chosen in enumerate(choice) if chosen]
        served = zip(starts, [*starts[1:], len(demand)], strict=False)
        return total + fixed * sum(sum(demand[one:end]) > 0 for one, end in served)

    plan = wagner_whitin(demand, holding, fixed)
    assert plan.cost == pytest.approx(min(map(cost, product((0, 1), repeat=len(demand)))))
    stock = np.cumsum(plan.orders) - np.cumsum(demand)
    assert (stock >= 0).all()
    assert stock[-1] == 0
    assert plan.cost == pytest.approx(holding * stock.sum() + fixed * (plan.orders > 0).sum())


def test_costs_may_differ_by_period() -> None:
    # Ordering in period 2 costs 100, carrying 5 units over one period only 5.
    assert wagner_whitin([5, 5], 1, [10, 100]).orders.tolist() == [10, 0]
    assert wagner_whitin([5, 5], [30, 30], [10, 100]).orders.tolist() == [5, 5]


@pytest.mark.parametrize("lead_time", [0, 2])
def test_no_other_reorder_policy_is_cheaper(lead_time: int) -> None:
    law = geometric_law(2)
    best = reorder_policy(law, holding=1, stockout=5, order_cost=10, lead_time=lead_time)
    costs = {
        (s, level): long_run_cost(law, s, level, lead_time)
        for s in range(best.reorder_point - 2, best.reorder_point + 3)
        for level in range(best.order_up_to - 3, best.order_up_to + 4)
    }
    assert min(costs, key=costs.__getitem__) == (best.reorder_point, best.order_up_to)
    assert min(costs.values()) == pytest.approx(best.cost, abs=1e-6)


def long_run_cost(law: np.ndarray, s: int, level: int, lead_time: int) -> float:
    """Return an (s, S) policy's cost by the stationary law of its position after ordering."""
    positions = np.arange(s + 1, level + 1)
    chain = np.zeros((positions.size, positions.size))
    for row, position in enumerate(positions):
        for units, chance in enumerate(law):
            after = position - units
            chain[row, after - s - 1 if after > s else -1] += chance
    shares = np.linalg.matrix_power(chain, 1 << 16)[0]
    until = law
    for _ in range(lead_time):
        until = np.convolve(until, law)
    gaps = positions[:, None] - np.arange(until.size)
    costs = np.where(gaps > 0, gaps, -5 * gaps) @ until
    ordering = sum(
        share * law[position - s :].sum() for position, share in zip(positions, shares, strict=True)
    )
    return float(shares @ costs + 10 * ordering)


def test_without_a_fixed_cost_every_demand_is_reordered() -> None:
    best = reorder_policy(poisson_law(6), holding=1, stockout=4, order_cost=0)
    assert (best.reorder_point, best.order_up_to) == (7, 8)  # the newsvendor's 8
    assert best.cost == pytest.approx(3.570107, abs=1e-6)  # published


@pytest.mark.parametrize(
    "call",
    [
        lambda: economic_order(-1, 1, 1),
        lambda: newsvendor_poisson(0, 1, 5),
        lambda: wagner_whitin([1, -1], 1, 1),
        lambda: wagner_whitin([1, float("nan")], 1, 1),
        lambda: reorder_policy(np.array([1.0]), holding=1, stockout=1, order_cost=1),
        lambda: poisson_law(0),
    ],
)
def test_impossible_numbers_are_refused(call: object) -> None:
    with pytest.raises(ValueError, match=r"must|need"):
        call()  # type: ignore[operator]
