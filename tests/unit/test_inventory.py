"""The ledger's arithmetic, worked by hand."""

import numpy as np
import pytest

from core_modules.inventory import (
    LedgerError,
    OrderLimits,
    allowed_quantity,
    check_balance,
    check_orders,
    expire,
    filled_quantity,
    order_limits,
    receive,
    sell,
    sell_oldest_first,
)
from core_modules.item_terms import ItemTerms


def units(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def limits(moq: int = 0, pack_size: int = 1, max_order: int | None = None) -> OrderLimits:
    return order_limits(
        [ItemTerms("a", 10, 6, 0.01, moq=moq, pack_size=pack_size, max_order=max_order)]
    )


def test_a_delivery_is_added_to_what_is_on_the_shelf() -> None:
    assert receive(units(3, 0), units(4, 0)).tolist() == [7, 0]


def test_demand_beyond_stock_is_lost() -> None:
    # 5 on the shelf, 8 wanted: 5 sold, 3 lost, nothing left, nothing owed
    sale = sell(units(5), units(8), units(0), backorders=False)
    assert (sale.sold, sale.unmet, sale.on_hand, sale.backlog) == (5, 3, 0, 0)


def test_demand_beyond_stock_is_owed_under_backorders() -> None:
    sale = sell(units(5), units(8), units(0), backorders=True)
    assert (sale.sold, sale.unmet, sale.on_hand, sale.backlog) == (5, 3, 0, 3)


def test_what_is_owed_is_served_before_the_demand_of_the_day() -> None:
    # 6 on the shelf, 4 owed, 5 wanted: 4 + 2 handed over, 3 of today's 5 are owed now
    sale = sell(units(6), units(5), units(4), backorders=True)
    assert (sale.sold, sale.unmet, sale.on_hand, sale.backlog) == (6, 3, 0, 3)


def test_only_the_demand_of_the_day_is_unmet_when_more_is_owed_than_is_there() -> None:
    # 2 on the shelf, 7 owed, 5 wanted: 2 of the old 7 are served; all 5 of today are unmet;
    # 7 + 5 - 2 = 10 owed
    sale = sell(units(2), units(5), units(7), backorders=True)
    assert (sale.sold, sale.unmet, sale.on_hand, sale.backlog) == (2, 5, 0, 10)


def test_demand_equal_to_stock_is_served_in_full() -> None:
    sale = sell(units(5), units(5), units(0), backorders=False)
    assert (sale.sold, sale.unmet, sale.on_hand) == (5, 0, 0)


def test_the_oldest_units_are_sold_first() -> None:
    # 2 expire tonight, 3 tomorrow, 4 later; 6 sold: 2 + 3 + 1
    assert sell_oldest_first(np.array([[2, 3, 4]]), units(6)).tolist() == [[0, 0, 3]]


def test_units_with_no_day_left_are_wasted_and_the_others_age_a_day() -> None:
    aged, wasted = expire(np.array([[2, 3, 4]]))
    assert aged.tolist() == [[3, 4, 0]]
    assert wasted.tolist() == [2]


def test_an_order_is_raised_to_the_minimum_and_to_whole_packs() -> None:
    # minimum 20 in packs of 12: 24; 25 wanted: 36
    allowed = allowed_quantity(np.array([[1, 24, 25]]), limits(moq=20, pack_size=12))
    assert allowed.tolist() == [[24, 24, 36]]


def test_an_order_is_cut_to_the_largest_whole_pack_within_the_maximum() -> None:
    # maximum 50 in packs of 12: 48
    allowed = allowed_quantity(np.array([[400]]), limits(pack_size=12, max_order=50))
    assert allowed.tolist() == [[48]]


def test_nothing_is_ordered_where_nothing_or_less_is_wanted() -> None:
    assert allowed_quantity(np.array([[0, -5]]), limits(moq=20)).tolist() == [[0, 0]]


def test_an_item_without_a_maximum_may_be_ordered_in_any_size() -> None:
    assert allowed_quantity(np.array([[10**9]]), limits()).tolist() == [[10**9]]


@pytest.mark.parametrize("quantity", [-12, 12, 30, 60])
def test_an_order_outside_the_limits_is_named_with_them(quantity: int) -> None:
    expected = (
        rf"the order at \(0, 0\) must be 0 or a multiple of 12 from 20 to 50, got {quantity}$"
    )
    with pytest.raises(ValueError, match=expected):
        check_orders(np.array([[quantity]]), limits(moq=20, pack_size=12, max_order=50))


def test_orders_within_the_limits_pass() -> None:
    check_orders(np.array([[0, 24, 36, 48]]), limits(moq=20, pack_size=12, max_order=50))


def test_a_partial_delivery_is_rounded_down_to_whole_units() -> None:
    # 0.6 * 7 = 4.2; 0.29 * 100 = 29 although floating point says 28.999999999999996
    assert filled_quantity(units(7, 100), np.array([0.6, 0.29])).tolist() == [4, 29]


def test_a_ledger_that_balances_passes() -> None:
    # 10 + 7 = 12 + 1 + 4
    check_balance(units(10), units(7), units(12), units(1), units(4))


def test_units_from_nowhere_are_found() -> None:
    # 10 + 7 - 12 - 1 - 5 = -1
    with pytest.raises(LedgerError, match=r"off by -1 units at \(1,\)"):
        check_balance(units(0, 10), units(0, 7), units(0, 12), units(0, 1), units(0, 5))
