"""The public retail sets: each reader's cleaning, on files small enough to work by hand."""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_modules.history_files.retail_sales import match_latest
from core_modules.sales_history import (
    SalesDataError,
    read_m5_events,
    read_sales,
    require_whole_units,
)

INVOICES = """\
InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
1,85123A,"HEART, WHITE",6,2010-12-01 08:26:00,2.50,17850.0,United Kingdom
1,85123a,"HEART, WHITE",2,2010-12-01 08:26:00,1.70,17850.0,United Kingdom
1,85123A,"HEART, WHITE",6,2010-12-01 08:26:00,2.50,17850.0,United Kingdom
1,POST,POSTAGE,1,2010-12-01 08:26:00,18.00,17850.0,United Kingdom
2,22423,CAKESTAND,80,2010-12-02 09:00:00,10.00,13000.0,France
C3,22423,CAKESTAND,-80,2010-12-02 09:12:00,10.00,13000.0,France
C4,22423,CAKESTAND,-1,2010-12-02 10:00:00,10.00,13000.0,France
5,22423,thrown away,-5,2010-12-02 11:00:00,0.00,,United Kingdom
6,22423,found,3,2010-12-03 11:00:00,0.00,,United Kingdom
7,DCGSSBOY,BOYS PARTY BAG,4,2010-12-04 12:00:00,3.29,,United Kingdom
A8,B,Adjust bad debt,1,2010-12-04 12:00:00,-11062.06,,United Kingdom
"""


def test_online_retail_is_cleaned_step_by_step(tmp_path: Path) -> None:
    (tmp_path / "online_retail.csv").write_text(INVOICES)
    history = read_sales(tmp_path)
    assert dict(history.cleaning) == {
        "rows read": 11,
        "rows of no product dropped": 2,  # POST, B
        "exact duplicate rows kept": 1,  # the second line of six hearts
        "cancellations netted with their sale": 1,
        "units netted": 80,
        "cancellations without such a sale dropped": 1,
        "other rows of no or negative quantity dropped": 1,
        "rows of no or negative price dropped": 1,
        "sales rows kept": 4,
        "units kept": 18,
        "gaps filled with zero sales": 3,
        "closed days": 0,
    }
    frame = history.frame
    assert frame["unique_id"].tolist() == ["85123A"] * 4 + ["DCGSSBOY"]
    assert frame["y"].tolist() == [14, 0, 0, 0, 4]
    # (6 x 2.50 + 2 x 1.70 + 6 x 2.50) / 14
    assert frame["price"].tolist()[:4] == pytest.approx([33.4 / 14] * 4)
    assert history.name == "online_retail"


def test_a_file_of_cancellations_only_is_refused(tmp_path: Path) -> None:
    header, *lines = INVOICES.splitlines()
    path = tmp_path / "returns.csv"
    path.write_text("\n".join([header, *lines[5:7]]))
    with pytest.raises(SalesDataError, match="has no row that is a sale"):
        read_sales(path)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 6), st.booleans()), max_size=25))
def test_a_cancellation_takes_the_latest_open_sale_before_it(
    rows: list[tuple[int, int, bool]],
) -> None:
    expected = [False] * len(rows)
    by_group_and_time = sorted(
        range(len(rows)), key=lambda row: (rows[row][0], rows[row][1], not rows[row][2], row)
    )
    for _, members in itertools.groupby(by_group_and_time, key=lambda row: rows[row][0]):
        stack: list[int] = []
        for row in members:
            if rows[row][2]:
                stack.append(row)
            elif stack:
                expected[row] = expected[stack.pop()] = True
    group, moment, opened = (
        np.array([row[part] for row in rows], dtype=dtype)
        for part, dtype in enumerate((np.int64, "datetime64[s]", bool))
    )
    assert match_latest(group, moment, opened).tolist() == expected


CALENDAR = """\
date,d,event_name_1,event_type_1,snap_TX
12/24/2011,d_1,,,0
12/25/2011,d_2,Christmas,National,1
12/26/2011,d_3,,,0
12/27/2011,d_4,,,0
"""
WIDE = "id,d_1,d_2,d_3\nFOODS_3_002_TX_3,0,0,4\nFOODS_3_001_TX_3,1,0,2\nFOODS_3_003_TX_3,0,0,0\n"


def m5_folder(tmp_path: Path, sales: str = WIDE, calendar: str = CALENDAR) -> Path:
    folder = tmp_path / "m5_part"
    folder.mkdir()
    (folder / "sales.csv").write_text(sales)
    (folder / "calendar.csv").write_text(calendar)
    return folder


