"""SQLite keeps days as they came, so that what happens today is in one place of the file."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Take the step."""
    _keep_rows(as_they_came=True)


def downgrade() -> None:
    """Take the step back."""
    _keep_rows(as_they_came=False)


def _keep_rows(*, as_they_came: bool) -> None:
    """Keep SQLite's rows as they came, or by their key; PostgreSQL knows the former alone."""
    if op.get_bind().dialect.name != "sqlite":
        return
    old = sa.Table("item_days", sa.MetaData(), autoload_with=op.get_bind())
    new = sa.Table(
        "item_days_anew",
        sa.MetaData(),
        *(sa.Column(one.name, one.type, nullable=one.nullable) for one in old.columns),
        sa.PrimaryKeyConstraint("epoch", "unique_id", "day", name="pk_item_days"),
        sqlite_with_rowid=as_they_came,
    )
    in_order = sa.select(old).order_by(old.c.epoch, old.c.day, old.c.unique_id)
    op.execute(sa.schema.CreateTable(new))
    op.execute(sa.insert(new).from_select(list(new.columns.keys()), in_order))
    op.drop_table("item_days")
    op.rename_table("item_days_anew", "item_days")
    op.create_index("ix_item_days_epoch_day", "item_days", ["epoch", "day"])
