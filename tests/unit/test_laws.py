"""The laws of the simulation, for every policy: units, certainty, time and luck."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core_modules.agent_policy import AgentPolicy, DecisionRecord
from core_modules.agent_rules import Priority
from core_modules.forecasting.forecast_values import DemandModel
from core_modules.forecasting.observation_law import ObservationLaw
from core_modules.inventory import filled_quantity
from core_modules.inventory_agent import AgentSettings
from core_modules.item_terms import ItemTerms
from core_modules.market_beliefs import ShockPrior
from core_modules.market_scenarios import EventKind, MarketEvent
from core_modules.replenishment_policies import DaysOfCover, OrderUpTo, OriginalRules
from core_modules.scenario_calendars import calendar_events
from core_modules.simulation import Policy, build_market, simulate
from tests.small_worlds import START, RandomOrders, World, item_terms, worlds

CERTAIN = AgentSettings(
    priority=Priority.COST,
    shocks=ShockPrior(surges_a_year=0, disruptions_a_year=0),
    paths=64,
)
NOTHING_BEFORE = pd.DataFrame(
    {
        "unique_id": "a",
        "ds": pd.date_range(START - timedelta(days=28), periods=28, unit="us"),
        "y": 0.0,
        "in_stock": True,
    }
)


class Foretold:
    """Fits a model that expects a given demand from START on, with a given scatter."""

    def __init__(self, expected: Sequence[float], law: ObservationLaw) -> None:
        self._expected, self._law = np.array(expected, dtype=np.float64), law

    def __call__(self, history: pd.DataFrame, horizon: int) -> list[DemandModel]:
        origin = history["ds"].max().date()
        first = (origin - START).days + 1
        fitted = self._expected[first : first + horizon]
        return [DemandModel("a", "foretold", origin, fitted, self._law)]


def agent(terms: ItemTerms, fit: Foretold, settings: AgentSettings = CERTAIN) -> AgentPolicy:
    return AgentPolicy([terms], NOTHING_BEFORE, 1, fit, settings)


def baselines(world: World, level: float) -> list[Policy]:
    items, replications, _ = world.market.shape
    recent = np.full((items, 28), 6)
    return [
        OrderUpTo(world.terms, np.full(items, level)),
        DaysOfCover(world.terms, level / 6, recent, replications),
        OriginalRules(
            world.terms, np.full(items, level / 3), np.full(items, level), recent, replications
        ),
    ]


@given(world=worlds(), seed=st.integers(0, 1000))
def test_every_unit_that_came_in_went_out_or_is_still_there(world: World, seed: int) -> None:
    result = world.run(RandomOrders(world.terms, 20, seed))
    # on the shelf, day by day
    before = np.concatenate(
        [
            np.broadcast_to(world.opening_stock[:, None, None], (*result.on_hand.shape[:2], 1)),
            result.on_hand[:, :, :-1],
        ],
        axis=-1,
    )
    assert np.array_equal(before + result.received, result.sold + result.wasted + result.on_hand)
    # under way, over the run
    confirmed = filled_quantity(result.ordered, world.market.filled_share).sum(axis=-1)
    opened = world.opening_orders.sum(axis=-1)[:, None]
    assert np.array_equal(
        opened + confirmed, result.received.sum(axis=-1) + result.on_order[:, :, -1]
    )
    for quantity in (result.sold, result.wasted, result.on_hand, result.unmet, result.on_order):
        assert np.all(quantity >= 0)


@given(world=worlds(), seed=st.integers(0, 1000))
def test_what_is_ordered_on_a_day_arrives_after_its_lead_time_as_far_as_it_is_filled(
    world: World, seed: int
) -> None:
    result, market = world.run(RandomOrders(world.terms, 20, seed)), world.market
    items, replications, days = market.shape
    expected = np.repeat(world.opening_orders[:, None, :], replications, axis=1)
    for item, path, day in np.ndindex(items, replications, days):
        arrival = day + market.lead_times[item, path, day]
        if arrival < days:
            share = market.filled_share[item, path, day : day + 1]
            expected[item, path, arrival] += filled_quantity(
                result.ordered[item, path, day : day + 1], share
            )[0]
    assert np.array_equal(result.received, expected)


@given(world=worlds(backorders=False), seed=st.integers(0, 1000))
def test_what_was_sold_and_what_was_lost_is_what_was_demanded_every_day(
    world: World, seed: int
) -> None:
    result = world.run(RandomOrders(world.terms, 20, seed))
    assert np.array_equal(result.sold + result.unmet, world.market.demand)
    assert np.all((result.unmet == 0) | (result.on_hand == 0))  # nobody leaves a full shelf


@given(world=worlds(backorders=True), seed=st.integers(0, 1000))
def test_under_backorders_what_was_sold_and_what_is_owed_is_what_was_demanded(
    world: World, seed: int
) -> None:
    result = world.run(RandomOrders(world.terms, 20, seed))
    demanded = world.market.demand.cumsum(axis=-1)
    assert np.array_equal(result.sold.cumsum(axis=-1) + result.backlog, demanded)
    assert np.all((result.backlog == 0) | (result.on_hand == 0))
    assert np.array_equal(result.unmet, np.minimum(result.backlog, world.market.demand))


@given(world=worlds(), seed=st.integers(0, 1000))
def test_no_unit_is_older_than_its_shelf_life(world: World, seed: int) -> None:
    result = world.run(RandomOrders(world.terms, 20, seed))
    for item, terms in enumerate(world.terms):
        if terms.shelf_life is None:
            assert result.wasted[item].sum() == 0
            continue
        came = result.received[item].copy()
        came[:, 0] += world.opening_stock[item]
        for day in range(came.shape[1]):
            # tonight's stock came on the last `shelf_life` days but the first of them
            young = came[:, max(day - terms.shelf_life + 2, 0) : day + 1].sum(axis=-1)
            assert np.all(result.on_hand[item, :, day] <= young)
            expiring = came[:, day - terms.shelf_life + 1] if day >= terms.shelf_life - 1 else 0
            assert np.all(result.wasted[item, :, day] <= expiring)


@pytest.mark.parametrize("lead_time", [1, 3, 7])
@settings(max_examples=10)
@given(demand=st.lists(st.integers(0, 60), min_size=90, max_size=90))
def test_with_a_certain_forecast_the_agent_loses_nothing_and_has_nothing_left_over(
    lead_time: int, demand: list[int]
) -> None:
    """It opens with the first L days' demand; then each order is the day's on which it arrives."""
    days = 30
    terms = ItemTerms("a", 50, 30, 0.25 * 30 / 365, lead_time=lead_time)
    market = build_market(START, np.array(demand[:days])[None, None], [terms], [[]])
    fit = Foretold(demand, ObservationLaw(scale=0, power=1))
    result = simulate(market, [terms], np.array([sum(demand[:lead_time])]), agent(terms, fit))
    assert result.unmet.sum() == 0
    assert np.all(result.on_hand[0, 0, lead_time - 1 :] == 0)
    assert result.ordered[0, 0].tolist() == demand[lead_time : lead_time + days]


@pytest.mark.parametrize("review_period", [2, 3])
@pytest.mark.parametrize("lead_time", [1, 3, 7])
@settings(max_examples=5)
@given(demand=st.lists(st.integers(0, 60), min_size=90, max_size=90))
def test_with_a_certain_forecast_an_order_serves_the_days_until_the_next_one_arrives(
    review_period: int, lead_time: int, demand: list[int]
) -> None:
    """Reviews are on days R - 1, 2 R - 1, ...; an order of day t serves t + L ... t + L + R - 1.

    It opens with the demand of days 0 ... L + R - 2, which no order can reach. At the end of that
    day, and of every R-th day after it, nothing is left; on the days between exactly the demand of
    the days until then is.
    """
    days, reach = 30, lead_time + review_period - 1
    terms = ItemTerms(
        "a", 50, 30, 0.25 * 30 / 365, lead_time=lead_time, review_period=review_period
    )
    market = build_market(START, np.array(demand[:days])[None, None], [terms], [[]])
    fit = Foretold(demand, ObservationLaw(scale=0, power=1))
    result = simulate(market, [terms], np.array([sum(demand[:reach])]), agent(terms, fit))
    assert result.unmet.sum() == 0
    for day in range(days):
        cycle_ends = reach + max(0, -(-(day + 1 - reach) // review_period)) * review_period
        assert result.on_hand[0, 0, day] == sum(demand[day + 1 : cycle_ends])


@pytest.mark.parametrize("lead_time", [1, 3, 7])
def test_with_constant_demand_order_up_to_loses_nothing_and_has_nothing_left_over(
    lead_time: int,
) -> None:
    """The days that an order must cover are t + 1 ... t + L, so the level is L days' demand."""
    terms = ItemTerms("a", 50, 30, 0.1, lead_time=lead_time)
    market = build_market(START, np.full((1, 1, 40), 9), [terms], [[]])
    level = 9 * lead_time
    result = simulate(market, [terms], np.array([level]), OrderUpTo([terms], np.array([level])))
    assert result.unmet.sum() == 0
    assert np.all(result.on_hand[0, 0, lead_time - 1 :] == 0)
    assert np.all(result.ordered == 9)


