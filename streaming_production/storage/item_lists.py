"""Items as lists and pages show them."""

from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache
from typing import Any

import orjson
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    and_,
    bindparam,
    case,
    exists,
    func,
    or_,
    select,
)

from core_modules.item_terms import ItemTerms
from streaming_production.event_types import ItemSettings
from streaming_production.storage.engine import AnyRow, AnySelect, among
from streaming_production.storage.order_facts import OPEN
from streaming_production.storage.page_statements import PageStatements, contained, mentions
from streaming_production.storage.queries import AT_RISK, LOOK_BACK, ItemQuery
from streaming_production.storage.rows import ItemRecord, ItemRow, Page
from streaming_production.storage.standings import IS_LAST_DAY, LAST_DAY, ON_HAND, PRICE
from streaming_production.storage.tables import (
    decisions,
    events,
    forecasts,
    item_days,
    item_states,
    items,
    orders,
)

_STATES = item_states.c
_LAST = decisions.c
_EPOCH: BindParameter[int] = bindparam("epoch")
_OPEN_ORDERS = and_(orders.c.epoch == _EPOCH, orders.c.status.in_(OPEN))
_ALL_RECORDS = (
    select(
        items,
        *(column for column in item_states.c if column.name not in items.c),
        ON_HAND.label("on_hand"),
        PRICE.label("price"),
    )
    .join(item_states, item_states.c.unique_id == items.c.unique_id)
    .outerjoin(LAST_DAY, IS_LAST_DAY)
    .where(_STATES.epoch == _EPOCH)
    .order_by(items.c.unique_id)
)
_RECORDS = _ALL_RECORDS.where(among(items.c.unique_id))
_ITEMS: AnySelect = (
    select(
        _STATES.unique_id,
        items.c.title,
        items.c.group_name,
        items.c.unit_cost,
        ON_HAND.label("on_hand"),
        PRICE.label("price"),
        _STATES.corrected,
        _STATES.last_closed_day,
        _STATES.last_decision_id,
        _LAST.day.label("decision_day"),
        _LAST.status,
        _LAST.quantity,
        _LAST.stockout_risk,
        _LAST.urgency,
        _LAST.reason,
    )
    .select_from(item_states)
    .join(items, items.c.unique_id == _STATES.unique_id)
    .outerjoin(decisions, _LAST.decision_id == _STATES.last_decision_id)
    .outerjoin(LAST_DAY, IS_LAST_DAY)
    .where(_STATES.epoch == _EPOCH)
)
_NEWEST_DAY = select(func.max(item_days.c.day)).where(item_days.c.epoch == _EPOCH)


def list_items(connection: Connection, epoch: int, query: ItemQuery) -> Page[ItemRow]:
    """List a page of items."""
    since = _flag_day(connection, epoch)
    asked = {
        "epoch": epoch,
        "since": since,
        "search": contained(query.search),
        "group": query.group,
    }
    filters = tuple(name for name in ("search", "group") if asked[name] is not None)
    statements = _items_page((*filters, query.filter), query.sort, query.descending)
    rows, total = statements.read(connection, asked, query)
    names = [row.unique_id for row in rows]
    shown = {row.unique_id: row for row in _rows(connection, epoch, names, since)}
    return Page([shown[name] for name in names], query.page, query.size, total)


def item_rows(connection: Connection, epoch: int, names: Sequence[str]) -> list[ItemRow]:
    """Return the rows of some items."""
    return _rows(connection, epoch, names, _flag_day(connection, epoch))


def _rows(connection: Connection, epoch: int, names: Sequence[str], since: str) -> list[ItemRow]:
    asked = {"epoch": epoch, "names": names, "since": since}
    return [_row(row) for row in connection.execute(_shown(), asked)]


