"""What may be asked of the lists: filters, sorting, pages."""

from dataclasses import dataclass
from datetime import date

ITEM_FILTERS = ("all", "at_risk", "waiting", "flagged")
ITEM_SORTS = ("risk", "name", "cover", "value", "on_hand")
AT_RISK = 0.05  # chance of running short above which an item is at risk
LOOK_BACK = 7  # days for which a discrepancy, or an order overfilled, is flagged


@dataclass(frozen=True, slots=True)
class ItemQuery:
    """Which items, and in which order."""

    search: str = ""
    filter: str = "all"
    group: str | None = None
    sort: str = "risk"
    descending: bool | None = None  # None: worst first by risk, else rising
    page: int = 1
    size: int = 50

    def __post_init__(self) -> None:
        _check("filter", self.filter, ITEM_FILTERS)
        _check("sort", self.sort, ITEM_SORTS)
        _check_page(self.page, self.size)


@dataclass(frozen=True, slots=True)
class DecisionQuery:
    """Which decisions, newest first."""

    status: str | None = None
    unique_id: str | None = None
    search: str = ""
    urgency: str | None = None
    first: date | None = None
    last: date | None = None
    page: int = 1
    size: int = 50

    def __post_init__(self) -> None:
        _check_page(self.page, self.size)


@dataclass(frozen=True, slots=True)
class OrderQuery:
    """Which orders, newest first."""

    status: str | None = None
    unique_id: str | None = None
    search: str = ""
    page: int = 1
    size: int = 50

    def __post_init__(self) -> None:
        _check_page(self.page, self.size)


def _check(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}, got {value!r}")


def _check_page(page: int, size: int) -> None:
    if page < 1 or size < 1:
        raise ValueError(f"page and size must be >= 1, got {page} and {size}")
