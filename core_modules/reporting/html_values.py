"""Values on their way into the HTML report: texts, numbers and daily columns as safe JSON."""

import html
from collections.abc import Iterable
from typing import Any

import numpy as np

from core_modules.reporting.run_figures import held_levels
from core_modules.reporting.run_report import RunReport

SERIES = (
    "demand", "lost", "on_hand", "received", "ordered", "reorder_point", "order_up_to",
    "forecast_mean", "forecast_p10", "forecast_p90",
)  # fmt: skip


def plain(text: object) -> str:
    """Return a text that plotly shows letter by letter.

    >>> plain("<b>5 & 6</b>")
    '&lt;b&gt;5 &amp; 6&lt;/b&gt;'
    """
    return html.escape(str(text), quote=False)


def numbers(values: Iterable[float], decimals: int = 2) -> list[float | None]:
    """Return JSON's numbers: whole ones without a point, rounded, null for what is not finite.

    >>> numbers([1.0, 2.346, float("nan")])
    [1, 2.35, None]
    """
    rounded = np.round(np.fromiter(values, dtype=float), decimals)
    known = np.isfinite(rounded)
    return [
        (int(value) if value.is_integer() else value) if good else None
        for value, good in zip(rounded.tolist(), known.tolist(), strict=True)
    ]


def item_series(report: RunReport, most: int) -> dict[str, Any]:
    """Return the daily columns of the `most` items with the largest demand, by name."""
    days = sorted(report.daily["ds"].unique())
    top = report.items.sort_values(["demand", "unique_id"], ascending=[False, True]).head(most)
    by_item = dict(tuple(held_levels(report.daily).groupby("unique_id")))
    items = []
    for name in top["unique_id"]:
        rows = by_item[name].set_index("ds").reindex(days)
        items.append({column: numbers(rows[column]) for column in SERIES})
    return {"names": [str(name) for name in top["unique_id"]], "items": items}
