"""What every projection of facts is given."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, select

from streaming_production.events import Event
from streaming_production.storage.engine import among
from streaming_production.storage.errors import UnknownItems
from streaming_production.storage.tables import items

_KNOWN = select(items.c.unique_id).where(among(items.c.unique_id))


class Logged(NamedTuple):
    """An event in the log."""

    seq: int
    received_at: str
    event: Event


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
