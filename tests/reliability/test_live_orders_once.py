"""Orders once: the agent killed on the way to the supplier, days closed twice and in parallel."""

import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from streaming_production.store import Store
from streaming_production.supplier.mock_supplier import Faults, create_app
from streaming_production.supplier.order_book import OrderBook
from tests.live_agent import fit_flat
from tests.live_server import running
from tests.reliability.agents import Agent, Client, Sent, post_all, together
from tests.reliability.bookkeeping import (
    at,
    check_books,
    check_itself,
    check_orders,
    day_close,
    event,
    rows,
)
from tests.reliability.conftest import StoreMaker

Opening = dict[str, int]
REFIT_EVERY = 7  # days; as the agent's own worker does by default


@contextmanager
def supplier(book: Path, **faults: Any) -> Iterator[str]:
    """Run the mock supplier, which keeps its book on disk, and yield its address."""
    with running(create_app(OrderBook(book), Faults(**faults)), threads=4) as one:
        yield one.url


def check_supplier(store: str, book: Path) -> int:
    """See that the supplier's book has each of our orders once and no other; return how many."""
    slips = [json.loads(line) for line in book.read_text().splitlines()]
    theirs = Counter((one["order_id"], one["unique_id"], one["quantity"]) for one in slips)
    ours = Counter(rows(store, "SELECT order_id, unique_id, quantity FROM orders"))
    assert theirs == ours
    return theirs.total()


def selling_day(agent: Agent, items: list[str], day: int) -> list[Sent]:
    """Return a day on which what is under way comes in, and nothing is left in the evening."""
    coming = agent.get("/api/orders", status="open", size=200)["orders"]
    facts = [
        event(
            f"in-{one['order_id']}",
            "receipt.recorded",
            one["unique_id"],
            at(day, 21_600),
            quantity=one["quantity"],
            order_id=one["order_id"],
        )
        for one in coming
    ]
    for item in items:
        facts.append(event(f"{day}-{item}", "sale.recorded", item, at(day), quantity=20))
        facts.append(
            event(f"{day}-{item}-count", "stock.counted", item, at(day, 80_000), on_hand=1)
        )
    return [*facts, day_close(f"close-{day}", day)]


def kill_before_answers(
    store: str, folder: Path, opening: Opening, runs: int, fail_share: float
) -> None:
    """Close a day in every run, and kill the agent between its decisions and the answers."""
    rng, items, book = random.Random(0), sorted(opening)[:8], folder / "book.jsonl"
    sent: list[Sent] = []
    with (
        supplier(book, fail_share=fail_share, lose_answer_share=0.3, delay=0.03) as url,
        Agent(store, folder, "--supplier-url", url) as agent,
    ):
        for day in range(runs):
            events = selling_day(agent, items, day)
            sent += events
            post_all(agent, [events], threads=1)
            wait_for_orders(store, day)
            time.sleep(rng.uniform(0, 0.5))  # into the sending, or between its steps
            agent.kill()
            if day % REFIT_EVERY == REFIT_EVERY - 1:
                with Store.open(store) as opened:
                    fit_flat(opened)
            agent.start()
            agent.settle(120)
            assert check_supplier(store, book) >= day + 1
            check_orders(store)
    check_books(store, opening, sent)
    answers = rows(store, "SELECT DISTINCT answer FROM orders")
    assert answers == [("confirmed",)]


def wait_for_orders(store: str, day: int) -> None:
    """Wait until the day's first orders are written down."""
    placed = f"SELECT count(*) FROM orders WHERE placed_day = '{at(day)[:10]}'"
    until = time.monotonic() + 60
    while rows(store, placed) == [(0,)]:
        assert time.monotonic() < until, f"no order on day {day}"
        time.sleep(0.005)


@pytest.mark.parametrize(("kind", "runs"), [("sqlite", 3), ("postgresql", 1)])
def test_killed_before_the_suppliers_answer_each_order_is_made_once(
    new_store: StoreMaker, tmp_path: Path, opening: Opening, kind: str, runs: int
) -> None:
    kill_before_answers(new_store(kind), tmp_path, opening, runs, fail_share=0)


@pytest.mark.long
def test_killed_100_times_before_the_suppliers_answer_each_order_is_made_once(
    new_store: StoreMaker, tmp_path: Path, opening: Opening
) -> None:
    kill_before_answers(new_store("sqlite"), tmp_path, opening, runs=100, fail_share=0.1)


def test_a_day_closed_20_times_in_parallel_by_two_agents_orders_once(
    store: str, tmp_path: Path, opening: Opening
) -> None:
    book = tmp_path / "book.jsonl"
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        folder.mkdir()
    with (
        supplier(book, delay=0.01) as url,
        Agent(store, folders[0], "--supplier-url", url) as first,
        Agent(store, folders[1], "--supplier-url", url) as second,
    ):
        day = selling_day(first, sorted(opening), 0)[:-1]
        closes = [day_close(f"close-{number if number % 2 else 'same'}", 0) for number in range(20)]
        post_all(first, [day], threads=1)

        def post(agent: Agent, close: Sent) -> None:
            with Client(agent) as client:
                client.insist(close)

        for _ in range(2):  # in parallel, and once more when all is decided
            agents = [first, second] * 10
            together([partial(post, *pair) for pair in zip(agents, closes, strict=True)])
            first.settle()
            second.settle()
            made = rows(store, "SELECT unique_id FROM decisions")
            assert sorted(made) == sorted((item,) for item in opening)
            assert check_supplier(store, book) > len(opening) / 2
            closes = [day_close(f"again-{number}", 0) for number in range(20)]
        check_orders(store)
    check_itself(store)
