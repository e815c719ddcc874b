"""Service, money and stock figures of a simulated run; pure functions of what happened.

Money: profit = revenue - cost of goods sold - waste at cost - holding - ordering - expediting -
goodwill lost + salvage, with stock left valued at cost. Cash view: revenue - purchases. Units are
bought and paid when they arrive.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core_modules.item_terms import ItemTerms
from core_modules.market_scenarios import NORMAL_OPERATIONS
from core_modules.simulation import Market, SimulationResult

FloatArray = NDArray[np.float64]

DAYS_A_YEAR = 365


@dataclass(frozen=True, slots=True)
class Money:
    """The components of profit; every array is (items, replications, days), in currency."""

    revenue: FloatArray
    cost_of_goods_sold: FloatArray
    waste: FloatArray  # wasted units at cost
    holding: FloatArray
    ordering: FloatArray
    expediting: FloatArray
    goodwill: FloatArray
    salvage: FloatArray  # got for wasted units
    purchases: FloatArray  # paid for what arrived

    @property
    def profit(self) -> FloatArray:
        """Profit by item, replication and day."""
        return (
            self.revenue
            - self.cost_of_goods_sold
            - self.waste
            - self.holding
            - self.ordering
            - self.expediting
            - self.goodwill
            + self.salvage
        )

    @property
    def cash_profit(self) -> FloatArray:
        """Revenue less purchases, the superseded demo's measure."""
        return self.revenue - self.purchases


def money(result: SimulationResult, market: Market, terms: Sequence[ItemTerms]) -> Money:
    """Price what happened."""

    def column(name: str) -> FloatArray:
        return np.array([[[getattr(one, name)]] for one in terms], dtype=np.float64)

    return Money(
        revenue=result.sold * column("unit_price") * market.price_multiplier,
        cost_of_goods_sold=result.sold * column("unit_cost"),
        waste=result.wasted * column("unit_cost"),
        holding=(result.on_hand + result.wasted) * column("holding_cost"),
        ordering=(result.ordered > 0) * column("order_cost"),
        expediting=np.zeros(result.sold.shape),
        goodwill=result.unmet * column("goodwill"),
        salvage=result.wasted * column("salvage"),
        purchases=result.received * column("unit_cost"),
    )


def service_level(unmet: NDArray[np.int64]) -> float:
    """Share of item-days on which no demand went unmet, 0 to 1."""
    return float((unmet == 0).mean())


def fill_rate(sold: NDArray[np.int64], demand: NDArray[np.int64]) -> float:
    """Units sold over units demanded, 0 to 1; 1 where nothing was demanded.

    Under backorders units that were handed over late count as sold.
    """
    demanded = demand.sum()
    return float(sold.sum() / demanded) if demanded else 1.0


def cycle_service_level(received: NDArray[np.int64], unmet: NDArray[np.int64]) -> float:
    """Share of replenishment cycles, from one receipt to the next, without unmet demand.

    Arrays are (..., days). The days before the first receipt are the first cycle.
    """
    cycle = np.cumsum(received > 0, axis=-1)
    series = np.arange(cycle[..., 0].size).reshape(cycle.shape[:-1])[..., None]
    number = (series * (cycle.shape[-1] + 1) + cycle).ravel()
    short = np.bincount(number, weights=(unmet > 0).ravel())
    present = np.bincount(number) > 0
    return float((short[present] == 0).mean())


