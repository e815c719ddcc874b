"""A supplier as its receipts show it: when orders come and how much of them.

The lead time is a Dirichlet law over whole days about the stated one. The share filled is beta: its
mean has a beta posterior that begins at full deliveries, its scatter is that of the receipts. Older
receipts count a little less, so a supplier that changes is followed.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

STATED_WEIGHT = 4.0  # orders that the stated lead time and full deliveries count for
LATE_SHARE = 0.02  # of orders expected to miss the stated lead time before any receipt
LATE_DECAY = 0.5  # a delay one day longer is believed so much less likely beforehand
LONGEST_DELAY = 14  # days beyond the stated lead time that are thought possible
KEPT = 0.99  # share of the evidence kept from one order to the next
SURE_SCATTER = 1e-4  # variance of the share filled below which it is taken as constant


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one order."""

    ordered: int  # units, >= 1
    received: int  # units confirmed or received, >= 0
    lead_time: int | None  # days from the order to the shelf, >= 1; None: nothing comes

    def __post_init__(self) -> None:
        if self.ordered < 1 or self.received < 0:
            raise ValueError(
                "a receipt needs ordered >= 1 and received >= 0 units, got "
                f"{self.ordered} and {self.received}"
            )
        if self.lead_time is not None and self.lead_time < 1:
            raise ValueError(f"lead_time of a receipt must be >= 1 day, got {self.lead_time}")


@dataclass(frozen=True, slots=True)
class SupplierRecord:
    """What an item's receipts add to what its supplier states; JSON-able."""

    stated: int  # lead time, days, >= 1
    days: tuple[float, ...] = ()  # receipts by lead time 1, 2, ... days, older ones counting less
    orders: float = 0.0  # orders answered, by the same count
    filled: float = 0.0  # sum of their shares filled
    squares: float = 0.0  # sum of the squared shares

    @property
    def mean_fill(self) -> float:
        """Expected share of an order that comes, 0 to 1."""
        return (STATED_WEIGHT + self.filled) / (STATED_WEIGHT + self.orders)

    @property
    def departs(self) -> bool:
        """Whether any receipt came at another time than stated, or short."""
        stated = self.days[self.stated - 1] if len(self.days) >= self.stated else 0.0
        return sum(self.days) > stated + 1e-9 or self.filled < self.orders * (1 - 1e-9)

    def observe(self, receipt: Receipt, extra: int = 0, share: float = 1.0) -> "SupplierRecord":
        """Return the record with one more receipt.

        `extra` days and the `share` filled are what a known event did to the order: they are the
        event's doing, not the supplier's. An event that filled nothing teaches nothing.
        """
        if share <= 0:
            return self
        # What is delivered is rounded down to whole units; a full delivery of a share is full.
        filled = min((receipt.received + (share < 1)) / (receipt.ordered * share), 1.0)
        days = tuple(KEPT * count for count in self.days)
        if receipt.lead_time is not None:
            arrived = min(max(receipt.lead_time - extra, 1), self.stated + LONGEST_DELAY)
            days = days + (0.0,) * (arrived - len(days))
            days = (*days[: arrived - 1], days[arrived - 1] + 1.0, *days[arrived:])
        return replace(
            self,
            days=days,
            orders=KEPT * self.orders + 1,
            filled=KEPT * self.filled + filled,
            squares=KEPT * self.squares + filled**2,
        )


def confirmed_receipt(
    ordered: int, due_before: IntArray, due_now: IntArray, received: int
) -> Receipt:
    """Read from the confirmed deliveries what became of the order placed a day ago.

    `due_before` are the deliveries confirmed when it was placed, `due_now` those of an evening
    later, both (days ahead,) with column 0 the next day; `received` are the units received today.

    >>> confirmed_receipt(10, np.array([0, 5, 0]), np.array([5, 9, 0]), received=0)
    Receipt(ordered=10, received=9, lead_time=3)
    """
    if received > due_before[0]:
        return Receipt(ordered, received - int(due_before[0]), 1)
    later = np.zeros(due_now.size, dtype=np.int64)
    known = due_before[1 : 1 + due_now.size]
    later[: known.size] = known
    added = np.flatnonzero(due_now > later)
    if added.size == 0:
        return Receipt(ordered, 0, None)
    place = int(added[0])
    return Receipt(ordered, int(due_now[place] - later[place]), place + 2)


def lead_time_chances(record: SupplierRecord) -> FloatArray:
    """Return the probability of each lead time 1, 2, ... days, (days,)."""
    counts = np.zeros(record.stated + LONGEST_DELAY)
    late = LATE_DECAY ** np.arange(LONGEST_DELAY)
    counts[record.stated - 1] = STATED_WEIGHT * (1 - LATE_SHARE)
    counts[record.stated :] = STATED_WEIGHT * LATE_SHARE * late / late.sum()
    counts[: len(record.days)] += record.days
    return np.asarray(counts / counts.sum())


def lead_time_paths(record: SupplierRecord, uniforms: FloatArray) -> IntArray:
    """Draw lead times of the next orders, days, the shape of `uniforms`, by inversion."""
    reached = np.searchsorted(np.cumsum(lead_time_chances(record)), uniforms, side="right")
    return np.asarray(np.minimum(reached + 1, record.stated + LONGEST_DELAY), dtype=np.int64)


def fill_paths(record: SupplierRecord, uniforms: FloatArray) -> FloatArray:
    """Draw the shares filled of the next orders, 0 to 1, the shape of `uniforms`, by inversion.

    The beta law with the mean of the posterior and the variance of the receipts about it, the
    doubt of the mean included; constant where receipts hardly vary.
    """
    mean, count = record.mean_fill, STATED_WEIGHT + record.orders
    square = (STATED_WEIGHT + record.squares) / count
    variance = (square - mean**2) * (1 + 1 / count)
    if variance < SURE_SCATTER:
        return np.full(uniforms.shape, mean)
    agreement = max(mean * (1 - mean) / variance - 1, 1e-3)
    return np.asarray(
        special.betaincinv(agreement * mean, agreement * (1 - mean), uniforms), dtype=np.float64
    )
