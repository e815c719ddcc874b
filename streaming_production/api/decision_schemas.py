"""Decisions: what is asked of them, how they are answered, and the dry run."""

from datetime import date
from typing import Literal

from pydantic import Field

from streaming_production.api.shared_schemas import (
    Answer,
    Body,
    DecisionStatus,
    Instant,
    Key,
    Page,
    PageQuery,
    Query,
    Urgency,
    Words,
    example,
)
from streaming_production.event_types import Count, Day, ItemId, Who, Why


class DecisionFilter(Query):
    """Which decisions."""

    status: DecisionStatus | None = None
    unique_id: Words | None = None
    search: Words = Field(default="", description="part of the item's id or title")
    urgency: Urgency | None = None
    first: Day | None = Field(default=None, description="first business day")
    last: Day | None = Field(default=None, description="last business day")


class DecisionQuery(DecisionFilter, PageQuery):
    """Which decisions, a page of them, newest first."""


class DecisionPath(Query):
    """The decision that is meant."""

    decision_id: Key


class DecisionRow(Answer):
    """One decision in short."""

    decision_id: str
    unique_id: str
    title: str
    day: date
    made_at: Instant
    kind: Literal["day_close", "on_demand", "wire"]
    status: DecisionStatus
    proposed_quantity: int
    quantity: int = Field(description="units that were ordered, or are proposed")
    due: date | None
    urgency: Urgency
    rule: str
    reason: str
    needs_review: bool
    review_reason: str
    waiting_for: list[str] = Field(description="why it waits for a person")
    stockout_risk: float
    expected_cost: float
    expected_regret: float
    order_value: float
    order_id: str | None
    decided_by: str | None
    decided_why: str | None
    decided_at: Instant | None
    touched: bool = Field(description="a later event changed what it was based on")


class DecisionPage(Page):
    """A page of decisions."""

    decisions: list[DecisionRow]


class CurvePoint(Answer):
    """A quantity that was tried, and its expected cost."""

    quantity: int
    cost: float


class ChosenPoint(CurvePoint):
    """A quantity that was tried, and how it stands to the one chosen."""

    chosen: bool
    meets_target: bool


class Alternative(Answer):
    """Another quantity, and what it would cost more."""

    quantity: int
    extra_cost: float
    meets_target: bool


class AcceptedQuantities(Answer):
    """Which quantities the item's limits accept."""

    moq: int
    pack_size: int
    max_order: int | None


class DecisionDetail(DecisionRow):
    """One decision with its whole explanation."""

    on_hand: int
    on_order: int
    reason_codes: list[str]
    projected_stock: float
    unavoidable_risk: float
    service_target: float
    reorder_point: int
    order_up_to: int
    expected_demand: float
    believed_multiplier: float
    forecast_mean: float
    forecast_low: float
    forecast_high: float
    curve: list[ChosenPoint]
    alternatives: list[Alternative]
    flips: list[str] = Field(description="what would have made the decision another one")
    not_known: list[str] = Field(description="what the agent could not know")
    accepted: AcceptedQuantities


class DecideNow(Body):
    """The item to decide for."""

    model_config = example({"unique_id": "Electronics_DEMO_ITEM"})
    unique_id: ItemId


class Approval(Body):
    """Who approves, and if he likes why."""

    model_config = example({"who": "maria"})
    who: Who
    why: str = Field(default="", max_length=1000)


class Rejection(Body):
    """Who rejects, and why."""

    model_config = example({"who": "maria", "why": "delisted next week"})
    who: Who
    why: Why


class Override(Body):
    """Who orders another quantity, and why."""

    model_config = example({"who": "maria", "why": "a pallet", "quantity": 480})
    who: Who
    why: Why
    quantity: Count


class WhatIfEvent(Body):
    """A market event to assume."""

    kind: Literal[
        "viral",
        "celebrity_endorsement",
        "black_friday",
        "competitor_stockout",
        "competitor_price_cut",
        "supply_disruption",
        "economic_downturn",
        "post_holiday_clearance",
        "promotion",
    ]
    starts_in: int = Field(ge=0, le=365, description="days from today")
    days: int = Field(ge=1, le=365)
    demand: float = Field(ge=0, le=100, description="multiplier")
    lead_time_extra: int | None = Field(
        default=None, ge=0, le=365, description="days; null: as usual for the kind"
    )
    filled_share: float | None = Field(default=None, ge=0, le=1)


class WhatIfQuestion(Body):
    """What to assume instead of what is so; nothing of it is stored."""

    model_config = example(
        {"unique_id": "Electronics_DEMO_ITEM", "demand_factor": 1.5, "lead_time": 7}
    )
    unique_id: ItemId
    demand_factor: float = Field(default=1, ge=0, le=100)
    lead_time: int | None = Field(default=None, ge=1, le=365)
    on_hand: Count | None = None
    on_order: Count | None = None
    event: WhatIfEvent | None = None


class WhatIf(Answer):
    """What would be decided."""

    quantity: int
    due: date | None
    urgency: Urgency
    reason: str
    stockout_risk: float
    expected_cost: float
    expected_demand: float
    reorder_point: int
    order_up_to: int
    curve: list[CurvePoint]


class WhatIfAnswer(Answer):
    """What would be decided as things are, and with the change."""

    baseline: WhatIf
    changed: WhatIf
