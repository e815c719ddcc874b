"""Service, money and stock figures, worked by hand on a run of four days."""

from datetime import date
from typing import Any

import numpy as np
import pytest

from core_modules.item_terms import ItemTerms
from core_modules.market_scenarios import EventKind, MarketEvent
from core_modules.performance_analytics import (
    by_item,
    by_replication,
    by_scenario,
    cycle_service_level,
    fill_rate,
    key_figures,
    money,
    service_level,
)
from core_modules.simulation import Market, Observation, SimulationResult, build_market, simulate

START = date(2024, 1, 1)
A = ItemTerms(
    "a",
    unit_price=10,
    unit_cost=6,
    holding_cost=0.5,
    goodwill=2,
    order_cost=3,
    salvage=1,
    lead_time=1,
    shelf_life=2,
)
B = ItemTerms("b", unit_price=20, unit_cost=12, holding_cost=0.25, lead_time=1)


class Fixed:
    name = "fixed"

    def __init__(self, orders: list[list[int]]) -> None:
        self.orders = np.array(orders)  # (items, days)

    def order(self, observation: Observation) -> np.ndarray:
        quantity = self.orders[:, observation.day][:, None]
        return np.broadcast_to(quantity, observation.on_hand.shape)


def example() -> tuple[SimulationResult, Market, list[ItemTerms]]:
    """Two items, four days, an offer at 80 % of the price on days 1 and 2.

    Item a, life 2 days, opens with 5 and gets 4 on day 1:
      day 0 sells 1 (4 left); day 1 sells 2 of 8, 2 of the old expire (4 left);
      day 2 sells 1, 3 expire (0 left); day 3 one is asked for and lost.
    Item b opens with 3 and gets 6 on day 3:
      day 0 sells 2 (1 left); day 1 sells 1, one lost; day 2 none asked for; day 3 sells 4 (2 left).
    """
    terms = [A, B]
    demand = np.array([[[1, 2, 1, 1]], [[2, 2, 0, 4]]])
    offer = MarketEvent("offer", EventKind.PROMOTION, date(2024, 1, 2), 2, price=0.8)
    market = build_market(START, demand, terms, [[offer]])
    policy = Fixed([[4, 0, 0, 0], [0, 0, 6, 0]])
    return simulate(market, terms, np.array([5, 3]), policy), market, terms


def test_the_example_happened_as_described() -> None:
    result, _, _ = example()
    assert result.sold[:, 0].tolist() == [[1, 2, 1, 0], [2, 1, 0, 4]]
    assert result.unmet[:, 0].tolist() == [[0, 0, 0, 1], [0, 1, 0, 0]]
    assert result.wasted[:, 0].tolist() == [[0, 2, 3, 0], [0, 0, 0, 0]]
    assert result.on_hand[:, 0].tolist() == [[4, 4, 0, 0], [1, 0, 0, 2]]


def test_every_component_of_profit_is_priced() -> None:
    cash = money(*example())
    # a: 10, 2 * 8, 8, 0                       b: 2 * 20, 16, 0, 4 * 20
    assert cash.revenue[:, 0].tolist() == [[10, 16, 8, 0], [40, 16, 0, 80]]
    assert cash.cost_of_goods_sold[:, 0].tolist() == [[6, 12, 6, 0], [24, 12, 0, 48]]
    assert cash.waste[:, 0].tolist() == [[0, 12, 18, 0], [0] * 4]
    assert cash.salvage[:, 0].tolist() == [[0, 2, 3, 0], [0] * 4]
    # charged on what is left before the expired is thrown away: a has 4, 4 + 2, 0 + 3, 0
    assert cash.holding[:, 0].tolist() == [[2, 3, 1.5, 0], [0.25, 0, 0, 0.5]]
    assert cash.ordering[:, 0].tolist() == [[3, 0, 0, 0], [0] * 4]
    assert cash.goodwill[:, 0].tolist() == [[0, 0, 0, 2], [0] * 4]
    assert cash.expediting.sum() == 0
    assert cash.purchases[:, 0].tolist() == [[0, 24, 0, 0], [0, 0, 0, 72]]


