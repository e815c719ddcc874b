"""The pictures of a run and of a comparison; the only module that draws with matplotlib."""

from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any
from warnings import catch_warnings, filterwarnings

import pandas as pd

from core_modules.reporting import picture_axes as parts
from core_modules.reporting import picture_days as over_days
from core_modules.reporting import picture_events as market
from core_modules.reporting import picture_rows as by_name
from core_modules.reporting import run_findings as findings
from core_modules.reporting.html_report import write_html_report
from core_modules.reporting.picture_frontier import frontier_panel
from core_modules.reporting.report_palette import BLUE, GREY
from core_modules.reporting.report_wording import shorten
from core_modules.reporting.run_figures import (
    daily_totals,
    has_intervals,
    pool_scenarios,
    scenario_rows,
)
from core_modules.reporting.run_report import RunReport

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["write_frontier", "write_html_report", "write_pictures"]

_WIDTH = 16.0  # inches, of every picture
_LEFT, _RIGHT = 0.95, 0.85  # inches beside the wide panels
_WIDE = _WIDTH - _LEFT - _RIGHT
_TOP = 1.1  # inches, where the first panel's heading may begin
_DPI = 120
_FAST = {"compress_level": 3}  # half the time of the usual 6, files a tenth larger
_ROWS = 12  # scenarios shown one by one, at most
STYLE: Any = {
    "font.family": ["DejaVu Sans"],  # comes with matplotlib: the same letters on every machine
    "font.size": 10,
    "text.parse_math": False,  # two dollar signs are no formula
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#8A8A8A",
    "axes.axisbelow": True,
    "axes.labelcolor": "#444444",
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "hatch.linewidth": 0.8,
    "figure.facecolor": "white",
}


def write_pictures(report: RunReport, folder: Path) -> None:
    """Draw `inventory_dashboard.png`, `performance_timeline.png`, `scenario_comparison.png`.

    The folder is made where it is missing. Each picture is 1920 pixels wide; the same report gives
    the same bytes.
    """
    import matplotlib as mpl

    folder.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(STYLE), catch_warnings():
        # An item may be named in a script that the font lacks; it is drawn as boxes then.
        filterwarnings("ignore", message="Glyph .* missing from font")
        for draw in (inventory_dashboard, performance_timeline, scenario_comparison):
            draw(report).savefig(
                folder / f"{draw.__name__}.png",
                dpi=_DPI,
                metadata={"Software": None},
                pil_kwargs=_FAST,
            )


