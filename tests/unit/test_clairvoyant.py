"""The bound: hand-worked orders, every policy below it, and every possible order tried."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core_modules.clairvoyant import clairvoyant_orders
from core_modules.inventory import allowed_quantity, order_limits
from core_modules.item_terms import ItemTerms
from core_modules.market_scenarios import affecting, scenario_effects
from core_modules.order_chances import Foresight
from core_modules.performance_analytics import by_replication
from core_modules.replenishment_policies import Clairvoyant, DaysOfCover, OrderUpTo, OriginalRules
from core_modules.scenario_calendars import calendar_events
from core_modules.simulation import Policy, build_market, may_order, simulate
from tests.small_worlds import START, RandomOrders, Scripted, World, worlds


def orders(
    demand: list[int],
    opening: int = 0,
    *,
    lead_times: list[int] | None = None,
    filled: list[float] | None = None,
    price: list[float] | None = None,
    arrivals: list[int] | None = None,
    backorders: bool = False,
    **values: Any,
) -> list[int]:
    usual = {"unit_price": 10, "unit_cost": 6, "holding_cost": 0.1, "lead_time": 1}
    terms = ItemTerms("a", **(usual | values))
    days = len(demand)
    at = np.array(arrivals or [0] * days)
    at[0] += opening
    future = Foresight(
        demand=np.array(demand),
        lead_times=np.array(lead_times or [terms.lead_time] * days),
        filled_share=np.array(filled or [1.0] * days),
        price_multiplier=np.array(price or [1.0] * days),
        arrivals=at,
    )
    return clairvoyant_orders(terms, future, backorders=backorders).tolist()


def test_each_days_demand_is_ordered_to_arrive_that_morning() -> None:
    # lead time 2: the orders of days 0 to 2 serve days 2 to 4; later ones come too late
    assert orders([3, 1, 4, 0, 5], 4, lead_time=2) == [4, 0, 5, 0, 0]


def test_opening_stock_and_open_orders_are_used_first() -> None:
    # 6 on hand serve days 0 and 1 and one unit of day 2; two more are on their way for day 2
    assert orders([3, 2, 4, 5], 6, arrivals=[0, 0, 2, 0]) == [0, 1, 5, 0]


def test_demand_that_costs_more_to_hold_for_than_it_earns_is_left() -> None:
    # margin 4; a lorry on the morning of day 1 only; 3 a night: day 2 pays (4 - 3), day 3 does not
    assert orders([0, 1, 1, 1], holding_cost=3.0, lead_times=[1, 9, 9, 9]) == [2, 0, 0, 0]


def test_a_fixed_cost_is_shared_by_several_days() -> None:
    # 10 a day, 0.1 a night: one order for days 1 to 3 holds 20 + 10 units a night: 3 < 2 * 5;
    # two orders would cost 5 more and save at most 2
    assert orders([0, 10, 10, 10], order_cost=5) == [30, 0, 0, 0]


def test_an_order_that_cannot_earn_its_fixed_cost_is_not_placed() -> None:
    assert orders([0, 2], order_cost=9) == [0, 0]  # margin 8
    assert orders([0, 3], order_cost=9) == [3, 0]  # margin 12


def test_limits_bring_orders_forward() -> None:
    # at most 4 a day: 6 of day 3 are 4 then and 2 the day before
    assert orders([0, 0, 0, 6], max_order=4) == [0, 2, 4, 0]


def test_a_pack_is_bought_where_its_sold_part_pays_for_holding_the_rest() -> None:
    # 5 wanted in packs of 4: 8 leave 3 over for a night, 0.3 < the margin of 4 on the fifth
    assert orders([0, 5], pack_size=4) == [8, 0]
    # 4 a unit a night: three left over cost 12
    assert orders([0, 5], pack_size=4, holding_cost=4.0) == [4, 0]


def test_a_short_delivery_is_made_up_for() -> None:
    # 60 % is delivered: 7 ordered bring floor(4.2) = 4; 6 would bring 3
    assert orders([0, 4], filled=[0.6, 1.0]) == [7, 0]


def test_perishables_are_ordered_for_their_life_only() -> None:
    # a lorry on the morning of day 1 only; the goods live two days: days 1 and 2, not 3
    assert orders([0, 2, 3, 4], lead_times=[1, 9, 9, 9], shelf_life=2) == [5, 0, 0, 0]
    assert orders([0, 2, 3, 4], lead_times=[1, 9, 9, 9]) == [9, 0, 0, 0]


def test_opening_stock_that_will_expire_is_replaced_in_time() -> None:
    # 9 on hand live days 0 and 1, of which 4 are sold
    assert orders([2, 2, 2, 2], 9, shelf_life=2) == [0, 2, 2, 0]


def test_nothing_is_bought_to_be_sold_below_its_cost() -> None:
    # at half the price a unit loses 1
    assert orders([0, 5, 5], price=[1.0, 0.5, 1.0]) == [0, 5, 0]


def test_orders_are_placed_on_review_days_only() -> None:
    # reviews on days 1 and 3: day 1's order, there on day 2, serves days 2 and 3
    assert orders([0, 1, 2, 3, 4], review_period=2) == [0, 5, 0, 4, 0]


def test_under_backorders_customers_may_wait_for_a_shared_order() -> None:
    # one order costs 7 and all three units earn 12; waiting until day 3 saves 0.2 + 0.1 of holding
    assert orders([0, 1, 1, 1], order_cost=7, backorders=True) == [0, 0, 3, 0]
    # if each unit that waits costs 2 in goodwill, they are served at once
    assert orders([0, 1, 1, 1], order_cost=7, goodwill=2, backorders=True) == [3, 0, 0, 0]


def profit(world: World, policy: Policy) -> np.ndarray:
    return by_replication(world.run(policy), world.market, world.terms)["profit"].to_numpy()


def clairvoyant(world: World) -> Clairvoyant:
    return Clairvoyant(
        world.terms,
        world.market,
        world.opening_stock,
        opening_orders=world.opening_orders,
        backorders=world.backorders,
    )


def best_of_all_orders(world: World, largest: int) -> float:
    """Try every combination of allowed orders of one item, each as a replication."""
    (terms,), days = world.terms, world.market.shape[2]
    allowed = allowed_quantity(np.arange(largest + 1), order_limits([terms]))[0]
    choices = [
        np.unique(allowed) if may_order([terms], day).item() else np.array([0])
        for day in range(days)
    ]
    useful = [day + world.market.lead_times[0, 0, day] < days for day in range(days)]
    combinations = np.array(
        list(product(*(c if use else [0] for c, use in zip(choices, useful, strict=True))))
    )
    copies = combinations.shape[0]
    market = build_market(
        world.market.start,
        np.repeat(world.market.demand, copies, axis=1),
        world.terms,
        list(world.market.events) * copies,
    )
    many = World(world.terms, market, world.opening_stock, world.opening_orders, world.backorders)
    return float(profit(many, Scripted(combinations[None].astype(np.int64))).max())


@settings(max_examples=80)
@given(worlds(items=1, replications=1, days=6, most=4))
def test_no_combination_of_orders_earns_more_than_the_clairvoyants(world: World) -> None:
    best = best_of_all_orders(world, largest=12)
    assert profit(world, clairvoyant(world))[0] >= best - 1e-9


@settings(max_examples=50)
@given(worlds(items=1, replications=1, days=5, most=3))
def test_the_clairvoyant_earns_what_the_best_combination_of_orders_earns(world: World) -> None:
    """Orders up to all demand and a pack, at the smallest share, are all that can be of use."""
    share = world.market.filled_share[world.market.filled_share > 0].min(initial=1.0)
    largest = int((world.market.demand.sum() + 9) / share)
    if largest <= 24:
        best = best_of_all_orders(world, largest)
        assert profit(world, clairvoyant(world))[0] == pytest.approx(best)


@settings(max_examples=80)
@given(world=worlds(days=20, most=30), seed=st.integers(0, 1000), level=st.floats(0, 150))
def test_no_policy_earns_more_than_the_clairvoyant(world: World, seed: int, level: float) -> None:
    items, replications, _ = world.market.shape
    recent = np.full((items, 28), 12)
    bound = profit(world, clairvoyant(world))
    for policy in (
        OrderUpTo(world.terms, np.full(items, level)),
        DaysOfCover(world.terms, level / 10, recent, replications),
        OriginalRules(
            world.terms, np.full(items, level), np.full(items, 30.0), recent, replications
        ),
        RandomOrders(world.terms, 60, seed),
    ):
        assert np.all(profit(world, policy) <= bound + 1e-6)


@pytest.mark.parametrize("name", ["original", "random", "stress"])
def test_no_level_tuned_in_hindsight_earns_more_than_the_clairvoyant(name: str) -> None:
    rng = np.random.default_rng(17)
    terms = [ItemTerms("a", 50, 30, 0.25 * 30 / 365, lead_time=3, max_order=5000)]
    events = [calendar_events(name, START, 180, rng) for _ in range(5)]
    effects = [scenario_effects(affecting(calendar, "a"), START, 180) for calendar in events]
    means = 180 * np.array([effect.demand_multiplier for effect in effects])
    demand = rng.negative_binomial(11, 11 / (11 + means))[None]
    market = build_market(START, demand, terms, events)
    stock = np.array([3000])
    bound = by_replication(
        simulate(market, terms, stock, Clairvoyant(terms, market, stock)), market, terms
    )["profit"]
    for level in np.linspace(500, 8000, 16):
        run = simulate(market, terms, stock, OrderUpTo(terms, np.array([level])))
        assert np.all(by_replication(run, market, terms)["profit"] <= bound)


def test_the_clairvoyant_keeps_each_items_limits() -> None:
    terms = [
        ItemTerms("a", 10, 6, 0.1, lead_time=1, moq=12, pack_size=6, max_order=24, order_cost=2),
        ItemTerms("b", 10, 6, 0.1, lead_time=2, review_period=4),
    ]
    demand = np.random.default_rng(5).poisson(6, size=(2, 3, 30))
    market = build_market(START, demand, terms, [[], [], []])
    opening = np.array([10, 20])
    # `simulate` stops at an order outside the limits or the review days
    result = simulate(market, terms, opening, Clairvoyant(terms, market, opening))
    assert set(np.unique(result.ordered[0])) <= {0, 12, 18, 24}
    assert np.all(result.ordered[1][:, (np.arange(30) + 1) % 4 != 0] == 0)
