"""The ledger: what it books of a day, and the laws that hold whatever happens in any order."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming_production.events import Event
from streaming_production.storage.ledger import SUMS, Moves, Sheet, fold, joined
from streaming_production.store import ItemDay, Store
from tests.live_facts import FIRST_DAY, closed, happened, parsed, posted, registered, sale


@pytest.fixture
def store() -> Iterator[Store]:
    """An empty store in memory."""
    with Store.open("sqlite://") as opened:
        yield opened


def only_day(store: Store, name: str = "milk") -> ItemDay:
    """Return the one day that an item has."""
    [day] = store.item_days(name)
    return day


def test_a_sale_takes_what_is_there_and_the_rest_is_unmet(store: Store) -> None:
    store.append([registered(stock=10)])
    done = store.append([sale(1, 13)])
    day = only_day(store)
    assert (day.opening, day.demanded, day.sold, day.unmet, day.closing) == (10, 13, 10, 3, 0)
    assert day.revenue == 30.0  # 10 units at 3
    assert (done.unmet, done.outcomes[0].sold, done.outcomes[0].unmet) == (3, 10, 3)


def test_receipts_and_good_returns_go_on_the_shelf_and_unsaleable_ones_do_not(
    store: Store,
) -> None:
    store.append(
        [
            registered(stock=10),
            happened(1, "receipt.recorded", quantity=5),
            happened(2, "return.recorded", quantity=2),
            happened(3, "return.recorded", quantity=4, resaleable=False),
        ]
    )
    day = only_day(store)
    assert (day.received, day.returned, day.unsaleable, day.closing) == (5, 2, 4, 17)


def test_a_count_sets_the_stock_and_what_it_differs_by_is_a_discrepancy(store: Store) -> None:
    store.append([registered(stock=10), happened(1, "stock.counted", on_hand=7)])
    day = only_day(store)
    assert (day.adjusted, day.discrepancy, day.closing) == (-3, 3, 7)
    assert "discrepancy" in store.item("milk").flags


def test_an_adjustment_never_takes_stock_below_zero(store: Store) -> None:
    store.append(
        [registered(stock=10), happened(1, "stock.adjusted", quantity=-12, reason="broken")]
    )
    day = only_day(store)
    assert (day.adjusted, day.discrepancy, day.closing) == (-10, 2, 0)


def test_sales_earn_their_own_price_or_that_of_the_moment(store: Store) -> None:
    store.append([registered(stock=100)])
    hours = iter(range(8, 20))
    store.append(
        parsed(
            *(
                posted(number, kind, at=f"2024-03-01T{next(hours):02}:00:00Z", **data)
                for number, kind, data in [
                    (1, "sale.recorded", {"quantity": 2}),  # 2 x 3
                    (2, "price.changed", {"price": 5.0}),
                    (3, "sale.recorded", {"quantity": 2}),  # 2 x 5
                    (4, "sale.recorded", {"quantity": 1, "price": 1.5}),
                ]
            )
        )
    )
    assert only_day(store).revenue == pytest.approx(6 + 10 + 1.5)
    assert store.item("milk").unit_price == 5.0


def test_an_event_that_comes_late_changes_all_days_after_it(store: Store) -> None:
    store.append([registered(stock=10), sale(1, 4), closed("c1")])
    second = FIRST_DAY + timedelta(days=1)
    store.append([sale(2, 5, at=f"{second}"), closed("c2", second)])
    done = store.append([sale("late", 3, at="2024-03-01T09:00:00Z")])
    days = store.item_days("milk")
    assert done.late == ["late"]
    assert [(day.opening, day.sold, day.unmet, day.closing) for day in days] == [
        (10, 7, 0, 3),
        (3, 3, 2, 0),
    ]
    assert done.unmet == 2
    assert all(day.closed for day in days)


def test_days_that_are_closed_without_any_event_are_written_down(store: Store) -> None:
    third = FIRST_DAY + timedelta(days=2)
    store.append([registered(stock=10), closed("c3", third)])
    store.append([closed("c1")])
    assert [(day.day, day.opening, day.closing) for day in store.item_days("milk")] == [
        (FIRST_DAY, 10, 10),
        (third, 10, 10),
    ]
    assert store.last_closed_day("milk") == third


QUANTITY = st.integers(1, 30)
MOVES = st.one_of(
    st.tuples(st.just("sale.recorded"), st.fixed_dictionaries({"quantity": QUANTITY})),
    st.tuples(
        st.just("sale.recorded"),
        st.fixed_dictionaries({"quantity": QUANTITY, "price": st.sampled_from([1.0, 2.5])}),
    ),
    st.tuples(st.just("receipt.recorded"), st.fixed_dictionaries({"quantity": QUANTITY})),
    st.tuples(st.just("stock.counted"), st.fixed_dictionaries({"on_hand": QUANTITY})),
    st.tuples(
        st.just("stock.adjusted"),
        st.fixed_dictionaries(
            {"quantity": st.integers(-30, 30).filter(bool), "reason": st.just("x")}
        ),
    ),
    st.tuples(
        st.just("return.recorded"),
        st.fixed_dictionaries({"quantity": QUANTITY, "resaleable": st.booleans()}),
    ),
    st.tuples(
        st.just("price.changed"), st.fixed_dictionaries({"price": st.sampled_from([1.0, 4.0])})
    ),
    st.tuples(st.just("day.closed"), st.just({})),
)


@st.composite
def happenings(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Draw events of two items over four days, some at the same moment."""
    drawn = draw(
        st.lists(
            st.tuples(
                MOVES, st.sampled_from(["milk", "bread"]), st.integers(0, 3), st.integers(0, 3)
            ),
            max_size=25,
        )
    )
    events = []
    for number, ((kind, drawn_data), name, day_number, hour) in enumerate(drawn):
        day = FIRST_DAY + timedelta(days=day_number)
        data = {"day": day.isoformat()} if kind == "day.closed" else drawn_data
        events.append(posted(number, kind, name, at=f"{day}T{10 + hour}:00:00Z", **data))
    return events


