"""Laws of the agent's order: limits hold, a dearer shortage never orders less, costs are sane."""

from dataclasses import replace
from datetime import date

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from core_modules.explaining.order_regret import costs_by_path, expected_regret
from core_modules.forecasting.forecast_values import DemandModel
from core_modules.forecasting.observation_law import ObservationLaw
from core_modules.inventory import check_orders, order_limits
from core_modules.inventory_agent import (
    AgentSettings,
    Priority,
    Situation,
    decide,
    opening_state,
)
from core_modules.item_terms import ItemTerms
from core_modules.ordering.order_choice import Risk, choose_order
from core_modules.ordering.order_problem import (
    NO_MAXIMUM,
    OrderCosts,
    OrderProblem,
    OrderSteps,
    Outlook,
)

QUICK = settings(max_examples=60, deadline=None, derandomize=True)
PATHS, PERIODS = 16, 9


@st.composite
def outlooks(draw: st.DrawFn) -> Outlook:
    """Draw paths of thin or thick demand, with a known event and a surge now and then."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    mean = draw(st.sampled_from([0.3, 4.0, 150.0]))
    spread = draw(st.sampled_from([0.0, 0.5, 1.5]))
    level = np.exp(draw(st.sampled_from([0.0, 0.2])) * rng.standard_normal((PATHS, 1)))
    rate = mean * level * np.exp(spread * rng.standard_normal((PATHS, PERIODS)) - spread**2 / 2)
    known, surge = np.ones((PATHS, PERIODS)), np.ones((PATHS, PERIODS))
    if draw(st.booleans()):
        known[:, draw(st.integers(0, PERIODS - 1)) :] = draw(st.sampled_from([0.5, 3.0]))
    if draw(st.booleans()):
        surge[: PATHS // 4, draw(st.integers(0, PERIODS - 1)) :] = 4.0
    demand = rng.poisson(rate * known * surge).astype(np.float64)
    return Outlook(
        demand=demand,
        weights=np.full(PATHS, 1 / PATHS),
        mean=np.full(PERIODS, mean),
        variance=np.full(PERIODS, mean + (spread * mean) ** 2),
        known=known,
        surge=surge,
        surge_stays=0.8,
        level_variance=draw(st.sampled_from([0.0, 0.04])),
    )


@st.composite
def order_steps(draw: st.DrawFn) -> OrderSteps:
    """Draw limits that leave at least one order possible."""
    pack, moq = draw(st.sampled_from([1, 1, 6, 24])), draw(st.sampled_from([0, 0, 5, 40]))
    smallest = max(-(-moq // pack), 1) * pack
    largest = draw(st.sampled_from([NO_MAXIMUM, smallest, smallest + pack, smallest + 10 * pack]))
    return OrderSteps(moq, pack, largest)


@st.composite
def problems(draw: st.DrawFn, *, plain: bool = False) -> OrderProblem:
    """Draw an order problem; a plain one has no fixed cost, minimum, pack or shelf life."""
    lead_time = draw(st.integers(1, 4))
    due = draw(st.lists(st.sampled_from([0.0, 0.0, 3.0, 120.0]), min_size=4, max_size=4))
    costs = OrderCosts(
        holding=draw(st.sampled_from([0.01, 0.2, 1.0])),
        shortage=draw(st.sampled_from([0.0, 0.5, 4.0, 9.0, 39.0, 500.0])),
        order=0.0 if plain else draw(st.sampled_from([0.0, 0.0, 5.0, 60.0])),
        waste=0.0 if plain else 2.0,
    )
    return OrderProblem(
        outlook=draw(outlooks()),
        costs=costs,
        steps=OrderSteps() if plain else draw(order_steps()),
        on_hand=float(draw(st.sampled_from([0, 1, 7, 300]))),
        due=np.array([*due, *[0.0] * (PERIODS - 4)]),
        lead_time=lead_time,
        later_lead_time=lead_time,
        review_period=draw(st.integers(1, 3)),
        filled_share=1.0 if plain else draw(st.sampled_from([1.0, 0.6])),
        shelf_life=0 if plain else draw(st.sampled_from([0, 0, 2, 5])),
        backorders=draw(st.booleans()),
    )


@QUICK
@given(problems(), st.sampled_from([0.0, 0.0, 10.0, 700.0]), st.sampled_from([0.0, 0.5, 1.0]))
def test_no_order_breaks_a_limit(problem: OrderProblem, least: float, weight: float) -> None:
    steps = problem.steps
    choice = choose_order(problem, Risk(weight=weight), least)
    for quantity in choice.quantities.tolist():
        assert quantity >= 0
        if quantity:
            assert quantity >= steps.moq
            assert quantity % steps.pack_size == 0
            assert quantity <= steps.max_order
    assert choice.quantity in choice.quantities
    possible = steps.quantity(steps.count - 1) * problem.filled_share
    assert choice.quantity * problem.filled_share >= min(least, possible) - 1e-6


@QUICK
@given(problems(plain=True), st.sampled_from([1.05, 2.0, 10.0]))
def test_a_dearer_shortage_never_orders_less(problem: OrderProblem, factor: float) -> None:
    dearer = replace(problem.costs, shortage=problem.costs.shortage * factor + 0.01)
    cheap, dear = choose_order(problem), choose_order(replace(problem, costs=dearer))
    assert dear.quantity >= cheap.quantity


@QUICK
@given(problems())
def test_each_quantity_costs_what_its_paths_say(problem: OrderProblem) -> None:
    choice = choose_order(problem)
    assert np.isfinite(choice.costs).all()
    assert (np.diff(choice.quantities) > 0).all()
    again = costs_by_path(problem, choice.quantities.tolist()) @ problem.outlook.weights
    np.testing.assert_allclose(again, choice.costs, rtol=1e-12, atol=1e-9)


@QUICK
@given(problems(plain=True))
def test_beyond_all_demand_each_unit_costs_its_holding(problem: OrderProblem) -> None:
    endless = 1000 + 10 * int(problem.outlook.demand.max(axis=0).sum())
    costs = costs_by_path(problem, [endless, endless + 100]) @ problem.outlook.weights
    held = problem.costs.holding * (PERIODS - problem.lead_time + 1)
    assert costs[1] - costs[0] >= 100 * held * (1 - 1e-9)


def single_arrival(problem: OrderProblem) -> OrderProblem:
    """Cut a problem to the one period that tonight's order serves."""
    outlook = problem.outlook
    rows = {
        name: np.ascontiguousarray(getattr(outlook, name)[..., :1])
        for name in ("demand", "mean", "variance", "known", "surge")
    }
    return replace(
        problem,
        outlook=replace(outlook, **rows),
        due=problem.due[:1],
        lead_time=1,
        later_lead_time=1,
        review_period=1,
    )


