"""What each type of event says: its data, the limits of every field, and who may send it.

Bodies are strict: `true` is no number, "3" is no quantity, and a key nobody knows is refused.
"""

from collections.abc import Mapping
from dataclasses import MISSING
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import Annotated, Any, Literal

from annotated_types import Ge, Le
from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from core_modules.agent_rules import Priority, Urgency
from core_modules.item_terms import ItemTerms
from core_modules.market_events import FIRST_YEAR, LAST_YEAR, LONGEST, EventKind, Shape

MOST = 1_000_000_000  # units, and money a unit
LONGEST_NAME, LONGEST_SOURCE = 200, 500  # characters
FIRST_INSTANT = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)
LAST_INSTANT = datetime(LAST_YEAR, 12, 31, tzinfo=UTC)

# No control characters and no line separators; pydantic compiles it for Rust, so no \p{...} classes
# that Python's and JavaScript's readers of the published schema do not know.
_ONE_LINE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+$"


# pydantic's own readers also take seconds since 1970, even written as text.


def _day(value: object) -> object:
    if not isinstance(value, str):
        return value
    if len(value) != 10 or value[4] != "-" or value[7] != "-":
        raise ValueError("must be a day as YYYY-MM-DD")
    return date.fromisoformat(value)


def read_instant(text: str) -> datetime:
    """Read a time; ValueError for one in no form of ours. Without an offset it is naive."""
    if len(text) < 20 or text[4:8:3] != "--" or text[10] not in "Tt ":
        raise ValueError("must be a time with its offset as 2024-03-01T12:00:00Z")
    moment = datetime.fromisoformat(text)
    # JSON as it is stored tells offsets in minutes.
    if moment.tzinfo is not UTC and (moment.utcoffset() or _NONE) % _MINUTE:
        raise ValueError(f"must have an offset of whole minutes, got {moment.utcoffset()}")
    return moment


def _instant(value: object) -> object:
    return read_instant(value) if isinstance(value, str) else value


_NONE, _MINUTE = timedelta(), timedelta(minutes=1)

ItemId = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME, pattern=_ONE_LINE)]
EventId = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME, pattern=_ONE_LINE)]
Source = Annotated[str, Field(min_length=1, max_length=LONGEST_SOURCE, pattern=_ONE_LINE)]
Label = Annotated[str, Field(max_length=200, pattern=_ONE_LINE.replace("+$", "*$"))]
Words = Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$")]
Why = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"^[^\x00]*$")]
Who = Annotated[str, Field(min_length=1, max_length=200, pattern=_ONE_LINE)]
Count = Annotated[int, Field(ge=0, le=MOST)]  # units, >= 0
Units = Annotated[int, Field(ge=1, le=MOST)]  # units, >= 1
Price = Annotated[float, Field(gt=0, le=MOST, allow_inf_nan=False)]  # money a unit
Money = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Day = Annotated[
    date,
    Ge(date(FIRST_YEAR, 1, 1)),
    Le(date(LAST_YEAR, 12, 31)),
    BeforeValidator(_day),
]
Instant = Annotated[
    AwareDatetime,
    Ge(FIRST_INSTANT),
    Le(LAST_INSTANT),
    BeforeValidator(_instant),
]


class FieldError(ValueError):
    """A field breaks a rule of the whole model that refuses it; `place` leads there from it."""

    def __init__(self, message: str, *place: str) -> None:
        super().__init__(message)
        self.place = place


