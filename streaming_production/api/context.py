"""What the views find around them: the core, the settings, and what runs beside requests."""

import threading
import time
from dataclasses import dataclass, field

from flask import Flask, current_app

from streaming_production.agent_core import AgentCore
from streaming_production.api.agent_metrics import AgentMetrics
from streaming_production.api.change_feed import ChangeFeed
from streaming_production.service_settings import AgentServiceSettings
from streaming_production.store import Store
from streaming_production.web.limits import Slots

_KEY = "inventory"
EXPORTS = 4  # CSV files written at once: each takes a thread for as long as its reader likes


@dataclass
class Context:
    """What belongs to one running app."""

    core: AgentCore
    settings: AgentServiceSettings
    stop: threading.Event
    streams: Slots = field(init=False)
    exports: Slots = field(init=False)
    feed: ChangeFeed = field(init=False)
    metrics: AgentMetrics = field(init=False)
    started: float = field(default_factory=time.monotonic)
    spool: int | None = None  # events that the generator last said it holds back

    def __post_init__(self) -> None:
        self.streams = Slots(self.settings.max_streams)
        self.exports = Slots(EXPORTS)
        self.feed = ChangeFeed(self.core.store)
        self.metrics = AgentMetrics()

    @property
    def store(self) -> Store:
        """Return the core's store, for reading."""
        return self.core.store

    @property
    def uptime(self) -> float:
        """Return the seconds since the app was made."""
        return time.monotonic() - self.started


def put_context(app: Flask, context: Context) -> None:
    """Give an app its context."""
    app.extensions[_KEY] = context


def here() -> Context:
    """Return the context of the app that answers the current request."""
    context: Context = current_app.extensions[_KEY]
    return context
