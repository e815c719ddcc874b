"""Key figures of the last days, by the core's definitions of money and service.

Costs are the items' terms of today. Holding is charged on what closed days closed with, and the
fixed cost of an order on the day on which it is placed.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, bindparam, case, func, select

from core_modules.performance_analytics import Money, fill_rate
from streaming_production.event_types import OPEN_ORDER
from streaming_production.storage.engine import AnyRow
from streaming_production.storage.item_lists import at_risk
from streaming_production.storage.log_reads import last_closed_day
from streaming_production.storage.order_facts import NO_ORDER, OPEN
from streaming_production.storage.rows import DayFigures, KeyFigures, Totals
from streaming_production.storage.standings import IS_LAST_DAY, LAST_DAY, ON_HAND
from streaming_production.storage.tables import decisions, item_days, item_states, items, orders

_D = item_days.c


def _when(condition: ColumnElement[bool], value: Any) -> ColumnElement[Any]:
    return case((condition, value), else_=0)


def _total(units: ColumnElement[Any], name: str) -> ColumnElement[Any]:
    return func.sum(units).label(name)


_COST = items.c.unit_cost
_DAY_SUMS = (
    select(
        _D.day,
        _total(_when(_D.closed, 1), "closed"),
        _total(_when(_D.closed & (_D.unmet > 0), 1), "short"),
        _total(_D.demanded, "demanded"),
        _total(_D.sold, "sold"),
        _total(_D.revenue, "revenue"),
        _total(_D.sold * _COST, "cost_of_sales"),
        _total(_D.received * _COST, "purchases"),
        _total(_when(_D.closed, _D.closing * items.c.holding_cost), "holding"),
        _total(_D.unmet * items.c.goodwill, "goodwill"),
        _total(_D.closing * _COST, "stock_value"),
    )
    .join(items, items.c.unique_id == _D.unique_id)
    .where(
        _D.epoch == bindparam("epoch"),
        _D.day >= bindparam("first"),
        _D.day <= bindparam("last"),
    )
    .group_by(_D.day)
    .order_by(_D.day)
)
_ORDERS_BY_DAY = (
    select(
        orders.c.placed_day,
        func.count().label("orders"),
        _total(items.c.order_cost, "cost"),
    )
    .join(items, items.c.unique_id == orders.c.unique_id)
    .where(
        orders.c.epoch == bindparam("epoch"),
        orders.c.placed_day >= bindparam("first"),
        orders.c.status.not_in(NO_ORDER),
    )
    .group_by(orders.c.placed_day)
)
_DECISIONS_BY_DAY = (
    select(
        decisions.c.day,
        func.count().label("decisions"),
        _total(_when(decisions.c.status.in_(("automatic", "no_order")), 1), "alone"),
    )
    .where(
        decisions.c.epoch == bindparam("epoch"),
        decisions.c.day >= bindparam("first"),
        decisions.c.rule != OPEN_ORDER,  # nobody's decision here
    )
    .group_by(decisions.c.day)
)
_STOCK = (
    select(
        func.count().label("items"),
        _total(ON_HAND, "units"),
        _total(ON_HAND * _COST, "value"),
        _total(_when(at_risk(), 1), "at_risk"),
    )
    .join(items, items.c.unique_id == item_states.c.unique_id)
    .outerjoin(decisions, decisions.c.decision_id == item_states.c.last_decision_id)
    .outerjoin(LAST_DAY, IS_LAST_DAY)
    .where(item_states.c.epoch == bindparam("epoch"))
)
_OPEN_ORDERS, _WAITING = (
    select(func.count()).where(table.c.epoch == bindparam("epoch"), which)
    for table, which in (
        (orders, orders.c.status.in_(OPEN)),
        (decisions, decisions.c.status == "waiting"),
    )
)


def key_figures(connection: Connection, epoch: int, days: int) -> KeyFigures:
    """Compute the figures of the last `days` days up to the last closed one."""
    today = last_closed_day(connection, epoch, None)
    if today is None:
        return KeyFigures(None, epoch, _totals(connection, epoch, [], {}, {}), [])
    first = (today - timedelta(days=days - 1)).isoformat()
    asked = {"epoch": epoch, "first": first, "last": today.isoformat()}
    by_day = connection.execute(_DAY_SUMS, asked).all()
    placed = {row.placed_day: row for row in connection.execute(_ORDERS_BY_DAY, asked)}
    decided = {row.day: row for row in connection.execute(_DECISIONS_BY_DAY, asked)}
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
    now = {"epoch": epoch}
    stock = connection.execute(_STOCK, now).one()
    return Totals(
        service_level=_share(closed - sum(row.short for row in by_day), closed),
        fill_rate=_filled(by_day),
        revenue=float(money.revenue.sum()),
        profit=float(money.profit.sum()),
        cash_profit=float(money.cash_profit.sum()),
        stock_value=float(stock.value or 0),
        units_on_hand=int(stock.units or 0),
        orders_placed=sum(row.orders for row in placed.values()),
        open_orders=connection.execute(_OPEN_ORDERS, now).scalar_one(),
        decisions=sum(row.decisions for row in decided.values()),
        autonomous_share=_autonomous(list(decided.values())),
        waiting=connection.execute(_WAITING, now).scalar_one(),
        at_risk=int(stock.at_risk or 0),
        items=stock.items,
    )


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
