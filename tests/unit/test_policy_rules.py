"""The textbook's rules on paths small enough to work out by hand."""

import numpy as np
import pytest

from core_modules.policies.parameter_grids import BUDGET, GRIDS, TITLES, parameter_words
from core_modules.policies.rule_arithmetic import (
    Past,
    Rule,
    Terms,
    path_sums,
    wanted_units,
)
from core_modules.textbook.wagner_whitin import wagner_whitin

# Four equally likely paths of six days; with lead time 2 and daily review the cover is two days.
PATHS = np.array(
    [
        [2.0, 2.0, 4.0, 4.0, 4.0, 4.0],
        [4.0, 4.0, 4.0, 4.0, 4.0, 4.0],
        [6.0, 6.0, 4.0, 4.0, 4.0, 4.0],
        [8.0, 8.0, 4.0, 4.0, 4.0, 4.0],
    ]
)
EQUAL = np.full(4, 0.25)
PAST = Past(recent=5.0, week=6.0, usual=4.0, usual_sd=2.0, reviews=0)
NOTHING = np.zeros(6)


def wanted(
    rule: Rule,
    a: float,
    b: float = 0.0,
    *,
    on_hand: float = 3.0,
    due: np.ndarray = NOTHING,
    order_cost: float = 0.0,
    past: Past = PAST,
) -> float:
    terms = Terms(2, 1, 1.0, order_cost, False)
    sums = path_sums(PATHS, EQUAL, terms)
    return wanted_units(int(rule), a, b, sums, past, terms, on_hand, 0.0, due)


def test_order_up_to_covers_a_quantile_of_the_demand_until_the_next_delivery() -> None:
    # Two days sell 4, 8, 12 or 16: three quarters of the paths stay at 12 or below.
    assert wanted(Rule.ORDER_UP_TO, 0.75) == 12 - 3
    assert wanted(Rule.ORDER_UP_TO, 0.76) == 16 - 3


def test_units_under_way_are_not_ordered_again() -> None:
    assert wanted(Rule.ORDER_UP_TO, 0.75, due=np.array([5.0, 0, 0, 0, 0, 0])) == 12 - 3 - 5
    assert wanted(Rule.ORDER_UP_TO, 0.75, due=np.full(6, 50.0)) == 0


def test_mean_and_deviation_give_the_level() -> None:
    # Mean 10, variance (36 + 4 + 4 + 36) / 4 = 20, so 10 + 4.47 - 3 = 11.47
    assert wanted(Rule.NORMAL_ORDER_UP_TO, 1.0) == 11


def test_constant_level_looks_at_no_forecast() -> None:
    # 2 x 4 + 1.5 x 2 x sqrt(2) = 12.24
    assert wanted(Rule.CONSTANT_ORDER_UP_TO, 1.5) == 12 - 3


def test_days_of_cover_follow_recent_sales() -> None:
    assert wanted(Rule.DAYS_OF_COVER, 1.5) == 15 - 3


def test_the_cap_cuts_an_order() -> None:
    # The level is 10 + 0.45 x 4.47 = 12; a day's mean demand is 5: at most 1.5 x 5, rounded up.
    assert wanted(Rule.CAPPED_BASE_STOCK, 0.45, 1.5) == 8
    assert wanted(Rule.CAPPED_BASE_STOCK, 0.45, 3.0) == 9


def test_s_s_fills_up_only_at_its_reorder_point() -> None:
    # s = 12 - 1, as 10 + 0.45 x 4.47 is 12; a lot of two days' demand is 10 units.
    assert wanted(Rule.S_S, 0.45, 2.0, on_hand=12.0) == 0
    assert wanted(Rule.S_S, 0.45, 2.0, on_hand=9.0) == 11 + 10 - 9
    assert wanted(Rule.R_Q, 0.45, 2.0, on_hand=9.0) == 10
    assert wanted(Rule.R_Q, 0.45, 2.0, on_hand=0.0) == 20


def test_min_max_waits_above_its_minimum() -> None:
    assert wanted(Rule.MIN_MAX, 1.0, 2.0, on_hand=11.0) == 0
    assert wanted(Rule.MIN_MAX, 1.0, 2.0, on_hand=10.0) == 10 + 10 - 10


def test_the_newsvendor_looks_at_the_day_of_arrival_and_loses_what_is_short_before() -> None:
    # Tomorrow leaves 1, 0, 0, 0 of 3 units; the day after wants 2, 4, 6, 8: short 1, 4, 6, 8.
    assert wanted(Rule.NEWSVENDOR, 0.5) == 4
    assert wanted(Rule.NEWSVENDOR, 0.9) == 8


def test_the_projected_inventory_level_is_reached_in_expectation() -> None:
    # The day of arrival wants 5 on average; a quarter of a unit is expected on the shelf.
    assert wanted(Rule.PROJECTED_INVENTORY, 0.0) == 5


def test_a_lot_is_the_economic_order_quantity() -> None:
    # sqrt(2 x 40 x 5 / 1) = 20
    assert wanted(Rule.ECONOMIC_ORDER, 0.0, order_cost=40.0) == 20
    assert wanted(Rule.ECONOMIC_ORDER, 0.0, on_hand=11.0, order_cost=40.0) == 0
    assert wanted(Rule.S_S, 0.45, 1.0, on_hand=9.0, order_cost=40.0) == 11 + 20 - 9


def test_a_constant_order_adds_up_to_its_share_of_demand() -> None:
    placed = [
        wanted(Rule.CONSTANT_ORDER, 0.65, past=Past(5, 6, 4, 2, evening)) for evening in range(5)
    ]
    assert sum(placed) == 13  # 0.65 x 4 x 5
    assert set(placed) == {2, 3}


@pytest.mark.parametrize("order_cost", [0.0, 3.0, 30.0])
def test_the_first_lot_of_the_plan_is_wagner_and_whitins(order_cost: float) -> None:
    # Nothing is left on arrival: all of 5, 4, 4, 4, 4 is to be ordered.
    plan = wagner_whitin([5.0, 4.0, 4.0, 4.0, 4.0], 1.0, order_cost)
    ordered = wanted(Rule.WAGNER_WHITIN, 0.0, on_hand=0.0, order_cost=order_cost)
    assert ordered == plan.orders[0]


def test_the_original_rule_looks_at_the_shelf_alone() -> None:
    # At 400 / 150 days of 4 units or less it orders 17.5 days of the week's mean, 6 a day.
    assert wanted(Rule.ORIGINAL, 0.0, on_hand=11.0) == 0
    assert wanted(Rule.ORIGINAL, 0.0, on_hand=10.0, due=np.full(6, 90.0)) == 105


def test_every_rule_has_a_title_and_the_same_budget() -> None:
    assert set(TITLES) == set(GRIDS) == set(Rule)
    for rule, grid in GRIDS.items():
        assert grid.shape == ((1 if rule == Rule.ORIGINAL else BUDGET), 2)
        assert len({parameter_words(rule, *pair) for pair in grid}) == len(grid)
