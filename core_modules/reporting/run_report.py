"""What one finished run hands to its pictures and its HTML report: one checked value."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

URGENCIES = ("critical", "high", "normal", "low")  # from the most urgent to the least

DAILY_COLUMNS = (
    "unique_id", "ds", "demand", "sold", "lost", "received", "on_hand", "on_order", "ordered",
    "reorder_point", "order_up_to", "forecast_mean", "forecast_p10", "forecast_p90", "scenario",
    "urgency", "escalated", "rule", "reason",
)  # fmt: skip
POLICY_COLUMNS = (
    "policy", "kind", "service_level", "fill_rate", "profit", "cash_profit", "average_stock",
    "lost_units", "orders_placed",
)  # fmt: skip
SCENARIO_COLUMNS = (
    "scenario", "days", "demand", "sold", "lost", "fill_rate", "service_level", "profit",
    "average_stock",
)  # fmt: skip
EVENT_COLUMNS = ("event_id", "kind", "label", "start", "end", "announced", "unique_id")
ITEM_COLUMNS = (
    "unique_id", "demand", "sold", "lost", "fill_rate", "service_level", "profit", "average_stock",
)  # fmt: skip
COSTS = ("cost_of_goods_sold", "waste", "holding", "ordering", "expediting", "goodwill")
SHARES = (
    "service_level", "fill_rate", "normal_share", "autonomous_share", "cycle_service_level",
    "adapted_share", "escalated_share",
)  # fmt: skip
KPIS = (
    "days", "service_level", "fill_rate", "stockout_days", "revenue", "purchases", "profit",
    "cash_profit", "clairvoyant_profit", "normal_share", "autonomous_share", "average_stock",
    "orders_placed", "cycle_service_level", "turns", "days_of_cover", "gmroi", "waste_units",
    "forecast_wape", "adapted_share", "escalated_share",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RunReport:
    """Everything a reader sees of one run; a figure that does not exist is NaN, never missing.

    Raises ValueError, in one line, for a frame without its columns, a share outside 0 to 1, an
    unknown urgency, policies out of order, items that differ from the daily rows, or money whose
    parts do not add up to its profit.
    """

    title: str  # one line, e.g. 'Reference run, calendar original'
    currency: str  # 'USD' or '$', shown with every amount
    settings: Mapping[str, str]  # shown in the footer, in this order
    daily: pd.DataFrame  # one row an item-day of the agent's run, sorted by unique_id, ds
    policies: pd.DataFrame  # one row a policy: the agent first, the clairvoyant last
    by_scenario: pd.DataFrame  # one row a scenario met; days are item-days
    money: Mapping[str, float]  # revenue, COSTS (all >= 0), salvage and profit of the whole run
    kpis: Mapping[str, float]  # KPIS at least; SHARES are 0 to 1
    events: pd.DataFrame  # one row a market event; unique_id '' where it meets every item
    items: pd.DataFrame  # one row an item

    def __post_init__(self) -> None:
        """Check the whole value once, so that no reader of it has to."""
        _require_columns("daily", self.daily, DAILY_COLUMNS)
        _require_columns("policies", self.policies, POLICY_COLUMNS)
        _require_columns("by_scenario", self.by_scenario, SCENARIO_COLUMNS)
        _require_columns("events", self.events, EVENT_COLUMNS)
        _require_columns("items", self.items, ITEM_COLUMNS)
        _require_keys("money", self.money, ("revenue", *COSTS, "salvage", "profit"))
        _require_keys("kpis", self.kpis, KPIS)
        _check_daily(self.daily)
        _check_policies(self.policies)
        _check_shares(self)
        _check_money(self.money)
        _check_items(self.daily, self.items)

    @property
    def days(self) -> int:
        """Return the number of days of the run."""
        return int(self.daily["ds"].nunique())

    @property
    def single_item(self) -> bool:
        """Return whether the run managed exactly one item."""
        return len(self.items) == 1


def _require_columns(name: str, frame: pd.DataFrame, columns: Iterable[str]) -> None:
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise ValueError(f"RunReport.{name} lacks the column(s) {', '.join(missing)}: add them")


def _require_keys(name: str, values: Mapping[str, float], keys: Iterable[str]) -> None:
    missing = [key for key in keys if key not in values]
    if missing:
        raise ValueError(
            f"RunReport.{name} lacks {', '.join(missing)}: give NaN where a figure does not exist"
        )


def _check_daily(daily: pd.DataFrame) -> None:
    if daily.empty:
        raise ValueError("RunReport.daily is empty: a run has at least one item-day")
    if not pd.api.types.is_datetime64_any_dtype(daily["ds"]):
        raise ValueError(f"RunReport.daily.ds must hold dates, got {daily['ds'].dtype}")
    keys = pd.MultiIndex.from_frame(daily[["unique_id", "ds"]])
    if not (keys.is_unique and keys.is_monotonic_increasing):
        raise ValueError("RunReport.daily must be sorted by unique_id, ds, with each day once")
    counts = daily[["demand", "sold", "lost", "received", "on_hand", "on_order", "ordered"]]
    if not bool((counts >= 0).all(axis=None)):
        worst = str((counts >= 0).all().idxmin())
        raise ValueError(f"RunReport.daily.{worst} must be >= 0 and known on every day")
    unknown = sorted(set(daily["urgency"]) - set(URGENCIES))
    if unknown:
        raise ValueError(
            f"RunReport.daily.urgency must be one of {', '.join(URGENCIES)}, got {unknown[0]!r}"
        )


def _check_policies(policies: pd.DataFrame) -> None:
    kinds = policies["kind"].tolist()
    if len(kinds) < 2 or kinds[0] != "agent" or kinds[-1] != "bound":
        raise ValueError(
            f"RunReport.policies must run from 'agent' to 'bound' (the clairvoyant), got {kinds}"
        )
    if any(kind != "baseline" for kind in kinds[1:-1]):
        raise ValueError(f"RunReport.policies between agent and bound must be baselines: {kinds}")


def _check_shares(report: RunReport) -> None:
    shares = {f"kpis.{key}": report.kpis[key] for key in SHARES}
    for name in ("policies", "by_scenario", "items"):
        frame: pd.DataFrame = getattr(report, name)
        for column in ("service_level", "fill_rate"):
            shares |= {f"{name}.{column}[{i}]": v for i, v in enumerate(frame[column])}
    for name, share in shares.items():
        # Shares are means of floats, so the last bit may pass 1.
        if not (0 <= share <= 1 + 1e-9 or math.isnan(share)):
            raise ValueError(f"RunReport.{name} must be a share from 0 to 1, got {share}")


def _check_money(money: Mapping[str, float]) -> None:
    profit = money["revenue"] - math.fsum(money[cost] for cost in COSTS) + money["salvage"]
    # Amounts are sums of many rounded products: a cent, or a millionth of revenue, is no error.
    if not abs(profit - money["profit"]) <= max(0.01, 1e-6 * abs(money["revenue"])):
        raise ValueError(
            f"RunReport.money: revenue less costs plus salvage is {profit:.2f}, "
            f"but profit says {money['profit']:.2f}"
        )


def _check_items(daily: pd.DataFrame, items: pd.DataFrame) -> None:
    names = items["unique_id"].tolist()
    if len(set(names)) != len(names) or set(names) != set(daily["unique_id"]):
        raise ValueError(
            f"RunReport.items must name each item of daily once: {len(names)} rows "
            f"for {daily['unique_id'].nunique()} items"
        )
