"""Days have numbers, and an item's last one alone tells where the item stands."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_Seq = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_FIGURES = (
    "opening", "received", "demanded", "sold", "unmet", "returned", "unsaleable", "adjusted",
    "discrepancy", "closing",
)  # fmt: skip
_KEY = ("epoch", "unique_id", "day")
_COPIED = (*_KEY, *_FIGURES, "price", "revenue", "closed", "last_seq")


def _table(name: str, *columns: str) -> sa.TableClause:
    return sa.table(name, *map(sa.column, columns))


_EVENTS = _table("events", "seq", "instant", "source", "id", "before_seq")
_DAYS = _table("item_days", "number", "last_event_seq", *_COPIED)
_STATES = _table(
    "item_states", "epoch", "unique_id", "opening_stock", "opening_price", "last_day_number",
    "on_hand", "price", "last_day", "last_event_seq",
)  # fmt: skip
_IS_LAST = _DAYS.c.number == _STATES.c.last_day_number


def upgrade() -> None:
    """Take the step."""
    _make_days_anew(
        "row_number() OVER (ORDER BY epoch, day, unique_id) AS number, ",
        ("number", *_COPIED),
        sa.Column("number", _Seq, primary_key=True, autoincrement=False),
        *_days(key_is_primary=False),
        sa.Column("last_event_seq", _Seq),
        sa.UniqueConstraint(*_KEY, name="uq_item_days_epoch_unique_id_day"),
    )
    _find_last_events()
    op.add_column("item_states", sa.Column("last_day_number", _Seq, nullable=True))
    op.execute(
        sa.update(_STATES)
        .where(_of_one_item(_DAYS, _STATES), _DAYS.c.day == _STATES.c.last_day)
        .values(last_day_number=_DAYS.c.number)
    )
    for name in ("on_hand", "price", "last_day", "last_event_seq"):
        op.drop_column("item_states", name)


def downgrade() -> None:
    """Take the step back."""
    told: list[sa.Column[Any]] = [
        sa.Column("on_hand", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("price", sa.Float(), nullable=False, server_default="0"),
        sa.Column("last_day", sa.Text(), nullable=True),
        sa.Column("last_event_seq", _Seq, nullable=True),
    ]
    for column in told:
        op.add_column("item_states", column)
    opened = {"on_hand": _STATES.c.opening_stock, "price": _STATES.c.opening_price}
    op.execute(sa.update(_STATES).values(opened))
    stands = {
        "on_hand": _DAYS.c.closing,
        "price": _DAYS.c.price,
        "last_day": _DAYS.c.day,
        "last_event_seq": _DAYS.c.last_event_seq,
    }
    op.execute(sa.update(_STATES).where(_IS_LAST).values(stands))
    op.drop_column("item_states", "last_day_number")
    _make_days_anew("", _COPIED, *_days(key_is_primary=True))


def _days(*, key_is_primary: bool) -> list[sa.Column[Any]]:
    return [
        sa.Column("epoch", sa.Integer(), primary_key=key_is_primary, nullable=False),
        sa.Column("unique_id", sa.Text(), primary_key=key_is_primary, nullable=False),
        sa.Column("day", sa.Text(), primary_key=key_is_primary, nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _FIGURES),
        sa.Column("price", sa.Float(), nullable=False),
        sa.Column("revenue", sa.Float(), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("last_seq", _Seq),
    ]


def _make_days_anew(
    added: str, copied: Sequence[str], *parts: sa.Column[Any] | sa.UniqueConstraint
) -> None:
    """Give item_days other columns; `added` is selected beside those that it has."""
    kept = _table("item_days_before", *copied)
    op.execute(f"CREATE TABLE item_days_before AS SELECT {added}item_days.* FROM item_days")
    op.drop_table("item_days")
    naming = {"pk": "pk_%(table_name)s"}
    made = sa.Table("item_days", sa.MetaData(naming_convention=naming), *parts)
    op.execute(sa.schema.CreateTable(made))
    in_order = sa.select(kept).order_by(kept.c.epoch, kept.c.day, kept.c.unique_id)
    op.execute(sa.insert(made).from_select(list(copied), in_order))
    op.drop_table("item_days_before")
    op.create_index("ix_item_days_epoch_day", "item_days", ["epoch", "day"])


def _find_last_events() -> None:
    """Note the last event of each day; days without one take that of the day before."""
    newest = (
        sa.select(_DAYS.c.number, _DAYS.c.last_seq.label("seq"))
        .where(_DAYS.c.last_seq.is_not(None))
        .cte("chain", recursive=True)
    )
    chain = newest.union_all(
        sa.select(newest.c.number, _EVENTS.c.before_seq)
        .join(_EVENTS, _EVENTS.c.seq == newest.c.seq)
        .where(_EVENTS.c.before_seq.is_not(None))
    )
    latest_first = [sa.desc(_by_number(_EVENTS.c[name])) for name in ("instant", "source", "id")]
    place = sa.func.row_number().over(partition_by=chain.c.number, order_by=latest_first)
    ranked = (
        sa.select(chain.c.number, chain.c.seq, place.label("place"))
        .join(_EVENTS, _EVENTS.c.seq == chain.c.seq)
        .subquery("ranked")
    )
    op.execute(
        sa.update(_DAYS)
        .where(_DAYS.c.number == ranked.c.number, ranked.c.place == 1)
        .values(last_event_seq=ranked.c.seq)
    )
    before = _DAYS.alias("before")
    last = (
        sa.select(before.c.last_event_seq)
        .where(
            _of_one_item(before, _DAYS),
            before.c.day < _DAYS.c.day,
            before.c.last_event_seq.is_not(None),
        )
        .order_by(before.c.day.desc())
        .limit(1)
        .scalar_subquery()
    )
    op.execute(sa.update(_DAYS).where(_DAYS.c.last_event_seq.is_(None)).values(last_event_seq=last))


def _of_one_item(one: sa.FromClause, other: sa.FromClause) -> sa.ColumnElement[bool]:
    return sa.and_(one.c.epoch == other.c.epoch, one.c.unique_id == other.c.unique_id)


def _by_number(text: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    """Sort text by the numbers of its characters, as SQLite and Python do."""
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    return sa.collate(text, "C") if is_postgresql else text
