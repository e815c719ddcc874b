"""The interactive charts of the HTML report, as plain plotly figures: what goes into their JSON.

Every text of a chart passes `plain`, as plotly reads a few HTML tags in texts. The traces of the
charts over days carry in `meta` the column that they show, so that the page can swap the item.
"""

from typing import Any

import numpy as np
import pandas as pd

from core_modules.reporting.html_values import numbers, plain
from core_modules.reporting.report_palette import (
    BLUE,
    GREY,
    INK,
    PALE,
    POLICY_COLOURS,
    PURPLE,
    SKY,
    URGENCY_COLOURS,
    VERMILLION,
)
from core_modules.reporting.report_wording import amount, percent, readable, shorten, whole
from core_modules.reporting.run_figures import (
    daily_totals,
    levels_meet,
    money_steps,
    pool_scenarios,
    profit_interval,
    profit_share,
    scenario_rows,
    urgency_counts,
)
from core_modules.reporting.run_report import RunReport

Figure = dict[str, Any]  # the JSON of one plotly figure: data and layout

TIME_CHARTS = ("chart-demand", "chart-stock")
_NUMBER = ",.7~r"  # d3's format: thousands separated, no idle decimals
_ROW = 34  # pixels a row of a chart with named rows


def charts(report: RunReport) -> dict[str, Figure]:
    """Return every chart of the report by the fixed id of its element."""
    totals = daily_totals(report.daily)
    return {
        "chart-policies": policy_chart(report),
        "chart-demand": demand_chart(totals),
        "chart-stock": stock_chart(totals),
        "chart-urgency": urgency_chart(report),
        "chart-money": money_chart(report),
        "chart-scenarios": scenario_chart(report),
    }


def demand_chart(totals: pd.DataFrame) -> Figure:
    """Return the forecast fan, what came, and what was lost, by day."""
    low = _line(totals, "forecast_p10", "80 % interval, low", SKY, width=0, showlegend=False)
    high = _line(
        totals, "forecast_p90", "80 % interval", SKY, width=0,
        fill="tonexty", fillcolor="rgba(86,180,233,0.35)",
    )  # fmt: skip
    mean = _line(totals, "forecast_mean", "forecast, a lead time ahead", BLUE, width=2)
    demand = _line(totals, "demand", "demand", INK, width=1, shape="linear")
    demand |= {"mode": "lines+markers", "marker": {"size": 4, "color": INK}}
    lost = _bars(totals, "lost", "lost", VERMILLION)
    lost["marker"]["pattern"] = {"shape": "/", "fgcolor": VERMILLION, "bgcolor": "white"}
    return {
        "data": [low, high, mean, lost, demand],
        "layout": _time_layout("units a day", 360, totals.index),
        "height": 360,
    }


def stock_chart(totals: pd.DataFrame) -> Figure:
    """Return stock at day's end, orders, and the agent's two levels, by day."""
    hidden = {"visible": "legendonly"}  # drawn by a click on its name
    received = _bars(totals, "received", "received", "#7A8793") | hidden
    meet = levels_meet(totals)
    name = "reorder point, order-up-to level" if meet else "reorder point"
    target = _line(totals, "order_up_to", "order-up-to level", GREY, width=1.5, dash="dot")
    return {
        "data": [
            _bars(totals, "ordered", "ordered", PURPLE),
            received,
            _line(
                totals, "on_hand", "stock on hand", BLUE, width=2,
                fill="tozeroy", fillcolor="rgba(0,114,178,0.12)",
            ),
            _line(totals, "reorder_point", name, VERMILLION, width=2, dash="dash"),
            target | (hidden if meet else {}),
        ],
        "layout": _time_layout("units", 380, totals.index),
        "height": 380,
    }  # fmt: skip


def policy_chart(report: RunReport) -> Figure:
    """Return each policy's profit with its 95 % interval, against the clairvoyant's."""
    policies = report.policies
    profit = policies["profit"].to_numpy(dtype=float)
    low, high = profit_interval(policies)
    symbols = {"agent": "diamond", "baseline": "circle", "bound": "star"}
    colours = [POLICY_COLOURS[kind] for kind in policies["kind"]]
    labels = [
        f"{plain(shorten(readable(str(name)), 28))}<br>{_against(value, profit[-1], report)}"
        for name, value in zip(policies["policy"], profit, strict=True)
    ]
    dots = {
        "type": "scatter", "mode": "markers", "x": numbers(profit), "y": labels,
        "error_x": {
            "type": "data", "symmetric": False, "array": numbers(high - profit),
            "arrayminus": numbers(profit - low), "color": GREY, "thickness": 2,
        },
        "marker": {
            "size": 14, "color": colours, "symbol": [symbols[kind] for kind in policies["kind"]]
        },
        "hovertemplate": "%{x:,.0f}<extra></extra>", "showlegend": False,
    }  # fmt: skip
    layout = _row_layout(len(labels), 46, f"profit, {plain(report.currency)}")
    if np.isfinite(profit[-1]):
        bound = numbers(profit[-1:])[0]
        layout["shapes"] = [
            {"type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": bound, "x1": bound,
             "line": {"color": INK, "width": 1, "dash": "dash"}}
        ]  # fmt: skip
    return {"data": [dots], "layout": layout}


def _against(profit: float, best: float, report: RunReport) -> str:
    share = profit_share(profit, best)
    words = plain(amount(profit, report.currency))
    return f"{words}, {percent(share)}" if np.isfinite(share) else words


