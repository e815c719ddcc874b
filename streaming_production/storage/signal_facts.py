"""Market signals: what was told of each, evening by evening, and how it stands."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from operator import attrgetter
from typing import Any, Literal

import orjson
from sqlalchemy import Connection, bindparam, select

from streaming_production.event_types import (
    SIGNALS,
    SignalEnded,
    SignalTold,
    SignalWithdrawn,
)
from streaming_production.storage.engine import AnyRow, insert_rows
from streaming_production.storage.facts import Facts, Logged, check_items
from streaming_production.storage.rows import SignalRow
from streaming_production.storage.tables import signal_events

_TOLD = select(signal_events).where(
    signal_events.c.epoch == bindparam("epoch"), signal_events.c.day <= bindparam("evening")
)


def tell(facts: Facts, new: Sequence[Logged]) -> None:
    """Write down what is told of market signals."""
    rows: list[tuple[Any, ...]] = []
    named: list[str] = []
    for seq, _, event in new:
        data = event.data
        if not isinstance(data, (SignalTold, SignalEnded, SignalWithdrawn)):
            raise TypeError(f"{event.type} tells of no signal")
        if isinstance(data, SignalTold):
            named += data.items
        if event.subject is not None:
            named.append(event.subject)
            if isinstance(data, SignalTold) and not data.items:
                data = data.model_copy(update={"items": (event.subject,)})
        rows.append(
            (
                seq,
                facts.epoch,
                data.signal_id,
                event.type,
                event.day.isoformat(),
                event.instant,
                data.model_dump_json(),
            )
        )
    check_items(facts.connection, named)
    insert_rows(facts.connection, signal_events, rows)


def signals_at(
    connection: Connection, epoch: int, evening: date | None, today: date | None
) -> list[SignalRow]:
    """List the signals as they were known on an evening (None: now), by first day.

    `today` is the day that their status is told for.
    """
    by_signal: defaultdict[str, list[AnyRow]] = defaultdict(list)
    asked = {"epoch": epoch, "evening": (evening or date.max).isoformat()}
    for row in connection.execute(_TOLD, asked):
        by_signal[row.signal_id].append(row)
    found = (_signal(told, today) for told in by_signal.values())
    return sorted((one for one in found if one), key=attrgetter("start", "signal_id"))


def _signal(told: Iterable[AnyRow], today: date | None) -> SignalRow | None:
    """Put together what was told of one signal; None if only its end was."""
    in_order = sorted(told, key=attrgetter("day", "instant", "seq"))
    bodies = [row for row in in_order if SIGNALS[row.type] is SignalTold]
    if not bodies:
        return None
    newest = SignalTold.model_validate_json(bodies[-1].data)
    last_day, ended = newest.last_day, None
    for row in in_order:
        if row.type == "signal.ended":
            day = orjson.loads(row.data)["last_day"] or row.day
            ended = max(date.fromisoformat(day), newest.start)
    if ended is not None:
        last_day = ended
    return SignalRow(
        signal_id=newest.signal_id,
        kind=newest.kind,
        label=newest.label,
        start=newest.start,
        last_day=last_day,
        demand=newest.demand,
        lead_time_extra=newest.lead_time_extra,
        filled_share=newest.filled_share,
        supplier_shut=newest.supplier_shut,
        price=newest.price,
        shape=newest.shape,
        items=newest.items,
        source=newest.source,
        known_day=date.fromisoformat(bodies[0].day),
        status=_status({row.type for row in in_order}, newest.start, last_day, today),
    )


def _status(
    types: set[str], start: date, last_day: date | None, today: date | None
) -> Literal["announced", "running", "ended", "withdrawn"]:
    if "signal.withdrawn" in types:
        return "withdrawn"
    if "signal.ended" in types or (today and last_day and last_day < today):
        return "ended"
    if "signal.started" in types or (today and start <= today):
        return "running"
    return "announced"
