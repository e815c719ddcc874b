"""What every projection of facts is given."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from sqlalchemy import Connection, select

from streaming_production.event_form import EventColumns
from streaming_production.events import Event, Events
from streaming_production.storage.engine import among
from streaming_production.storage.errors import UnknownItems
from streaming_production.storage.tables import items

_KNOWN = select(items.c.unique_id).where(among(items.c.unique_id))


class Logged(NamedTuple):
    """An event in the log."""

    seq: int
    received_at: str
    event: Event


@dataclass(frozen=True, eq=False)
class Run:
    """Events in the log, one after the other; by column, as large batches take long otherwise."""

    seqs: Sequence[int]
    received_at: Sequence[str]
    events: Events

    @property
    def columns(self) -> EventColumns:
        """The fields of all events."""
        return self.events.columns

    @cached_property
    def types(self) -> frozenset[str]:
        """The types that there are."""
        return frozenset(self.columns.type)

    def logged(self) -> list[Logged]:
        """Return the events one by one."""
        return list(map(Logged, self.seqs, self.received_at, self.events))

    def part(self, places: Sequence[int]) -> "Run":
        """Return those at some places."""
        return Run(
            [self.seqs[place] for place in places],
            [self.received_at[place] for place in places],
            self.events.part(places),
        )

    def of_type(self, type_: str) -> list[Logged]:
        """Return those of a type, one by one."""
        kinds = enumerate(self.columns.type)
        return self.part([place for place, kind in kinds if kind == type_]).logged()


@dataclass(frozen=True, slots=True)
class Facts:
    """The transaction in which facts are projected."""

    connection: Connection
    epoch: int


def known_items(connection: Connection, names: Iterable[str]) -> set[str]:
    """Return those of the names that are in the catalogue."""
    asked = sorted(set(names))
    return set(connection.execute(_KNOWN, {"names": asked}).scalars())


def check_items(connection: Connection, names: Iterable[str]) -> None:
    """Raise UnknownItems if a name is not in the catalogue."""
    asked = set(names)
    missing = asked - known_items(connection, asked) if asked else asked
    if missing:
        raise UnknownItems(missing)