def urgency_chart(report: RunReport) -> Figure:
    """Return how many decisions had each urgency."""
    counts = urgency_counts(report.daily)
    total = max(sum(counts.values()), 1)
    bars = {
        "type": "bar", "orientation": "h", "x": list(counts.values()), "hoverinfo": "skip",
        "y": [
            f"{urgency}<br>{whole(count)}, {percent(count / total)}"
            for urgency, count in counts.items()
        ],
        "marker": {"color": [URGENCY_COLOURS[urgency] for urgency in counts]},
    }  # fmt: skip
    return {"data": [bars], "layout": _row_layout(len(counts), 42, "decisions")}


def money_chart(report: RunReport) -> Figure:
    """Return the waterfall from revenue through each cost to profit."""
    steps = money_steps(report)
    ends = len(steps) - 1
    bars = {
        "type": "waterfall", "orientation": "h",
        "y": [f"{name}<br>{plain(amount(end - start, report.currency))}"
              for name, start, end in steps],
        "x": numbers(end - start for _, start, end in steps[:-1]) + numbers([steps[-1][2]]),
        "measure": ["absolute"] + ["relative"] * (ends - 1) + ["total"],
        "hoverinfo": "skip", "connector": {"line": {"color": GREY, "width": 1}},
        "totals": {"marker": {"color": BLUE}}, "decreasing": {"marker": {"color": VERMILLION}},
        "increasing": {"marker": {"color": SKY}},
    }  # fmt: skip
    return {"data": [bars], "layout": _row_layout(len(steps), 42, plain(report.currency))}


def scenario_chart(report: RunReport) -> Figure:
    """Return demand an item-day by scenario, as what was sold and what was lost."""
    rows = pool_scenarios(scenario_rows(report), 16)
    names = [plain(shorten(readable(str(name)), 30)) for name in rows["scenario"]]
    data: list[Figure] = [
        {
            "type": "bar", "orientation": "h", "name": what, "y": names,
            "x": numbers(rows[what] / rows["days"]), "marker": {"color": colour},
            "hovertemplate": "%{x:,.1f} units<extra>" + what + "</extra>",
        }
        for what, colour in (("sold", SKY), ("lost", VERMILLION))
    ]  # fmt: skip
    data[1]["marker"]["pattern"] = {"shape": "/", "fgcolor": VERMILLION, "bgcolor": "white"}
    by = "a day" if report.single_item else "an item-day"
    layout = _row_layout(len(names), _ROW, f"units {by}")
    return {"data": data, "layout": layout | {"barmode": "stack"}}


def _line(
    totals: pd.DataFrame, column: str, name: str, colour: str, *, width: float,
    dash: str = "solid", shape: str = "hvh", **options: object,
) -> Figure:  # fmt: skip
    return {
        "type": "scatter", "mode": "lines", "name": name, "meta": column,
        "x": _days(totals), "y": numbers(totals[column]),
        "line": {"color": colour, "width": width, "dash": dash, "shape": shape},
        "hovertemplate": "%{y:,.0f}",
    } | options  # fmt: skip


def _bars(totals: pd.DataFrame, column: str, name: str, colour: str) -> Figure:
    return {
        "type": "bar", "name": name, "meta": column, "x": _days(totals),
        "y": numbers(totals[column]), "marker": {"color": colour}, "hovertemplate": "%{y:,.0f}",
    }  # fmt: skip


def _days(totals: pd.DataFrame) -> list[str]:
    return [f"{day:%Y-%m-%d}" for day in totals.index]


def _layout(height: int) -> Figure:
    return {
        "font": {"family": "system-ui, DejaVu Sans, sans-serif", "size": 13, "color": INK},
        "margin": {"l": 78, "r": 12, "t": 12, "b": 40},
        "height": height,
        "paper_bgcolor": "white", "plot_bgcolor": "white", "bargap": 0.2,
        "legend": {"orientation": "h", "x": 0, "y": -0.2, "yanchor": "top"},
    }  # fmt: skip


def _time_layout(unit: str, height: int, days: pd.Index) -> Figure:
    half = pd.Timedelta(hours=12)
    ends = [f"{days[0] - half:%Y-%m-%d %H:%M}", f"{days[-1] + half:%Y-%m-%d %H:%M}"]
    return _layout(height) | {
        "hovermode": "x unified", "barmode": "overlay",
        "xaxis": {
            "type": "date", "range": ends, "showgrid": False, "linecolor": GREY,
            "ticks": "outside", "hoverformat": "%a %-d %b %Y",
        },
        "yaxis": {
            "title": {"text": unit, "font": {"size": 13}}, "rangemode": "tozero",
            "tickformat": _NUMBER, "gridcolor": PALE, "fixedrange": True, "zeroline": False,
        },
    }  # fmt: skip


def _row_layout(rows: int, row: int, unit: str) -> Figure:
    return _layout(rows * row + 96) | {
        "margin": {"l": 62, "r": 12, "t": 28, "b": 52},
        "xaxis": {
            "title": {"text": unit, "standoff": 8, "font": {"size": 13}},
            "tickformat": _NUMBER, "gridcolor": PALE,
            "nticks": 6, "tickangle": 0, "zerolinecolor": GREY, "fixedrange": True,
        },
        "yaxis": {"autorange": "reversed", "automargin": True, "fixedrange": True,
                  "type": "category"},
        "legend": {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom"},
    }  # fmt: skip
