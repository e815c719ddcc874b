"""The status of the service, gathered from its parts."""

from datetime import UTC, datetime

from streaming_production.api.context import Context
from streaming_production.api.status_schemas import Status
from streaming_production.storage.rows import by_name
from streaming_production.version import VERSION


def status_now(context: Context) -> Status:
    """Return how the service is doing now."""
    core = context.core.status()
    found = by_name(core) | {
        "status": "running",
        "version": VERSION,
        "uptime_seconds": round(context.uptime, 2),
        "last_event_age_seconds": _age(core.last_event_at),
        "spool": context.spool,
        "streams": context.streams.taken,
        "autonomy": context.store.autonomy(),
        "supplier": context.settings.supplier_url is not None,
    }
    return Status.model_validate(found)


def _age(instant: str | None) -> float | None:
    if instant is None:
        return None
    passed = datetime.now(UTC) - datetime.fromisoformat(instant)
    return round(max(0.0, passed.total_seconds()), 2)
