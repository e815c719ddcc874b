"""Key figures of the last days, by the core's definitions of money and service.

Costs are the items' terms of today. Holding is charged on what closed days closed with, and the
fixed cost of an order on the day on which it is placed.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, case, func, select

from core_modules.performance_analytics import Money, fill_rate
from streaming_production.event_types import OPEN_ORDER
from streaming_production.storage.engine import AnyRow
from streaming_production.storage.item_lists import at_risk, day_of
from streaming_production.storage.order_facts import OPEN
from streaming_production.storage.rows import DayFigures, KeyFigures, Totals
from streaming_production.storage.tables import decisions, item_days, item_states, items, orders

_D = item_days.c
_REFUSED = ("refused", "cancelled")  # no order after all


def key_figures(connection: Connection, epoch: int, days: int) -> KeyFigures:
    """Compute the figures of the last `days` days up to the last closed one."""
    newest = select(func.max(item_states.c.last_closed_day)).where(item_states.c.epoch == epoch)
    today = day_of(connection.execute(newest).scalar_one())
    if today is None:
        return KeyFigures(None, epoch, _totals(connection, epoch, [], {}, {}), [])
    first = (today - timedelta(days=days - 1)).isoformat()
    by_day = _day_sums(connection, epoch, first, today.isoformat())
    placed = _orders_by_day(connection, epoch, first)
    decided = _decisions_by_day(connection, epoch, first)
    money = _money(by_day, placed)
    trend = [
        DayFigures(
            day=date.fromisoformat(row.day),
            service_level=_share(row.closed - row.short, row.closed),
            fill_rate=_filled([row]),
            profit=float(profit),
            revenue=float(row.revenue),
            stock_value=float(row.stock_value),
            orders=int(placed[row.day].orders) if row.day in placed else 0,
            autonomous_share=_autonomous([decided[row.day]] if row.day in decided else []),
        )
        for row, profit in zip(by_day, money.profit, strict=True)
    ]
    return KeyFigures(today, epoch, _totals(connection, epoch, by_day, placed, decided), trend)


def _day_sums(connection: Connection, epoch: int, first: str, last: str) -> Sequence[AnyRow]:
    def total(units: ColumnElement[Any]) -> ColumnElement[Any]:
        return func.sum(units)

    cost = items.c.unit_cost
    query = (
        select(
            _D.day,
            total(_when(_D.closed, 1)).label("closed"),
            total(_when(_D.closed & (_D.unmet > 0), 1)).label("short"),
            total(_D.demanded).label("demanded"),
            total(_D.sold).label("sold"),
            total(_D.revenue).label("revenue"),
            total(_D.sold * cost).label("cost_of_sales"),
            total(_D.received * cost).label("purchases"),
            total(_when(_D.closed, _D.closing * items.c.holding_cost)).label("holding"),
            total(_D.unmet * items.c.goodwill).label("goodwill"),
            total(_D.closing * cost).label("stock_value"),
        )
        .join(items, items.c.unique_id == _D.unique_id)
        .where(_D.epoch == epoch, _D.day >= first, _D.day <= last)
        .group_by(_D.day)
        .order_by(_D.day)
    )
    return connection.execute(query).all()


def _when(condition: ColumnElement[bool], value: Any) -> ColumnElement[Any]:
    return case((condition, value), else_=0)


def _orders_by_day(connection: Connection, epoch: int, first: str) -> dict[str, AnyRow]:
    query = (
        select(
            orders.c.placed_day,
            func.count().label("orders"),
            func.sum(items.c.order_cost).label("cost"),
        )
        .join(items, items.c.unique_id == orders.c.unique_id)
        .where(
            orders.c.epoch == epoch,
            orders.c.placed_day >= first,
            orders.c.status.not_in(_REFUSED),
        )
        .group_by(orders.c.placed_day)
    )
    return {row.placed_day: row for row in connection.execute(query)}


def _decisions_by_day(connection: Connection, epoch: int, first: str) -> dict[str, AnyRow]:
    alone = decisions.c.status.in_(("automatic", "no_order"))
    query = (
        select(
            decisions.c.day,
            func.count().label("decisions"),
            func.sum(_when(alone, 1)).label("alone"),
        )
        .where(
            decisions.c.epoch == epoch,
            decisions.c.day >= first,
            decisions.c.rule != OPEN_ORDER,  # nobody's decision here
        )
        .group_by(decisions.c.day)
    )
    return {row.day: row for row in connection.execute(query)}


def _money(by_day: Sequence[AnyRow], placed: dict[str, AnyRow]) -> Money:
    def column(name: str) -> Any:
        return np.array([getattr(row, name) for row in by_day], dtype=np.float64)

    none = np.zeros(len(by_day))
    costs = [placed[row.day].cost if row.day in placed else 0.0 for row in by_day]
    return Money(
        revenue=column("revenue"),
        cost_of_goods_sold=column("cost_of_sales"),
        waste=none,
        holding=column("holding"),
        ordering=np.array(costs, dtype=np.float64),
        expediting=none,
        goodwill=column("goodwill"),
        salvage=none,
        purchases=column("purchases"),
    )


def _totals(
    connection: Connection,
    epoch: int,
    by_day: Sequence[AnyRow],
    placed: dict[str, AnyRow],
    decided: dict[str, AnyRow],
) -> Totals:
    money = _money(by_day, placed)
    closed = sum(row.closed for row in by_day)
    stock = _stock(connection, epoch)
    return Totals(
        service_level=_share(closed - sum(row.short for row in by_day), closed),
        fill_rate=_filled(by_day),
        revenue=float(money.revenue.sum()),
        profit=float(money.profit.sum()),
        cash_profit=float(money.cash_profit.sum()),
        stock_value=float(stock.value or 0),
        units_on_hand=int(stock.units or 0),
        orders_placed=sum(row.orders for row in placed.values()),
        open_orders=_count(connection, orders, epoch, orders.c.status.in_(OPEN)),
        decisions=sum(row.decisions for row in decided.values()),
        autonomous_share=_autonomous(list(decided.values())),
        waiting=_count(connection, decisions, epoch, decisions.c.status == "waiting"),
        at_risk=int(stock.at_risk or 0),
        items=stock.items,
    )


def _stock(connection: Connection, epoch: int) -> AnyRow:
    on_hand = item_states.c.on_hand
    query = (
        select(
            func.count().label("items"),
            func.sum(on_hand).label("units"),
            func.sum(on_hand * items.c.unit_cost).label("value"),
            func.sum(_when(at_risk(epoch), 1)).label("at_risk"),
        )
        .join(items, items.c.unique_id == item_states.c.unique_id)
        .outerjoin(decisions, decisions.c.decision_id == item_states.c.last_decision_id)
        .where(item_states.c.epoch == epoch)
    )
    return connection.execute(query).one()


def _count(connection: Connection, table: Any, epoch: int, which: ColumnElement[bool]) -> int:
    query = select(func.count()).select_from(table).where(table.c.epoch == epoch, which)
    return int(connection.execute(query).scalar_one())


def _share(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None


def _filled(by_day: Sequence[AnyRow]) -> float | None:
    if not by_day:
        return None
    sold, demanded = (
        np.array([int(getattr(row, name)) for row in by_day]) for name in ("sold", "demanded")
    )
    return fill_rate(sold, demanded)


def _autonomous(decided: Sequence[AnyRow]) -> float | None:
    return _share(sum(row.alone for row in decided), sum(row.decisions for row in decided))
