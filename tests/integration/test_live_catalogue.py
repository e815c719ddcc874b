"""Items enter the catalogue: from tier 1's profiles, or from a planner's own files."""

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from core_modules.forecasting.forecast_values import DemandModel
from core_modules.market_events import MarketEvent
from core_modules.planning.plan_inputs import PlanFiles
from streaming_production.deciding.forecast_rounds import ForecastRounds
from streaming_production.store import RuleBroken, Store
from tests.live_stock_room import StockRoom, day, mean_fit, posted, terms

LAST = date(2024, 3, 31)  # the last day of the planner's sales


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[StockRoom]:
    """A shop whose catalogue is empty."""
    with Store.open(str(tmp_path / "live.db")) as store:
        yield StockRoom(store)


@pytest.fixture
def files(tmp_path: Path) -> PlanFiles:
    """A planner's files: tea sells 12 a day, coffee 5, and coffee was out of stock for two days."""
    days = pd.date_range(end=LAST, periods=60)
    tea = pd.DataFrame({"unique_id": "tea", "ds": days, "y": 12, "in_stock": True})
    coffee = pd.DataFrame({"unique_id": "coffee", "ds": days, "y": 5, "in_stock": True})
    coffee.loc[10:11, ["y", "in_stock"]] = [0, False]
    made = PlanFiles(
        sales=tmp_path / "sales.csv",
        stock=tmp_path / "stock.csv",
        open_orders=tmp_path / "open_orders.csv",
        items=tmp_path / "items.csv",
        events=tmp_path / "events.toml",
    )
    pd.concat([tea, coffee]).to_csv(made.sales, index=False)
    written = {
        made.stock: "unique_id,on_hand\ntea,30\ncoffee,80\n",
        made.open_orders: "unique_id,due,quantity\ntea,2024-04-02,48\n",
        made.items: "unique_id,unit_price,unit_cost,lead_time,pack_size\n"
        "tea,4.0,2.5,4,12\ncoffee,9.0,6.0,2,1\n",
        made.events: '[[event]]\nkind = "promotion"\nstart = 2024-04-10\ndays = 5\ndemand = 2.0\n'
        'announced = 30\nitems = ["tea"]\n'
        '[[event]]\nkind = "promotion"\nstart = 2024-03-05\ndays = 4\ndemand = 1.5\n'
        'announced = 10\nitems = ["tea"]\n',
    }
    for path, text in written.items():
        if path is not None:
            path.write_text(text, encoding="utf-8")
    return made


@pytest.mark.parametrize("profile", ["online_retail", "m5_foods3_tx3", "rossmann"])
def test_a_profiles_items_come_with_a_past_and_stock(shop: StockRoom, profile: str) -> None:
    start = date(2025, 2, 1)
    registered = shop.core.register_profile(profile, 8, 3, start)
    records = shop.store.item_records()
    assert registered.registered == len(records) == 8
    assert bool(registered.notes) == (profile == "rossmann")
    assert {one.opening_day for one in records} == {date(2025, 1, 31)}
    histories = shop.store.history([one.unique_id for one in records])
    assert all(one.y.size == 730 for one in histories.values())
    assert sum(one.on_hand for one in records) > 0


def test_items_already_there_are_refused_and_nothing_of_theirs_changes(shop: StockRoom) -> None:
    shop.core.register_profile("m5_foods3_tx3", 3, 0)
    names = [one.unique_id for one in shop.store.item_records()]
    before = shop.store.history(names)
    with pytest.raises(RuleBroken, match="in the catalogue already"):
        shop.core.register_profile("m5_foods3_tx3", 5, 1)
    after = shop.store.history(names)
    assert len(shop.store.item_records()) == 3
    assert all((before[name].y == after[name].y).all() for name in names)


def test_a_planners_items_keep_his_terms_stock_and_days_without_stock(
    shop: StockRoom, files: PlanFiles
) -> None:
    assert shop.core.register_files(files).registered == 2
    items = {one.unique_id: one for one in shop.store.item_records()}
    assert (items["tea"].on_hand, items["coffee"].on_hand) == (30, 80)
    assert (items["tea"].terms.lead_time, items["tea"].terms.pack_size) == (4, 12)
    assert items["tea"].opening_day == LAST
    past = shop.store.history(["coffee"])["coffee"]
    assert (~past.in_stock).nonzero()[0].tolist() == [10, 11]


