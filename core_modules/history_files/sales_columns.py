"""Turns the text columns of a file into numbers, days, flags and labels, guessing nothing."""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from core_modules.history_files.sales_errors import listed, quoted
from core_modules.history_files.sales_files import TextTable

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
BoolArray: TypeAlias = NDArray[np.bool_]
TextArray: TypeAlias = NDArray[np.object_]

LARGEST_NUMBER = 1e12  # beyond any quantity or price; a float still counts in ones there
YEARS = (1900, 2199)
_NUMBER = r"^ *[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)? *$"
_TRUE_FALSE = {"true": True, "false": False, "1": True, "0": False}


def numbers(
    table: TextTable,
    column: str,
    *,
    least: float = 0.0,
    most: float | None = None,
    above: bool = False,
    whole: bool = False,
    blank: bool = False,
) -> FloatArray:
    """Return a column as finite numbers, shape (rows,); an empty cell is NaN where `blank` is True.

    Raises SalesDataError at the first cell that is not a number (true is none), not finite, below
    `least` (or equal to it where `above` is True), over `most` (default 1e12) or, where `whole` is
    True, not a whole number ('12.0' is one).
    """
    codes, texts = _encoded(table.columns[column])
    empty = pc.equal(texts, "")
    missing = np.asarray(empty.to_numpy(zero_copy_only=False), dtype=bool)
    if missing.any() and not blank:
        table.refuse(f"{column} is empty; write a number", int(missing[codes].argmax()))
    values = _as_floats(table, column, codes, pc.if_else(empty, None, texts))
    top = LARGEST_NUMBER if most is None else most
    low = values <= least if above else values < least
    for wrong, problem in (
        (~missing & ~np.isfinite(values), "is not a finite number; mend or remove it"),
        (low, f"must be {'>' if above else '>='} {least:g}; mend or remove it"),
        (values > top, f"must be <= {top:g}; mend it"),
        (whole & (values != np.floor(values)) & ~missing, "is not a whole number; round it"),
    ):
        if wrong.any():
            table.refuse_cell(int(wrong[codes].argmax()), column, problem)
    return values[codes]


def _as_floats(table: TextTable, column: str, codes: IntArray, texts: Any) -> FloatArray:
    """Return the distinct texts of a column as numbers; `codes` are the rows'."""
    try:
        values = pc.cast(texts, pa.float64())
    except pa.ArrowException:
        plain = pc.match_substring_regex(texts, _NUMBER).fill_null(fill_value=True)
        wrong = ~np.asarray(plain.to_numpy(zero_copy_only=False), dtype=bool)
        if wrong.any():
            row = int(wrong[codes].argmax())
            table.refuse_cell(row, column, _not_a_number(table.cell(row, column)))
        # Blanks around a number mean nothing; arrow only does not read them.
        values = pc.cast(pc.utf8_trim(texts, " "), pa.float64())
    # Adding 0 makes a zero of -0.0.
    return np.asarray(values.to_numpy(zero_copy_only=False), dtype=np.float64) + 0.0


def _not_a_number(cell: str) -> str:
    text = cell.strip().lower()
    if text in {"nan", "inf", "-inf", "infinity", "null", "none", "na", "n/a"}:
        return "is not a finite number; mend or remove it"
    if text in {"true", "false"}:
        return "is not a number; write one, such as 1 or 0"
    return "is not a number; write it like 12 or 12.5, without thousands separators or units"


def flags(table: TextTable, column: str) -> BoolArray:
    """Return a column of true/false or 1/0 as booleans, shape (rows,)."""
    codes, texts = distinct(table.columns[column])
    wrong = np.array([text.lower() not in _TRUE_FALSE for text in texts], dtype=bool)
    if wrong[codes].any():
        table.refuse_cell(int(wrong[codes].argmax()), column, "must be true, false, 1 or 0")
    return np.array([_TRUE_FALSE[text.lower()] for text in texts], dtype=bool)[codes]


