"""Sales history: long files become one dense frame, and nothing is lost or invented on the way."""

import gzip
import importlib.util
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_modules.sales_history import (
    SalesDataError,
    SalesHistory,
    check_frame,
    mean_prices,
    read_sales,
    require_whole_units,
    select_items,
)

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def history_of(tmp_path: Path, text: str, **options: object) -> SalesHistory:
    path = tmp_path / "shop.csv"
    path.write_text(text)
    return read_sales(path, **options)  # type: ignore[arg-type]


def column(history: SalesHistory, name: str, item: str) -> list[object]:
    frame = history.frame
    return frame.loc[frame["unique_id"] == item, name].tolist()


def test_every_item_runs_from_its_first_row_to_the_common_last_day(tmp_path: Path) -> None:
    history = history_of(
        tmp_path, "unique_id,ds,y\nb,2024-01-03,4\na,2024-01-05,2\na,2024-01-02,3\n"
    )
    # a: 2 to 5 January; b: 3 to 5 January
    assert column(history, "y", "a") == [3, 0, 0, 2]
    assert column(history, "y", "b") == [4, 0, 0]
    assert history.frame["ds"].iloc[0] == pd.Timestamp("2024-01-02")
    assert history.frame["ds"].dtype == "datetime64[us]"
    assert history.cleaning["gaps filled with zero sales"] == 4
    assert (history.name, history.quantity, history.freq) == ("shop", "units", "D")


def test_ids_are_text_and_keep_their_zeros(tmp_path: Path) -> None:
    history = history_of(tmp_path, "unique_id,ds,y\n00123,2024-01-01,1\n123,2024-01-01,2\n")
    assert history.frame["unique_id"].tolist() == ["00123", "123"]


def test_a_day_out_of_stock_may_be_missing_but_a_gap_is_a_zero(tmp_path: Path) -> None:
    history = history_of(
        tmp_path,
        "unique_id,ds,y,in_stock\na,2024-01-01,5,true\na,2024-01-02,,False\n"
        "a,2024-01-04,1,0\na,2024-01-05,2,1\n",
    )
    assert np.isnan(column(history, "y", "a")[1])
    assert column(history, "in_stock", "a") == [True, False, True, False, True]
    assert column(history, "y", "a")[2:] == [0, 1, 2]


def test_the_last_known_price_holds_until_a_new_one_is_seen(tmp_path: Path) -> None:
    history = history_of(
        tmp_path,
        "unique_id,ds,y,price,promo\na,2024-01-01,1,,\na,2024-01-02,1,2.5,1\na,2024-01-04,1,3,0\n"
        "b,2024-01-03,1,,0\n",
    )
    assert column(history, "price", "a") == [2.5, 2.5, 2.5, 3]
    assert column(history, "promo", "a") == [0, 1, 0, 0]
    assert np.isnan(column(history, "price", "b")).all()
    assert mean_prices(history) == {"a": 10.5 / 4}


def test_groups_are_kept_as_text(tmp_path: Path) -> None:
    history = history_of(
        tmp_path, "unique_id,ds,y,shelf\na,2024-01-01,1,07\na,2024-01-03,1,07\nb,2024-01-03,1,08\n"
    )
    assert column(history, "shelf", "a") == ["07", "07", "07"]
    assert column(history, "shelf", "b") == ["08"]


def test_rows_after_as_of_are_left_out(tmp_path: Path) -> None:
    text = "unique_id,ds,y\na,2024-01-01,1\na,2024-01-03,2\nb,2024-01-03,2\n"
    history = history_of(tmp_path, text, as_of=date(2024, 1, 2))
    assert history.frame["unique_id"].tolist() == ["a", "a"]
    assert history.frame["y"].tolist() == [1, 0]
    assert history.cleaning["rows after 2024-01-02 left out"] == 2


def test_a_later_as_of_means_that_nothing_sold_since(tmp_path: Path) -> None:
    history = history_of(tmp_path, "unique_id,ds,y\na,2024-01-01,1\n", as_of=date(2024, 1, 3))
    assert history.frame["y"].tolist() == [1, 0, 0]


@pytest.mark.parametrize("day", [8, 10, 14])  # Monday to Sunday of the week of 8 January 2024
def test_as_of_is_any_day_of_the_last_complete_week(tmp_path: Path, day: int) -> None:
    text = "unique_id,ds,y\na,2024-01-01,1\na,2024-01-15,2\n"
    history = history_of(tmp_path, text, freq="W", as_of=date(2024, 1, day))
    assert history.frame["ds"].dt.strftime("%m-%d").tolist() == ["01-01", "01-08"]
    assert history.frame["y"].tolist() == [1, 0]


def test_a_zipped_file_reads_like_the_plain_one(tmp_path: Path) -> None:
    text = "unique_id,ds,y\na,2024-01-01,1\n"
    plain = history_of(tmp_path, text)
    (tmp_path / "shop.csv.gz").write_bytes(gzip.compress(text.encode()))
    zipped = read_sales(tmp_path / "shop.csv.gz")
    pd.testing.assert_frame_equal(plain.frame, zipped.frame)
    assert plain.name == zipped.name
    assert plain.digest != zipped.digest  # of the file's own bytes


rows = st.lists(
    st.tuples(
        st.sampled_from(["00", "A", "b", "Käse, ½", 'quo"te']),
        st.integers(0, 60),
        st.floats(0, 1e6, allow_subnormal=False) | st.integers(0, 50).map(float),
        st.floats(0.01, 1e5),
    ),
    min_size=1,
    max_size=40,
    unique_by=lambda row: row[:2],
)


