"""The page of a fidelity report: what was compared, the figures, the picture."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from core_modules.pattern_extractor import ExtractionSettings
from core_modules.patterns.pattern_fidelity import FidelityReport, compare_fidelity
from core_modules.sales_history import SalesHistory

PAGE, PICTURE = "pattern_fidelity.md", "pattern_fidelity.png"
OPENING = """# Generated against real demand

Patterns are fitted to the first part of the history of every second item; for the rest of it,
demand is generated from them and compared with what came. The items between were used to choose
the extraction's settings and are not looked at here. Promotions and prices of the days held back
are taken as known, as a planner sets them; everything else comes from the past.

How to read it: the level of an item a year ahead is nobody's to know, so sales per item-day differ
by what the level moved; the shape (weekday, distribution, autocorrelation, spread of totals) is
what a simulation lives on.
"""


def write_fidelity(
    history: SalesHistory, folder: Path, settings: ExtractionSettings | None = None
) -> FidelityReport:
    """Compare generated with real demand of one history; write page and picture to a folder.

    Raises ValueError where too little sold in the part held back.
    """
    report = compare_fidelity(history, settings)
    write_fidelity_page([report], folder)
    return report


def write_fidelity_page(reports: Sequence[FidelityReport], folder: Path, notes: str = "") -> None:
    """Write `pattern_fidelity.md` and `pattern_fidelity.png` of some reports to a folder."""
    from core_modules.patterns.pattern_pictures import write_fidelity_picture

    folder.mkdir(parents=True, exist_ok=True)
    write_fidelity_picture(reports, folder / PICTURE)
    parts = [OPENING, f"![generated against real]({PICTURE})\n", *map(_section, reports), notes]
    (folder / PAGE).write_text("\n".join(part for part in parts if part), encoding="utf-8")


def _section(report: FidelityReport) -> str:
    gap = (report.distribution["real"] - report.distribution["generated"]).abs().max()
    lines = [
        f"## {report.source}\n",
        (
            f"{report.items} items, {report.days} periods held back from {report.first_day} on. "
            f"The distributions of sales over expectation are at most {gap:.3f} apart.\n"
        ),
        _table(report.summary),
    ]
    if not report.weekday.empty:
        lines.append(_table(report.weekday))
    chosen = report.autocorrelation[report.autocorrelation["lag"].isin((1, 2, 3, 7, 14))]
    lines.append(_table(chosen))
    return "\n".join(lines)


def _table(frame: pd.DataFrame) -> str:
    head = "| " + " | ".join(frame.columns) + " |"
    rule = "|" + "---|" * len(frame.columns)
    rows = [
        "| " + " | ".join(_cell(cell) for cell in row) + " |"
        for row in frame.itertuples(index=False)
    ]
    return "\n".join([head, rule, *rows, ""])


def _cell(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3f}"
