"""Counts the decisions made under each of the agent's rules, reading each of them once."""

from __future__ import annotations

from datetime import date
from threading import Lock

from streaming_production.store import Store

PAGE = 2000  # events read at once


class RuleCounts:
    """Decisions and orders by rule and day of the open epoch; safe to use from many threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = Lock()
        self._epoch, self._seq = 0, 0
        self._counts: dict[tuple[str, date], tuple[int, int]] = {}

    def since(self, rule: str, first: date) -> tuple[int, int]:
        """Return decisions and orders under a rule from a day on."""
        with self._lock:
            self._follow()
            found = [
                count
                for (name, day), count in self._counts.items()
                if name == rule and day >= first
            ]
        return sum(made for made, _ in found), sum(ordered for _, ordered in found)

    def _follow(self) -> None:
        epoch = self._store.epoch
        if epoch != self._epoch:
            self._epoch, self._counts = epoch, {}
        while rows := self._store.events_after(self._seq, PAGE, types=["decision.made"]):
            for row in rows:
                if row.epoch == epoch:
                    key = (row.data["rule"], row.day)
                    made, ordered = self._counts.get(key, (0, 0))
                    self._counts[key] = (made + 1, ordered + (row.data["quantity"] > 0))
            self._seq = rows[-1].seq
