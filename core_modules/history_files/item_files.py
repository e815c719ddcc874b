"""Reads the planner's files beside the sales: items, stock and open orders."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from core_modules.history_files.item_defaults import (
    AMOUNTS,
    ItemDefaults,
    TermGaps,
    fill_gaps,
    terms_of,
)
from core_modules.history_files.sales_columns import (
    FloatArray,
    IntArray,
    close_names,
    item_ids,
    numbers,
    refuse_misspelt,
    require_columns,
)
from core_modules.history_files.sales_dates import days
from core_modules.history_files.sales_errors import listed, quoted
from core_modules.history_files.sales_files import TextTable, read_table
from core_modules.item_terms import LEAST, ItemTerms, OpenOrder

LONGEST_TIME = 3_650  # periods; a lead time beyond it is a slip
_TIMES = ("lead_time", "review_period", "shelf_life")
ITEM_COLUMNS = ("unique_id", *AMOUNTS, *LEAST)
PLAN_COLUMNS = ("supplier", "volume", "expedite_cost", "expedited_lead_time")  # only plans use them
_SYNONYMS = {
    "unique_id": ("id", "sku", "item", "item_id", "product", "product_id", "article", "code"),
    "on_hand": ("stock", "quantity", "qty", "units", "inventory"),
    "due": ("date", "ds", "eta", "due_date", "arrival", "delivery_date"),
    "quantity": ("qty", "units", "amount", "ordered"),
}


def read_items(
    path: str | Path | None,
    unique_ids: Sequence[str],
    *,
    freq: str = "D",
    defaults: ItemDefaults | None = None,
    known: Collection[str] | None = None,
) -> tuple[dict[str, ItemTerms], list[str]]:
    """Return the terms of each of `unique_ids`, and one line for each default that was used.

    `known` are all ids that the file may name (default: `unique_ids`), so that one file serves any
    selection of items. Without a file (`path` None) every term is a default. A column outside the
    contract is a group; of several, `category` or else the first is used.

    A default price or cost gives way to a `shortage_cost` that would be below the margin: the cost
    rises (the price falls) until they agree.

    Raises
    ------
    SalesDataError
        The file is unreadable, lacks an item, names an unknown one or one twice, or holds a value
        that a term cannot have.
    """
    names = (*AMOUNTS, *LEAST)
    if path is None:
        nothing = {name: np.full(len(unique_ids), np.nan) for name in names}
        gaps = TermGaps(unique_ids, nothing, source="", present=())
        fill_gaps(gaps, freq, defaults or ItemDefaults())
        return {item: terms_of(gaps, row, "") for row, item in enumerate(unique_ids)}, gaps.lines
    table = read_table(path)
    at = _rows_by_item(table, unique_ids, known)
    if "shortage_cost" in table and "goodwill" in table:
        table.refuse("has shortage_cost and goodwill, which follow from each other; keep one")
    given = {name: _term_column(table, name)[at] for name in names}
    gaps = TermGaps(unique_ids, given, source=table.path.name, present=tuple(table.columns))
    group = _group_column(table, gaps)
    fill_gaps(gaps, freq, defaults or ItemDefaults())
    terms = {}
    for row, (item, file_row) in enumerate(zip(unique_ids, at.tolist(), strict=True)):
        try:
            terms[item] = terms_of(gaps, row, table.cell(file_row, group) if group else "")
        except ValueError as error:
            table.refuse(f"item {quoted(item)}: {error}; mend the row", file_row)
    return terms, gaps.lines


def _rows_by_item(
    table: TextTable, unique_ids: Sequence[str], known: Collection[str] | None
) -> IntArray:
    """Return each item's row, shape (items,); every row names another, known item."""
    require_columns(table, ("unique_id",), _SYNONYMS)
    item, ids = item_ids(table)
    _, first = np.unique(item, return_index=True)
    if len(first) < table.rows:
        row = int(np.setdiff1d(np.arange(table.rows), first)[0])
        again = f"is already in {table.place(int(first[item[row]]))}; keep one row an item"
        table.refuse_cell(row, "unique_id", again)
    place = dict(zip(ids, first.tolist(), strict=True))
    _refuse_unknown(table, place, known if known is not None else unique_ids)
    missing = [name for name in unique_ids if name not in place]
    if missing:
        table.refuse(f"has no row for {listed(missing)}; add a row for every item")
    return np.array([place[name] for name in unique_ids], dtype=np.int64)


