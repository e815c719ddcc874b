"""Priorities among items: ABC by value, XYZ by forecastability, service targets by class."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core_modules.item_terms import ItemTerms

FloatArray = NDArray[np.float64]

A_SHARE, B_SHARE = 0.80, 0.95  # of the value of all items, from the most valuable down
X_VARIATION, Y_VARIATION = 0.5, 1.0  # largest coefficient of variation of lead-time demand
CLASSES = tuple(abc + xyz for abc in "ABC" for xyz in "XYZ")


@dataclass(frozen=True, slots=True)
class ItemClass:
    """Where one item stands among the others."""

    unique_id: str
    annual_value: float  # money, a year's sales at the unit price
    value_share: float  # of all items' value, with all more valuable items, 0 to 1
    abc: str  # 'A', 'B' or 'C'
    variation: float  # standard deviation over mean of lead-time demand, as forecast; inf: no mean
    xyz: str  # 'X', 'Y' or 'Z'

    @property
    def name(self) -> str:
        """Both letters, such as 'AX'."""
        return self.abc + self.xyz


def classify(
    unique_ids: Sequence[str], annual_value: FloatArray, variation: FloatArray
) -> list[ItemClass]:
    """Class items by value and forecastability, in the order given; arrays are (items,).

    A are the most valuable items up to the one that completes 80 % of all value, B those up to
    95 %, C the rest and all without value; of equals, the first by id comes first. X, Y and Z have
    a coefficient of variation of lead-time demand up to 0.5, up to 1, and above.

    >>> [one.name for one in classify("abc", np.array([70.0, 25, 5]), np.array([0.2, 0.7, 3]))]
    ['AX', 'AY', 'CZ']
    """
    order = sorted(range(len(unique_ids)), key=lambda at: (-annual_value[at], unique_ids[at]))
    total = float(annual_value.sum())
    reached = np.cumsum(annual_value[order]) / total if total > 0 else np.ones(len(order))
    classes: dict[int, ItemClass] = {}
    before = 0.0
    for at, share in zip(order, reached.tolist(), strict=True):
        spread = float(variation[at])
        classes[at] = ItemClass(
            unique_id=unique_ids[at],
            annual_value=float(annual_value[at]),
            value_share=share,
            abc=_letter("ABC", before, A_SHARE, B_SHARE) if annual_value[at] > 0 else "C",
            variation=spread,
            xyz="X" if spread <= X_VARIATION else "Y" if spread <= Y_VARIATION else "Z",
        )
        before = share
    return [classes[at] for at in range(len(unique_ids))]


def _letter(letters: str, before: float, first: float, second: float) -> str:
    # 0.8 reached by adding tenths is 0.7999...; a share that complete is complete.
    return letters[int(before > first - 1e-9) + int(before > second - 1e-9)]


def annual_values(frame: pd.DataFrame, terms: Sequence[ItemTerms], freq: str) -> FloatArray:
    """Return what each item sold in the frame's last year, at its unit price, money, (items,)."""
    days = {"D": 365, "W": 364}[freq]
    recent = frame[frame["ds"] > frame["ds"].max() - pd.Timedelta(days=days)]
    units = recent.groupby("unique_id")["y"].sum()
    return np.array([float(units.get(one.unique_id, 0.0)) * one.unit_price for one in terms])


def class_table(classes: Sequence[ItemClass]) -> pd.DataFrame:
    """Count items and share of value by class, one row for each of the nine that has items."""
    total = sum(one.annual_value for one in classes)
    rows = []
    for name in CLASSES:
        members = [one for one in classes if one.name == name]
        if members:
            value = sum(one.annual_value for one in members)
            rows.append(
                {
                    "class": name,
                    "items": len(members),
                    "value_share": value / total if total else 0.0,
                    "median_variation": float(np.median([one.variation for one in members])),
                }
            )
    return pd.DataFrame(rows, columns=["class", "items", "value_share", "median_variation"])


def service_targets(
    classes: Sequence[ItemClass], by_class: Mapping[str, float]
) -> dict[str, float]:
    """Return the service target of each item whose class has one, 0 to 1, by `unique_id`.

    'AX' goes before 'A', and 'A' before 'X'.
    """
    targets = {}
    for one in classes:
        for key in (one.name, one.abc, one.xyz):
            if key in by_class:
                targets[one.unique_id] = by_class[key]
                break
    return targets


def check_targets(by_class: Mapping[str, float], source: str) -> None:
    """Raise ValueError unless every key is a class and every target a chance."""
    known = (*"ABCXYZ", *CLASSES)
    for key, target in by_class.items():
        if key not in known:
            raise ValueError(
                f"{source}: there is no class {key!r}; the classes are A, B, C by value, X, Y, Z "
                "by forecastability, and both such as AX"
            )
        if not 0 < target < 1:
            raise ValueError(
                f"{source}: the service target of {key} must be above 0 and below 1, got "
                f"{target:g}; write 98 % as 0.98"
            )


def read_service_by_class(path: Path) -> dict[str, float]:
    """Return service targets by class from a CSV with `class` and `service`.

    Raises ValueError where the file names an unknown class, one twice, or no chance.
    """
    from core_modules.history_files.sales_columns import numbers, require_columns
    from core_modules.history_files.sales_files import read_table

    table = read_table(path)
    require_columns(table, ("class", "service"), {})
    targets: dict[str, float] = {}
    for row, target in enumerate(numbers(table, "service").tolist()):
        name = table.cell(row, "class").strip()
        if name in targets:
            table.refuse_cell(row, "class", "is there a second time; keep one row a class")
        targets[name] = target
    check_targets(targets, str(path))
    return targets
