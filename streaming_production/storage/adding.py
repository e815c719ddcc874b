"""Adding: new events -> the log and the tables that follow from it, run by run of a type."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby

from sqlalchemy import Connection

from streaming_production.event_types import CLOSING, LEDGER, SIGNALS, ItemChanged
from streaming_production.events import Event
from streaming_production.storage import catalogue_facts, decision_facts, order_facts, signal_facts
from streaming_production.storage.booking import Booked, book
from streaming_production.storage.facts import Facts, Logged
from streaming_production.storage.item_books import State
from streaming_production.storage.log import write_down

Handler = Callable[[Facts, Sequence[Logged]], None]

_HANDLERS: Mapping[str, Handler] = {
    "item.registered": catalogue_facts.register,
    "item.changed": catalogue_facts.change,
    "autonomy.changed": catalogue_facts.set_autonomy,
    "epoch.opened": catalogue_facts.open_epoch,
    "decision.made": decision_facts.make,
    "decision.approved": decision_facts.answer,
    "decision.rejected": decision_facts.answer,
    "decision.overridden": decision_facts.answer,
    "order.sent": order_facts.follow,
    "order.confirmed": order_facts.follow,
    "order.refused": order_facts.follow,
    "order.unknown": order_facts.follow,
    "order.cancelled": order_facts.follow,
    **dict.fromkeys(SIGNALS, signal_facts.tell),
}
_BOOKED = "booked"


def add(
    connection: Connection,
    epoch: int,
    new: Sequence[Logged],
    states: dict[str, State] | None = None,
) -> Booked:
    """Write new events in the log and bring every projection up to date with them.

    A run is written only when the ones before it are projected, and itself too: what is folded
    again from the log must not meet events of its own future there. `states` are those that are
    known of items, and afterwards those that were written.

    Raises UnknownItems or RuleBroken.
    """
    facts = Facts(connection, epoch)
    states = {} if states is None else states
    unmet: Counter[str] = Counter()
    late: list[Event] = []
    before: dict[int, int] = {}
    for kind, run in groupby(new, key=_kind):
        some = list(run)
        if kind == _BOOKED:
            booked = _book(facts, some, states)
            unmet.update(booked.unmet)
            late += booked.late
            before |= booked.before
        else:
            states.clear()
            _HANDLERS[kind](facts, some)
            priced = [one for one in some if _changes_price(one.event.data)]
            if priced:
                before |= book(connection, epoch, priced, states).before
        write_down(connection, epoch, some, before)
    return Booked(unmet, late, before)


def _kind(one: Logged) -> str:
    kind = one.event.type
    return _BOOKED if kind in LEDGER or kind == CLOSING else kind


def _changes_price(data: object) -> bool:
    return isinstance(data, ItemChanged) and bool((data.terms or {}).get("unit_price"))


def _book(facts: Facts, some: Sequence[Logged], states: dict[str, State]) -> Booked:
    booked = book(facts.connection, facts.epoch, some, states)
    order_facts.receive(facts, some)
    catalogue_facts.close_days(facts, some)
    return booked