@pytest.mark.parametrize("review_period", [2, 3])
@pytest.mark.parametrize("lead_time", [1, 3, 7])
def test_with_constant_demand_and_reviews_order_up_to_covers_a_review_period_more(
    lead_time: int, review_period: int
) -> None:
    """L + R - 1 days after the evening of the order: t + 1 ... t + L + R - 1."""
    terms = ItemTerms("a", 50, 30, 0.1, lead_time=lead_time, review_period=review_period)
    market = build_market(START, np.full((1, 1, 40), 9), [terms], [[]])
    level = 9 * (lead_time + review_period - 1)
    result = simulate(market, [terms], np.array([level]), OrderUpTo([terms], np.array([level])))
    assert result.unmet.sum() == 0
    ends = slice(lead_time + review_period - 2, None, review_period)
    assert np.all(result.on_hand[0, 0, ends] == 0)
    one_less = OrderUpTo([terms], np.array([level - 1]))
    assert simulate(market, [terms], np.array([level]), one_less).unmet.sum() > 0


@given(
    world=worlds(),
    day=st.integers(0, 11),
    seed=st.integers(0, 1000),
    level=st.floats(0, 60),
)
def test_changing_demand_after_a_day_changes_no_order_of_a_baseline_up_to_it(
    world: World, day: int, seed: int, level: float
) -> None:
    changed = world.market.demand.copy()
    later = changed[:, :, day + 1 :]
    changed[:, :, day + 1 :] = np.random.default_rng(seed).integers(0, 40, size=later.shape)
    other = replace(world, market=replace(world.market, demand=changed))
    for one, same in zip(baselines(world, level), baselines(other, level), strict=True):
        before = world.run(one).ordered[:, :, : day + 1]
        assert np.array_equal(before, other.run(same).ordered[:, :, : day + 1])


