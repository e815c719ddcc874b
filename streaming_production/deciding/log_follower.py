"""Follows the events of some types in the open epoch, reading each of them once."""

from __future__ import annotations

from collections.abc import Collection
from threading import Lock

from streaming_production.storage.rows import LoggedEvent
from streaming_production.store import Store

PAGE = 1000  # events read at once


class LogFollower:
    """What the log has of some types; safe to use from many threads."""

    def __init__(self, store: Store, types: Collection[str], unique_id: str | None = None) -> None:
        self._store, self._types, self._unique_id = store, types, unique_id
        self._lock = Lock()
        self._epoch, self._seq = 0, 0
        self._events: tuple[LoggedEvent, ...] = ()

    def events(self) -> tuple[LoggedEvent, ...]:
        """Return the events up to now, oldest first; the same tuple where there are no new ones."""
        with self._lock:
            newest = self._store.last_seq
            if newest > self._seq:
                self._read(newest)
            return self._events

    def _read(self, newest: int) -> None:
        epoch = self._store.epoch
        if epoch != self._epoch:
            self._epoch, self._events = epoch, ()
        while rows := self._store.events_after(self._seq, PAGE, self._unique_id, self._types):
            fresh = tuple(row for row in rows if row.epoch == self._epoch)
            self._events = (*self._events, *fresh) if fresh else self._events
            self._seq = rows[-1].seq
        self._seq = max(self._seq, newest)
