"""The textbook's rules for lost sales as tables: what each would order in every state.

Each function picks the smallest states that its rule stays within. The inventory position is what
is on hand and under way before the period's order. Levels, caps and batches are units.
"""

import math
from collections.abc import Sequence

import numpy as np

from core_modules.textbook.instances import FloatArray, IntArray, LostSales, StateSpace
from core_modules.textbook.lost_sales import PolicyTable


def base_stock(instance: LostSales, levels: Sequence[int]) -> PolicyTable:
    """Order up to a level of the position, one level a regime."""
    space = StateSpace(instance.lead_time, max(levels), max(levels))
    return _table(space, np.array(levels)[:, None] - space.totals())


def capped_base_stock(instance: LostSales, level: int, cap: int) -> PolicyTable:
    """Order up to a level of the position, but never more than a cap at once."""
    space = StateSpace(instance.lead_time, level, min(cap, level))
    return _table(space, np.minimum(level - space.totals(), cap))


def constant_order(instance: LostSales, quantity: int, most_units: int) -> PolicyTable:
    """Order the same in every period, as long as the position stays within `most_units`."""
    space = StateSpace(instance.lead_time, most_units, quantity)
    return _table(space, np.where(space.totals() + quantity <= most_units, quantity, 0))


def reorder_to_level(
    instance: LostSales, reorder_point: int, level: int, cap: int | None = None
) -> PolicyTable:
    """(s, S): order up to S when the position is <= s; with a cap q the modified (s, S, q)."""
    most = level if cap is None else min(cap, level)
    space = StateSpace(instance.lead_time, level, most)
    short = np.minimum(level - space.totals(), most)
    return _table(space, np.where(space.totals() <= reorder_point, short, 0))


def reorder_batches(instance: LostSales, reorder_point: int, batch: int) -> PolicyTable:
    """(s, nQ): order the fewest batches that bring the position above s when it is <= s."""
    most = reorder_point + batch
    space = StateSpace(instance.lead_time, most, most)
    batches = -((space.totals() - reorder_point - 1) // batch)
    return _table(space, batches * batch)


def projected_inventory(
    instance: LostSales, level: float, *, to_nearest: bool = False
) -> PolicyTable:
    """Order so that the stock expected when the order arrives is the projected inventory level.

    q = max(0, floor(U - E[on hand just before the order arrives])); `to_nearest` rounds to the
    nearest unit instead.
    """
    mean = float(instance.mean_demand.max())
    up = 0.5 if to_nearest else 0.0
    # What is expected is at least the position less the demand until then.
    most = math.floor(level + up + instance.lead_time * mean)
    space = StateSpace(instance.lead_time, most, math.floor(level + up))
    worth = np.tile(np.arange(most + 1.0), (instance.regimes, 1))
    return _table(space, np.floor(level + up - expected_at_arrival(instance, space, worth)))


def newsvendor_at_arrival(instance: LostSales, ratio: float) -> PolicyTable:
    """Order the fewest units that cover the demand of the period of arrival with a chance `ratio`.

    The single-arrival newsvendor: ratio p / (p + h) leaves out that a unit left over serves the
    period after.
    """
    law = instance.demand[int(np.argmax(instance.mean_demand))]
    until = law
    for _ in range(instance.lead_time):
        until = np.convolve(until, law)
    most, ordered = (int(np.searchsorted(np.cumsum(one), ratio)) for one in (until, law))
    space = StateSpace(instance.lead_time, most, ordered)
    served = np.cumsum(instance.demand, axis=1)
    orders = np.full((instance.regimes, space.size), ordered)
    for units in range(ordered - 1, -1, -1):
        stock = np.minimum(np.arange(most + 1) + units, served.shape[1] - 1)
        covered = expected_at_arrival(instance, space, served[:, stock]) >= ratio
        orders[covered] = units
    return _table(space, orders)


def expected_at_arrival(instance: LostSales, space: StateSpace, worth: FloatArray) -> FloatArray:
    """Return the expected worth of the stock just before an order placed now arrives.

    `worth` is by regime of the period of arrival and stock, (regimes, most_units + 1); the result
    by regime and place of today's state, (regimes, space.size). One period's demand at a time:
    M_1(x0) = E worth((x0 - D)^+) and M_k(x0, x1, ...) = E M_{k-1}((x0 - D)^+ + x1, ...).
    """
    most, width = space.most_units, space.most_ordered + 1
    left = [_left_over(law, most) for law in instance.demand]
    ahead = instance.transition @ worth
    found = np.stack([left[regime] @ ahead[regime] for regime in range(instance.regimes)])
    for orders in range(1, space.lead_time):
        ahead = np.tensordot(instance.transition, found, axes=1)
        found = np.zeros((instance.regimes, most + 1, *[width] * orders))
        for regime, arriving in np.ndindex(instance.regimes, min(width, most + 1)):
            rows = most + 1 - arriving
            later = ahead[regime, arriving:].reshape(rows, -1)
            found[regime, :rows, arriving] = (left[regime][:rows, :rows] @ later).reshape(
                rows, *[width] * (orders - 1)
            )
    return found.reshape(instance.regimes, -1)


def _left_over(law: FloatArray, most: int) -> FloatArray:
    """Return the chance of each stock left by the stock before demand, (most + 1, most + 1)."""
    chances = np.zeros((most + 1, most + 1))
    for before in range(most + 1):
        sold = law[: before + 1]
        chances[before, before - np.arange(sold.size)] = sold
        chances[before, 0] += 1 - sold.sum()
    return chances


def _table(space: StateSpace, wanted: IntArray | FloatArray) -> PolicyTable:
    """Return the table of the wanted orders that there is room for."""
    orders = np.clip(wanted, 0, np.maximum(space.room(), 0))
    return PolicyTable(space, np.atleast_2d(orders).astype(np.int32))
