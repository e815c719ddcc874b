"""How the pages write figures, days and names; their scripts write them the same way."""

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from urllib.parse import quote, urlencode

from flask import Flask

from core_modules.reporting.report_wording import amount, number, percent, plural, readable, whole

NONE = "\N{EN DASH}"  # a figure that is not known
MINUS = "\N{MINUS SIGN}"
SMALL = 100  # money below which cents count
MARKS = {"critical": "▲", "high": "◆", "normal": "●", "low": "○"}
TERMS = {
    "moq": "Smallest order",
    "pack_size": "Units a pack",
    "holding_cost": "Holding cost, a unit and period",
    "lead_time": "Lead time, periods",
    "review_period": "Periods between orders",
}
FLAGS = {
    "corrected": "corrected afterwards",
    "discrepancy": "count disagreed",
    "oversold": "sold beyond the record",
    "overdue": "a delivery is overdue",
    "overfilled": "more came than was ordered",
    "no_forecast": "no forecast yet",
    "stale_forecast": "old forecast",
}


def add_words(app: Flask, currency: str) -> None:
    """Give the templates their filters."""
    app.jinja_env.filters |= {
        "whole": lambda value: NONE if value is None else whole(value),
        "units": lambda value: NONE if value is None else plural(value, "unit"),
        "items": lambda value: NONE if value is None else plural(value, "item"),
        "counted": plural,
        "number": lambda value, decimals=1: NONE if value is None else number(value, decimals),
        "percent": lambda share: NONE if share is None else percent(share),
        "money": lambda value: money(value, currency),
        "price": lambda value: price(value, currency),
        "term": term,
        "term_name": lambda name: TERMS.get(name) or sentence(readable(name)),
        "readable": lambda label: sentence(readable(str(label))),
        "day": day,
        "instant": instant,
        "mark": lambda urgency: MARKS.get(urgency, "○"),
        "label": lambda signal: sentence(readable(signal["label"] or signal["kind"])),
        "flag": lambda name: FLAGS.get(name, readable(name)),
        "item_url": item_url,
        "spark": spark,
        "as_query": as_query,
        "with_page": lambda query, page: as_query({**query, "page": page}),
        "with_sort": with_sort,
        "with_before": lambda query, seq: as_query({**query, "before": seq}),
    }
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals |= {"currency": currency, "NONE": NONE}


def sentence(words: str) -> str:
    """Begin with a capital.

    >>> sentence("viral event")
    'Viral event'
    """
    return words[:1].upper() + words[1:]


def term(value: object) -> str:
    """Write a term or setting of an item.

    >>> term(None), term(True), term(0.004835616), term(1500.0), term("service")
    ('not set', 'yes', '0.004836', '1,500', 'service')
    """
    if value is None or isinstance(value, bool):
        return "not set" if value is None else "yes" if value else "no"
    if isinstance(value, float):
        return (
            f"{value:,.4g}" if abs(value) < SMALL else number(value, 0 if value.is_integer() else 2)
        )
    return str(value)


def money(value: float | None, currency: str) -> str:
    """Write an amount; a small one with its cents.

    >>> money(981095.2, "$"), money(0.42, "$"), money(0, "$")
    ('$981,095', '$0.42', '$0')
    """
    if value is None:
        return NONE
    return price(value, currency) if 0 < abs(value) < SMALL else amount(value, currency)


def price(value: float | None, currency: str) -> str:
    """Write a price a unit, with its cents.

    >>> price(12.5, "$"), price(1200, "USD")
    ('$12.50', '1,200.00 USD')
    """
    if value is None:
        return NONE
    text = f"{abs(value):,.2f}"
    sign = MINUS if value < 0 else ""
    return f"{sign}{currency}{text}" if len(currency) == 1 else f"{sign}{text} {currency}"


def day(value: str | None) -> str:
    """Write an ISO day as a person would.

    >>> day("2024-03-01")
    '1 Mar 2024'
    """
    if not value:
        return NONE
    written = date.fromisoformat(value[:10])
    return f"{written.day} {written:%b %Y}"


def instant(value: str | None) -> str:
    """Write an instant; the browser then shows it in its own time zone.

    >>> instant("2024-03-01T12:00:05.123456Z")
    '1 Mar 2024, 12:00:05 UTC'
    """
    if not value:
        return NONE
    written = datetime.fromisoformat(value)
    return f"{written.day} {written:%b %Y, %H:%M:%S} UTC"


def item_url(unique_id: str) -> str:
    """Return the address of an item's page, whatever its name holds.

    >>> item_url("a/b c?")
    '/items/a%2Fb%20c%3F'
    """
    return "/items/" + quote(unique_id, safe="")


def as_query(values: Mapping[str, object]) -> str:
    """Return the query of an address, without what is empty.

    >>> as_query({"search": "a&b", "group": ""}), as_query({})
    ('?search=a%26b', '?')
    """
    return "?" + urlencode({name: value for name, value in values.items() if value != ""})


def with_sort(query: Mapping[str, str], name: str, down: bool) -> str:
    """Return the query of the first page sorted by another column.

    >>> with_sort({"page": "3", "search": "x"}, "cover", down=True)
    '?search=x&sort=cover&descending=true'
    """
    kept = {key: value for key, value in query.items() if key not in ("page", "descending")}
    return as_query(kept | {"sort": name, "descending": "true" if down else ""})


def spark(trend: Sequence[dict[str, Any]], name: str, width: int = 120, height: int = 30) -> str:
    """Return the points of a small line over a trend, as an SVG polyline takes them.

    >>> spark([{"a": 0}, {"a": None}, {"a": 10}], "a")
    '2.0,28.0 118.0,2.0'
    """
    known = [
        (index, float(row[name]))
        for index, row in enumerate(trend)
        if row.get(name) is not None and math.isfinite(row[name])
    ]
    if not known:
        return ""
    low, high = min(value for _, value in known), max(value for _, value in known)
    across = (width - 4) / max(len(trend) - 1, 1)
    up = (height - 4) / (high - low) if high > low else 0.0
    middle = 0.0 if high > low else height / 2 - 2
    return " ".join(
        f"{2 + index * across:.1f},{height - 2 - middle - (value - low) * up:.1f}"
        for index, value in known
    )
