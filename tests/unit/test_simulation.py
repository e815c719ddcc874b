"""The physics of a run, day by day, worked by hand."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from core_modules.inventory import LedgerError
from core_modules.item_terms import ItemTerms
from core_modules.market_scenarios import EventKind, MarketEvent, signals_known
from core_modules.simulation import (
    Market,
    Observation,
    SimulationResult,
    build_market,
    may_order,
    simulate,
)
from core_modules.stock_room import OrdersUnderWay

START = date(2024, 1, 1)


def item(unique_id: str = "a", **values: Any) -> ItemTerms:
    usual = {"unit_price": 10, "unit_cost": 6, "holding_cost": 0.1}
    return ItemTerms(unique_id, **(usual | values))


class Scripted:
    """Orders what it was told to, and keeps what it saw."""

    name = "scripted"

    def __init__(self, orders: Sequence[int]) -> None:
        self.orders, self.seen = orders, list[Observation]()

    def order(self, observation: Observation) -> np.ndarray:
        self.seen.append(observation)
        return np.full(observation.on_hand.shape, self.orders[observation.day], dtype=np.int64)


class Changed:
    """Applies a change to each evening, and orders nothing."""

    name = "changed"

    def __init__(self, change: Callable[[Observation], None]) -> None:
        self.change = change

    def order(self, observation: Observation) -> np.ndarray:
        self.change(observation)
        return np.zeros_like(observation.on_hand)


def market_of(
    demand: Sequence[int], terms: Sequence[ItemTerms], events: Sequence[MarketEvent] = ()
) -> Market:
    days = np.tile(np.array(demand, dtype=np.int64), (len(terms), 1, 1))
    return build_market(START, days, terms, [events])


def run(
    demand: Sequence[int],
    orders: Sequence[int],
    opening: int,
    *,
    events: Sequence[MarketEvent] = (),
    opening_orders: Sequence[int] | None = None,
    backorders: bool = False,
    **values: Any,
) -> tuple[SimulationResult, Scripted]:
    """Run one item through one replication."""
    terms, policy = [item(**values)], Scripted(orders)
    result = simulate(
        market_of(demand, terms, events),
        terms,
        np.array([opening]),
        policy,
        opening_orders=None if opening_orders is None else np.array([opening_orders]),
        backorders=backorders,
    )
    return result, policy


def days(values: np.ndarray) -> list[int]:
    return values[0, 0].tolist()


def event(first: int, length: int, **values: Any) -> MarketEvent:
    return MarketEvent(
        f"event-{first}",
        EventKind.SUPPLY_DISRUPTION,
        START + timedelta(days=first),
        length,
        **values,
    )


def test_a_run_receives_sells_and_places_in_the_order_of_the_day() -> None:
    # lead time 2, opening stock 8
    # day 0: 8 - 3 = 5, orders 5      day 1: 5 - 4 = 1
    # day 2: 1 + 5 - 5 = 1, orders 4  day 3: 1 of 2 sold, 1 lost    day 4: 0 + 4, 4 of 6 sold
    result, _ = run([3, 4, 5, 2, 6], [5, 0, 4, 0, 0], 8, lead_time=2)
    assert days(result.received) == [0, 0, 5, 0, 4]
    assert days(result.sold) == [3, 4, 5, 1, 4]
    assert days(result.unmet) == [0, 0, 0, 1, 2]
    assert days(result.on_hand) == [5, 1, 1, 0, 0]
    assert days(result.ordered) == [5, 0, 4, 0, 0]
    assert days(result.on_order) == [5, 5, 4, 4, 0]
    assert days(result.backlog) == [0] * 5


def test_under_backorders_what_is_short_is_owed_and_served_first() -> None:
    # as above, but on day 3 one unit is owed; day 4: 4 arrive, 1 is owed and 6 asked for: 3 owed
    result, _ = run([3, 4, 5, 2, 6], [5, 0, 4, 0, 0], 8, lead_time=2, backorders=True)
    assert days(result.sold) == [3, 4, 5, 1, 4]
    assert days(result.unmet) == [0, 0, 0, 1, 3]
    assert days(result.backlog) == [0, 0, 0, 1, 3]
    assert days(result.on_hand) == [5, 1, 1, 0, 0]


@pytest.mark.parametrize("lead_time", [1, 3, 7])
def test_an_order_of_day_t_is_on_the_shelf_for_the_demand_of_day_t_plus_lead_time(
    lead_time: int,
) -> None:
    orders = [0] * 12
    orders[2] = 9
    demand = [0] * 12
    demand[2 + lead_time] = 9
    result, _ = run(demand, orders, 0, lead_time=lead_time)
    assert days(result.received).index(9) == 2 + lead_time
    assert result.unmet.sum() == 0


def test_an_order_that_would_arrive_after_the_run_stays_on_order() -> None:
    result, _ = run([0, 0, 0], [0, 0, 7], 0, lead_time=3)
    assert result.received.sum() == 0
    assert days(result.on_order) == [0, 0, 7]


def test_the_evening_shows_sales_stock_and_deliveries_but_not_lost_demand() -> None:
    _, policy = run([3, 9, 0], [4, 2, 0], 8, lead_time=2)
    first, second, _ = policy.seen
    assert (first.day, first.today) == (0, START)
    assert (first.sales, first.on_hand, first.ran_out) == (3, 5, False)
    # on day 1 nine are asked for, five sold; four are due tomorrow
    assert (second.sales, second.on_hand, second.ran_out) == (5, 0, True)
    assert second.position == 4


def test_the_evening_shows_the_deliveries_that_are_under_way_from_tomorrow_on() -> None:
    _, policy = run([0] * 3, [4, 2, 0], 0, lead_time=3)
    # ordered on day 0: on the evening of day 1 it is two days away
    assert [evening.due[0, 0, :3].tolist() for evening in policy.seen] == [
        [0, 0, 0],
        [0, 4, 0],
        [4, 2, 0],
    ]


def test_stock_that_just_sufficed_counts_as_run_out_since_nobody_knows_who_left() -> None:
    _, policy = run([5], [0], 5)
    assert policy.seen[0].ran_out


def test_under_backorders_the_evening_shows_all_that_was_asked_for() -> None:
    _, policy = run([3, 9, 2], [0, 9, 0], 8, lead_time=1, backorders=True)
    # day 1: 5 of 9 handed over; day 2: 9 arrive, 4 owed and 2 asked for
    assert [int(evening.sales.item()) for evening in policy.seen] == [3, 9, 2]
    assert not any(evening.ran_out.item() for evening in policy.seen)
    assert [int(evening.backlog.item()) for evening in policy.seen] == [0, 4, 0]


def test_a_partial_delivery_is_cut_and_the_rest_is_cancelled() -> None:
    # 7 ordered on day 0 at 60 %: floor(4.2) = 4 arrive on day 2, and nothing after
    short = event(0, 1, filled_share=0.6)
    result, policy = run([0] * 6, [7, 0, 0, 0, 0, 0], 0, lead_time=2, events=[short])
    assert days(result.received) == [0, 0, 4, 0, 0, 0]
    assert days(result.ordered) == [7, 0, 0, 0, 0, 0]
    assert policy.seen[1].position == 4  # confirmed


def test_a_late_order_may_be_overtaken() -> None:
    # day 0 is in a disruption of 4 more days: arrives on day 0 + 1 + 4 = 5; day 1's on day 2
    result, _ = run(
        [0] * 6, [3, 8, 0, 0, 0, 0], 0, lead_time=1, events=[event(0, 1, lead_time_extra=4)]
    )
    assert days(result.received) == [0, 0, 8, 0, 0, 3]


def test_two_orders_that_arrive_on_the_same_day_are_both_received() -> None:
    # day 0: 1 + 1 extra day; day 1: 1
    result, _ = run([0] * 3, [3, 8, 0], 0, lead_time=1, events=[event(0, 1, lead_time_extra=1)])
    assert days(result.received) == [0, 0, 11]


def test_orders_to_a_closed_supplier_count_from_the_evening_of_reopening() -> None:
    # closed on days 1 and 2; lead time 2: the orders of days 1, 2 and 3 all arrive on day 5
    result, _ = run(
        [0] * 6, [1, 2, 4, 8, 0, 0], 0, lead_time=2, events=[event(1, 2, supplier_shut=True)]
    )
    assert days(result.received) == [0, 0, 1, 0, 0, 14]


def test_perishable_stock_is_sold_oldest_first_and_wasted_at_the_end_of_its_life() -> None:
    # life 2 days: 5 on hand live days 0 and 1; 4 arrive on day 1 and live days 1 and 2
    # day 0: sells 1 of the old (4 left)          day 1: sells 2 of the old, 2 of them expire
    # day 2: sells 1 of the 4, 3 expire           day 3: nothing there
    result, _ = run([1, 2, 1, 1], [4, 0, 0, 0], 5, lead_time=1, shelf_life=2)
    assert days(result.wasted) == [0, 2, 3, 0]
    assert days(result.on_hand) == [4, 4, 0, 0]
    assert days(result.sold) == [1, 2, 1, 0]
    assert days(result.unmet) == [0, 0, 0, 1]


def test_a_shelf_life_of_one_day_leaves_nothing_overnight() -> None:
    result, policy = run([1, 1], [3, 0], 2, lead_time=1, shelf_life=1)
    assert days(result.wasted) == [1, 2]
    assert days(result.on_hand) == [0, 0]
    assert not policy.seen[0].ran_out  # stock was there all day


def test_items_with_different_lives_share_a_run() -> None:
    terms = [item("a", shelf_life=1), item("b"), item("c", shelf_life=2), item("d", shelf_life=1)]
    result = simulate(market_of([1, 0], terms), terms, np.array([4, 5, 6, 2]), Scripted([0, 0]))
    assert result.wasted[:, 0].tolist() == [[3, 0], [0, 0], [0, 5], [1, 0]]
    assert result.on_hand[:, 0].tolist() == [[0, 0], [4, 4], [5, 0], [0, 0]]


def test_opening_orders_arrive_on_their_days_however_far_ahead() -> None:
    result, policy = run(
        [0] * 3, [0] * 3, 1, lead_time=1, opening_orders=[2, 0, 3, 0, 0, 0, 0, 0, 9]
    )
    assert days(result.received) == [2, 0, 3]
    assert days(result.on_order) == [12, 12, 9]
    assert policy.seen[0].position == 15


def test_an_order_is_placed_on_review_days_only() -> None:
    weekly = [item("a", review_period=3), item("b")]
    assert [may_order(weekly, day)[:, 0].tolist() for day in range(4)] == [
        [False, True],
        [False, True],
        [True, True],
        [False, True],
    ]
    _, policy = run([0] * 4, [0, 0, 5, 0], 0, review_period=3)
    assert [evening.review.item() for evening in policy.seen] == [False, False, True, False]
    with pytest.raises(ValueError, match="item 0 may not be ordered on the evening of day 1"):
        run([0] * 4, [0, 5, 0, 0], 0, review_period=3)


def test_an_order_outside_the_limits_stops_the_run() -> None:
    with pytest.raises(ValueError, match="must be 0 or a multiple of 6 from 0, got 7"):
        run([0], [7], 0, pack_size=6)


def test_orders_of_another_shape_stop_the_run() -> None:
    class Flat:
        name = "flat"

        def order(self, observation: Observation) -> np.ndarray:
            return np.zeros(observation.on_hand.shape[0], dtype=np.int64)

    terms = [item("a"), item("b")]
    with pytest.raises(ValueError, match=r"orders must be .* \(2, 1\), got \(2,\)"):
        simulate(market_of([1], terms), terms, np.array([1, 1]), Flat())


@pytest.mark.parametrize("name", ["on_hand", "due", "sales", "backlog"])
def test_a_policy_cannot_change_what_it_sees(name: str) -> None:
    def meddle(observation: Observation) -> None:
        getattr(observation, name)[...] = 99

    terms = [item()]
    with pytest.raises(ValueError, match="read-only"):
        simulate(market_of([1], terms), terms, np.array([5]), Changed(meddle))


def test_the_signals_of_an_evening_are_those_known_by_then() -> None:
    events = [event(2, 2), event(4, 3, announced=3), event(0, 2, unnoticed=True)]
    told: list[tuple[Any, ...]] = []
    terms = [item()]
    policy = Changed(lambda evening: told.append(evening.signals(0)))
    simulate(market_of([0] * 9, terms, events), terms, np.array([0]), policy)
    assert told == [signals_known(events, START + timedelta(days=day)) for day in range(9)]
    assert [len(signals) for signals in told] == [0, 1, 2, 2, 1, 1, 1, 0, 0]


def test_each_replication_has_its_own_events_and_each_item_only_its_own() -> None:
    terms = [item("a"), item("b")]
    disruption = event(0, 2, lead_time_extra=4, items=("b",))
    market = build_market(START, np.zeros((2, 2, 2), dtype=np.int64), terms, [[], [disruption]])
    assert market.lead_times.tolist() == [[[3, 3], [3, 3]], [[3, 3], [7, 7]]]
    assert market.scenario[:, :, 0].tolist() == [
        ["Normal_Operations"] * 2,
        ["Normal_Operations", "Supply_Chain_Disruption"],
    ]


def test_progress_is_told_after_each_day() -> None:
    terms, told = [item()], list[int]()
    simulate(
        market_of([1] * 3, terms), terms, np.array([3]), Scripted([0] * 3), progress=told.append
    )
    assert told == [1, 2, 3]


def test_orders_under_way_that_vanish_are_found() -> None:
    terms = [item(lead_time=1)]
    orders = OrdersUnderWay(market_of([0, 0], terms), None)
    orders.place(0, np.array([[5]]))
    orders.arrivals[0, 0, 1] = 4
    with pytest.raises(LedgerError, match=r"off by 1 units at \(0, 0\)"):
        orders.check_balance()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"demand": np.zeros((1, 3), dtype=np.int64)}, r"demand must be \(items, replications"),
        (
            {"demand": np.full((1, 1, 2), 1.5)},
            r"demand must be whole units >= 0 \(int64\), got 1.5",
        ),
        ({"demand": np.full((1, 1, 2), -1)}, "demand must be whole units >= 0"),
        ({"lead_times": np.zeros((1, 1, 2), dtype=np.int64)}, "lead_times must be >= 1 day, got 0"),
        ({"lead_times": np.ones((1, 1, 3), dtype=np.int64)}, r"lead_times must be as demand"),
        ({"filled_share": np.full((1, 1, 2), np.nan)}, "filled_share must be 0 to 1"),
        ({"filled_share": np.full((1, 1, 2), 1.1)}, "filled_share must be 0 to 1"),
        ({"events": ()}, "events must be given for 1 replications, got 0"),
    ],
)
def test_an_impossible_market_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(market_of([1, 2], [item()]), **values)


@pytest.mark.parametrize(
    ("stock", "orders", "message"),
    [
        (np.array([-1]), None, "opening_stock must be whole units >= 0, got -1"),
        (np.array([1.5]), None, "opening_stock must be whole units >= 0, got 1.5"),
        (np.array([1, 2]), None, r"a market of 1 items needs as many terms and opening stocks"),
        (np.array([1]), np.array([3]), r"opening_orders must be \(1, days\), got \(1,\)"),
        (np.array([1]), np.array([[-3]]), "opening_orders must be whole units >= 0, got -3"),
    ],
)
def test_an_impossible_opening_is_refused(
    stock: np.ndarray, orders: np.ndarray | None, message: str
) -> None:
    terms = [item()]
    with pytest.raises(ValueError, match=message):
        simulate(market_of([1], terms), terms, stock, Scripted([0]), opening_orders=orders)
