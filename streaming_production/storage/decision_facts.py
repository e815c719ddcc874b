"""Decisions: made by the agent, answered by people; both may place an order."""

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import bindparam, select, update

from streaming_production.event_types import DecisionAnswered, DecisionMade
from streaming_production.events import Event
from streaming_production.storage.engine import AnyRow, among, insert_rows
from streaming_production.storage.errors import RuleBroken
from streaming_production.storage.facts import Facts, Logged, check_items
from streaming_production.storage.order_facts import place
from streaming_production.storage.tables import decisions, item_states

_SUPERSEDE = (
    update(decisions)
    .where(
        decisions.c.epoch == bindparam("in_epoch"),
        decisions.c.status == "waiting",
        among(decisions.c.unique_id),
    )
    .values(status="superseded")
)
_KNOWN = select(decisions.c.decision_id).where(among(decisions.c.decision_id, "ids"))
_DECIDED = select(decisions.c.unique_id, decisions.c.day).where(
    decisions.c.epoch == bindparam("epoch"),
    decisions.c.kind == "day_close",
    among(decisions.c.unique_id),
    among(decisions.c.day, "days"),
)
_DECIDED_DAYS = select(item_states.c.unique_id, item_states.c.last_decided_day).where(
    item_states.c.epoch == bindparam("epoch"), among(item_states.c.unique_id)
)
_REMEMBER = (
    update(item_states)
    .where(
        item_states.c.epoch == bindparam("in_epoch"), item_states.c.unique_id == bindparam("name")
    )
    .values(
        last_decision_id=bindparam("decision"),
        last_decided_day=bindparam("day"),
        corrected=False,
    )
)


def make(facts: Facts, new: Sequence[Logged]) -> None:
    """Write down decisions; each takes the place of the item's one that still waits.

    Raises RuleBroken where an item's day has its decision already.
    """
    check_items(facts.connection, [_made(one.event).unique_id for one in new])
    chunk: list[Logged] = []
    names: set[str] = set()
    for one in new:
        name = _made(one.event).unique_id
        if name in names:  # the later decision must see the earlier one written
            _make_some(facts, chunk)
            chunk, names = [], set()
        chunk.append(one)
        names.add(name)
    _make_some(facts, chunk)


def _made(event: Event) -> DecisionMade:
    if not isinstance(event.data, DecisionMade):
        raise TypeError(f"{event.type} is no decision")
    return event.data


def _make_some(facts: Facts, new: Sequence[Logged]) -> None:
    made = [_made(one.event) for one in new]
    names = [one.unique_id for one in made]
    _check_undecided(facts, made)
    facts.connection.execute(_SUPERSEDE, {"in_epoch": facts.epoch, "names": names})
    insert_rows(facts.connection, decisions, [_row(facts, one) for one in new])
    for fact, one in zip(new, made, strict=True):
        if one.order is not None:
            place(facts, fact, one.decision_id, one.unique_id, one.order)
    _remember(facts, made)


def _check_undecided(facts: Facts, made: Sequence[DecisionMade]) -> None:
    ids = [one.decision_id for one in made]
    closing = {(one.unique_id, one.day.isoformat()) for one in made if one.kind == "day_close"}
    twice = [str(row[0]) for row in facts.connection.execute(_KNOWN, {"ids": ids})]
    if closing:
        names = [name for name, _ in closing]
        days = sorted({day for _, day in closing})
        asked = {"epoch": facts.epoch, "names": names, "days": days}
        rows = facts.connection.execute(_DECIDED, asked)
        twice += [f"{name} on {day}" for name, day in rows if (name, day) in closing]
    if twice:
        raise RuleBroken("decided", f"decided already: {', '.join(twice[:20])}")


def _row(facts: Facts, fact: Logged) -> tuple[Any, ...]:
    one = _made(fact.event)
    return (
        one.decision_id,
        fact.seq,
        facts.epoch,
        one.unique_id,
        one.day.isoformat(),
        fact.received_at,
        one.kind,
        one.status,
        one.quantity,
        one.quantity,
        one.due.isoformat() if one.due else None,
        one.urgency.value,
        one.rule,
        one.reason,
        one.needs_review,
        one.review_reason,
        orjson.dumps(one.waiting_for).decode(),
        one.stockout_risk,
        one.expected_demand,
        one.expected_cost,
        one.expected_regret,
        one.order_value,
        one.order.order_id if one.order else None,
        None,
        None,
        None,
        False,
    )


def _remember(facts: Facts, made: Sequence[DecisionMade]) -> None:
    """Let the items' states know of their last decisions."""
    days = _decided_days(facts, [one.unique_id for one in made])
    rows = [
        {
            "in_epoch": facts.epoch,
            "name": one.unique_id,
            "decision": one.decision_id,
            "day": max(days.get(one.unique_id) or "", one.day.isoformat()),
        }
        for one in made
    ]
    facts.connection.execute(_REMEMBER, rows)


def _decided_days(facts: Facts, names: Sequence[str]) -> dict[str, str | None]:
    rows = facts.connection.execute(_DECIDED_DAYS, {"epoch": facts.epoch, "names": names})
    return {row.unique_id: row.last_decided_day for row in rows}


def answer(facts: Facts, new: Sequence[Logged]) -> None:
    """Write down what people answered; an approved or changed order is placed.

    Raises RuleBroken unless the decision waits.
    """
    for fact in new:
        event, data = fact.event, fact.event.data
        if not isinstance(data, DecisionAnswered):
            raise TypeError(f"{event.type} answers no decision")
        row = _waiting(facts, data.decision_id)
        verdict = event.type.removeprefix("decision.")
        if data.order is not None:
            place(facts, fact, data.decision_id, row.unique_id, data.order)
        facts.connection.execute(
            update(decisions)
            .where(decisions.c.decision_id == data.decision_id)
            .values(
                status=verdict,
                quantity=0 if verdict == "rejected" else data.quantity,
                order_id=data.order.order_id if data.order else None,
                due=data.order.due.isoformat() if data.order else row.due,
                decided_by=data.who,
                decided_why=data.why,
                decided_at=fact.received_at,
            )
        )


def _waiting(facts: Facts, decision_id: str) -> AnyRow:
    query = select(decisions.c.unique_id, decisions.c.due, decisions.c.status).where(
        decisions.c.decision_id == decision_id, decisions.c.epoch == facts.epoch
    )
    row = facts.connection.execute(query).first()
    if row is None:
        raise RuleBroken("not_waiting", f"there is no decision {decision_id} in this epoch")
    if row.status != "waiting":
        raise RuleBroken("not_waiting", f"decision {decision_id} is {row.status}, not waiting")
    return row