@pytest.fixture(scope="module")
def shop() -> Iterator[Store]:
    """A store with two items, which opens an epoch for every example; at the end it is checked."""
    with Store.open("sqlite://") as opened:
        opened.append([registered("milk", 20), registered("bread", 0)])
        yield opened
        assert opened.self_check() == []


def booked(
    shop: Store, sent: Sequence[dict[str, Any]], sizes: Sequence[int] = ()
) -> dict[str, list[ItemDay]]:
    """Append events in batches of these sizes and return the days of both items."""
    shop.reset("tests", "the next example")
    events = parsed(*sent)
    while events:
        size, *sizes = sizes or [len(events)]
        shop.append(events[:size])
        events = events[size:]
    return {name: shop.item_days(name) for name in ("milk", "bread")}


def by_hand(stock: int, price: float, events: Sequence[Event]) -> tuple[int, int, int, float]:
    """Fold one item's events one by one: stock, sold, unmet, revenue."""
    sold = unmet = 0
    revenue = 0.0
    for event in events:
        data: Any = event.data
        match event.type:
            case "sale.recorded":
                served = min(stock, data.quantity)
                sold, unmet = sold + served, unmet + data.quantity - served
                revenue += served * (data.price or price)
                stock -= served
            case "receipt.recorded":
                stock += data.quantity
            case "return.recorded" if data.resaleable:
                stock += data.quantity
            case "stock.adjusted":
                stock = max(0, stock + data.quantity)
            case "stock.counted":
                stock = data.on_hand
            case "price.changed":
                price = data.price
    return stock, sold, unmet, revenue


def same_days(one: dict[str, list[ItemDay]], other: dict[str, list[ItemDay]]) -> bool:
    """Tell whether two ledgers are the same, sums of money but for rounding."""

    def plain(days: list[ItemDay]) -> list[ItemDay]:
        return [replace(day, revenue=round(day.revenue, 6)) for day in days]

    return {name: plain(days) for name, days in one.items()} == {
        name: plain(days) for name, days in other.items()
    }


@settings(max_examples=60)
@given(sent=happenings(), data=st.data())
def test_events_in_any_order_and_any_batches_end_in_the_same_ledger(
    shop: Store, sent: list[dict[str, Any]], data: st.DataObject
) -> None:
    in_order = booked(shop, sorted(sent, key=lambda one: one["time"]))
    shuffled = data.draw(st.permutations(sent))
    sizes = data.draw(st.lists(st.integers(1, 4), max_size=8))
    assert same_days(booked(shop, shuffled, sizes), in_order)


@settings(max_examples=60)
@given(sent=happenings())
def test_units_are_conserved_and_stock_is_what_a_clerk_would_count(
    shop: Store, sent: list[dict[str, Any]]
) -> None:
    ledger = booked(shop, sent)
    events = sorted(parsed(*sent), key=lambda event: event.key)
    for name, opening in (("milk", 20), ("bread", 0)):
        days = ledger[name]
        stock = opening
        for day in days:
            assert day.opening == stock
            moved = day.received + day.returned + day.adjusted - day.sold
            assert day.closing == day.opening + moved >= 0
            assert day.demanded == day.sold + day.unmet
            stock = day.closing
        mine = [event for event in events if event.subject == name]
        on_hand, sold, unmet, revenue = by_hand(opening, 3.0, mine)
        assert (stock, sum(day.sold for day in days)) == (on_hand, sold)
        assert sum(day.unmet for day in days) == unmet
        assert sum(day.revenue for day in days) == pytest.approx(revenue)


def test_ten_thousand_sales_of_one_item_at_one_price_are_one_move() -> None:
    stock, first_day = np.array([100_000]), np.zeros(1, dtype=np.int64)
    sheet = Sheet(stock, np.array([3.0]), stock, first_day, first_day, np.zeros((1, len(SUMS))))
    [event] = parsed(posted(1, "sale.recorded", quantity=2))
    moves = Moves.of([event.data] * 10_000, np.zeros(10_000, dtype=np.int64))
    folded = fold(sheet, moves)
    assert (folded.sold.tolist(), folded.closing.tolist()) == ([20_000], [80_000])
    assert joined(moves).quantity.tolist() == [20_000]


def test_a_day_without_any_move_closes_as_it_opened(store: Store) -> None:
    store.append([registered(stock=10), closed(FIRST_DAY)])
    day = only_day(store)
    assert (day.opening, day.sold, day.closing, day.price) == (10, 0, 10, 3.0)


def test_the_first_day_of_an_item_may_lie_before_its_opening_day(store: Store) -> None:
    store.append([registered(stock=10), sale(1, 4, at="2019-05-05")])
    assert [day.day for day in store.item_days("milk")] == [date(2019, 5, 5)]
