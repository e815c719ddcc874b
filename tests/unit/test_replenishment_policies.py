"""The baselines, evening by evening, worked by hand."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from core_modules.item_terms import ItemTerms
from core_modules.market_scenarios import EventKind, MarketEvent
from core_modules.replenishment_policies import DEMO_RULES, DaysOfCover, OrderUpTo, OriginalRules
from core_modules.simulation import Policy, SimulationResult, build_market, simulate

START = date(2024, 1, 1)


def item(unique_id: str = "a", **values: Any) -> ItemTerms:
    return ItemTerms(
        unique_id,
        **({"unit_price": 10, "unit_cost": 6, "holding_cost": 0.1, "lead_time": 2} | values),
    )


def run(
    policy: Policy,
    demand: Sequence[int],
    opening: int,
    terms: ItemTerms,
    events: Sequence[MarketEvent] = (),
    backorders: bool = False,
) -> SimulationResult:
    market = build_market(START, np.array([[demand]], dtype=np.int64), [terms], [events])
    return simulate(market, [terms], np.array([opening]), policy, backorders=backorders)


def orders(result: SimulationResult) -> list[int]:
    return result.ordered[0, 0].tolist()


def event(kind: EventKind, first: int, days: int, **values: Any) -> MarketEvent:
    return MarketEvent(f"{kind}-{first}", kind, START + timedelta(days=first), days, **values)


def test_order_up_to_brings_the_inventory_position_to_its_level() -> None:
    terms = item()
    # level 10, opening 10; sold 3, 4, 0: ordered 3, 4, 0
    result = run(OrderUpTo([terms], np.array([10.0])), [3, 4, 0], 10, terms)
    assert orders(result) == [3, 4, 0]


def test_order_up_to_waits_while_the_position_is_above_its_level() -> None:
    terms = item()
    # opening 18, level 10: 15, 12, 9 left: only the last evening is below
    assert orders(run(OrderUpTo([terms], np.array([10.0])), [3, 3, 3], 18, terms)) == [0, 0, 1]


def test_order_up_to_replaces_what_is_owed_under_backorders() -> None:
    terms = item()
    # 7 asked for, 4 there: 3 owed, position -3
    policy = OrderUpTo([terms], np.array([10.0]))
    assert orders(run(policy, [7], 4, terms, backorders=True)) == [13]


def test_order_up_to_keeps_the_limits_and_review_days() -> None:
    terms = item(pack_size=4, max_order=8, review_period=2)
    # day 1 (a review): position 0, level 11: 12 in packs of 4, cut to 8
    # day 3: 0 on hand, 8 received on day 3 and 2 sold: position 6, 5 wanted: 8 in packs
    result = run(OrderUpTo([terms], np.array([11.0])), [5, 5, 0, 2], 10, terms)
    assert orders(result) == [0, 8, 0, 8]


def test_days_of_cover_follows_the_mean_of_the_last_28_days_sales() -> None:
    terms = item()
    recent = np.full((1, 30), 7)
    recent[0, :2] = 1000  # before the last 28 days
    policy = DaysOfCover([terms], 4.0, recent, replications=1)
    # day 0: 35 sold; the oldest 7 leaves: mean (27 * 7 + 35) / 28 = 8; level 32 less 5 on hand
    # day 1: 5 of 63 sold; mean (26 * 7 + 35 + 5) / 28 = 7.93; round(31.7) = 32 less 27 on order
    result = run(policy, [35, 63], 40, terms)
    assert orders(result) == [27, 5]


def test_days_of_cover_takes_the_mean_of_the_days_there_are() -> None:
    terms = item()
    # no day before the run, then 6 and 9 sold: means 6 and 7.5; two days are 12 and 15
    # 14 left: wait; 5 left: 10
    policy = DaysOfCover([terms], 2.0, np.zeros((1, 0), dtype=np.int64), replications=1)
    assert orders(run(policy, [6, 9], 20, terms)) == [0, 10]
    # one day of 12 before: mean 9, two days are 18, 14 left
    policy = DaysOfCover([terms], 2.0, np.array([[12]]), replications=1)
    assert orders(run(policy, [6], 20, terms)) == [4]


def original(terms: ItemTerms, usual: float, recent: int = 10) -> OriginalRules:
    return OriginalRules(
        [terms], np.array([40.0]), np.array([usual]), np.full((1, 7), recent), replications=1
    )


def test_the_original_rules_order_the_usual_quantity_at_the_reorder_point() -> None:
    terms = item()
    # 51 left: wait; 40 left, the reorder point: order; 2.5 weeks of 10 a day are 175 < 300
    assert orders(run(original(terms, 300), [10, 11], 61, terms)) == [0, 300]


def test_the_original_rules_order_two_and_a_half_weeks_of_demand_where_that_is_more() -> None:
    terms = item()
    # sales of the last 7 days after day 0: 6 * 10 + 24 = 84, mean 12; 17.5 * 12 = 210 > 100
    assert orders(run(original(terms, 100), [24], 24, terms)) == [210]


def test_the_original_rules_do_not_look_at_what_is_under_way() -> None:
    terms = item(lead_time=5)
    assert orders(run(original(terms, 300), [10, 10, 10], 30, terms)) == [300, 300, 300]


def test_the_original_rules_cap_an_order_at_the_largest() -> None:
    terms = item(max_order=250)
    assert orders(run(original(terms, 300), [10], 30, terms)) == [250]


@pytest.mark.parametrize(
    ("kind", "point", "quantity"),
    [
        # the demo's table: reorder point and quantity, as multipliers
        (EventKind.POST_HOLIDAY_CLEARANCE, 0.5, 0.4),
        (EventKind.VIRAL, 2.5, 3),
        (EventKind.COMPETITOR_STOCKOUT, 1.5, 2),
        (EventKind.SUPPLY_DISRUPTION, 1.8, 0.7),
        (EventKind.CELEBRITY_ENDORSEMENT, 2.5, 3),
        (EventKind.ECONOMIC_DOWNTURN, 0.7, 0.6),
        (EventKind.BLACK_FRIDAY, 3, 4),
        (EventKind.PROMOTION, 1, 1),  # the demo knew none
    ],
)
def test_the_original_rules_follow_the_table_of_scenarios(
    kind: EventKind, point: float, quantity: float
) -> None:
    terms = item()
    reorder_point = round(40 * point)
    scenario = [event(kind, 0, 1)]
    # no sales, so the quantity is the table's: 1000 times its multiplier
    above = run(original(terms, 1000, recent=0), [0], reorder_point + 1, terms, scenario)
    at = run(original(terms, 1000, recent=0), [0], reorder_point, terms, scenario)
    assert orders(above) == [0]
    assert orders(at) == [round(1000 * quantity)]
    assert kind in DEMO_RULES or (point, quantity) == (1, 1)


def test_the_original_rules_act_on_an_announced_event_only_once_it_is_on() -> None:
    terms = item()
    announced = event(EventKind.BLACK_FRIDAY, 2, 1, announced=2)
    # 100 on hand: above 40, but below 3 * 40 on day 2
    result = run(original(terms, 300, recent=0), [0] * 4, 100, terms, [announced])
    assert orders(result) == [0, 0, 1200, 0]


def test_the_original_rules_leave_other_items_events_alone() -> None:
    terms = item("a")
    elsewhere = event(EventKind.VIRAL, 0, 1, items=("b",))
    assert orders(run(original(terms, 300), [0], 50, terms, [elsewhere])) == [0]


def test_every_replication_is_ordered_for_by_its_own_sales_and_events() -> None:
    terms = item()
    demand = np.array([[[10], [10], [30]]])
    viral = event(EventKind.VIRAL, 0, 1)
    market = build_market(START, demand, [terms], [[], [viral], []])
    policy = OriginalRules([terms], np.array([40.0]), np.array([100.0]), np.full((1, 7), 0), 3)
    result = simulate(market, [terms], np.array([60]), policy)
    # 50, 50 and 30 left; reorder points 40, 100, 40; quantities 300 on the viral day,
    # and the larger of 100 and 17.5 * 30 / 7 = 75
    assert result.ordered[0, :, 0].tolist() == [0, 300, 100]
