"""Decisions and orders as lists and pages show them, and what is still to do."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, or_, select

from streaming_production.storage.engine import AnyRow, AnySelect, among
from streaming_production.storage.item_lists import day_of
from streaming_production.storage.order_facts import OPEN, WAITING
from streaming_production.storage.queries import DecisionQuery, OrderQuery
from streaming_production.storage.rows import (
    Closing,
    DecisionRow,
    OrderRow,
    OutboxRow,
    Page,
)
from streaming_production.storage.tables import (
    closings,
    closings_done,
    decisions,
    item_days,
    items,
    orders,
    outbox,
)

_DECISIONS = (
    select(decisions, items.c.title)
    .select_from(decisions)
    .join(items, items.c.unique_id == decisions.c.unique_id)
)
_ORDERS = (
    select(orders, items.c.title, outbox.c.attempts, outbox.c.error)
    .select_from(orders)
    .join(items, items.c.unique_id == orders.c.unique_id)
    .outerjoin(outbox, outbox.c.order_id == orders.c.order_id)
)
_DECISION = _DECISIONS.where(decisions.c.decision_id == bindparam("decision_id"))
_ALL_OPEN_ORDERS = _ORDERS.where(
    orders.c.epoch == bindparam("epoch"), orders.c.status.in_(OPEN)
).order_by(orders.c.due, orders.c.order_id)
_OPEN_ORDERS = _ALL_OPEN_ORDERS.where(among(orders.c.unique_id))


def decisions_under(
    connection: Connection,
    epoch: int,
    rule: str,
    first: date,
    last: date | None,
    names: Sequence[str],
) -> tuple[int, int]:
    """Count the decisions under a rule on some days, and those of them that placed an order.

    `names` are the items meant, all where there are none.
    """
    query = select(func.count(), func.count(decisions.c.order_id)).where(
        decisions.c.epoch == epoch,
        decisions.c.day >= first.isoformat(),
        decisions.c.rule == rule,
    )
    if last is not None:
        query = query.where(decisions.c.day <= last.isoformat())
    if names:
        query = query.where(among(decisions.c.unique_id))
    made, ordered = connection.execute(query, {"names": list(names)} if names else {}).one()
    return made, ordered


def list_decisions(connection: Connection, epoch: int, query: DecisionQuery) -> Page[DecisionRow]:
    """List a page of decisions, newest first."""
    where = [decisions.c.epoch == epoch]
    for column in ("status", "unique_id", "urgency"):
        value = getattr(query, column)
        if value is not None:
            where.append(decisions.c[column] == value)
    if query.first is not None:
        where.append(decisions.c.day >= query.first.isoformat())
    if query.last is not None:
        where.append(decisions.c.day <= query.last.isoformat())
    if query.search:
        where.append(_mentions(query.search, decisions.c.unique_id, decisions.c.reason))
    newest = (decisions.c.day.desc(), decisions.c.seq.desc())
    rows, total = _page(connection, _DECISIONS.where(*where), newest, query)
    return Page([_decision(row) for row in rows], query.page, query.size, total)


def list_orders(connection: Connection, epoch: int, query: OrderQuery) -> Page[OrderRow]:
    """List a page of orders, newest first."""
    where = [orders.c.epoch == epoch]
    if query.status == "open":
        where.append(orders.c.status.in_(OPEN))
    elif query.status is not None:
        where.append(orders.c.status == query.status)
    if query.unique_id is not None:
        where.append(orders.c.unique_id == query.unique_id)
    if query.search:
        where.append(_mentions(query.search, orders.c.unique_id, orders.c.order_id))
    newest = (orders.c.placed_day.desc(), orders.c.seq.desc())
    rows, total = _page(connection, _ORDERS.where(*where), newest, query)
    return Page([_order(row) for row in rows], query.page, query.size, total)


def _mentions(words: str, *columns: Any) -> ColumnElement[bool]:
    return or_(*(column.icontains(words, autoescape=True) for column in (*columns, items.c.title)))


def _page(
    connection: Connection,
    chosen: AnySelect,
    newest: Sequence[ColumnElement[Any]],
    query: DecisionQuery | OrderQuery,
) -> tuple[Sequence[AnyRow], int]:
    count = chosen.with_only_columns(func.count())
    total: int = connection.execute(count).scalar_one()
    page = chosen.order_by(*newest).limit(query.size).offset((query.page - 1) * query.size)
    return connection.execute(page).all(), total


def decision_row(connection: Connection, decision_id: str) -> DecisionRow | None:
    """Return one decision, of any epoch."""
    row = connection.execute(_DECISION, {"decision_id": decision_id}).first()
    return _decision(row) if row else None


def order_row(connection: Connection, order_id: str) -> OrderRow | None:
    """Return one order, of any epoch."""
    row = connection.execute(_ORDERS.where(orders.c.order_id == order_id)).first()
    return _order(row) if row else None


def open_orders(
    connection: Connection, epoch: int, names: Sequence[str] | None
) -> dict[str, list[OrderRow]]:
    """Return the orders still to come, by item and due day."""
    query = _ALL_OPEN_ORDERS if names is None else _OPEN_ORDERS
    found: defaultdict[str, list[OrderRow]] = defaultdict(list)
    for row in connection.execute(query, {"epoch": epoch, "names": names}):
        found[row.unique_id].append(_order(row))
    return dict(found)


def outbox_due(connection: Connection, epoch: int, now: str) -> list[OutboxRow]:
    """List the orders to be sent or asked for now, oldest first."""
    query = (
        select(orders, outbox.c.attempts)
        .outerjoin(outbox, outbox.c.order_id == orders.c.order_id)
        .where(
            orders.c.epoch == epoch,
            orders.c.answer.in_(WAITING),
            func.coalesce(outbox.c.next_at, "") <= now,
        )
        .order_by(orders.c.seq)
    )
    return [
        OutboxRow(
            order_id=row.order_id,
            unique_id=row.unique_id,
            quantity=row.quantity,
            due=date.fromisoformat(row.due),
            status=row.answer,
            attempts=row.attempts or 0,
        )
        for row in connection.execute(query)
    ]


def pending_closings(connection: Connection, epoch: int) -> list[Closing]:
    """List the closed days whose items are not all decided, oldest first."""
    query = (
        select(closings)
        .where(closings.c.epoch == epoch, closings.c.seq.not_in(select(closings_done.c.seq)))
        .order_by(closings.c.day, closings.c.seq)
    )
    return [
        Closing(row.seq, date.fromisoformat(row.day), row.unique_id or None)
        for row in connection.execute(query)
    ]


def undecided(connection: Connection, epoch: int, closing: Closing) -> list[str]:
    """List the items that the closing concerns and that have no decision for its day."""
    day = closing.day.isoformat()
    decided = and_(
        decisions.c.epoch == epoch,
        decisions.c.unique_id == item_days.c.unique_id,
        decisions.c.day == day,
        decisions.c.kind == "day_close",
    )
    query = (
        select(item_days.c.unique_id)
        .outerjoin(decisions, decided)
        .where(
            item_days.c.epoch == epoch,
            item_days.c.day == day,
            item_days.c.closed,
            decisions.c.decision_id.is_(None),
        )
        .order_by(item_days.c.unique_id)
    )
    if closing.unique_id is not None:
        query = query.where(item_days.c.unique_id == closing.unique_id)
    return list(connection.execute(query).scalars())


def _decision(row: AnyRow) -> DecisionRow:
    return DecisionRow(
        decision_id=row.decision_id,
        unique_id=row.unique_id,
        title=row.title,
        day=date.fromisoformat(row.day),
        made_at=row.made_at,
        kind=row.kind,
        status=row.status,
        proposed_quantity=row.proposed_quantity,
        quantity=row.quantity,
        due=day_of(row.due),
        urgency=row.urgency,
        rule=row.rule,
        reason=row.reason,
        needs_review=row.needs_review,
        review_reason=row.review_reason,
        waiting_for=tuple(orjson.loads(row.waiting_for)),
        stockout_risk=row.stockout_risk,
        expected_cost=row.expected_cost,
        expected_regret=row.expected_regret,
        order_value=row.order_value,
        order_id=row.order_id,
        decided_by=row.decided_by,
        decided_why=row.decided_why,
        decided_at=row.decided_at,
        touched=row.touched,
        seq=row.seq,
    )


def _order(row: AnyRow) -> OrderRow:
    return OrderRow(
        order_id=row.order_id,
        decision_id=row.decision_id,
        unique_id=row.unique_id,
        title=row.title,
        quantity=row.quantity,
        confirmed_quantity=row.confirmed_quantity,
        received=row.received,
        received_day=day_of(row.received_day),
        placed_day=date.fromisoformat(row.placed_day),
        due=date.fromisoformat(row.due),
        status=row.status,
        value=row.value,
        attempts=row.attempts or 0,
        last_error=row.last_error or row.error or None,
        updated_at=row.updated_at,
    )
