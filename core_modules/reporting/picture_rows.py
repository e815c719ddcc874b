"""The panels with a row or a bar for each name: policies, scenarios, items, money, decisions."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from core_modules.reporting import picture_axes as parts
from core_modules.reporting.report_palette import (
    BLUE,
    GREEN,
    GREY,
    INK,
    PALE,
    POLICY_COLOURS,
    SKY,
    URGENCY_COLOURS,
    VERMILLION,
    ZONE_COLOURS,
)
from core_modules.reporting.report_wording import (
    amount,
    number,
    percent,
    plural,
    readable,
    shorten,
    whole,
)
from core_modules.reporting.run_figures import (
    ZONES,
    cover_shares,
    money_steps,
    profit_interval,
    urgency_counts,
    worst_items,
)
from core_modules.reporting.run_findings import items_finding
from core_modules.reporting.run_report import RunReport

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAME_LENGTH = 28  # characters of an item's, a policy's or a scenario's name beside its row


def urgency_rows(axes: "Axes", report: RunReport) -> None:
    """Draw how many decisions had each urgency."""
    counts = urgency_counts(report.daily)
    texts = [f"{whole(count)}  ({percent(count / len(report.daily))})" for count in counts.values()]
    parts.rows(
        axes, list(counts.values()), texts, names=list(counts),
        colours=[URGENCY_COLOURS[urgency] for urgency in counts],
    )  # fmt: skip


def zone_rows(axes: "Axes", report: RunReport) -> None:
    """Draw the share of days that stock spent in each zone."""
    shares = cover_shares(report.daily)
    if not shares:
        parts.say(axes, "no forecast, so no days of cover")
        axes.set_axis_off()
        return
    parts.rows(
        axes, list(shares.values()), [percent(share) for share in shares.values()],
        names=[f"{zone}: {limit}" for zone, limit in ZONES.items()],
        colours=[ZONE_COLOURS[zone] for zone in shares],
    )  # fmt: skip


def scenario_demand_rows(axes: "Axes", scenarios: pd.DataFrame, *, single_item: bool) -> None:
    """Draw mean demand by scenario; with one item, item-days are days and are told too."""
    demand = scenarios["daily_demand"]
    texts = [
        f"{number(units) if units < 10 else whole(units)}"
        + (f"  ({plural(days, 'day')})" if single_item else "")
        for units, days in zip(demand, scenarios["days"], strict=True)
    ]
    parts.rows(
        axes, demand.tolist(), texts, names=row_names(scenarios["scenario"]),
        colours=[SKY] * len(texts),
    )  # fmt: skip


def item_rows(axes: "Axes", report: RunReport, count: int) -> str:
    """Draw the items that lost most units, or else earned least; return the panel's finding."""
    worst = worst_items(report.items, count)
    if worst["lost"].any():
        worst = worst[worst["lost"] > 0]
    names = [shorten(str(name), NAME_LENGTH) for name in worst["unique_id"]]
    if worst["lost"].any():
        texts = [
            f"{whole(lost)}  ({percent(1 - rate)})"
            for lost, rate in zip(worst["lost"], worst["fill_rate"], strict=True)
        ]
        parts.rows(
            axes, worst["lost"].tolist(), texts, names=names, colours=[VERMILLION] * len(names)
        )
        return f"{items_finding(report)} (in brackets: of its own demand)"
    texts = [amount(profit, report.currency) for profit in worst["profit"]]
    parts.rows(axes, worst["profit"].tolist(), texts, names=names, colours=[BLUE] * len(names))
    return "No item lost a sale; those that earned least"


def row_names(labels: Sequence[str] | pd.Series) -> list[str]:
    """Return names short enough to stand beside their rows."""
    return [shorten(readable(str(label)), NAME_LENGTH) for label in labels]


def profit_dots(axes: "Axes", report: RunReport) -> None:
    """Draw each policy's profit with its 95 % interval, against the clairvoyant's."""
    policies = report.policies
    profit = policies["profit"].to_numpy(dtype=float)
    low, high = profit_interval(policies)
    row = np.arange(len(profit))
    axes.axvline(profit[-1], color=INK, linewidth=1, linestyle="--")
    axes.hlines(row, low, high, color=[POLICY_COLOURS[kind] for kind in policies["kind"]], lw=2)
    _policy_dots(axes, policies["kind"].tolist(), profit)
    shares = [amount(value, report.currency) for value in profit]
    parts.row_labels(axes, shares, row_names(policies["policy"]))
    _dot_axis(axes, np.concatenate([low, high]))


