"""One stream from the agent, fanned out to every open page.

A thread follows the agent's stream, reconnects when it breaks, and knows since when the agent has
been away. Changes are handed to the pages at most twice a second, together; each handing over is a
new generation, by which whatever was rendered before counts as old.
"""

import threading
from collections import deque
from collections.abc import Generator
from datetime import UTC, datetime

import orjson

from streaming_production.dashboard.agent_client import AgentAwayError, AgentClient, StreamMessage
from streaming_production.web.event_stream import HEARTBEAT_SECONDS, sse_event

MOST_AT_ONCE = 100  # changes in one handing over; beyond, pages are told to look for themselves
KEPT = 1000  # changes that a returning page can catch up with
PACE = 0.5  # seconds between two handings over
BEAT = sse_event({}, event="beat")  # scripts see events, and no comments
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 2.0  # seconds between two tries to reach the agent


class Page:
    """What one open page has still to be told."""

    def __init__(self) -> None:
        self._waiting: deque[bytes] = deque(maxlen=2 * MOST_AT_ONCE)
        self._woken = threading.Event()

    def tell(self, *messages: bytes) -> None:
        """Add messages and wake the thread that serves the page."""
        self._waiting.extend(messages)
        self._woken.set()

    def take(self, timeout: float) -> bytes:
        """Return what waits, after at most `timeout` seconds; nothing if nothing came."""
        self._woken.wait(timeout)
        self._woken.clear()
        taken = []
        while self._waiting:
            taken.append(self._waiting.popleft())
        return b"".join(taken)


class Relay:
    """Follow the agent and tell every open page."""

    def __init__(self, agent: AgentClient) -> None:
        self._agent = agent
        self._lock = threading.Lock()
        self._pages: set[Page] = set()
        self._kept: deque[tuple[int, bytes]] = deque(maxlen=KEPT)
        self._pending: list[bytes] = []
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._last_seq: int | None = None
        self.generation = 0
        self.away = False  # the agent did not answer when it was last asked
        self.last_contact: datetime | None = None  # of the agent's last sign of life

    def start(self) -> None:
        """Begin to follow the agent."""
        self._threads = [
            threading.Thread(target=work, name=f"relay{work.__name__}", daemon=True)
            for work in (self._follow, self._hand_over)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop following and let every page go."""
        self._stopping.set()
        self._news.set()
        with self._lock:
            self._tell(b"")
        for thread in self._threads:
            thread.join(timeout=6)

    @property
    def pages(self) -> int:
        """The number of open pages."""
        return len(self._pages)

    def renew(self) -> None:
        """Count everything rendered before as old, after this dashboard changed something."""
        with self._lock:
            self.generation += 1

    def messages(self, last_id: str) -> Generator[bytes]:
        """Yield what one page is to be told: what it missed, then the news, and heartbeats."""
        page = Page()
        with self._lock:
            page.tell(*self._missed(last_id), self._state())
            self._pages.add(page)
        try:
            while not self._stopping.is_set():
                yield page.take(HEARTBEAT_SECONDS) or BEAT
        finally:
            with self._lock:
                self._pages.discard(page)

    def _missed(self, last_id: str) -> list[bytes]:
        if not last_id.isdecimal() or len(last_id) > 18 or int(last_id) == self._last_seq:
            return []
        seen = int(last_id)
        later = [message for seq, message in self._kept if seq > seen]
        whole = self._kept and self._kept[0][0] <= seen + 1
        return later if whole and len(later) <= MOST_AT_ONCE else [self._refresh()]

    def _state(self) -> bytes:
        last_contact = self.last_contact.isoformat() if self.last_contact else None
        state = {"reachable": not self.away, "last_contact": last_contact}
        return sse_event(state, event="agent")

    def _refresh(self) -> bytes:
        return sse_event({"seq": self._last_seq}, event="refresh", number=self._last_seq)

    def _follow(self) -> None:
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            try:
                last_id = "" if self._last_seq is None else str(self._last_seq)
                for message in self._agent.follow(last_id):
                    pause = FIRST_PAUSE
                    self._hear(message)
                    if self._stopping.is_set():
                        return
            except AgentAwayError:
                self._lose()
            self._stopping.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _hear(self, message: StreamMessage) -> None:
        with self._lock:
            returned = self.away or self.last_contact is None
            self.last_contact = datetime.now(UTC)
            if message.last_id.isdecimal():
                self._last_seq = int(message.last_id)
            if returned:
                self.away = False
                self.generation += 1
                self._tell(self._state(), self._refresh())
            if message.event in ("change", "refresh"):
                data = orjson.Fragment(message.data)
                told = sse_event(data, event=message.event, number=self._last_seq)
                self._pending.append(told)
                if message.event == "change" and self._last_seq is not None:
                    self._kept.append((self._last_seq, told))
                else:  # what it stands for cannot be told again
                    self._kept.clear()
                self._news.set()

    def _hand_over(self) -> None:
        """Give the pages what is new, at once and then not again for a moment."""
        while not self._stopping.is_set():
            self._news.wait()
            self._news.clear()
            with self._lock:
                pending, self._pending = self._pending, []
                self.generation += 1
                self._tell(*(pending if len(pending) <= MOST_AT_ONCE else [self._refresh()]))
            self._stopping.wait(PACE)

    def _lose(self) -> None:
        with self._lock:
            if not self.away:
                self.away = True
                self._tell(self._state())

    def _tell(self, *messages: bytes) -> None:
        for page in self._pages:
            page.tell(*messages)
