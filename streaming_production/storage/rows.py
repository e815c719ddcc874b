"""What the store hands out: frozen values, days as dates, instants as UTC text."""

from dataclasses import dataclass, fields
from datetime import date
from functools import cache
from typing import Any, Generic, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from core_modules.item_terms import ItemTerms
from core_modules.market_events import EventKind, MarketSignal, Shape
from streaming_production.event_types import ItemSettings

Row = TypeVar("Row")


def by_name(row: Any) -> dict[str, Any]:
    """Return the fields of a frozen value by name, as they are: nothing is copied.

    >>> by_name(Closing(7, date(2024, 1, 1), None))
    {'seq': 7, 'day': datetime.date(2024, 1, 1), 'unique_id': None}
    """
    kind: Any = type(row)
    return {name: getattr(row, name) for name in _names(kind)}


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One page of a list."""

    rows: list[Row]
    page: int  # from 1
    size: int  # rows a page
    total: int  # rows of all pages


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one event."""

    id: str
    status: Literal["applied", "duplicate"]
    sold: int | None  # units, of a sale
    unmet: int | None  # units of a sale that stock could not serve


@dataclass(frozen=True, slots=True)
class Appended:
    """What an append did."""

    applied: int
    duplicates: int
    first_seq: int | None  # None where nothing was applied
    last_seq: int  # the newest of the log
    unmet: int  # units of demand that found no stock
    late: list[str]  # ids of events that came after later ones
    outcomes: list[Outcome]  # of the one event; empty for batches


@dataclass(frozen=True, slots=True)
class ItemRow:
    """An item as lists show it."""

    unique_id: str
    title: str
    group: str
    on_hand: int
    on_order: int
    cover_days: float | None  # days that the stock lasts at the forecast's rate
    unit_price: float  # of the moment
    stock_value: float  # at cost
    stockout_risk: float | None
    urgency: str | None
    waiting_decision_id: str | None
    waiting_quantity: int | None
    last_decision_id: str | None
    last_decision_day: date | None
    reason: str | None
    flags: tuple[str, ...]
    forecast_origin: date | None
    last_event_at: str | None
    last_closed_day: date | None


@dataclass(frozen=True, slots=True)
class ItemRecord:
    """An item as the catalogue holds it."""

    unique_id: str
    title: str
    profile: str
    terms: ItemTerms
    settings: ItemSettings
    opening_stock: int
    opening_day: date
    on_hand: int
    price: float  # selling price of the moment; `terms.unit_price` is the registered one
    last_closed_day: date | None
    last_decided_day: date | None
    last_decision_id: str | None
    corrected: bool


@dataclass(frozen=True, slots=True)
class ItemDay:
    """One item's day in the ledger: opening + received + returned + adjusted - sold = closing."""

    unique_id: str
    day: date
    opening: int
    received: int
    demanded: int
    sold: int
    unmet: int
    returned: int
    unsaleable: int  # returned, not shelved
    adjusted: int
    discrepancy: int
    closing: int
    price: float
    revenue: float
    closed: bool


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """A decision as lists show it."""

    decision_id: str
    unique_id: str
    title: str
    day: date
    made_at: str
    kind: str
    status: str
    proposed_quantity: int
    quantity: int
    due: date | None
    urgency: str
    rule: str
    reason: str
    needs_review: bool
    review_reason: str
    waiting_for: tuple[str, ...]
    stockout_risk: float
    expected_cost: float
    expected_regret: float
    order_value: float
    order_id: str | None
    decided_by: str | None
    decided_why: str | None
    decided_at: str | None
    touched: bool
    seq: int  # of its decision.made in the log


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order and what became of it."""

    order_id: str
    decision_id: str
    unique_id: str
    title: str
    quantity: int
    confirmed_quantity: int | None
    received: int
    received_day: date | None
    placed_day: date
    due: date
    status: str
    value: float
    attempts: int
    last_error: str | None
    updated_at: str

    @property
    def expected(self) -> int:
        """Return the units still to come."""
        if self.status in ("received", "refused", "cancelled"):
            return 0
        ordered = self.quantity if self.confirmed_quantity is None else self.confirmed_quantity
        return max(0, ordered - self.received)


@dataclass(frozen=True, slots=True)
class SignalRow:
    """A market signal as it is known now."""

    signal_id: str
    kind: EventKind
    label: str
    start: date
    last_day: date | None
    demand: float | None
    lead_time_extra: int | None
    filled_share: float | None
    supplier_shut: bool
    price: float
    shape: Shape
    items: tuple[str, ...]
    source: str
    known_day: date  # business day on whose evening it was first known
    status: Literal["announced", "running", "ended", "withdrawn"]

    @property
    def signal(self) -> MarketSignal:
        """Return it as the core knows signals."""
        return MarketSignal(
            event_id=self.signal_id,
            kind=self.kind,
            label=self.label,
            start=self.start,
            last_day=self.last_day,
            demand=self.demand,
            lead_time_extra=self.lead_time_extra,
            filled_share=self.filled_share,
            supplier_shut=self.supplier_shut,
            announced=self.known_day < self.start,
            shape=self.shape,
            price=self.price,
            items=self.items,
            source=self.source,
        )


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event as the log holds it."""

    seq: int
    epoch: int
    id: str
    source: str
    type: str
    unique_id: str | None
    day: date
    time: str  # with its own offset, as it was sent
    received_at: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Closing:
    """A day that was closed, for one item or all."""

    seq: int
    day: date
    unique_id: str | None  # None: all


@dataclass(frozen=True, slots=True)
class Autonomy:
    """Above which limits every order waits for a person."""

    max_order_value: float | None = None
    max_order_quantity: int | None = None
    kill_switch: bool = False
    who: str | None = None
    why: str | None = None
    changed_at: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """An item's sales before it was registered."""

    unique_id: str
    first_day: date
    y: NDArray[np.float64]  # (days,) units
    in_stock: NDArray[np.bool_]  # (days,)


@dataclass(frozen=True, slots=True)
class ForecastRow:
    """A fitted demand model."""

    unique_id: str
    origin: date  # last observed day
    fresh_until: date  # last closed day up to which it needs no refit
    model: str  # the method
    fitted_at: str
    body: str  # JSON of core `DemandModel.to_dict`
    forecast_id: int = 0  # given by the store


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """An order that is to be sent, or asked for."""

    order_id: str
    unique_id: str
    quantity: int
    due: date
    status: str  # 'queued', 'sent' or 'unknown'
    attempts: int


@dataclass(frozen=True, slots=True)
class Totals:
    """Key figures of a span of days; shares 0 to 1."""

    service_level: float | None
    fill_rate: float | None
    revenue: float
    profit: float
    cash_profit: float
    stock_value: float
    units_on_hand: int
    orders_placed: int
    open_orders: int
    decisions: int
    autonomous_share: float | None
    waiting: int
    at_risk: int
    items: int


@dataclass(frozen=True, slots=True)
class DayFigures:
    """Key figures of one day."""

    day: date
    service_level: float | None
    fill_rate: float | None
    profit: float
    revenue: float
    stock_value: float
    orders: int
    autonomous_share: float | None


@dataclass(frozen=True, slots=True)
class KeyFigures:
    """Key figures of the last days."""

    today: date | None  # last closed day
    epoch: int
    totals: Totals
    trend: list[DayFigures]


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a projection does not follow from the log."""

    table: str
    key: str
    column: str
    stored: str
    recomputed: str
