"""Reads two public retail sets: Online Retail transactions and Rossmann store turnover."""

import numpy as np
import pandas as pd
import pyarrow.compute as pc
from numpy.typing import NDArray

from core_modules.history_files.sales_columns import (
    LARGEST_NUMBER,
    BoolArray,
    FloatArray,
    IntArray,
    distinct,
    flags,
    group_labels,
    item_ids,
    numbers,
    require_columns,
)
from core_modules.history_files.sales_dates import days, moments
from core_modules.history_files.sales_files import TextTable
from core_modules.history_files.sales_frame import SalesRows
from core_modules.history_files.sales_readers import SourceRows, check_one_row_a_day

ONLINE_RETAIL_COLUMNS = (
    "InvoiceNo",
    "StockCode",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
)
ROSSMANN_COLUMNS = ("Store", "Date", "Sales")
# Goods that a shelf can hold: five digits with or without letters (85123A), the glass, jewellery
# and party bags of the sister shop (DCGS...), and PADS. What else the column holds is no stock:
# POST, DOT and C2 (carriage), M (manual entries), D (discount), S (samples), B (bad debt),
# BANK CHARGES, AMAZONFEE, CRUK (commission) and gift vouchers (gift_0001_...).
PRODUCT_CODE = r"\d{5}[A-Z]*|DCGS[0-9A-Z]+|PADS"
# A Rossmann store without a row for longer than this was being rebuilt: demand is unknown.
LONGEST_SHORT_BREAK = 14  # days


def read_online_retail(table: TextTable) -> SourceRows:
    """Read Online Retail transactions: one row an invoice line, added up by product and day.

    The steps, in order. (1) Codes are compared in capitals (84997b is 84997B). (2) What is no
    product goes. (3) Exact duplicate rows stay: an invoice names a product in several lines
    as a matter of course, half of these with other quantities, so that they are no copies; the
    identical ones lie as far apart, are mostly single units, and are 0.3 % of all. (4) A
    cancellation and the latest sale before it with the same customer, product and quantity go
    together. (5) Other cancellations and negative quantities go: what came back in part or was
    written off was demand nevertheless on the day it was sold. (6) Lines without a positive price
    go: these are stock corrections.

    `price` is the day's mean price, weighted by units.
    """
    require_columns(table, ONLINE_RETAIL_COLUMNS, {})
    coded, codes = distinct(pc.utf8_upper(table.texts("StockCode")))
    product = pd.Series(codes, dtype="str").str.fullmatch(PRODUCT_CODE).to_numpy(dtype=bool)[coded]
    quantity = numbers(table, "Quantity", least=-LARGEST_NUMBER)
    price = numbers(table, "UnitPrice", least=-LARGEST_NUMBER)
    moment = moments(table, "InvoiceDate")
    cancelled = pc.starts_with(table.texts("InvoiceNo"), "C").to_numpy(zero_copy_only=False)
    netted = product & _netted(table, coded, quantity, moment, cancelled)
    left = product & ~netted
    sale = left & ~cancelled & (quantity > 0) & (price > 0)
    if not sale.any():
        table.refuse("has no row that is a sale; a sale has a product code, a price and units")
    cleaning = {
        "rows read": table.rows,
        "rows of no product dropped": int((~product).sum()),
        "exact duplicate rows kept": _duplicates(table),
        "cancellations netted with their sale": int((netted & cancelled).sum()),
        "units netted": int(quantity[netted & ~cancelled].sum()),
        "cancellations without such a sale dropped": int((left & cancelled).sum()),
        "other rows of no or negative quantity dropped": int(
            (left & ~cancelled & (quantity <= 0)).sum()
        ),
        "rows of no or negative price dropped": int(
            (left & ~cancelled & (quantity > 0) & (price <= 0)).sum()
        ),
        "sales rows kept": int(sale.sum()),
        "units kept": int(quantity[sale].sum()),
    }
    ds = moment.astype("datetime64[D]")
    rows = _daily(coded[sale], codes, ds[sale], quantity[sale], price[sale])
    return SourceRows(rows, cleaning, ds.max())


def _duplicates(table: TextTable) -> int:
    coded = {name: distinct(texts)[0] for name, texts in table.columns.items()}
    return int(pd.DataFrame(coded).duplicated().sum())


def _netted(
    table: TextTable,
    code: IntArray,
    quantity: FloatArray,
    moment: NDArray[np.datetime64],
    cancelled: BoolArray,
) -> BoolArray:
    """Return the rows of cancellations and sales that undo each other, shape (rows,)."""
    customer, names = distinct(table.columns["CustomerID"])
    known = np.array([name != "" for name in names], dtype=bool)[customer]
    candidate = np.flatnonzero(known & (cancelled == (quantity < 0)) & (quantity != 0))
    alike = pd.DataFrame({"customer": customer, "code": code, "quantity": np.abs(quantity)}).iloc[
        candidate
    ]
    group = alike.groupby(["customer", "code", "quantity"], sort=False).ngroup()
    opened = ~cancelled[candidate]
    netted = np.zeros(len(quantity), dtype=bool)
    netted[candidate] = match_latest(group.to_numpy().astype(np.int64), moment[candidate], opened)
    return netted


