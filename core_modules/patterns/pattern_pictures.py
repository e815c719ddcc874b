"""The picture of a fidelity report: generated against real demand, one row a source."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core_modules.patterns.pattern_fidelity import FidelityReport
from core_modules.reporting.report_palette import BLUE, INK, ORANGE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIDES = (("real", INK, "-"), ("generated", ORANGE, "--"))
TITLES = (
    "Sales by weekday",
    "Distribution of daily sales",
    "Autocorrelation of what is left",
)
WIDTH, ROW_HEIGHT = 13.0, 3.3  # inches
DPI = 110


def write_fidelity_picture(reports: Sequence[FidelityReport], path: Path) -> None:
    """Draw weekday profile, distribution and autocorrelation of each report into a PNG.

    The same reports give the same bytes.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    style: Any = {
        "font.family": ["DejaVu Sans"],
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    with rc_context(style):
        figure = Figure(figsize=(WIDTH, ROW_HEIGHT * len(reports) + 0.5), layout="constrained")
        FigureCanvasAgg(figure)
        rows = figure.subplots(len(reports), 3, squeeze=False)
        for row, report in zip(rows, reports, strict=True):
            _weekday(row[0], report)
            _distribution(row[1], report)
            _autocorrelation(row[2], report)
            row[0].set_ylabel(f"{report.source}\n({report.items} items)\nmean day = 1", color=INK)
        for axes, title in zip(rows[0], TITLES, strict=True):
            axes.set_title(title, fontsize=11, fontweight="bold", color=INK, loc="left")
        rows[0][0].legend(frameon=False, fontsize=9)
        figure.savefig(path, dpi=DPI, metadata={"Software": None})


def _weekday(axes: "Axes", report: FidelityReport) -> None:
    frame = report.weekday
    if frame.empty:
        axes.text(0.5, 0.5, "weekly sales", ha="center", va="center", transform=axes.transAxes)
        return
    for shift, (side, colour, _) in zip((-0.2, 0.2), SIDES, strict=True):
        axes.bar([day + shift for day in range(7)], frame[side], 0.38, color=colour, label=side)
    axes.set_xticks(range(7), frame["weekday"])


def _distribution(axes: "Axes", report: FidelityReport) -> None:
    frame = report.distribution
    for side, colour, line in SIDES:
        axes.step(frame["ratio"], frame[side], line, color=colour, where="post", label=side)
    axes.set_xlabel("sales over expectation", fontsize=9)
    axes.set_ylabel("share of item-days up to it", fontsize=9)
    axes.set_ylim(0, 1.02)


def _autocorrelation(axes: "Axes", report: FidelityReport) -> None:
    frame = report.autocorrelation
    for side, colour, line in SIDES:
        axes.plot(frame["lag"], frame[side], line, color=colour, marker="o", markersize=3)
    axes.axhline(0, color=BLUE, linewidth=0.6)
    axes.set_xlabel("lag in periods", fontsize=9)
    highest = float(frame[["real", "generated"]].max().max())
    axes.set_ylim(-0.1, max(0.5, 1.1 * highest))
