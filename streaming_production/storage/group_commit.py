"""Group commit: requests that wait for the same turn are written in one transaction.

A commit waits for the disk, and single events from many clients would each wait for all before
them. Whoever has the turn therefore takes along those behind him that are independent of each
other: single movements of different items, which leave the same whether booked together or one by
one.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event as Flag
from threading import Lock

from streaming_production.event_types import LEDGER
from streaming_production.events import Events
from streaming_production.storage import engine
from streaming_production.storage.errors import StoreBusy, StoreError
from streaming_production.storage.rows import Appended

MOST = 64  # requests in one transaction


@dataclass(slots=True, eq=False)
class Request:
    """Events to be added, all or none, and what became of them."""

    events: Events
    inputs: Mapping[str, bytes] | None = None  # kept beside their decisions
    appended: Appended | None = None
    error: Exception | None = None
    done: Flag = field(default_factory=Flag)

    @property
    def single_item(self) -> str | None:
        """The item that this request alone moves, by one event; None for any other request."""
        first = self.events[0] if len(self.events) == 1 and self.inputs is None else None
        return first.subject if first is not None and first.type in LEDGER else None


class GroupCommit:
    """Takes requests in turn, in the order of their arrival."""

    def __init__(
        self,
        alone: Callable[[Request], Appended],
        together: Callable[[Sequence[Request]], list[Appended]],
    ) -> None:
        """`together` adds all of several requests or raises and adds none."""
        self._alone, self._together = alone, together
        self._queue: deque[Request] = deque()
        self._guard, self._turn = Lock(), Lock()

    def append(self, request: Request) -> Appended:
        """Add a request's events; raises what `alone` raises, and StoreBusy where the turn is long.

        Whoever gets the turn serves the queue from its front until his own request is done.
        """
        with self._guard:
            self._queue.append(request)
        if self._turn.acquire(timeout=engine.PATIENCE):
            try:
                while not request.done.is_set():
                    self._serve(self._next())
            finally:
                self._turn.release()
        elif self._withdrawn(request):
            raise StoreBusy("another writer is at work: try again")
        else:
            request.done.wait()  # somebody is writing it
        if request.error is not None:
            raise request.error
        if request.appended is None:
            raise StoreBusy("the writer ended before this was written: try again")
        return request.appended

    def _withdrawn(self, request: Request) -> bool:
        with self._guard:
            waiting = request in self._queue
            if waiting:
                self._queue.remove(request)
            return waiting

    def _next(self) -> list[Request]:
        """Take the first request, and those behind it that can be written with it."""
        with self._guard:
            group = [self._queue.popleft()]
            items = {group[0].single_item}
            while self._queue and None not in items and len(group) < MOST:
                item = self._queue[0].single_item
                if item is None or item in items:
                    break
                items.add(item)
                group.append(self._queue.popleft())
            return group

    def _serve(self, group: Sequence[Request]) -> None:
        try:
            if len(group) == 1 or not self._served_together(group):
                for one in group:
                    self._serve_alone(one)
        finally:
            for one in group:
                one.done.set()

    def _served_together(self, group: Sequence[Request]) -> bool:
        """Write all of a group; False where one of them is refused, so that none was written."""
        try:
            for one, appended in zip(group, self._together(group), strict=True):
                one.appended = appended
        except StoreError as error:
            for one in group:
                one.error = error
        except ValueError:
            return False
        return True

    def _serve_alone(self, one: Request) -> None:
        try:
            one.appended = self._alone(one)
        except Exception as error:  # noqa: BLE001 - raised to whoever asked
            one.error = error
