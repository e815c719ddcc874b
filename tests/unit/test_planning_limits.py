"""Shared limits: who gets scarce money and room, and that no limit is ever broken."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core_modules.planning.limit_search import search_places
from core_modules.planning.shared_limits import (
    OrderCurve,
    SharedLimits,
    SharedRoom,
    SupplierMinimum,
    broken_limits,
    share_limits,
)


def curve(*points: tuple[int, float]) -> OrderCurve:
    return OrderCurve(
        np.array([units for units, _ in points]), np.array([cost for _, cost in points])
    )


def newsvendor_curve(rng: np.random.Generator) -> OrderCurve:
    """Return the expected cost of orders that meet a Poisson demand, in packs."""
    pack, most = int(rng.integers(1, 7)), int(rng.integers(3, 25))
    quantities = pack * np.arange(most + 1)
    demand = rng.poisson(rng.uniform(0.2, 0.8) * quantities[-1], 200)[:, None]
    short, left = np.maximum(demand - quantities, 0), np.maximum(quantities - demand, 0)
    return OrderCurve(quantities, (rng.uniform(2, 9) * short + left).mean(axis=0))


@st.composite
def shared_cases(draw: st.DrawFn) -> tuple[list[OrderCurve], SharedLimits]:
    count = draw(st.integers(1, 5))
    curves = []
    for _ in range(count):
        steps = draw(st.lists(st.integers(1, 4), min_size=0, max_size=3))
        costs = draw(st.lists(st.integers(0, 30), min_size=len(steps) + 1, max_size=len(steps) + 1))
        quantities = np.concatenate([[0], np.cumsum(steps)]).astype(np.int64)
        curves.append(OrderCurve(quantities, np.array(costs, dtype=np.float64)))
    numbers = st.sampled_from([0.0, 0.1, 1.0, 2.5])
    rooms = tuple(
        SharedRoom(
            name,
            np.array(draw(st.lists(numbers, min_size=count, max_size=count))),
            draw(st.sampled_from([-3.0, 0.0, 0.3, 4.0, 9.0])),
        )
        for name in draw(st.sampled_from([(), ("budget",), ("budget", "capacity")]))
    )
    supplier = np.array(draw(st.lists(st.integers(0, 2), min_size=count, max_size=count)))
    minimums = tuple(
        SupplierMinimum(f"s{number}", np.flatnonzero(supplier == number), minimum)
        for number in (0, 1)
        for minimum in (draw(st.sampled_from([0.5, 3.0, 8.0, 40.0])),)
        if np.any(supplier == number)
    )
    unit_cost = np.array(draw(st.lists(numbers, min_size=count, max_size=count)))
    return curves, SharedLimits(unit_cost, rooms, minimums)


def cheapest(curves: list[OrderCurve], limits: SharedLimits) -> float:
    """Try every combination."""
    choices = [list(zip(one.quantities, one.costs, strict=True)) for one in curves]
    return min(
        sum(cost for _, cost in picked)
        for picked in product(*choices)
        if not broken_limits(np.array([units for units, _ in picked]), limits)
    )


@given(shared_cases())
@settings(max_examples=150)
def test_no_shared_limit_is_ever_broken_and_only_allowed_quantities_are_ordered(
    case: tuple[list[OrderCurve], SharedLimits],
) -> None:
    curves, limits = case
    for exact_up_to in (0, 10_000):
        orders = share_limits(curves, limits, exact_up_to=exact_up_to)
        assert broken_limits(orders.quantities, limits) == []
        for one, quantity in zip(curves, orders.quantities, strict=True):
            assert quantity in one.quantities
        assert orders.cost >= orders.unlimited_cost - 1e-9


@given(shared_cases())
@settings(max_examples=100)
def test_the_exact_search_finds_the_cheapest_of_all_combinations(
    case: tuple[list[OrderCurve], SharedLimits],
) -> None:
    curves, limits = case
    orders = share_limits(curves, limits)
    assert orders.proven
    assert orders.cost == pytest.approx(cheapest(curves, limits), rel=1e-5, abs=1e-5)


def test_the_greedy_search_is_within_two_percent_of_the_optimum_half_of_one_on_average() -> None:
    gaps = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        curves = [newsvendor_curve(rng) for _ in range(24)]
        unit_cost = rng.uniform(1, 20, 24)
        wanted = np.array([one.quantities[one.best] for one in curves])
        limits = SharedLimits(
            unit_cost,
            (
                SharedRoom("budget", unit_cost, 0.7 * float(unit_cost @ wanted)),
                SharedRoom("capacity", np.ones(24), 0.8 * float(wanted.sum())),
            ),
            (SupplierMinimum("s", np.arange(6), 0.9 * float(unit_cost[:6] @ wanted[:6])),),
        )
        places = search_places(curves, limits)
        greedy = sum(one.costs[place] for one, place in zip(curves, places, strict=True))
        best = share_limits(curves, limits)
        assert best.proven
        gaps.append(greedy / best.cost - 1)
    assert max(gaps) < 0.02
    assert np.mean(gaps) < 0.005


def test_scarce_money_goes_where_a_unit_of_it_saves_most() -> None:
    # Of 10 units of money, a saves 5 with 5 (1 each), b saves 24 with 10 (2.4 each).
    cheap, dear = curve((0, 9.0), (5, 4.0)), curve((0, 30.0), (1, 6.0))
    money = SharedRoom("budget", np.array([1.0, 10.0]), 10.0)
    orders = share_limits([cheap, dear], SharedLimits(np.array([1.0, 10.0]), (money,)))
    assert orders.quantities.tolist() == [0, 1]
    assert orders.changed.tolist() == [True, False]


def test_without_scarcity_every_item_gets_its_own_best() -> None:
    curves = [curve((0, 9.0), (5, 4.0), (10, 6.0)), curve((0, 1.0), (3, 2.0))]
    money = SharedRoom("budget", np.ones(2), 100.0)
    orders = share_limits(curves, SharedLimits(np.ones(2), (money,)))
    assert orders.quantities.tolist() == [5, 0]
    assert orders.cost == orders.unlimited_cost
    assert not orders.changed.any()


def test_a_supplier_below_its_minimum_is_filled_up_by_the_least_costly_units() -> None:
    # The own optima are worth 6; to reach 8, two more of b cost 1, two more of a cost 3.
    a = curve((0, 50.0), (3, 1.0), (5, 4.0))
    b = curve((0, 50.0), (3, 1.0), (5, 2.0))
    limits = SharedLimits(np.ones(2), (), (SupplierMinimum("s", np.arange(2), 8.0),))
    for exact_up_to in (0, 100):
        orders = share_limits([a, b], limits, exact_up_to=exact_up_to)
        assert orders.quantities.tolist() == [3, 5]


def test_a_supplier_whose_minimum_is_not_worth_it_gets_no_order() -> None:
    a = curve((0, 5.0), (1, 4.0), (100, 60.0))
    limits = SharedLimits(np.ones(1), (), (SupplierMinimum("s", np.arange(1), 90.0),))
    for exact_up_to in (0, 100):
        assert share_limits([a], limits, exact_up_to=exact_up_to).quantities.tolist() == [0]


def test_a_warehouse_that_is_full_already_takes_no_order() -> None:
    full = SharedRoom("capacity", np.ones(1), -12.0)
    orders = share_limits([curve((0, 9.0), (5, 4.0))], SharedLimits(np.ones(1), (full,)))
    assert orders.quantities.tolist() == [0]


def test_six_hundred_items_share_a_budget_within_a_second() -> None:
    rng = np.random.default_rng(5)
    curves = [newsvendor_curve(rng) for _ in range(600)]
    unit_cost = rng.uniform(1, 20, 600)
    wanted = np.array([one.quantities[one.best] for one in curves])
    budget = SharedRoom("budget", unit_cost, 0.6 * float(unit_cost @ wanted))
    limits = SharedLimits(unit_cost, (budget,))
    orders = share_limits(curves, limits)
    assert broken_limits(orders.quantities, limits) == []
    # Less than the dearest unit is left over.
    assert budget.room - float(unit_cost @ orders.quantities) < 20 * 6


def test_a_curve_without_the_choice_of_nothing_cannot_share() -> None:
    with pytest.raises(ValueError, match="begin with the quantity 0"):
        share_limits([curve((5, 4.0))], SharedLimits(np.ones(1)))


@pytest.mark.parametrize(
    ("quantities", "costs", "told"),
    [([-1, 2], [1.0, 2.0], "quantities >= 0"), ([0, 2], [1.0], "as many costs"),
     ([0, 2, 2], [1.0, 2.0, 3.0], "must rise")],
)  # fmt: skip
def test_a_curve_that_is_none_is_refused(
    quantities: list[int], costs: list[float], told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        OrderCurve(np.array(quantities), np.array(costs))
