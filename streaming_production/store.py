"""The store: the one door to the event log and everything that follows from it.

The log is only ever added to. What follows from it (stock, days, decisions, orders, signals) is
brought up to date in the transaction that adds to it, so that both are always of one mind.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from streaming_production.events import Event, Events, internal_event, utc_text
from streaming_production.storage import (
    checking,
    figures,
    item_lists,
    log,
    log_reads,
    model_tables,
    schema,
    signal_facts,
    tables,
    work_lists,
)
from streaming_production.storage.adding import Added, add
from streaming_production.storage.engine import Database
from streaming_production.storage.errors import (
    EventConflict,
    KeyTaken,
    RuleBroken,
    StoreBusy,
    StoreError,
    StoreFull,
    StoreUnwritable,
    UnknownItems,
)
from streaming_production.storage.facts import Run
from streaming_production.storage.group_commit import GroupCommit, Request
from streaming_production.storage.known_states import KnownStates
from streaming_production.storage.queries import DecisionQuery, ItemQuery, OrderQuery
from streaming_production.storage.rows import (
    Appended,
    Autonomy,
    Closing,
    DecisionRow,
    Difference,
    ForecastRow,
    History,
    ItemDay,
    ItemRecord,
    ItemRow,
    KeyFigures,
    LoggedEvent,
    OrderRow,
    OutboxRow,
    Outcome,
    Page,
    SignalRow,
)

__all__ = [
    "Appended",
    "Autonomy",
    "Closing",
    "DecisionQuery",
    "DecisionRow",
    "Difference",
    "EventConflict",
    "ForecastRow",
    "History",
    "ItemDay",
    "ItemQuery",
    "ItemRecord",
    "ItemRow",
    "KeyFigures",
    "LoggedEvent",
    "OrderQuery",
    "OrderRow",
    "OutboxRow",
    "Outcome",
    "Page",
    "RuleBroken",
    "SignalRow",
    "Store",
    "StoreBusy",
    "StoreError",
    "StoreFull",
    "StoreUnwritable",
    "UnknownItems",
]


class Store:
    """One database; safe to use from many threads, and beside other processes."""

    def __init__(self, database: Database) -> None:
        """Use a database whose tables are up to date; `open` is the usual way."""
        self._database = database
        self._known = KnownStates()
        self._commits = GroupCommit(self._append_alone, self._append_together)

    @classmethod
    def open(cls, url: str) -> "Store":
        """Open a database, made or brought up to date where needed.

        `url` is a file, or an address `sqlite:///...` or `postgresql://...`. Raises ValueError for
        any other, StoreError where it cannot be reached.
        """
        return cls._opened(url, make=True)

    @classmethod
    def _opened(cls, url: str, *, make: bool) -> "Store":
        database = Database(url)
        try:
            schema.migrate(database, make=make)
        except BaseException:
            database.close()
            raise
        return cls(database)

    @classmethod
    def open_existing(cls, url: str) -> "Store":
        """Open a database only if it is there.

        Raises ValueError for a file that is not, StoreError for a database without a store.
        """
        Database.check_exists(url)
        return cls._opened(url, make=False)

    @property
    def url(self) -> str:
        """Return the address by which another process opens the same database, password and all."""
        return self._database.url.render_as_string(hide_password=False)

    def close(self) -> None:
        """Close all connections."""
        self._database.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def one_view(self) -> AbstractContextManager[None]:
        """Let the reads of this thread within see one state of the store.

        Append only after it: another thread may write what is appended, unseen in the view.
        """
        return self._database.one_view()

    @contextmanager
    def _reading(self) -> Iterator[tuple[Connection, int]]:
        """Read one state of the store; the number is that of its open epoch."""
        with self._database.read() as connection:
            yield connection, self._database.once(connection, log.head).epoch

    def append(
        self, events: Sequence[Event], inputs: Mapping[str, bytes] | None = None
    ) -> Appended:
        """Add events to the log and bring up to date what follows from them: all, or nothing.

        Events that the log has already are acknowledged and not applied. `inputs` are kept beside
        their decisions. Raises EventConflict, UnknownItems, RuleBroken or StoreError.
        """
        return self._commits.append(Request(Events.of(events), inputs))

    def _append_alone(self, request: Request) -> Appended:
        events = request.events
        written = self._write(events, request.inputs)
        head, new = written.head, written.new
        unmet = max(sum(written.added.unmet.values()), 0)
        outcomes = [_outcome(events[0], bool(new), unmet)] if len(events) == 1 else []
        return Appended(
            applied=len(new),
            duplicates=len(events) - len(new),
            first_seq=written.first_seq if new else None,
            last_seq=head.last_seq + len(new),
            unmet=unmet,
            late=[events.columns.id[written.place_of(seq)] for seq in written.added.late],
            outcomes=outcomes,
        )

    def _append_together(self, requests: Sequence[Request]) -> list[Appended]:
        """Add single events of different items; the answers are as if one came after the other."""
        events = Events.of(request.events[0] for request in requests)
        written = self._write(events)
        numbers = {place: seq for seq, place in enumerate(written.new, written.first_seq)}
        answers, last = [], written.head.last_seq
        for place, event in enumerate(events):
            seq = numbers.get(place)
            last = seq or last
            unmet = max(written.added.unmet.get(str(event.subject), 0), 0) if seq else 0
            answers.append(
                Appended(
                    applied=int(seq is not None),
                    duplicates=int(seq is None),
                    first_seq=seq,
                    last_seq=last,
                    unmet=unmet,
                    late=[event.id] if seq in written.added.late else [],
                    outcomes=[_outcome(event, seq is not None, unmet)],
                )
            )
        return answers

    def _write(self, events: Events, inputs: Mapping[str, bytes] | None = None) -> "_Written":
        """Write those of the events that are new, all or none.

        Movements are nearly always new: whether they are is asked only where the log refuses them.
        """
        if log.are_apart(events):
            try:
                return self._write_new(events, inputs, ask=False)
            except KeyTaken:
                pass
        return self._write_new(events, inputs, ask=True)

    def _write_new(
        self, events: Events, inputs: Mapping[str, bytes] | None, *, ask: bool
    ) -> "_Written":
        with self._database.write() as connection:
            head = log.head(connection)
            opening = ask and "epoch.opened" in events.columns.type
            if opening and len(events) > 1:
                raise RuleBroken("epoch", "an epoch is opened by itself, not in a batch")
            epoch = head.epoch + opening
            new = log.new_events(connection, epoch, events) if ask else range(len(events))
            standings, now = self._known.at(head), head.next_instant()
            added = Added(Counter(), [])
            if new:
                seqs = range(head.last_seq + 1, head.last_seq + 1 + len(new))
                some = events.part(new) if ask else events
                added = add(connection, epoch, Run(seqs, [now] * len(new), some), standings)
            if inputs:
                model_tables.put_inputs(connection, inputs)
        self._known.keep(log.Head(epoch, seqs[-1], now) if new else head, standings)
        return _Written(head, new, added)

    def reset(self, who: str, why: str) -> int:
        """Open a new epoch: every item stands at its opening stock again; return its number.

        Nothing is erased: what was is in the epochs before.
        """
        today = datetime.now(UTC).date()
        self.append([internal_event("epoch.opened", None, today, {"who": who, "why": why})])
        return self.epoch

    @property
    def epoch(self) -> int:
        """Return the number of the epoch that is open, from 1."""
        with self._reading() as (_, epoch):
            return epoch

    @property
    def last_seq(self) -> int:
        """Return the number of the newest event, 0 where there is none."""
        with self._database.read() as connection:
            return self._database.once(connection, log.head).last_seq

    def item(self, unique_id: str) -> ItemRow | None:
        """Return one item as lists show it."""
        with self._reading() as (connection, epoch):
            rows = item_lists.item_rows(connection, epoch, [unique_id])
        return rows[0] if rows else None

    def list_items(self, query: ItemQuery) -> Page[ItemRow]:
        """List a page of items."""
        with self._reading() as (connection, epoch):
            return item_lists.list_items(connection, epoch, query)

    def item_records(self, unique_ids: Sequence[str] | None = None) -> list[ItemRecord]:
        """Return items as the catalogue holds them, all by default, by name."""
        with self._reading() as (connection, epoch):
            return item_lists.item_records(connection, epoch, unique_ids)

    def item_days(
        self, unique_id: str, first: date | None = None, last: date | None = None
    ) -> list[ItemDay]:
        """Return the ledger of one item, day by day; days without any event have no row."""
        with self._reading() as (connection, epoch):
            return log_reads.item_days_between(connection, epoch, [unique_id], first, last)

    def all_item_days(self, first: date, last: date) -> list[ItemDay]:
        """Return the ledger of all items, by item and day."""
        with self._reading() as (connection, epoch):
            return log_reads.item_days_between(connection, epoch, None, first, last)

    def days_of(self, unique_ids: Sequence[str], after: date) -> dict[str, list[ItemDay]]:
        """Return the ledgers of items after a day; an item without any row is left out."""
        first = after + timedelta(days=1)
        with self._reading() as (connection, epoch):
            days = log_reads.item_days_between(connection, epoch, unique_ids, first, None)
        return log_reads.by_item(days)

    def last_closed_day(self, unique_id: str | None = None) -> date | None:
        """Return the last closed day of an item, or of all."""
        with self._reading() as (connection, epoch):
            return log_reads.last_closed_day(connection, epoch, unique_id)

    def closed_days(self) -> dict[str, date | None]:
        """Return the last closed day of every item."""
        with self._reading() as (connection, epoch):
            return log_reads.closed_days(connection, epoch)

    def list_decisions(self, query: DecisionQuery) -> Page[DecisionRow]:
        """List a page of decisions, newest first."""
        with self._reading() as (connection, epoch):
            return work_lists.list_decisions(connection, epoch, query)

    def decisions_under(
        self, rule: str, first: date, last: date | None, unique_ids: Sequence[str]
    ) -> tuple[int, int]:
        """Count the decisions under a rule on some days, and those that placed an order.

        `unique_ids` are the items meant, all where there are none.
        """
        with self._reading() as (connection, epoch):
            return work_lists.decisions_under(connection, epoch, rule, first, last, unique_ids)

    def decision(self, decision_id: str) -> DecisionRow | None:
        """Return one decision, of any epoch."""
        with self._database.read() as connection:
            return work_lists.decision_row(connection, decision_id)

    def decision_fields(self, decision_id: str) -> dict[str, Any] | None:
        """Return all that was written down of a decision when it was made."""
        with self._database.read() as connection:
            return log_reads.decision_fields(connection, decision_id)

    def decision_inputs(self, decision_id: str) -> bytes | None:
        """Return what a decision was made from, as it was given."""
        with self._database.read() as connection:
            return model_tables.read_inputs(connection, decision_id)

    def list_orders(self, query: OrderQuery) -> Page[OrderRow]:
        """List a page of orders, newest first; status 'open' is every one still to come."""
        with self._reading() as (connection, epoch):
            return work_lists.list_orders(connection, epoch, query)

    def count_decisions(self, statuses: Collection[str]) -> dict[str, int]:
        """Count the decisions of some statuses, by status."""
        with self._reading() as (connection, epoch):
            return work_lists.count_by_status(connection, epoch, tables.decisions, statuses)

    def count_orders(self, statuses: Collection[str]) -> dict[str, int]:
        """Count the orders of some statuses, by status."""
        with self._reading() as (connection, epoch):
            return work_lists.count_by_status(connection, epoch, tables.orders, statuses)

    def orders_placed(self, unique_id: str, first: date, most: int) -> list[tuple[date, int]]:
        """Return day and quantity of an item's orders since a day, the newest first.

        Those that came to nothing are left out.
        """
        with self._reading() as (connection, epoch):
            return work_lists.orders_placed(connection, epoch, unique_id, first, most)

    def order(self, order_id: str) -> OrderRow | None:
        """Return one order, of any epoch."""
        with self._database.read() as connection:
            return work_lists.order_row(connection, order_id)

    def open_orders(self, unique_ids: Sequence[str] | None = None) -> dict[str, list[OrderRow]]:
        """Return the orders still to come, by item, each by due day."""
        with self._reading() as (connection, epoch):
            return work_lists.open_orders(connection, epoch, unique_ids)

    def signals(self, active_on: date | None = None) -> list[SignalRow]:
        """List the market signals: all, or those running or to come on a day."""
        with self._reading() as (connection, epoch):
            today = active_on or log_reads.last_closed_day(connection, epoch, None)
            found = signal_facts.signals_at(connection, epoch, None, today)
        if active_on is None:
            return found
        return [one for one in found if one.status in ("announced", "running")]

    def signals_known(self, evening: date) -> list[SignalRow]:
        """List the signals as they were known on an evening, running or to come by then."""
        with self._reading() as (connection, epoch):
            found = signal_facts.signals_at(connection, epoch, evening, evening)
        return [one for one in found if one.status in ("announced", "running")]

    def events_after(
        self,
        seq: int,
        limit: int,
        unique_id: str | None = None,
        types: Collection[str] | None = None,
    ) -> list[LoggedEvent]:
        """List the events after a number, oldest first."""
        with self._database.read() as connection:
            return log_reads.events_after(connection, seq, limit, unique_id, types)

    def events_before(
        self,
        seq: int | None,
        limit: int,
        unique_id: str | None = None,
        types: Collection[str] | None = None,
    ) -> list[LoggedEvent]:
        """List the events before a number (None: all), newest first."""
        with self._database.read() as connection:
            return log_reads.events_before(connection, seq, limit, unique_id, types)

    def pending_closings(self) -> list[Closing]:
        """List the closed days whose items are not all decided, oldest first."""
        with self._reading() as (connection, epoch):
            return work_lists.pending_closings(connection, epoch)

    def undecided(self, closing: Closing) -> list[str]:
        """List the items that still have no decision for a closed day."""
        with self._reading() as (connection, epoch):
            return work_lists.undecided(connection, epoch, closing)

    def mark_closing_done(self, closing: Closing) -> None:
        """Remember that a closed day needs no more work."""
        with self._database.write() as connection:
            model_tables.mark_done(connection, closing.seq)

    def autonomy(self) -> Autonomy:
        """Return the limits in force."""
        with self._database.read() as connection:
            return log_reads.autonomy_now(connection)

    def key_figures(self, days: int) -> KeyFigures:
        """Compute the key figures of the last days."""
        with self._reading() as (connection, epoch):
            return figures.key_figures(connection, epoch, days)

    def self_check(self) -> list[Difference]:
        """Make all that follows from the log again, and list where the stored tables differ."""
        with self._database.read() as connection:
            return list(checking.differences(connection))

    def put_history(
        self,
        unique_id: str,
        first_day: date,
        y: NDArray[np.float64],
        in_stock: NDArray[np.bool_],
    ) -> None:
        """Keep an item's history: units a day, and whether it was in stock."""
        with self._database.write() as connection:
            model_tables.put_history(connection, unique_id, first_day, y, in_stock)

    def put_histories(self, histories: Sequence[History]) -> None:
        """Keep the histories of many items, in one transaction."""
        with self._database.write() as connection:
            for one in histories:
                model_tables.put_history(
                    connection, one.unique_id, one.first_day, one.y, one.in_stock
                )

    def history(self, unique_ids: Sequence[str]) -> dict[str, History]:
        """Return the histories of items, of those that have one."""
        with self._database.read() as connection:
            return model_tables.read_histories(connection, unique_ids)

    def put_forecasts(self, rows: Sequence[ForecastRow]) -> None:
        """Keep forecasts as the newest of their items."""
        with self._database.write() as connection:
            model_tables.put_forecasts(connection, rows)

    def newest_forecasts(self, unique_ids: Sequence[str] | None = None) -> dict[str, ForecastRow]:
        """Return the newest forecast of each item that has one."""
        with self._database.read() as connection:
            return model_tables.newest_forecasts(connection, unique_ids)

    def forecast_stamps(
        self, unique_ids: Sequence[str] | None = None
    ) -> dict[str, tuple[date, int]]:
        """Return the origin and number of each item's newest forecast, of all by default."""
        with self._database.read() as connection:
            return model_tables.forecast_stamps(connection, unique_ids)

    def outbox_due(self, now: datetime) -> list[OutboxRow]:
        """List the orders to be sent, or asked for, by now, oldest first."""
        with self._reading() as (connection, epoch):
            return work_lists.outbox_due(connection, epoch, utc_text(now))

    def outbox_attempted(self, order_id: str, next_at: datetime, error: str) -> None:
        """Remember that an order was tried, and when to try again."""
        with self._database.write() as connection:
            model_tables.mark_attempt(connection, order_id, utc_text(next_at), error)


@dataclass(frozen=True, slots=True)
class _Written:
    """What became of events that were to be written."""

    head: log.Head  # before them
    new: Sequence[int]  # places of those that the log did not have
    added: Added

    @property
    def first_seq(self) -> int:
        """The number of the first new event."""
        return self.head.last_seq + 1

    def place_of(self, seq: int) -> int:
        """Return the place, among those that were to be written, of the event of a number."""
        return self.new[seq - self.first_seq]


def _outcome(event: Event, is_new: bool, unmet: int) -> Outcome:
    if not is_new:
        return Outcome(event.id, "duplicate", None, None)
    if event.type != "sale.recorded":
        return Outcome(event.id, "applied", None, None)
    quantity = int(getattr(event.data, "quantity", 0))
    return Outcome(event.id, "applied", quantity - unmet, unmet)