def test_a_planners_open_orders_are_on_their_way_and_counted_on(
    shop: StockRoom, files: PlanFiles
) -> None:
    shop.core.register_files(files)
    order = shop.store.open_orders(["tea"])["tea"][0]
    assert (order.quantity, order.due, order.status) == (48, date(2024, 4, 2), "confirmed")
    shop.rounds.run()
    made = shop.core.decide_now("tea")
    fields = shop.store.decision_fields(made.decision_id)
    assert fields is not None
    assert (fields["on_hand"], fields["on_order"]) == (30, 48)
    assert made.quantity % 12 == 0
    last = date(2024, 4, 1)
    shop.store.append([posted("day.closed", None, last, "23:00:00", "close", {"day": str(last)})])
    assert shop.store.key_figures(28).totals.decisions == 1  # nobody decided the other one here
    assert shop.store.self_check() == []


def test_a_planners_events_are_known_and_past_ones_reach_the_fit(
    shop: StockRoom, files: PlanFiles
) -> None:
    shop.core.register_files(files)
    known = {one.start: one for one in shop.store.signals()}
    assert known[date(2024, 4, 10)].items == ("tea",)
    seen: list[MarketEvent] = []

    def fit(
        frame: pd.DataFrame, horizon: int, events: Sequence[MarketEvent]
    ) -> Sequence[DemandModel]:
        seen.extend(events)
        return mean_fit(frame, horizon, events)

    ForecastRounds(shop.store, fit, refit_every=7).run()
    assert [(one.start, one.days, one.demand) for one in seen] == [(date(2024, 3, 5), 4, 1.5)]


def test_events_that_nobody_knows_of_yet_are_left_out_and_told_of(
    shop: StockRoom, files: PlanFiles
) -> None:
    assert files.events is not None
    surprise = '[[event]]\nkind = "viral"\nstart = 2024-05-01\ndays = 3\ndemand = 3.0\n'
    files.events.write_text(surprise, encoding="utf-8")
    notes = shop.core.register_files(files).notes
    assert shop.store.signals() == []
    assert "nobody knows of them yet on 2024-03-31" in " ".join(notes)


def test_without_a_stock_file_items_open_with_some_days_of_sales_and_say_so(
    shop: StockRoom, files: PlanFiles
) -> None:
    notes = shop.core.register_files(PlanFiles(sales=files.sales)).notes
    stock = {one.unique_id: one.on_hand for one in shop.store.item_records()}
    # Lead time 3 by default and 7 days of cover: 10 days of 12, and of 5.
    assert stock == {"tea": 120, "coffee": 50}
    assert any("stock" in note for note in notes)


def test_files_that_cannot_be_used_are_refused_and_register_nothing(
    shop: StockRoom, tmp_path: Path
) -> None:
    path = tmp_path / "wrong.csv"
    path.write_text("item,when\na,b\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"wrong\.csv"):
        shop.core.register_files(PlanFiles(sales=path))
    assert shop.store.item_records() == []


# Rounds of fits


def test_an_item_that_cannot_be_fitted_is_told_of_and_does_not_stop_the_others(
    shop: StockRoom,
) -> None:
    shop.register(terms("good"), terms("bad"))
    calls: list[int] = []

    def fit(
        frame: pd.DataFrame, horizon: int, events: Sequence[MarketEvent]
    ) -> Sequence[DemandModel]:
        calls.append(frame["unique_id"].nunique())
        if "bad" in set(frame["unique_id"]):
            raise RuntimeError("no optimum found")
        return mean_fit(frame, horizon, events)

    rounds = ForecastRounds(shop.store, fit, refit_every=7)
    done = rounds.run()
    assert (done.fitted, done.failed) == (1, {"bad": "RuntimeError: no optimum found"})
    assert set(shop.store.forecast_stamps()) == {"good"}
    # It is not tried again and again on the same data.
    calls.clear()
    again = rounds.run()
    assert (again.fitted, again.failed) == (0, {"bad": "RuntimeError: no optimum found"})
    assert calls == []


def test_a_stockout_day_without_a_sale_and_a_hidden_day_are_missing_in_a_refit(
    shop: StockRoom,
) -> None:
    shop.register(terms("a"), stock=20)
    shop.rounds.run()
    viral = {"signal_id": "v", "kind": "viral", "start": str(day(4)), "last_day": str(day(4))}
    shop.core.accept([posted("signal.started", None, day(4), "09:00:00", "v", viral)])
    shop.core.change_item("a", settings={"automatic": False}, who="eva", why="no orders")
    for number in range(1, 8):
        shop.play(number, 20 if number in (1, 3) else 0)
    frames: list[pd.DataFrame] = []

    def fit(
        frame: pd.DataFrame, horizon: int, events: Sequence[MarketEvent]
    ) -> Sequence[DemandModel]:
        frames.append(frame)
        return mean_fit(frame, horizon, events)

    ForecastRounds(shop.store, fit, refit_every=7).run()
    lived = frames[0].tail(7)
    # The shelf was empty from the first evening: that day's demand was at least its sales.
    assert lived["y"].iloc[0] >= 20
    assert not lived["in_stock"].iloc[1:].any()
