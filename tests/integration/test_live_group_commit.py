"""Requests that wait for the same turn: written together where they are independent."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from streaming_production.events import Event
from streaming_production.storage.group_commit import Request
from streaming_production.store import Appended, EventConflict, Store, UnknownItems
from tests.live_facts import closed, happened, registered

ITEMS = ("bread", "butter", "milk", "tea")


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """A store with 10 units of each item; checked against its log at the end."""
    with Store.open(store_url) as opened:
        opened.append([registered(name, 10) for name in ITEMS])
        yield opened
        assert opened.self_check() == []


def sale(number: int, item: str, quantity: int, at: str = "2024-03-01T12:00") -> Event:
    """Return a sale."""
    return happened(number, "sale.recorded", item, quantity=quantity, at=at)


class Turns:
    """What was written in one transaction, and what alone."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.together: list[int] = []  # sizes
        self.alone = 0
        self._commits = store._commits
        together, alone = self._commits._together, self._commits._alone

        def written_together(requests: Sequence[Request]) -> list[Appended]:
            self.together.append(len(requests))
            return together(requests)

        def written_alone(request: Request) -> Appended:
            self.alone += 1
            return alone(request)

        monkeypatch.setattr(self._commits, "_together", written_together)
        monkeypatch.setattr(self._commits, "_alone", written_alone)

    def send(self, store: Store, *requests: list[Event]) -> list[Future[Appended]]:
        """Let requests queue up in their order while somebody has the turn."""
        with ThreadPoolExecutor(len(requests)) as pool:
            with self._commits._turn:
                answers = []
                for place, events in enumerate(requests, 1):
                    answers.append(pool.submit(store.append, events))
                    while len(self._commits._queue) < place:
                        time.sleep(0.001)
            return answers


@pytest.fixture
def turns(store: Store, monkeypatch: pytest.MonkeyPatch) -> Turns:
    return Turns(store, monkeypatch)


def on_hand(store: Store) -> list[int]:
    rows = [store.item(name) for name in ITEMS]
    return [row.on_hand for row in rows if row is not None]


def test_single_movements_of_different_items_share_a_transaction(
    store: Store, turns: Turns
) -> None:
    newest = store.last_seq
    answers = turns.send(
        store,
        [sale(1, "bread", 3)],
        [sale(2, "milk", 12)],
        [happened(90, "receipt.recorded", "tea", quantity=5)],
    )
    assert (turns.together, turns.alone) == ([3], 0)
    bread, milk, tea = (one.result() for one in answers)
    assert [one.first_seq for one in (bread, milk, tea)] == [newest + 1, newest + 2, newest + 3]
    assert [one.unmet for one in (bread, milk, tea)] == [0, 2, 0]
    assert (milk.outcomes[0].status, milk.outcomes[0].sold, milk.outcomes[0].unmet) == (
        "applied", 10, 2,
    )  # fmt: skip
    assert on_hand(store) == [7, 10, 0, 15]


def test_movements_of_one_item_and_batches_are_written_in_their_order(
    store: Store, turns: Turns
) -> None:
    answers = turns.send(
        store,
        [sale(3, "milk", 8)],
        [sale(4, "bread", 1)],
        [sale(5, "milk", 8, "2024-03-01T12:01")],
        [sale(6, "bread", 1, "2024-03-01T12:02"), sale(7, "tea", 1)],
        [sale(8, "butter", 1)],
    )
    # milk and bread; milk again; the batch; butter
    assert (turns.together, turns.alone) == ([2], 3)
    assert [one.result().unmet for one in answers] == [0, 0, 6, 0, 0]
    assert on_hand(store) == [8, 9, 0, 9]


def test_what_was_sent_before_and_what_comes_late_is_told_to_its_sender(
    store: Store, turns: Turns
) -> None:
    known = sale(9, "milk", 1)
    store.append([known, sale(10, "bread", 1, "2024-03-01T12:30")])
    turns.alone = 0
    again, late, other = turns.send(store, [known], [sale(11, "bread", 1)], [sale(12, "tea", 1)])
    assert (turns.together, turns.alone) == ([3], 0)
    assert (again.result().applied, again.result().duplicates) == (0, 1)
    assert again.result().outcomes[0].status == "duplicate"
    assert len(late.result().late) == 1
    assert other.result().late == []
    assert on_hand(store) == [8, 10, 9, 9]


def test_one_that_is_refused_takes_nobody_with_it(store: Store, turns: Turns) -> None:
    answers = turns.send(
        store, [sale(13, "bread", 1)], [sale(14, "caviar", 1)], [sale(15, "tea", 1)]
    )
    assert (turns.together, turns.alone) == ([3], 3)
    assert [one.exception() is None for one in answers] == [True, False, True]
    with pytest.raises(UnknownItems, match="caviar"):
        answers[1].result()
    assert on_hand(store) == [9, 10, 10, 9]


def test_an_id_used_twice_is_refused_once(store: Store, turns: Turns) -> None:
    first, second = turns.send(store, [sale(7, "bread", 1)], [sale(7, "tea", 1)])
    assert first.result().applied == 1
    with pytest.raises(EventConflict):
        second.result()
    assert on_hand(store) == [9, 10, 10, 10]


def test_a_day_is_closed_by_itself(store: Store, turns: Turns) -> None:
    turns.send(store, [sale(18, "bread", 1)], [closed(91)], [sale(19, "tea", 1)])
    assert (turns.together, turns.alone) == ([], 3)
