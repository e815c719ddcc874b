"""The agent's decisions: quantities, limits, events, escalation and words."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from scipy import stats

from core_modules.forecasting.forecast_values import DemandModel
from core_modules.forecasting.level_following import Level, LevelRatio
from core_modules.forecasting.observation_law import ObservationLaw
from core_modules.inventory_agent import (
    AgentSettings,
    Decision,
    ItemState,
    Priority,
    Situation,
    decide,
    observe,
    opening_state,
)
from core_modules.item_terms import ItemTerms
from core_modules.market_beliefs import ShockPrior
from core_modules.market_scenarios import EventKind, MarketEvent, signals_known

TODAY = date(2024, 5, 1)
CALM = ShockPrior(surges_a_year=0, disruptions_a_year=0)
TERMS = ItemTerms("A", unit_price=50, unit_cost=30, holding_cost=0.02, lead_time=3)
COST = AgentSettings(priority=Priority.COST, shocks=CALM, paths=1024)


def model(mean: float = 100.0, law: ObservationLaw | None = None, days: int = 60) -> DemandModel:
    return DemandModel(
        "A",
        "test",
        TODAY,
        np.full(days, mean),
        level=steady_level(),
        law=law or ObservationLaw(scale=0.0, power=1.0),
    )


def steady_level() -> Level:
    ratio = LevelRatio(forgetting=0.0, actual=1000.0, fitted=1000.0)
    return Level(ratio, ratio, gain=0.0, threshold=1.0)


def decision(
    on_hand: int,
    due: list[int] | None = None,
    terms: ItemTerms = TERMS,
    settings: AgentSettings = COST,
    state: ItemState | None = None,
) -> Decision:
    arriving = np.zeros(30, dtype=np.int64)
    arriving[: len(due or [])] = due or []
    return decide(
        state or opening_state(model(), settings), terms, TODAY, Situation(on_hand, 0, arriving),
        settings,
    )  # fmt: skip


def with_events(*events: MarketEvent, settings: AgentSettings = COST) -> ItemState:
    yesterday = TODAY - timedelta(days=1)
    start = replace(opening_state(model(), settings), model=replace(model(), origin=yesterday))
    return observe(start, TERMS, TODAY, 100, False, signals_known(events, TODAY))


def test_certain_demand_is_ordered_exactly_for_the_day_of_arrival() -> None:
    # Days 1 and 2 take 200 of 250; 50 are left when the order arrives on day 3, which takes 100.
    chosen = decision(250)
    assert (chosen.quantity, chosen.projected_stock) == (50, 50)
    assert chosen.due == date(2024, 5, 4)
    assert chosen.stockout_risk == 0


def test_units_already_ordered_are_not_ordered_again() -> None:
    assert decision(250, due=[0, 30]).quantity == 20
    assert decision(250, due=[0, 30, 20]).quantity == 0


def test_sales_lost_before_the_order_arrives_are_not_made_up_for() -> None:
    # Nothing on hand: days 1 and 2 are lost whatever is ordered; only day 3 can be served.
    chosen = decision(0)
    assert chosen.quantity == 100
    assert chosen.unavoidable_risk == 1


def test_backorders_are_made_up_for() -> None:
    assert decision(0, settings=replace(COST, backorders=True)).quantity == 300


def test_the_order_serves_all_days_until_the_next_chance_to_order() -> None:
    assert decision(200, terms=replace(TERMS, review_period=4)).quantity == 400


def test_with_one_day_of_lead_time_the_target_is_the_newsvendor_quantile() -> None:
    law = ObservationLaw(scale=5.0, power=1.0)  # variance 500: shape 100**2 / 400 = 25
    terms = replace(TERMS, lead_time=1, holding_cost=2.0)
    state = ItemState(model(law=law), opening_state(model(), COST).beliefs)
    chosen = decision(0, terms=terms, state=state)
    expected = stats.nbinom.ppf(20 / 22, 25, 25 / 125)
    assert chosen.quantity == pytest.approx(expected, abs=1)


def test_a_dearer_shortage_never_orders_less() -> None:
    law = ObservationLaw(scale=5.0, power=1.0)
    state = ItemState(model(law=law), opening_state(model(), COST).beliefs)
    orders = [
        decision(0, terms=replace(TERMS, goodwill=goodwill, holding_cost=2.0), state=state).quantity
        for goodwill in (0, 10, 50, 500)
    ]
    assert orders == sorted(orders)
    assert orders[0] < orders[-1]


def test_putting_service_first_never_orders_less_than_putting_cost_first() -> None:
    law = ObservationLaw(scale=5.0, power=1.0)
    state = ItemState(model(law=law), opening_state(model(), COST).beliefs)
    orders = [
        decision(0, settings=replace(COST, priority=priority), state=state).quantity
        for priority in (Priority.COST, Priority.BALANCED, Priority.SERVICE)
    ]
    assert orders == sorted(orders)


def test_a_hedge_is_kept_against_surges_nobody_announces() -> None:
    hedged = replace(COST, shocks=ShockPrior(surges_a_year=3, disruptions_a_year=0))
    assert decision(250, settings=hedged).quantity > 300
    often = replace(COST, shocks=ShockPrior(surges_a_year=6, disruptions_a_year=0))
    assert decision(250, settings=often).quantity >= decision(250, settings=hedged).quantity


def test_limits_are_kept() -> None:
    assert decision(250, terms=replace(TERMS, moq=80)).quantity == 80
    assert decision(250, terms=replace(TERMS, pack_size=24)).quantity == 72
    assert decision(250, terms=replace(TERMS, max_order=40)).quantity == 40


def test_an_order_that_the_largest_order_cuts_is_escalated() -> None:
    chosen = decision(250, terms=replace(TERMS, max_order=40))
    assert chosen.needs_review
    assert "largest order is 40" in chosen.review_reason


def test_a_loss_that_no_order_can_avert_is_urgent_but_no_regret_of_the_quantity() -> None:
    chosen = decision(0)  # 200 units at a margin of 20 are lost before anything can arrive
    assert chosen.urgency == "critical"
    assert chosen.expected_regret == 0
    assert not chosen.needs_review


def test_a_loss_that_chance_may_make_of_the_quantity_is_escalated() -> None:
    wild = ItemState(
        model(law=ObservationLaw(scale=400.0, power=1.0)), opening_state(model(), COST).beliefs
    )
    dear = replace(TERMS, goodwill=10.0, holding_cost=30.0)
    chosen = decision(0, terms=dear, state=wild)
    assert chosen.expected_regret > COST.review_cost
    assert "more than the 1,000 that a review costs" in chosen.review_reason
    patient = replace(COST, review_cost=1e9)
    assert not decision(0, terms=dear, state=wild, settings=patient).needs_review


def test_fixed_ordering_costs_make_orders_larger_and_rarer() -> None:
    chosen = decision(250, terms=replace(TERMS, order_cost=64))
    # sqrt(2 x 64 x 100 / 0.02) = 800 units, of which the next day's 100 are in the need already.
    assert chosen.quantity == pytest.approx(50 + 700, rel=0.1)
    assert decision(320, terms=replace(TERMS, order_cost=64)).quantity == 0


def test_stock_is_built_up_for_an_announced_event() -> None:
    promotion = MarketEvent(
        "p", EventKind.PROMOTION, TODAY + timedelta(days=3), 5, demand=3.0, announced=21
    )
    chosen = decision(250, state=with_events(promotion))
    assert chosen.rule == "promotion_build_up"
    assert chosen.quantity > 200  # 300 are wanted on the day of arrival, 50 are left
    assert "believed x3.0" in chosen.reason


def test_an_event_beyond_the_reach_of_the_order_does_not_change_it() -> None:
    promotion = MarketEvent(
        "p", EventKind.PROMOTION, TODAY + timedelta(days=20), 5, demand=3.0, announced=60
    )
    assert decision(250, state=with_events(promotion)).quantity == decision(250).quantity


def test_a_disruption_lengthens_the_lead_time_and_raises_the_order() -> None:
    disruption = MarketEvent(
        "s", EventKind.SUPPLY_DISRUPTION, TODAY, 10, lead_time_extra=2, filled_share=0.5
    )
    chosen = decision(450, state=with_events(disruption))
    assert chosen.rule == "caution_supply_issues"
    assert chosen.due == TODAY + timedelta(days=5)
    # 400 go before it arrives, 50 are left, 50 more are needed, half of what is ordered comes.
    assert chosen.quantity == pytest.approx(100, abs=2)


def test_stock_left_by_an_ended_event_is_not_topped_up() -> None:
    assert decision(3_000).quantity == 0
    assert decision(3_000).action == "wait"


def test_goods_that_spoil_are_not_ordered_beyond_their_life() -> None:
    law = ObservationLaw(scale=40.0, power=1.0)
    state = ItemState(model(law=law), opening_state(model(), COST).beliefs)
    cover = replace(TERMS, review_period=10)
    keeps = decision(0, terms=cover, state=state)
    spoils = decision(0, terms=replace(cover, shelf_life=5), state=state)
    assert spoils.quantity < keeps.quantity


def test_the_reorder_point_and_the_order_up_to_level_frame_the_decision() -> None:
    chosen = decision(250)
    assert chosen.order_up_to == 300
    assert chosen.reorder_point == 299
    assert decision(300).quantity == 0
    assert decision(299).quantity == 1


def test_a_reason_is_one_sentence_with_the_numbers_behind_it() -> None:
    reason = decision(250).reason
    assert reason.startswith("Normal operations: 50 units expected on the shelf on 2024-05-04")
    assert reason.endswith(").")
    assert "50 more" in reason


def test_a_forecast_that_does_not_reach_far_enough_is_refused() -> None:
    state = ItemState(model(days=2), opening_state(model(), COST).beliefs)
    with pytest.raises(ValueError, match="reaches 2 days ahead"):
        decision(0, state=state)
