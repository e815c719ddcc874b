"""Cuts a stream of histories into parts of whole items, those that share their days together.

An item waits with the others of its calendar. A calendar that has enough items for a part leaves
as one; where too many items wait altogether, the smallest calendars leave together, and so do
those that are left at the end. The cut follows from the items' order alone, not from the pieces
in which they came, so a second run cuts the same parts.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core_modules.batch_prophet.panel import FloatArray, Panel, calendar_of

PART_ITEMS = 2_000  # a calendar's own cost, a tenth of a second, is a part of theirs
HELD_PARTS = 2  # parts' worth of items that wait for others of their calendar


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    """An item whose calendar is its group's key."""

    name: object
    y: FloatArray  # (days,)
    columns: dict[str, FloatArray]  # by name (days,)


Groups = dict[bytes, list[_Waiting]]  # by the days' bytes, datetime64[us]


def cut_parts(panels: Iterable[Panel], items: int = PART_ITEMS) -> Iterator[Panel]:
    """Yield the histories again in parts of at most so many items, few parts of them held.

    Raises ValueError for a number of items below 1, and where an item comes a second time: it
    would be fitted as two.
    """
    if items < 1:
        raise ValueError(f"items of a part must be >= 1, got {items}")
    groups: Groups = {}
    seen: set[object] = set()
    held = 0
    for panel in panels:
        for days, item in _items_of(panel):
            if item.name in seen:
                raise ValueError(
                    f"item {item.name!r} comes again after other items: sort the rows by unique_id"
                )
            seen.add(item.name)
            group = groups.setdefault(days, [])
            group.append(item)
            held += 1
            if len(group) == items:
                yield _panel_of({days: groups.pop(days)})
                held -= items
            elif held > HELD_PARTS * items:
                part = _smallest(groups, items)
                held -= sum(len(group) for group in part.values())
                yield _panel_of(part)
    while groups:
        yield _panel_of(_smallest(groups, items))


def _items_of(panel: Panel) -> Iterator[tuple[bytes, _Waiting]]:
    """Yield each item with its days, copied so that the panel can go."""
    for number, name in enumerate(panel.ids.tolist()):
        part = panel.part(number, number + 1)
        columns = {key: values[part].copy() for key, values in panel.columns.items()}
        days = panel.dates[panel.rows[part]].tobytes()
        yield days, _Waiting(name, panel.y[part].copy(), columns)


def _smallest(groups: Groups, items: int) -> Groups:
    """Take out the smallest calendars that make one part together, none of them cut."""
    taken: Groups = {}
    size = 0
    for days in sorted(groups, key=lambda key: len(groups[key])):
        size += len(groups[days])
        if taken and size > items:
            break
        taken[days] = groups[days]
    for days in taken:
        del groups[days]
    return taken


def _panel_of(groups: Groups) -> Panel:
    """Return the panel of a part's items, calendar by calendar."""
    items = [item for group in groups.values() for item in group]
    calendars = {days: np.frombuffer(days, "datetime64[us]") for days in groups}
    dates = [calendars[days] for days, group in groups.items() for _ in group]
    counts = np.array([item.y.size for item in items], np.int64)
    calendar, rows = calendar_of(np.concatenate(dates), counts)
    return Panel(
        ids=pd.Index([item.name for item in items]),
        dates=calendar,
        offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        rows=rows,
        y=np.concatenate([item.y for item in items]),
        columns={
            name: np.concatenate([item.columns[name] for item in items])
            for name in items[0].columns
        },
    )
