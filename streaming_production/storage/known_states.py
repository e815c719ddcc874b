"""Where items stand, remembered between one writing to the log and the next."""

from streaming_production.storage.item_books import State
from streaming_production.storage.log import Head

MOST = 50_000  # items remembered


class KnownStates:
    """Spares reading the states that this process wrote itself.

    A state never changes without new events in the log. What was known when the log had a certain
    head is therefore true as long as it has that head; another process that wrote meanwhile left
    another. Used by one writer at a time.
    """

    def __init__(self) -> None:
        self._head: Head | None = None
        self._states: dict[str, State] = {}

    def at(self, head: Head) -> dict[str, State]:
        """Return what is known at a head; forgotten unless it is kept after the commit."""
        known = self._states if self._head == head else {}
        self._head, self._states = None, {}
        return known

    def keep(self, head: Head, states: dict[str, State]) -> None:
        """Remember states that were committed together with the log as it stands now."""
        if len(states) <= MOST:
            self._head, self._states = head, states