@cache
def _shown() -> AnySelect:
    newest = (
        select(forecasts.c.unique_id, func.max(forecasts.c.forecast_id).label("forecast_id"))
        .where(among(forecasts.c.unique_id))
        .group_by(forecasts.c.unique_id)
        .subquery()
    )
    open_orders = (
        select(orders.c.unique_id, func.sum(_expected()).label("on_order"))
        .where(_OPEN_ORDERS, among(orders.c.unique_id))
        .group_by(orders.c.unique_id)
        .subquery()
    )
    last_closed = item_days.alias()
    return (
        _ITEMS.add_columns(
            func.coalesce(open_orders.c.on_order, 0).label("on_order"),
            forecasts.c.origin,
            forecasts.c.fresh_until,
            _cover().label("cover_days"),
            _differs().label("discrepancy"),
            last_closed.c.unmet.label("unmet"),
            _overdue().label("overdue"),
            _overfilled().label("overfilled"),
            events.c.instant.label("last_instant"),
        )
        .outerjoin(open_orders, open_orders.c.unique_id == _STATES.unique_id)
        .outerjoin(newest, newest.c.unique_id == _STATES.unique_id)
        .outerjoin(forecasts, forecasts.c.forecast_id == newest.c.forecast_id)
        .outerjoin(events, events.c.seq == LAST_DAY.c.last_event_seq)
        .outerjoin(
            last_closed,
            and_(
                last_closed.c.epoch == _EPOCH,
                last_closed.c.unique_id == _STATES.unique_id,
                last_closed.c.day == _STATES.last_closed_day,
            ),
        )
        .where(among(_STATES.unique_id))
    )


@cache
def _items_page(filters: tuple[str, ...], sort: str, descending: bool | None) -> PageStatements:
    chosen = _ITEMS.where(*(_condition(name) for name in filters if name != "all"))
    order = (*_sorting(sort, descending), _STATES.unique_id)
    return PageStatements.of(chosen.with_only_columns(_STATES.unique_id), *order)


def item_records(
    connection: Connection, epoch: int, names: Sequence[str] | None = None
) -> list[ItemRecord]:
    """Return items as the catalogue holds them, all by default."""
    query = _ALL_RECORDS if names is None else _RECORDS
    asked = {"epoch": epoch, "names": names}
    return [_record(row) for row in connection.execute(query, asked)]


def _record(row: AnyRow) -> ItemRecord:
    return ItemRecord(
        unique_id=row.unique_id,
        title=row.title,
        profile=row.profile,
        terms=ItemTerms(**orjson.loads(row.terms)),
        settings=ItemSettings.model_validate_json(row.settings),
        opening_stock=row.opening_stock,
        opening_day=date.fromisoformat(row.opening_day),
        on_hand=row.on_hand,
        price=row.price,
        last_closed_day=day_of(row.last_closed_day),
        last_decided_day=day_of(row.last_decided_day),
        last_decision_id=row.last_decision_id,
        corrected=row.corrected,
    )


def day_of(text: str | None) -> date | None:
    """Read a stored day."""
    return date.fromisoformat(text) if text else None


def _condition(name: str) -> ColumnElement[bool]:
    if name == "search":
        return mentions(_STATES.unique_id, items.c.title)
    if name == "group":
        return items.c.group_name == bindparam("group")
    if name == "at_risk":
        return at_risk()
    return _LAST.status == "waiting" if name == "waiting" else _flagged()


def at_risk() -> ColumnElement[bool]:
    """Return the condition that an item is likely to run short, in the parameter `epoch`.

    A decision's risk counts its order; where that waits, what is there must do without it.
    """
    on_order = (
        select(func.coalesce(func.sum(_expected()), 0))
        .where(_OPEN_ORDERS, orders.c.unique_id == _STATES.unique_id)
        .scalar_subquery()
    )
    # Tomorrow's order comes a day after that of tonight.
    until_next = _LAST.expected_demand * (1 + 1.0 / items.c.cover_days)
    without = and_(_LAST.status == "waiting", until_next > ON_HAND + on_order)
    return or_(_LAST.stockout_risk > AT_RISK, ON_HAND == 0, without)


def _flagged() -> ColumnElement[bool]:
    """Return the condition that an item has any flag, as `_flags` names them."""
    oversold = exists().where(
        item_days.c.epoch == _EPOCH,
        item_days.c.unique_id == _STATES.unique_id,
        item_days.c.day == _STATES.last_closed_day,
        item_days.c.unmet > 0,
    )
    fresh = exists().where(
        forecasts.c.unique_id == _STATES.unique_id,
        forecasts.c.fresh_until >= func.coalesce(_STATES.last_closed_day, ""),
    )
    return or_(_STATES.corrected, _differs(), oversold, ~fresh, _overdue(), _overfilled())


