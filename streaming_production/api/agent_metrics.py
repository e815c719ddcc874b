"""Figures of the agent for Prometheus: events counted as they come, the rest read when asked."""

from collections.abc import Callable, Iterator
from typing import get_args

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from streaming_production.api.shared_schemas import DecisionStatus, OrderStatus
from streaming_production.api.status_schemas import Status
from streaming_production.store import Appended, Store


class AgentMetrics:
    """Count events, and read the rest from the status at each collection."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._events = Counter(
            "inventory_events", "Events taken in.", ("outcome",), registry=self.registry
        )
        self._unmet = Counter(
            "inventory_unmet_units",
            "Units of demand that found no stock.",
            registry=self.registry,
        )
        for outcome in ("applied", "duplicate", "late"):
            self._events.labels(outcome)

    def watch(self, status: Callable[[], Status], store: Store) -> None:
        """Collect figures from the status and the store from now on."""
        self.registry.register(_StatusCollector(status, store))

    def count_events(self, appended: Appended) -> None:
        """Count what an append did."""
        self._events.labels("applied").inc(appended.applied)
        self._events.labels("duplicate").inc(appended.duplicates)
        self._events.labels("late").inc(len(appended.late))
        self._unmet.inc(appended.unmet)


class _StatusCollector(Collector):
    def __init__(self, status: Callable[[], Status], store: Store) -> None:
        self._status = status
        self._store = store

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Name nothing beforehand: the registry would ask for the status to learn the names."""
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        status = self._status()
        single = {
            "inventory_items": ("Items in the catalogue.", status.items),
            "inventory_live_streams": ("Live streams open.", status.streams),
            "inventory_last_event_age_seconds": (
                "Seconds since the last event came in.",
                status.last_event_age_seconds,
            ),
            "inventory_closings_pending": (
                "Closed days with items still to decide.",
                status.closings_pending,
            ),
            "inventory_forecast_worker_alive": (
                "1 if the process that fits forecasts runs.",
                status.worker.alive,
            ),
            "inventory_spooled_events": (
                "Events that the generator holds back.",
                status.spool,
            ),
            "inventory_uptime_seconds": ("Seconds since the start.", status.uptime_seconds),
        }
        for name, (words, value) in single.items():
            if value is not None:
                yield GaugeMetricFamily(name, words, value=float(value))
        yield _by_state(
            "inventory_forecasts",
            "Items by the state of their forecast.",
            status.forecasts.model_dump(include={"fitted", "missing", "stale"}),
        )
        yield _by_state("inventory_outbox", "Orders not settled.", status.outbox.model_dump())
        decisions = self._store.count_decisions(get_args(DecisionStatus))
        yield _by_state("inventory_decisions", "Decisions of the epoch.", decisions)
        orders = self._store.count_orders(get_args(OrderStatus))
        yield _by_state("inventory_orders", "Orders of the epoch.", orders)


def _by_state(name: str, words: str, counts: dict[str, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, words, labels=("status",))
    for status, count in counts.items():
        family.add_metric((status,), count)
    return family
