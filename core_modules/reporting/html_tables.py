"""The tables of the HTML report: short ones as HTML, long ones as rows that the page turns."""

import html
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from core_modules.reporting.html_values import numbers
from core_modules.reporting.report_wording import NONE, amount, percent, plural, readable, whole
from core_modules.reporting.run_figures import has_intervals, profit_share, scenario_rows
from core_modules.reporting.run_report import URGENCIES, RunReport

MOST_DECISIONS = 5000  # rows of decisions in the page; decisions.csv has every one
_PAGE = 25  # rows a page
_ITEM_COLUMNS = {
    "demand": "Demand",
    "sold": "Sold",
    "lost": "Lost",
    "fill_rate": "Fill rate",
    "service_level": "Service level",
    "profit": "Profit",
    "average_stock": "Average stock",
}


def policy_table(report: RunReport) -> str:
    """Return the agent, the baselines and the clairvoyant, with every measure."""
    policies, money = report.policies, report.currency
    best = float(policies["profit"].iloc[-1])
    rows: list[tuple[str, ...]] = [
        (
            readable(str(row["policy"])),
            amount(row["profit"], money),
            _interval(row.get("profit_low"), row.get("profit_high")),
            percent(profit_share(row["profit"], best)),
            amount(row["cash_profit"], money),
            percent(row["service_level"]),
            percent(row["fill_rate"]),
            whole(row["average_stock"]),
            whole(row["lost_units"]),
            whole(row["orders_placed"]),
        )
        for row in policies.to_dict("records")
    ]
    heads: tuple[str, ...] = (
        "Policy", "Profit", "95 % interval", "Of the clairvoyant's", "Cash profit",
        "Service level", "Fill rate", "Average stock", "Lost units", "Orders",
    )  # fmt: skip
    if not has_intervals(policies):
        heads, rows = (*heads[:2], *heads[3:]), [(*row[:2], *row[3:]) for row in rows]
    return _table(heads, rows, kinds=policies["kind"].tolist())


def _interval(low: float | None, high: float | None) -> str:
    words = [whole(edge) if edge is not None else NONE for edge in (low, high)]
    return NONE if NONE in words else f"{words[0]} to {words[1]}"


