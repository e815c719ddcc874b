"""First tables."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Take the step."""
    op.create_table(
        "autonomy",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("max_order_value", sa.Float(), nullable=True),
        sa.Column("max_order_quantity", sa.BigInteger(), nullable=True),
        sa.Column("kill_switch", sa.Boolean(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_autonomy")),
    )
    op.create_table(
        "closings",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("unique_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_closings")),
        sa.UniqueConstraint(
            "epoch", "day", "unique_id", name=op.f("uq_closings_epoch_day_unique_id")
        ),
    )
    op.create_table(
        "closings_done",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_closings_done")),
    )
    op.create_table(
        "decision_inputs",
        sa.Column("decision_id", sa.Text(), nullable=False),
        sa.Column("inputs", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("decision_id", name=op.f("pk_decision_inputs")),
    )
    op.create_table(
        "decisions",
        sa.Column("decision_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("unique_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("made_at", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("proposed_quantity", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.Text(), nullable=True),
        sa.Column("urgency", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("needs_review", sa.Boolean(), nullable=False),
        sa.Column("review_reason", sa.Text(), nullable=False),
        sa.Column("waiting_for", sa.Text(), nullable=False),
        sa.Column("stockout_risk", sa.Float(), nullable=False),
        sa.Column("expected_demand", sa.Float(), nullable=False),
        sa.Column("expected_cost", sa.Float(), nullable=False),
        sa.Column("expected_regret", sa.Float(), nullable=False),
        sa.Column("order_value", sa.Float(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_why", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.Text(), nullable=True),
        sa.Column("touched", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("decision_id", name=op.f("pk_decisions")),
    )
    with op.batch_alter_table("decisions", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_decisions_epoch_day_seq"), ["epoch", "day", "seq"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_decisions_epoch_status"), ["epoch", "status"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_decisions_epoch_unique_id_day"),
            ["epoch", "unique_id", "day"],
            unique=False,
        )
        batch_op.create_index(
            "uq_decisions_day_close",
            ["epoch", "unique_id", "day"],
            unique=True,
            sqlite_where=sa.text("kind = 'day_close'"),
            postgresql_where=sa.text("kind = 'day_close'"),
        )

    op.create_table(
        "epochs",
        sa.Column("epoch", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("epoch", name=op.f("pk_epochs")),
    )
    op.create_table(
        "events",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("unique_id", sa.Text(), nullable=True),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("instant", sa.Text(), nullable=False),
        sa.Column("received_at", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_events")),
        sa.UniqueConstraint("epoch", "source", "id", name=op.f("uq_events_epoch_source_id")),
    )
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_events_epoch_unique_id_day"), ["epoch", "unique_id", "day"], unique=False
        )

    op.create_table(
        "forecasts",
        sa.Column(
            "forecast_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("unique_id", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("fresh_until", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("fitted_at", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("forecast_id", name=op.f("pk_forecasts")),
    )
    with op.batch_alter_table("forecasts", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_forecasts_unique_id_forecast_id"),
            ["unique_id", "forecast_id"],
            unique=False,
        )

    op.create_table(
        "histories",
        sa.Column("unique_id", sa.Text(), nullable=False),
        sa.Column("first_day", sa.Text(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("unique_id", name=op.f("pk_histories")),
    )
    op.create_table(
        "item_days",
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("unique_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("opening", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("demanded", sa.BigInteger(), nullable=False),
        sa.Column("sold", sa.BigInteger(), nullable=False),
        sa.Column("unmet", sa.BigInteger(), nullable=False),
        sa.Column("returned", sa.BigInteger(), nullable=False),
        sa.Column("unsaleable", sa.BigInteger(), nullable=False),
        sa.Column("adjusted", sa.BigInteger(), nullable=False),
        sa.Column("discrepancy", sa.BigInteger(), nullable=False),
        sa.Column("closing", sa.BigInteger(), nullable=False),
        sa.Column("price", sa.Float(), nullable=False),
        sa.Column("revenue", sa.Float(), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("epoch", "unique_id", "day", name=op.f("pk_item_days")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("item_days", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_item_days_epoch_day"), ["epoch", "day"], unique=False)

    op.create_table(
        "item_states",
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("unique_id", sa.Text(), nullable=False),
        sa.Column("opening_stock", sa.BigInteger(), nullable=False),
        sa.Column("opening_price", sa.Float(), nullable=False),
        sa.Column("opening_day", sa.Text(), nullable=False),
        sa.Column("on_hand", sa.BigInteger(), nullable=False),
        sa.Column("price", sa.Float(), nullable=False),
        sa.Column("last_day", sa.Text(), nullable=True),
        sa.Column("last_event_day", sa.Text(), nullable=True),
        sa.Column("last_instant", sa.Text(), nullable=True),
        sa.Column("last_source", sa.Text(), nullable=True),
        sa.Column("last_id", sa.Text(), nullable=True),
        sa.Column("last_closed_day", sa.Text(), nullable=True),
        sa.Column("last_decided_day", sa.Text(), nullable=True),
        sa.Column("last_decision_id", sa.Text(), nullable=True),
        sa.Column("corrected", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("epoch", "unique_id", name=op.f("pk_item_states")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "items",
        sa.Column("unique_id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("group_name", sa.Text(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("opening_stock", sa.BigInteger(), nullable=False),
        sa.Column("opening_day", sa.Text(), nullable=False),
        sa.Column("unit_price", sa.Float(), nullable=False),
        sa.Column("unit_cost", sa.Float(), nullable=False),
        sa.Column("holding_cost", sa.Float(), nullable=False),
        sa.Column("goodwill", sa.Float(), nullable=False),
        sa.Column("order_cost", sa.Float(), nullable=False),
        sa.Column("cover_days", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("unique_id", name=op.f("pk_items")),
    )
    op.create_table(
        "orders",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("decision_id", sa.Text(), nullable=False),
        sa.Column("unique_id", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_quantity", sa.BigInteger(), nullable=True),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("received_day", sa.Text(), nullable=True),
        sa.Column("completed", sa.Boolean(), nullable=False),
        sa.Column("placed_day", sa.Text(), nullable=False),
        sa.Column("due", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("updated_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_orders")),
    )
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_orders_epoch_placed_day_seq"),
            ["epoch", "placed_day", "seq"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_orders_epoch_status"), ["epoch", "status"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_orders_epoch_unique_id_placed_day"),
            ["epoch", "unique_id", "placed_day"],
            unique=False,
        )

    op.create_table(
        "outbox",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("next_at", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_outbox")),
    )
    op.create_table(
        "signal_events",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("signal_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("instant", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_signal_events")),
    )
    with op.batch_alter_table("signal_events", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_signal_events_epoch_signal_id"), ["epoch", "signal_id"], unique=False
        )


def downgrade() -> None:
    """Take the step back."""
    with op.batch_alter_table("signal_events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_signal_events_epoch_signal_id"))

    op.drop_table("signal_events")
    op.drop_table("outbox")
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_orders_epoch_unique_id_placed_day"))
        batch_op.drop_index(batch_op.f("ix_orders_epoch_status"))
        batch_op.drop_index(batch_op.f("ix_orders_epoch_placed_day_seq"))

    op.drop_table("orders")
    op.drop_table("items")
    op.drop_table("item_states")
    with op.batch_alter_table("item_days", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_item_days_epoch_day"))

    op.drop_table("item_days")
    op.drop_table("histories")
    with op.batch_alter_table("forecasts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_forecasts_unique_id_forecast_id"))

    op.drop_table("forecasts")
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_events_epoch_unique_id_day"))

    op.drop_table("events")
    op.drop_table("epochs")
    with op.batch_alter_table("decisions", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_decisions_day_close",
            sqlite_where=sa.text("kind = 'day_close'"),
            postgresql_where=sa.text("kind = 'day_close'"),
        )
        batch_op.drop_index(batch_op.f("ix_decisions_epoch_unique_id_day"))
        batch_op.drop_index(batch_op.f("ix_decisions_epoch_status"))
        batch_op.drop_index(batch_op.f("ix_decisions_epoch_day_seq"))

    op.drop_table("decisions")
    op.drop_table("decision_inputs")
    op.drop_table("closings_done")
    op.drop_table("closings")
    op.drop_table("autonomy")
