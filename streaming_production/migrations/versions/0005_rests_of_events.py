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
    *(sa.column(name) for name in ("seq", "source", "id", "type", "unique_id", "instant")),
    sa.column("body", sa.LargeBinary()),
    sa.column("rest", sa.Text()),
)
_TOLD = tuple(_EVENTS.c[name] for name in ("seq", "source", "id", "type", "unique_id", "instant"))
_Content = dict[str, Any]


def upgrade() -> None:
    """Take the step."""
    op.add_column("events", sa.Column("rest", sa.Text(), nullable=True))
    _rewrite("body", "rest", _rest_of_body)
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.alter_column("rest", existing_type=sa.Text(), nullable=False)
        batch_op.drop_column("body")


def downgrade() -> None:
    """Take the step back."""
    op.add_column("events", sa.Column("body", sa.LargeBinary(), nullable=True))
    _rewrite("rest", "body", _body_of_rest)
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.alter_column("body", existing_type=sa.LargeBinary(), nullable=False)
        batch_op.drop_column("rest")


def _rewrite(old: str, new: str, written: Callable[[Any], bytes | str]) -> None:
    """Write one column from the other; what is no event stays readable, for the self-check."""
    connection, last = op.get_bind(), 0
    some = sa.select(*_TOLD, _EVENTS.c[old].label("text")).order_by(_EVENTS.c.seq).limit(_CHUNK)
    some = some.where(_EVENTS.c.seq > sa.bindparam("after"))
    rewrite = sa.update(_EVENTS).where(_EVENTS.c.seq == sa.bindparam("number"))
    rewrite = rewrite.values({new: sa.bindparam("written")})
    while rows := connection.execute(some, {"after": last}).all():
        connection.execute(rewrite, [{"number": row.seq, "written": written(row)} for row in rows])
        last = rows[-1].seq


def _rest_of_body(row: Any) -> str:
    whole, told = _read(row.text), _told_by_columns(row)
    if whole is None:
        # Bytes that are no text stay as their numbers; PostgreSQL takes no zero in a text.
        return bytes(row.text).decode(errors="backslashreplace").replace("\0", "\\x00")
    rest = {name: one for name, one in whole.items() if name not in told or told[name] != one}
    return _json(rest).decode()


def _body_of_rest(row: Any) -> bytes:
    rest = _read(row.text)
    return str(row.text).encode() if rest is None else _json(_told_by_columns(row) | rest)


def _read(text: str | bytes) -> _Content | None:
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
