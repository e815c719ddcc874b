"""The panels over the days of a run: each draws one finding onto axes that it is given."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from core_modules.reporting import picture_axes as parts
from core_modules.reporting.report_palette import (
    BLUE,
    GREY,
    INK,
    PALE,
    PURPLE,
    SKY,
    SOLD,
    URGENCY_COLOURS,
    VERMILLION,
    ZONE_COLOURS,
)
from core_modules.reporting.run_figures import (
    COVER_ZONES,
    ZONES,
    days_of_cover,
    levels_meet,
    service_over_time,
)
from core_modules.reporting.run_report import URGENCIES, RunReport

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def demand_panel(axes: "Axes", totals: pd.DataFrame) -> None:
    """Draw what was sold and, on top of it, what was lost: together the day's demand."""
    day = np.arange(len(totals))
    parts.bars(axes, totals["sold"], colour=SKY, label="sold")
    lost = totals["lost"].to_numpy()
    if lost.any():
        hit = lost > 0
        axes.bar(
            day[hit], lost[hit], bottom=totals["sold"].to_numpy()[hit], width=0.86,
            color="white", edgecolor=VERMILLION, hatch="/////", linewidth=0.8, label="lost",
        )  # fmt: skip
    parts.unit_axis(axes, "units a day", float(totals["demand"].max()))


def stock_panel(axes: "Axes", totals: pd.DataFrame) -> None:
    """Draw stock at the end of each day with the orders placed and the agent's two levels."""
    day = np.arange(len(totals))
    stock = totals["on_hand"].to_numpy()
    axes.fill_between(day, stock, step="mid", color=BLUE, alpha=0.15, linewidth=0)
    axes.step(day, stock, where="mid", color=BLUE, linewidth=1.6, label="stock on hand")
    levels = [
        ("order_up_to", "order-up-to level", GREY, ":"),
        ("reorder_point", "reorder point", VERMILLION, "--"),
    ]
    if levels_meet(totals):
        levels = [("reorder_point", "reorder point, order-up-to level", VERMILLION, "--")]
    for column, label, colour, dash in levels:
        if totals[column].notna().any():
            axes.step(
                day, totals[column], where="mid", color=colour, linewidth=1.3, linestyle=dash,
                label=label,
            )  # fmt: skip
    if totals["ordered"].any():
        parts.bars(axes, totals["ordered"], colour=PURPLE, label="ordered")
    shown = totals[["on_hand", "order_up_to", "reorder_point", "ordered"]].max().max()
    parts.unit_axis(axes, "units", float(np.nan_to_num(shown)))


def forecast_panel(axes: "Axes", totals: pd.DataFrame) -> None:
    """Draw the forecast, its 80 % interval where it has one, and what came."""
    day = np.arange(len(totals))
    mark = min(3.0, 22 * parts.panel_size(axes)[0] / len(totals))
    low, high = totals["forecast_p10"], totals["forecast_p90"]
    if high.notna().any():
        axes.fill_between(
            day, low, high, step="mid", color=SKY, alpha=0.4, linewidth=0,
            label="80 % interval",
        )  # fmt: skip
    if totals["forecast_mean"].notna().any():
        axes.step(
            day, totals["forecast_mean"], where="mid", color=BLUE, linewidth=1.5,
            label="forecast, made a lead time ahead",
        )  # fmt: skip
    axes.plot(
        day, totals["demand"], color=INK, linewidth=0.8, marker="o", markersize=mark,
        label="demand",
    )  # fmt: skip
    top = np.nanmax(np.nan_to_num(totals[["demand", "forecast_mean", "forecast_p90"]]))
    parts.unit_axis(axes, "units a day", float(top))


