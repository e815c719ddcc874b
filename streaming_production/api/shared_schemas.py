"""What the schemas of the API have in common: strict bodies, plain queries, pages."""

import re
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


# Pydantic reads text leniently (" 5", "1_000", "5.0", "yes"); a parameter is taken only as the
# document says.
def _whole(given: object) -> object:
    if isinstance(given, str) and not re.fullmatch(r"[0-9]{1,18}", given):
        raise ValueError(f"must be a whole number without sign, got {given!r}")
    return given


def _true_or_false(given: object) -> object:
    if isinstance(given, str) and given not in ("true", "false"):
        raise ValueError(f"must be true or false, got {given!r}")
    return given


WholeText = Annotated[int, BeforeValidator(_whole)]
FlagText = Annotated[bool, BeforeValidator(_true_or_false)]
# No NUL, which PostgreSQL cannot compare with.
Words = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]
Key = Annotated[str, Field(max_length=100, pattern=r"^[A-Za-z0-9-]+$")]
Amount = Annotated[float, Field(ge=0, le=1e12)]  # money
Instant = Annotated[str, Field(json_schema_extra={"format": "date-time"})]  # UTC
Urgency = Literal["critical", "high", "normal", "low"]
DecisionStatus = Literal[
    "no_order", "automatic", "waiting", "approved", "rejected", "overridden", "superseded"
]
OrderStatus = Literal[
    "queued",
    "sent",
    "unknown",
    "confirmed",
    "refused",
    "cancelled",
    "partly_received",
    "received",
]
SignalStatus = Literal["announced", "running", "ended", "withdrawn"]


class Body(BaseModel):
    """A request's JSON: no unknown keys, `true` is no number, 1.5 no count, NaN nothing at all."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


def example(value: dict[str, Any]) -> ConfigDict:
    """Return the configuration that shows a body in the document."""
    return ConfigDict(json_schema_extra={"example": value})


class Query(BaseModel):
    """A request's parameters, which are text; unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @classmethod
    def model_json_schema(cls, *how: Any, **named: Any) -> dict[str, Any]:
        """Return the schema; the API's library asks for the plain one at each request."""
        return super().model_json_schema(*how, **named) if how or named else _plain_schema(cls)


@cache
def _plain_schema(query: type[Query]) -> dict[str, Any]:
    return super(Query, query).model_json_schema()


class PageQuery(Query):
    """Which part of a long list."""

    page: WholeText = Field(default=1, ge=1, le=1_000_000)
    size: WholeText = Field(default=50, ge=1, le=500)


class Answer(BaseModel):
    """What is answered, read from the rows and values of the core."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class Page(Answer):
    """Which part of a long list an answer holds."""

    page: int
    size: int
    total: int = Field(description="rows in all pages")