def test_m5_days_before_the_first_sale_are_left_out(tmp_path: Path) -> None:
    history = read_sales(m5_folder(tmp_path))
    frame = history.frame
    assert frame.groupby("unique_id")["y"].apply(list).to_dict() == {
        "FOODS_3_001_TX_3": [1, 0, 2],
        "FOODS_3_002_TX_3": [4],
        "FOODS_3_003_TX_3": [0, 0, 0],
    }
    assert frame["category"].unique().tolist() == ["FOODS_3"]
    assert frame["store"].unique().tolist() == ["TX_3"]
    assert frame["ds"].max() == pd.Timestamp("2011-12-26")
    assert history.name == "m5_part"
    assert history.cleaning["item-days before an item's first sale left out"] == 2
    assert history.cleaning["items that never sold"] == 1


def test_m5_events_run_on_after_the_sales(tmp_path: Path) -> None:
    folder = m5_folder(tmp_path)
    events = read_m5_events(folder / "sales.csv")
    assert events.to_dict("list") == {
        "ds": [pd.Timestamp("2011-12-25")] * 2,
        "name": ["Christmas", "SNAP TX"],
        "kind": ["National", "SNAP"],
    }
    pd.testing.assert_frame_equal(read_m5_events(folder), events)
    pd.testing.assert_frame_equal(read_m5_events(folder / "calendar.csv"), events)


@pytest.mark.parametrize(
    ("sales", "calendar", "message"),
    [
        (WIDE.replace(",4", ",x"), CALENDAR, r"sales.csv, line 2: d_3 'x' is not a number"),
        (WIDE.replace("_002", "_001"), CALENDAR, "line 3: id 'FOODS_3_001_TX_3' has a second row"),
        (WIDE.replace("d_3", "d_9"), CALENDAR, "calendar.csv has no day 'd_9'"),
        (WIDE.replace("d_3", "d_4"), CALENDAR, "not consecutive days of calendar.csv"),
        (WIDE, CALENDAR.replace("12/26", "13/26"), "calendar.csv: its dates are not consecutive"),
        (WIDE, CALENDAR.replace("date,", "when,"), "calendar.csv: has no column date"),
    ],
)
def test_wrong_m5_files_are_refused(
    tmp_path: Path, sales: str, calendar: str, message: str
) -> None:
    with pytest.raises(SalesDataError, match=message):
        read_sales(m5_folder(tmp_path, sales, calendar))


def test_m5_without_its_calendar_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sales.csv").write_text(WIDE)
    with pytest.raises(SalesDataError, match=r"calendar\.csv: there is no such file"):
        read_sales(tmp_path / "sales.csv")


def rossmann(days: dict[str, int]) -> str:
    rows = [f"7,{day},{sales},{int(sales > 0)},1,c" for day, sales in days.items()]
    return "\n".join(["Store,Date,Sales,Open,Promo,StoreType", *rows, "8,2013-02-05,5,1,0,d\n"])


def test_a_shut_store_sold_nothing_but_a_long_absence_is_unknown(tmp_path: Path) -> None:
    path = tmp_path / "stores.csv"
    # shut on 2 January (a row) and 3 January (no row); away for the 15 days from 6 January
    path.write_text(
        rossmann({"2013-01-01": 50, "2013-01-02": 0, "2013-01-04": 60, "2013-01-05": 70})
        + "7,2013-01-21,80,1,0,c\n7,2013-02-05,90,1,0,c\n"
    )
    history = read_sales(path)
    store = history.frame[history.frame["unique_id"] == "7"].reset_index(drop=True)
    assert store["y"].tolist()[:5] == [50, 0, 0, 60, 70]
    assert store["in_stock"].tolist()[:5] == [True] * 5
    assert store.loc[~store["in_stock"], "ds"].dt.day.tolist() == list(range(6, 21))
    assert store.loc[~store["in_stock"], "y"].isna().all()
    assert store["y"].tolist()[20:] == [80] + [0] * 14 + [90]  # 14 days are still a short break
    assert store["category"].unique().tolist() == ["c"]
    assert history.cleaning["rows of shut stores left out"] == 1
    assert history.cleaning["store-days of long absences kept as missing"] == 15


def test_turnover_does_not_enter_the_ledger(tmp_path: Path) -> None:
    path = tmp_path / "stores.csv"
    path.write_text(rossmann({"2013-02-01": 50}))
    history = read_sales(path)
    assert history.quantity == "money"
    with pytest.raises(SalesDataError, match="holds turnover, not units"):
        require_whole_units(history)


def test_daily_formats_are_not_read_as_weeks(tmp_path: Path) -> None:
    with pytest.raises(SalesDataError, match="m5 files hold daily sales"):
        read_sales(m5_folder(tmp_path), freq="W")


def test_a_format_can_be_named_instead_of_recognised(tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    path.write_text("unique_id,ds,y\na,2024-01-01,1\n")
    assert len(read_sales(path, sales_format="long").frame) == 1
    with pytest.raises(SalesDataError, match="has no column id"):
        read_sales(path, sales_format="m5")
    with pytest.raises(SalesDataError, match="format must be one of 'auto', 'long'"):
        read_sales(path, sales_format="sap")
