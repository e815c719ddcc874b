"""What a run stands on: items, their history, their stock, and the market that will come."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core_modules.history_files.item_defaults import ItemDefaults
from core_modules.history_files.item_files import read_items, read_open_orders, read_stock
from core_modules.inventory import IntArray
from core_modules.item_terms import ItemTerms, OpenOrder
from core_modules.market_scenarios import MarketEvent, affecting, scenario_effects
from core_modules.reference_demand import (
    REFERENCE_CATEGORY,
    demo_history,
    reference_demand,
)
from core_modules.sales_history import (
    SalesDataError,
    SalesHistory,
    mean_prices,
    require_whole_units,
    select_items,
)
from core_modules.scenario_calendars import CALENDARS, calendar_events, read_events
from core_modules.settings import REFERENCE_START, Settings, streams
from core_modules.simulation import Market, build_market

REFERENCE_TERMS = ItemTerms(
    f"{REFERENCE_CATEGORY}_DEMO_ITEM",
    unit_price=50,
    unit_cost=30,
    holding_cost=0.25 * 30 / 365,
    lead_time=3,
    max_order=5000,
    group=REFERENCE_CATEGORY,
)
REFERENCE_STOCK, REFERENCE_REORDER_POINT, REFERENCE_QUANTITY = 3000, 400, 1000  # units
HISTORY_SEED = 2019  # the demo's history is one data set, the same in every run
DEMO_BASE = 150.0  # units a day behind the demo's reorder point and quantity
OPENING_COVER = 7  # days of stock beyond the lead time, where no stock file says otherwise


@dataclass(frozen=True, slots=True, eq=False)
class RunCase:
    """Everything about a run but the policy."""

    title: str
    terms: tuple[ItemTerms, ...]
    history: pd.DataFrame  # long frame up to the day before the run
    market: Market
    opening_stock: IntArray  # (items,)
    opening_orders: IntArray  # (items, days)
    recent: IntArray  # (items, days) sales of the last days before the run
    usual_demand: NDArray[np.float64]  # (items,) units a day that fixed rules are sized by
    closed_days: pd.DatetimeIndex  # of the history, on which nothing could be sold
    past_events: tuple[MarketEvent, ...]  # known events that began before the run
    notes: tuple[str, ...]  # defaults used and days left out, for people
    inputs: Mapping[str, str]  # name -> sha256 of each input file


def events_of(
    scenarios: str, start: date, days: int, rng: np.random.Generator
) -> tuple[MarketEvent, ...]:
    """Build a named calendar, or read a user's file."""
    if scenarios in CALENDARS:
        return calendar_events(scenarios, start, days, rng)
    if not scenarios.endswith(".toml"):
        raise ValueError(
            f"there is no calendar {scenarios!r}: use one of {', '.join(CALENDARS)}, "
            "or name a file that ends in .toml"
        )
    return read_events(Path(scenarios), start, days)


def reference_case(settings: Settings, seeds: Sequence[int]) -> RunCase:
    """Build the superseded demo's item under honest physics, one replication a seed."""
    demand, events = [], []
    for seed in seeds:
        source = streams(seed)
        calendar = events_of(settings.scenarios, REFERENCE_START, settings.days, source.events)
        effects = scenario_effects(
            affecting(calendar, REFERENCE_TERMS.unique_id), REFERENCE_START, settings.days
        )
        demand.append(
            reference_demand(effects, REFERENCE_START, settings.days, 1, source.demand)[0, 0]
        )
        events.append(calendar)
    history = demo_history(REFERENCE_CATEGORY, np.random.default_rng(HISTORY_SEED))
    terms = (REFERENCE_TERMS,)
    return RunCase(
        title=f"Reference run, calendar {Path(settings.scenarios).stem}",
        terms=terms,
        history=history,
        market=build_market(REFERENCE_START, np.array(demand)[None], terms, events),
        opening_stock=np.array([REFERENCE_STOCK], dtype=np.int64),
        opening_orders=np.zeros((1, settings.days), dtype=np.int64),
        recent=_recent(history, terms),
        usual_demand=np.array([DEMO_BASE]),
        closed_days=history["ds"].iloc[:0].pipe(pd.DatetimeIndex),
        past_events=(),
        notes=(),
        inputs=_scenario_digest(settings.scenarios),
    )


@dataclass(frozen=True, slots=True)
class CaseFiles:
    """A planner's optional files beside the sales."""

    items: Path | None = None
    stock: Path | None = None
    open_orders: Path | None = None