def match_latest(group: IntArray, moment: NDArray[np.datetime64], opened: BoolArray) -> BoolArray:
    """Return the rows that pair up, shape (rows,): a closing one with the latest open one before.

    Within a group this is how brackets are matched: `opened` rows are pushed, the others pop, and
    what finds an empty stack stays alone. At the same moment, opening comes first.

    >>> times = np.array([1, 2, 3, 4, 5])
    >>> match_latest(np.zeros(5, int), times, np.array([False, True, True, False, True])).tolist()
    [False, False, True, True, False]
    """
    order = np.lexsort((~opened, moment, group))
    opened = opened[order]
    rows = pd.DataFrame({"group": group[order], "step": np.where(opened, 1, -1)})
    rows["balance"] = rows.groupby("group")["step"].cumsum()
    rows["floor"] = rows.groupby("group")["balance"].cummin().clip(upper=0)
    before = rows.groupby("group")["floor"].shift(fill_value=0)
    alone = ~opened & (rows["floor"] < before).to_numpy(dtype=bool)
    level = rows["balance"] - rows["floor"] + ~opened  # depth of the stack with this pair on it
    # By level, a closing row comes directly after the row it closes.
    nested = np.lexsort((np.arange(len(rows)), level, rows["group"], alone))
    closes = ~opened[nested] & ~alone[nested]
    paired = closes.copy()
    paired[:-1] |= closes[1:]
    matched = np.zeros(len(rows), dtype=bool)
    matched[order[nested]] = paired
    return matched


def _daily(
    code: IntArray,
    codes: list[str],
    ds: NDArray[np.datetime64],
    quantity: FloatArray,
    price: FloatArray,
) -> SalesRows:
    frame = pd.DataFrame({"item": code, "ds": ds, "y": quantity, "money": quantity * price})
    daily = frame.groupby(["item", "ds"], as_index=False).sum()
    used = np.array(sorted(daily["item"].unique(), key=codes.__getitem__))
    rank = np.zeros(len(codes), dtype=np.int64)
    rank[used] = np.arange(len(used))
    return SalesRows(
        ids=[codes[number] for number in used],
        item=rank[daily["item"].to_numpy()],
        ds=daily["ds"].to_numpy().astype("datetime64[D]"),
        y=daily["y"].to_numpy(),
        price=(daily["money"] / daily["y"]).to_numpy(),
    )


def read_rossmann(table: TextTable) -> SourceRows:
    """Read Rossmann's turnover of open days; a store is an item, its type the category.

    A day without a row is a day the shop was shut: zero turnover. A longer absence (over 14 days;
    180 stores in the second half of 2014) says nothing of demand and is kept as out of stock.
    """
    require_columns(table, ROSSMANN_COLUMNS, {})
    store, ids = item_ids(table, "Store")
    date = days(table, "Date")
    check_one_row_a_day(table, store, date, "Store")
    turnover = numbers(table, "Sales")
    promo = numbers(table, "Promo") if "Promo" in table else np.zeros(table.rows)
    trading = flags(table, "Open") if "Open" in table else np.ones(table.rows, dtype=bool)
    if not trading.any():
        table.refuse("has no row of an open store; Open is 0 in all of them")
    item, ds = store[trading], date[trading]
    absent_item, absent_ds = _long_absences(item, ds)
    absent = len(absent_item)
    rows = SalesRows(
        ids=ids,
        item=np.concatenate((item, absent_item)),
        ds=np.concatenate((ds, absent_ds)),
        y=np.concatenate((turnover[trading], np.full(absent, np.nan))),
        in_stock=np.arange(len(item) + absent) < len(item),
        promo=np.concatenate((promo[trading], np.zeros(absent))),
        groups={
            group: group_labels(table, column, store, ids)
            for column, group in (("StoreType", "category"), ("Assortment", "assortment"))
            if column in table
        },
    )
    cleaning = {
        "rows read": table.rows,
        "rows of shut stores left out": int((~trading).sum()),
        "store-days of long absences kept as missing": absent,
    }
    return SourceRows(rows, cleaning, date.max(), quantity="money")


def _long_absences(
    item: IntArray, ds: NDArray[np.datetime64]
) -> tuple[IntArray, NDArray[np.datetime64]]:
    """Return item and day of each day of the breaks that are longer than LONGEST_SHORT_BREAK."""
    order = np.lexsort((ds, item))
    item, day = item[order], ds[order].astype(np.int64)
    following = np.append(day[1:], 0)
    following[np.append(item[1:] != item[:-1], True)] = day.max() + 1
    missing = following - day - 1
    breaks = np.flatnonzero(missing > LONGEST_SHORT_BREAK)
    length = missing[breaks]
    within = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
    absent = np.repeat(day[breaks] + 1, length) + within
    return np.repeat(item[breaks], length), absent.astype("datetime64[D]")
