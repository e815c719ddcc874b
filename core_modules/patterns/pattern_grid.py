"""Sales as a grid of items x days, the form in which patterns are fitted."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from core_modules.demand_law import FloatArray, IntArray

BoolArray = npt.NDArray[np.bool_]
STEP = {"D": 1, "W": 7}  # days


@dataclass(frozen=True, slots=True, eq=False)
class SalesGrid:
    """The sales of some items over the same days; every array but `days` is (items, days)."""

    ids: tuple[str, ...]
    days: npt.NDArray[np.datetime64]  # (days,) datetime64[D]
    sold: FloatArray  # units a day; 0 where not seen
    seen: BoolArray  # demand could show: listed, on the shelf, doors open
    closed: BoolArray  # (days,) the whole file was closed
    promoted: BoolArray | None  # None: not known
    log_price: FloatArray | None  # of the price over the item's median; 0 where not known
    freq: str  # 'D' or 'W'

    @property
    def years(self) -> float:
        """The length of the grid in years."""
        return len(self.days) * STEP[self.freq] / 365.25


def sales_grid(
    frame: pd.DataFrame, closed_days: Sequence[object] | pd.DatetimeIndex = (), freq: str = "D"
) -> SalesGrid:
    """Return a sales frame (the contract of `sales_history`) as a grid.

    Days on which an item was out of stock, was not listed yet or on which the whole file was closed
    are not seen.
    """
    codes, ids = pd.factorize(frame["unique_id"].to_numpy(), sort=True)
    days = frame["ds"].to_numpy().astype("datetime64[D]")
    first = days.min()
    column = ((days - first).astype(np.int64)) // STEP[freq]
    shape = (len(ids), int(column.max()) + 1)

    def spread(values: npt.NDArray[np.generic], empty: float) -> FloatArray:
        grid = np.full(shape, empty)
        grid[codes, column] = values
        return grid

    sold = spread(frame["y"].to_numpy(dtype=np.float64), np.nan)
    if "in_stock" in frame:
        sold[spread(frame["in_stock"].to_numpy(), 1.0) == 0] = np.nan
    calendar = first + STEP[freq] * np.arange(shape[1])
    closed = np.isin(calendar, np.asarray(closed_days, dtype="datetime64[D]"))
    seen = ~np.isnan(sold) & ~closed
    promoted = spread(frame["promo"].to_numpy(), 0.0) > 0 if "promo" in frame else None
    prices = spread(frame["price"].to_numpy(), np.nan) if "price" in frame else None
    return SalesGrid(
        ids=tuple(str(name) for name in ids),
        days=calendar,
        sold=np.where(seen, sold, 0.0),
        seen=seen,
        closed=closed,
        promoted=promoted,
        log_price=None if prices is None else _relative_log(prices, seen),
        freq=freq,
    )


def _relative_log(prices: FloatArray, seen: BoolArray) -> FloatArray:
    known = seen & (prices > 0)
    logs = np.log(np.where(known, prices, 1.0))
    middle = np.zeros((len(prices), 1))
    rows = known.any(axis=1)
    middle[rows, 0] = np.nanmedian(np.where(known, logs, np.nan)[rows], axis=1)
    return np.where(known, logs - middle, 0.0)


def group_totals(values: FloatArray, group: IntArray, groups: int) -> FloatArray:
    """Return the sums of (items, days) over groups of days, shape (items, groups)."""
    indicator = np.zeros((values.shape[1], groups))
    indicator[np.arange(len(group)), group] = 1.0
    return values @ indicator
