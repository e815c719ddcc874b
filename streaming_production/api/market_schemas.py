"""Signals of the market."""

from datetime import date

from pydantic import Field

from streaming_production.api.shared_schemas import Answer, Query, SignalStatus


class SignalQuery(Query):
    """Which signals."""

    status: SignalStatus | None = None


class Signal(Answer):
    """What is known of a market event, and what the agent does about it."""

    signal_id: str
    kind: str
    label: str
    start: date
    last_day: date | None
    demand: float | None = Field(description="multiplier; null: not told")
    lead_time_extra: int | None
    filled_share: float | None
    supplier_shut: bool
    price: float
    shape: str
    items: list[str] = Field(description="empty: all items")
    source: str
    status: SignalStatus
    response: str = Field(description="what the agent does about it, in words")


class SignalList(Answer):
    """All signals asked for."""

    signals: list[Signal]
