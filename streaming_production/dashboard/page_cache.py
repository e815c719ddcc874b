"""What was rendered is kept until something changes, so that a hundred pages cost as one."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from streaming_production.dashboard.agent_client import AgentAwayError

MOST = 200  # rendered views kept
FRESH = 3.0  # seconds after which a view is made again even if no change was told


@dataclass(frozen=True, slots=True)
class View:
    """The live parts of a page as HTML."""

    chip: str  # the state of the agent, in the head of every page
    main: str
    stale: bool = False  # made before the agent went away


@dataclass(frozen=True, slots=True)
class _Kept:
    view: View
    generation: int  # the newest when its making began
    began: float  # monotonic seconds

    def serves(self, generation: int, came: float) -> bool:
        """Tell whether it is new enough for who came at a time and generation."""
        if self.began >= came:
            return True
        return self.generation >= generation and time.monotonic() - self.began < FRESH


class PageCache:
    """Keep views by their address; those who ask at once wait for one making."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._making = [threading.Lock() for _ in range(64)]  # shared by address, to stay few
        self._lock = threading.Lock()

    def get(self, key: str, generation: Callable[[], int], make: Callable[[], View]) -> View:
        """Return a view no older than this call's generation, or any while the agent is away.

        `generation` tells the newest one. Whoever waited for a view that another began meanwhile
        takes that one, whatever changed since: the next news tells of it.

        Raises:
            AgentAwayError: the agent is away and there is no older one.
        """
        asked, came = generation(), time.monotonic()
        with self._making[hash(key) % len(self._making)]:
            kept = self._kept.get(key)
            if kept and kept.serves(asked, came):
                return kept.view
            made_of, began = generation(), time.monotonic()
            try:
                view = make()
            except AgentAwayError:
                if kept is None:
                    raise
                return View(kept.view.chip, kept.view.main, stale=True)
            with self._lock:
                self._keep(key, _Kept(view, made_of, began))
            return view

    def _keep(self, key: str, kept: _Kept) -> None:
        self._kept[key] = kept
        self._kept.move_to_end(key)
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)
