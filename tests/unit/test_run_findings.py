"""What pictures and report say of a run is what its figures say."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from core_modules.reporting import run_findings as findings
from core_modules.reporting.picture_axes import day_ticks
from core_modules.reporting.picture_events import EventSpan, place_names
from core_modules.reporting.run_figures import (
    cover_shares,
    daily_totals,
    days_of_cover,
    interval_coverage,
    levels_meet,
    money_steps,
    pool_scenarios,
    scenario_rows,
    service_over_time,
    worst_items,
)
from core_modules.reporting.run_report import RunReport
from tests.report_samples import SampleEvent, sample_report


def four_days() -> RunReport:
    """One item with demand 10, 10, 20, 0 of which 4 are lost on the third day."""
    report = sample_report(days=4, events=())
    daily = report.daily.assign(
        demand=[10, 10, 20, 0],
        sold=[10, 10, 16, 0],
        lost=[0, 0, 4, 0],
        on_hand=[26, 16, 0, 30],
        forecast_mean=[math.nan, 10.0, 10.0, 10.0],
        forecast_p10=[math.nan, 5.0, 5.0, 5.0],
        forecast_p90=[math.nan, 15.0, 15.0, 15.0],
    )
    return replace(report, daily=daily)


def test_totals_add_items_but_never_their_intervals() -> None:
    report = sample_report(names=("a", "b"), days=10)
    totals, daily = daily_totals(report.daily), report.daily
    first = daily[daily["ds"] == daily["ds"].min()]
    assert totals["demand"].iloc[0] == first["demand"].sum()
    assert totals["forecast_mean"].iloc[0] == pytest.approx(first["forecast_mean"].sum())
    assert totals["forecast_p90"].isna().all()
    one = daily[daily["unique_id"] == "a"]
    assert daily_totals(one)["forecast_p90"].tolist() == one["forecast_p90"].tolist()


def test_a_reorder_point_holds_until_the_next_review() -> None:
    report = sample_report(days=4, events=())
    daily = report.daily.assign(reorder_point=[100.0, math.nan, 120.0, math.nan])
    assert daily_totals(daily)["reorder_point"].tolist() == [100, 100, 120, 120]


def test_levels_one_unit_apart_are_one_line() -> None:
    totals = daily_totals(sample_report(days=10).daily)
    assert not levels_meet(totals)
    assert levels_meet(totals.assign(reorder_point=totals["order_up_to"] - 1))
    assert not levels_meet(totals.assign(reorder_point=math.nan))


def test_days_of_cover_are_stock_over_the_forecast_of_the_days_after() -> None:
    # Forecasts known: 10 a day, so 26, 16, 0 and 30 units last 2.6, 1.6, 0 and 3 days.
    report = four_days()
    assert days_of_cover(report.daily).to_numpy().ravel().tolist() == [2.6, 1.6, 0, 3]
    assert cover_shares(report.daily) == {"critical": 0.25, "caution": 0.5, "safe": 0.25}


def test_no_expected_demand_is_endless_cover_and_no_forecast_is_none() -> None:
    daily = four_days().daily
    assert cover_shares(daily.assign(forecast_mean=0.0))["safe"] == 1
    assert cover_shares(daily.assign(forecast_mean=math.nan)) == {}


def test_interval_coverage_counts_only_days_with_a_forecast() -> None:
    # Day 1 has none; 10 lies within 5 to 15, 20 and 0 do not: one of three.
    assert interval_coverage(four_days().daily) == pytest.approx(1 / 3)
    assert math.isnan(interval_coverage(four_days().daily.assign(forecast_p10=math.nan)))


def test_service_is_told_by_week_and_in_short_runs_by_day() -> None:
    # 10 of 10, 10 of 10, 16 of 20, nothing asked; to date 36 of 40.
    service = service_over_time(four_days().daily)
    assert service["fill_rate"].tolist() == [1, 1, 0.8, 1]
    assert service["to_date"].iloc[-1] == pytest.approx(0.9)
    assert len(service_over_time(sample_report(days=180).daily)) == 26  # 25 weeks and 5 days


def test_a_stockout_is_told_with_its_days_and_units() -> None:
    # 4 of 40 demanded units are a tenth.
    assert findings.stock_finding(four_days()) == (
        "Stock ran out on 1 of 4 days; 4 units lost, 10.0 % of demand"
    )
    assert findings.demand_finding(four_days()) == (
        "Demand averaged 10 units a day and peaked at 20 on 3 Jan 2024"
    )


def test_the_agent_is_set_beside_the_best_baseline_and_the_clairvoyant() -> None:
    report = sample_report(days=10)
    profits = report.policies.assign(profit=[97.0, 80.0, 95.0, 96.0, 100.0])
    assert findings.policies_finding(replace(report, policies=profits)) == (
        "The agent earns 97.0 % of the clairvoyant's profit; "
        "the best baseline, constant days of cover, 96.0 %"
    )


def test_a_clairvoyant_without_gain_is_no_yardstick() -> None:
    report = sample_report(days=10)
    profits = report.policies.assign(profit=[-5.0, -80.0, math.nan, -9.0, 0.0])
    text = findings.policies_finding(replace(report, policies=profits, currency="$"))
    assert text.startswith("The agent earns \N{MINUS SIGN}$5; the best baseline, constant days")


@pytest.mark.parametrize(
    "sample", [{"mean": 0}, {"events": ()}, {"days": 1}, {"names": ("a", "b")}]
)
def test_every_finding_has_words_for_every_run(sample: dict[str, object]) -> None:
    report = sample_report(**sample)
    blind = report.daily.assign(
        **dict.fromkeys(("forecast_mean", "forecast_p10", "forecast_p90", "reorder_point"), np.nan)
    )
    for run in (report, replace(report, daily=blind)):
        for name in dir(findings):
            if name.endswith("_finding") or name in ("headline", "run_period"):
                text = getattr(findings, name)(run)
                assert text
                assert "nan" not in text.lower()
                assert "inf" not in text.lower()


def test_the_steps_of_money_lead_from_revenue_to_profit() -> None:
    report = sample_report(days=30)
    steps = money_steps(report)
    assert [name for name, _, _ in steps] == [
        "revenue", "cost of goods sold", "holding", "ordering", "profit",
    ]  # fmt: skip
    assert steps[-2][2] == pytest.approx(report.money["profit"])


def test_pooled_scenarios_lose_no_unit() -> None:
    report = sample_report(events=sample_events(20), days=180)
    rows = scenario_rows(report)
    pooled = pool_scenarios(rows, 6)
    assert len(pooled) == 6
    assert pooled["scenario"].iloc[-1] == f"{len(rows) - 5} other scenarios"
    for column in ("days", "demand", "sold", "lost"):
        assert pooled[column].sum() == rows[column].sum()


def sample_events(count: int) -> Sequence[SampleEvent]:
    return [SampleEvent(f"Event_{index}", 8 * index, 5, 1.5) for index in range(count)]


def test_the_worst_items_lost_most_and_then_earned_least() -> None:
    items = pd.DataFrame({"unique_id": list("abc"), "lost": [0, 5, 0], "profit": [9.0, 9.0, 1.0]})
    assert worst_items(items, 2)["unique_id"].tolist() == ["b", "c"]


def test_names_of_events_never_share_a_place() -> None:
    spans = [EventSpan(f"Supply Chain Disruption {i}", 2.0 * i, 2.0 * i + 1) for i in range(60)]
    placed = place_names(spans, 120, 14.0)
    for lane in range(5):
        names = [name for name in placed if name.lane == lane]
        edges = [(name.left, name.left + 12) for name in names]  # 24 letters are 12 days at least
        assert all(a[1] <= b[0] for a, b in pairwise(edges))
    assert max(name.lane for name in placed) == 4


@pytest.mark.parametrize("days", [1, 2, 10, 45, 180, 400, 1500])
def test_a_day_axis_carries_at_most_fourteen_labels(days: int) -> None:
    places, labels = day_ticks(pd.date_range("2024-01-15", periods=days))
    assert 1 <= len(places) == len(labels) <= 14
    assert labels[0].endswith("2024")
