"""Whether tonight's order is worth sending fast."""

import numpy as np

from core_modules.planning.shared_limits import OrderCurve


def choose_expedite(normal: OrderCurve, fast: OrderCurve, cost: float) -> bool:
    """Tell whether ordering fast is cheaper, at the best quantity of each way; of equals it is not.

    `fast` is the curve at the shorter lead time, without what haste costs: `cost` money a unit,
    >= 0. Both curves are costs over the same future. An order goes one way as a whole.

    >>> slow = OrderCurve(np.array([0, 10]), np.array([100.0, 60.0]))
    >>> quick = OrderCurve(np.array([0, 10]), np.array([100.0, 10.0]))
    >>> [choose_expedite(slow, quick, cost) for cost in (4.0, 5.0, 6.0)]
    [True, False, False]
    """
    if not cost >= 0:
        raise ValueError(f"the cost of expediting a unit must be >= 0, got {cost}")
    paid = fast.costs + cost * fast.quantities
    best = int(np.argmin(paid))
    # Nothing ordered is nothing to hurry.
    return bool(fast.quantities[best] > 0 and paid[best] < normal.costs.min())
