"""The terms of each item: what it earns and costs, and how it may be ordered."""

from dataclasses import dataclass
from datetime import date
from math import isfinite

# The least value of each limit; its type is a whole number.
LEAST = {
    "lead_time": 1,
    "review_period": 1,
    "moq": 0,
    "pack_size": 1,
    "max_order": 1,
    "shelf_life": 1,
}
_OPTIONAL = ("max_order", "shelf_life")


@dataclass(frozen=True, slots=True)
class ItemTerms:
    """Economics and limits of one item; money a unit, times in periods (days, or weeks)."""

    unique_id: str
    unit_price: float  # money a unit, > 0
    unit_cost: float  # money a unit, >= 0
    holding_cost: float  # money a unit a period, >= 0
    goodwill: float = 0.0  # money lost with a lost unit beside its margin, >= 0
    order_cost: float = 0.0  # money an order, >= 0
    salvage: float = 0.0  # money a wasted unit still fetches, >= 0
    lead_time: int = 3  # periods from order to shelf, >= 1
    review_period: int = 1  # periods between two chances to order, >= 1
    moq: int = 0  # smallest order, units, >= 0
    pack_size: int = 1  # an order is a multiple of it, units, >= 1
    max_order: int | None = None  # largest order, units, >= 1; None: no limit
    shelf_life: int | None = None  # periods until goods expire, >= 1; None: never
    group: str = ""  # what it is pooled with; '' nothing

    def __post_init__(self) -> None:
        if not self.unique_id:
            raise ValueError("unique_id must not be empty")
        self._check_money()
        for name, least in LEAST.items():
            value = getattr(self, name)
            if value is None and name in _OPTIONAL:
                continue
            if value is None or value < least or not float(value).is_integer():
                raise ValueError(f"{name} must be a whole number >= {least}, got {value}")
        self._check_an_order_fits()

    def _check_money(self) -> None:
        for name in ("unit_price", "unit_cost", "holding_cost", "order_cost", "salvage"):
            value = getattr(self, name)
            if not (isfinite(value) and value >= 0):
                raise ValueError(f"{name} must be finite and >= 0, got {value}")
        if self.unit_price == 0:
            raise ValueError("unit_price must be > 0, got 0")
        margin = self.unit_price - self.unit_cost
        if not (isfinite(self.goodwill) and self.goodwill >= 0):
            raise ValueError(
                f"goodwill must be finite and >= 0, got {self.goodwill:g} (shortage_cost "
                f"{margin + self.goodwill:g} less the margin {margin:g} of a unit)"
            )
        if self.salvage > self.unit_cost:
            raise ValueError(
                f"salvage must be <= unit_cost {self.unit_cost:g}, got {self.salvage:g}: else "
                "wasting a unit would pay"
            )
        if self.shortage_cost < 0:
            raise ValueError(
                f"a lost unit must not be a gain: unit_price {self.unit_price:g} is below "
                f"unit_cost {self.unit_cost:g}"
            )

    def _check_an_order_fits(self) -> None:
        if self.max_order is None:
            return
        largest = self.max_order // self.pack_size * self.pack_size
        if largest < max(self.moq, 1):
            raise ValueError(
                f"no order is possible with moq {self.moq}, pack_size {self.pack_size} and "
                f"max_order {self.max_order}"
            )

    @property
    def shortage_cost(self) -> float:
        """Return the whole cost of a lost unit: its margin and the goodwill lost with it.

        >>> ItemTerms("milk", 1.25, 0.75, holding_cost=0, goodwill=1).shortage_cost
        1.5
        """
        return self.unit_price - self.unit_cost + self.goodwill


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An order under way."""

    unique_id: str
    due: date  # first day of the period at whose start it arrives
    quantity: int  # units, >= 1

    def __post_init__(self) -> None:
        if self.quantity < 1:
            raise ValueError(f"quantity must be >= 1, got {self.quantity}")
