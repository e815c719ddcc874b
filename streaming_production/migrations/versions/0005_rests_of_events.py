"""The log keeps of an event only what its other columns do not tell."""

from collections.abc import Callable, Sequence
from typing import Any

import orjson
import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_CHUNK = 5_000  # events rewritten at once
_EVENTS = sa.table(
    "events",
    *(sa.column(name) for name in ("seq", "source", "id", "type", "unique_id", "instant", "rest")),
)
_SOME = (
    sa.select(_EVENTS)
    .where(_EVENTS.c.seq > sa.bindparam("after"))
    .order_by(_EVENTS.c.seq)
    .limit(_CHUNK)
)
_REWRITE = (
    sa.update(_EVENTS)
    .where(_EVENTS.c.seq == sa.bindparam("number"))
    .values(rest=sa.bindparam("written"))
)
_Content = dict[str, Any]


def upgrade() -> None:
    """Take the step."""
    op.alter_column("events", "body", new_column_name="rest")
    _rewrite(_rest)


def downgrade() -> None:
    """Take the step back."""
    _rewrite(_whole)
    op.alter_column("events", "rest", new_column_name="body")


def _rewrite(written: Callable[[_Content, _Content], _Content]) -> None:
    connection, last = op.get_bind(), 0
    while rows := connection.execute(_SOME, {"after": last}).all():
        read = ((row, _read(row.rest)) for row in rows)
        new = [
            {"number": row.seq, "written": _json(written(_told_by_columns(row), content))}
            for row, content in read
            if content is not None
        ]
        if new:
            connection.execute(_REWRITE, new)
        last = rows[-1].seq


def _read(text: bytes) -> _Content | None:
    """Read an event; None for what is none, which stays as it is for the self-check to tell."""
    try:
        content = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return content if isinstance(content, dict) else None


def _json(content: _Content) -> bytes:
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS)


def _told_by_columns(row: Any) -> _Content:
    """Return what the other columns tell of an event; its time as it is where that is in UTC."""
    return {
        "specversion": "1.0",
        "id": row.id,
        "source": row.source,
        "type": row.type,
        "subject": row.unique_id,
        "time": f"{row.instant[:-1].removesuffix('.000000')}+00:00",
    }


def _rest(told: _Content, whole: _Content) -> _Content:
    return {name: one for name, one in whole.items() if name not in told or told[name] != one}


def _whole(told: _Content, rest: _Content) -> _Content:
    return told | rest
