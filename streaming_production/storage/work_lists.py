"""Decisions and orders as lists and pages show them, and what is still to do."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any

import orjson
from sqlalchemy import Connection, Integer, Table, and_, bindparam, func, select

from streaming_production.storage.engine import AnyRow, among
from streaming_production.storage.item_lists import day_of
from streaming_production.storage.order_facts import NO_ORDER, OPEN, WAITING
from streaming_production.storage.page_statements import PageStatements, contained, mentions
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
_OF_EPOCH, _ORDERS_OF_EPOCH = (one.c.epoch == bindparam("epoch") for one in (decisions, orders))
_ALL_OPEN_ORDERS = _ORDERS.where(_ORDERS_OF_EPOCH, orders.c.status.in_(OPEN)).order_by(
    orders.c.due, orders.c.order_id
)
_OPEN_ORDERS = _ALL_OPEN_ORDERS.where(among(orders.c.unique_id))
_ORDER = _ORDERS.where(orders.c.order_id == bindparam("order_id"))
_UNDER = select(func.count(), func.count(decisions.c.order_id)).where(
    _OF_EPOCH,
    decisions.c.day >= bindparam("first"),
    decisions.c.day <= bindparam("last"),
    decisions.c.rule == bindparam("rule"),
)
_UNDER_SOME = _UNDER.where(among(decisions.c.unique_id))
_DECISION_FILTERS = {
    "status": decisions.c.status == bindparam("status"),
    "unique_id": decisions.c.unique_id == bindparam("unique_id"),
    "urgency": decisions.c.urgency == bindparam("urgency"),
    "first": decisions.c.day >= bindparam("first"),
    "last": decisions.c.day <= bindparam("last"),
    "search": mentions(decisions.c.unique_id, decisions.c.reason, items.c.title),
}
_ORDER_FILTERS = {
    "open": orders.c.status.in_(OPEN),
    "status": orders.c.status == bindparam("status"),
    "unique_id": orders.c.unique_id == bindparam("unique_id"),
    "search": mentions(orders.c.unique_id, orders.c.order_id, items.c.title),
}
_PLACED = (
    select(orders.c.placed_day, orders.c.quantity)
    .where(
        _ORDERS_OF_EPOCH,
        orders.c.unique_id == bindparam("unique_id"),
        orders.c.placed_day >= bindparam("first"),
        orders.c.status.not_in(NO_ORDER),
    )
    .order_by(orders.c.placed_day.desc(), orders.c.seq.desc())
    .limit(bindparam("most", type_=Integer))
)
_COUNTS = {
    table.name: select(table.c.status, func.count().label("rows"))
    .where(table.c.epoch == bindparam("epoch"), among(table.c.status, "statuses"))
    .group_by(table.c.status)
    for table in (decisions, orders)
}
_PENDING = (
    select(closings)
    .where(
        closings.c.epoch == bindparam("epoch"),
        closings.c.seq.not_in(select(closings_done.c.seq)),
    )
    .order_by(closings.c.day, closings.c.seq)
)


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
    query = _UNDER_SOME if names else _UNDER
    asked = {
        "epoch": epoch,
        "rule": rule,
        "first": first.isoformat(),
        "last": (last or date.max).isoformat(),
        "names": names,
    }
    made, ordered = connection.execute(query, asked).one()
    return made, ordered


def list_decisions(connection: Connection, epoch: int, query: DecisionQuery) -> Page[DecisionRow]:
    """List a page of decisions, newest first."""
    asked = {
        "status": query.status,
        "unique_id": query.unique_id,
        "urgency": query.urgency,
        "first": query.first and query.first.isoformat(),
        "last": query.last and query.last.isoformat(),
        "search": contained(query.search),
    }
    rows, total = _page(connection, _decisions_page, epoch, asked, query)
    return Page([_decision(row) for row in rows], query.page, query.size, total)


def list_orders(connection: Connection, epoch: int, query: OrderQuery) -> Page[OrderRow]:
    """List a page of orders, newest first."""
    is_open = query.status == "open"
    asked = {
        "open": True if is_open else None,
        "status": None if is_open else query.status,
        "unique_id": query.unique_id,
        "search": contained(query.search),
    }
    rows, total = _page(connection, _orders_page, epoch, asked, query)
    return Page([_order(row) for row in rows], query.page, query.size, total)


def orders_placed(
    connection: Connection, epoch: int, unique_id: str, first: date, most: int
) -> list[tuple[date, int]]:
    """Return day and quantity of the orders placed since a day, the newest first."""
    asked = {"epoch": epoch, "unique_id": unique_id, "first": first.isoformat(), "most": most}
    rows = connection.execute(_PLACED, asked)
    return [(date.fromisoformat(day), quantity) for day, quantity in rows]


def count_by_status(
    connection: Connection, epoch: int, table: Table, statuses: Collection[str]
) -> dict[str, int]:
    """Count the decisions or orders of some statuses, by status."""
    rows = connection.execute(_COUNTS[table.name], {"epoch": epoch, "statuses": statuses})
    return dict.fromkeys(statuses, 0) | {row.status: row.rows for row in rows}


def _page(
    connection: Connection,
    made: Callable[[tuple[str, ...]], PageStatements],
    epoch: int,
    asked: Mapping[str, Any],
    query: DecisionQuery | OrderQuery,
) -> tuple[Sequence[AnyRow], int]:
    given = {name: value for name, value in asked.items() if value is not None}
    statements = made(tuple(given))
    return statements.read(connection, {"epoch": epoch, **given}, query)


@cache
def _decisions_page(filters: tuple[str, ...]) -> PageStatements:
    chosen = _DECISIONS.where(_OF_EPOCH, *(_DECISION_FILTERS[name] for name in filters))
    return PageStatements.of(chosen, decisions.c.day.desc(), decisions.c.seq.desc())


@cache
def _orders_page(filters: tuple[str, ...]) -> PageStatements:
    chosen = _ORDERS.where(_ORDERS_OF_EPOCH, *(_ORDER_FILTERS[name] for name in filters))
    return PageStatements.of(chosen, orders.c.placed_day.desc(), orders.c.seq.desc())


def decision_row(connection: Connection, decision_id: str) -> DecisionRow | None:
    """Return one decision, of any epoch."""
    row = connection.execute(_DECISION, {"decision_id": decision_id}).first()
    return _decision(row) if row else None


def order_row(connection: Connection, order_id: str) -> OrderRow | None:
    """Return one order, of any epoch."""
    row = connection.execute(_ORDER, {"order_id": order_id}).first()
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
    return [
        Closing(row.seq, date.fromisoformat(row.day), row.unique_id or None)
        for row in connection.execute(_PENDING, {"epoch": epoch})
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
