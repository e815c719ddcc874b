"""Sample runs for the tests of pictures and HTML: a small simulation with a simple policy."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core_modules.market_scenarios import NORMAL_OPERATIONS
from core_modules.reporting.run_report import COSTS, RunReport

START = pd.Timestamp("2024-01-01")
LEAD_TIME = 3
PRICE, COST, HOLDING, ORDERING = 50.0, 30.0, 0.02, 40.0


@dataclass(frozen=True, slots=True)
class SampleEvent:
    """An event of the sample market."""

    label: str
    first: int  # day of the run, counted from 0
    days: int
    demand: float  # multiplier


THREE_EVENTS = (
    SampleEvent("Post_Holiday_Clearance", 1, 14, 0.4),
    SampleEvent("Viral_Social_Media_Boost", 74, 3, 3.5),
    SampleEvent("Competitor_Stockout_Benefit", 130, 11, 2.2),
)
# As crowded as the calendar `stress`: every kind within 180 days, some on top of each other.
MANY_EVENTS = (
    *THREE_EVENTS,
    SampleEvent("Supply_Chain_Disruption", 76, 14, 0.9),
    SampleEvent("Celebrity_Endorsement_Spike", 80, 5, 4.0),
    SampleEvent("Competitor_Price_Cut", 95, 10, 0.7),
    SampleEvent("Promotion", 98, 4, 1.8),
    SampleEvent("Economic_Downturn_Effect", 110, 20, 0.6),
    SampleEvent("Black_Friday_Mega_Event", 165, 4, 5.0),
    SampleEvent("Promotion", 170, 10, 1.5),
)


def sample_report(
    *,
    names: Sequence[str] = ("Electronics_DEMO_ITEM",),
    days: int = 180,
    events: Sequence[SampleEvent] = THREE_EVENTS,
    mean: float = 240.0,  # units a day of the first item; others fall off
    currency: str = "USD",
    cover: float = 9.0,  # days of expected demand that the policy orders up to
) -> RunReport:
    """Simulate each item under an order-up-to policy that knows the events and tell it as a run."""
    rng = np.random.default_rng(7)
    market = _multipliers(events, days)
    frames = [
        _run_item(name, mean / (1 + 0.35 * index), days, events, market, cover, rng)
        for index, name in enumerate(names)
    ]
    daily = pd.concat(frames).sort_values(["unique_id", "ds"]).reset_index(drop=True)
    money = _money(daily)
    items = _by(daily, "unique_id")
    scenarios = _by(daily, "scenario").assign(days=daily["scenario"].value_counts().sort_index())
    policies = _policies(daily, money["profit"])
    return RunReport(
        title="Sample run",
        currency=currency,
        settings={"seed": "7", "lead time": f"{LEAD_TIME} days", "days": str(days)},
        daily=daily,
        policies=policies,
        by_scenario=scenarios.reset_index(),
        money=money,
        kpis=_kpis(daily, money, float(policies["profit"].iloc[-1])),
        events=_event_frame(events, days),
        items=items.reset_index(),
    )


def _multipliers(events: Sequence[SampleEvent], days: int) -> np.ndarray:
    multipliers = np.ones(days)
    for event in events:
        multipliers[event.first : event.first + event.days] *= event.demand
    return multipliers


def _run_item(
    name: str,
    mean: float,
    days: int,
    events: Sequence[SampleEvent],
    market: np.ndarray,
    cover: float,
    rng: np.random.Generator,
) -> pd.DataFrame:
    ds = pd.date_range(START, periods=days)
    season = 1 + 0.3 * np.sin(2 * np.pi * ds.day_of_year / 365) + 0.2 * (ds.day_of_week == 5)
    expected = mean * season.to_numpy() * market
    spread = np.where(expected > 0, 0.3 * expected, 1.0)
    demand = np.maximum(0, rng.normal(expected, spread)).round().astype(int) * (mean > 0)
    forecast = expected.copy()
    for event in events[1:2]:  # the second event comes without warning
        forecast[event.first : event.first + 2] /= event.demand
    ordinary = np.convolve(np.pad(forecast, (0, 9), mode="edge"), np.ones(9), "valid")[1:][:days]
    point, target = ordinary * 5 / 9, ordinary * cover / 9
    rows, arriving, stock = [], {}, int(mean * 8)
    for day in range(days):
        received = arriving.pop(day, 0)
        stock += received
        sold = min(stock, int(demand[day]))
        stock -= sold
        position = stock + sum(arriving.values())
        ordered = int(max(0, target[day] - position)) if position < point[day] else 0
        if ordered:
            arriving[day + LEAD_TIME] = ordered
        rows.append((demand[day], sold, demand[day] - sold, received, stock,
                     sum(arriving.values()), ordered))  # fmt: skip
    frame = pd.DataFrame(
        rows, columns=["demand", "sold", "lost", "received", "on_hand", "on_order", "ordered"]
    )
    frame.insert(0, "unique_id", name)
    frame.insert(1, "ds", ds)
    return _decided(frame, events, point, target, forecast)


def _decided(
    frame: pd.DataFrame,
    events: Sequence[SampleEvent],
    point: np.ndarray,
    target: np.ndarray,
    forecast: np.ndarray,
) -> pd.DataFrame:
    frame["reorder_point"], frame["order_up_to"] = point.round(), target.round()
    frame["forecast_mean"] = forecast
    frame["forecast_p10"], frame["forecast_p90"] = 0.62 * forecast, 1.38 * forecast
    labels = np.array([NORMAL_OPERATIONS] * len(frame), dtype=object)
    for event in events:
        labels[event.first : event.first + event.days] = event.label
    frame["scenario"] = labels.astype(str)
    ratio = frame["on_hand"] / np.maximum(point, 1)
    frame["urgency"] = np.select(
        [ratio < 0.15, ratio < 0.4, frame["ordered"] > 0], ["critical", "high", "normal"], "low"
    )
    frame["escalated"] = frame["urgency"].eq("critical") & frame["ordered"].gt(0)
    frame["rule"] = np.where(labels == NORMAL_OPERATIONS, "steady demand", "event running")
    frame["reason"] = [
        f"{scenario.replace('_', ' ')}: {stock:,} on hand and {coming:,} coming; "
        + (f"order {order:,} to cover 9 days" if order else "enough until the next delivery")
        for scenario, stock, coming, order in zip(
            frame["scenario"], frame["on_hand"], frame["on_order"], frame["ordered"], strict=True
        )
    ]
    return frame


def _money(daily: pd.DataFrame) -> dict[str, float]:
    money = dict.fromkeys(COSTS, 0.0)
    money["revenue"] = PRICE * float(daily["sold"].sum())
    money["cost_of_goods_sold"] = COST * float(daily["sold"].sum())
    money["holding"] = HOLDING * float(daily["on_hand"].sum())
    money["ordering"] = ORDERING * float((daily["ordered"] > 0).sum())
    money["salvage"] = 0.0
    money["profit"] = money["revenue"] - sum(money[cost] for cost in COSTS)
    return money


def _by(daily: pd.DataFrame, key: str) -> pd.DataFrame:
    groups = daily.groupby(key)
    sums = groups[["demand", "sold", "lost"]].sum()
    sums["fill_rate"] = sums["sold"] / sums["demand"].where(sums["demand"] > 0)
    sums["service_level"] = 1 - daily["lost"].gt(0).groupby(daily[key]).mean()
    sums["profit"] = (PRICE - COST) * sums["sold"] - HOLDING * groups["on_hand"].sum()
    sums["average_stock"] = groups["on_hand"].mean()
    return sums


def _policies(daily: pd.DataFrame, profit: float) -> pd.DataFrame:
    demand, stock = float(daily["demand"].sum()), float(daily["on_hand"].mean())
    best = (PRICE - COST) * demand - 0.2 * HOLDING * float(daily["on_hand"].sum())
    agent = (profit, 1 - float(daily["lost"].gt(0).mean()), float(daily["lost"].sum()), stock)
    rows = [
        ("agent", "agent", *agent),
        ("original-rules", "baseline", 0.93 * best, 0.95, 0.05 * demand, 1.6 * stock),
        ("constant order-up-to", "baseline", 0.975 * best, 0.985, 0.015 * demand, 1.9 * stock),
        ("constant days of cover", "baseline", 0.981 * best, 0.99, 0.01 * demand, 1.4 * stock),
        ("clairvoyant", "bound", best, 1.0, 0.0, 0.2 * stock),
    ]
    columns = ["policy", "kind", "profit", "service_level", "lost_units", "average_stock"]
    frame = pd.DataFrame(rows, columns=columns)
    frame["fill_rate"] = 1 - frame["lost_units"] / demand if demand else np.nan
    frame["cash_profit"] = frame["profit"] - COST * frame["average_stock"]
    frame["orders_placed"] = [float((daily["ordered"] > 0).sum()), 11.0, 60.0, 45.0, 180.0]
    frame["profit_low"] = frame["profit"] - 0.006 * abs(best)
    frame["profit_high"] = frame["profit"] + 0.006 * abs(best)
    frame.loc[4, ["profit_low", "profit_high"]] = np.nan
    return frame


def _kpis(daily: pd.DataFrame, money: dict[str, float], best: float) -> dict[str, float]:
    demand, out = float(daily["demand"].sum()), daily["lost"].gt(0)
    stock = float(daily.groupby("ds")["on_hand"].sum().mean())
    purchases = COST * float(daily["ordered"].sum())
    return {
        "days": float(daily["ds"].nunique()),
        "service_level": 1 - float(out.mean()),
        "fill_rate": float(daily["sold"].sum()) / demand if demand else float("nan"),
        "stockout_days": float(out.sum()),
        "revenue": money["revenue"],
        "purchases": purchases,
        "profit": money["profit"],
        "cash_profit": money["revenue"] - purchases,
        "clairvoyant_profit": best,
        "normal_share": float(daily["scenario"].eq(NORMAL_OPERATIONS).mean()),
        "autonomous_share": 1 - float(daily["escalated"].mean()),
        "average_stock": stock,
        "orders_placed": float((daily["ordered"] > 0).sum()),
        "cycle_service_level": 0.97,
        "turns": 18.2,
        "days_of_cover": stock / max(demand / daily["ds"].nunique(), 1e-9),
        "gmroi": 4.1,
        "waste_units": 0.0,
        "forecast_wape": 0.24,
        "adapted_share": 0.31,
        "escalated_share": float(daily["escalated"].mean()),
    }


def _event_frame(events: Sequence[SampleEvent], days: int) -> pd.DataFrame:
    met = [event for event in events if event.first < days]
    return pd.DataFrame(
        {
            "event_id": [f"event-{index}" for index in range(len(met))],
            "kind": [event.label.lower() for event in met],
            "label": [event.label for event in met],
            "start": pd.to_datetime([START + pd.Timedelta(days=e.first) for e in met]),
            "end": pd.to_datetime([START + pd.Timedelta(days=e.first + e.days - 1) for e in met]),
            "announced": pd.to_datetime([START if i == 0 else pd.NaT for i in range(len(met))]),
            "unique_id": [""] * len(met),
        }
    )