def _flag_day(connection: Connection, epoch: int) -> str:
    last = day_of(connection.execute(_NEWEST_DAY, {"epoch": epoch}).scalar_one())
    return (last - timedelta(days=LOOK_BACK - 1)).isoformat() if last else ""


def _differs() -> ColumnElement[bool]:
    return exists().where(
        item_days.c.epoch == _STATES.epoch,
        item_days.c.unique_id == _STATES.unique_id,
        item_days.c.day >= bindparam("since"),
        item_days.c.discrepancy > 0,
    )


def _overdue() -> ColumnElement[bool]:
    """Return the condition that an order was due on a closed day, and units of it are to come."""
    return exists().where(
        _OPEN_ORDERS,
        orders.c.unique_id == _STATES.unique_id,
        orders.c.due <= _STATES.last_closed_day,
        _expected() > 0,
    )


def _overfilled() -> ColumnElement[bool]:
    """Return the condition that lately more units of an order came than it is of."""
    return exists().where(
        orders.c.epoch == _EPOCH,
        orders.c.unique_id == _STATES.unique_id,
        orders.c.received_day >= bindparam("since"),
        _left() < 0,
    )


def _expected() -> ColumnElement[int]:
    """Return the units of an order that are still to come."""
    return case((_left() > 0, _left()), else_=0)


def _left() -> ColumnElement[int]:
    """Return the units of an order less those that came, below 0 where too many did."""
    return func.coalesce(orders.c.confirmed_quantity, orders.c.quantity) - orders.c.received


def _cover() -> ColumnElement[float]:
    daily = _LAST.expected_demand / items.c.cover_days
    return case((daily > 0, ON_HAND / daily), else_=None)


def _sorting(sort: str, descending: bool | None) -> list[ColumnElement[Any]]:
    """Return what rows are sorted by; an unknown value comes last."""
    by: dict[str, ColumnElement[Any]] = {
        "name": func.lower(func.coalesce(func.nullif(items.c.title, ""), _STATES.unique_id)),
        "cover": _cover(),
        "value": ON_HAND * items.c.unit_cost,
        "on_hand": ON_HAND,
    }
    if sort != "risk":
        ordered = by[sort].desc() if descending else by[sort].asc()
        return [ordered.nulls_last()]
    weight = case(
        (and_(_LAST.status == "waiting", _LAST.urgency == "critical"), 0),
        (_LAST.status == "waiting", 1),
        (_LAST.urgency == "critical", 2),
        else_=3,
    )
    if descending is False:
        return [weight.desc(), _LAST.stockout_risk.asc().nulls_first()]
    return [weight, _LAST.stockout_risk.desc().nulls_last(), ON_HAND]


def _row(row: AnyRow) -> ItemRow:
    waiting = row.status == "waiting"
    return ItemRow(
        unique_id=row.unique_id,
        title=row.title,
        group=row.group_name,
        on_hand=row.on_hand,
        on_order=int(row.on_order),
        cover_days=row.cover_days,
        unit_price=row.price,
        stock_value=row.on_hand * row.unit_cost,
        stockout_risk=row.stockout_risk,
        urgency=row.urgency,
        waiting_decision_id=row.last_decision_id if waiting else None,
        waiting_quantity=row.quantity if waiting else None,
        last_decision_id=row.last_decision_id,
        last_decision_day=day_of(row.decision_day),
        reason=row.reason,
        flags=_flags(row),
        forecast_origin=day_of(row.origin),
        last_event_at=row.last_instant,
        last_closed_day=day_of(row.last_closed_day),
    )


def _flags(row: AnyRow) -> tuple[str, ...]:
    told = {
        "corrected": row.corrected,
        "discrepancy": row.discrepancy,
        "oversold": (row.unmet or 0) > 0,
        "overdue": row.overdue,
        "overfilled": row.overfilled,
        "no_forecast": row.origin is None,
        "stale_forecast": row.origin is not None and row.fresh_until < (row.last_closed_day or ""),
    }
    return tuple(name for name, is_so in told.items() if is_so)