class Facts(BaseModel):
    """The data of an event: frozen, strict, no unknown key."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class SaleRecorded(Facts):
    """Units asked for; what stock could not serve is unmet."""

    quantity: Units
    price: Price | None = None  # None: the item's price of the moment


class ReceiptRecorded(Facts):
    """Units that came in, of an order or not."""

    quantity: Count
    order_id: EventId | None = None
    complete: bool = False  # nothing more will come of the order


class StockCounted(Facts):
    """Units found on the shelf."""

    on_hand: Count


class StockAdjusted(Facts):
    """Units added or taken by hand."""

    quantity: Annotated[int, Field(ge=-MOST, le=MOST)]
    reason: Why

    @model_validator(mode="after")
    def _moves_something(self) -> "StockAdjusted":
        if self.quantity == 0:
            message = "quantity must not be 0: an adjustment adds or takes units"
            raise FieldError(message, "quantity")
        return self


class ReturnRecorded(Facts):
    """Units that a customer brought back."""

    quantity: Units
    resaleable: bool = True  # False: counted, not shelved


class PriceChanged(Facts):
    """The selling price from now on."""

    price: Price


class SignalTold(Facts):
    """What is known of a market event; sent again with the same id it is edited."""

    signal_id: EventId
    kind: EventKind
    start: Day
    label: Label = ""
    last_day: Day | None = None
    demand: Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)] | None = None
    lead_time_extra: Annotated[int, Field(ge=0, le=LONGEST)] | None = None  # days
    filled_share: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    supplier_shut: bool = False
    price: Annotated[float, Field(ge=0.01, le=100, allow_inf_nan=False)] = 1.0  # relative
    shape: Shape = Shape.FLAT
    items: Annotated[tuple[ItemId, ...], Field(max_length=10_000)] = ()  # empty: all
    source: Label = ""

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> "SignalTold":
        if self.last_day is not None and self.last_day < self.start:
            message = f"last_day must be {self.start} or later, got {self.last_day}"
            raise FieldError(message, "last_day")
        return self


class SignalEnded(Facts):
    """The market event is over."""

    signal_id: EventId
    last_day: Day | None = None  # None: the event's day


class SignalWithdrawn(Facts):
    """The signal was a mistake."""

    signal_id: EventId


class DayClosed(Facts):
    """Nothing more is expected of the day: time to decide."""

    day: Day


class ItemSettings(Facts):
    """How one item is decided."""

    priority: Priority = Priority.SERVICE
    service_target: Annotated[float, Field(ge=0, lt=1)] = 0.0
    risk: Annotated[float, Field(ge=0, le=1)] = 0.0
    max_order_value: Money | None = None  # money; above it a person approves
    max_order_quantity: Count | None = None  # units; above it a person approves
    automatic: bool = True  # False: every order waits for a person


_REQUIRED_TERMS = {
    name for name, one in ItemTerms.__dataclass_fields__.items() if one.default is MISSING
}


def _check_terms(terms: Mapping[str, Any]) -> None:
    unknown = sorted(set(terms) - set(ItemTerms.__dataclass_fields__))
    if unknown:
        raise ValueError(f"no terms of an item: {', '.join(unknown)}")


class ItemRegistered(Facts):
    """An item enters the catalogue."""

    terms: dict[str, float | int | str | None]  # fields of `ItemTerms`
    opening_stock: Count
    opening_day: Day  # last day of its history; decisions begin the day after
    title: Words = ""
    settings: ItemSettings = ItemSettings()
    profile: Words = ""

    @model_validator(mode="after")
    def _are_terms(self) -> "ItemRegistered":
        _check_terms(self.terms)
        missing = sorted(_REQUIRED_TERMS - self.terms.keys())
        if missing:
            raise ValueError(f"terms of an item are missing: {', '.join(missing)}")
        ItemTerms(**self.terms)  # type: ignore[arg-type]  # it checks its values itself
        return self


class ItemChanged(Facts):
    """Some terms or settings of an item take new values."""

    terms: dict[str, float | int | str | None] | None = None
    settings: dict[str, float | int | str | bool | None] | None = None
    who: Who
    why: Why

    @model_validator(mode="after")
    def _are_known(self) -> "ItemChanged":
        _check_terms(self.terms or {})
        unknown = sorted(set(self.settings or {}) - set(ItemSettings.model_fields))
        if unknown:
            raise ValueError(f"no settings of an item: {', '.join(unknown)}")
        return self


class PlacedOrder(Facts):
    """An order that a decision places."""

    order_id: EventId
    quantity: Units
    due: Day


OPEN_ORDER = "open_order"  # the rule of an order that was under way before the agent came


class DecisionMade(Facts):
    """What the agent decided for an item, and why: the core's decision and its surroundings."""

    decision_id: EventId
    unique_id: ItemId
    day: Day
    kind: Literal["day_close", "on_demand", "wire"]
    status: Literal["no_order", "automatic", "waiting"]
    waiting_for: tuple[str, ...] = ()  # why a person is asked, readable
    action: str
    quantity: Count  # proposed units
    due: Day | None
    urgency: Urgency
    rule: str
    reason: str
    reason_codes: tuple[str, ...]
    needs_review: bool
    review_reason: str
    projected_stock: Number
    stockout_risk: Number
    unavoidable_risk: Number
    service_target: Number
    reorder_point: int
    order_up_to: int
    expected_demand: Number
    believed_multiplier: Number
    forecast_mean: Number
    forecast_low: Number
    forecast_high: Number
    expected_cost: Number
    expected_regret: Number
    curve: tuple[tuple[int, Number], ...]
    on_hand: int
    on_order: int
    forecast_id: int | None = None
    order_value: Number
    order: PlacedOrder | None = None


