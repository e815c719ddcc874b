"""Speaks to a supplier over HTTP; every answer, and every silence, becomes one plain outcome."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import requests
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError

CONNECT_SECONDS, ANSWER_SECONDS = 3.0, 10.0


@dataclass(frozen=True, slots=True)
class OrderSlip:
    """An order as it is sent."""

    order_id: str  # also the idempotency key
    unique_id: str
    quantity: int  # units, >= 1
    placed: date
    due: date  # expected arrival


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The supplier has the order."""

    quantity: int  # units that will come
    due: date


@dataclass(frozen=True, slots=True)
class Refused:
    """The supplier does not take the order."""

    why: str


@dataclass(frozen=True, slots=True)
class Unreached:
    """Nothing was sent: it is safe to send later."""

    why: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The order may or may not have arrived: ask before sending again."""

    why: str


@dataclass(frozen=True, slots=True)
class NotThere:
    """Asked for the order, the supplier has none."""


Outcome = Confirmed | Refused | Unreached | Unknown | NotThere


class SupplierClient:
    """Sends orders and asks for them; keeps one connection, used by one thread."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._session = requests.Session()

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def send(self, slip: OrderSlip) -> Outcome:
        """Post an order under its own key."""
        body = {
            "order_id": slip.order_id,
            "unique_id": slip.unique_id,
            "quantity": slip.quantity,
            "placed": slip.placed.isoformat(),
            "due": slip.due.isoformat(),
        }
        return self._asked(
            slip, "POST", "/orders", json=body, headers={"Idempotency-Key": slip.order_id}
        )

    def ask(self, slip: OrderSlip) -> Outcome:
        """Ask what became of an order."""
        outcome = self._asked(slip, "GET", f"/orders/{slip.order_id}")
        # An unanswered question leaves the order as unknown as it was.
        return Unknown(outcome.why) if isinstance(outcome, Unreached) else outcome

    def _asked(self, slip: OrderSlip, method: str, path: str, **rest: Any) -> Outcome:
        try:
            answer = self._session.request(
                method, self._url + path, timeout=(CONNECT_SECONDS, ANSWER_SECONDS),
                allow_redirects=False, **rest,
            )  # fmt: skip
        except requests.RequestException as error:
            return _silence(error)
        return _outcome(slip, method, answer)


def _silence(error: requests.RequestException) -> Outcome:
    """Tell a connection that never was from one that broke after something was sent."""
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    if isinstance(reason, (NewConnectionError, ConnectTimeoutError)):
        return Unreached("the supplier cannot be reached")
    if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema)):
        return Unreached("the supplier's address is no URL; mend supplier_url")
    return Unknown(f"no answer: {type(error).__name__}")


def _outcome(slip: OrderSlip, method: str, answer: requests.Response) -> Outcome:
    if method == "GET" and answer.status_code == 404:
        return NotThere()
    if answer.status_code == 429:
        return Unreached("the supplier asks to wait (429)")
    if 400 <= answer.status_code < 500 and method == "POST":
        return Refused(f"{answer.status_code}: {_told(answer)}")
    if not 200 <= answer.status_code < 300:
        return Unknown(f"the supplier answered {answer.status_code}")
    return _confirmation(slip, answer)


def _confirmation(slip: OrderSlip, answer: requests.Response) -> Outcome:
    """Read what will come; what the answer leaves out is as ordered."""
    try:
        told = answer.json()
        quantity = told.get("quantity", slip.quantity)
        due = date.fromisoformat(told.get("due") or slip.due.isoformat())
    except (ValueError, AttributeError, TypeError):
        return Unknown("the supplier's answer cannot be read")
    if isinstance(quantity, bool) or not isinstance(quantity, int) or quantity < 0:
        return Unknown(f"the supplier confirms {quantity!r} units")
    return Confirmed(quantity, due)


def _told(answer: requests.Response) -> str:
    """Return the reason in a refusal: the detail of a JSON answer, else its first words."""
    try:
        told = answer.json()
        text = str(told.get("detail") or told.get("message") or told)
    except (ValueError, AttributeError):
        text = answer.text
    return " ".join(text.split())[:200] or "no reason given"
