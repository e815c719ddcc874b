"""What was sent, worked out by hand, against what the store holds."""

import random
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
from typer.testing import CliRunner

from streaming_production import self_check
from tests.reliability.agents import Sent

OURS = "reliability tests"  # source of the events sent here
FIRST_DAY = date(2024, 1, 1)  # the catalogue's history ends the day before


def event(number: object, kind: str, item: str | None, at: str, **data: Any) -> Sent:
    """Return an event as it is posted; `at` is UTC."""
    made = {"specversion": "1.0", "id": str(number), "source": OURS, "type": kind, "time": at}
    return {**made, "data": data} if item is None else {**made, "subject": item, "data": data}


def at(day: int, second: int = 43_200) -> str:
    """Return a moment of a day, counted from the first."""
    midnight = datetime.combine(FIRST_DAY + timedelta(days=day), datetime.min.time(), UTC)
    return (midnight + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%SZ")


def sale(number: object, item: str, quantity: int, day: int = 0) -> Sent:
    """Return a sale at noon."""
    return event(number, "sale.recorded", item, at(day), quantity=quantity)


def day_close(number: object, day: int) -> Sent:
    """Return the end of a day for all items."""
    name = (FIRST_DAY + timedelta(days=day)).isoformat()
    return event(number, "day.closed", None, at(day, 82_800), day=name)


def traffic(rng: random.Random, items: Sequence[str], count: int, days: int = 6) -> list[Sent]:
    """Return so many events of all kinds that move stock, in the order of their times."""
    kinds = ("sale", "receipt", "return", "count", "adjustment")
    made = []
    for number in range(count):
        kind = rng.choices(kinds, (70, 12, 8, 4, 6))[0]
        moment = at(rng.randrange(days), rng.randrange(8, 20) * 3600 + rng.randrange(3600))
        made.append(_moved(rng, kind, f"{number:05d}", rng.choice(items), moment))
    return sorted(made, key=order)


def _moved(rng: random.Random, kind: str, number: str, item: str, moment: str) -> Sent:
    units = rng.randrange(1, 60)
    match kind:
        case "sale":
            return event(number, "sale.recorded", item, moment, quantity=units)
        case "receipt":
            return event(number, "receipt.recorded", item, moment, quantity=4 * units)
        case "return":
            good = rng.random() < 0.7
            return event(number, "return.recorded", item, moment, quantity=units, resaleable=good)
        case "count":
            return event(number, "stock.counted", item, moment, on_hand=10 * units)
    change = rng.choice((-units, units))
    return event(number, "stock.adjusted", item, moment, quantity=change, reason="found")


def order(sent: Sent) -> tuple[datetime, str, str]:
    """Return by what the ledger puts events in order; all times are UTC."""
    return datetime.fromisoformat(sent["time"]), sent["source"], sent["id"]


def stock_after(opening: Mapping[str, int], sent: Iterable[Sent]) -> dict[str, int]:
    """Work out each item's stock by hand, from its opening on."""
    stock = dict(opening)
    for one in sorted(sent, key=order):
        item, data = one.get("subject"), one["data"]
        match one["type"]:
            case "sale.recorded":
                stock[item] = max(stock[item] - data["quantity"], 0)
            case "receipt.recorded":
                stock[item] += data["quantity"]
            case "return.recorded" if data["resaleable"]:
                stock[item] += data["quantity"]
            case "stock.counted":
                stock[item] = data["on_hand"]
            case "stock.adjusted":
                stock[item] = max(stock[item] + data["quantity"], 0)
    return stock


def rows(store: str, query: str) -> list[tuple[Any, ...]]:
    """Ask the database itself, past all of our code."""
    if store.startswith("postgresql"):
        with psycopg.connect(store) as connection:
            return list(connection.execute(query))
    path = store.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, timeout=10)) as connection:
        return list(connection.execute(query))


def stock_in(store: str) -> dict[str, int]:
    """Return each item's stock as the store has it."""
    query = """
        SELECT item_states.unique_id, COALESCE(closing, opening_stock) FROM item_states
        LEFT JOIN item_days ON number = last_day_number WHERE item_states.epoch = 1
    """
    return dict(rows(store, query))


def check_books(store: str, opening: Mapping[str, int], sent: Sequence[Sent]) -> None:
    """See that all that was sent is there, once, that stock is right and that all follows."""
    logged = Counter(rows(store, "SELECT source, id FROM events WHERE source <> 'agent'"))
    wanted = Counter({(one["source"], one["id"]): 1 for one in sent})
    assert logged == wanted, (
        f"{len(wanted - logged)} lost, {len(logged - wanted)} too many of {len(wanted)}"
    )
    assert stock_in(store) == stock_after(opening, sent)
    check_itself(store)
    check_orders(store)


def check_itself(store: str) -> None:
    """Let the self-check make everything again from the log."""
    checked = CliRunner().invoke(self_check.app, ["--store", store])
    assert checked.exit_code == 0, checked.output


def check_orders(store: str) -> None:
    """See that no item is decided twice for a day, and no decision ordered twice."""
    closed = "SELECT unique_id, day FROM decisions WHERE kind = 'day_close'"
    assert max(Counter(rows(store, closed)).values(), default=1) == 1
    ordered = Counter(rows(store, "SELECT decision_id FROM orders"))
    assert max(ordered.values(), default=1) == 1
