"""Market events on the pictures: their days shaded, their names on lines that never collide."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from core_modules.reporting.picture_axes import above, panel_size, place
from core_modules.reporting.report_palette import EVENT, GREY, ORANGE
from core_modules.reporting.report_wording import plural, readable, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LANE = 0.19  # inches, height of one line of event names
_SIZE = 9.0  # points, of the names
_NARROW, _WIDE = frozenset(" iljftrI1.,:;'|!()[]-/"), frozenset("mwMW@%&")


@dataclass(frozen=True, slots=True)
class EventSpan:
    """One event as a picture shows it."""

    label: str
    first: float  # left edge, days from the run's first day, >= 0
    last: float  # right edge, days from the run's first day, > first


@dataclass(frozen=True, slots=True)
class PlacedName:
    """Where the name of an event stands."""

    span: EventSpan
    text: str
    left: float  # days from the run's first day
    lane: int  # 0 is the line nearest to the panel


def event_spans(events: pd.DataFrame, days: pd.Index, unique_id: str) -> list[EventSpan]:
    """Return the events that meet every item (or the given one) within the run, by first day."""
    met = events[
        events["unique_id"].isin(["", unique_id])
        & (events["start"] <= days[-1])
        & (events["end"] >= days[0])
    ]
    spans = [
        EventSpan(
            readable(str(label)),
            max((start - days[0]).days - 0.5, -0.5),
            min((end - days[0]).days + 0.5, len(days) - 0.5),
        )
        for label, start, end in zip(met["label"], met["start"], met["end"], strict=True)
    ]
    return sorted(spans, key=lambda span: (span.first, span.last, span.label))


def place_names(
    spans: Sequence[EventSpan], days: int, width: float, *, lanes: int = 5
) -> list[PlacedName]:
    """Give each event's name a line on which it meets no other; names without room are left out.

    A name begins where its event does or, near the right end of the panel (`width` inches for
    `days` days), as much before it as it needs.
    """
    scale = days / width  # days an inch
    taken = [-np.inf] * lanes
    placed = []
    for span in spans:
        text = shorten(span.label, 40)
        length = (text_width(text, _SIZE) + 0.08) * scale
        left = max(min(span.first, days - 0.5 - length), -0.5)
        for lane in range(lanes):
            if taken[lane] <= min(left, span.first):
                taken[lane] = max(left + length, span.last) + 0.08 * scale
                placed.append(PlacedName(span, text, left, lane))
                break
    return placed


def text_width(text: str, size: float) -> float:
    """Estimate the width in inches of a text in DejaVu Sans, rather too wide than too narrow."""
    return sum(_em(character) for character in text) * size / 72


def _em(character: str) -> float:
    """Return the width of a character as a share of the font's size."""
    if character in _NARROW:
        return 0.42
    if character in _WIDE or ord(character) > 0x2E80:  # where full-width scripts begin
        return 1.0
    return 0.73 if character.isupper() else 0.64


def lanes_height(names: Sequence[PlacedName]) -> float:
    """Return the height in inches that the names' lines take."""
    return _LANE * (1 + max((name.lane for name in names), default=-1))


def draw_event_names(names: Sequence[PlacedName], below: "Axes") -> None:
    """Draw the lines of event names on top of a panel, each with a bar as long as its event."""
    if not names:
        return
    figure = below.figure.get_figure(root=True)
    width, height = figure.get_size_inches()
    box = below.get_position()
    tall = lanes_height(names)
    axes = place(figure, box.x0 * width, (1 - box.y1) * height - tall, box.width * width, tall)
    axes.set_axis_off()
    axes.set_xlim(below.get_xlim())
    axes.set_ylim(0, tall / _LANE)
    first, last = below.get_xlim()
    margin = 0.04 * (last - first) / (box.width * width)
    for name in names:
        span = name.span
        axes.fill_between([span.first, span.last], name.lane + 0.08, name.lane + 0.92, color=EVENT)
        if name.left == span.first:
            axes.vlines(span.first, name.lane + 0.08, name.lane + 0.92, color=ORANGE, linewidth=2)
        axes.text(
            name.left + margin, name.lane + 0.5, name.text, fontsize=_SIZE, va="center_baseline"
        )


def note_others(axes: "Axes", others: int, rise: float) -> None:
    """Say, `rise` inches above a panel's right corner, how many events it does not name."""
    if others:
        text = f"{plural(others, 'more event')} in report.html"
        above(axes, text, rise, left=-panel_size(axes)[0], ha="right", fontsize=9, color=GREY)


def shade_events(axes: "Axes", spans: Sequence[EventSpan]) -> None:
    """Shade the days of events over the whole height of a panel, behind everything."""
    for span in spans:
        axes.axvspan(span.first, span.last, color=EVENT, alpha=0.55, linewidth=0, zorder=0)
