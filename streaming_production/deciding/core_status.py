"""How the core is doing: what it waits for, how fresh its forecasts are, what is on its way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

from streaming_production.deciding.worker_process import WorkerState
from streaming_production.store import Store


@dataclass(frozen=True, slots=True)
class ForecastState:
    """How fresh the forecasts are."""

    fitted: int  # items with a forecast
    missing: int
    stale: int  # a whole period of refits late
    oldest_origin: date | None


@dataclass(frozen=True, slots=True)
class OutboxState:
    """Orders on their way to the supplier."""

    queued: int
    unknown: int
    refused: int


@dataclass(frozen=True, slots=True)
class CoreStatus:
    """Everything of the status that the core knows."""

    epoch: int
    today: date | None  # last closed day
    items: int
    last_event_at: str | None  # instant at which the newest event was received
    last_seq: int
    closings_pending: int
    forecasts: ForecastState
    worker: WorkerState
    outbox: OutboxState


def core_status(store: Store, worker: WorkerState, refit_every: int) -> CoreStatus:
    """Gather the status from the store."""
    with store.one_view():
        newest = store.events_before(None, 1)
        closed = store.closed_days()
        stamps = store.forecast_stamps()
        origins = {name: stamps[name][0] for name in closed if name in stamps}
        late = timedelta(days=2 * refit_every)
        stale = sum(day + late < (closed[name] or date.min) for name, day in origins.items())
        return CoreStatus(
            epoch=store.epoch,
            today=max(filter(None, closed.values()), default=None),
            items=len(closed),
            last_event_at=newest[0].received_at if newest else None,
            last_seq=store.last_seq,
            closings_pending=len(store.pending_closings()),
            forecasts=ForecastState(
                fitted=len(origins),
                missing=len(closed) - len(origins),
                stale=stale,
                oldest_origin=min(origins.values(), default=None),
            ),
            worker=worker,
            outbox=_outbox(store),
        )


def refreshed(store: Store, known: CoreStatus) -> CoreStatus:
    """Return a status with what every event may change read anew, whatever else is a little old.

    Who posts a day's close waits on these numbers, so they must not be from before it.
    """
    with store.one_view():
        return replace(
            known,
            epoch=store.epoch,
            today=store.last_closed_day(),
            last_seq=store.last_seq,
            closings_pending=len(store.pending_closings()),
            outbox=_outbox(store),
        )


def _outbox(store: Store) -> OutboxState:
    orders = store.count_orders(("queued", "sent", "unknown", "refused"))
    return OutboxState(
        queued=orders["queued"] + orders["sent"],
        unknown=orders["unknown"],
        refused=orders["refused"],
    )
