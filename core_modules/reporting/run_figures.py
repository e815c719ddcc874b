"""What a finished run comes to: totals by day, cover, service, shares; no words, no pictures."""

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core_modules.market_scenarios import NORMAL_OPERATIONS
from core_modules.reporting.report_wording import readable
from core_modules.reporting.run_report import COSTS, URGENCIES, RunReport

FloatArray = NDArray[np.float64]

# Days of coming forecast demand on the shelf: below the first a zone is critical, below the second
# it asks for caution.
COVER_ZONES = (1.0, 3.0)
ZONES = {
    "critical": f"under {COVER_ZONES[0]:g} day",
    "caution": f"{COVER_ZONES[0]:g} to {COVER_ZONES[1]:g} days",
    "safe": f"over {COVER_ZONES[1]:g} days",
}
_COVER_WINDOW = 7  # days ahead over which coming demand is averaged, so that weekdays cancel

_ADDITIVE = (
    "demand", "sold", "lost", "received", "on_hand", "on_order", "ordered", "reorder_point",
    "order_up_to", "forecast_mean",
)  # fmt: skip
_BAND = ("forecast_p10", "forecast_p90")


def daily_totals(daily: pd.DataFrame) -> pd.DataFrame:
    """Add the items up by day; one row a day, index `ds`.

    Quantiles do not add, so the forecast's interval is NaN unless there is one item. A total with a
    missing part is missing too.
    """
    by_day = held_levels(daily).groupby("ds")
    totals = by_day[list(_ADDITIVE)].sum(skipna=False)
    if daily["unique_id"].iloc[0] == daily["unique_id"].iloc[-1]:
        band = by_day[list(_BAND)].first()
    else:
        band = pd.DataFrame(math.nan, index=totals.index, columns=list(_BAND))
    return totals.join(band)


def held_levels(daily: pd.DataFrame) -> pd.DataFrame:
    """Let each item's reorder point and order-up-to level hold from one review to the next."""
    levels = ["reorder_point", "order_up_to"]
    return daily.assign(**daily.groupby("unique_id")[levels].ffill())


def levels_meet(totals: pd.DataFrame) -> bool:
    """Return whether reorder point and order-up-to level run too close to be drawn apart."""
    gap = (totals["order_up_to"] - totals["reorder_point"]).abs().max()
    return bool(gap <= 0.005 * totals["order_up_to"].max())


def days_of_cover(daily: pd.DataFrame) -> pd.DataFrame:
    """Return how many days of the coming week's forecast each item's stock lasts, (days, items).

    Infinite where no demand is expected, NaN where no forecast exists.
    """
    tables = daily.pivot_table(
        index="ds", columns="unique_id", values=["on_hand", "forecast_mean"], dropna=False
    )
    forecast = tables[["forecast_mean"]].droplevel(0, axis=1)
    coming = forecast[::-1].rolling(_COVER_WINDOW, min_periods=1).mean()[::-1]
    expected = coming.shift(-1).fillna(coming)
    cover = tables[["on_hand"]].droplevel(0, axis=1) / expected.where(expected > 0)
    return cover.mask(expected == 0, math.inf)


def cover_shares(daily: pd.DataFrame) -> dict[str, float]:
    """Return the share of item-days in each zone of `COVER_ZONES`; empty without any forecast."""
    cover = days_of_cover(daily).to_numpy().ravel()
    cover = cover[~np.isnan(cover)]
    if not cover.size:
        return {}
    critical, caution = ((cover < limit).mean() for limit in COVER_ZONES)
    return {
        "critical": float(critical),
        "caution": float(caution - critical),
        "safe": float(1 - caution),
    }


def urgency_counts(daily: pd.DataFrame) -> dict[str, int]:
    """Return how many decisions had each urgency, the most urgent first."""
    counts = daily["urgency"].value_counts()
    return {urgency: int(counts.get(urgency, 0)) for urgency in URGENCIES}


def interval_coverage(daily: pd.DataFrame) -> float:
    """Return the share of forecast item-days whose demand lay within p10 to p90; NaN without."""
    known = daily[daily["forecast_p10"].notna() & daily["forecast_p90"].notna()]
    inside = known["demand"].between(known["forecast_p10"], known["forecast_p90"])
    return float(inside.mean()) if len(known) else math.nan


