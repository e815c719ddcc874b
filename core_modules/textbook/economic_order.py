"""The economic order quantity: how much to order at once when demand is steady and known."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class EconomicOrder:
    """An order quantity and what it costs; arrays of the shape of the arguments."""

    quantity: FloatArray  # units
    cost: FloatArray  # money a period: orders, holding and backorders
    backorder_share: FloatArray  # of each order, already owed when it arrives; 0 to 1


def economic_order(
    fixed: npt.ArrayLike,
    holding: npt.ArrayLike,
    rate: npt.ArrayLike,
    stockout: npt.ArrayLike = np.inf,
) -> EconomicOrder:
    """Return the economic order quantity, with backorders where they have a finite cost.

    `fixed` is money an order, `holding` and `stockout` money a unit and period held or owed,
    `rate` units a period. With the ratio r = p / (p + h), which is 1 without backorders:

        Q = sqrt(2 K rate / (h r)),  cost = sqrt(2 K rate h r),  share owed = 1 - r

    Orders cost K rate / Q a period; stock runs from rQ down to -(1 - r)Q, so it costs
    h r^2 Q / 2 + p (1 - r)^2 Q / 2 = h r Q / 2, and the sum is least where both are equal.
    Raises ValueError for a negative fixed cost or rate, or a holding or stockout cost <= 0.

    >>> plain = economic_order(8, 0.225, 1300)  # published: 304.0468, 68.41053
    >>> round(float(plain.quantity), 4), round(float(plain.cost), 5)
    (304.0468, 68.41053)
    >>> owed = economic_order(8, 0.225, 1300, 5)  # published: 310.8126, 66.92136
    >>> round(float(owed.quantity), 4), round(float(owed.cost), 5)
    (310.8126, 66.92136)
    """
    fixed, holding = np.asarray(fixed, dtype=np.float64), np.asarray(holding, dtype=np.float64)
    rate, stockout = np.asarray(rate, dtype=np.float64), np.asarray(stockout, dtype=np.float64)
    if (fixed < 0).any() or (rate < 0).any() or (holding <= 0).any() or (stockout <= 0).any():
        raise ValueError("need fixed >= 0, rate >= 0, holding > 0 and stockout > 0")
    ratio = 1 / (1 + holding / stockout)
    quantity = np.sqrt(2 * fixed * rate / (holding * ratio))
    cost = np.sqrt(2 * fixed * rate * holding * ratio)
    return EconomicOrder(quantity, cost, 1 - ratio)