def test_profit_is_revenue_less_every_cost_plus_salvage() -> None:
    cash = money(*example())
    # a: 34 - 24 - 30 - 6.5 - 3 - 2 + 5 = -26.5        b: 136 - 84 - 0.75 = 51.25
    assert cash.profit.sum(axis=(1, 2)) == pytest.approx([-26.5, 51.25])
    # cash: revenue 34 + 136, purchases 24 + 72
    assert cash.cash_profit.sum() == pytest.approx(74)


def test_the_key_figures_of_a_run() -> None:
    figures = key_figures(*example())
    assert figures["days"] == 4
    assert figures["stockout_days"] == 2
    assert figures["service_level"] == pytest.approx(6 / 8)  # item-days
    assert figures["fill_rate"] == pytest.approx(11 / 13)
    assert (figures["demand_units"], figures["sold_units"]) == (13, 11)
    assert (figures["lost_units"], figures["waste_units"]) == (2, 5)
    assert figures["profit"] == pytest.approx(24.75)
    assert figures["cash_profit"] == pytest.approx(74)
    assert figures["revenue"] == pytest.approx(170)
    assert figures["purchases"] == pytest.approx(96)
    assert figures["orders_placed"] == 2
    assert figures["normal_share"] == pytest.approx(4 / 8)  # days 0 and 3 of both
    # both items together: 5, 4, 0, 2 units at the end of the day
    assert figures["average_stock"] == pytest.approx(11 / 4)
    # at cost: 4 * 6 + 12, 4 * 6, 0, 2 * 12
    assert figures["average_stock_value"] == pytest.approx((36 + 24 + 0 + 24) / 4)
    # 11 sold in 4 days; 2.75 units are a day's sales
    assert figures["days_of_cover"] == pytest.approx(1)
    # cost of goods sold 108 in 4 days, over 21 in stock
    assert figures["turns"] == pytest.approx(108 * 365 / 4 / 21)
    assert figures["gmroi"] == pytest.approx((170 - 108) * 365 / 4 / 21)


def test_the_components_of_the_key_figures_add_up_to_profit() -> None:
    figures = key_figures(*example())
    costs = ("cost_of_goods_sold", "waste", "holding", "ordering", "expediting", "goodwill")
    total = figures["revenue"] + figures["salvage"] - sum(figures[name] for name in costs)
    assert figures["profit"] == pytest.approx(total)


def test_a_run_without_stock_or_demand_has_no_turns_and_full_service() -> None:
    market = build_market(START, np.zeros((1, 1, 3), dtype=np.int64), [B], [[]])
    result = simulate(market, [B], np.array([0]), Fixed([[0, 0, 0]]))
    figures = key_figures(result, market, [B])
    assert np.isnan(figures["turns"])
    assert np.isnan(figures["gmroi"])
    assert np.isnan(figures["days_of_cover"])
    assert (figures["service_level"], figures["fill_rate"]) == (1, 1)
    assert by_replication(result, market, [B])["fill_rate"].tolist() == [1]
    assert by_item(result, market, [B])["fill_rate"].tolist() == [1]


@pytest.mark.parametrize(
    ("unmet", "expected"), [([[0, 0], [0, 0]], 1.0), ([[0, 3], [0, 0]], 0.75), ([[1, 1]], 0.0)]
)
def test_service_level_is_the_share_of_item_days_with_nothing_unmet(
    unmet: list[list[int]], expected: float
) -> None:
    assert service_level(np.array(unmet)) == expected


def test_fill_rate_is_the_share_of_units_sold() -> None:
    assert fill_rate(np.array([3, 1]), np.array([4, 4])) == 0.5
    assert fill_rate(np.array([0]), np.array([0])) == 1.0


