"""The catalogue's facts: items, autonomy, epochs, closed days -> their tables."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import insert, literal, select, update

from core_modules.item_terms import ItemTerms
from streaming_production.event_types import (
    CLOSING,
    AutonomyChanged,
    DayClosed,
    EpochOpened,
    ItemChanged,
    ItemRegistered,
    ItemSettings,
)
from streaming_production.storage.engine import insert_rows
from streaming_production.storage.errors import RuleBroken
from streaming_production.storage.facts import Facts, Logged, Run, check_items, known_items
from streaming_production.storage.tables import (
    autonomy,
    closings,
    epochs,
    item_states,
    items,
)


def register(facts: Facts, new: Sequence[Logged]) -> None:
    """Put items in the catalogue, with their opening stock in the epoch that is open."""
    names = [str(one.event.subject) for one in new]
    known = known_items(facts.connection, names)
    known |= {name for name, times in Counter(names).items() if times > 1}
    if known:
        shown = ", ".join(sorted(known)[:20])
        raise RuleBroken("registered", f"these items are in the catalogue already: {shown}")
    item_rows, state_rows = [], []
    for _, _, event in new:
        data = event.data
        if not isinstance(data, ItemRegistered):
            raise TypeError(f"{event.type} registers no item")
        terms = ItemTerms(**data.terms)  # type: ignore[arg-type]  # checked with the event
        item_rows.append(_item_row(terms, data))
        state_rows.append(
            (
                facts.epoch,
                terms.unique_id,
                data.opening_stock,
                terms.unit_price,
                data.opening_day.isoformat(),
                *(None,) * 4,
                False,
            )
        )
    insert_rows(facts.connection, items, item_rows)
    insert_rows(facts.connection, item_states, state_rows)


def _item_row(terms: ItemTerms, data: ItemRegistered) -> tuple[Any, ...]:
    return (
        terms.unique_id,
        data.title,
        terms.group,
        data.profile,
        _terms_text(terms),
        data.settings.model_dump_json(),
        data.opening_stock,
        data.opening_day.isoformat(),
        *_prices(terms).values(),
    )


def _prices(terms: ItemTerms) -> dict[str, float | int]:
    return {
        "unit_price": terms.unit_price,
        "unit_cost": terms.unit_cost,
        "holding_cost": terms.holding_cost,
        "goodwill": terms.goodwill,
        "order_cost": terms.order_cost,
        "cover_days": max(1, terms.lead_time + terms.review_period - 1),
    }


def _terms_text(terms: ItemTerms) -> str:
    return orjson.dumps(terms, option=orjson.OPT_SORT_KEYS).decode()


def change(facts: Facts, new: Sequence[Logged]) -> None:
    """Give items new terms or settings."""
    check_items(facts.connection, [str(one.event.subject) for one in new])
    for _, _, event in new:
        data, mine = event.data, items.c.unique_id == event.subject
        if not isinstance(data, ItemChanged):
            raise TypeError(f"{event.type} changes no item")
        old = facts.connection.execute(select(items.c.terms, items.c.settings).where(mine)).one()
        terms = _changed_terms(orjson.loads(old.terms), data.terms or {})
        settings = _changed_settings(orjson.loads(old.settings), data.settings or {})
        facts.connection.execute(
            update(items)
            .where(mine)
            .values(
                terms=_terms_text(terms),
                settings=settings.model_dump_json(),
                group_name=terms.group,
                **_prices(terms),
            )
        )


def _changed_terms(old: dict[str, Any], new: Mapping[str, Any]) -> ItemTerms:
    if new.get("unique_id", old["unique_id"]) != old["unique_id"]:
        raise RuleBroken("terms", "unique_id cannot change: register another item")
    try:
        return ItemTerms(**{**old, **new})
    except (TypeError, ValueError) as error:
        raise RuleBroken("terms", str(error)) from None


def _changed_settings(old: dict[str, Any], new: Mapping[str, Any]) -> ItemSettings:
    try:
        return ItemSettings.model_validate_json(orjson.dumps({**old, **new}))
    except ValueError as error:
        raise RuleBroken("settings", str(error)) from None


def set_autonomy(facts: Facts, new: Sequence[Logged]) -> None:
    """Write down the limits; the newest are in force."""
    for seq, now, event in new:
        data = event.data
        if not isinstance(data, AutonomyChanged):
            raise TypeError(f"{event.type} sets no limits")
        row = (
            seq,
            data.max_order_value,
            data.max_order_quantity,
            data.kill_switch,
            data.who,
            data.why,
            now,
        )
        insert_rows(facts.connection, autonomy, [row])


def open_epoch(facts: Facts, new: Sequence[Logged]) -> None:
    """Begin the epoch: every item stands at its opening stock again, at its price of today."""
    for seq, now, event in new:
        data = event.data
        if not isinstance(data, EpochOpened):
            raise TypeError(f"{event.type} opens no epoch")
        row = (facts.epoch, seq, data.who, data.why, now)
        insert_rows(facts.connection, epochs, [row])
        opening = select(
            literal(facts.epoch),
            items.c.unique_id,
            items.c.opening_stock,
            items.c.unit_price,
            items.c.opening_day,
            literal(False),
        )
        columns = [
            "epoch",
            "unique_id",
            "opening_stock",
            "opening_price",
            "opening_day",
            "corrected",
        ]
        facts.connection.execute(insert(item_states).from_select(columns, opening))


def close_days(facts: Facts, new: Run) -> None:
    """Write down which days were closed, each once."""
    if CLOSING not in new.types:
        return
    asked: dict[tuple[str, str], int] = {}
    for seq, _, event in new.of_type(CLOSING):
        if isinstance(event.data, DayClosed):
            asked.setdefault((event.data.day.isoformat(), event.subject or ""), seq)
    days = {day for day, _ in asked}
    known = facts.connection.execute(
        select(closings.c.day, closings.c.unique_id).where(
            closings.c.epoch == facts.epoch, closings.c.day.in_(days)
        )
    )
    for day, name in known:
        asked.pop((day, name), None)
    rows = [(seq, facts.epoch, day, name) for (day, name), seq in asked.items()]
    insert_rows(facts.connection, closings, rows)
