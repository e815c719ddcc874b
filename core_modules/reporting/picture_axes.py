"""The plain parts that every panel of a picture is drawn with: places, titles, ticks, rows.

Positions on a figure are in inches from its top left corner, and days are counted from 0, so that
no layout engine has to search and no panel can run into its neighbour.
"""

from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from core_modules.reporting.report_palette import GREY, INK, PALE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BOLD_CHARACTER = 0.0097  # inches a point of font size: a generous mean width of the bold face
_TITLE = 11.5  # points, a panel's finding


def place(figure: "Figure", left: float, top: float, width: float, height: float) -> "Axes":
    """Add a panel; all lengths in inches, `top` from the figure's upper edge."""
    figure_width, figure_height = figure.get_size_inches()
    box = (
        left / figure_width,
        1 - (top + height) / figure_height,
        width / figure_width,
        height / figure_height,
    )
    axes: Axes = figure.add_axes(box)
    return axes


def panel_size(axes: "Axes") -> tuple[float, float]:
    """Return a panel's width and height in inches."""
    width, height = axes.figure.get_figure(root=True).get_size_inches()
    box = axes.get_position()
    return float(box.width * width), float(box.height * height)


def heading(
    axes: "Axes", finding: str, *, rise: float = 0.0, left: float = 0.0, width: float = 0.0
) -> None:
    """Write a panel's finding above it and, between the two, what its marks mean.

    All in inches: `rise` is the room left free right above the panel, `left` how far left of the
    panel the heading begins, `width` where it is wrapped (the panel's own width by default).
    """
    handles, _ = axes.get_legend_handles_labels()
    own_width, height = panel_size(axes)
    if handles:
        axes.legend(
            loc="lower left", bbox_to_anchor=(0, 1 + (rise + 0.06) / height), ncols=len(handles),
            frameon=False, borderaxespad=0, borderpad=0, handlelength=1.6, columnspacing=1.8,
            fontsize=9.5,
        )  # fmt: skip
    lines = wrap(finding, int((width or own_width) / (_TITLE * _BOLD_CHARACTER)))
    above(
        axes, "\n".join(lines), rise + (0.3 if handles else 0.1), left=left,
        fontsize=_TITLE, fontweight="bold", color=INK,
    )  # fmt: skip


def above(axes: "Axes", text: str, rise: float, *, left: float = 0.0, **font: Any) -> None:
    """Write a text that begins `rise` inches above and `left` inches left of a panel's corner."""
    axes.annotate(
        text, xy=(0, 1), xycoords="axes fraction", xytext=(-72 * left, 72 * rise),
        textcoords="offset points", va="bottom", annotation_clip=False, **font,
    )  # fmt: skip


def say(axes: "Axes", text: str) -> None:
    """Say in an otherwise empty panel why it is empty."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=GREY)


def day_ticks(days: pd.Index) -> tuple[list[int], list[str]]:
    """Choose the days that carry a label: months, weeks or single days, at most 14 of them."""
    days = pd.DatetimeIndex(days)
    months = np.flatnonzero(days.day == 1)
    if len(months) >= 3:
        months = months[:: -(-len(months) // 13)]
        labels = [
            f"{day:%b} {day.year}" if i == 0 or day.month == 1 else f"{day:%b}"
            for i, day in enumerate(days[months])
        ]
        return months.tolist(), labels
    shown = range(0, len(days), -(-len(days) // 13))
    return list(shown), [
        f"{days[i].day} {days[i]:%b}" + (f" {days[i].year}" if i == 0 else "") for i in shown
    ]


def day_axis(axes: "Axes", days: pd.Index) -> None:
    """Let the horizontal axis run over the days, one unit a day, each day centred on its number."""
    positions, names = day_ticks(days)
    axes.set_xlim(-0.5, len(days) - 0.5)
    axes.set_xticks(positions, names)


def unit_axis(axes: "Axes", label: str, top: float) -> None:
    """Let the vertical axis start at zero and end a little above `top`, with thousands marked."""
    axes.set_ylim(0, 1.08 * top if top > 0 else 1.0)
    if top <= 0:
        axes.set_yticks([0])
    axes.yaxis.set_major_formatter("{x:,.10g}")
    axes.set_ylabel(label)
    axes.grid(axis="y", color=PALE, linewidth=0.6)


def bars(axes: "Axes", values: "pd.Series[float]", *, colour: str, label: str) -> None:
    """Draw one bar from zero for each day of a run whose value is not zero.

    Thick lines in one collection draw in a fraction of the time of as many rectangles.
    """
    points = 0.84 * 72 * panel_size(axes)[0] / len(values)
    heights = values.to_numpy()
    day = np.flatnonzero(heights)
    axes.vlines(day, 0, heights[day], color=colour, linewidth=points, label=label)


def rows(
    axes: "Axes",
    values: Sequence[float],
    texts: Sequence[str],
    *,
    names: Sequence[str] = (),
    colours: Sequence[str],
) -> None:
    """Draw one bar from zero a row, first row on top, its value in words right of the panel."""
    positions = np.arange(len(values))
    known = np.nan_to_num(np.asarray(values, dtype=float))
    axes.barh(positions, known, height=0.62, color=list(colours))
    low, top = min(known.min(initial=0), 0), max(known.max(initial=0), 0)
    axes.set_xlim(low, top if top > low else 1.0)
    if low < 0:
        axes.spines["left"].set_visible(False)
        axes.axvline(0, color=INK, linewidth=0.8)
    row_labels(axes, texts, names)


def row_labels(axes: "Axes", texts: Sequence[str], names: Sequence[str] = ()) -> None:
    """Write each row's name left of the panel and its value right of it, and hide the ticks."""
    positions = range(len(texts))
    axes.set_ylim(len(texts) - 0.4, -0.6)
    axes.set_yticks(list(positions), list(names) or [""] * len(texts))
    axes.tick_params(axis="y", length=0, labelsize=9)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    for position, text in zip(positions, texts, strict=True):
        axes.annotate(
            text, xy=(1, position), xycoords=("axes fraction", "data"), xytext=(6, 0),
            textcoords="offset points", va="center", fontsize=9.5, annotation_clip=False,
        )  # fmt: skip
