"""The last event of an item by its number, in the place of the parts of its key."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_Seq = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_KEY = ("last_event_day", "last_instant", "last_source", "last_id")
_STATES = sa.table(
    "item_states", *(sa.column(name) for name in ("epoch", "unique_id", "last_event_seq", *_KEY))
)
_EVENTS = sa.table(
    "events",
    *(sa.column(name) for name in ("seq", "epoch", "source", "id", "day", "instant")),
)


def upgrade() -> None:
    """Take the step."""
    op.add_column("item_states", sa.Column("last_event_seq", _Seq, nullable=True))
    op.execute(
        sa.update(_STATES)
        .where(
            _EVENTS.c.epoch == _STATES.c.epoch,
            _EVENTS.c.source == _STATES.c.last_source,
            _EVENTS.c.id == _STATES.c.last_id,
        )
        .values(last_event_seq=_EVENTS.c.seq)
    )
    for name in _KEY:
        op.drop_column("item_states", name)


def downgrade() -> None:
    """Take the step back."""
    for name in _KEY:
        op.add_column("item_states", sa.Column(name, sa.Text(), nullable=True))
    op.execute(
        sa.update(_STATES)
        .where(_EVENTS.c.seq == _STATES.c.last_event_seq)
        .values(
            last_event_day=_EVENTS.c.day,
            last_instant=_EVENTS.c.instant,
            last_source=_EVENTS.c.source,
            last_id=_EVENTS.c.id,
        )
    )
    op.drop_column("item_states", "last_event_seq")
