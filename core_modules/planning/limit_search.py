"""Finds orders under shared limits by marginal value: the greedy search, near the best and fast.

(1) What a unit of each scarce room is worth is the dual of the linear program in which any part of
a step along the curves' hulls may be taken. (2) Suppliers with a minimum that are served are raised
to it by the steps that cost least a unit of value. (3) All items are raised by the steps that save
most a unit of what they take up, as long as they fit; where a step does not fit, the largest part
that does is taken. (4) Items move to cheaper quantities that the room left allows. (5) Suppliers
are switched, one at a time, while that saves.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core_modules.planning.shared_limits import (
    ROUNDING,
    FloatArray,
    IntArray,
    OrderCurve,
    SharedLimits,
    SupplierMinimum,
)

BoolArray = NDArray[np.bool_]

MOST_ROUNDS = 4  # of switching each supplier


def search_places(curves: Sequence[OrderCurve], limits: SharedLimits) -> IntArray:
    """Return the place of each item's chosen quantity in its curve, (items,)."""
    search = _Search(curves, limits)
    served = [True] * len(limits.minimums)
    best = search.attempt(served)
    for _ in range(MOST_ROUNDS):
        improved = False
        for number in range(len(served)):
            other = [one != (place == number) for place, one in enumerate(served)]
            tried = search.attempt(other)
            if search.cost(tried) < search.cost(best) - ROUNDING:
                best, served, improved = tried, other, True
        if not improved:
            break
    return best


def lower_hull(curve: OrderCurve) -> list[int]:
    """Return the places of the curve's points on its lower convex hull, rising.

    >>> lower_hull(OrderCurve(np.arange(4), np.array([9.0, 8.0, 2.0, 3.0])))
    [0, 2, 3]
    """
    quantities, costs = curve.quantities.tolist(), curve.costs.tolist()

    def slope(first: int, second: int) -> float:
        rise = float(costs[second] - costs[first])
        return rise / float(quantities[second] - quantities[first])

    hull: list[int] = []
    for place in range(len(quantities)):
        while len(hull) > 1 and slope(hull[-2], hull[-1]) >= slope(hull[-1], place):
            hull.pop()
        hull.append(place)
    return hull