@QUICK
@given(problems(plain=True), st.sampled_from([1, 5, 100]))
def test_a_single_delivery_is_ordered_smaller_with_more_on_hand(
    problem: OrderProblem, more: int
) -> None:
    once = single_arrival(problem)
    fuller = choose_order(replace(once, on_hand=once.on_hand + more))
    assert fuller.quantity <= choose_order(once).quantity


@QUICK
@given(problems(plain=True), st.sampled_from([0.5, 1.0]))
def test_the_worst_paths_of_a_single_delivery_ask_for_no_less_where_shortage_dominates(
    problem: OrderProblem, weight: float
) -> None:
    dear = OrderCosts(holding=0.01, shortage=500.0)
    once = replace(single_arrival(problem), costs=dear)
    assert choose_order(once, Risk(weight=weight)).quantity >= choose_order(once).quantity


@QUICK
@given(problems(), st.sampled_from([0.5, 1.0, 4.0]), st.lists(st.integers(0, 400), min_size=1))
def test_regret_is_never_negative_and_needs_no_luck_where_demand_is_certain(
    problem: OrderProblem, shortage: float, needs: list[int]
) -> None:
    need = np.resize(np.array(needs, dtype=np.float64), PATHS)
    steps = problem.steps
    arriving = steps.quantity(steps.place(30.0)) * problem.filled_share
    assert expected_regret(problem, need, arriving, shortage) >= 0
    assert expected_regret(problem, np.full(PATHS, arriving), arriving, shortage) < 1e-6
    assert expected_regret(problem, np.full(PATHS, -50.0), 0.0, shortage) == 0


@settings(QUICK, max_examples=30)
@given(
    order_steps(),
    st.sampled_from([0.0, 0.4, 90.0]),
    st.integers(0, 400),
    st.sampled_from(list(Priority)),
    st.sampled_from([None, 6]),
)
def test_no_decision_breaks_its_items_terms(
    steps: OrderSteps, mean: float, on_hand: int, priority: Priority, shelf_life: int | None
) -> None:
    largest = None if steps.max_order == NO_MAXIMUM else steps.max_order
    terms = ItemTerms(
        "A", 50, 30, 0.02, lead_time=2, moq=steps.moq, pack_size=steps.pack_size,
        max_order=largest, shelf_life=shelf_life,
    )  # fmt: skip
    law = ObservationLaw(scale=2.0, power=1.2)
    model = DemandModel("A", "test", date(2024, 5, 1), np.full(40, mean), law=law)
    own = AgentSettings(priority=priority, paths=32)
    situation = Situation(on_hand, 0, np.zeros(30, dtype=np.int64))
    made = decide(opening_state(model, own), terms, date(2024, 5, 1), situation, own)
    check_orders(np.array([[made.quantity]]), order_limits([terms]))


def test_a_batch_that_saves_the_cost_of_further_orders_is_no_regret() -> None:
    outlook = Outlook.plain(np.full((PATHS, PERIODS), 100.0))
    costs = OrderCosts(holding=0.02, shortage=20.0, order=64.0)
    problem = OrderProblem(
        outlook, costs, OrderSteps(), on_hand=0.0, due=np.zeros(PERIODS), lead_time=1,
        later_lead_time=1,
    )  # fmt: skip
    need = np.full(PATHS, 100.0)
    # sqrt(2 x 64 x 100 / 0.02) = 800 units a time, of which the need is 50 on average and 100 here.
    assert expected_regret(problem, need, 850.0, 20.0) == 0
    # 100 more: held a day and then until they are used up, 0.02 (100 + 100^2 / 200).
    assert np.isclose(expected_regret(problem, need, 950.0, 20.0), 3.0)
    assert np.isclose(expected_regret(problem, need, 90.0, 20.0), 200.0)
