"""The VN2 inventory challenge's history: weekly sales of 599 items up to 2024-04-08."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

FOLDER = Path(__file__).resolve().parents[1] / "../shared/data/vn2"
SALES, STOCKED, ITEMS = (
    f"Week 0 - {name}.csv" for name in ("2024-04-08 - Sales", "In Stock", "Master")
)
KEYS = ["Store", "Product"]
HIERARCHY = ("department", "store")  # groups of the forecast, coarse to fine


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """What was sold, by item and week."""

    ids: NDArray[np.str_]  # (items,) store-product
    weeks: pd.DatetimeIndex  # (weeks,) Mondays
    units: FloatArray  # (items, weeks), NaN where out of stock
    groups: pd.DataFrame  # unique_id and HIERARCHY, a row an item

    def frame(self, weeks: int) -> pd.DataFrame:
        """Return the long sales frame of the first `weeks` weeks, each item from its first row.

        An item's weeks before it was first in stock are left out.
        """
        known = ~np.isnan(self.units[:, :weeks])
        first = np.where(known.any(axis=1), known.argmax(axis=1), weeks - 1)
        item, week = np.nonzero(np.arange(weeks) >= first[:, None])
        return pd.DataFrame(
            {
                "unique_id": self.ids[item],
                "ds": self.weeks[week].as_unit("us"),
                "y": np.nan_to_num(self.units[item, week]),
                "in_stock": known[item, week],
            }
        ).merge(self.groups, on="unique_id", how="left")


def read_history(folder: Path = FOLDER) -> History:
    """Read the challenge's files.

    The file of stock flags runs on for the eight weeks of the real game: they are left unread, as
    nobody had them when ordering. Raises FileNotFoundError naming a file that is missing.
    """
    for name in (SALES, STOCKED, ITEMS):
        if not (folder / name).is_file():
            raise FileNotFoundError(f"{folder / name} is missing; get the VN2 challenge's data")
    sales = pd.read_csv(folder / SALES)
    weeks = [name for name in sales.columns if name not in KEYS]
    stocked = pd.read_csv(folder / STOCKED, usecols=[*KEYS, *weeks])
    stocked = sales[KEYS].merge(stocked, on=KEYS, how="left")[weeks].to_numpy(dtype=np.bool_)
    items = sales[KEYS].merge(pd.read_csv(folder / ITEMS), on=KEYS, how="left")
    ids = (items["Store"].astype(str) + "-" + items["Product"].astype(str)).to_numpy(dtype=str)
    groups = pd.DataFrame(
        {
            "unique_id": ids,
            "department": items["Department"].astype(str),
            "store": items["Store"].astype(str),
        }
    )
    units = np.where(stocked, sales[weeks].to_numpy(dtype=np.float64), np.nan)
    return History(ids, pd.DatetimeIndex(weeks), units, groups)
