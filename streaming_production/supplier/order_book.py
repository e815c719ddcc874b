"""The mock supplier's book: one order a key, for ever; on disk where a test counts after a kill."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any


class SlipError(ValueError):
    """An order that no supplier could read."""


class TakenKeyError(ValueError):
    """A key that stands for another order already."""


@dataclass(frozen=True, slots=True)
class Slip:
    """An order as posted."""

    order_id: str
    unique_id: str
    quantity: int  # units, >= 1
    placed: str  # ISO day of the order
    due: str  # ISO day asked for

    @classmethod
    def read(cls, key: str | None, body: object) -> Slip:
        """Check a posted body; raises SlipError naming what is wrong."""
        if not isinstance(body, Mapping):
            raise SlipError("an order is a JSON object")
        names = tuple(cls.__dataclass_fields__)
        if missing := [name for name in names if name not in body]:
            raise SlipError(f"the order lacks {', '.join(missing)}")
        if unknown := sorted(set(body) - set(names)):
            raise SlipError(f"the order has the unknown {', '.join(map(str, unknown))}")
        quantity = body["quantity"]
        if isinstance(quantity, bool) or not isinstance(quantity, int) or quantity < 1:
            raise SlipError(f"quantity must be a whole number >= 1, got {quantity!r}")
        if key != body["order_id"]:
            raise SlipError("the header Idempotency-Key must be the order_id")
        for name in ("placed", "due"):
            try:
                date.fromisoformat(body[name])
            except (TypeError, ValueError) as error:
                raise SlipError(f"{name} must be an ISO day, got {body[name]!r}") from error
        return cls(str(key), str(body["unique_id"]), quantity, body["placed"], body["due"])


class OrderBook:
    """Takes each order once, whoever asks how often; safe to use from several threads."""

    def __init__(self, keep: Path | None = None, lead_time: int | None = None) -> None:
        self._keep, self._lead_time = keep, lead_time
        self._lock = threading.Lock()
        self._orders: dict[str, dict[str, Any]] = {}
        if keep is not None and keep.exists():
            for line in keep.read_text(encoding="utf-8").splitlines():
                order = json.loads(line)
                self._orders[order["order_id"]] = order

    def take(self, key: str | None, body: object) -> tuple[dict[str, Any], bool]:
        """Return the order that stands under a key, and whether it is new.

        Raises SlipError for an unreadable order, TakenKeyError for another order of the same key.
        """
        slip = Slip.read(key, body)
        with self._lock:
            known = self._orders.get(slip.order_id)
            if known is None:
                order = asdict(slip) | {"asked_due": slip.due, "due": self._arrival(slip)}
                self._write(order)
                self._orders[slip.order_id] = order
                return order, True
        asked = (known["unique_id"], known["quantity"], known["asked_due"])
        if asked != (slip.unique_id, slip.quantity, slip.due):
            raise TakenKeyError(f"the key {key} stands for another order")
        return known, False

    def get(self, order_id: str) -> dict[str, Any] | None:
        """Return an order, None where there is none."""
        return self._orders.get(order_id)

    def all(self) -> list[dict[str, Any]]:
        """Return every order, oldest first."""
        return list(self._orders.values())

    def _arrival(self, slip: Slip) -> str:
        """Say when it comes: as asked for, or after the supplier's own lead time."""
        if self._lead_time is None:
            return slip.due
        return (date.fromisoformat(slip.placed) + timedelta(days=self._lead_time)).isoformat()

    def _write(self, order: Mapping[str, Any]) -> None:
        if self._keep is None:
            return
        with self._keep.open("a", encoding="utf-8") as file:
            file.write(json.dumps(order) + "\n")
            file.flush()
            os.fsync(file.fileno())
