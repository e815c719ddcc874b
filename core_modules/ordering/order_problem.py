"""One order to be chosen: paths of demand and supply, stock, costs and limits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

NO_MAXIMUM = 2**53


@dataclass(frozen=True, slots=True, eq=False)
class Outlook:
    """What the periods ahead may bring, as weighted paths; column 0 is the next period."""

    demand: FloatArray  # (paths, periods) units
    weights: FloatArray  # (paths,) sums to 1
    mean: FloatArray  # (periods,) units expected of an ordinary period
    variance: FloatArray  # (periods,) units squared, of an ordinary period
    known: FloatArray  # (paths, periods) multipliers of events known tonight
    surge: FloatArray  # (paths, periods) multipliers seen only once they act; 1 where none
    surge_stays: float = 0.0  # chance that a surge lasts another period, 0 to 1
    level_variance: float = 0.0  # of a path's log level, which its periods reveal one by one
    resumes: IntArray | None = None  # (paths,) first column on which later orders can arrive

    def __post_init__(self) -> None:
        shape = self.demand.shape
        if len(shape) != 2 or 0 in shape:
            raise ValueError(f"demand must be (paths, periods), got {shape}")
        for name, wanted in (
            ("weights", shape[:1]),
            ("mean", shape[1:]),
            ("variance", shape[1:]),
            ("known", shape),
            ("surge", shape),
        ):
            if getattr(self, name).shape != wanted:
                raise ValueError(f"{name} must be {wanted}, got {getattr(self, name).shape}")

    @staticmethod
    def plain(demand: FloatArray, mean: FloatArray | None = None) -> Outlook:
        """Build the outlook of equally likely paths without events, (paths, periods)."""
        paths = demand.shape[0]
        ones = np.ones(demand.shape)
        return Outlook(
            demand=np.ascontiguousarray(demand, dtype=np.float64),
            weights=np.full(paths, 1 / paths),
            mean=demand.mean(axis=0) if mean is None else mean,
            variance=demand.var(axis=0),
            known=ones,
            surge=ones,
        )


@dataclass(frozen=True, slots=True)
class OrderCosts:
    """What a quantity may cost; money."""

    holding: float  # a unit a period, >= 0
    shortage: float  # a lost unit, or a unit owed for a period under backorders, >= 0
    order: float = 0.0  # an order, >= 0
    waste: float = 0.0  # a unit that expires, >= 0


@dataclass(frozen=True, slots=True)
class OrderSteps:
    """The quantities that a supplier accepts: 0 and multiples of a pack between two bounds."""

    moq: int = 0  # units, >= 0
    pack_size: int = 1  # units, >= 1
    max_order: int = NO_MAXIMUM  # units, >= 1

    @property
    def first(self) -> int:
        """The packs of the smallest order, at least 1."""
        return max(-(-self.moq // self.pack_size), 1)

    @property
    def count(self) -> int:
        """How many quantities are accepted, 0 among them."""
        return max(self.max_order // self.pack_size - self.first + 1, 0) + 1

    def place(self, quantity: float) -> int:
        """Return the place of the smallest accepted quantity that is no less, or of the largest.

        >>> OrderSteps(moq=20, pack_size=12).place(25), OrderSteps(pack_size=12).place(0)
        (2, 0)
        """
        if quantity <= 0:
            return 0
        packs = int(np.ceil(min(quantity, NO_MAXIMUM) / self.pack_size - 1e-9))
        return min(max(packs - self.first + 1, 1), self.count - 1)

    def quantity(self, place: int) -> int:
        """Return the units at a place.

        >>> OrderSteps(moq=20, pack_size=12).quantity(2)
        36
        """
        return 0 if place == 0 else (self.first + place - 1) * self.pack_size


@dataclass(frozen=True, slots=True, eq=False)
class OrderProblem:
    """An order that may be placed tonight."""

    outlook: Outlook
    costs: OrderCosts
    steps: OrderSteps
    on_hand: float  # units
    due: FloatArray  # (periods,) units under way, column 0 the next period
    lead_time: int  # periods until tonight's order arrives, >= 1
    later_lead_time: int  # periods until later orders arrive, >= 1
    review_period: int = 1  # periods between two chances to order, >= 1
    backlog: float = 0.0  # units owed
    filled_share: float = 1.0  # of tonight's order that arrives, 0 to 1
    shelf_life: int = 0  # periods until goods expire; 0: never
    backorders: bool = False
    # Where a supplier does not keep its word: periods that tonight's order and one on each later
    # evening take, (paths, 1 + periods), and the share of `filled_share` that comes, (paths,).
    lead_times: IntArray | None = None
    shares: FloatArray | None = None

    def __post_init__(self) -> None:
        periods = self.outlook.demand.shape[1]
        if self.due.shape != (periods,):
            raise ValueError(f"due must be ({periods},), got {self.due.shape}")
        if not 1 <= self.lead_time <= periods:
            raise ValueError(
                f"an order that takes {self.lead_time} periods cannot be judged on paths of "
                f"{periods}"
            )
        paths = self.outlook.demand.shape[0]
        for name, wanted in (("lead_times", (paths, 1 + periods)), ("shares", (paths,))):
            given = getattr(self, name)
            if given is not None and given.shape != wanted:
                raise ValueError(f"{name} must be {wanted}, got {given.shape}")