def scenario_table(report: RunReport) -> str:
    """Return the results by scenario."""
    money = report.currency
    rows = [
        (
            readable(str(row["scenario"])),
            whole(row["days"]),
            whole(row["demand"]),
            whole(row["sold"]),
            whole(row["lost"]),
            percent(row["fill_rate"]),
            percent(row["service_level"]),
            amount(row["profit"], money),
            whole(row["average_stock"]),
        )
        for row in scenario_rows(report).to_dict("records")
    ]
    days = "Days" if report.single_item else "Item-days"
    heads = (
        "Scenario", days, "Demand, units", "Sold", "Lost", "Fill rate", "Service level",
        "Profit", "Average stock",
    )  # fmt: skip
    return _table(heads, rows)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], kinds: Sequence[str] = ()) -> str:
    """Return an HTML table whose first column is names and whose others are figures."""
    classes = ["name"] + ["number"] * (len(heads) - 1)
    head = _cells("th", heads, classes, heads)
    lines = [
        f'<tr class="{kinds[index] if kinds else ""}">{_cells("td", row, classes, heads)}</tr>'
        for index, row in enumerate(rows)
    ]
    return (
        '<div class="table short" tabindex="0" role="region" aria-label="Table"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )


def _cells(tag: str, texts: Sequence[str], classes: Sequence[str], labels: Sequence[str]) -> str:
    """Return cells; each carries its column's label, which stands beside it on a narrow screen."""
    return "".join(
        f'<{tag} class="{kind}" data-label="{html.escape(label)}">{html.escape(text)}</{tag}>'
        for text, kind, label in zip(texts, classes, labels, strict=True)
    )


def paged_table(
    element: str, search: str, note: str, *, filters: str = "", totals: str = ""
) -> str:
    """Return the frame of a table whose rows the page's script fills in, searches and sorts."""
    foot = f"<tfoot><tr>{totals}</tr></tfoot>" if totals else ""
    return (
        f'<div id="{element}"><div class="tools">'
        f'<label>Search <input type="search" aria-label="{search}"></label>{filters}</div>'
        f'<p class="note">{html.escape(note)}</p>'
        f'<div class="table" tabindex="0" role="region" aria-label="{search}"><table><thead><tr>'
        f"</tr></thead><tbody></tbody>{foot}</table></div>"
        '<div class="pages"><button type="button" class="back">Previous</button>'
        '<button type="button" class="on">Next</button>'
        '<span class="shown" aria-live="polite"></span></div></div>'
    )


def decision_frame(report: RunReport) -> str:
    """Return the frame of the table of decisions."""
    kept, all_of_them = min(len(report.daily), MOST_DECISIONS), len(report.daily)
    note = f"{plural(all_of_them, 'decision')}, one an item-day; sort by a click on a heading."
    if kept < all_of_them:
        note = (
            f"The {whole(kept)} most urgent of {plural(all_of_them, 'decision')}; "
            "decisions.csv holds them all."
        )
    first = 0 if report.single_item else 1
    options = "".join(f'<option value="{urgency}">{urgency}</option>' for urgency in URGENCIES)
    filters = (
        f'<label>Urgency <select data-column="{first + 2}"><option value="">all</option>{options}'
        "</select></label>"
        f'<label><input type="checkbox" data-column="{first + 1}"> orders only</label>'
        f'<label><input type="checkbox" data-column="{first + 6}"> escalated only</label>'
    )
    return paged_table("table-decisions", "Search decisions", note, filters=filters)


def decision_table(report: RunReport) -> dict[str, Any]:
    """Return the decisions, each with its reason in words; the most urgent where there are many."""
    daily = report.daily
    if len(daily) > MOST_DECISIONS:
        rank = daily["urgency"].map({urgency: i for i, urgency in enumerate(URGENCIES)})
        order = daily.assign(rank=rank, asked=~daily["escalated"].astype(bool))
        kept = order.sort_values(["asked", "rank", "ordered"], ascending=[True, True, False])
        daily = daily.loc[kept.index[:MOST_DECISIONS]].sort_values(["ds", "unique_id"])
    columns: dict[str, tuple[str, list[Any]]] = {
        "Day": ("plain", [f"{day:%Y-%m-%d}" for day in daily["ds"]]),
        "Item": ("name", daily["unique_id"].tolist()),
        "Order, units": ("whole", numbers(daily["ordered"])),
        "Urgency": ("urgency", daily["urgency"].tolist()),
        "Scenario": ("name", [readable(str(label)) for label in daily["scenario"]]),
        "Rule": ("name", [readable(str(rule)) for rule in daily["rule"]]),
        "Reason": ("words", daily["reason"].tolist()),
        "Escalated": ("plain", ["yes" if asked else "" for asked in daily["escalated"]]),
    }
    if report.single_item:
        del columns["Item"]
    return _turned(columns)


def item_frame(report: RunReport) -> str:
    """Return the frame of the table of items, with the totals of them all."""
    items = report.items
    demand, sold = items["demand"].sum(), items["sold"].sum()
    totals = [
        "All items",
        whole(demand),
        whole(sold),
        whole(items["lost"].sum()),
        percent(sold / demand) if demand else NONE,
        percent(report.kpis["service_level"]),
        whole(items["profit"].sum()),
        whole(items["average_stock"].sum()),
    ]
    labels = ["Item", *_ITEM_COLUMNS.values()]
    cells = _cells("td", totals, ["name"] + ["number"] * 7, labels)
    note = f"{plural(len(items), 'item')}; profit in {report.currency}, the others in units."
    return paged_table("table-items", "Search items", note, totals=cells)


def item_table(report: RunReport) -> dict[str, Any]:
    """Return the items, those that lost most first."""
    items = report.items.sort_values(["lost", "unique_id"], ascending=[False, True])
    columns: dict[str, tuple[str, list[Any]]] = {"Item": ("name", items["unique_id"].tolist())}
    for column, label in _ITEM_COLUMNS.items():
        if column in ("fill_rate", "service_level"):
            columns[label] = ("percent", numbers(items[column], decimals=6))
        else:
            columns[label] = ("whole", numbers(items[column]))
    return _turned(columns)


def event_table(report: RunReport) -> dict[str, Any]:
    """Return the market events and what was known of them when."""
    events = report.events.sort_values(["start", "event_id"])
    return _turned(
        {
            "Event": ("name", [readable(str(label)) for label in events["label"]]),
            "Kind": ("name", [readable(str(kind)) for kind in events["kind"]]),
            "First day": ("plain", _dates(events["start"])),
            "Last day": ("plain", _dates(events["end"])),
            "Announced": ("plain", _dates(events["announced"])),
            "Item": ("name", [str(item) or "all" for item in events["unique_id"]]),
        }
    )


def event_frame() -> str:
    """Return the frame of the table of events."""
    note = "An event without a date of announcement came without warning."
    return paged_table("table-events", "Search events", note)


def shaded_events(report: RunReport) -> list[dict[str, str]]:
    """Return the events that the charts over days shade."""
    days = report.daily["ds"]
    met = report.events[
        (report.events["end"] >= days.min()) & (report.events["start"] <= days.max())
    ]
    return [
        {"label": readable(str(row["label"])), "start": f"{row['start']:%Y-%m-%d}",
         "end": f"{row['end']:%Y-%m-%d}", "item": str(row["unique_id"])}
        for row in met.sort_values(["start", "end", "event_id"]).to_dict("records")
    ]  # fmt: skip


def _dates(days: "pd.Series[Any]") -> list[str]:
    return ["" if pd.isna(day) else f"{day:%Y-%m-%d}" for day in days]


def _turned(columns: dict[str, tuple[str, list[Any]]]) -> dict[str, Any]:
    return {
        "page": _PAGE,
        "columns": [{"label": label, "kind": kind} for label, (kind, _) in columns.items()],
        "rows": list(zip(*(values for _, values in columns.values()), strict=True)),
    }