def cover_panel(axes: "Axes", report: RunReport) -> None:
    """Draw days of cover by day, against the critical, caution and safe zones."""
    cover = days_of_cover(report.daily).to_numpy()  # (days, items)
    finite = cover[np.isfinite(cover)]
    if not finite.size:
        expected = "no demand was" if np.isinf(cover).any() else "it is not known what was"
        parts.say(axes, f"{expected} expected, so there are no days of cover")
        axes.set_yticks([])
        return
    critical, caution = COVER_ZONES
    top = max(2 * caution, 1.1 * float(np.quantile(finite, 0.95)))
    shown = np.clip(cover, 0, 2 * top)
    day = np.arange(len(cover))
    if shown.shape[1] > 1:
        quantiles = pd.DataFrame(shown).quantile([0.1, 0.5, 0.9], axis=1)  # no value, no quantile
        low, middle, high = quantiles.to_numpy()
        axes.fill_between(day, low, high, color=BLUE, alpha=0.2, linewidth=0, label="80 % of items")
        axes.plot(day, middle, color=BLUE, linewidth=1.6, label="middle item")
    else:
        axes.step(day, shown[:, 0], where="mid", color=BLUE, linewidth=1.6)
    parts.unit_axis(axes, "days of cover", top / 1.08)
    axes.grid(visible=False)
    edges = (0, critical, caution, top)
    for (zone, limit), low_edge, high_edge in zip(ZONES.items(), edges, edges[1:], strict=False):
        axes.axhspan(
            low_edge, high_edge, color=ZONE_COLOURS[zone], alpha=0.16, linewidth=0, zorder=0,
            label=f"{zone}: {limit}",
        )  # fmt: skip


def service_panel(axes: "Axes", report: RunReport) -> None:
    """Draw the share of demand served by week, and to date."""
    service = service_over_time(report.daily)
    length = -(-report.days // len(service))
    day = np.arange(len(service)) * length + (length - 1) / 2
    weekly = service["fill_rate"].to_numpy()
    floor = min(0.9, np.floor(10 * weekly.min()) / 10)
    unit = "week" if length > 1 else "day"
    axes.bar(day, weekly - floor, bottom=floor, width=0.9 * length, color=SOLD, label=f"by {unit}")
    short = weekly < 1
    if short.any():
        axes.bar(
            day[short], 1 - weekly[short], bottom=weekly[short], width=0.9 * length, color="white",
            edgecolor=VERMILLION, hatch="/////", linewidth=0.8, label="lost",
        )  # fmt: skip
    axes.plot(day, service["to_date"], color=INK, linewidth=1.6, label="to date")
    axes.set_ylim(floor, 1 + 0.04 * (1 - floor))
    axes.set_ylabel("demand served")
    axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:.10g} %")
    axes.grid(axis="y", color=PALE, linewidth=0.6)


def urgency_timeline(axes: "Axes", daily: pd.DataFrame) -> None:
    """Draw the share of items at each urgency by day as marks of that size, and what was escalated.

    With one item there is one mark a day.
    """
    by_day = pd.crosstab(daily["ds"], daily["urgency"], normalize="index")
    asked = daily.groupby("ds")["escalated"].mean().to_numpy()
    day = np.arange(len(by_day))
    widest = min(110.0, (60 * parts.panel_size(axes)[0] / len(by_day)) ** 2)
    for row, urgency in enumerate(URGENCIES):
        if urgency in by_day:
            sizes = widest * by_day[urgency].to_numpy()
            axes.scatter(
                day, np.full(len(day), row), s=sizes, color=URGENCY_COLOURS[urgency], marker="s",
                linewidths=0,
            )  # fmt: skip
    axes.scatter(
        day, np.full(len(day), len(URGENCIES)), s=widest * asked, color=INK, marker="D",
        linewidths=0,
    )  # fmt: skip
    axes.set_ylim(len(URGENCIES) + 0.6, -0.6)
    axes.set_yticks(range(len(URGENCIES) + 1), [*URGENCIES, "escalated"])
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", color=PALE, linewidth=0.6)
    axes.set_axisbelow(True)
