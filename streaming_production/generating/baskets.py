"""Splits an item's demand of a day into the purchases of single customers."""

from collections.abc import Iterator
from math import isqrt

import numpy as np

from streaming_production.generating.cloud_events import CloudEvent, EventWriter, at_minute

OPENS, CLOSES = 9 * 60, 19 * 60 + 30  # minutes after midnight between which goods are sold
MOST_BASKETS = 12  # an item and day, so that a big seller does not drown the others


def sales_of_day(
    writer: EventWriter,
    item: str,
    units: int,
    price: float | None,
    rng: np.random.Generator,
) -> Iterator[CloudEvent]:
    """Yield sales that add up to `units`, in order of time; `price` only where it is special."""
    if units == 0:
        return
    sizes = basket_sizes(units, rng)
    minutes = np.sort(rng.uniform(OPENS, CLOSES, len(sizes)))
    for number, (size, minute) in enumerate(zip(sizes, minutes.tolist(), strict=True)):
        data = {"quantity": size} | ({} if price is None else {"price": price})
        name = f"sale-{number}"
        yield writer.event(name, "sale.recorded", at_minute(minute), data, item)


def basket_sizes(units: int, rng: np.random.Generator) -> list[int]:
    """Return the units of each purchase: about as many purchases as units in each, none empty.

    >>> sizes = basket_sizes(100, np.random.default_rng(0))
    >>> len(sizes), sum(sizes), min(sizes) >= 1
    (10, 100, True)
    """
    baskets = min(max(isqrt(units), 1), MOST_BASKETS)
    extra = rng.multinomial(units - baskets, np.full(baskets, 1 / baskets))
    sizes: list[int] = (extra + 1).tolist()
    return sizes