def sales_case(
    history: SalesHistory,
    settings: Settings,
    files: CaseFiles,
    *,
    items: Sequence[str] | None = None,
    top: int | None = None,
) -> RunCase:
    """Real sales: the last `days` days are the market, what came before is the history.

    Recorded sales stand for demand. `items` and `top` choose from the history alone, so that the
    choice knows nothing of the market to come. Raises SalesDataError where the history is too short
    or its quantities are not whole units.
    """
    require_whole_units(history)
    frame = history.frame
    known = set(frame["unique_id"].unique())
    last = frame["ds"].max()
    start = last - pd.Timedelta(days=settings.days - 1)
    before = frame[frame["ds"] < start].reset_index(drop=True)
    if before.empty:
        raise SalesDataError(
            f"{history.name}: no item has sales before {start.date()}, the first of the last "
            f"{settings.days} days; use a smaller --days"
        )
    known_before = select_items(replace(history, frame=before), items=items, top=top)
    past = known_before.frame
    names = [str(name) for name in past["unique_id"].unique()]
    defaults = ItemDefaults(prices=mean_prices(known_before))
    by_item, lines = read_items(
        files.items, names, freq=history.freq, defaults=defaults,
        known=known,
    )  # fmt: skip
    terms = tuple(by_item[name] for name in names)
    notes = list(lines)
    left_out = sorted(known - set(before["unique_id"].unique()))
    if left_out and items is None and top is None:
        notes.append(
            f"{len(left_out)} items without sales before {start.date()} are left out, "
            f"{left_out[0]!r} first"
        )
    future = frame[(frame["ds"] >= start) & frame["unique_id"].isin(names)]
    unknown = int(future["y"].isna().sum())
    if unknown:
        notes.append(f"{unknown} item-days out of stock have unknown demand: taken as 0")
    pivot = future.pivot(index="unique_id", columns="ds", values="y")
    sales = pivot.reindex(names).fillna(0).to_numpy()
    calendar = events_of(
        settings.scenarios, start.date(), settings.days, streams(settings.seed).events
    )
    demand = np.stack(
        [
            np.rint(
                row
                * scenario_effects(
                    affecting(calendar, name), start.date(), settings.days
                ).demand_multiplier
            )
            for name, row in zip(names, sales, strict=True)
        ]
    ).astype(np.int64)
    _refuse_unknown_items(calendar, known, settings.scenarios)
    recent = _recent(past, terms)
    usual = recent.mean(axis=1)
    stock, stock_notes = _opening_stock(files.stock, terms, usual)
    orders = read_open_orders(files.open_orders, known=known) if files.open_orders else []
    return RunCase(
        title=f"{history.name}, {len(names)} item{'s' if len(names) > 1 else ''}, "
        f"last {settings.days} days",
        terms=terms,
        history=past,
        market=build_market(start.date(), demand[:, None, :], terms, [calendar]),
        opening_stock=stock,
        opening_orders=_arrivals(orders, names, start.date(), settings.days),
        recent=recent,
        usual_demand=usual,
        closed_days=history.closed_days[history.closed_days < start],
        past_events=tuple(event for event in calendar if event.start < start.date()),
        notes=(*notes, *stock_notes),
        inputs={history.name: history.digest}
        | _scenario_digest(settings.scenarios)
        | {
            path.name: digest_of(path)
            for path in (files.items, files.stock, files.open_orders)
            if path is not None
        },
    )


def _refuse_unknown_items(events: Sequence[MarketEvent], known: set[str], scenarios: str) -> None:
    for event in events:
        for name in sorted(set(event.items) - known):
            raise ValueError(
                f"{scenarios}: the event {event.label} of {event.start} names item {name!r}, which "
                "the sales do not have; mend its items"
            )


def _recent(history: pd.DataFrame, terms: Sequence[ItemTerms], days: int = 28) -> IntArray:
    """Sales of the last days before the run, (items, days); 0 where an item is younger."""
    last = history["ds"].max()
    window = history[history["ds"] > last - pd.Timedelta(days=days)]
    table = window.pivot(index="unique_id", columns="ds", values="y")
    names = [one.unique_id for one in terms]
    return np.asarray(table.reindex(names).fillna(0).to_numpy(), dtype=np.int64)


def _opening_stock(
    path: Path | None, terms: Sequence[ItemTerms], usual: NDArray[np.float64]
) -> tuple[IntArray, list[str]]:
    if path is None:
        cover = np.array([one.lead_time + OPENING_COVER for one in terms])
        note = (
            f"no stock file: every item opens with {OPENING_COVER} days of the last 28 days' mean "
            "sales beyond its lead time"
        )
        return np.ceil(usual * cover).astype(np.int64), [note]
    known = read_stock(path)
    missing = [one.unique_id for one in terms if one.unique_id not in known]
    if missing:
        raise SalesDataError(
            f"{path}: item {missing[0]!r} has no row ({len(missing)} items in all): add it, "
            "with on_hand 0 if there is none"
        )
    return np.array([known[one.unique_id] for one in terms], dtype=np.int64), []


def _arrivals(
    orders: Sequence[OpenOrder], names: Sequence[str], start: date, days: int
) -> IntArray:
    """Open orders by the day of the run on which they arrive; overdue ones come on the first."""
    arrivals = np.zeros((len(names), days), dtype=np.int64)
    place = {name: number for number, name in enumerate(names)}
    for order in orders:
        day = max((order.due - start).days, 0)
        if order.unique_id in place and day < days:
            arrivals[place[order.unique_id], day] += order.quantity
    return arrivals


def digest_of(path: Path) -> str:
    """Return the sha256 of a file's bytes, hex."""
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()


def _scenario_digest(scenarios: str) -> dict[str, str]:
    path = Path(scenarios)
    return {path.name: digest_of(path)} if scenarios not in CALENDARS else {}
