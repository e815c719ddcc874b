"""Where items stand, remembered between one writing to the log and the next."""

from streaming_production.storage.log import Head
from streaming_production.storage.standings import Standings

MOST = 50_000  # items remembered


class KnownStates:
    """Spares reading where items stand that this process moved itself.

    That never changes without new events in the log. What was known when the log had a certain head
    is therefore true as long as it has that head; another process that wrote meanwhile left
    another. Used by one writer at a time.
    """

    def __init__(self) -> None:
        self._head: Head | None = None
        self._standings = Standings()

    def at(self, head: Head) -> Standings:
        """Return what is known at a head; forgotten unless it is kept after the commit."""
        known = self._standings if self._head == head else Standings()
        self._head, self._standings = None, Standings()
        return known

    def keep(self, head: Head, standings: Standings) -> None:
        """Remember what was committed together with the log as it stands now."""
        if len(standings) <= MOST:
            self._head, self._standings = head, standings
