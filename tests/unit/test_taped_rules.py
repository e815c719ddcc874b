"""Rules on a tape: the same ledger, the forecasts of the evening, one lane a parameter."""

from datetime import date

import numpy as np
import pandas as pd

from core_modules.item_terms import ItemTerms
from core_modules.policies.forecast_tape import Forecast, TapedEvening
from core_modules.policies.parameter_grids import GRIDS
from core_modules.policies.rule_arithmetic import Rule
from core_modules.policies.taped_rules import TapedRules, lanes_of, spread_market
from core_modules.replenishment_policies import OrderUpTo
from core_modules.simulation import SimulationResult, build_market, simulate

TERMS = ItemTerms("a", 10, 6, 0.1, lead_time=2)
HISTORY = pd.DataFrame({"unique_id": "a", "ds": pd.date_range("2023-12-01", periods=31), "y": 4.0})


def run(
    rules: list[Rule],
    demand: list[list[int]],
    told: float,
    terms: ItemTerms = TERMS,
    *,
    informed: bool = True,
) -> SimulationResult:
    """Run rules on replications of demand; `told` is a day's demand on every informed path."""
    market = build_market(date(2024, 1, 1), np.array([demand]), [terms], [()] * len(demand))
    even = np.full(2, 0.5)
    informing = Forecast(np.full((2, 8), told, dtype=np.float32), even, terms.lead_time, 1.0)
    nothing = Forecast(np.zeros((2, 8), dtype=np.float32), even, terms.lead_time, 1.0)
    rows = tuple((one,) * len(demand) for one in (informing, nothing))
    tape = [TapedEvening((rows[0],), (rows[1],))] * len(demand[0])
    lanes = lanes_of(rules)
    policy = TapedRules([terms], HISTORY, tape, lanes, len(demand), informed=informed)
    wide = spread_market(market, lanes[0].size)
    return simulate(wide, [terms], np.array([10]), policy)


def test_a_sure_forecast_makes_order_up_to_a_constant_level() -> None:
    demand = [3, 4, 0, 6, 2]
    result = run([Rule.ORDER_UP_TO], [demand], told=5.0)
    market = build_market(date(2024, 1, 1), np.array([[demand]]), [TERMS], [()])
    level = OrderUpTo([TERMS], np.array([10.0]))  # two days of five units
    same = simulate(market, [TERMS], np.array([10]), level)
    assert (result.ordered == same.ordered).all()  # in every lane
    assert result.ordered.shape[1] == len(GRIDS[Rule.ORDER_UP_TO])


def test_lanes_of_a_replication_stand_next_to_each_other() -> None:
    result = run([Rule.ORDER_UP_TO, Rule.NEWSVENDOR], [[3, 3], [9, 9]], told=5.0)
    assert result.sold[0, :, 0].tolist() == [3] * 96 + [9] * 96


def test_without_events_the_plain_forecast_is_read() -> None:
    assert run([Rule.ORDER_UP_TO], [[9, 9]], told=5.0, informed=False).ordered.sum() == 0


def test_trailing_means_take_in_each_day_of_sales() -> None:
    result = run([Rule.DAYS_OF_COVER], [[0, 0, 0]], told=5.0)
    # The best-stocked lane covers 24 x 2 days of a mean of 27 / 28, 26 / 28 and 25 / 28 of 4.
    position = 10 + np.cumsum(result.ordered[0, -1])
    assert position[0] == round(48 * 4 * 27 / 28)
    assert position[-1] == position[0]  # falling levels order nothing


def test_orders_keep_to_limits_and_review_days() -> None:
    terms = ItemTerms("a", 10, 6, 0.1, lead_time=2, review_period=2, pack_size=6, max_order=12)
    result = run(list(GRIDS), [[7, 7, 7, 7, 7, 7]], told=7.0, terms=terms)
    assert set(np.unique(result.ordered)) <= {0, 6, 12}
    assert result.ordered[:, :, ::2].sum() == 0
    assert result.ordered.sum() > 0
