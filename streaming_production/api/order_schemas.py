"""Orders: what is asked of them and what is answered."""

from datetime import date
from typing import Literal

from pydantic import Field

from streaming_production.api.shared_schemas import (
    Answer,
    Instant,
    Key,
    OrderStatus,
    Page,
    PageQuery,
    Query,
    Words,
)


class OrderFilter(Query):
    """Which orders."""

    status: OrderStatus | Literal["open"] | None = Field(
        default=None, description="open: every one still to come"
    )
    unique_id: Words | None = None
    search: Words = Field(default="", description="part of the item's id or title")


class OrderQuery(OrderFilter, PageQuery):
    """Which orders, a page of them, newest first."""


class OrderPath(Query):
    """The order that is meant."""

    order_id: Key


class Order(Answer):
    """An order and what became of it."""

    order_id: str
    decision_id: str
    unique_id: str
    title: str
    quantity: int
    confirmed_quantity: int | None
    received: int
    placed_day: date
    due: date
    status: OrderStatus
    value: float = Field(description="money, at cost")
    attempts: int = Field(description="how often it was sent to the supplier")
    last_error: str | None
    updated_at: Instant


class OrderPage(Page):
    """A page of orders."""

    orders: list[Order]
