"""What a plan stands on: the planner's files, read, checked against each other, joined."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from core_modules.history_files.item_defaults import ItemDefaults
from core_modules.history_files.item_files import (
    ITEM_COLUMNS,
    PLAN_COLUMNS,
    read_items,
    read_open_orders,
    read_stock,
)
from core_modules.history_files.sales_columns import numbers, refuse_misspelt
from core_modules.history_files.sales_errors import listed, quoted
from core_modules.history_files.sales_files import TextTable, read_table
from core_modules.history_files.sales_frame import text_runs
from core_modules.item_terms import ItemTerms, OpenOrder
from core_modules.market_events import MarketEvent
from core_modules.planning.period_calendar import PeriodCalendar
from core_modules.planning.supplier_terms import EVERY_DAY, Supplier, read_suppliers
from core_modules.sales_history import (
    SalesDataError,
    SalesHistory,
    mean_prices,
    read_sales,
    require_whole_units,
    select_items,
)
from core_modules.scenario_files import read_events

STEP_DAYS = {"D": 1, "W": 7}

YEARS_AHEAD = 2  # for which events of every year are laid out


@dataclass(frozen=True, slots=True)
class PlanFiles:
    """The files of a plan; a backtest needs no stock."""

    sales: Path
    stock: Path | None = None
    open_orders: Path | None = None
    items: Path | None = None
    events: Path | None = None
    suppliers: Path | None = None
    service_by_class: Path | None = None

    @property
    def given(self) -> tuple[Path, ...]:
        """All files that were named."""
        every = (
            self.sales, self.stock, self.open_orders, self.items, self.events, self.suppliers,
            self.service_by_class,
        )  # fmt: skip
        return tuple(path for path in every if path is not None)


@dataclass(frozen=True, slots=True)
class SharedTerms:
    """What an item takes of shared limits, and what haste costs."""

    supplier: str = ""  # '' where none is named
    volume: float = 1.0  # room a unit takes in the warehouse, >= 0
    expedite_cost: float | None = None  # money a unit sent fast, >= 0; None: it cannot be
    expedited_lead_time: int | None = None  # periods, >= 1


@dataclass(frozen=True, slots=True, eq=False)
class PlanInputs:
    """Everything about a plan but how to decide; tuples are (items,), in order of the history."""

    history: SalesHistory  # up to the last complete period, with the items' groups
    calendar: PeriodCalendar
    terms: tuple[ItemTerms, ...]
    shared: tuple[SharedTerms, ...]
    on_hand: tuple[int, ...]  # units at the end of the last complete period, 0 where not known
    stock_known: bool  # a file of stock was given
    open_orders: tuple[OpenOrder, ...]
    events: tuple[MarketEvent, ...]  # past and coming, as dated in the file
    suppliers: Mapping[str, Supplier]
    groups: tuple[str, ...]  # group columns of the history's frame that pool, coarse to fine
    notes: tuple[str, ...]  # defaults used and oddities, for people


def read_plan(
    files: PlanFiles,
    *,
    sales_format: str = "auto",
    freq: str = "D",
    as_of: date | None = None,
    items: Sequence[str] | None = None,
    top: int | None = None,
) -> PlanInputs:
    """Read the files of a plan; ValueError, in one line, where they cannot be used together.

    `items` and `top` choose from the sales, as `select_items` does; the other files may name all.
    """
    history = read_sales(files.sales, sales_format=sales_format, freq=freq, as_of=as_of)
    known = text_runs(history.frame["unique_id"])[1]
    if items or top:
        history = select_items(history, items=items, top=top)
    require_whole_units(history)
    names = text_runs(history.frame["unique_id"])[1]
    last: date = history.frame["ds"].max().date()
    calendar = PeriodCalendar(last, STEP_DAYS[freq])
    defaults = ItemDefaults(prices=mean_prices(history))
    by_item, lines = read_items(files.items, names, freq=freq, defaults=defaults, known=known)
    # A plan pools by every group, so that the one which the terms carry is no choice to tell of.
    notes = [line for line in lines if " has the groups " not in line]
    suppliers = read_suppliers(files.suppliers) if files.suppliers else {}
    table = read_table(files.items) if files.items else None
    shared = _shared_terms(table, names, suppliers, files)
    _refuse_order_days(suppliers, freq, files.suppliers)
    history, groups = _with_groups(history, table)
    stock = _stock(files.stock, names, known, notes)
    under_way = read_open_orders(files.open_orders, known=known) if files.open_orders else []
    events = _events(files.events, history, calendar)
    _refuse_unknown_items(events, set(known), files.events)
    return PlanInputs(
        history=history,
        calendar=calendar,
        terms=tuple(by_item[name] for name in names),
        shared=shared,
        on_hand=tuple(stock),
        stock_known=files.stock is not None,
        open_orders=tuple(order for order in under_way if order.unique_id in by_item),
        events=events,
        suppliers=suppliers,
        groups=_pooling(history, groups),
        notes=tuple(notes),
    )


def _stock(
    path: Path | None, names: Sequence[str], known: Sequence[str], notes: list[str]
) -> list[int]:
    """Return the units on hand of each item; one without a row has none, and is told of."""
    if path is None:
        return [0] * len(names)
    there = set(read_stock(path))
    stock = read_stock(path, [name for name in names if name in there], known=known)
    missing = [name for name in names if name not in stock]
    if missing:
        notes.append(f"{path.name} has no row for {listed(missing, most=3)}: 0 on hand is taken")
    return [stock.get(name, 0) for name in names]


def _shared_terms(
    table: TextTable | None,
    names: Sequence[str],
    suppliers: Mapping[str, Supplier],
    files: PlanFiles,
) -> tuple[SharedTerms, ...]:
    if table is not None:
        others = [name for name in table.columns if name not in (*ITEM_COLUMNS, *PLAN_COLUMNS)]
        refuse_misspelt(table, PLAN_COLUMNS, others)
    if table is None or not any(column in table for column in PLAN_COLUMNS):
        if suppliers:
            raise SalesDataError(
                f"{files.suppliers}: no item names its supplier; add a column supplier to --items"
            )
        return (SharedTerms(),) * len(names)
    rows = {table.cell(row, "unique_id"): row for row in range(table.rows)}
    volume = _column(table, "volume", least=0.0)
    cost = _column(table, "expedite_cost", least=0.0)
    fast = _column(table, "expedited_lead_time", least=1.0, whole=True)
    terms = []
    for name in names:
        row = rows[name]
        supplier = table.cell(row, "supplier") if "supplier" in table else ""
        if suppliers and supplier not in suppliers:
            table.refuse_cell(row, "supplier", f"is not in {files.suppliers}; add it there")
        if np.isnan(cost[row]) != np.isnan(fast[row]):
            table.refuse("needs expedite_cost and expedited_lead_time together, or neither", row)
        hasty = not np.isnan(cost[row])
        terms.append(
            SharedTerms(
                supplier=supplier,
                volume=1.0 if np.isnan(volume[row]) else float(volume[row]),
                expedite_cost=float(cost[row]) if hasty else None,
                expedited_lead_time=int(fast[row]) if hasty else None,
            )
        )
    return tuple(terms)


def _refuse_order_days(suppliers: Mapping[str, Supplier], freq: str, path: Path | None) -> None:
    for one in suppliers.values():
        if freq != "D" and one.order_days != EVERY_DAY:
            raise SalesDataError(
                f"{path}: supplier {quoted(one.name)} has order_days, which are weekdays and need "
                "--freq D; leave them empty for weekly plans"
            )


def _column(
    table: TextTable, name: str, *, least: float, whole: bool = False
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    if name not in table:
        return np.full(table.rows, np.nan)
    values: np.ndarray[tuple[int], np.dtype[np.float64]] = numbers(
        table, name, least=least, whole=whole, blank=True
    )
    return values


def _with_groups(
    history: SalesHistory, table: TextTable | None
) -> tuple[SalesHistory, tuple[str, ...]]:
    """Join the groups of the items file to the history's own; return all group columns."""
    frame = history.frame
    own = [
        str(column)
        for column in frame.columns
        if column not in ("unique_id", "ds", "y", "in_stock", "price", "promo")
    ]
    if table is None:
        return history, tuple(own)
    known = {*ITEM_COLUMNS, *PLAN_COLUMNS[1:], *own}
    added = [name for name in table.columns if name not in known]
    if not added:
        return history, tuple(own)
    rows = {table.cell(row, "unique_id"): row for row in range(table.rows)}
    ends, ids = text_runs(frame["unique_id"])
    item = np.repeat(np.arange(len(ids)), np.diff(ends, prepend=0))
    joined = {}
    for column in added:
        labels = pd.Series([table.cell(rows[name], column) for name in ids], dtype="str")
        joined[column] = labels.take(item).set_axis(frame.index)
    return replace(history, frame=frame.assign(**joined)), (*own, *added)


def _pooling(history: SalesHistory, groups: Sequence[str]) -> tuple[str, ...]:
    """Return the groups that tell items apart and join some, from coarse to fine."""
    items = len(text_runs(history.frame["unique_id"])[1])
    labels = {name: history.frame[name].nunique() for name in groups}
    return tuple(
        sorted((name for name in groups if 1 < labels[name] < items), key=labels.__getitem__)
    )


def _events(
    path: Path | None, history: SalesHistory, calendar: PeriodCalendar
) -> tuple[MarketEvent, ...]:
    if path is None:
        return ()
    first: date = history.frame["ds"].min().date()
    days = (calendar.last - first).days + YEARS_AHEAD * 366
    return read_events(path, first, days)


def _refuse_unknown_items(
    events: Sequence[MarketEvent], known: set[str], path: Path | None
) -> None:
    for event in events:
        for name in sorted(set(event.items) - known):
            raise ValueError(
                f"{path}: the event {event.label} of {event.start} names item {quoted(name)}, "
                "which the sales do not have; mend its items"
            )