def long_frame(drawn: list[tuple[str, int, float, float]]) -> pd.DataFrame:
    first = pd.Timestamp("2024-02-01")
    return pd.DataFrame(
        {
            "unique_id": [row[0] for row in drawn],
            "ds": [first + pd.Timedelta(days=row[1]) for row in drawn],
            "y": [row[2] for row in drawn],
            "price": [row[3] for row in drawn],
        }
    ).astype({"unique_id": "str", "ds": "datetime64[us]"})


@given(rows)
def test_making_a_history_dense_neither_loses_nor_adds_units(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[str, int, float, float]]
) -> None:
    path = tmp_path_factory.mktemp("dense") / "sales.csv"
    long_frame(drawn).to_csv(path, index=False)
    frame = read_sales(path).frame
    for item in {row[0] for row in drawn}:
        units = [row[2] for row in drawn if row[0] == item]
        of_item = frame[frame["unique_id"] == item]
        assert sorted(of_item.loc[of_item["y"] > 0, "y"]) == sorted(y for y in units if y > 0)
        assert len(of_item) == 1 + max(row[1] for row in drawn) - min(
            row[1] for row in drawn if row[0] == item
        )


@given(rows)
def test_csv_and_parquet_give_the_same_frame_and_reading_it_again_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[str, int, float, float]]
) -> None:
    folder = tmp_path_factory.mktemp("round")
    long_frame(drawn).to_csv(folder / "sales.csv", index=False)
    frame = read_sales(folder / "sales.csv").frame
    frame.to_parquet(folder / "sales.parquet")
    pd.testing.assert_frame_equal(read_sales(folder / "sales.parquet").frame, frame)


def test_the_committed_examples_are_what_their_maker_writes(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("make_examples", EXAMPLES / "make_examples.py")
    assert spec is not None
    assert spec.loader is not None
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    maker.make_files(tmp_path)
    for name in ("sales.csv", "items.csv", "stock.csv", "open_orders.csv"):
        assert (tmp_path / name).read_bytes() == (EXAMPLES / name).read_bytes(), name


def test_the_example_shop_is_closed_on_its_holidays() -> None:
    closed = read_sales(EXAMPLES / "sales.csv").closed_days
    # 1 January 2024 lies before the first row
    expected = ["2024-12-25", "2024-12-26", "2025-01-01", "2025-12-25", "2025-12-26"]
    assert closed.strftime("%Y-%m-%d").tolist() == expected


def frame_of(sales: dict[str, list[float]], **columns: object) -> pd.DataFrame:
    days = pd.date_range("2024-01-01", periods=len(next(iter(sales.values()))), unit="us")
    parts = [pd.DataFrame({"unique_id": k, "ds": days, "y": v}) for k, v in sales.items()]
    return pd.concat(parts, ignore_index=True).astype({"y": "float64"}).assign(**columns)


def test_the_best_sellers_are_those_of_the_last_year(tmp_path: Path) -> None:
    history = history_of(
        tmp_path,
        "unique_id,ds,y\nold,2023-05-01,900\nold,2024-06-01,1\nmid,2024-01-01,7\nnew,2024-06-01,9\n",
    )
    best = select_items(history, top=2)
    assert best.frame["unique_id"].unique().tolist() == ["mid", "new"]
    assert best.frame.index.tolist() == list(range(len(best.frame)))
    assert select_items(history, top=9).frame.equals(history.frame)
    assert select_items(history, items=["old", "new"], top=1).frame["y"].tolist() == [9]


def test_an_unknown_item_is_named_with_those_like_it(tmp_path: Path) -> None:
    history = history_of(tmp_path, "unique_id,ds,y\nA-100,2024-01-01,1\n")
    with pytest.raises(SalesDataError, match=r"no item 'A-10'; did you mean 'A-100'\?"):
        select_items(history, items=["A-10"])
    with pytest.raises(SalesDataError, match="top must be >= 1, got 0"):
        select_items(history, top=0)


def test_the_ledger_refuses_fractions_and_says_where_they_are(tmp_path: Path) -> None:
    history = history_of(tmp_path, "unique_id,ds,y\na,2024-01-01,1\na,2024-01-02,2.5\n")
    assert history.quantity == "fractions"
    with pytest.raises(SalesDataError, match=r"'a', 2024-01-02: 2\.5"):
        require_whole_units(history)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(columns="y"), "no column y"),
        (lambda f: f.iloc[:0], "no rows"),
        (lambda f: f.astype({"y": "int64"}), "column y must be float64, got int64"),
        (lambda f: f.assign(ds=f["ds"].dt.tz_localize("UTC")), "datetime64 without time zone"),
        (lambda f: f.assign(ds=f["ds"] + pd.Timedelta(hours=1)), "ds must be midnight"),
        (lambda f: f.iloc[::-1], "periods of freq D must follow|sorted by unique_id"),
        (lambda f: f.iloc[[0, 2, 3, 4, 5]], "item 'a' goes from 2024-01-01 to 2024-01-03"),
        (lambda f: f.iloc[:-1], "item 'b' ends on 2024-01-02, others on 2024-01-03"),
        (lambda f: f.assign(y=-1.0), r"column y must be finite and >= 0 .*got -1"),
        (lambda f: f.assign(price=0.0), "column price must be > 0"),
        (lambda f: f.assign(promo=np.nan), "column promo must be finite"),
        (lambda f: f.assign(shelf=list("xyzxxx")), "column shelf must be one value an item"),
        (lambda f: f.assign(shelf=1), "column shelf must be text"),
    ],
)
def test_a_frame_that_breaks_the_contract_is_refused(change: object, message: str) -> None:
    frame = frame_of({"a": [1, 0, 2], "b": [0, 0, 1]})
    check_frame(frame)
    with pytest.raises(SalesDataError, match=message):
        check_frame(change(frame))  # type: ignore[operator]