def _refuse_unknown(table: TextTable, place: Mapping[str, int], known: Collection[str]) -> None:
    allowed = set(known)
    unknown = sorted(row for name, row in place.items() if name not in allowed)
    if unknown:
        close = close_names(table.cell(unknown[0], "unique_id"), list(known))
        hint = f"did you mean {listed(close)}?" if close else "remove it or correct the id"
        table.refuse_cell(unknown[0], "unique_id", f"is not an item of the sales; {hint}")


def _term_column(table: TextTable, name: str) -> FloatArray:
    """Return a column's numbers, NaN where the column or its cell is empty, shape (rows,)."""
    if name not in table:
        return np.full(table.rows, np.nan)
    if name in AMOUNTS:
        return numbers(table, name, above=name == "unit_price", blank=True)
    return numbers(
        table,
        name,
        least=LEAST[name],
        most=LONGEST_TIME if name in _TIMES else None,
        whole=True,
        blank=True,
    )


def _group_column(table: TextTable, gaps: TermGaps) -> str:
    """Return the column that is the items' group, '' where there is none."""
    known = (*ITEM_COLUMNS, *PLAN_COLUMNS)
    groups = [name for name in table.columns if name not in known]
    refuse_misspelt(table, known, groups)
    if not groups:
        return ""
    chosen = "category" if "category" in groups else groups[0]
    if len(groups) > 1:
        gaps.lines.append(f"{gaps.source} has the groups {listed(groups)}: {chosen} is used")
    return chosen


def read_stock(
    path: str | Path,
    unique_ids: Sequence[str] | None = None,
    *,
    known: Collection[str] | None = None,
) -> dict[str, int]:
    """Return the units on hand by item from a file with `unique_id` and `on_hand`.

    Where `unique_ids` is given, each of them must be in the file and only they are returned; the
    file may name all of `known` (default: `unique_ids`).

    Raises
    ------
    SalesDataError
        The file is unreadable, names an item twice, an unknown one or lacks one, or a stock is
        negative or not whole.
    """
    table = read_table(path)
    require_columns(table, ("unique_id", "on_hand"), _SYNONYMS)
    wanted = list(unique_ids) if unique_ids is not None else item_ids(table)[1]
    at = _rows_by_item(table, wanted, known)
    on_hand = numbers(table, "on_hand", whole=True).astype(np.int64)
    return dict(zip(wanted, on_hand[at].tolist(), strict=True))


def read_open_orders(path: str | Path, *, known: Collection[str] | None = None) -> list[OpenOrder]:
    """Return the orders under way from a file with `unique_id`, `due` and `quantity`, in its order.

    An item may have several orders, also for one day; a file with a header only says that nothing
    is under way. Where `known` is given, every order must be for one of these items.

    Raises
    ------
    SalesDataError
        The file is unreadable, names an unknown item, or a quantity is not a whole number >= 1.
    """
    table = read_table(path, may_be_empty=True)
    require_columns(table, ("unique_id", "due", "quantity"), _SYNONYMS)
    if not table.rows:
        return []
    item, ids = item_ids(table)
    if known is not None:
        _, first = np.unique(item, return_index=True)
        _refuse_unknown(table, dict(zip(ids, first.tolist(), strict=True)), known)
    due = days(table, "due").tolist()
    quantity = numbers(table, "quantity", least=1, whole=True).astype(np.int64).tolist()
    rows = zip(item.tolist(), due, quantity, strict=True)
    return [OpenOrder(ids[number], day, units) for number, day, units in rows]
