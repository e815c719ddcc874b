"""Items made from tier 1's profiles of demand: the same profile, seed and number, the same item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from core_modules.demand_pattern import DemandPattern, shipped_patterns
from core_modules.item_terms import ItemTerms
from core_modules.reference_demand import (
    DEMO_CATEGORIES,
    REFERENCE_CATEGORY,
    demo_history,
    demo_pattern,
)
from core_modules.run_cases import HISTORY_SEED, OPENING_COVER, REFERENCE_STOCK, REFERENCE_TERMS
from core_modules.synthetic_generator import generate_demand

FloatArray = NDArray[np.float64]

DEMO_PROFILE = "demo"
PROFILES = (DEMO_PROFILE, "online_retail", "m5_foods3_tx3", "rossmann")
MOST_ITEMS = 20_000
HISTORY_DAYS = 2 * 365
USUAL_START = date(2024, 1, 1)  # the demo's
RECENT_DAYS = 28  # whose mean sales the opening stock is counted in
LEVEL_SPREAD = 0.8  # of the logarithm of items' levels about the typical item's
PRICE, PRICE_SPREAD = 10.0, 0.5  # median money a unit, spread of its logarithm
COST_SHARE, HOLDING_SHARE = 0.6, 0.25 / 365  # of the price; of the cost a day
LEAD_TIMES = (2, 3, 3, 4, 5, 7)  # days, drawn evenly


@dataclass(frozen=True, slots=True)
class ProfileItem:
    """An item of a profile and the demand that the world has for it."""

    terms: ItemTerms
    pattern: DemandPattern | None  # None: the demo's item, whose demand is the reference year's

    @property
    def unique_id(self) -> str:
        """The item's name."""
        return self.terms.unique_id


@dataclass(frozen=True, slots=True, eq=False)
class OpeningItem:
    """An item with its past, as it enters the catalogue."""

    terms: ItemTerms
    first_day: date  # of the history
    sales: FloatArray  # (days,) units
    in_stock: NDArray[np.bool_]  # (days,)
    opening_stock: int  # units
    profile: str  # where it comes from, for people

    @property
    def opening_day(self) -> date:
        """The last day of the history; decisions begin the day after."""
        return self.first_day + timedelta(days=self.sales.size - 1)


def profile_items(profile: str, count: int, seed: int) -> list[ProfileItem]:
    """Return the first `count` items of a profile: its single items, then draws about the typical.

    Raises ValueError for a profile that is not known or a count out of range.
    """
    if profile not in PROFILES:
        raise ValueError(f"profile must be one of {', '.join(PROFILES)}, got {profile!r}")
    if not 1 <= count <= MOST_ITEMS:
        raise ValueError(f"items must be 1 to {MOST_ITEMS}, got {count}")
    make = _demo_item if profile == DEMO_PROFILE else _shipped_item
    return [make(profile, number, seed) for number in range(count)]


def _demo_item(_: str, number: int, seed: int) -> ProfileItem:
    """Return the demo's item, then its other categories, then draws about all of them."""
    if number == 0:
        return ProfileItem(REFERENCE_TERMS, None)
    others = [name for name in DEMO_CATEGORIES if name != REFERENCE_CATEGORY]
    category = list(DEMO_CATEGORIES)[number % len(DEMO_CATEGORIES)]
    if number <= len(others):
        category = others[number - 1]
        name = f"{category}_DEMO_ITEM"
        return ProfileItem(_terms(name, category, number, seed), demo_pattern(category))
    name = f"{category}_{number:04d}"
    pattern = _scaled(demo_pattern(category), _level_draw(number, seed), name)
    return ProfileItem(_terms(name, category, number, seed), pattern)