def share_dots(axes: "Axes", kinds: Sequence[str], shares: Sequence[float]) -> None:
    """Draw a share by row, from the worst seen to 100 %."""
    values = np.asarray(shares, dtype=float)
    _policy_dots(axes, kinds, values)
    parts.row_labels(axes, [percent(share) for share in values])
    _dot_axis(axes, np.append(values, 1.0))


def stock_rows(axes: "Axes", report: RunReport) -> None:
    """Draw each policy's average stock."""
    stock = report.policies["average_stock"].tolist()
    colours = [POLICY_COLOURS[kind] for kind in report.policies["kind"]]
    parts.rows(axes, stock, [whole(units) for units in stock], colours=colours)


def scenario_columns(axes: Sequence["Axes"], scenarios: pd.DataFrame, report: RunReport) -> None:
    """Draw demand, fill rate, profit and average stock by scenario, a panel each."""
    demand, served, earned, stock = axes
    scenario_demand_rows(demand, scenarios, single_item=report.single_item)
    share_dots(served, ["baseline"] * len(scenarios), scenarios["fill_rate"].tolist())
    profit = scenarios["daily_profit"].tolist()
    parts.rows(
        earned, profit, [amount(value, report.currency) for value in profit],
        colours=[VERMILLION if value < 0 else GREEN for value in profit],
    )  # fmt: skip
    units = scenarios["average_stock"].tolist()
    parts.rows(stock, units, [whole(value) for value in units], colours=[BLUE] * len(units))


def _policy_dots(axes: "Axes", kinds: Sequence[str], values: np.ndarray) -> None:
    markers = {"agent": "D", "bound": "*"}
    for row, (kind, value) in enumerate(zip(kinds, values, strict=True)):
        axes.plot(
            value, row, color=POLICY_COLOURS[kind], marker=markers.get(kind, "o"),
            markersize=12 if kind == "bound" else 8,
        )  # fmt: skip
    axes.grid(axis="y", color=PALE, linewidth=0.6)


def _dot_axis(axes: "Axes", values: np.ndarray) -> None:
    known = values[np.isfinite(values)]
    low, high = (known.min(), known.max()) if known.size else (0.0, 1.0)
    # Equal values stand at the right end, where the best stands.
    margin = 0.08 * (high - low) or 0.08 * max(abs(high), 1.0)
    axes.set_xlim(low - (margin if high > low else 11.5 * margin), high + margin)


def waterfall_panel(axes: "Axes", report: RunReport) -> None:
    """Draw how revenue becomes profit, cost by cost."""
    steps, currency = money_steps(report), report.currency
    bottoms = [min(start, end) for _, start, end in steps]
    heights = [abs(end - start) for _, start, end in steps]
    colours = [_step_colour(name, start, end) for name, start, end in steps]
    position = np.arange(len(steps))
    axes.bar(position, heights, bottom=bottoms, width=0.62, color=colours, edgecolor=colours)
    for index, (_, _, end) in enumerate(steps[:-1]):
        axes.plot([index + 0.31, index + 0.69], [end, end], color=GREY, linewidth=0.8)
    for index, (_, start, end) in enumerate(steps):
        change = end - start
        axes.annotate(
            amount(change, currency), xy=(index, max(start, end)), xytext=(0, 4),
            textcoords="offset points", ha="center", fontsize=9.5, fontweight="bold",
        )  # fmt: skip
    axes.set_xticks(position, [name for name, _, _ in steps])
    axes.set_xlim(-0.5, len(steps) - 0.5)
    top, bottom = max(max(s, e) for _, s, e in steps), min(bottoms)
    parts.unit_axis(axes, f"money, {currency}", top)
    if top > bottom:
        room = 0.12 * (top - bottom)  # for the amounts above the bars
        axes.set_ylim(bottom - room if bottom < 0 else 0, top + room)
    axes.axhline(0, color=INK, linewidth=0.8)


def _step_colour(name: str, start: float, end: float) -> str:
    if end < start:
        return VERMILLION
    return {"revenue": BLUE, "profit": GREEN}.get(name, SKY)
