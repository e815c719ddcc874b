"""The orders of somebody who knows all demand and supply beforehand: the bound nobody can beat.

Everybody else's rules hold: opening stock and orders, lead times, partial deliveries, order limits,
review periods, shelf life, and that what is on the shelf is sold to whoever asks. The best orders
follow exactly by dynamic programming. An order counts on the day on which it arrives, so all that
matters of a morning's past is the net stock n, on hand less backlog:

    V_d(n) = max over y of  gain_d(min(s, w_d)) - e_d (s - w_d)^+ - K [y > 0]

with s = n + arrivals_d + y, where y is what an order brings at the fixed cost K, gain_d what the
day and all days after it earn, w_d the stock that can still be sold in time, and e_d what a unit
beyond it costs until it expires or the run ends. Oldest units are sold first, so a unit beyond w_d
is in nobody's way: units that come after it are asked for only once it is gone.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core_modules.inventory import IntArray
from core_modules.item_terms import ItemTerms
from core_modules.order_chances import Chance, Foresight, order_chances, order_for

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Range:
    """Where net stock can lie on a day."""

    morning: tuple[int, int]  # least and largest before deliveries; < 0 under backorders only
    lowest: int  # after deliveries, <= 0
    highest: int  # w_d, or less where there can never be so much
    worth: int  # an order need not bring it above this
    excess: float  # e_d, money a unit above `highest`


def clairvoyant_orders(
    terms: ItemTerms, future: Foresight, *, backorders: bool = False
) -> IntArray:
    """Return the orders of highest profit by the day of the order, (days,).

    Memory is 8 bytes for each day and unit of the largest stock there can be.
    """
    chances = order_chances(terms, future)
    ranges = _ranges(terms, future, chances, backorders)
    margin = terms.unit_price * future.price_multiplier - terms.unit_cost
    before: dict[int, FloatArray] = {}  # gain by stock before a delivery, by day of its order
    value = np.zeros(ranges[-1].highest - ranges[-1].lowest + 1)  # after the last day
    for day in range(future.demand.size - 1, -1, -1):
        stock, demand, earns = ranges[day], int(future.demand[day]), float(margin[day])
        gain = _day_gain(terms, earns, demand, stock, value, backorders)
        for chance in chances[day]:
            before[chance.order_day] = gain
            gain = np.maximum(gain, _gain_with(chance, gain, stock) - terms.order_cost)
        value = _morning_value(gain, earns, int(future.arrivals[day]), stock)
    return _followed(terms, future, chances, ranges, before, backorders)


def _ranges(
    terms: ItemTerms, future: Foresight, chances: list[list[Chance]], backorders: bool
) -> list[_Range]:
    useful, excess = _useful_stock(terms, future.demand)
    worth = _worth_ordering(terms, future.demand, useful, chances)
    plain = worth is not useful
    ranges: list[_Range] = []
    least, largest = 0, 0  # net stock in the morning
    for day, demand in enumerate(future.demand.tolist()):
        arrivals = int(future.arrivals[day])
        highest = int(useful[day])
        if plain:
            highest = min(highest, max(largest + arrivals, int(worth[day])))
        lowest = min(least + arrivals, 0)
        ranges.append(
            _Range((least, largest), lowest, highest, int(worth[day]), float(excess[day]))
        )
        least, largest = lowest - demand if backorders else 0, highest - demand
    return ranges


def _useful_stock(terms: ItemTerms, demand: IntArray) -> tuple[IntArray, FloatArray]:
    """Return by day the stock that can be sold in time, and what a unit beyond it costs."""
    day, days = np.arange(demand.size), demand.size
    life = days if terms.shelf_life is None else terms.shelf_life
    until = np.minimum(day + life, days)
    total = np.concatenate([[0], np.cumsum(demand)])
    expires = (terms.shelf_life is not None) & (day + life <= days)
    excess = terms.holding_cost * (until - day) + expires * (terms.unit_cost - terms.salvage)
    return total[until] - total[:-1], excess


def _worth_ordering(
    terms: ItemTerms, demand: IntArray, useful: IntArray, chances: list[list[Chance]]
) -> IntArray:
    """Return by day the stock that an order need not exceed.

    Where any quantity can be ordered at no fixed cost, that is the day's demand and what later
    deliveries can be too small to bring.
    """
    lots = any(one.least > 1 or one.step != 1 for day in chances for one in day)
    if lots or terms.order_cost > 0:
        return useful
    worth = np.zeros_like(useful)
    ahead = 0  # units to carry into the next day
    for day in range(demand.size - 1, -1, -1):
        worth[day] = min(int(demand[day]) + ahead, int(useful[day]))
        ahead = max(0, int(demand[day]) + ahead - sum(one.most for one in chances[day]))
    return worth


def _day_gain(
    terms: ItemTerms,
    margin: float,
    demand: int,
    stock: _Range,
    value: FloatArray,
    backorders: bool,
) -> FloatArray:
    """Return what is earned from the day on, by net stock after its deliveries.

    The margin of units owed in the morning is left out: `_morning_value` counts it.
    """
    net = np.arange(stock.lowest, stock.highest + 1)
    short, left = np.maximum(demand - net, 0), np.maximum(net - demand, 0)
    unmet = np.minimum(short, demand)
    sold = demand - (short if backorders else unmet)
    following = value[: net.size] if backorders else value[left]
    return np.asarray(
        margin * sold - terms.goodwill * unmet - terms.holding_cost * left + following
    )


def _morning_value(gain: FloatArray, margin: float, arrivals: int, stock: _Range) -> FloatArray:
    """Return what is earned from the day on, by net stock in the morning."""
    net = np.arange(stock.morning[0], stock.morning[1] + 1)
    over = np.maximum(net + arrivals - stock.highest, 0)
    after = gain[net + arrivals - over - stock.lowest]
    return np.asarray(after - over * stock.excess + margin * np.maximum(-net, 0))


def _gain_with(chance: Chance, gain: FloatArray, stock: _Range) -> FloatArray:
    """Return the gain of the best quantity that a chance can bring, by net stock before it.

    Of the quantities that lead beyond the highest stock only the smallest can be best.
    """
    longest = chance.least + chance.step if chance.step else int(chance.listed[-1])
    beyond = gain[-1] - stock.excess * np.arange(1, longest + 1)
    extended = np.concatenate([gain, beyond])
    if stock.worth < stock.highest:
        extended[stock.worth - stock.lowest + 1 :] = -np.inf
    if chance.step:
        steps = (chance.most - chance.least) // chance.step
        return _best_ahead(extended[chance.least :], chance.step, steps)[: gain.size]
    best = np.full(gain.size, -np.inf)
    for units in chance.listed:
        best = np.maximum(best, extended[units : units + gain.size])
    return best


def _best_ahead(values: FloatArray, step: int, steps: int) -> FloatArray:
    """Return the largest of values[i], values[i + step], ..., values[i + steps * step] for each i.

    >>> _best_ahead(np.array([3.0, 1, 4, 1, 5, 0]), step=2, steps=1).tolist()
    [4.0, 1.0, 5.0, 1.0, 5.0, 0.0]
    """
    rows = -(-values.size // step)
    best = np.full((rows, step), -np.inf)
    best.reshape(-1)[: values.size] = values
    if steps >= rows - 1:
        return np.maximum.accumulate(best[::-1], axis=0)[::-1].reshape(-1)[: values.size]
    width = 1  # values that each entry is the largest of
    while width <= steps:
        further = min(width, steps + 1 - width)
        best[:-further] = np.maximum(best[:-further], best[further:])
        width += further
    return best.reshape(-1)[: values.size]


def _followed(
    terms: ItemTerms,
    future: Foresight,
    chances: list[list[Chance]],
    ranges: list[_Range],
    before: dict[int, FloatArray],
    backorders: bool,
) -> IntArray:
    """Follow the best choices from the first day on."""
    orders = np.zeros(future.demand.size, dtype=np.int64)
    net = 0
    for day, stock in enumerate(ranges):
        state = net + int(future.arrivals[day])
        for chance in reversed(chances[day]):
            if state <= stock.highest:
                units = _choice(chance, before[chance.order_day], state, stock, terms.order_cost)
                share = float(future.filled_share[chance.order_day])
                orders[chance.order_day] = order_for(units, terms, share)
                state += units
        left = min(state, stock.highest) - int(future.demand[day])
        net = left if backorders else max(left, 0)
    return orders


def _choice(chance: Chance, gain: FloatArray, state: int, stock: _Range, cost: float) -> int:
    """Return the units that a chance should bring, 0 if none."""
    brought, most = chance.listed, max(stock.highest - state, chance.least) + chance.step
    if chance.step:
        brought = np.arange(chance.least, min(chance.most, most) + 1, chance.step)
    over = np.maximum(state + brought - stock.highest, 0)
    earned = gain[state + brought - over - stock.lowest] - over * stock.excess - cost
    if stock.worth < stock.highest:
        earned[state + brought > stock.worth] = -np.inf
    best = int(np.argmax(earned))
    return int(brought[best]) if earned[best] > gain[state - stock.lowest] else 0