@settings(max_examples=15)
@given(
    terms=item_terms(),
    day=st.integers(0, 20),
    seed=st.integers(0, 1000),
    name=st.sampled_from(["none", "original", "random", "stress"]),
)
def test_changing_the_future_changes_no_decision_of_the_agent_up_to_today(
    terms: ItemTerms, day: int, seed: int, name: str
) -> None:
    """The demand after the day changes, and so do events nobody has noticed by then."""
    days, rng = 25, np.random.default_rng(seed)
    calendar = calendar_events(name, START, days, rng)
    demand = rng.poisson(20, size=days)
    changed = np.concatenate([demand[: day + 1], rng.poisson(90, size=days - day - 1)])
    tomorrow = START + timedelta(days=day + 1)
    surprise = MarketEvent("surprise", EventKind.SUPPLY_DISRUPTION, tomorrow, 9, lead_time_extra=5)
    known, other = (
        [
            record.decision
            for record in agent_records(terms, units, events)
            if record.decision.day < tomorrow
        ]
        for units, events in ((demand, calendar), (changed, (*calendar, surprise)))
    )
    assert known == other
    assert len(known) == (day + 1) // terms.review_period


def agent_records(
    terms: ItemTerms, demand: np.ndarray, events: Sequence[MarketEvent]
) -> list[DecisionRecord]:
    fit = Foretold([20.0] * 250, ObservationLaw(scale=1.5, power=1, level_sd=0.1))
    policy = agent(terms, fit, AgentSettings(paths=64))
    market = build_market(START, demand[None, None], [terms], [events])
    simulate(market, [terms], np.array([60]), policy)
    return policy.records


def test_the_same_seed_gives_the_same_orders() -> None:
    terms = ItemTerms("a", 50, 30, 0.02, lead_time=3, max_order=900)

    def orders(seed: int) -> list[np.ndarray]:
        rng = np.random.default_rng(seed)
        events = calendar_events("random", START, 30, rng)
        market = build_market(START, rng.poisson(40, size=(1, 1, 30)), [terms], [events])
        world = World((terms,), market, np.array([200]), np.zeros((1, 30), np.int64), False)
        fit = Foretold([40.0] * 120, ObservationLaw(scale=2, power=1))
        policies = [*baselines(world, 200.0), agent(terms, fit, AgentSettings(paths=64))]
        return [world.run(policy).ordered for policy in policies]

    for one, same, other in zip(orders(3), orders(3), orders(4), strict=True):
        assert np.array_equal(one, same)
        assert not np.array_equal(one, other)


@given(
    demand=st.lists(st.integers(0, 12), min_size=1, max_size=20),
    lead_time=st.integers(1, 5),
    largest=st.one_of(st.none(), st.integers(1, 15)),
    level=st.integers(0, 60),
    opening=st.integers(0, 60),
    more=st.integers(0, 30),
)
def test_more_opening_stock_never_sells_less_under_order_up_to(
    demand: list[int],
    lead_time: int,
    largest: int | None,
    level: int,
    opening: int,
    more: int,
) -> None:
    """Opening stock and all orders so far are max(what they were, level + sold) at each evening.

    So they, and with them sales up to every day, can only rise with the opening stock.
    """
    terms = ItemTerms("a", 10, 6, 0.1, lead_time=lead_time, max_order=largest)
    market = build_market(START, np.array(demand)[None, None], [terms], [[]])
    policy = OrderUpTo([terms], np.array([float(level)]))
    sold = [
        simulate(market, [terms], np.array([stock]), policy).sold
        for stock in (opening, opening + more)
    ]
    assert np.all(sold[1].cumsum(axis=-1) >= sold[0].cumsum(axis=-1))
