"""Chains of an item's events of a day, in the place of an index."""

from collections.abc import Sequence

import orjson
import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_Seq = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INDEX = "ix_events_epoch_unique_id_day"
# Types that move stock or its price, as they were when this step was written.
_MOVING = (
    "sale.recorded",
    "receipt.recorded",
    "stock.counted",
    "stock.adjusted",
    "return.recorded",
    "price.changed",
)
_EVENTS = sa.table(
    "events",
    *(
        sa.column(name)
        for name in ("seq", "epoch", "unique_id", "day", "type", "body", "before_seq")
    ),
)
_DAYS = sa.table(
    "item_days", *(sa.column(name) for name in ("epoch", "unique_id", "day", "last_seq"))
)


def upgrade() -> None:
    """Take the step."""
    op.add_column("events", sa.Column("before_seq", _Seq, nullable=True))
    op.add_column("item_days", sa.Column("last_seq", _Seq, nullable=True))
    moving = sa.or_(_EVENTS.c.type.in_(_MOVING), _EVENTS.c.seq.in_(_new_prices()))
    of_a_day = (_EVENTS.c.epoch, _EVENTS.c.unique_id, _EVENTS.c.day)
    before = sa.func.lag(_EVENTS.c.seq).over(partition_by=of_a_day, order_by=_EVENTS.c.seq)
    chain = sa.select(_EVENTS.c.seq, before.label("before_seq")).where(moving).subquery("chain")
    op.execute(
        sa.update(_EVENTS).where(_EVENTS.c.seq == chain.c.seq).values(before_seq=chain.c.before_seq)
    )
    newest = (
        sa.select(*of_a_day, sa.func.max(_EVENTS.c.seq).label("last_seq"))
        .where(moving)
        .group_by(*of_a_day)
        .subquery("newest")
    )
    op.execute(
        sa.update(_DAYS)
        .where(
            _DAYS.c.epoch == newest.c.epoch,
            _DAYS.c.unique_id == newest.c.unique_id,
            _DAYS.c.day == newest.c.day,
        )
        .values(last_seq=newest.c.last_seq)
    )
    op.drop_index(_INDEX, "events")


def _new_prices() -> list[int]:
    """List the changes of items that set a price."""
    changes = sa.select(_EVENTS.c.seq, _EVENTS.c.body).where(_EVENTS.c.type == "item.changed")
    rows = op.get_bind().execute(changes)
    return [
        row.seq for row in rows if (orjson.loads(row.body)["data"]["terms"] or {}).get("unit_price")
    ]


def downgrade() -> None:
    """Take the step back."""
    op.create_index(_INDEX, "events", ["epoch", "unique_id", "day"], unique=False)
    with op.batch_alter_table("item_days", schema=None) as batch_op:
        batch_op.drop_column("last_seq")
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.drop_column("before_seq")
