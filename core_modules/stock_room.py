"""Where a simulated run keeps its units: on the shelf by remaining life, and under way by day."""

from collections.abc import Sequence

import numpy as np

from core_modules import inventory
from core_modules.inventory import IntArray
from core_modules.item_terms import ItemTerms
from core_modules.market import Market


class Shelf:
    """Stock on the shelf, (items, replications), by remaining life where an item perishes."""

    def __init__(self, on_hand: IntArray, terms: Sequence[ItemTerms]) -> None:
        self.on_hand = on_hand
        lives = np.array([one.shelf_life or 0 for one in terms])
        self._rows = {int(life): np.flatnonzero(lives == life) for life in set(lives) - {0}}
        self._by_age = {}  # by shelf life: (items of that life, replications, days of life left)
        for life, rows in self._rows.items():
            ages = np.zeros((rows.size, on_hand.shape[1], life), dtype=np.int64)
            ages[:, :, -1] = on_hand[rows]
            self._by_age[life] = ages

    def receive(self, received: IntArray) -> None:
        """Put a delivery, which is fresh, on the shelf."""
        self.on_hand = inventory.receive(self.on_hand, received)
        for life, rows in self._rows.items():
            self._by_age[life][:, :, -1] += received[rows]

    def sell(self, sale: inventory.Sale) -> IntArray:
        """Hand over what was sold, throw away what expires tonight; return the units wasted."""
        wasted = np.zeros_like(self.on_hand)
        for life, rows in self._rows.items():
            left = inventory.sell_oldest_first(self._by_age[life], sale.sold[rows])
            self._by_age[life], wasted[rows] = inventory.expire(left)
        self.on_hand = sale.on_hand - wasted
        return wasted


class OrdersUnderWay:
    """Confirmed deliveries by the day of their arrival."""

    def __init__(self, market: Market, opening_orders: IntArray | None) -> None:
        items, replications, days = market.shape
        self._market = market
        self._rows, self._columns = np.indices((items, replications))
        ahead = 0 if opening_orders is None else opening_orders.shape[1]
        horizon = max(days + int(market.lead_times.max()), ahead)
        self.arrivals = np.zeros((items, replications, horizon), dtype=np.int64)
        if opening_orders is not None:
            self.arrivals[:, :, :ahead] = opening_orders[:, None, :]
        self._confirmed = self.arrivals.sum(axis=-1)  # opening orders included

    def place(self, day: int, quantity: IntArray) -> IntArray:
        """Place orders on the evening of a day; return what is on order after it."""
        filled = inventory.filled_quantity(quantity, self._market.filled_share[:, :, day])
        arrival = day + self._market.lead_times[:, :, day]
        self.arrivals[self._rows, self._columns, arrival] += filled
        self._confirmed += filled
        return np.asarray(self.arrivals[:, :, day + 1 :].sum(axis=-1))

    def check_balance(self) -> None:
        """Raise LedgerError unless all that was confirmed was received or is still under way."""
        days = self._market.shape[2]
        received = self.arrivals[:, :, :days].sum(axis=-1)
        under_way = self.arrivals[:, :, days:].sum(axis=-1)
        nothing = np.zeros_like(received)
        inventory.check_balance(nothing, self._confirmed, received, nothing, under_way)
