"""The newest changes, read and written out once for all live streams."""

import sys
import threading
from collections import deque
from collections.abc import Callable, Generator
from time import sleep
from typing import Any

from streaming_production.agent_core import AgentCore
from streaming_production.api.event_words import OrderNamed, summary
from streaming_production.storage.errors import StoreError
from streaming_production.storage.rows import LoggedEvent
from streaming_production.store import Store
from streaming_production.web.event_stream import HEARTBEAT, HEARTBEAT_SECONDS, sse_event

KEPT = 200  # changes; a reader further behind is told to load afresh
PAUSE = 0.1  # seconds between two looks of one stream, so that a burst is sent together


class ChangeFeed:
    """Keep the last changes as they go over the wire."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._kept: deque[tuple[int, bytes]] = deque()  # every change after `_kept_from`
        self._kept_from = 0
        self._read_to = 0

    def after(self, seq: int, newest: int) -> list[tuple[int, bytes]]:
        """Return the changes after `seq`, or one that says to load everything afresh."""
        with self._lock:
            self._read(newest)
            if seq >= self._kept_from:
                return [one for one in self._kept if one[0] > seq]
            newest = max(newest, self._read_to)
        told = {"seq": newest, "applied": newest - seq}
        return [(newest, sse_event(told, event="refresh", number=newest))]

    def _read(self, newest: int) -> None:
        if newest <= self._read_to:
            return
        start = max(self._read_to, newest - KEPT)
        if start > self._read_to:  # what is kept does not join up with what comes now
            self._kept.clear()
            self._kept_from = start
        new = self._store.events_after(start, KEPT)
        # All words are found before any is kept: the store may fail in between.
        for one in [(event.seq, _written(event, self._store)) for event in new]:
            if len(self._kept) == KEPT:
                self._kept_from, _ = self._kept.popleft()
            self._kept.append(one)
        self._read_to = self._kept[-1][0] if self._kept else newest


def stream_changes(
    core: AgentCore,
    feed: ChangeFeed,
    seq: int | None,
    most: int | None,
    seconds_left: Callable[[], float],
) -> Generator[bytes]:
    """Yield a greeting, then each change after `seq` (None: from now on) and heartbeats.

    It ends after `most` changes (None: any number), or when no seconds are left.
    """
    last = core.store.last_seq
    yield sse_event({"last_seq": last, "epoch": core.store.epoch}, event="hello")
    if seq is not None and seq > last:  # of another store: what the page shows is not of this one
        yield sse_event({"seq": last, "applied": 0}, event="refresh", number=last)
    seq = last if seq is None else min(seq, last)
    left = sys.maxsize if most is None else most
    while left > 0 and (seconds := seconds_left()) > 0:
        changes = _changes_after(core, feed, seq, min(seconds, HEARTBEAT_SECONDS))[:left]
        yield b"".join(chunk for _, chunk in changes) or HEARTBEAT
        if changes:
            seq = changes[-1][0]
            left -= len(changes)
        sleep(PAUSE)


def _changes_after(
    core: AgentCore, feed: ChangeFeed, seq: int, seconds: float
) -> list[tuple[int, bytes]]:
    try:
        newest = core.wait_for_change(seq, seconds)
        return feed.after(seq, newest) if newest > seq else []
    except StoreError:  # it will be back, and so will the changes
        return []


def _written(event: LoggedEvent, store: Store) -> bytes:
    return sse_event(change(event, store.order), event="change", number=event.seq)


def change(event: LoggedEvent, order_named: OrderNamed) -> dict[str, Any]:
    """Return what a live page is told of an event."""
    told: dict[str, Any] = {
        "seq": event.seq,
        "type": event.type,
        "unique_id": event.unique_id,
        "day": event.day,
        "received_at": event.received_at,
        "summary": summary(event, order_named),
    }
    for name in ("decision_id", "order_id"):
        if name in event.data:
            told[name] = event.data[name]
    return told