@pytest.mark.parametrize(
    ("received", "unmet", "expected"),
    [
        # cycles: days 0 to 1, 2 to 3, 4; the second runs short on two days
        ([0, 0, 5, 0, 5], [0, 0, 1, 1, 0], 2 / 3),
        # a receipt on the first day begins the first cycle: days 0 to 2, 3
        ([5, 0, 0, 5], [0, 0, 1, 0], 1 / 2),
        ([0, 0, 0], [0, 0, 0], 1.0),
        ([0, 0, 0], [0, 1, 0], 0.0),
    ],
)
def test_cycle_service_is_the_share_of_cycles_without_a_stockout(
    received: list[int], unmet: list[int], expected: float
) -> None:
    assert cycle_service_level(np.array(received), np.array(unmet)) == pytest.approx(expected)


def test_cycles_of_different_items_and_replications_are_not_mixed() -> None:
    # first item: one cycle, short; second: two, both fine
    received = np.array([[[0, 0]], [[0, 4]]])
    unmet = np.array([[[0, 1]], [[0, 0]]])
    assert cycle_service_level(received, unmet) == pytest.approx(2 / 3)


def test_results_by_scenario_add_up_to_those_of_the_run() -> None:
    result, market, terms = example()
    table = by_scenario(result, market, terms).set_index("scenario")
    assert list(table.index) == ["Normal_Operations", "Promotion"]
    counts = table[["days", "demand", "sold", "lost"]]
    # days 0 and 3 of both items: asked for 1 + 1 and 2 + 4; one of a is lost on day 3
    assert counts.loc["Normal_Operations"].tolist() == [4, 8, 7, 1]
    # days 1 and 2: asked for 2 + 1 and 2 + 0; one of b is lost on day 1
    assert counts.loc["Promotion"].tolist() == [4, 5, 4, 1]
    assert table["fill_rate"].tolist() == pytest.approx([7 / 8, 4 / 5])
    assert table["service_level"].tolist() == pytest.approx([3 / 4, 3 / 4])
    # end of day: a 4, 0 and b 1, 2; a 4, 0 and b 0, 0
    assert table["average_stock"].tolist() == pytest.approx([7 / 4, 4 / 4])
    assert table["profit"].sum() == pytest.approx(24.75)


def test_results_by_item_add_up_to_those_of_the_run() -> None:
    table = by_item(*example()).set_index("unique_id")
    assert table.loc["a", ["demand", "sold", "lost"]].tolist() == [5, 4, 1]
    assert table.loc["b", ["demand", "sold", "lost"]].tolist() == [8, 7, 1]
    assert table["fill_rate"].tolist() == pytest.approx([4 / 5, 7 / 8])
    assert table["service_level"].tolist() == pytest.approx([3 / 4, 3 / 4])
    assert table["average_stock"].tolist() == pytest.approx([8 / 4, 3 / 4])
    assert table["profit"].tolist() == pytest.approx([-26.5, 51.25])


def test_each_replication_has_its_own_figures() -> None:
    demand = np.array([[[1, 1], [9, 0]]])  # (1 item, 2 replications, 2 days)
    market = build_market(START, demand, [B], [[], []])
    result = simulate(market, [B], np.array([4]), Fixed([[0, 0]]))
    table = by_replication(result, market, [B])
    # first: 2 sold, stock 3 and 2; second: 4 of 9 sold, stock 0
    assert table["fill_rate"].tolist() == pytest.approx([1, 4 / 9])
    assert table["service_level"].tolist() == pytest.approx([1, 1 / 2])
    assert table["lost_units"].tolist() == [0, 5]
    assert table["average_stock"].tolist() == pytest.approx([2.5, 0])
    # 2 * 8 - 5 * 0.25; 4 * 8
    assert table["profit"].tolist() == pytest.approx([14.75, 32])
    second: dict[str, Any] = key_figures(result, market, [B], replication=1)
    assert second["profit"] == pytest.approx(32)
    assert second["lost_units"] == 5
