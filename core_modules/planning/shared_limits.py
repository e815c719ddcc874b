"""Limits that items share: who gets the scarce money or room is decided by what it saves.

Each item brings its curve of expected cost over allowed quantities. Chosen are the quantities with
the least expected cost together under every limit at once: what all orders may use of a shared
room (money, space), and for each supplier nothing or at least its minimum value. An item's own
limits hold because only quantities of its curve are ever chosen.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

ROUNDING = 1e-9  # share of a limit that floating point may be off by
EXACT_UP_TO = 1_500  # choices of all items together that are searched to the end


@dataclass(frozen=True, slots=True, eq=False)
class OrderCurve:
    """What each allowed order of one item is expected to cost."""

    quantities: IntArray  # (choices,) units, rising
    costs: FloatArray  # (choices,) money

    def __post_init__(self) -> None:
        if self.quantities.shape != self.costs.shape or self.quantities.ndim != 1:
            raise ValueError(
                f"a curve needs as many costs as quantities, got {self.costs.shape} and "
                f"{self.quantities.shape}"
            )
        if not self.quantities.size or np.any(self.quantities < 0):
            raise ValueError("a curve needs quantities >= 0")
        if np.any(np.diff(self.quantities) <= 0) or not np.all(np.isfinite(self.costs)):
            raise ValueError("a curve's quantities must rise and its costs be finite")

    @property
    def best(self) -> int:
        """Place of the cheapest quantity; of equals the smallest."""
        return int(np.argmin(self.costs))


@dataclass(frozen=True, slots=True, eq=False)
class SharedRoom:
    """Something that all orders of an evening use up together."""

    name: str  # such as 'budget' or 'capacity'
    use: FloatArray  # (items,) by one unit ordered, >= 0
    room: float  # for tonight's orders together; at or below 0 there is none

    def __post_init__(self) -> None:
        if not (np.all(np.isfinite(self.use)) and np.all(self.use >= 0)):
            raise ValueError(f"{self.name}: what a unit uses must be finite and >= 0")
        if np.isnan(self.room):
            raise ValueError(f"{self.name}: the room must be a number")


@dataclass(frozen=True, slots=True, eq=False)
class SupplierMinimum:
    """A supplier that takes no order below a value."""

    supplier: str
    items: IntArray  # (its items,) places among the curves
    minimum: float  # money an order over all its items, > 0

    def __post_init__(self) -> None:
        if not (np.isfinite(self.minimum) and self.minimum > 0):
            raise ValueError(f"{self.supplier}: the minimum must be > 0, got {self.minimum}")


@dataclass(frozen=True, slots=True, eq=False)
class SharedLimits:
    """All limits that the items of one evening share."""

    unit_cost: FloatArray  # (items,) money a unit, what a supplier's minimum counts
    rooms: tuple[SharedRoom, ...] = ()
    minimums: tuple[SupplierMinimum, ...] = ()  # of different suppliers, no item twice


@dataclass(frozen=True, slots=True, eq=False)
class SharedOrders:
    """The orders chosen under shared limits."""

    quantities: IntArray  # (items,) units
    cost: float  # expected cost of all items together
    unlimited_cost: float  # what it would be without the shared limits, <= cost
    changed: NDArray[np.bool_]  # (items,) the shared limits changed the item's order
    proven: bool  # no choice is cheaper; False: found by marginal value, near the best


def share_limits(
    curves: Sequence[OrderCurve], limits: SharedLimits, *, exact_up_to: int = EXACT_UP_TO
) -> SharedOrders:
    """Return the orders with the least expected cost together that keep all shared limits.

    Greedy over the convex hulls of the curves, by cost saved per scarce unit; where the curves have
    at most `exact_up_to` choices together, checked by a mixed-integer program (HiGHS), whose answer
    is taken where it is cheaper. Ordering nothing keeps every limit, so there is always an answer.

    >>> curve = OrderCurve(np.array([0, 10, 20]), np.array([50.0, 20.0, 15.0]))
    >>> other = OrderCurve(np.array([0, 10, 20]), np.array([30.0, 18.0, 10.0]))
    >>> money = SharedRoom("budget", use=np.array([1.0, 1.0]), room=20.0)
    >>> share_limits([curve, other], SharedLimits(np.ones(2), (money,))).quantities.tolist()
    [10, 10]
    """
    from core_modules.planning.limit_search import search_places

    if any(curve.quantities[0] != 0 for curve in curves):
        raise ValueError("every curve must begin with the quantity 0, as nothing may be left")
    best = np.array([curve.best for curve in curves], dtype=np.int64)
    unlimited = _cost(curves, best)
    if not broken_limits(_quantities(curves, best), limits):
        return _orders(curves, best, best, unlimited, proven=True)
    places, proven = search_places(curves, limits), False
    if sum(curve.quantities.size for curve in curves) <= exact_up_to:
        from core_modules.planning.limit_optimum import optimal_places

        optimum = optimal_places(curves, limits)
        # The solver keeps limits to a tolerance of its own; ours decides.
        if optimum is not None and not broken_limits(_quantities(curves, optimum), limits):
            proven = True
            places = optimum if _cost(curves, optimum) < _cost(curves, places) else places
    return _orders(curves, places, best, unlimited, proven=proven)


def broken_limits(quantities: IntArray, limits: SharedLimits) -> list[str]:
    """Name the shared limits that orders (items,) break: of rooms the name, the supplier else."""
    broken = [
        one.name
        for one in limits.rooms
        if float(one.use @ quantities) > max(one.room, 0.0) * (1 + ROUNDING)
    ]
    for one in limits.minimums:
        value = float(limits.unit_cost[one.items] @ quantities[one.items])
        if quantities[one.items].any() and value < one.minimum * (1 - ROUNDING):
            broken.append(one.supplier)
    return broken


def _quantities(curves: Sequence[OrderCurve], places: IntArray) -> IntArray:
    chosen = [curve.quantities[place] for curve, place in zip(curves, places, strict=True)]
    return np.array(chosen, dtype=np.int64)


def _cost(curves: Sequence[OrderCurve], places: IntArray) -> float:
    return float(sum(curve.costs[place] for curve, place in zip(curves, places, strict=True)))


def _orders(
    curves: Sequence[OrderCurve],
    places: IntArray,
    best: IntArray,
    unlimited: float,
    *,
    proven: bool,
) -> SharedOrders:
    return SharedOrders(
        quantities=_quantities(curves, places),
        cost=_cost(curves, places),
        unlimited_cost=unlimited,
        changed=places != best,
        proven=proven,
    )
