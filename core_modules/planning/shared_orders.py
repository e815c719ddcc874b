"""Tonight's orders of all items under the limits they share: budget, warehouse, suppliers."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np

from core_modules.planning.cost_curve import stockout_risk, worth_its_target
from core_modules.planning.item_decisions import ItemDecision
from core_modules.planning.plan_inputs import PlanInputs
from core_modules.planning.shared_limits import (
    SharedLimits,
    SharedRoom,
    SupplierMinimum,
    broken_limits,
    share_limits,
)


@dataclass(frozen=True, slots=True)
class RoomLimits:
    """What all orders of the evening share, beside what suppliers ask for."""

    budget: float | None = None  # money for the units ordered, >= 0
    capacity: float | None = None  # room for all units on hand and on order, units or volume, >= 0

    def __post_init__(self) -> None:
        for name in ("budget", "capacity"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < inf:
                raise ValueError(f"{name} must be a number >= 0, got {value:g}")


@dataclass(frozen=True, slots=True)
class FinalOrder:
    """One item's order under all limits."""

    quantity: int  # units
    alone: int  # units that the item would order without the others
    expected_cost: float  # money, of `quantity`
    alone_cost: float  # money, of `alone`
    stockout_risk: float  # chance of running short until the next delivery after it, 0 to 1


def share_orders(decided: Sequence[ItemDecision], shared: SharedLimits) -> list[FinalOrder]:
    """Return each item's order; where a shared limit would break, the least costly change of all.

    `shared` is written over the items in the order of `decided`.
    """
    alone = np.array([one.quantity for one in decided], dtype=np.int64)
    if not broken_limits(alone, shared):
        return [_unchanged(one) for one in decided]
    # Only a supplier's minimum ever asks for more than an item wants.
    filled = {int(item) for one in shared.minimums for item in one.items}
    curves = [one.curve(beyond=place in filled) for place, one in enumerate(decided)]
    priced = [
        worth_its_target(curve, one.quantity) for curve, one in zip(curves, decided, strict=True)
    ]
    chosen = share_limits(priced, shared).quantities.tolist()
    final = []
    for one, curve, quantity in zip(decided, curves, chosen, strict=True):
        if quantity == one.quantity:
            final.append(_unchanged(one))
            continue
        cost, usual = (
            float(curve.costs[np.searchsorted(curve.quantities, units)])
            for units in (quantity, one.quantity)
        )
        final.append(FinalOrder(quantity, one.quantity, cost, usual, _risk(one, quantity)))
    return final


def _unchanged(one: ItemDecision) -> FinalOrder:
    decision = one.record.decision
    if one.quantity == decision.quantity:
        cost = decision.expected_cost + one.haste * decision.quantity
        return FinalOrder(one.quantity, one.quantity, cost, cost, decision.stockout_risk)
    cost = float(one.curve(beyond=False).costs[0])
    return FinalOrder(one.quantity, one.quantity, cost, cost, _risk(one, one.quantity))


def _risk(one: ItemDecision, quantity: int) -> float:
    return stockout_risk(one.record, one.terms, one.settings, quantity)


def evening_limits(inputs: PlanInputs, limits: RoomLimits) -> SharedLimits:
    """Write the evening's shared limits over the items.

    The warehouse must hold what is on hand and on order even if nothing sells.
    """
    unit_cost = np.array([one.unit_cost for one in inputs.terms])
    rooms = []
    if limits.budget is not None:
        rooms.append(SharedRoom("budget", unit_cost, limits.budget))
    if limits.capacity is not None:
        volume = np.array([one.volume for one in inputs.shared])
        rooms.append(SharedRoom("capacity", volume, limits.capacity - room_taken(inputs)))
    minimums = []
    for name, supplier in inputs.suppliers.items():
        items = np.array([at for at, one in enumerate(inputs.shared) if one.supplier == name])
        if supplier.minimum_order_value > 0 and items.size:
            minimums.append(SupplierMinimum(name, items, supplier.minimum_order_value))
    return SharedLimits(unit_cost, tuple(rooms), tuple(minimums))


def room_taken(inputs: PlanInputs) -> float:
    """Return the warehouse room that stock and open orders take."""
    volume = {
        terms.unique_id: one.volume for terms, one in zip(inputs.terms, inputs.shared, strict=True)
    }
    shelf = sum(
        units * volume[one.unique_id]
        for units, one in zip(inputs.on_hand, inputs.terms, strict=True)
    )
    return shelf + sum(order.quantity * volume[order.unique_id] for order in inputs.open_orders)
