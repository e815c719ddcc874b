"""Makes the example files beside it: two years of sales of a made-up corner shop, and its stock."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

SEED = 417
DAYS = pd.date_range("2024-01-01", "2025-12-31")
HOLIDAYS = ("01-01", "12-25", "12-26")  # the shop is closed and writes no rows
WEEKDAYS = np.array([0.85, 0.9, 0.95, 1.0, 1.2, 1.35, 0.75])  # Monday first
PROMOTION_DAYS = 7
PROMOTION_LIFT = 1.9
PROMOTION_PRICE = 0.8  # share of the usual price


@dataclass(frozen=True, slots=True)
class Product:
    """One product of the shop."""

    unique_id: str
    category: str
    units: float  # mean sales a day
    summer: float  # yearly swing about the mean, 0 to 1; < 0 peaks in winter
    shape: float  # negative binomial; the larger, the steadier
    price: float  # money a unit
    cost: float  # money a unit
    terms: str  # order_cost, lead_time, moq, pack_size, max_order, shelf_life as in items.csv
    on_hand: int  # units at the end of the last day
    on_order: tuple[tuple[str, int], ...] = ()  # (due, units)
    promotions: tuple[str, ...] = ()  # first days
    stockouts: tuple[tuple[str, int], ...] = ()  # (first day, days)
    first_day: str = "2024-01-01"


# fmt: off
PRODUCTS = (
    Product("00417", "Drinks", 34, 0.45, 9, 1.20, 0.70, "4,3,24,12,600,", 132,
            (("2026-01-02", 96),), ("2024-06-10", "2025-06-16"), (("2024-08-01", 3),)),
    Product("00418", "Drinks", 21, 0.10, 8, 1.95, 1.15, "4,3,24,12,600,", 95,
            (), ("2024-03-04", "2025-03-10")),
    Product("00530", "Drinks", 12, -0.25, 7, 5.49, 3.60, "4,5,0,6,,", 41,
            (("2026-01-03", 36),), ("2024-02-05", "2024-10-14", "2025-02-03", "2025-10-13"),
            (("2024-11-18", 4), ("2025-12-15", 2))),
    Product("01002", "Bakery", 55, 0.0, 25, 0.65, 0.30, "0,1,10,10,,2", 60),
    Product("01007", "Bakery", 18, -0.10, 12, 2.40, 1.10, "0,1,0,6,,3", 22,
            (), ("2025-04-14",)),
    Product("02210", "Household", 6, 0.05, 4, 3.80, 2.30, "9,7,12,6,240,", 31,
            (("2026-01-06", 24),), (), (("2025-05-05", 6),)),
    Product("02215", "Household", 0.4, -0.3, 1.5, 8.90, 4.75, "9,7,0,1,,", 4),
    Product("02340", "Household", 4, 0.0, 3, 2.75, 1.40, "9,7,12,12,,", 19,
            (), (), (), "2025-06-02"),
)
# fmt: on


def make_sales(rng: np.random.Generator) -> pd.DataFrame:
    """Return the sales in the project's long columns, a row for each product and open day."""
    return pd.concat([_product_sales(product, rng) for product in PRODUCTS], ignore_index=True)


def _product_sales(product: Product, rng: np.random.Generator) -> pd.DataFrame:
    season = 1 + product.summer * np.sin(2 * np.pi * (DAYS.day_of_year.to_numpy() - 105) / 365.25)
    promo = np.zeros(len(DAYS))
    for first in product.promotions:
        promo[DAYS.get_loc(first) :][:PROMOTION_DAYS] = 1
    in_stock = np.ones(len(DAYS), dtype=bool)
    for first, days in product.stockouts:
        in_stock[DAYS.get_loc(first) :][:days] = False
    mean = product.units * season * WEEKDAYS[DAYS.day_of_week] * (1 + (PROMOTION_LIFT - 1) * promo)
    units = rng.poisson(rng.gamma(product.shape, mean / product.shape))
    price = np.where(promo > 0, PROMOTION_PRICE * product.price, product.price)
    sales = pd.DataFrame(
        {
            "unique_id": product.unique_id,
            "ds": DAYS.strftime("%Y-%m-%d"),
            "y": np.where(in_stock, units, 0),
            "in_stock": np.where(in_stock, "true", "false"),
            "price": np.char.mod("%.2f", price),
            "promo": promo.astype(np.int64),
            "category": product.category,
        }
    )
    open_days = ~DAYS.strftime("%m-%d").isin(HOLIDAYS)
    return sales[open_days & (product.first_day <= DAYS)]


# What `plan` may know beside: who supplies, room a unit takes (litres), and what haste costs.
SUPPLIERS = {"Drinks": "Getraenke Nord", "Bakery": "Backstube", "Household": "Wholesale Ltd"}
SUPPLIER_TERMS = (  # supplier, minimum_order_value, order_days
    ("Getraenke Nord", "150", "mon wed fri"),
    ("Backstube", "", ""),
    ("Wholesale Ltd", "120", "wed"),
)
VOLUMES = {"Drinks": 1.6, "Bakery": 0.9, "Household": 2.4}
HASTE = {"Household": "0.35,2"}  # expedite_cost, expedited_lead_time
SERVICE = (("A", 0.98), ("BX", 0.97), ("C", 0.9))  # class, service


def make_files(folder: Path) -> None:
    """Write all example files but events.toml into the folder."""
    terms = "order_cost,lead_time,moq,pack_size,max_order,shelf_life"
    files = {
        "sales.csv": make_sales(np.random.default_rng(SEED)).to_csv(
            index=False, lineterminator="\n"
        ),
        "items.csv": _lines(
            f"unique_id,category,unit_price,unit_cost,{terms}",
            (f"{p.unique_id},{p.category},{p.price},{p.cost},{p.terms}" for p in PRODUCTS),
        ),
        "stock.csv": _lines("unique_id,on_hand", (f"{p.unique_id},{p.on_hand}" for p in PRODUCTS)),
        "open_orders.csv": _lines(
            "unique_id,due,quantity",
            (f"{p.unique_id},{due},{units}" for p in PRODUCTS for due, units in p.on_order),
        ),
        "plan_items.csv": _lines(
            f"unique_id,category,unit_price,unit_cost,{terms},"
            "supplier,volume,expedite_cost,expedited_lead_time",
            (
                f"{p.unique_id},{p.category},{p.price},{p.cost},{p.terms},{SUPPLIERS[p.category]},"
                f"{VOLUMES[p.category]},{HASTE.get(p.category, ',')}"
                for p in PRODUCTS
            ),
        ),
        "suppliers.csv": _lines(
            "supplier,minimum_order_value,order_days", (",".join(one) for one in SUPPLIER_TERMS)
        ),
        "service_by_class.csv": _lines(
            "class,service", (f"{name},{service}" for name, service in SERVICE)
        ),
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def _lines(header: str, rows: Iterable[str]) -> str:
    return "\n".join([header, *rows]) + "\n"


if __name__ == "__main__":
    make_files(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent)
