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
    generation: int
    made: float  # monotonic seconds


class PageCache:
    """Keep views by their address; those who ask at once wait for one making."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._making = [threading.Lock() for _ in range(64)]  # shared by address, to stay few
        self._lock = threading.Lock()

    def get(self, key: str, generation: int, make: Callable[[], View]) -> View:
        """Return the view of this generation, or an older one while the agent is away.

        Raises:
            AgentAwayError: the agent is away and there is no older one.
        """
        with self._making[hash(key) % len(self._making)]:
            kept = self._kept.get(key)
            if kept and kept.generation == generation and time.monotonic() - kept.made < FRESH:
                return kept.view
            began = time.monotonic()
            try:
                view = make()
            except AgentAwayError:
                if kept is None:
                    raise
                return View(kept.view.chip, kept.view.main, stale=True)
            with self._lock:
                self._keep(key, _Kept(view, generation, began))
            return view

    def _keep(self, key: str, kept: _Kept) -> None:
        self._kept[key] = kept
        self._kept.move_to_end(key)
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)