class DecisionAnswered(Facts):
    """A person's answer to a decision that waited."""

    decision_id: EventId
    who: Who
    why: Words = ""
    quantity: Count
    order: PlacedOrder | None = None


class OrderSent(Facts):
    """The order goes to the supplier now."""

    order_id: EventId


class OrderConfirmed(Facts):
    """The supplier took the order."""

    order_id: EventId
    quantity: Count
    due: Day


class OrderFailed(Facts):
    """The supplier refused the order, or what it answered is not known."""

    order_id: EventId
    why: Words


class OrderCancelled(Facts):
    """A person took the order back."""

    order_id: EventId
    who: Who
    why: Words


class AutonomyChanged(Facts):
    """Above which limits every order waits for a person; the kill switch stops all."""

    max_order_value: Money | None = None
    max_order_quantity: Count | None = None
    kill_switch: bool = False
    who: Who
    why: Words


class EpochOpened(Facts):
    """A new beginning: every item has its opening stock again."""

    who: Who
    why: Words


# Types whose subject is the item that they move; the ledger is folded from these.
LEDGER: Mapping[str, type[Facts]] = MappingProxyType(
    {
        "sale.recorded": SaleRecorded,
        "receipt.recorded": ReceiptRecorded,
        "stock.counted": StockCounted,
        "stock.adjusted": StockAdjusted,
        "return.recorded": ReturnRecorded,
        "price.changed": PriceChanged,
    }
)
SIGNALS: Mapping[str, type[Facts]] = MappingProxyType(
    {
        "signal.announced": SignalTold,
        "signal.started": SignalTold,
        "signal.ended": SignalEnded,
        "signal.withdrawn": SignalWithdrawn,
    }
)
CLOSING = "day.closed"
EXTERNAL: Mapping[str, type[Facts]] = MappingProxyType({**LEDGER, **SIGNALS, CLOSING: DayClosed})
# Facts that only the agent itself writes.
INTERNAL: Mapping[str, type[Facts]] = MappingProxyType(
    {
        "item.registered": ItemRegistered,
        "item.changed": ItemChanged,
        "decision.made": DecisionMade,
        "decision.approved": DecisionAnswered,
        "decision.rejected": DecisionAnswered,
        "decision.overridden": DecisionAnswered,
        "order.sent": OrderSent,
        "order.confirmed": OrderConfirmed,
        "order.refused": OrderFailed,
        "order.unknown": OrderFailed,
        "order.cancelled": OrderCancelled,
        "autonomy.changed": AutonomyChanged,
        "epoch.opened": EpochOpened,
    }
)
