"""The HTML report of a run: one file with everything in it, plotly included; needs no network."""

import html
import importlib.util
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from core_modules.reporting import html_charts, html_tables, html_values
from core_modules.reporting import run_findings as findings
from core_modules.reporting.report_wording import number, percent, plural, readable, whole
from core_modules.reporting.run_report import RunReport

_PAGE = Path(__file__).parent / "report_page"
_MOST_ITEMS = 200  # items whose days can be looked at one by one
_OTHER_FIGURES = {
    "stockout_days": ("Item-days with a stockout", whole),
    "cycle_service_level": ("Cycle service level", percent),
    "cash_profit": ("Cash profit (revenue less purchases)", whole),
    "revenue": ("Revenue", whole),
    "purchases": ("Purchases", whole),
    "clairvoyant_profit": ("Clairvoyant's profit", whole),
    "turns": ("Stock turns", number),
    "days_of_cover": ("Days of cover", number),
    "gmroi": ("Gross margin return on inventory", number),
    "waste_units": ("Units wasted", whole),
    "forecast_wape": ("Forecast error (WAPE)", percent),
    "adapted_share": ("Decisions adapted to an event", percent),
    "escalated_share": ("Decisions escalated", percent),
}


def write_html_report(report: RunReport, path: Path) -> None:
    """Write the report to one HTML file; the same report gives the same bytes.

    The folder is made where it is missing. Raises FileNotFoundError where the plotly package, which
    brings the drawing code, is not installed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    sections = _sections(report)
    page = Template(_part("page.html")).substitute(
        title=html.escape(report.title),
        headline=html.escape(findings.headline(report)),
        about=html.escape(f"{findings.run_period(report)}. Money in {report.currency}."),
        links="".join(f'<a href="#{part.name}">{part.menu}</a>' for part in sections),
        body=_figures(report) + "".join(_section(part) for part in sections),
        settings=_definitions((readable(key), value) for key, value in report.settings.items()),
        data=_embedded(_payload(report)),
        css=_part("report.css"),
        script=_part("report.js"),
        plotly=_plotly(),
    )
    path.write_text(page, encoding="utf-8", newline="\n")


def _part(name: str) -> str:
    return (_PAGE / name).read_text(encoding="utf-8")


def _plotly() -> str:
    """Return plotly's drawing code; finding the package is 100 ms cheaper than importing it."""
    package = importlib.util.find_spec("plotly")
    folders = list(package.submodule_search_locations or []) if package else []
    if not folders:
        raise FileNotFoundError("plotly is not installed: run pip install -r requirements.txt")
    code = Path(folders[0], "package_data", "plotly.min.js").read_text(encoding="utf-8")
    return code.replace("</script", r"<\/script")


def _embedded(payload: dict[str, Any]) -> str:
    """Return JSON that no text within can end or open a tag of the page with."""
    text = json.dumps(payload, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _payload(report: RunReport) -> dict[str, Any]:
    tables = {"table-decisions": html_tables.decision_table(report)}
    series: dict[str, Any] = {"names": [], "items": []}
    if len(report.events):
        tables["table-events"] = html_tables.event_table(report)
    if not report.single_item:
        tables["table-items"] = html_tables.item_table(report)
        series = html_values.item_series(report, _MOST_ITEMS)
    return {
        "charts": html_charts.charts(report),
        "time_charts": list(html_charts.TIME_CHARTS),
        "events": html_tables.shaded_events(report),
        "item": str(report.items["unique_id"].iloc[0]) if report.single_item else "",
        "series": series,
        "tables": tables,
    }


@dataclass(frozen=True, slots=True)
class _Part:
    """One section of the page."""

    name: str  # id of its element
    menu: str  # its name in the menu
    finding: str  # its title, in plain text
    body: str  # its HTML


def _sections(report: RunReport) -> list[_Part]:
    policies, money = findings.policies_finding(report), findings.money_finding(report)
    scenarios = findings.scenario_finding(report)
    parts = [
        _Part("comparison", "Comparison", policies,
              _chart("chart-policies", policies) + html_tables.policy_table(report)),
        _Part("stock", "Stock and demand", findings.stock_finding(report), _stock(report)),
        _Part("money", "Money", money, _chart("chart-money", money)),
        _Part("scenarios", "Scenarios", scenarios,
              _chart("chart-scenarios", scenarios) + html_tables.scenario_table(report)),
    ]  # fmt: skip
    if not report.single_item:
        found = findings.items_finding(report)
        parts.append(_Part("items", "Items", found, html_tables.item_frame(report)))
    decided = findings.urgency_finding(report)
    body = _chart("chart-urgency", decided) + html_tables.decision_frame(report)
    parts.append(_Part("decisions", "Decisions", decided, body))
    if len(report.events):
        found = plural(len(report.events), "market event")
        parts.append(_Part("events", "Events", found, html_tables.event_frame()))
    return parts


def _section(part: _Part) -> str:
    return (
        f'<section id="{part.name}" aria-labelledby="{part.name}-title">'
        f'<p class="kicker">{part.menu}</p>'
        f'<h2 id="{part.name}-title">{html.escape(part.finding)}</h2>{part.body}</section>\n'
    )


def _chart(element: str, label: str) -> str:
    return f'<div class="chart" id="{element}" role="img" aria-label="{html.escape(label)}"></div>'


def _stock(report: RunReport) -> str:
    """Return the charts over days, with a choice of item where there are several."""
    choice = ""
    if not report.single_item:
        shown = min(len(report.items), _MOST_ITEMS)
        which = "" if shown == len(report.items) else f" (the {shown} with most demand)"
        choice = (
            f'<div class="tools"><label>Item{which} <select id="item-choice">'
            '<option value="">all items</option></select></label></div>'
        )
    demand, stock = findings.demand_finding(report), findings.stock_finding(report)
    return (
        f"{choice}<p><strong>{html.escape(demand)}.</strong> "
        f"{html.escape(findings.forecast_finding(report))}.</p>{_chart('chart-demand', demand)}"
        f'<ol class="event-key" id="event-key"></ol>{_chart("chart-stock", stock)}'
        '<p class="note">Shaded days are market events. <span class="wide">Drag over a '
        "chart to zoom into both, double-click to see all days again.</span></p>"
    )


def _figures(report: RunReport) -> str:
    """Return the figures that a board reads first, and the others behind a fold."""
    cards = "".join(
        f'<div><dt>{name}</dt><dd><span class="value">{html.escape(value)}</span>'
        f'<span class="meaning">{html.escape(meaning)}</span></dd></div>'
        for name, value, meaning in findings.board_figures(report)
    )
    others = ((name, write(report.kpis[key])) for key, (name, write) in _OTHER_FIGURES.items())
    return (
        f'<dl class="figures">{cards}</dl>\n<details class="more"><summary>All figures</summary>'
        f"{_definitions(others)}</details>\n"
    )


def _definitions(pairs: Iterable[tuple[str, str]]) -> str:
    items = "".join(
        f"<div><dt>{html.escape(term)}</dt><dd>{html.escape(text)}</dd></div>"
        for term, text in pairs
    )
    return f"<dl>{items}</dl>"
