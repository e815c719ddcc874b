"""Runs simple stock rules through a market at once: sums instead of days, the same physics.

A rule that needs nothing but the ledger is not asked evening by evening: its whole run is one
compiled loop (`rule_ledger`). For single days of it, `simulation.simulate` runs the same rule as a
policy and gives the same sums.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core_modules import inventory
from core_modules.inventory import IntArray
from core_modules.item_terms import ItemTerms
from core_modules.rule_ledger import (
    CLOSING,
    ORDERS,
    OWED,
    RECEIVED,
    SHORT_DAYS,
    SOLD,
    STOCK,
    SUMS,
    UNMET,
    WASTED,
    run_rule,
)
from core_modules.simulation import Market

FloatArray = NDArray[np.float64]
Laid = tuple[NDArray[Any], tuple[int, int, int]]  # flat values and their strides


@dataclass(frozen=True, slots=True, eq=False)
class StockRule:
    """What brings an item's inventory position up, and to where; arrays are (items,)."""

    levels: IntArray  # units that an order brings the position to
    reorder_points: IntArray  # units at or below which an order goes out
    cover_days: FloatArray  # days of recent mean sales that replace both; 0: none
    recent: IntArray  # (items, window) units of the days before the run, -1 where not known

    @classmethod
    def order_up_to(cls, levels: FloatArray) -> "StockRule":
        """Bring the position to a level at each review, as `OrderUpTo` does."""
        whole = np.rint(levels).astype(np.int64)
        return cls.reorder(whole - 1, whole)

    @classmethod
    def reorder(cls, points: IntArray, levels: IntArray) -> "StockRule":
        """(s, S): bring a position of s or less to S, as `ReorderToLevel` does."""
        none = np.full((levels.size, 1), -1, dtype=np.int64)
        return cls(levels, points, np.zeros(levels.size), none)

    @classmethod
    def days_of_cover(cls, days: FloatArray, recent: IntArray, window: int) -> "StockRule":
        """Bring the position to days of the trailing mean of sales, as `DaysOfCover` does."""
        last = recent[:, -window:]
        before = np.full((days.size, window), -1, dtype=np.int64)
        before[:, window - last.shape[1] :] = last
        nothing = np.zeros(days.size, dtype=np.int64)
        return cls(nothing, nothing, np.asarray(days, dtype=np.float64), before)


@dataclass(frozen=True, slots=True, eq=False)
class RunSums:
    """What happened in a run; arrays are (items, replications), units over all days."""

    received: IntArray
    sold: IntArray
    unmet: IntArray  # lost, or not handed over on the day
    wasted: IntArray
    stock: IntArray  # units on hand, added up over the ends of days
    orders: IntArray  # orders placed
    short_days: IntArray  # days with unmet demand
    priced: FloatArray  # units sold times the day's price multiplier
    demanded: IntArray
    days: int


class RuleRunner:
    """A market and its items laid out once, for many runs of rules."""

    def __init__(
        self,
        market: Market,
        terms: Sequence[ItemTerms],
        opening_stock: IntArray,
        *,
        opening_orders: IntArray | None = None,
        backorders: bool = False,
    ) -> None:
        items = market.shape[0]
        if len(terms) != items or opening_stock.shape != (items,):
            raise ValueError(
                f"a market of {items} items needs as many terms and opening stocks, got "
                f"{len(terms)} and {opening_stock.shape}"
            )
        self._demand, self._opening = np.ascontiguousarray(market.demand), opening_stock
        self._lead_times = _laid(market.lead_times)
        self._filled_share = _laid(market.filled_share)
        self._price = _laid(market.price_multiplier)
        none = np.zeros((items, 0), dtype=np.int64)
        self._coming = none if opening_orders is None else opening_orders.astype(np.int64)
        limits = inventory.order_limits(terms)
        self._limits = (
            np.ascontiguousarray(limits.moq[:, 0]),
            np.ascontiguousarray(limits.pack_size[:, 0]),
            np.ascontiguousarray(limits.max_order[:, 0]),
        )
        self._reviews = np.array([one.review_period for one in terms], dtype=np.int64)
        self._lives = np.array([one.shelf_life or 0 for one in terms], dtype=np.int64)
        self._backorders = backorders
        self._demanded = self._demand.sum(axis=2)

    def run(self, rule: StockRule) -> RunSums:
        """Run a rule; LedgerError if units do not balance."""
        items, replications, days = self._demand.shape
        sums = np.empty((items, replications, SUMS), dtype=np.int64)
        priced = np.empty((items, replications))
        run_rule(
            self._demand,
            self._lead_times,
            self._filled_share,
            self._price,
            self._opening,
            self._coming,
            rule.reorder_points,
            rule.levels,
            rule.cover_days,
            rule.recent,
            self._limits,
            self._reviews,
            self._lives,
            self._backorders,
            (0, items),
            sums,
            priced,
        )
        self._check(sums)
        return RunSums(
            received=sums[:, :, RECEIVED],
            sold=sums[:, :, SOLD],
            unmet=sums[:, :, UNMET],
            wasted=sums[:, :, WASTED],
            stock=sums[:, :, STOCK],
            orders=sums[:, :, ORDERS],
            short_days=sums[:, :, SHORT_DAYS],
            priced=priced,
            demanded=self._demanded,
            days=days,
        )

    def _check(self, sums: IntArray) -> None:
        opening = np.broadcast_to(self._opening[:, None], sums.shape[:2])
        columns = (RECEIVED, SOLD, WASTED, CLOSING)
        inventory.check_balance(opening, *(sums[:, :, column] for column in columns))
        left = sums[:, :, OWED if self._backorders else UNMET]
        nothing = np.zeros_like(left)
        inventory.check_balance(self._demanded, nothing, sums[:, :, SOLD], left, nothing)


def _laid(values: NDArray[Any]) -> Laid:
    """Return an array flat, one value an item where it is constant; lead times nearly always are.

    >>> _laid(np.full((2, 3, 4), 5))[1]
    (1, 0, 0)
    """
    first = values[:, :1, :1]
    if bool((values == first).all()):
        return np.ascontiguousarray(first.ravel()), (1, 0, 0)
    _, replications, days = values.shape
    return np.ascontiguousarray(values).ravel(), (replications * days, days, 1)


def figures_of(sums: RunSums, terms: Sequence[ItemTerms]) -> pd.DataFrame:
    """Return what `performance_analytics.by_replication` finds in the days of the same run."""

    def each(name: str) -> FloatArray:
        return np.array([[getattr(one, name)] for one in terms], dtype=np.float64)

    revenue = sums.priced * each("unit_price")
    profit = (
        revenue
        - sums.sold * each("unit_cost")
        - sums.wasted * (each("unit_cost") - each("salvage"))
        - (sums.stock + sums.wasted) * each("holding_cost")
        - sums.orders * each("order_cost")
        - sums.unmet * each("goodwill")
    )
    cash = revenue - sums.received * each("unit_cost")
    sold, demanded = sums.sold.sum(axis=0), sums.demanded.sum(axis=0)
    item_days = sums.days * len(terms)
    return pd.DataFrame(
        {
            "profit": profit.sum(axis=0),
            "cash_profit": cash.sum(axis=0),
            "service_level": 1 - sums.short_days.sum(axis=0) / item_days,
            "fill_rate": np.where(demanded > 0, sold / np.maximum(demanded, 1), 1.0),
            "lost_units": sums.unmet.sum(axis=0),
            "average_stock": sums.stock.sum(axis=0) / sums.days,
            "orders_placed": sums.orders.sum(axis=0),
        }
    )
