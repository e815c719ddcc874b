"""What stands in for item terms that no file gives, with a line for each so that it can be told."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from core_modules.history_files.sales_columns import FloatArray
from core_modules.history_files.sales_errors import listed
from core_modules.item_terms import ItemTerms
from core_modules.sales_history import PRICE_DAYS

AMOUNTS = (
    "unit_price",
    "unit_cost",
    "holding_cost",
    "shortage_cost",
    "goodwill",
    "order_cost",
    "salvage",
)


@dataclass(frozen=True, slots=True)
class ItemDefaults:
    """What stands in for terms that no file gives."""

    unit_price: float = 10.0  # money a unit, > 0, where neither file nor sales know a price
    cost_share: float = 0.6  # unit cost as a share of unit price, above 0, at most 1
    holding_share: float = 0.25  # cost of holding a unit for a year, as a share of unit cost, >= 0
    order_cost: float = 0.0  # money an order, >= 0
    lead_time: int = 3  # periods, >= 1
    review_period: int = 1  # periods, >= 1
    prices: Mapping[str, float] = field(default_factory=dict)  # money a unit, by item

    def __post_init__(self) -> None:
        if not self.unit_price > 0:
            raise ValueError(f"unit_price must be > 0, got {self.unit_price}")
        if not 0 < self.cost_share <= 1:
            raise ValueError(f"cost_share must be above 0 and at most 1, got {self.cost_share}")
        if not self.holding_share >= 0:
            raise ValueError(f"holding_share must be >= 0, got {self.holding_share}")


@dataclass(slots=True)
class TermGaps:
    """Fills terms that are not given, and keeps a line for each default used."""

    ids: Sequence[str]
    terms: dict[str, FloatArray]  # name -> (items,), NaN where not given
    source: str  # the file's name, '' without a file
    present: Collection[str]  # the file's columns
    lines: list[str] = field(default_factory=list)

    def fill(self, name: str, values: FloatArray | float, words: str) -> None:
        """Put `values` where `name` is still unknown; `words` say what they are."""
        values = np.broadcast_to(np.asarray(values, dtype=np.float64), len(self.ids))
        used = np.isnan(self.terms[name]) & ~np.isnan(values)
        self.terms[name] = np.where(used, values, self.terms[name])
        if used.any():
            self.say(name, words, [self.ids[row] for row in np.flatnonzero(used).tolist()])

    def say(self, name: str, words: str, items: Sequence[str]) -> None:
        """Add the line for a default that was used for some items."""
        whom = "" if len(items) == len(self.ids) else f" for {listed(list(items), most=3)}"
        if not self.source:
            self.lines.append(f"without an items file, {name} is {words}{whom}")
        elif name not in self.present:
            self.lines.append(f"{self.source} has no column {name}: {words} is used{whom}")
        else:
            self.lines.append(f"{self.source} leaves {name} empty: {words} is used{whom}")


def fill_gaps(gaps: TermGaps, freq: str, defaults: ItemDefaults) -> None:
    """Fill every gap, in the order in which one default follows from another."""
    period = {"D": "day", "W": "week"}[freq]
    year = {"D": 365.0, "W": 365.0 / 7}[freq]  # periods
    terms, share, yearly = gaps.terms, defaults.cost_share, defaults.holding_share
    sold_at = np.array([defaults.prices.get(item, np.nan) for item in gaps.ids])
    gaps.fill("unit_price", sold_at, f"the mean price of the last {PRICE_DAYS} days of sales")
    shortage = terms["shortage_cost"]  # fmin and fmax pass over it where it is not given
    suited = "" if np.isnan(shortage).all() else ", suited to shortage_cost,"
    price = np.fmin(terms["unit_cost"] / share, terms["unit_cost"] + shortage)
    price = np.where(price > 0, price, np.nan)  # what costs nothing says nothing of its price
    gaps.fill("unit_price", price, f"unit cost / {share:g}{suited}")
    gaps.fill("unit_price", defaults.unit_price, f"{defaults.unit_price:g}")
    cost = np.fmax(share * terms["unit_price"], terms["unit_price"] - shortage)
    gaps.fill("unit_cost", cost, f"{share * 100:g} % of unit price{suited}")
    holding = yearly * terms["unit_cost"] / year
    gaps.fill("holding_cost", holding, f"{yearly * 100:g} % of unit cost a year")
    _fill_goodwill(gaps)
    gaps.fill("order_cost", defaults.order_cost, f"{defaults.order_cost:g}")
    for name in ("lead_time", "review_period"):
        count = getattr(defaults, name)
        gaps.fill(name, count, f"{count} {period}{'s' if count > 1 else ''}")
    gaps.fill("moq", 0, "0 (no smallest order)")
    gaps.fill("pack_size", 1, "1 (single units)")
    for name, words in (("max_order", "none"), ("shelf_life", "none")):
        # An empty cell of the column is how a planner writes "none"; that needs no line.
        if name not in gaps.present:
            gaps.say(name, words, gaps.ids)


def _fill_goodwill(gaps: TermGaps) -> None:
    terms = gaps.terms
    margin = terms["unit_price"] - terms["unit_cost"]
    if "shortage_cost" not in gaps.present and "goodwill" not in gaps.present:
        gaps.say("shortage_cost", "unit price - unit cost", gaps.ids)
    beyond = terms["shortage_cost"] - margin
    # What is left of a shortage cost that equals the margin is rounding.
    beyond = np.where(np.abs(beyond) < 1e-9 * terms["unit_price"], 0.0, beyond)
    goodwill = np.where(np.isnan(terms["goodwill"]), beyond, terms["goodwill"])
    terms["goodwill"] = np.nan_to_num(goodwill)
    terms["salvage"] = np.nan_to_num(terms["salvage"])


def terms_of(gaps: TermGaps, row: int, group: str) -> ItemTerms:
    """Return the terms of one item; ValueError where they do not fit together."""
    value = {name: float(values[row]) for name, values in gaps.terms.items()}

    def limit(name: str) -> int | None:
        return None if np.isnan(value[name]) else int(value[name])

    return ItemTerms(
        unique_id=gaps.ids[row],
        unit_price=value["unit_price"],
        unit_cost=value["unit_cost"],
        holding_cost=value["holding_cost"],
        goodwill=value["goodwill"],
        order_cost=value["order_cost"],
        salvage=value["salvage"],
        lead_time=int(value["lead_time"]),
        review_period=int(value["review_period"]),
        moq=int(value["moq"]),
        pack_size=int(value["pack_size"]),
        max_order=limit("max_order"),
        shelf_life=limit("shelf_life"),
        group=group,
    )