def _shipped_item(profile: str, number: int, seed: int) -> ProfileItem:
    pooled, single = _patterns(profile)
    if number < len(single):
        pattern = single[number]
        terms = _terms(pattern.name, pooled[0].name, number, seed)
    else:
        rng = np.random.default_rng([seed, number, 1])
        shares = np.array([one.provenance.items for one in pooled], dtype=np.float64)
        typical = pooled[int(rng.choice(len(pooled), p=shares / shares.sum()))]
        pattern = _scaled(typical, _level_draw(number, seed), f"{typical.name}_{number:04d}")
        terms = _terms(pattern.name, typical.name, number, seed)
    if pattern.quantity == "money":  # orders are in units
        pattern = replace(_scaled(pattern, 1 / terms.unit_price, pattern.name), quantity="units")
    return ProfileItem(terms, pattern)


@lru_cache(maxsize=8)
def _patterns(profile: str) -> tuple[tuple[DemandPattern, ...], tuple[DemandPattern, ...]]:
    """Return a profile's pooled patterns and those of single items."""
    every = shipped_patterns(profile)
    single = tuple(one for one in every if one.provenance.items == 1)
    return tuple(one for one in every if one.provenance.items > 1), single


def _level_draw(number: int, seed: int) -> float:
    normal = np.random.default_rng([seed, number, 2]).standard_normal()
    return float(np.exp(LEVEL_SPREAD * normal))


def _scaled(pattern: DemandPattern, factor: float, name: str) -> DemandPattern:
    steps = tuple(replace(step, level=step.level * factor) for step in pattern.steps)
    return replace(pattern, name=name, steps=steps)


def _terms(name: str, group: str, number: int, seed: int) -> ItemTerms:
    rng = np.random.default_rng([seed, number, 3])
    price = round(PRICE * float(np.exp(PRICE_SPREAD * rng.standard_normal())), 2)
    cost = round(COST_SHARE * price, 2)
    return ItemTerms(
        unique_id=name,
        unit_price=price,
        unit_cost=cost,
        holding_cost=HOLDING_SHARE * cost,
        lead_time=int(rng.choice(LEAD_TIMES)),
        group=group,
    )


def opening_items(
    items: Sequence[ProfileItem], profile: str, seed: int, start: date | None = None
) -> list[OpeningItem]:
    """Give items their past up to the day before `start` and stock to begin with.

    The demo's item has the demo's own history, which ends with 2023, and its stock.
    """
    first = (start or USUAL_START) - timedelta(days=HISTORY_DAYS)
    # A stream for each item, whatever items there are beside it.
    rngs = np.random.default_rng(seed).spawn(len(items))
    return [
        _demo_opening(one) if one.pattern is None else _opening(one, profile, first, rng)
        for one, rng in zip(items, rngs, strict=True)
    ]


def _opening(item: ProfileItem, profile: str, first: date, rng: np.random.Generator) -> OpeningItem:
    if item.pattern is None:
        raise ValueError(f"{item.unique_id!r} has no pattern to draw a history from")
    sales = generate_demand([item.pattern], None, first, HISTORY_DAYS, 1, rng)[0, 0]
    return OpeningItem(
        terms=item.terms,
        first_day=first,
        sales=sales.astype(np.float64),
        in_stock=np.ones(sales.size, dtype=np.bool_),
        opening_stock=usual_stock(item.terms, sales.astype(np.float64)),
        profile=profile,
    )


def _demo_opening(item: ProfileItem) -> OpeningItem:
    history = demo_history(REFERENCE_CATEGORY, np.random.default_rng(HISTORY_SEED))
    return OpeningItem(
        terms=item.terms,
        first_day=history["ds"].iloc[0].date(),
        sales=history["y"].to_numpy(dtype=np.float64),
        in_stock=np.ones(len(history), dtype=np.bool_),
        opening_stock=REFERENCE_STOCK,
        profile=DEMO_PROFILE,
    )


def usual_stock(terms: ItemTerms, sales: FloatArray) -> int:
    """Return the stock to open with where nobody counted: the lead time's sales and some days'."""
    recent = float(np.nanmean(sales[-RECENT_DAYS:])) if sales.size else 0.0
    return int(np.ceil(recent * (terms.lead_time + OPENING_COVER)))