def item_ids(table: TextTable, column: str = "unique_id") -> tuple[IntArray, list[str]]:
    """Return each row's item number (rows,) and the items' ids in ascending order.

    Ids are text, exactly as written: '00123' and '123' are two items. Blanks around an id and
    control characters in it are refused, because they make two items of what looks like one.
    """
    if column in table.floats:
        table.refuse(f"{column} holds fractions; write it as text, so that 123 stays '123'")
    codes, texts = distinct(table.columns[column])
    for number, text in enumerate(texts):
        if problem := _id_problem(text):
            table.refuse_cell(int((codes == number).argmax()), column, problem)
    order = sorted(range(len(texts)), key=texts.__getitem__)
    rank = np.empty(len(texts), dtype=np.int64)
    rank[order] = np.arange(len(texts))
    return rank[codes], [texts[number] for number in order]


def _id_problem(text: str) -> str:
    if not text:
        return "is empty; every row names its item"
    if text != text.strip():
        return f"has blanks around it; write {quoted(text.strip())}"
    if not text.isprintable():
        return "holds a control character or line break; remove it"
    return ""


def group_labels(table: TextTable, column: str, items: IntArray, names: list[str]) -> TextArray:
    """Return the one value that a group column has for each item, shape (items,)."""
    codes, texts = distinct(table.columns[column])
    first = np.full(len(names), table.rows, dtype=np.int64)
    np.minimum.at(first, items, np.arange(table.rows))
    changed = codes != codes[first][items]
    if changed.any():
        row = int(changed.argmax())
        item = items[row]
        table.refuse_cell(
            row,
            column,
            f"differs from {quoted(texts[codes[first[item]]])} in {table.place(int(first[item]))} "
            f"for item {quoted(names[item])}; a column outside the contract is a group, one value "
            "an item: mend or remove it",
        )
    return np.array(texts, dtype=object)[codes[first]]


def distinct(texts: Any) -> tuple[IntArray, list[str]]:
    """Return each row's number among the distinct texts, shape (rows,), and these texts."""
    codes, known = _encoded(texts)
    return codes, known.to_pylist()


def _encoded(texts: Any) -> tuple[IntArray, Any]:
    """Return each row's number among the distinct texts, shape (rows,), and these as an array."""
    encoded = texts.dictionary_encode()
    codes, known = encoded.indices.to_numpy().astype(np.int64), encoded.dictionary
    used = np.bincount(codes, minlength=len(known)) > 0
    if used.all():
        return codes, known
    # A header, or rows left out, were read along with the column.
    return (np.cumsum(used) - 1)[codes], known.filter(pa.array(used))


def require_columns(
    table: TextTable, wanted: Iterable[str], synonyms: Mapping[str, tuple[str, ...]]
) -> None:
    """Raise SalesDataError naming the first column that is missing and what to rename."""
    for column in wanted:
        if column in table:
            continue
        known = {plain_name(name) for name in (column, *synonyms.get(column, ()))}
        found = [name for name in table.columns if plain_name(name) in known]
        hint = f"rename {quoted(found[0])} to {column}" if found else f"add {column}"
        table.refuse(f"has no column {column}; found {listed(list(table.columns))}: {hint}")


def refuse_misspelt(
    table: TextTable,
    known: Iterable[str],
    used: Iterable[str],
    synonyms: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
) -> None:
    """Raise SalesDataError where an unknown column looks like a known one that is not there."""
    absent = {
        plain_name(alike): name
        for name in known
        if name not in table
        for alike in (name, *synonyms.get(name, ()))
    }
    for column in used:
        close = get_close_matches(plain_name(column), absent, n=1, cutoff=0.85)
        if close:
            table.refuse(
                f"column {quoted(column)} is not known; rename it to {absent[close[0]]}, or to "
                "something less alike if it is a group"
            )


def plain_name(name: str) -> str:
    """Return a column's name without case, blanks and marks.

    >>> plain_name('Unique ID')
    'uniqueid'
    """
    return re.sub(r"[^a-z0-9]", "", name.lower())


def close_names(name: str, known: list[str]) -> list[str]:
    """Return up to three known names that look like `name`, most alike first."""
    return get_close_matches(name, known, n=3, cutoff=0.7)
