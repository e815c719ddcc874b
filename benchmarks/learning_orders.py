"""The plain order rule and cost that all experiments on learning share.

An order is the newsvendor's at its arrival: stock is carried along every demand path, lost sales
included, to the day on which tonight's order arrives, and the order is the p / (p + h) quantile of
what is short from then until the next evening's order can be there.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core_modules import inventory
from core_modules.inventory import IntArray
from core_modules.item_terms import ItemTerms
from core_modules.simulation import SimulationResult

FloatArray = NDArray[np.float64]

TO_SPARE = -(2**40)  # units short where tonight's order serves nobody
HOLDING = 1.0  # money a unit a day; a lost unit costs the penalty ratio times it


def item_terms(items: int, lead_time: int, penalty: float) -> list[ItemTerms]:
    """Return items whose lost unit costs `penalty` days of holding one."""
    return [
        ItemTerms(f"item-{number}", penalty + 1, 1.0, HOLDING, lead_time=lead_time)
        for number in range(items)
    ]


def units_short(
    demand: IntArray,
    on_hand: IntArray,
    due: IntArray,
    arrives: IntArray,
    covers: IntArray,
) -> IntArray:
    """Return what is short, without tonight's order, until the next one is there; < 0: to spare.

    `demand` is (items, paths, days) from tomorrow on, `on_hand` (items,), `due` (items, days),
    `arrives` the days until tonight's order is on the shelf and `covers` the days it must serve
    from then on, both (items, paths). The answer is (items, paths).
    """
    stock = np.repeat(on_hand[:, None], demand.shape[1], axis=1)
    nothing, short = np.zeros_like(stock), np.full(stock.shape, TO_SPARE)
    for day in range(demand.shape[2]):
        today = demand[:, :, day]
        stock = inventory.receive(stock, due[:, day, None])
        waiting, served = day + 1 < arrives, day + 1 < arrives + covers
        left = inventory.sell(np.maximum(stock, 0), today, nothing, backorders=False).on_hand
        stock = np.where(waiting, left, stock - today)
        short = np.where(~waiting & served, np.maximum(short, -stock), short)
    return short


def newsvendor_orders(short: IntArray, terms: Sequence[ItemTerms]) -> IntArray:
    """Return each item's order, (items,), from its shortages along equally likely paths."""
    ratio = terms[0].shortage_cost / (terms[0].shortage_cost + terms[0].holding_cost)
    wanted = np.quantile(short, ratio, axis=1, method="inverted_cdf")
    return np.maximum(wanted, 0).astype(np.int64)


def daily_cost(result: SimulationResult, terms: Sequence[ItemTerms], first: int) -> FloatArray:
    """Return money a day for holding and lost sales from day `first` on, (items, replications)."""
    holding = np.array([one.holding_cost for one in terms])[:, None, None]
    shortage = np.array([one.shortage_cost for one in terms])[:, None, None]
    cost = holding * result.on_hand + shortage * result.unmet
    return np.asarray(cost[:, :, first:].mean(axis=-1))


def fill_rate(result: SimulationResult, first: int) -> float:
    """Return the share of demand served from day `first` on."""
    sold, unmet = result.sold[:, :, first:].sum(), result.unmet[:, :, first:].sum()
    return float(sold / (sold + unmet))


def paired_ratio(cost: FloatArray, base: FloatArray) -> tuple[float, float]:
    """Return the ratio of two arms' total costs and its standard error over paired runs."""
    ratio = cost.sum() / base.sum()
    error = (cost - ratio * base).std(ddof=1) * np.sqrt(cost.size) / base.sum()
    return float(ratio), float(error)
