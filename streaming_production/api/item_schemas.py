"""Items: what is asked of them and what is answered."""

from datetime import date
from typing import Literal

from pydantic import Field

from streaming_production.api.decision_schemas import DecisionDetail, DecisionRow
from streaming_production.api.market_schemas import Signal
from streaming_production.api.order_schemas import Order
from streaming_production.api.shared_schemas import (
    Amount,
    Answer,
    Body,
    FlagText,
    Instant,
    Page,
    PageQuery,
    Query,
    Urgency,
    Words,
    example,
)
from streaming_production.event_types import Count, Day, ItemId, Who, Why


class ItemQuery(PageQuery):
    """Which items, in which order."""

    search: Words = Field(default="", description="part of the id, title or group")
    filter: Literal["all", "at_risk", "waiting", "flagged"] = "all"
    group: Words | None = None
    sort: Literal["risk", "name", "cover", "value", "on_hand"] = "risk"
    descending: FlagText | None = Field(
        default=None, description="absent: worst first by risk, else rising"
    )


class ItemPath(Query):
    """The item that is meant."""

    unique_id: ItemId


class ItemRow(Answer):
    """One item as it stands."""

    unique_id: str
    title: str
    group: str
    on_hand: int = Field(description="units")
    on_order: int = Field(description="units")
    cover_days: float | None = Field(description="days that the stock on hand lasts")
    unit_price: float
    stock_value: float = Field(description="money, at cost")
    stockout_risk: float | None = Field(description="chance of running short, 0 to 1")
    urgency: Urgency | None
    waiting_decision_id: str | None
    waiting_quantity: int | None
    last_decision_id: str | None
    last_decision_day: date | None
    reason: str | None = Field(description="why the last decision is as it is, in one sentence")
    flags: list[str]
    forecast_origin: date | None = Field(description="last day that the forecast was fitted on")
    last_event_at: Instant | None
    last_closed_day: date | None


class ItemPage(Page):
    """A page of items."""

    items: list[ItemRow]


class Terms(Answer):
    """Economics and limits of an item; money a unit, times in days."""

    unit_price: float
    unit_cost: float
    holding_cost: float = Field(description="money a unit a day")
    goodwill: float
    order_cost: float
    salvage: float
    lead_time: int
    review_period: int
    moq: int
    pack_size: int
    max_order: int | None
    shelf_life: int | None
    group: str


class ItemSettings(Answer):
    """How far the agent may go with an item by itself."""

    priority: Literal["service", "balanced", "cost"]
    service_target: float = Field(description="least chance of serving all demand, 0 to 1")
    risk: float = Field(description="weight of the worst tenth of the paths, 0 to 1")
    max_order_value: float | None
    max_order_quantity: int | None
    automatic: bool


class ItemDay(Answer):
    """One day of an item's ledger."""

    day: date
    opening: int
    received: int
    demanded: int
    sold: int
    unmet: int
    returned: int
    adjusted: int
    closing: int
    revenue: float
    closed: bool


class ForecastDay(Answer):
    """Demand expected on a day, with its 80 % and 95 % intervals."""

    day: date
    mean: float
    low80: float
    high80: float
    low95: float
    high95: float


class Forecast(Answer):
    """The forecast fan of an item."""

    origin: date
    model: str
    fitted_at: Instant
    days: list[ForecastDay]


class Ordered(Answer):
    """An order as its day shows it."""

    day: date
    quantity: int


class ItemDetail(ItemRow):
    """Everything about one item."""

    terms: Terms
    settings: ItemSettings
    opening_stock: int
    days: list[ItemDay] = Field(description="the last 120 days")
    ordered: list[Ordered] = Field(description="orders placed on those days, the newest first")
    open_orders: list[Order]
    forecast: Forecast | None
    signals: list[Signal]
    decisions: list[DecisionRow] = Field(description="the last 20, newest first")
    last_decision: DecisionDetail | None


class TermsChange(Body):
    """Those terms of an item that are to change."""

    unit_price: float | None = Field(default=None, gt=0, le=1e12)
    unit_cost: Amount | None = None
    holding_cost: Amount | None = None
    goodwill: Amount | None = None
    order_cost: Amount | None = None
    salvage: Amount | None = None
    lead_time: int | None = Field(default=None, ge=1, le=365)
    review_period: int | None = Field(default=None, ge=1, le=365)
    moq: Count | None = None
    pack_size: int | None = Field(default=None, ge=1, le=1_000_000)
    max_order: int | None = Field(default=None, ge=1, le=1_000_000_000)
    shelf_life: int | None = Field(default=None, ge=1, le=36_500)
    group: Words | None = None


class SettingsChange(Body):
    """Those settings of an item that are to change; null takes a limit away."""

    priority: Literal["service", "balanced", "cost"] | None = None
    service_target: float | None = Field(default=None, ge=0, lt=1)
    risk: float | None = Field(default=None, ge=0, le=1)
    max_order_value: Amount | None = None
    max_order_quantity: Count | None = None
    automatic: bool | None = None


class ItemChange(Body):
    """A change to an item's terms or settings, and who wants it why."""

    model_config = example(
        {"settings": {"automatic": False}, "who": "maria", "why": "new supplier"}
    )
    terms: TermsChange | None = None
    settings: SettingsChange | None = None
    who: Who
    why: Why


class CatalogueChoice(Body):
    """Items to make from one of the shipped profiles of demand."""

    model_config = example({"profile": "m5_foods3_tx3", "items": 25})
    profile: Literal["demo", "online_retail", "m5_foods3_tx3", "rossmann"]
    items: int = Field(default=1, ge=1, le=20_000)
    seed: int = Field(default=0, ge=0, le=2**31)
    start: Day | None = Field(default=None, description="first day of business")


class Registered(Answer):
    """What came into the catalogue."""

    registered: int
    notes: list[str] = Field(description="defaults that were used for want of a column")
