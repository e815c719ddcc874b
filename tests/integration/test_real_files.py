"""The real sales files beside the project are read whole, every row accounted for."""

import numpy as np
import pandas as pd
import pytest

from core_modules.sales_history import (
    SalesHistory,
    mean_prices,
    read_m5_events,
    read_sales,
    require_whole_units,
    select_items,
)
from tests.conftest import SharedData


@pytest.fixture(scope="module")
def online_retail(shared_data: SharedData) -> SalesHistory:
    return read_sales(shared_data / "online_retail/online_retail.csv.gz")


@pytest.fixture(scope="module")
def m5(shared_data: SharedData) -> SalesHistory:
    return read_sales(shared_data / "m5_foods3_tx3")


@pytest.fixture(scope="module")
def rossmann(shared_data: SharedData) -> SalesHistory:
    return read_sales(shared_data / "rossmann")


def test_every_online_retail_row_is_kept_or_accounted_for(online_retail: SalesHistory) -> None:
    counts = dict(online_retail.cleaning)
    assert counts == {
        "rows read": 541_909,
        "rows of no product dropped": 2_946,
        "exact duplicate rows kept": 5_268,
        "cancellations netted with their sale": 2_835,
        "units netted": 225_730,
        "cancellations without such a sale dropped": 5_869,
        "other rows of no or negative quantity dropped": 1_336,
        "rows of no or negative price dropped": 1_162,
        "sales rows kept": 524_926,
        "units kept": 5_351_373,
        "gaps filled with zero sales": counts["gaps filled with zero sales"],
        "closed days": 69,
    }
    # 2,946 + 2 x 2,835 + 5,869 + 1,336 + 1,162 + 524,926 = 541,909
    frame = online_retail.frame
    assert frame["y"].sum() == counts["units kept"]
    assert frame["unique_id"].nunique() == 3_794
    assert (online_retail.name, online_retail.quantity) == ("online_retail", "units")
    require_whole_units(online_retail)


def test_the_cancelled_orders_of_tens_of_thousands_are_gone(online_retail: SalesHistory) -> None:
    # 80,995 units of 23843 (its only order) and 74,215 of 23166, each cancelled within minutes
    frame = online_retail.frame
    assert "23843" not in set(frame["unique_id"])
    jars = frame[(frame["unique_id"] == "23166") & (frame["ds"] == "2011-01-18")]
    assert jars.empty  # no other order came before it
    assert frame["y"].max() < 20_000


def test_online_retail_is_closed_on_saturdays_and_holidays(online_retail: SalesHistory) -> None:
    closed = online_retail.closed_days
    assert (closed.day_of_week == 5).sum() == 53
    # 374 days, 305 of them in the file
    assert len(closed) == 374 - 305
    assert {"2010-12-25", "2011-04-22", "2011-05-30"} <= set(closed.strftime("%Y-%m-%d"))


def test_online_retail_prices_are_those_of_the_invoices(online_retail: SalesHistory) -> None:
    assert (online_retail.frame["price"] > 0).all()
    prices = mean_prices(online_retail)
    assert len(prices) == 3_794
    assert 2.0 < prices["85123A"] < 3.5  # the white heart is 2.55 and 2.95 on most invoices


def test_m5_is_read_by_day_and_closed_at_christmas(m5: SalesHistory) -> None:
    assert m5.name == "m5_foods3_tx3"
    assert m5.quantity == "units"
    assert m5.frame["unique_id"].nunique() == 823
    # 823 items x 1,789 days, less the days before each item's first sale
    left_out = m5.cleaning["item-days before an item's first sale left out"]
    assert len(m5.frame) + left_out == 823 * 1_789
    assert m5.frame["ds"].min() == pd.Timestamp("2011-01-29")
    assert m5.closed_days.strftime("%Y-%m-%d").tolist() == [
        f"{year}-12-25" for year in (2011, 2012, 2013, 2014)
    ]
    first = m5.frame.drop_duplicates("unique_id")
    assert (first["y"] > 0).all()


def test_m5_top_items_keep_the_closed_days_of_the_whole_file(m5: SalesHistory) -> None:
    best = select_items(m5, top=100)
    assert best.frame["unique_id"].nunique() == 100
    assert best.closed_days.equals(m5.closed_days)
    assert best.digest == m5.digest


def test_the_m5_calendar_knows_events_after_the_sales(
    m5: SalesHistory, shared_data: SharedData
) -> None:
    events = read_m5_events(shared_data / "m5_foods3_tx3/calendar.csv")
    assert {"Christmas", "SuperBowl", "SNAP TX"} <= set(events["name"])
    after = events["ds"].max() - m5.frame["ds"].max()
    assert pd.Timedelta(days=150) < after <= pd.Timedelta(days=180)


def test_rossmann_is_turnover_by_store(rossmann: SalesHistory) -> None:
    assert rossmann.quantity == "money"
    frame = rossmann.frame
    assert frame["unique_id"].nunique() == 1_115
    assert sorted(frame["category"].unique()) == ["a", "b", "c", "d"]
    counts = rossmann.cleaning
    assert counts["rows read"] == 804_056
    # 180 stores miss July to December 2014 (184 days)
    rebuilt = frame[~frame["in_stock"] & frame["ds"].between("2014-07-01", "2014-12-31")]
    whole = rebuilt.groupby("unique_id").size()
    assert (whole >= 184).sum() == 180
    kept = counts["rows read"] + counts["gaps filled with zero sales"]
    assert kept + counts["store-days of long absences kept as missing"] == len(frame)


def test_vn2_made_long_is_read_as_weeks(
    shared_data: SharedData, tmp_path_factory: pytest.TempPathFactory
) -> None:
    sales = pd.read_csv(shared_data / "vn2/Week 0 - 2024-04-08 - Sales.csv")
    stock = pd.read_csv(shared_data / "vn2/Week 0 - In Stock.csv")
    keys = ["Store", "Product"]
    long = sales.melt(keys, var_name="ds", value_name="y").merge(
        stock.melt(keys, var_name="ds", value_name="in_stock"), on=[*keys, "ds"]
    )
    long["unique_id"] = long["Store"].astype("str") + "-" + long["Product"].astype("str")
    path = tmp_path_factory.mktemp("vn2") / "vn2.csv"
    long[["unique_id", "ds", "y", "in_stock"]].to_csv(path, index=False)
    history = read_sales(path, freq="W")
    assert len(history.frame) == 599 * 157
    assert history.frame["y"].sum() == np.nansum(sales.iloc[:, 2:].to_numpy())
    assert 0.10 < 1 - history.frame["in_stock"].mean() < 0.12
    assert history.closed_days.empty
