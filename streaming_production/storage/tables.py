"""The tables. `events` is the truth; what follows is recomputed from it by the self-check.

Instants are UTC text with microseconds and days ISO text, the same on SQLite and PostgreSQL. Every
projection carries its epoch; `items` and `autonomy` outlive epochs. The last five tables are no
facts of the log: work done, and what the forecaster needs and gives.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite numbers rows itself only for INTEGER; PostgreSQL's INTEGER is too short.
_Seq = BigInteger().with_variant(Integer, "sqlite")

events = Table(
    "events",
    metadata,
    Column("seq", _Seq, primary_key=True, autoincrement=False),
    Column("epoch", Integer, nullable=False),
    Column("source", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("unique_id", Text),
    Column("day", Text, nullable=False),
    Column("instant", Text, nullable=False),
    Column("received_at", Text, nullable=False),
    # Of what moves stock: the event of its item and day that was written before it. An index by
    # item and day would touch a page an item with every batch, which is most of what is written.
    Column("before_seq", _Seq),
    # Canonical JSON of what the other columns do not tell: the event's data and extensions, and its
    # time unless that is in UTC.
    Column("rest", Text, nullable=False),
    UniqueConstraint("epoch", "source", "id"),
)

items = Table(
    "items",
    metadata,
    Column("unique_id", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("group_name", Text, nullable=False),
    Column("profile", Text, nullable=False),
    Column("terms", Text, nullable=False),  # JSON of core ItemTerms
    Column("settings", Text, nullable=False),  # JSON of ItemSettings
    Column("opening_stock", BigInteger, nullable=False),
    Column("opening_day", Text, nullable=False),
    Column("unit_price", Float, nullable=False),
    Column("unit_cost", Float, nullable=False),
    Column("holding_cost", Float, nullable=False),
    Column("goodwill", Float, nullable=False),
    Column("order_cost", Float, nullable=False),
    Column("cover_days", Integer, nullable=False),  # that a decision's expected demand spans
)

item_states = Table(
    "item_states",
    metadata,
    Column("epoch", Integer, primary_key=True),
    Column("unique_id", Text, primary_key=True),
    Column("opening_stock", BigInteger, nullable=False),
    Column("opening_price", Float, nullable=False),
    Column("opening_day", Text, nullable=False),
    Column("last_day_number", _Seq),  # of its item_days: the row that tells where it stands
    Column("last_closed_day", Text),
    Column("last_decided_day", Text),
    Column("last_decision_id", Text),
    Column("corrected", Boolean, nullable=False),
    sqlite_with_rowid=False,
)

item_days = Table(
    "item_days",
    metadata,
    # Rows are numbered as they come, and found by their number when stock moves: that takes half
    # the time of finding them by item and day, and what happens today changes few pages.
    Column("number", _Seq, primary_key=True, autoincrement=False),
    Column("epoch", Integer, nullable=False),
    Column("unique_id", Text, nullable=False),
    Column("day", Text, nullable=False),
    Column("opening", BigInteger, nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("demanded", BigInteger, nullable=False),
    Column("sold", BigInteger, nullable=False),
    Column("unmet", BigInteger, nullable=False),
    Column("returned", BigInteger, nullable=False),  # back on the shelf
    Column("unsaleable", BigInteger, nullable=False),  # returned, not shelved
    Column("adjusted", BigInteger, nullable=False),  # by hand and by counts, net
    Column("discrepancy", BigInteger, nullable=False),  # units that record and shelf disagreed by
    Column("closing", BigInteger, nullable=False),
    Column("price", Float, nullable=False),  # at the end of the day
    Column("revenue", Float, nullable=False),
    Column("closed", Boolean, nullable=False),
    Column("last_seq", _Seq),  # the newest event that moved it; the others follow by `before_seq`
    # The last event of the item until the end of the day, in the order of their instants.
    Column("last_event_seq", _Seq),
    UniqueConstraint("epoch", "unique_id", "day"),
    Index(None, "epoch", "day"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("decision_id", Text, primary_key=True),
    Column("seq", _Seq, nullable=False),  # of its decision.made
    Column("epoch", Integer, nullable=False),
    Column("unique_id", Text, nullable=False),
    Column("day", Text, nullable=False),
    Column("made_at", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("proposed_quantity", BigInteger, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("due", Text),
    Column("urgency", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("needs_review", Boolean, nullable=False),
    Column("review_reason", Text, nullable=False),
    Column("waiting_for", Text, nullable=False),  # JSON list
    Column("stockout_risk", Float, nullable=False),
    Column("expected_demand", Float, nullable=False),
    Column("expected_cost", Float, nullable=False),
    Column("expected_regret", Float, nullable=False),
    Column("order_value", Float, nullable=False),
    Column("order_id", Text),
    Column("decided_by", Text),
    Column("decided_why", Text),
    Column("decided_at", Text),
    Column("touched", Boolean, nullable=False),
    Index(None, "epoch", "day", "seq"),
    Index(None, "epoch", "unique_id", "day"),
    Index(None, "epoch", "status"),
    Index(
        "uq_decisions_day_close",
        "epoch",
        "unique_id",
        "day",
        unique=True,
        sqlite_where=text("kind = 'day_close'"),
        postgresql_where=text("kind = 'day_close'"),
    ),
)

orders = Table(
    "orders",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("seq", _Seq, nullable=False),  # of the fact that placed it
    Column("epoch", Integer, nullable=False),
    Column("decision_id", Text, nullable=False),
    Column("unique_id", Text, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("confirmed_quantity", BigInteger),
    Column("received", BigInteger, nullable=False),
    Column("received_day", Text),  # of the last receipt
    Column("completed", Boolean, nullable=False),  # by word of a receipt
    Column("placed_day", Text, nullable=False),
    Column("due", Text, nullable=False),
    Column("answer", Text, nullable=False),  # the supplier's side: queued ... cancelled
    Column("status", Text, nullable=False),  # the answer, or what was received
    Column("value", Float, nullable=False),
    Column("last_error", Text),
    Column("updated_at", Text, nullable=False),
    Index(None, "epoch", "unique_id", "placed_day"),
    Index(None, "epoch", "status"),
    Index(None, "epoch", "placed_day", "seq"),
)

signal_events = Table(
    "signal_events",
    metadata,
    Column("seq", _Seq, primary_key=True, autoincrement=False),
    Column("epoch", Integer, nullable=False),
    Column("signal_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("day", Text, nullable=False),  # business day on whose evening it was known
    Column("instant", Text, nullable=False),
    Column("data", Text, nullable=False),  # JSON
    Index(None, "epoch", "signal_id"),
)

closings = Table(
    "closings",
    metadata,
    Column("seq", _Seq, primary_key=True, autoincrement=False),
    Column("epoch", Integer, nullable=False),
    Column("day", Text, nullable=False),
    Column("unique_id", Text, nullable=False),  # '' = all items
    UniqueConstraint("epoch", "day", "unique_id"),
)

autonomy = Table(
    "autonomy",
    metadata,
    Column("seq", _Seq, primary_key=True, autoincrement=False),
    Column("max_order_value", Float),
    Column("max_order_quantity", BigInteger),
    Column("kill_switch", Boolean, nullable=False),
    Column("who", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("changed_at", Text, nullable=False),
)

epochs = Table(
    "epochs",
    metadata,
    Column("epoch", Integer, primary_key=True, autoincrement=False),
    Column("seq", _Seq, nullable=False),
    Column("who", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("opened_at", Text, nullable=False),
)

PROJECTIONS = (
    items,
    item_states,
    item_days,
    decisions,
    orders,
    signal_events,
    closings,
    autonomy,
    epochs,
)

closings_done = Table(
    "closings_done",
    metadata,
    Column("seq", _Seq, primary_key=True, autoincrement=False),
)

decision_inputs = Table(
    "decision_inputs",
    metadata,
    Column("decision_id", Text, primary_key=True),
    Column("inputs", LargeBinary, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("next_at", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("error", Text, nullable=False),
)

histories = Table(
    "histories",
    metadata,
    Column("unique_id", Text, primary_key=True),
    Column("first_day", Text, nullable=False),
    Column("days", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),  # zlib: float64 sales, then a byte a day
)

forecasts = Table(
    "forecasts",
    metadata,
    Column("forecast_id", _Seq, primary_key=True, autoincrement=False),
    Column("unique_id", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("fresh_until", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("fitted_at", Text, nullable=False),
    Column("body", Text, nullable=False),  # JSON of core DemandModel
    Index(None, "unique_id", "forecast_id"),
)
