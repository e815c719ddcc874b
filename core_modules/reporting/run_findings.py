"""What a finished run shows, each finding in one sentence; titles of pictures and HTML alike."""

import math

import pandas as pd

from core_modules.reporting.report_wording import amount, number, percent, plural, readable, whole
from core_modules.reporting.run_figures import (
    cover_shares,
    interval_coverage,
    profit_share,
    service_over_time,
)
from core_modules.reporting.run_report import RunReport


def short_date(day: pd.Timestamp, *, year: bool = True) -> str:
    """Write a date for a reader, e.g. '3 Mar 2024'."""
    return f"{day.day} {day:%b %Y}" if year else f"{day.day} {day:%b}"


def run_period(report: RunReport) -> str:
    """Say which days and how many items the run covers."""
    first, last = report.daily["ds"].min(), report.daily["ds"].max()
    items = str(report.items["unique_id"].iloc[0]) if report.single_item else ""
    return (
        f"{items or plural(len(report.items), 'item')}, {plural(report.days, 'day')}: "
        f"{short_date(first)} to {short_date(last)}"
    )


def headline(report: RunReport) -> str:
    """Say the run's result in one sentence."""
    kpis = report.kpis
    share = profit_share(kpis["profit"], kpis["clairvoyant_profit"])
    profit = f"profit of {amount(kpis['profit'], report.currency)}"
    if math.isfinite(share):
        profit += f", {percent(share)} of what perfect foresight earns"
    if not report.daily["demand"].any():
        return f"No demand came, for a {profit}"
    return f"{percent(kpis['fill_rate'])} of demand served for a {profit}"


def demand_finding(report: RunReport) -> str:
    """Say how large demand was and when it peaked."""
    demand = report.daily.groupby("ds")["demand"].sum()
    if not demand.any():
        return "No demand came on any day of this run"
    peak = demand.index[int(demand.to_numpy().argmax())]
    return (
        f"Demand averaged {whole(demand.mean())} units a day "
        f"and peaked at {whole(demand.max())} on {short_date(peak)}"
    )


def stock_finding(report: RunReport) -> str:
    """Say how often stock ran out and what that lost."""
    daily = report.daily
    days = int((daily["lost"] > 0).sum())
    if not days:
        return "Stock never ran out: no sale was lost"
    share = daily["lost"].sum() / daily["demand"].sum()
    unit = "day" if report.single_item else "item-day"
    return (
        f"Stock ran out on {whole(days)} of {plural(len(daily), unit)}; "
        f"{plural(daily['lost'].sum(), 'unit')} lost, {percent(share)} of demand"
    )


def forecast_finding(report: RunReport) -> str:
    """Say how often demand came within the 80 % interval."""
    share = interval_coverage(report.daily)
    if math.isnan(share):
        return "No forecast was made ahead of any day of this run"
    if not report.daily["demand"].any():
        expected = report.daily.groupby("ds")["forecast_mean"].sum().mean()
        return f"No demand came; the forecast expected {whole(expected)} units a day"
    unit = "days" if report.single_item else "item-days"
    return f"Demand came within the forecast's 80 % interval on {percent(share)} of {unit}"


def service_finding(report: RunReport) -> str:
    """Say when service was worst."""
    service = service_over_time(report.daily)
    lost = service["lost"]
    if not service["demand"].any():
        return "No demand came, so none was lost"
    if not lost.any():
        return "Every unit demanded was served, from the first day to the last"
    worst = int(service["fill_rate"].to_numpy().argmin())
    span = "week, from" if len(service) < report.days else "day,"
    return (
        f"{percent(report.kpis['fill_rate'])} of demand served; the worst {span} "
        f"{short_date(service.index[worst])}: {percent(service['fill_rate'].iloc[worst])}"
    )


def cover_finding(report: RunReport) -> str:
    """Say how often stock was nearly gone."""
    shares = cover_shares(report.daily)
    if not shares:
        return "Without a forecast, days of cover are unknown"
    unit = "days" if report.single_item else "item-days"
    if not shares["critical"]:
        return "Stock always covered at least a day of forecast demand"
    return f"On {percent(shares['critical'])} of {unit} stock covered less than a day"


