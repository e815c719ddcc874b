"""Closed days: told from days on which chance sold nothing."""

import pandas as pd

from core_modules.history_files.closed_days import closed_days


def frame_of(sales: dict[str, list[float]], **columns: object) -> pd.DataFrame:
    days = pd.date_range("2024-01-01", periods=len(next(iter(sales.values()))), unit="us")
    parts = [pd.DataFrame({"unique_id": k, "ds": days, "y": v}) for k, v in sales.items()]
    return pd.concat(parts, ignore_index=True).astype({"y": "float64"}).assign(**columns)


def test_a_slow_item_alone_does_not_close_the_shop() -> None:
    frame = frame_of({"lamp": [0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1] * 20})
    assert closed_days(frame, "D").empty


def test_a_day_without_any_sale_among_good_sellers_is_closed() -> None:
    sold = [5.0] * 40
    sold[17] = 0
    assert closed_days(frame_of({"a": sold, "b": sold}), "D").tolist() == [
        pd.Timestamp("2024-01-18")
    ]


def test_a_handful_of_units_on_a_day_of_thousands_is_closed_too() -> None:
    sold = [1000.0] * 60
    sold[30] = 2
    assert len(closed_days(frame_of({"a": sold, "b": [1, 2] * 30}), "D")) == 1


def test_a_shop_that_grows_a_thousandfold_was_not_closed_when_it_was_small() -> None:
    assert closed_days(frame_of({"a": [1] * 100, "b": [0] * 60 + [1000] * 40}), "D").empty


def test_days_on_which_everything_is_out_of_stock_are_not_called_closed() -> None:
    sold = [5.0] * 20 + [0.0] * 5 + [5.0] * 20
    in_stock = [y > 0 for y in sold]
    assert closed_days(frame_of({"a": sold}, in_stock=in_stock), "D").empty


def test_a_frame_without_any_known_day_has_no_closed_ones() -> None:
    assert closed_days(frame_of({"a": [float("nan")] * 9}, in_stock=False), "D").empty