def service_over_time(daily: pd.DataFrame) -> pd.DataFrame:
    """Return fill rates by period and to date, with units lost; index: each period's first day.

    Periods are weeks, or days in runs under four weeks. A period without demand was served in full.
    """
    totals = daily.groupby("ds")[["demand", "sold", "lost"]].sum()
    length = 7 if len(totals) >= 28 else 1
    period = np.arange(len(totals)) // length
    sums = totals.groupby(period).sum()
    sums.index = totals.index[::length]
    to_date = sums.cumsum()
    sums["fill_rate"] = (sums["sold"] / sums["demand"].where(sums["demand"] > 0)).fillna(1.0)
    sums["to_date"] = (to_date["sold"] / to_date["demand"].where(to_date["demand"] > 0)).fillna(1.0)
    return sums


def worst_items(items: pd.DataFrame, count: int) -> pd.DataFrame:
    """Return the items that lost the most units, ties by the lowest profit, worst first."""
    order = items.sort_values(["lost", "profit", "unique_id"], ascending=[False, True, True])
    return order.head(count)


def scenario_rows(report: RunReport) -> pd.DataFrame:
    """Return the results by scenario: normal days first, then by demand an item-day, highest first.

    Adds `daily_demand` (units an item-day) and `daily_profit` (money an item-day).
    """
    rows = report.by_scenario.assign(
        daily_demand=report.by_scenario["demand"] / report.by_scenario["days"],
        daily_profit=report.by_scenario["profit"] / report.by_scenario["days"],
        normal=report.by_scenario["scenario"] == NORMAL_OPERATIONS,
    )
    order = rows.sort_values(["normal", "daily_demand", "scenario"], ascending=[False, False, True])
    return order.drop(columns="normal").reset_index(drop=True)


def pool_scenarios(rows: pd.DataFrame, count: int) -> pd.DataFrame:
    """Keep the `count` scenarios that ran on the most item-days; the others become one last row."""
    if len(rows) <= count:
        return rows
    kept = rows["days"].rank(method="first", ascending=False) < count
    rest = rows[~kept]
    days, demand = rest["days"].sum(), rest["demand"].sum()
    pooled = rest[["days", "demand", "sold", "lost", "profit"]].sum().to_dict() | {
        "scenario": f"{len(rest)} other scenarios",
        "fill_rate": rest["sold"].sum() / demand if demand else math.nan,
        "service_level": (rest["service_level"] * rest["days"]).sum() / days,
        "average_stock": (rest["average_stock"] * rest["days"]).sum() / days,
        "daily_demand": demand / days,
        "daily_profit": rest["profit"].sum() / days,
    }
    return pd.concat([rows[kept], pd.DataFrame([pooled])], ignore_index=True)


def profit_share(profit: float, best: float) -> float:
    """Return profit as a share of the clairvoyant's; NaN where that is not a gain."""
    return profit / best if best > 0 else math.nan


def has_intervals(policies: pd.DataFrame) -> bool:
    """Return whether any policy's profit has a 95 % interval."""
    return "profit_low" in policies and bool(policies["profit_low"].notna().any())


def profit_interval(policies: pd.DataFrame) -> tuple[FloatArray, FloatArray]:
    """Return the ends of each profit's 95 % interval; the profit itself where it has none."""
    profit = policies["profit"]
    low, high = (policies.get(side, profit) for side in ("profit_low", "profit_high"))
    return low.fillna(profit).to_numpy(dtype=float), high.fillna(profit).to_numpy(dtype=float)


def money_steps(report: RunReport) -> list[tuple[str, float, float]]:
    """Return the steps from revenue to profit: name, level before, level after; no zero steps."""
    money = report.money
    level = money["revenue"]
    steps = [("revenue", 0.0, level)]
    changes = [(cost, -money[cost]) for cost in COSTS] + [("salvage", money["salvage"])]
    for name, change in changes:
        if change:
            steps.append((readable(name), level, level + change))
            level += change
    return [*steps, ("profit", 0.0, money["profit"])]