def urgency_finding(report: RunReport) -> str:
    """Say how many decisions asked for a person."""
    escalated, decisions = int(report.daily["escalated"].sum()), len(report.daily)
    if not escalated:
        return f"All {plural(decisions, 'decision')} were taken without a person"
    return f"{whole(escalated)} of {plural(decisions, 'decision')} asked for a person"


def policies_finding(report: RunReport) -> str:
    """Set the agent's profit beside the best baseline's and the bound's."""
    policies = report.policies
    best = float(policies["profit"].iloc[-1])
    agent = float(policies["profit"].iloc[0])
    share = profit_share(agent, best)
    first = readable(str(policies["policy"].iloc[0]))
    who = "The agent" if first == "agent" else first
    text = f"{who} earns {amount(agent, report.currency)}"
    if math.isfinite(share):
        text = f"{who} earns {percent(share)} of the clairvoyant's profit"
    baselines = policies[policies["kind"] == "baseline"].dropna(subset=["profit"])
    if not baselines.empty:
        profits = baselines["profit"].to_numpy()
        name, profit = readable(baselines["policy"].iloc[profits.argmax()]), profits.max()
        share = profit_share(profit, best)
        earns = percent(share) if math.isfinite(share) else amount(profit, report.currency)
        text += f"; the best baseline, {name}, {earns}"
    return text


def scenario_finding(report: RunReport) -> str:
    """Say which scenario was served worst."""
    scenarios = report.by_scenario.dropna(subset=["fill_rate"])
    if scenarios.empty:
        return "No demand came in any scenario"
    if not scenarios["lost"].any():
        return "Every scenario was served in full"
    fill_rates = scenarios["fill_rate"].to_numpy()
    worst = readable(scenarios["scenario"].iloc[fill_rates.argmin()])
    return f"Served worst: {worst}, {percent(fill_rates.min())} of demand"


def money_finding(report: RunReport) -> str:
    """Say what remains of the revenue."""
    revenue, profit = report.money["revenue"], report.money["profit"]
    if revenue <= 0:
        return f"Nothing was sold; the run's profit is {amount(profit, report.currency)}"
    if profit < 0:
        return (
            f"Costs exceed the {amount(revenue, report.currency)} of revenue: "
            f"a loss of {amount(-profit, report.currency)}"
        )
    return (
        f"Of {amount(revenue, report.currency)} revenue, "
        f"{amount(profit, report.currency)} ({percent(profit / revenue)}) remain as profit"
    )


def items_finding(report: RunReport) -> str:
    """Say how the lost units spread over the items."""
    lost = report.items["lost"].sort_values(ascending=False)
    if not lost.any():
        return "No item lost a sale"
    few = min(5, int((lost > 0).sum()))
    share = percent(lost.head(few).sum() / lost.sum())
    return f"{few} of {plural(len(lost), 'item')} account for {share} of lost units"


def board_figures(report: RunReport) -> list[tuple[str, str, str]]:
    """Return the seven figures a board reads first: name, value, and what it means."""
    kpis, money = report.kpis, report.currency
    share = profit_share(kpis["profit"], kpis["clairvoyant_profit"])
    unit = "day" if report.single_item else "item-day"
    normal = round(kpis["normal_share"] * len(report.daily)) if kpis["normal_share"] >= 0 else 0
    average = kpis["orders_placed"] / max(report.days, 1)
    return [
        (
            "Service level",
            percent(kpis["service_level"]),
            f"{whole(kpis['stockout_days'])} of {plural(len(report.daily), unit)} with a stockout",
        ),
        ("Fill rate", percent(kpis["fill_rate"]), "of units demanded sold"),
        (
            "Profit",
            amount(kpis["profit"], money),
            f"{percent(share)} of the clairvoyant's",
        ),
        (
            "Average stock",
            f"{whole(kpis['average_stock'])} units",
            f"{number(kpis['days_of_cover'])} days of cover",
        ),
        ("Orders placed", whole(kpis["orders_placed"]), f"{number(average)} a day"),
        (
            "Normal days",
            percent(kpis["normal_share"]),
            f"{whole(normal)} of {plural(len(report.daily), unit)} without an event",
        ),
        ("Autonomous", percent(kpis["autonomous_share"]), "of decisions needed no person"),
    ]
