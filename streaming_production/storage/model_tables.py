"""What the forecaster is given and gives, and other work that is no fact of the log."""

import zlib
from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, bindparam, delete, func, select

from streaming_production.storage.engine import among, insert_rows, upsert_rows
from streaming_production.storage.rows import ForecastRow, History
from streaming_production.storage.tables import (
    closings_done,
    decision_inputs,
    forecasts,
    histories,
    outbox,
)

KEPT_FORECASTS = 2  # an item: the newest, and the one that a running decision may have read

_NEWEST_OF_ALL = select(func.max(forecasts.c.forecast_id)).group_by(forecasts.c.unique_id)
_NEWEST = _NEWEST_OF_ALL.where(among(forecasts.c.unique_id))
_HISTORIES = select(histories).where(among(histories.c.unique_id))
_FORECASTS_OF_ALL = select(forecasts).where(forecasts.c.forecast_id.in_(_NEWEST_OF_ALL))
_FORECASTS = select(forecasts).where(forecasts.c.forecast_id.in_(_NEWEST))
_INPUTS = select(decision_inputs.c.inputs).where(
    decision_inputs.c.decision_id == bindparam("decision_id")
)
_STAMP = (forecasts.c.unique_id, forecasts.c.origin, forecasts.c.forecast_id)
_STAMPS_OF_ALL = _FORECASTS_OF_ALL.with_only_columns(*_STAMP)
_STAMPS = _FORECASTS.with_only_columns(*_STAMP)


def put_history(
    connection: Connection,
    unique_id: str,
    first_day: date,
    y: NDArray[np.float64],
    in_stock: NDArray[np.bool_],
) -> None:
    """Keep an item's history.

    Raises ValueError unless both arrays are of one length.
    """
    if y.shape != in_stock.shape or y.ndim != 1:
        raise ValueError(f"y and in_stock must be as long, got {y.shape} and {in_stock.shape}")
    content = y.astype("<f8").tobytes() + in_stock.astype(np.uint8).tobytes()
    row = (unique_id, first_day.isoformat(), y.size, zlib.compress(content))
    upsert_rows(connection, histories, [row])


def read_histories(connection: Connection, names: Sequence[str]) -> dict[str, History]:
    """Return the histories of items, of those that have one."""
    found = {}
    for name, first_day, days, content in connection.execute(_HISTORIES, {"names": names}):
        plain = zlib.decompress(content)
        found[name] = History(
            unique_id=name,
            first_day=date.fromisoformat(first_day),
            y=np.frombuffer(plain, dtype="<f8", count=days),
            in_stock=np.frombuffer(plain, dtype=np.uint8, offset=8 * days).astype(np.bool_),
        )
    return found


def put_forecasts(connection: Connection, rows: Sequence[ForecastRow]) -> None:
    """Keep forecasts as the newest of their items; very old ones go."""
    newest = connection.execute(select(func.coalesce(func.max(forecasts.c.forecast_id), 0)))
    first = newest.scalar_one() + 1
    insert_rows(
        connection,
        forecasts,
        [
            (
                first + place,
                row.unique_id,
                row.origin.isoformat(),
                row.fresh_until.isoformat(),
                row.model,
                row.fitted_at,
                row.body,
            )
            for place, row in enumerate(rows)
        ],
    )
    names = sorted({row.unique_id for row in rows})
    ranked = (
        select(
            forecasts.c.forecast_id,
            func.row_number()
            .over(partition_by=forecasts.c.unique_id, order_by=forecasts.c.forecast_id.desc())
            .label("age"),
        )
        .where(among(forecasts.c.unique_id))
        .subquery()
    )
    old = select(ranked.c.forecast_id).where(ranked.c.age > KEPT_FORECASTS)
    connection.execute(delete(forecasts).where(forecasts.c.forecast_id.in_(old)), {"names": names})


def newest_forecasts(connection: Connection, names: Sequence[str] | None) -> dict[str, ForecastRow]:
    """Return the newest forecast of each item that has one."""
    query = _FORECASTS_OF_ALL if names is None else _FORECASTS
    return {
        row.unique_id: ForecastRow(
            unique_id=row.unique_id,
            origin=date.fromisoformat(row.origin),
            fresh_until=date.fromisoformat(row.fresh_until),
            model=row.model,
            fitted_at=row.fitted_at,
            body=row.body,
            forecast_id=row.forecast_id,
        )
        for row in connection.execute(query, {"names": names})
    }


def forecast_stamps(
    connection: Connection, names: Sequence[str] | None = None
) -> dict[str, tuple[date, int]]:
    """Return the origin and number of each item's newest forecast, of all items by default."""
    query = _STAMPS_OF_ALL if names is None else _STAMPS
    return {
        name: (date.fromisoformat(origin), number)
        for name, origin, number in connection.execute(query, {"names": names})
    }


def put_inputs(connection: Connection, inputs: Mapping[str, bytes]) -> None:
    """Keep what decisions were made from."""
    upsert_rows(connection, decision_inputs, list(inputs.items()))


def read_inputs(connection: Connection, decision_id: str) -> bytes | None:
    """Return what a decision was made from."""
    return connection.execute(_INPUTS, {"decision_id": decision_id}).scalar_one_or_none()


def mark_attempt(connection: Connection, order_id: str, next_at: str, error: str) -> None:
    """Remember that an order was tried, and when to try again."""
    before = select(outbox.c.attempts).where(outbox.c.order_id == order_id)
    attempts = connection.execute(before).scalar_one_or_none() or 0
    upsert_rows(connection, outbox, [(order_id, next_at, attempts + 1, error)])


def mark_done(connection: Connection, seq: int) -> None:
    """Remember that a closed day is decided."""
    known = select(closings_done.c.seq).where(closings_done.c.seq == seq)
    if connection.execute(known).first() is None:
        insert_rows(connection, closings_done, [(seq,)])
