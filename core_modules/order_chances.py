"""What a known future offers one item: the chances to order, and what each can bring when."""

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from core_modules.inventory import NO_MAXIMUM, IntArray, filled_quantity
from core_modules.item_terms import ItemTerms

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Foresight:
    """What one item's future holds; arrays are (days,)."""

    demand: IntArray  # units a day
    lead_times: IntArray  # days from order to shelf, by the day of the order
    filled_share: FloatArray  # share of an order delivered, by the day of the order
    price_multiplier: FloatArray  # on the unit price
    arrivals: IntArray  # units at the start of the day, opening stock and orders among them


@dataclass(frozen=True, slots=True)
class Chance:
    """An evening on which an order can be placed that arrives within the run."""

    order_day: int
    least: int  # units that the smallest order brings, >= 1
    most: int  # that the largest brings
    step: int  # between two quantities brought; 0: they are uneven
    listed: IntArray  # the quantities brought, rising; all of them where `step` is 0


def order_chances(terms: ItemTerms, future: Foresight) -> list[list[Chance]]:
    """List the chances to order by day of arrival; none brings much more than all demand."""
    days, enough = future.demand.size, int(future.demand.sum()) + 1
    largest = (NO_MAXIMUM if terms.max_order is None else terms.max_order) // terms.pack_size
    smallest = -(-max(terms.moq, 1) // terms.pack_size)
    chances: list[list[Chance]] = [[] for _ in range(days)]
    for day in range(terms.review_period - 1, days, terms.review_period):
        arrival, share = day + int(future.lead_times[day]), float(future.filled_share[day])
        if arrival >= days or share <= 0:
            continue
        pack = share * terms.pack_size  # what one more pack brings, before rounding down
        packs = min(largest, smallest + ceil(enough / pack))
        even = pack <= 1 or pack == round(pack)
        counts = np.array([smallest, packs]) if even else np.arange(smallest, packs + 1)
        brought = filled_quantity(counts * terms.pack_size, np.array(share))
        if brought[-1] > 0:
            least, most = max(int(brought[0]), 1), int(brought[-1])
            step = max(round(pack), 1) if even else 0
            chances[arrival].append(Chance(day, least, most, step, brought[brought > 0]))
    return chances


def order_for(brought: int, terms: ItemTerms, share: float) -> int:
    """Return the smallest order of which so many units are delivered."""
    if brought == 0:
        return 0
    wanted = max(terms.moq, int(brought / share), 1)
    quantity = -(-wanted // terms.pack_size) * terms.pack_size
    while filled_quantity(np.array(quantity), np.array(share)) < brought:
        quantity += terms.pack_size
    return quantity
