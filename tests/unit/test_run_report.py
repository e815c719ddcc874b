"""A run report is checked once, when it is made: whoever draws it need not ask again."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core_modules.reporting.run_report import RunReport
from tests.report_samples import sample_report


@pytest.fixture(scope="module")
def report() -> RunReport:
    return sample_report(names=("a", "b"), days=20)


def changed(frame: pd.DataFrame, row: int, column: str, value: object) -> pd.DataFrame:
    copy = frame.copy()
    copy[column] = copy[column].astype(object)
    copy.loc[row, column] = value
    return copy.infer_objects()


def test_a_complete_run_is_accepted(report: RunReport) -> None:
    assert (report.days, report.single_item) == (20, False)
    assert sample_report(days=10).single_item


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: {"daily": r.daily.drop(columns="lost")}, "daily lacks the column.s. lost"),
        (lambda r: {"daily": r.daily.iloc[:0]}, "daily is empty"),
        (lambda r: {"daily": r.daily.iloc[::-1]}, "sorted by unique_id, ds"),
        (lambda r: {"daily": pd.concat([r.daily.iloc[[0]], r.daily])}, "with each day once"),
        (lambda r: {"daily": r.daily.assign(ds="2024-01-01")}, "ds must hold dates"),
        (lambda r: {"daily": changed(r.daily, 3, "urgency", "urgent")}, "got 'urgent'"),
        (lambda r: {"daily": changed(r.daily, 3, "on_hand", -1)}, "on_hand must be >= 0"),
        (lambda r: {"policies": r.policies.iloc[:-1]}, "from 'agent' to 'bound'"),
        (lambda r: {"policies": r.policies.iloc[::-1]}, "from 'agent' to 'bound'"),
        (lambda r: {"policies": changed(r.policies, 1, "kind", "rule")}, "must be baselines"),
        (lambda r: {"items": r.items.iloc[:1]}, "1 rows for 2 items"),
        (lambda r: {"items": changed(r.items, 1, "fill_rate", 98.5)}, r"items.fill_rate.1. .*98.5"),
        (lambda r: {"kpis": {**r.kpis, "normal_share": 84.4}}, "kpis.normal_share .*84.4"),
        (lambda r: {"kpis": {"days": 20.0}}, "give NaN where a figure does not exist"),
        (lambda r: {"money": {**r.money, "profit": r.money["profit"] + 5}}, "but profit says"),
        (lambda r: {"money": {**r.money, "holding": float("nan")}}, "but profit says"),
        (lambda r: {"events": r.events.drop(columns="announced")}, "events lacks .* announced"),
        (lambda r: {"by_scenario": pd.DataFrame()}, "by_scenario lacks"),
    ],
)
def test_a_wrong_run_is_refused_in_one_line(
    report: RunReport, change: Callable[[RunReport], dict[str, Any]], message: str
) -> None:
    with pytest.raises(ValueError, match=message) as refusal:
        replace(report, **change(report))
    assert "\n" not in str(refusal.value)


def test_figures_that_do_not_exist_may_be_nan(report: RunReport) -> None:
    unknown = dict.fromkeys(("autonomous_share", "forecast_wape", "fill_rate"), float("nan"))
    daily = report.daily.assign(forecast_mean=np.nan, forecast_p10=np.nan, reorder_point=np.nan)
    assert replace(report, kpis={**report.kpis, **unknown}, daily=daily).days == 20
