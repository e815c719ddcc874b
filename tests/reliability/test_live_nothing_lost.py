"""Nothing lost, nothing doubled: events sent over kills, again and again, in any order."""

import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.reliability.agents import Agent, Client, Parcel, Sent, post_all, together
from tests.reliability.bookkeeping import (
    at,
    check_books,
    day_close,
    event,
    order,
    rows,
    sale,
    stock_in,
    traffic,
)
from tests.reliability.conftest import StoreMaker

Opening = dict[str, int]


def parcels_of(rng: random.Random, events: list[Sent], most: int) -> list[Parcel]:
    """Part events into single ones and batches of random size, in their order."""
    parcels: list[Parcel] = []
    first = 0
    while first < len(events):
        size = rng.choice((1, rng.randint(1, most)))
        parcels.append(events[first] if size == 1 else events[first : first + size])
        first += size
    return parcels


def live_through_kills(store: str, folder: Path, opening: Opening, seed: int) -> int:
    """Post 1,000 events while the agent is killed up to three times; return how often."""
    rng, days = random.Random(seed), 3
    events = traffic(rng, sorted(opening)[:12], 1_000 - days, days)
    closes = [day_close(f"close-{day}", day) for day in range(days)]
    parcels = parcels_of(rng, sorted(events + closes, key=order), 40)
    moments = sorted(rng.sample(range(len(parcels)), rng.randint(1, 3)))

    with Agent(store, folder) as agent:

        def kill(answered: Callable[[], int]) -> None:
            for moment in moments:
                while answered() < moment:
                    time.sleep(0.001)
                time.sleep(rng.uniform(0, 0.03))
                agent.kill()
                agent.start()

        post_all(agent, parcels, meanwhile=kill)
        agent.settle()
        check_books(store, opening, events + closes)
        assert rows(store, "SELECT count(*) FROM decisions")[0][0] >= len(opening)
        return agent.starts - 1


@pytest.mark.parametrize(("kind", "seed"), [("sqlite", 0), ("sqlite", 1), ("postgresql", 2)])
def test_killed_while_events_come_in_none_is_lost_or_doubled(
    new_store: StoreMaker, tmp_path: Path, opening: Opening, kind: str, seed: int
) -> None:
    assert live_through_kills(new_store(kind), tmp_path, opening, seed) >= 1


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 200))
def test_of_100_runs_with_kills_no_event_is_lost_or_doubled(
    new_store: StoreMaker, tmp_path: Path, opening: Opening, seed: int
) -> None:
    kind = "postgresql" if seed % 5 == 0 else "sqlite"
    assert live_through_kills(new_store(kind), tmp_path, opening, seed) >= 1


def send_several_times(store: str, folder: Path, opening: Opening, count: int) -> None:
    """Send each event 1 to 5 times over 8 threads, in batches that overlap."""
    rng = random.Random(3)
    events = traffic(rng, sorted(opening), count)
    parcels: list[Parcel] = []
    for times in range(5):
        again = [one for one in events if times == 0 or rng.random() < 0.5]
        rng.shuffle(again)
        parcels += parcels_of(rng, again, 200)
    rng.shuffle(parcels)
    with Agent(store, folder) as agent:
        answers = post_all(agent, parcels, threads=8)
        check_books(store, opening, events)
    sent = sum(len(one) if isinstance(one, list) else 1 for one in parcels)
    assert sum(one["applied"] for one in answers) == count
    assert sum(one["duplicates"] for one in answers) == sent - count > count


def test_events_sent_up_to_5_times_over_8_threads_count_once(
    store: str, tmp_path: Path, opening: Opening
) -> None:
    send_several_times(store, tmp_path, opening, 1_000)


@pytest.mark.long
def test_10000_events_sent_up_to_5_times_over_8_threads_count_once(
    store: str, tmp_path: Path, opening: Opening
) -> None:
    send_several_times(store, tmp_path, opening, 10_000)


def shuffle(store: str, folder: Path, opening: Opening, seed: int, count: int) -> None:
    """Send events in no order, in batches of random size."""
    rng = random.Random(seed)
    events = traffic(rng, sorted(opening), count, days=20)
    shuffled = rng.sample(events, count)
    with Agent(store, folder) as agent:
        post_all(agent, parcels_of(rng, shuffled, 400), threads=2)
        check_books(store, opening, events)


@pytest.mark.parametrize(("kind", "seed"), [("sqlite", 0), ("postgresql", 1)])
def test_events_in_no_order_leave_the_stock_of_their_times(
    new_store: StoreMaker, tmp_path: Path, opening: Opening, kind: str, seed: int
) -> None:
    shuffle(new_store(kind), tmp_path, opening, seed, 1_500)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 120))
def test_10000_events_in_no_order_leave_the_stock_of_their_times(
    new_store: StoreMaker, tmp_path: Path, opening: Opening, seed: int
) -> None:
    kind = "postgresql" if seed % 5 == 0 else "sqlite"
    shuffle(new_store(kind), tmp_path, opening, seed, 10_000)


def test_50_threads_that_sell_the_last_unit_sell_it_once(
    store: str, tmp_path: Path, opening: Opening
) -> None:
    item = min(opening)
    last = event("count", "stock.counted", item, at(0, 0), on_hand=1)
    sales = [sale(number, item, 1) for number in range(50)]
    outcomes: list[Sent] = []

    with Agent(store, tmp_path) as agent:

        def sell(one: Sent) -> None:
            with Client(agent) as client:
                outcomes.extend(client.insist(one)["outcomes"])

        post_all(agent, [last])
        together([partial(sell, one) for one in sales])
        # One answer is told as things stood, so a sale of an earlier place may take the unit over.
        assert len(outcomes) == 50
        assert stock_in(store)[item] == 0
        day = rows(store, f"SELECT sold, unmet FROM item_days WHERE unique_id = '{item}'")
        assert day == [(1, 49)]
        check_books(store, opening, [last, *sales])
