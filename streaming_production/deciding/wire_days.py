"""Plays the days that a client of the demo posts: deliveries, scenario, demand, close, decision."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from math import floor
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import NAMESPACE_URL, uuid4, uuid5

import orjson

from core_modules.market_events import NORMAL_OPERATIONS, SCENARIO_NAMES
from core_modules.run_cases import REFERENCE_TERMS
from streaming_production.deciding.closings import Append, Deciding, on_review
from streaming_production.deciding.decider import name_of
from streaming_production.deciding.log_follower import LogFollower
from streaming_production.deciding.refusals import NoForecast, NotPossible
from streaming_production.deciding.shop_log import ShopLog
from streaming_production.deciding.wire_day import WireDay, WireResult, WireState
from streaming_production.deciding.wire_figures import DemoBooks, PostedDay
from streaming_production.event_types import MOST
from streaming_production.events import Events, parse_events
from streaming_production.storage.queries import DecisionQuery, OrderQuery
from streaming_production.storage.rows import ItemRecord
from streaming_production.store import EventConflict, Store, UnknownItems

SOURCE = "demo"  # of the events of posted days; that of the close carries what was posted
PATIENCE = 30.0  # seconds to wait for a forecast
MOST_ROWS = 1_000_000
DELIVERED = ("confirmed", "partly_received")  # orders that a supplier has taken
KINDS = {name: kind for kind, name in SCENARIO_NAMES.items()}


@dataclass(frozen=True, slots=True)
class _Asked:
    """A posted day, checked."""

    told: PostedDay
    key: str

    @classmethod
    def of(cls, day: WireDay) -> _Asked:
        if day.scenario != NORMAL_OPERATIONS and day.scenario not in KINDS:
            known = ", ".join([NORMAL_OPERATIONS, *KINDS])
            raise NotPossible(f"scenario must be one of {known}, got {day.scenario!r}")
        if not 0 <= day.sales <= MOST:
            raise NotPossible(f"sales must be 0 to {MOST:,} units, got {day.sales!r}")
        # The contract's sales are a number, the ledger's whole units.
        sales = floor(day.sales + 0.5)
        predicted = float(day.sales if day.predicted_demand is None else day.predicted_demand)
        # A client's key may be long; of an event's id it is only the beginning.
        key = str(uuid5(NAMESPACE_URL, day.key) if day.key else uuid4())
        return cls(PostedDay(sales, day.scenario, predicted), key)

    @property
    def scenario(self) -> str:
        return self.told.scenario

    @property
    def sales(self) -> int:
        return self.told.sales

    @property
    def close_id(self) -> str:
        """The id of the event that closes the day."""
        return f"{self.key}/close"

    @property
    def source(self) -> str:
        """The source of that event, which carries what was posted."""
        return f"{SOURCE}?{urlencode(asdict(self.told))}"


class WireDays:
    """The demo's item, day by day as posted."""

    def __init__(self, store: Store, append: Append, deciding: Deciding) -> None:
        self._store, self._append, self._deciding = store, append, deciding
        self._log = ShopLog(store)
        item = REFERENCE_TERMS.unique_id
        self._closings = LogFollower(store, ["day.closed"], item)
        self._made = LogFollower(store, ["decision.made"], item)

    def process(self, posted: WireDay) -> WireResult:
        """Take in a posted day and decide; the same key again gets the same day's answer.

        Raises NotPossible for a day that cannot be taken, EventConflict where the key stands for
        another day, NoForecast.
        """
        asked = _Asked.of(posted)
        with self._deciding.lock:
            record = self._record()
            day = self._day_of(asked)
            if day is None:
                day = _next_day(record, posted.date)
                self._append(self._events(record, day, asked))
            self._decide(day)
            return self._books().result(day)

    def state(self) -> WireState:
        """Return all of the epoch."""
        return self._books().state()

    def _record(self) -> ItemRecord:
        found = self._store.item_records([REFERENCE_TERMS.unique_id])
        if not found:
            raise UnknownItems([REFERENCE_TERMS.unique_id])
        return found[0]

    def _books(self) -> DemoBooks:
        record = self._record()
        name = record.unique_id
        return DemoBooks(
            record=record,
            days=self._store.item_days(name),
            decisions=self._store.list_decisions(
                DecisionQuery(unique_id=name, size=MOST_ROWS)
            ).rows,
            orders=self._store.list_orders(OrderQuery(unique_id=name, size=MOST_ROWS)).rows,
            posted={
                row.day: told for row in self._closings.events() if (told := _told(row.source))
            },
            reorder_points={
                row.data["decision_id"]: row.data["reorder_point"] for row in self._made.events()
            },
            book=self._log.signal_book(),
        )

    def _day_of(self, asked: _Asked) -> date | None:
        """Return the day that was posted with the same key before."""
        for row in self._closings.events():
            if row.id == asked.close_id:
                if row.source != asked.source:
                    raise EventConflict([asked.key])
                return row.day
        return None

    def _events(self, record: ItemRecord, day: date, asked: _Asked) -> Events:
        """Return the facts of a day, to be written together."""
        name = record.unique_id
        facts = [
            (
                "receipt.recorded",
                "06:00:00",
                {"quantity": one.expected, "order_id": one.order_id, "complete": True},
            )
            for one in self._store.open_orders([name]).get(name, [])
            if one.due <= day and one.status in DELIVERED
        ]
        facts += self._scenario_facts(day, asked.scenario)
        if asked.sales:
            facts.append(("sale.recorded", "12:00:00", {"quantity": asked.sales}))
        bodies = [
            _body(kind, name, day, clock, f"{asked.key}/{number}", SOURCE, data)
            for number, (kind, clock, data) in enumerate(facts)
        ]
        close = {"day": day.isoformat()}
        bodies.append(
            _body("day.closed", name, day, "23:59:59", asked.close_id, asked.source, close)
        )
        return parse_events(orjson.dumps(bodies), "application/cloudevents-batch+json")

    def _scenario_facts(self, day: date, scenario: str) -> list[tuple[str, str, dict[str, Any]]]:
        """Say that yesterday's scenario is over and today's has begun, where they differ."""
        before = [
            signal
            for signal in self._log.signal_book().known(day)
            if signal.told.source == SOURCE and signal.status(day) == "running"
        ]
        facts: list[tuple[str, str, dict[str, Any]]] = []
        for signal in before:
            if signal.told.label != scenario:
                over = {
                    "signal_id": signal.told.signal_id,
                    "last_day": (day - timedelta(days=1)).isoformat(),
                }
                facts.append(("signal.ended", "06:30:00", over))
        if scenario != NORMAL_OPERATIONS and all(one.told.label != scenario for one in before):
            begun = {
                "signal_id": f"{SOURCE}-{scenario}-{day.isoformat()}",
                "kind": KINDS[scenario].value,
                "label": scenario,
                "start": day.isoformat(),
                "items": [REFERENCE_TERMS.unique_id],
                "source": SOURCE,
            }
            facts.append(("signal.started", "07:00:00", begun))
        return facts

    def _decide(self, day: date) -> None:
        """Decide for a day unless it is decided; a first forecast is waited for."""
        record = self._record()
        if not on_review(record, day):
            return
        ending = time.monotonic() + PATIENCE
        while (tonight := self._deciding.tonight(record, day, current_stock=False)) is None:
            if time.monotonic() > ending:
                raise NoForecast(record.unique_id)
            time.sleep(0.1)
        name = name_of(self._store.epoch, record.unique_id, day, "wire")
        self._deciding.decide_one(tonight, self._deciding.limits(), "wire", name)


def _next_day(record: ItemRecord, asked: date) -> date:
    """Return the ledger's day of a post: the client's date, or the day after the last."""
    last = record.last_closed_day
    return asked if last is None or asked > last else last + timedelta(days=1)


def _body(
    kind: str, name: str, day: date, clock: str, key: str, source: str, data: dict[str, Any]
) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": key,
        "source": source,
        "type": kind,
        "subject": None if kind.startswith("signal.") else name,
        "time": f"{day.isoformat()}T{clock}Z",
        "data": data,
    }


def _told(source: str) -> PostedDay | None:
    """Read what a client said of a day from the source of its close; None: nobody posted it."""
    path, _, query = source.partition("?")
    if path != SOURCE:
        return None
    told = dict(parse_qsl(query))
    return PostedDay(int(told["sales"]), told["scenario"], float(told["predicted_demand"]))
