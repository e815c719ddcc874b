"""Adding: new events -> the log and the tables that follow from it, run by run of a type."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from sqlalchemy import Connection

from streaming_production.event_types import CLOSING, LEDGER, SIGNALS, ItemChanged
from streaming_production.storage import catalogue_facts, decision_facts, order_facts, signal_facts
from streaming_production.storage.booking import Booked, book
from streaming_production.storage.facts import Facts, Logged, Run
from streaming_production.storage.log import write_down
from streaming_production.storage.standings import Standings

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
_MOVING = frozenset({*LEDGER, CLOSING})


class Added(NamedTuple):
    """What adding events showed."""

    unmet: Counter[str]  # by item: units of demand that found no stock
    late: list[int]  # numbers of events that came after later ones, or after their day was closed


def add(connection: Connection, epoch: int, new: Run, standings: Standings | None = None) -> Added:
    """Write new events in the log and bring every projection up to date with them.

    A run is written only when the ones before it are projected, and itself too: what is folded
    again from the log must not meet events of its own future there. `standings` are what is known
    of items, and afterwards what they are then.

    Raises UnknownItems or RuleBroken.
    """
    facts, standings = Facts(connection, epoch), Standings() if standings is None else standings
    added = Added(Counter(), [])
    for kind, run in _runs(new):
        if kind == _BOOKED:
            booked = _book(facts, run, standings)
            added.unmet.update(booked.unmet)
            added.late.extend(run.seqs[place] for place in booked.late)
            before = booked.before
        else:
            standings.clear()
            _HANDLERS[kind](facts, run.logged())
            before = _book_prices(facts, run, standings)
        write_down(connection, epoch, run, before)
    return added


def _runs(new: Run) -> Iterator[tuple[str, Run]]:
    if new.types <= _MOVING:
        yield _BOOKED, new
        return
    places = groupby(range(len(new.events)), key=lambda place: _kind(new.columns.type[place]))
    for kind, some in places:
        yield kind, new.part(list(some))


def _kind(type_: str) -> str:
    return _BOOKED if type_ in _MOVING else type_


def _book(facts: Facts, run: Run, standings: Standings) -> Booked:
    booked = book(facts.connection, facts.epoch, run, standings)
    order_facts.receive(facts, run)
    catalogue_facts.close_days(facts, run)
    return booked


def _book_prices(facts: Facts, run: Run, standings: Standings) -> Sequence[int | None]:
    """Book the changes of items that change a price."""
    before: list[int | None] = [None] * len(run.events)
    priced = [place for place, one in enumerate(run.columns.data) if _changes_price(one)]
    if priced:
        booked = book(facts.connection, facts.epoch, run.part(priced), standings)
        for place, last in zip(priced, booked.before, strict=True):
            before[place] = last
    return before


def _changes_price(data: object) -> bool:
    return isinstance(data, ItemChanged) and bool((data.terms or {}).get("unit_price"))
