"""Compiled ledger of a simple stock rule: receive, sell, expire, order, days in a row.

The same day as `simulation.simulate` lays out, path after path, with sums kept instead of days.
"""
# ruff: noqa: FURB136 - `min` and `max` of floats take care of NaN, which costs as much as the day

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
AnyArray = NDArray[Any]
Strides = tuple[int, int, int]

# Columns of the sums of a path.
RECEIVED, SOLD, UNMET, WASTED, STOCK, ORDERS, SHORT_DAYS, CLOSING, OWED = range(9)
SUMS = 9


@njit(cache=True, error_model="numpy", nogil=True)
def _row(values: AnyArray, strides: Strides, item: int, path: int) -> AnyArray:
    """Return a path's days of a flat array, or from its one value on where days are alike."""
    return values[item * strides[0] + path * strides[1] :]


@njit(cache=True, error_model="numpy", nogil=True)
def run_rule(  # noqa: C901, PLR0915 - one day in one piece: a call would cost as much as the day
    demand: IntArray,
    lead_times: tuple[IntArray, Strides],
    filled_share: tuple[FloatArray, Strides],
    price: tuple[FloatArray, Strides],
    opening_stock: IntArray,
    opening_orders: IntArray,
    reorder_points: IntArray,
    levels: IntArray,
    cover_days: FloatArray,
    recent: IntArray,
    limits: tuple[IntArray, IntArray, IntArray],
    review_periods: IntArray,
    shelf_lives: IntArray,
    backorders: bool,
    items: tuple[int, int],
    sums: IntArray,
    priced: FloatArray,
) -> None:
    """Fill `sums` (items, replications, SUMS) and units sold times price multiplier, `priced`.

    `demand` is (items, replications, days); lead times, shares and prices are flat arrays with
    their strides, 0 along axes on which they are constant. At each review an inventory position
    at or below the reorder point is brought to the level. Where `cover_days` > 0 the level is so
    many days of the trailing mean of sales, which begins with `recent` (items, window), NaN days as
    -1. `items` are the first and the one after the last.
    """
    _, replications, days = demand.shape
    longest = lead_times[0].max() if lead_times[0].size else 1
    arriving = np.zeros(max(days + longest, opening_orders.shape[1]) + 1, dtype=np.int64)
    window = np.zeros(max(recent.shape[1], 1), dtype=np.int64)
    lead_step, share_step, price_step = lead_times[1][2], filled_share[1][2], price[1][2]
    for item in range(items[0], items[1]):
        reorder_point, level = reorder_points[item], levels[item]
        cover, life, review = cover_days[item], shelf_lives[item], review_periods[item]
        moq, pack, largest = limits[0][item], limits[1][item], limits[2][item]
        most = largest // pack * pack
        plain = pack == 1 and moq <= 1
        lots = np.zeros(days if life > 0 else 0, dtype=np.int64)
        for path in range(replications):
            arriving[:] = 0
            on_order = 0
            for day in range(opening_orders.shape[1]):
                arriving[day] = opening_orders[item, day]
                on_order += opening_orders[item, day]
            units = demand[item, path]
            leads = _row(lead_times[0], lead_times[1], item, path)
            shares = _row(filled_share[0], filled_share[1], item, path)
            prices = _row(price[0], price[1], item, path)
            lead, share, at_price = leads[0], shares[0], prices[0]
            total, count, slot = 0, 0, 0
            if cover > 0:
                for day in range(window.size):
                    window[day] = recent[item, day]
                    if window[day] >= 0:
                        total += window[day]
                        count += 1
            stock, owed, oldest, until = opening_stock[item], 0, 0, review
            all_received, all_sold, all_unmet, all_wasted = 0, 0, 0, 0
            held, orders, short_days, worth = 0, 0, 0, 0.0
            for day in range(days):
                received, wanted = arriving[day], units[day]
                on_order -= received
                stock += received
                asked = owed + wanted
                sold = stock if stock < asked else asked
                served = sold - owed if sold > owed else 0
                unmet = wanted - served
                stock -= sold
                if backorders:
                    owed = asked - sold
                if price_step > 0:
                    at_price = prices[day]
                worth += sold * at_price
                if life > 0:
                    lots[day] = received + (opening_stock[item] if day == 0 else 0)
                    left = sold
                    while left > 0:
                        taken = lots[oldest] if lots[oldest] < left else left
                        lots[oldest] -= taken
                        left -= taken
                        if left > 0:
                            oldest += 1
                    if day >= life - 1:
                        wasted = lots[day - life + 1]
                        lots[day - life + 1] = 0
                        stock -= wasted
                        all_wasted += wasted
                        oldest = oldest if oldest > day - life + 1 else day - life + 2
                all_received += received
                all_sold += sold
                all_unmet += unmet
                held += stock
                short_days += unmet > 0
                if cover > 0:
                    if window[slot] < 0:
                        count += 1
                        window[slot] = 0
                    seen = wanted if backorders else sold
                    total += seen - window[slot]
                    window[slot] = seen
                    slot = slot + 1 if slot + 1 < window.size else 0
                until -= 1
                if until > 0:
                    continue
                until = review
                if cover > 0:
                    level = int(np.rint(cover * (total / count)))
                    reorder_point = level - 1
                position = stock + on_order - owed
                if position > reorder_point:
                    continue
                quantity = level - position
                if quantity <= 0:
                    continue
                if not plain:
                    quantity = quantity if quantity > moq else moq
                    quantity = -(-quantity // pack) * pack
                quantity = quantity if quantity < most else most
                if quantity < moq or quantity <= 0:
                    continue
                orders += 1
                if share_step > 0:
                    share = shares[day]
                if share < 1.0:
                    quantity = math.floor(quantity * share + 1e-9)
                if lead_step > 0:
                    lead = leads[day]
                arriving[np.uint64(day + lead)] += quantity
                on_order += quantity
            found = sums[item, path]
            found[RECEIVED], found[SOLD], found[UNMET] = all_received, all_sold, all_unmet
            found[WASTED], found[STOCK], found[ORDERS] = all_wasted, held, orders
            found[SHORT_DAYS], found[CLOSING], found[OWED] = short_days, stock, owed
            priced[item, path] = worth