def key_figures(
    result: SimulationResult, market: Market, terms: Sequence[ItemTerms], replication: int = 0
) -> dict[str, float]:
    """Compute the figures of one replication's run over all its items, by their names in files.

    `turns` and `gmroi` are for a year: cost of goods sold, and gross margin, over the average stock
    at cost. A figure without a denominator is not a number. Under backorders `lost_units` are those
    not handed over on the day.
    """
    one = slice(replication, replication + 1)
    cash = money(result, market, terms)
    total = {field.name: float(getattr(cash, field.name)[:, one].sum()) for field in fields(Money)}
    demand, sold, unmet = market.demand[:, one], result.sold[:, one], result.unmet[:, one]
    on_hand, days = result.on_hand[:, one], demand.shape[-1]
    unit_cost = np.array([[[one_item.unit_cost]] for one_item in terms])
    stock_value = float((on_hand * unit_cost).sum(axis=0).mean())
    cost_of_sales = total["cost_of_goods_sold"]
    gross_margin = total["revenue"] - cost_of_sales
    a_year = DAYS_A_YEAR / days
    return {
        "days": days,
        "service_level": service_level(unmet),
        "cycle_service_level": cycle_service_level(result.received[:, one], unmet),
        "fill_rate": fill_rate(sold, demand),
        "stockout_days": int((unmet > 0).sum()),
        "demand_units": int(demand.sum()),
        "sold_units": int(sold.sum()),
        "lost_units": int(unmet.sum()),
        "waste_units": int(result.wasted[:, one].sum()),
        **total,
        "profit": float(cash.profit[:, one].sum()),
        "cash_profit": float(cash.cash_profit[:, one].sum()),
        "normal_share": float((market.scenario[:, one] == NORMAL_OPERATIONS).mean()),
        "average_stock": float(on_hand.sum(axis=0).mean()),
        "average_stock_value": stock_value,
        "orders_placed": int((result.ordered[:, one] > 0).sum()),
        "turns": _ratio(cost_of_sales * a_year, stock_value),
        "days_of_cover": _ratio(float(on_hand.sum(axis=0).mean()), float(sold.sum()) / days),
        "gmroi": _ratio(gross_margin * a_year, stock_value),
    }


def _ratio(over: float, under: float) -> float:
    return over / under if under else float("nan")


def by_scenario(
    result: SimulationResult, market: Market, terms: Sequence[ItemTerms], replication: int = 0
) -> pd.DataFrame:
    """Add up one replication's run by the scenario of the day, in order of first appearance.

    `days` are item-days.
    """
    profit = money(result, market, terms).profit
    frame = pd.DataFrame(
        {
            "scenario": market.scenario[:, replication].ravel().astype(str),
            "demand": market.demand[:, replication].ravel(),
            "sold": result.sold[:, replication].ravel(),
            "lost": result.unmet[:, replication].ravel(),
            "without_stockout": result.unmet[:, replication].ravel() == 0,
            "profit": profit[:, replication].ravel(),
            "on_hand": result.on_hand[:, replication].ravel(),
        }
    )
    totals = frame.groupby("scenario", sort=False).agg(
        days=("demand", "size"),
        demand=("demand", "sum"),
        sold=("sold", "sum"),
        lost=("lost", "sum"),
        service_level=("without_stockout", "mean"),
        profit=("profit", "sum"),
        average_stock=("on_hand", "mean"),
    )
    totals["fill_rate"] = (totals["sold"] / totals["demand"].where(totals["demand"] > 0)).fillna(1)
    return totals.reset_index()


def by_item(
    result: SimulationResult, market: Market, terms: Sequence[ItemTerms], replication: int = 0
) -> pd.DataFrame:
    """Add up one replication's run by item."""
    demand, sold = market.demand[:, replication], result.sold[:, replication]
    demanded = demand.sum(axis=1)
    return pd.DataFrame(
        {
            "unique_id": [one.unique_id for one in terms],
            "demand": demanded,
            "sold": sold.sum(axis=1),
            "lost": result.unmet[:, replication].sum(axis=1),
            "fill_rate": np.where(demanded > 0, sold.sum(axis=1) / np.maximum(demanded, 1), 1.0),
            "service_level": (result.unmet[:, replication] == 0).mean(axis=1),
            "profit": money(result, market, terms).profit[:, replication].sum(axis=1),
            "average_stock": result.on_hand[:, replication].mean(axis=1),
        }
    )


def by_replication(
    result: SimulationResult, market: Market, terms: Sequence[ItemTerms]
) -> pd.DataFrame:
    """Figures that policies are compared by, one row a replication."""
    cash = money(result, market, terms)
    demanded = market.demand.sum(axis=(0, 2))
    return pd.DataFrame(
        {
            "profit": cash.profit.sum(axis=(0, 2)),
            "cash_profit": cash.cash_profit.sum(axis=(0, 2)),
            "service_level": (result.unmet == 0).mean(axis=(0, 2)),
            "fill_rate": np.where(
                demanded > 0, result.sold.sum(axis=(0, 2)) / np.maximum(demanded, 1), 1.0
            ),
            "lost_units": result.unmet.sum(axis=(0, 2)),
            "average_stock": result.on_hand.sum(axis=0).mean(axis=1),
            "orders_placed": (result.ordered > 0).sum(axis=(0, 2)),
        }
    )