def write_frontier(title: str, sweep: pd.DataFrame, points: pd.DataFrame, path: Path) -> None:
    """Draw what each policy's service costs over its parameters; see `frontier_panel`."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(_WIDTH, 8.0))
        FigureCanvasAgg(figure)
        figure.text(0.4 / _WIDTH, 1 - 0.5 / 8.0, title, fontsize=16, fontweight="bold")
        frontier_panel(parts.place(figure, _LEFT, 1.0, 10.9, 6.2), sweep, points)
        figure.savefig(path, dpi=_DPI, metadata={"Software": None}, pil_kwargs=_FAST)


def inventory_dashboard(report: RunReport) -> "Figure":
    """Draw the figures a board reads first, demand, stock with orders, and how they spread."""
    days = _days_of(report)
    tall = days.height
    figure = _figure(9.95 + tall, report, findings.headline(report))
    _tiles(figure, findings.board_figures(report), top=_TOP)
    demand = parts.place(figure, _LEFT, 2.95 + tall, _WIDE, 1.75)
    over_days.demand_panel(demand, days.totals)
    _finish_named(demand, days, findings.demand_finding(report))
    stock = parts.place(figure, _LEFT, 5.6 + tall, _WIDE, 2.0)
    over_days.stock_panel(stock, days.totals)
    _finish(stock, days, findings.stock_finding(report))
    _spread(figure, report, 8.5 + tall)
    return figure


def _spread(figure: "Figure", report: RunReport, top: float) -> None:
    """Draw demand by scenario, urgency, cover zones and, with many items, the worst of them."""
    by = "a day" if report.single_item else "an item-day"
    # Left edge and width of each panel, and where its heading begins.
    columns = [(2.75, 1.5, 0.4), (6.85, 1.5, 6.0), (12.1, 2.4, 10.1)]
    if not report.single_item:
        columns = [(2.65, 0.9, 0.4), (5.3, 0.8, 4.55), (9.3, 0.8, 7.5), (13.1, 1.2, 10.8)]
    boxes = [parts.place(figure, left, top, width, 1.35) for left, width, _ in columns]
    by_name.scenario_demand_rows(
        boxes[0], pool_scenarios(scenario_rows(report), 6), single_item=report.single_item
    )
    by_name.urgency_rows(boxes[1], report)
    by_name.zone_rows(boxes[2], report)
    texts = [
        f"Units {by}, by scenario",
        "Decisions by urgency",
        "Stock by days of cover",
    ]
    if not report.single_item:
        texts.append(by_name.item_rows(boxes[3], report, 7))
    ends = [start - 0.2 for _, _, start in columns[1:]] + [_WIDTH - 0.3]
    for axes, text, (left, _, start), end in zip(boxes, texts, columns, ends, strict=True):
        parts.heading(axes, text, left=left - start, width=end - start)


def performance_timeline(report: RunReport) -> "Figure":
    """Draw, day by day, the forecast against what came, cover, service and decisions."""
    days = _days_of(report)
    tall, extra = days.height, 0.0 if report.single_item else 2.05
    figure = _figure(10.0 + tall + extra, report, findings.forecast_finding(report))
    forecast = parts.place(figure, _LEFT, 1.7 + tall, _WIDE, 2.0)
    over_days.forecast_panel(forecast, days.totals)
    what = "Forecast against demand"
    if not report.single_item:
        what = f"{what}, all items; below, those that sell most with their 80 % intervals"
    _finish_named(forecast, days, what)
    if not report.single_item:
        _best_sellers(figure, report, 4.5 + tall)
    top = 4.65 + tall + extra
    cover = parts.place(figure, _LEFT, top, _WIDE, 1.3)
    over_days.cover_panel(cover, report)
    _finish(cover, days, findings.cover_finding(report), shaded=False)
    service = parts.place(figure, _LEFT, top + 2.2, _WIDE, 1.2)
    over_days.service_panel(service, report)
    _finish(service, days, findings.service_finding(report), shaded=False)
    urgency = parts.place(figure, _LEFT, top + 4.0, _WIDE, 1.05)
    over_days.urgency_timeline(urgency, report.daily)
    _finish(urgency, days, findings.urgency_finding(report))
    return figure


def _best_sellers(figure: "Figure", report: RunReport, top: float) -> None:
    """Draw the forecast fan of the three items that sell most."""
    best = report.items.sort_values(["demand", "unique_id"], ascending=[False, True]).head(3)
    width = (_WIDE - 2 * 0.6) / 3
    for index, item in enumerate(best["unique_id"]):
        axes = parts.place(figure, _LEFT + index * (width + 0.6), top, width, 1.1)
        rows = daily_totals(report.daily[report.daily["unique_id"] == item])
        over_days.forecast_panel(axes, rows)
        parts.day_axis(axes, rows.index)
        axes.set_ylabel("units a day" if index == 0 else "")
        parts.above(axes, shorten(str(item), 48), 0.06, fontsize=10, fontweight="bold")


def scenario_comparison(report: RunReport) -> "Figure":
    """Draw the agent beside baselines and clairvoyant, results by scenario, and the money."""
    scenarios = pool_scenarios(scenario_rows(report), _ROWS)
    first, second = 0.34 * len(report.policies), 0.28 * len(scenarios)
    figure = _figure(7.05 + first + second, report, findings.policies_finding(report))
    profit, service, fill, stock = _columns(figure, 1.6, first)
    kinds = report.policies["kind"].tolist()
    by_name.profit_dots(profit, report)
    by_name.share_dots(service, kinds, report.policies["service_level"].tolist())
    by_name.share_dots(fill, kinds, report.policies["fill_rate"].tolist())
    by_name.stock_rows(stock, report)
    head = "Profit, with 95 % interval" if has_intervals(report.policies) else "Profit"
    _label([profit, service, fill, stock], head, "Days without stockout", "Demand served")
    by_scenario = _columns(figure, 2.75 + first, second)
    by_name.scenario_columns(by_scenario, scenarios, report)
    each = "a day" if report.single_item else "an item-day"
    _label(by_scenario, f"Demand, units {each}", "Demand served", f"Profit {each}")
    parts.heading(
        by_scenario[0], findings.scenario_finding(report), rise=0.3, left=2.35, width=_WIDE
    )
    money = parts.place(figure, 1.5, 3.55 + first + second, _WIDTH - 2.2, 2.8)
    by_name.waterfall_panel(money, report)
    parts.heading(money, findings.money_finding(report), left=1.1)
    return figure


def _label(axes: list["Axes"], *heads: str) -> None:
    """Write a head above each column; the last one is always the average stock."""
    for one, head in zip(axes, (*heads, "Average stock, units"), strict=True):
        parts.above(one, head, 0.1, fontsize=10, color=GREY)


def _columns(figure: "Figure", top: float, height: float) -> list["Axes"]:
    """Make four panels side by side that share their rows, with room for names and values."""
    columns = ((2.75, 2.3), (6.75, 1.5), (9.55, 1.7), (12.75, 1.9))
    return [parts.place(figure, left, top, width, height) for left, width in columns]


def _figure(height: float, report: RunReport, finding: str) -> "Figure":
    """Make an empty figure with its finding and what it is about on top."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, height))
    FigureCanvasAgg(figure)
    size = min(18.0, (_WIDTH - 0.9) / (len(finding) * 0.0097))
    figure.text(0.4 / _WIDTH, 1 - 0.5 / height, finding, fontsize=size, fontweight="bold")
    about = f"{report.title}  |  {findings.run_period(report)}  |  money in {report.currency}"
    figure.text(0.4 / _WIDTH, 1 - 0.82 / height, shorten(about, 150), fontsize=10.5, color=GREY)
    return figure


