"""A rule run at once does what the same rule does evening by evening."""

from datetime import date

import numpy as np
import pytest

from core_modules.inventory import LedgerError
from core_modules.item_terms import ItemTerms
from core_modules.market import Market
from core_modules.performance_analytics import by_replication
from core_modules.replenishment_policies import DaysOfCover, OrderUpTo, ReorderToLevel
from core_modules.rule_simulation import RuleRunner, StockRule, figures_of
from core_modules.simulation import simulate

ITEMS, PATHS, DAYS, WINDOW = 3, 4, 60, 28
PLAIN = {"lead_time": 4}
TERMS = {
    "plain": PLAIN,
    "tomorrow": {"lead_time": 1},
    "weekly": {"lead_time": 3, "review_period": 7},
    "packs": {"lead_time": 2, "moq": 20, "pack_size": 12, "max_order": 50},
    "least order": {"lead_time": 2, "moq": 9},
    "perishable": {"lead_time": 2, "shelf_life": 3, "salvage": 1.5},
    "gone tonight": {"lead_time": 1, "shelf_life": 1},
    "dear": {"lead_time": 5, "order_cost": 30.0, "goodwill": 2.0},
}


def terms_of(case: str) -> list[ItemTerms]:
    return [
        ItemTerms(f"item{number}", 10.0 + number, 6.0, 0.05, **TERMS[case])
        for number in range(ITEMS)
    ]


def market_of(terms: list[ItemTerms], *, unsteady: bool) -> Market:
    rng = np.random.default_rng(7)
    shape = (ITEMS, PATHS, DAYS)
    lead_times = np.array([[[one.lead_time]] for one in terms]) + np.zeros(shape, dtype=np.int64)
    share, price = np.ones(shape), np.ones(shape)
    if unsteady:
        lead_times = lead_times + rng.integers(0, 4, shape)
        share = np.where(rng.random(shape) < 0.3, rng.choice([0.0, 0.29, 0.5], shape), 1.0)
        price = rng.choice([0.8, 1.0, 1.3], shape)
    return Market(
        start=date(2024, 1, 1),
        demand=rng.poisson(rng.gamma(2, 4, shape)).astype(np.int64),
        lead_times=lead_times,
        filled_share=share,
        price_multiplier=price,
        scenario=np.full(shape, "Normal_Operations"),
        events=((),) * PATHS,
    )


def rules(terms: list[ItemTerms], which: str) -> tuple[StockRule, object]:
    levels = np.array([30.4, 55.0, 90.5])
    if which == "order-up-to":
        return StockRule.order_up_to(levels), OrderUpTo(terms, levels)
    if which == "reorder":
        points, ups = np.array([10, 30, 40]), np.array([40, 60, 41])
        return StockRule.reorder(points, ups), ReorderToLevel(terms, points, ups)
    recent = np.random.default_rng(3).poisson(8.0, (ITEMS, 40 if which == "cover" else 10))
    days = np.array([4.5, 7.25, 9.0])
    rule = StockRule.days_of_cover(days, recent, WINDOW)
    return rule, DaysOfCover(terms, days, recent, PATHS)


@pytest.mark.parametrize("backorders", [False, True])
@pytest.mark.parametrize("unsteady", [False, True])
@pytest.mark.parametrize("which", ["order-up-to", "reorder", "cover", "short past"])
@pytest.mark.parametrize("case", TERMS)
def test_sums_are_those_of_the_days(
    case: str, which: str, unsteady: bool, backorders: bool
) -> None:
    terms = terms_of(case)
    market = market_of(terms, unsteady=unsteady)
    opening = np.array([0, 25, 60])
    # Some of what is under way comes after the run, and counts in the position all the same.
    coming = np.random.default_rng(5).integers(0, 9, (ITEMS, DAYS + 9 if unsteady else 6))
    rule, policy = rules(terms, which)
    asked = {"opening_orders": coming, "backorders": backorders}
    sums = RuleRunner(market, terms, opening, **asked).run(rule)
    days = simulate(market, terms, opening, policy, **asked)
    for name in ("received", "sold", "unmet", "wasted"):
        np.testing.assert_array_equal(getattr(sums, name), getattr(days, name).sum(axis=2))
    np.testing.assert_array_equal(sums.stock, days.on_hand.sum(axis=2))
    np.testing.assert_array_equal(sums.orders, (days.ordered > 0).sum(axis=2))
    np.testing.assert_array_equal(sums.short_days, (days.unmet > 0).sum(axis=2))
    told = by_replication(days, market, terms)
    found = figures_of(sums, terms)
    assert list(found) == list(told)
    np.testing.assert_allclose(found.to_numpy(), told.to_numpy(), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("lead_time", [1, 3, 7])
def test_without_uncertainty_nothing_is_lost_and_nothing_is_left(lead_time: int) -> None:
    # Five a day; a level of lead time x 5 covers the days 1 ... L, and each is sold out exactly.
    terms = [ItemTerms("a", 10.0, 6.0, 0.05, lead_time=lead_time)]
    shape = (1, 1, DAYS)
    ones = np.ones(shape)
    market = Market(
        start=date(2024, 1, 1),
        demand=np.full(shape, 5, dtype=np.int64),
        lead_times=np.full(shape, lead_time, dtype=np.int64),
        filled_share=ones,
        price_multiplier=ones,
        scenario=np.full(shape, "Normal_Operations"),
        events=((),),
    )
    runner = RuleRunner(market, terms, np.array([5 * lead_time]))
    sums = runner.run(StockRule.order_up_to(np.array([5.0 * lead_time])))
    assert sums.unmet.item() == 0
    # Stock at the ends of days: 5 (L - 1), 5 (L - 2), ... 0, and 0 from then on.
    assert sums.stock.item() == 5 * lead_time * (lead_time - 1) // 2


def test_opening_stock_of_another_number_of_items_is_refused() -> None:
    terms = terms_of("plain")
    with pytest.raises(ValueError, match="as many terms"):
        RuleRunner(market_of(terms, unsteady=False), terms, np.array([1, 2]))


def test_units_that_do_not_balance_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    terms = terms_of("plain")
    runner = RuleRunner(market_of(terms, unsteady=False), terms, np.array([5, 5, 5]))

    def wrong(*arguments: np.ndarray) -> None:
        arguments[-2][:] = 1

    monkeypatch.setattr("core_modules.rule_simulation.run_rule", wrong)
    with pytest.raises(LedgerError):
        runner.run(StockRule.order_up_to(np.array([9.0, 9.0, 9.0])))
