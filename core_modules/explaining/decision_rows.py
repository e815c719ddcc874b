"""A decision as one row of decisions.csv."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import fields
from enum import Enum
from typing import TextIO

from core_modules.inventory_agent import Decision

# The curve is kept with the inputs; a row tells of it the quantity that comes next.
_PLAIN = tuple(field.name for field in fields(Decision) if field.name != "curve")
DECISION_COLUMNS = ("decision_id", *_PLAIN, "next_best_quantity", "next_best_extra_cost")


def decision_id(decision: Decision) -> str:
    """Name a decision within its run: day and item."""
    return f"{decision.day.isoformat()}/{decision.unique_id}"


def decision_row(decision: Decision) -> list[str]:
    """Return a decision's cells in order of `DECISION_COLUMNS`, numbers to six digits."""
    quantity, extra = next_best(decision)
    values = [getattr(decision, name) for name in _PLAIN]
    return [_cell(value) for value in (decision_id(decision), *values, quantity, extra)]


def write_rows(decisions: Iterable[Decision], file: TextIO) -> None:
    """Write one CSV row a decision, without a header."""
    csv.writer(file, lineterminator="\n").writerows(map(decision_row, decisions))


def next_best(decision: Decision) -> tuple[int | None, float | None]:
    """Return the cheapest other quantity that the search tried, and what it would cost more.

    Less than 0 where a service target asks for more than costs alone.
    """
    others = [point for point in decision.curve if point[0] != decision.quantity]
    if not others:
        return None, None
    quantity, cost = min(others, key=lambda point: point[1])
    return quantity, cost - decision.expected_cost


def _cell(value: object) -> str:
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, tuple):
        return " ".join(str(one) for one in value)
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