def _tiles(figure: "Figure", figures: list[tuple[str, str, str]], top: float) -> None:
    """Draw one tile a figure: its name, its value in large type, and what it means."""
    from matplotlib.patches import Rectangle

    wide, high = figure.get_size_inches()
    gap, inner, tall = 0.12, 0.12, 1.12
    width = (wide - 0.8 - gap * (len(figures) - 1)) / len(figures)
    for index, (name, value, meaning) in enumerate(figures):
        left = 0.4 + index * (width + gap)
        corner = (left / wide, 1 - (top + tall) / high)
        figure.add_artist(Rectangle(corner, width / wide, tall / high, facecolor="#F1F5F9"))
        size = min(19.0, (width - 2 * inner) / (len(value) * 0.0097))
        lines = wrap(meaning, int((width - 2 * inner) / (8.5 * 0.0082)))[:2]
        for down, text, font in (
            (0.09, name, {"fontsize": 10, "color": "#444444"}),
            (0.34, value, {"fontsize": size, "color": BLUE, "fontweight": "bold"}),
            (0.72, "\n".join(lines), {"fontsize": 8.5, "color": "#555555", "linespacing": 1.25}),
        ):
            figure.text((left + inner) / wide, 1 - (top + down) / high, text, va="top", **font)


@dataclass(frozen=True, slots=True)
class _Days:
    """What the panels over days share."""

    totals: pd.DataFrame  # daily totals of all items
    spans: list[market.EventSpan]  # events shaded
    names: list[market.PlacedName]  # those with room for their name
    unnamed: int  # events without a name here, >= 0
    height: float  # inches that the names take


def _days_of(report: RunReport) -> _Days:
    totals = daily_totals(report.daily)
    item = str(report.items["unique_id"].iloc[0]) if report.single_item else ""
    spans = market.event_spans(report.events, totals.index, item)
    names = market.place_names(spans, len(totals), _WIDE)
    unnamed = max(report.events["event_id"].nunique() - len(names), 0)
    return _Days(totals, spans, names, unnamed, market.lanes_height(names))


def _finish(axes: "Axes", days: _Days, finding: str, *, shaded: bool = True) -> None:
    """Give a panel over days its axis, its finding and the days of events."""
    parts.day_axis(axes, days.totals.index)
    market.shade_events(axes, days.spans if shaded else [])
    parts.heading(axes, finding)


def _finish_named(axes: "Axes", days: _Days, finding: str) -> None:
    """Finish a panel as `_finish` does, with the names of the events on top of it."""
    parts.day_axis(axes, days.totals.index)
    market.shade_events(axes, days.spans)
    market.draw_event_names(days.names, axes)
    market.note_others(axes, days.unnamed, days.height + 0.06)
    parts.heading(axes, finding, rise=days.height)
