"""Fills the catalogue: items of tier 1's profiles, or a planner's own files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np

from core_modules.market_events import MarketEvent, signal_of
from core_modules.planning.plan_inputs import PlanFiles, PlanInputs, read_plan
from streaming_production.deciding.closings import Append
from streaming_production.deciding.decider import name_of, order_name
from streaming_production.deciding.profile_items import (
    OpeningItem,
    opening_items,
    profile_items,
    usual_stock,
)
from streaming_production.event_types import OPEN_ORDER
from streaming_production.events import Event, internal_event
from streaming_production.storage.rows import History
from streaming_production.store import RuleBroken, Store

OWN_FILES = "own files"  # the profile of items from a planner's files
CATALOGUE = "catalogue"  # source of the signals that come with them


@dataclass(frozen=True, slots=True)
class Registered:
    """What came into the catalogue."""

    registered: int  # items
    notes: list[str]  # defaults used and oddities, for people


class Catalogue:
    """Registers items with their history."""

    def __init__(self, store: Store, append: Append) -> None:
        self._store, self._append = store, append

    def register_profile(
        self, profile: str, count: int, seed: int, start: date | None = None
    ) -> Registered:
        """Register items of a profile; their history ends the day before `start`."""
        items = opening_items(profile_items(profile, count, seed), profile, seed, start)
        self._register(items, [])
        return Registered(len(items), _profile_notes(profile))

    def register_files(self, files: PlanFiles) -> Registered:
        """Register the items of a planner's files, with their open orders and known events.

        Raises ValueError where the files cannot be used.
        """
        inputs = read_plan(files)
        items, notes = _own_items(inputs)
        epoch, today = self._store.epoch, inputs.calendar.last
        known = [one for one in inputs.events if one.known_from and one.known_from <= today]
        if unknown := len(inputs.events) - len(known):
            notes.append(
                f"left out as nobody knows of them yet on {today}, by the notice that the file "
                f"gives: {unknown} of {len(inputs.events)} events; announce them in time"
            )
        more = [
            *_signals(known, today),
            *(event for one in _open_orders(inputs, epoch) for event in one),
        ]
        self._register(items, more)
        return Registered(len(items), [*inputs.notes, *notes])

    def _register(self, items: Sequence[OpeningItem], more: Sequence[Event]) -> None:
        names = [one.terms.unique_id for one in items]
        if known := self._store.item_records(names):
            shown = ", ".join(one.unique_id for one in known[:20])
            raise RuleBroken("registered", f"these items are in the catalogue already: {shown}")
        # Their past first: an item in the catalogue is fitted as soon as it is seen.
        self._store.put_histories(
            [History(one.terms.unique_id, one.first_day, one.sales, one.in_stock) for one in items]
        )
        self._append([*(_registration(one) for one in items), *more])


def _registration(item: OpeningItem) -> Event:
    data = {
        "terms": asdict(item.terms),
        "opening_stock": item.opening_stock,
        "opening_day": item.opening_day,
        "profile": item.profile,
    }
    return internal_event("item.registered", item.terms.unique_id, item.opening_day, data)


def _profile_notes(profile: str) -> list[str]:
    if profile != "rossmann":
        return []
    return ["rossmann's sales are money: they are taken as units at each item's price"]


def _own_items(inputs: PlanInputs) -> tuple[list[OpeningItem], list[str]]:
    by_name = dict(list(inputs.history.frame.groupby("unique_id", sort=False)))
    items = []
    for terms, counted in zip(inputs.terms, inputs.on_hand, strict=True):
        rows = by_name[terms.unique_id]
        sales = rows["y"].to_numpy(dtype=np.float64, na_value=np.nan)
        known = ~np.isnan(sales)
        if "in_stock" in rows:
            known &= rows["in_stock"].to_numpy(dtype=np.bool_)
        items.append(
            OpeningItem(
                terms=terms,
                first_day=rows["ds"].iloc[0].date(),
                sales=sales,
                in_stock=known,
                opening_stock=counted if inputs.stock_known else usual_stock(terms, sales),
                profile=OWN_FILES,
            )
        )
    if inputs.stock_known:
        return items, []
    return items, ["without a stock file, items open with the usual sales of some days"]


def _signals(events: Sequence[MarketEvent], today: date) -> list[Event]:
    """Tell what the files know of events, past ones too: a fit learns from these."""
    facts = []
    for event in events:
        told = asdict(signal_of(event))
        told["signal_id"] = told.pop("event_id")
        del told["announced"]
        facts.append(
            internal_event(
                "signal.announced", None, today, told, f"signal-{event.event_id}", source=CATALOGUE
            )
        )
    return facts


def _open_orders(inputs: PlanInputs, epoch: int) -> list[list[Event]]:
    """Enter the orders under way, each as a decision that somebody took before."""
    today = inputs.calendar.last
    terms = {one.unique_id: one for one in inputs.terms}
    entered = []
    for number, order in enumerate(inputs.open_orders):
        name = order.unique_id
        decision_id = name_of(epoch, name, today, OPEN_ORDER, number)
        placed = {
            "order_id": order_name(decision_id),
            "quantity": order.quantity,
            "due": order.due,
        }
        value = order.quantity * terms[name].unit_cost
        data = _entered(name, today, order.quantity, order.due, value) | {
            "decision_id": decision_id,
            "order": placed,
        }
        entered.append(
            [
                internal_event("decision.made", name, today, data, f"decision-{decision_id}"),
                internal_event(
                    "order.confirmed", name, today, placed, f"confirmed-{placed['order_id']}"
                ),
            ]
        )
    return entered


def _entered(name: str, day: date, quantity: int, due: date, value: float) -> dict[str, Any]:
    nothing = dict.fromkeys(
        (
            "projected_stock", "stockout_risk", "unavoidable_risk", "service_target",
            "expected_demand", "forecast_mean", "forecast_low", "forecast_high",
            "expected_cost", "expected_regret",
        ),
        0.0,
    )  # fmt: skip
    return nothing | {
        "unique_id": name,
        "day": day,
        "kind": "on_demand",
        "status": "automatic",
        "action": "order",
        "quantity": quantity,
        "due": due,
        "urgency": "low",
        "rule": OPEN_ORDER,
        "reason": "This order was under way when the item entered the catalogue.",
        "reason_codes": (),
        "needs_review": False,
        "review_reason": "",
        "reorder_point": 0,
        "order_up_to": 0,
        "believed_multiplier": 1.0,
        "curve": (),
        "on_hand": 0,
        "on_order": 0,
        "order_value": value,
    }
