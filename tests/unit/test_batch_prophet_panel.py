"""Reading and scaling series for the batch engine, and the refusals."""

import numpy as np
import pandas as pd
import pytest

from core_modules.batch_prophet.panel import panel_of_frame, panel_of_table
from core_modules.batch_prophet.scaling import changepoint_rows, scale_panel
from core_modules.batch_prophet.settings import BatchSettings, Regressor
from core_modules.batch_streams.streaming import item_chunks
from tests.batch_series import long_frame, sales


def test_rows_in_any_order_give_the_same_panel() -> None:
    frame = long_frame(sales(3, days=20))
    tidy = panel_of_frame(frame)
    mixed = panel_of_frame(frame.sample(frac=1.0, random_state=1))
    for place, name in enumerate(tidy.ids):
        other = int(mixed.ids.get_loc(name))
        np.testing.assert_array_equal(
            tidy.y[tidy.part(place, place + 1)], mixed.y[mixed.part(other, other + 1)]
        )
        np.testing.assert_array_equal(
            tidy.rows[tidy.part(place, place + 1)], mixed.rows[mixed.part(other, other + 1)]
        )


def test_an_item_whose_rows_are_apart_is_one_item() -> None:
    frame = pd.DataFrame(
        {
            "unique_id": ["a", "b", "a"],
            "ds": pd.to_datetime(["2024-01-01", "2024-01-01", "2024-01-02"]),
            "y": [1.0, 2.0, 3.0],
        }
    )
    panel = panel_of_frame(frame)
    assert list(panel.ids) == ["a", "b"]
    assert panel.y.tolist() == [1.0, 3.0, 2.0]


def test_missing_values_are_left_out_and_the_dates_stay() -> None:
    table = np.array([[1.0, np.nan], [np.nan, 5.0], [3.0, 6.0]])
    panel = panel_of_table(table, pd.date_range("2024-01-01", periods=3), ["a", "b"])
    assert panel.y.tolist() == [1.0, 3.0, 5.0, 6.0]
    assert panel.rows.tolist() == [0, 2, 1, 2]
    assert panel.offsets.tolist() == [0, 2, 4]
    assert panel.dates.size == 3


def test_a_table_and_its_long_frame_are_the_same_panel() -> None:
    values = sales(3, days=15)
    frame = long_frame(values)
    table = panel_of_table(values.T, pd.date_range("2023-01-01", periods=15), ["p", "q", "r"])
    panel = panel_of_frame(frame)
    np.testing.assert_array_equal(panel.y, table.y)
    np.testing.assert_array_equal(panel.dates, table.dates)


def test_a_missing_column_is_named() -> None:
    frame = long_frame(sales(1, days=15))
    with pytest.raises(ValueError, match="column 'price' is missing"):
        panel_of_frame(frame, ["price"])


def test_infinity_and_missing_dates_are_refused() -> None:
    frame = long_frame(sales(1, days=15))
    with pytest.raises(ValueError, match="'y' holds infinity"):
        panel_of_frame(frame.assign(y=np.inf))
    with pytest.raises(ValueError, match="'ds' holds missing dates"):
        panel_of_frame(frame.assign(ds=pd.NaT))
    with pytest.raises(ValueError, match="'unique_id' holds missing"):
        panel_of_frame(frame.assign(unique_id=None))
    with pytest.raises(ValueError, match="'price' holds NaN"):
        panel_of_frame(frame.assign(price=np.nan), ["price"])


def test_a_table_of_the_wrong_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"table is \(3, 2\)"):
        panel_of_table(np.zeros((3, 2)), pd.date_range("2024-01-01", periods=3), ["a"])


def test_settings_refuse_what_prophet_does_not_know() -> None:
    with pytest.raises(ValueError, match="growth must be"):
        BatchSettings(growth="cubic")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="levels must lie"):
        BatchSettings(levels=(100,))
    with pytest.raises(ValueError, match="changepoint_prior_scale must be > 0, got 0"):
        BatchSettings(changepoint_prior_scale=0)


def test_a_short_history_has_fewer_changepoints() -> None:
    # 8 of 10 rows may hold changepoints; 7 fit between them beside the first row.
    assert changepoint_rows(10, BatchSettings()).tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert changepoint_rows(2, BatchSettings()).size == 0
    assert changepoint_rows(730, BatchSettings()).size == 25


def test_a_binary_or_constant_regressor_keeps_its_values() -> None:
    frame = long_frame(np.array([[1.0, 2.0, 4.0]])).assign(
        flag=[0.0, 1.0, 0.0], same=7.0, price=[1.0, 2.0, 3.0]
    )
    names = ("flag", "same", "price")
    settings = BatchSettings(regressors=tuple(Regressor(name) for name in names))
    scaled = scale_panel(panel_of_frame(frame, names), settings)
    assert scaled.regressors[:, 0].tolist() == [0.0, 1.0, 0.0]
    assert scaled.regressors[:, 1].tolist() == [7.0, 7.0, 7.0]
    # mean 2, sample standard deviation 1
    assert scaled.regressors[:, 2].tolist() == [-1.0, 0.0, 1.0]
    assert scaled.y.tolist() == [0.25, 0.5, 1.0]


def test_chunks_hold_whole_items() -> None:
    frame = long_frame(sales(5, days=15))
    chunks = list(item_chunks(frame, 2))
    assert [chunk["unique_id"].nunique() for chunk in chunks] == [2, 2, 1]
    pd.testing.assert_frame_equal(pd.concat(chunks), frame)
