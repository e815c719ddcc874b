"""Reads from the store what beliefs are made of: signals with all their editions, days as seen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from streaming_production.deciding.item_beliefs import SeenDay
from streaming_production.deciding.log_follower import LogFollower
from streaming_production.deciding.signal_book import SignalBook
from streaming_production.event_types import SIGNALS
from streaming_production.events import Event, internal_event
from streaming_production.storage.rows import ItemDay, LoggedEvent
from streaming_production.store import Store


class ShopLog:
    """What a shop's log says of its market and its days."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._signals = LogFollower(store, SIGNALS)
        self._read: tuple[LoggedEvent, ...] = ()
        self._book = SignalBook()

    def signal_book(self) -> SignalBook:
        """Return all signals of the open epoch up to now."""
        events = self._signals.events()
        if events is not self._read:
            self._read, self._book = events, SignalBook(_event(row) for row in events)
        return self._book

    def seen_days(self, names: Sequence[str], first: date) -> dict[str, dict[date, SeenDay]]:
        """Return the closed days of items from a day on, as somebody in the shop saw them."""
        rows = self._store.days_of(names, first)
        return {
            name: {row.day: seen(row) for row in rows.get(name, ()) if row.closed} for name in names
        }


def seen(row: ItemDay) -> SeenDay:
    """Return what a day of the ledger shows: sales, and whether the shelf ran empty.

    What customers asked for beyond the stock is not seen, only that the shelf was empty.
    """
    return SeenDay(row.day, row.sold, row.closing == 0 or row.unmet > 0)


def _event(row: LoggedEvent) -> Event:
    return internal_event(
        row.type,
        row.unique_id,
        row.day,
        row.data,
        row.id,
        source=row.source,
        instant=datetime.fromisoformat(row.time),
    )