class _Search:
    """The steps along all hulls, sorted once; each attempt begins with nothing ordered."""

    def __init__(self, curves: Sequence[OrderCurve], limits: SharedLimits) -> None:
        self._curves, self._minimums = curves, limits.minimums
        self._value = limits.unit_cost
        self._use = np.array([room.use for room in limits.rooms]).reshape(-1, len(curves))
        self._room = np.array([max(room.room, 0.0) for room in limits.rooms])
        hulls = [lower_hull(curve) for curve in curves]
        self._item = np.repeat(np.arange(len(curves)), [len(hull) - 1 for hull in hulls])
        self._end = np.array([end for hull in hulls for end in hull[1:]], dtype=np.int64)
        units, saved = (
            np.concatenate(
                [np.diff(values[hull]) for values, hull in zip(all_, hulls, strict=True)]
            )
            for all_ in ([one.quantities for one in curves], [one.costs for one in curves])
        )
        self._units, self._slope = units, saved / units
        self._worth = self._room_worth()
        # A little of everything counts, so that what takes no scarce room goes by its saving.
        self._by_saving = self._order(self._slope < 0, self._slope, self._worth + ROUNDING)

    def _room_worth(self) -> FloatArray:
        """Return what the room that a unit of each item takes up is worth, money, (items,)."""
        from scipy.optimize import linprog

        value = self._value[self._item] * self._units
        mine = [np.isin(self._item, one.items) for one in self._minimums]
        rows = [*(self._use[:, self._item] * self._units), *(-value * one for one in mine)]
        within = [*self._room, *(-one.minimum for one in self._minimums)]
        if not (self._room.size and self._units.size):
            return np.zeros(len(self._curves))
        found = linprog(self._slope * self._units, A_ub=rows, b_ub=within, bounds=(0, 1))
        if found.status != 0:  # the minimums do not all fit into the rooms
            return np.asarray((1 / np.maximum(self._room, ROUNDING)) @ self._use)
        return np.asarray(-found.ineqlin.marginals[: self._room.size] @ self._use)

    def _order(self, kept: BoolArray, cost: FloatArray, per: FloatArray) -> IntArray:
        """Sort the steps kept by cost (steps,) per unit of something (items,), least first."""
        steps = np.flatnonzero(kept)
        # Along a hull the slopes rise, so the steps of one item stay in their order.
        return np.asarray(
            steps[np.argsort(cost[steps] / per[self._item[steps]], kind="stable")], dtype=np.int64
        )

    def cost(self, places: IntArray) -> float:
        """Return the expected cost of all items together, money."""
        return float(sum(c.costs[p] for c, p in zip(self._curves, places, strict=True)))

    def attempt(self, served: Sequence[bool]) -> IntArray:
        """Fill the rooms, with orders to some of the suppliers that have a minimum."""
        places = np.zeros(len(self._curves), dtype=np.int64)
        used = np.zeros(self._room.size)
        closed = np.zeros(len(self._curves), dtype=np.bool_)
        for one, wanted in zip(self._minimums, served, strict=True):
            if not (wanted and self._reach(one, places, used)):
                for item in one.items:
                    self._move(item, 0, places, used)
                closed[one.items] = True
        self._take(places, used, closed)
        self._polish(places, used, closed)
        return places

    def _move(self, item: int, place: int, places: IntArray, used: FloatArray) -> None:
        quantities = self._curves[item].quantities
        used += self._use[:, item] * (quantities[place] - quantities[places[item]])
        places[item] = place

    def _reach(self, one: SupplierMinimum, places: IntArray, used: FloatArray) -> bool:
        """Raise a supplier's orders to its minimum by the steps that cost least; tell if it can."""
        mine = np.isin(self._item, one.items) & (self._value[self._item] > 0)
        dear = self._slope + self._worth[self._item]
        missing = one.minimum
        stuck: set[int] = set()
        for step in self._order(mine, dear, np.maximum(self._value, ROUNDING)):
            item, end = int(self._item[step]), int(self._end[step])
            if item in stuck:
                continue
            quantities, start = self._curves[item].quantities, int(places[item])
            if self._value[item] * (quantities[end] - quantities[start]) >= missing:
                last = self._last_raise(one, missing, places, used)
                if last is not None:
                    self._move(*last, places, used)
                    return True
            place = self._fitting(item, start, end, used)
            if place != end:
                stuck.add(item)
            missing -= float(self._value[item] * (quantities[place] - quantities[start]))
            self._move(item, place, places, used)
            if missing <= one.minimum * ROUNDING:
                return True
        return False

    def _last_raise(
        self, one: SupplierMinimum, missing: float, places: IntArray, used: FloatArray
    ) -> tuple[int, int] | None:
        """Return the item, and its place, that brings what is missing at the least cost, if any."""
        best, least = None, np.inf
        for item in one.items[self._value[one.items] > 0].tolist():
            curve, start = self._curves[item], int(places[item])
            enough = curve.quantities[start] + missing / self._value[item] * (1 - ROUNDING)
            place = int(np.searchsorted(curve.quantities, enough))
            last = curve.quantities.size - 1
            if place > last or self._fitting(item, start, place, used) < place:
                continue
            units = curve.quantities[place] - curve.quantities[start]
            cost = float(curve.costs[place] - curve.costs[start] + self._worth[item] * units)
            if cost < least:
                best, least = (item, place), cost
        return best

    def _fitting(self, item: int, start: int, end: int, used: FloatArray) -> int:
        """Return the largest place from `start` to `end` that the rooms still hold."""
        quantities, use = self._curves[item].quantities, self._use[:, item]
        takes = use > 0
        if not takes.any():
            return end
        left = (self._room * (1 + ROUNDING / 2) - used)[takes]
        most = quantities[start] + float((left / use[takes]).min())
        return max(start, min(end, int(np.searchsorted(quantities, most, side="right")) - 1))

    def _take(self, places: IntArray, used: FloatArray, closed: BoolArray) -> None:
        """Take steps in their order as long as they fit; an item that did not fit is left."""
        stuck = closed.copy()
        for step in self._by_saving:
            item, end = int(self._item[step]), int(self._end[step])
            start = int(places[item])
            if stuck[item] or end <= start:
                continue
            place = self._fitting(item, start, end, used)
            stuck[item] = place != end
            costs = self._curves[item].costs
            self._move(item, start + int(np.argmin(costs[start : place + 1])), places, used)

    def _polish(self, places: IntArray, used: FloatArray, closed: BoolArray) -> None:
        """Raise single items to cheaper quantities that the room left allows."""
        for item in np.flatnonzero(~closed).tolist():
            curve, start = self._curves[item], int(places[item])
            place = self._fitting(item, start, curve.quantities.size - 1, used)
            best = start + int(np.argmin(curve.costs[start : place + 1]))
            self._move(item, best, places, used)
