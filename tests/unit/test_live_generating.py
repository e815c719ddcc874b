"""The generator without an agent: its world, its events, its spool and what it remembers."""

import errno
from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core_modules.market_scenarios import EventKind, MarketEvent
from core_modules.reference_demand import reference_demand
from core_modules.settings import streams
from core_modules.synthetic_generator import demo_pattern
from streaming_production.events import parse_events
from streaming_production.generating.cloud_events import CloudEvent, EventWriter
from streaming_production.generating.delivery import BATCH, event_parcels
from streaming_production.generating.market_signals import signals_of_day
from streaming_production.generating.replay import RealSales, ReplayedWorld, read_real_sales
from streaming_production.generating.run_record import RunRecord
from streaming_production.generating.scenario_choice import chosen_events
from streaming_production.generating.spool import Parcel, Spool, SpoolError
from streaming_production.generating.true_items import true_items
from streaming_production.generating.world import ItemTruth, SyntheticWorld, as_promised

START = date(2024, 1, 1)
DEMO_ITEM = ItemTruth("Electronics_DEMO_ITEM", 50.0, None, 3)


def day_facts(world: SyntheticWorld | ReplayedWorld, number: int) -> list[CloudEvent]:
    return world.facts(number, EventWriter("run", world.start + timedelta(days=number)))


def demo_world(seed: int = 0, days: int = 20) -> SyntheticWorld:
    return SyntheticWorld([DEMO_ITEM], chosen_events("demo", START, days, seed), START, days, seed)


def signals(events: tuple[MarketEvent, ...], days: int) -> list[tuple[int, str]]:
    writers = [EventWriter("run", START + timedelta(days=number)) for number in range(days)]
    return [
        (number, event["type"])
        for number, writer in enumerate(writers)
        for event in signals_of_day(events, writer, START)
    ]


def order(**values: object) -> dict[str, object]:
    usual = {
        "unique_id": "Electronics_DEMO_ITEM",
        "quantity": 100,
        "confirmed_quantity": None,
        "received": 0,
        "placed_day": "2024-01-02",
        "due": "2024-01-05",
    }
    return usual | values


def test_the_demo_has_its_three_events_on_days_3_8_and_15_for_two_days_each() -> None:
    world = demo_world()
    labels = {number + 1: world.label(number) for number in range(20)}
    assert {day: label for day, label in labels.items() if label != "Normal_Operations"} == {
        3: "Competitor_Stockout_Benefit",
        4: "Competitor_Stockout_Benefit",
        8: "Viral_Social_Media_Boost",
        9: "Viral_Social_Media_Boost",
        15: "Celebrity_Endorsement_Spike",
        16: "Celebrity_Endorsement_Spike",
    }


def test_the_demo_item_has_the_reference_years_demand() -> None:
    # Without events the world is tier 1's reference demand of the same seed, draw for draw.
    world = SyntheticWorld([DEMO_ITEM], (), START, 30, seed=4)
    expected = reference_demand(None, START, 30, 1, streams(4).demand)[0, 0]
    assert [world.demand(number) for number in range(30)] == expected.tolist()


def test_sales_of_a_day_add_up_to_its_demand_and_fall_into_business_hours() -> None:
    world = demo_world()
    for number in range(20):
        sales = [event for event in day_facts(world, number) if event["type"] == "sale.recorded"]
        assert sum(event["data"]["quantity"] for event in sales) == world.demand(number)
        hours = {datetime.fromisoformat(event["time"]).hour for event in sales}
        assert hours <= set(range(9, 20))


def test_every_event_is_one_that_the_agent_accepts_and_no_id_comes_twice() -> None:
    items = [DEMO_ITEM, ItemTruth("Sports_DEMO_ITEM", 20.0, demo_pattern("Sports"), 3)]
    world = SyntheticWorld(items, chosen_events("stress", START, 60, 0), START, 60, seed=0)
    facts = [event for number in range(60) for event in day_facts(world, number)]
    parcels = event_parcels(facts)
    parsed = [
        event
        for parcel in parcels
        for event in parse_events(parcel.body, "application/cloudevents-batch+json")
    ]
    assert len({event.id for event in parsed}) == len(facts) > BATCH
    assert {"sale.recorded", "return.recorded", "stock.adjusted", "signal.ended"} <= set(
        Counter(event.type for event in parsed)
    )


def test_the_same_run_writes_the_same_events_and_another_seed_others() -> None:
    assert day_facts(demo_world(seed=3), 7) == day_facts(demo_world(seed=3), 7)
    assert day_facts(demo_world(seed=3), 7) != day_facts(demo_world(seed=4), 7)


def test_a_days_events_do_not_depend_on_the_days_asked_for_before() -> None:
    played = demo_world()
    for number in range(5):
        day_facts(played, number)
    assert day_facts(played, 5) == day_facts(demo_world(), 5)


def test_an_event_known_ahead_is_announced_then_starts_then_ends() -> None:
    promotion = MarketEvent(
        "p", EventKind.PROMOTION, START + timedelta(days=5), 2, demand=1.8, announced=3
    )
    # Known on the evening three days before; acts on days 5 and 6; over on the day after.
    assert signals((promotion,), 10) == [
        (2, "signal.announced"),
        (5, "signal.started"),
        (7, "signal.ended"),
    ]


def test_what_was_known_before_the_run_is_announced_on_its_first_day() -> None:
    friday = MarketEvent(
        "b", EventKind.BLACK_FRIDAY, START + timedelta(days=2), 1, demand=5, announced=60
    )
    assert signals((friday,), 2) == [(0, "signal.announced")]


def test_an_unnoticed_event_is_never_told_and_a_false_alarm_is_told_and_ends() -> None:
    silent = MarketEvent("s", EventKind.VIRAL, START, 2, demand=3, unnoticed=True)
    alarm = MarketEvent("f", EventKind.VIRAL, START, 2, demand=3, false_alarm=True)
    assert signals((silent,), 5) == []
    assert signals((alarm,), 5) == [(0, "signal.started"), (2, "signal.ended")]
    world = SyntheticWorld([DEMO_ITEM], (alarm,), START, 2, seed=0)
    assert world.demand(0) == SyntheticWorld([DEMO_ITEM], (), START, 2, seed=0).demand(0)


def test_a_signal_tells_no_more_than_its_source_does() -> None:
    (told,) = signals_of_day(
        chosen_events("demo", START, 20, 0), EventWriter("r", date(2024, 1, 3)), START
    )
    assert told["data"] == {
        "signal_id": "r-competitor_stockout-3",
        "kind": "competitor_stockout",
        "label": "Competitor_Stockout_Benefit",
        "start": "2024-01-03",
        "supplier_shut": False,
        "price": 1.0,
        "shape": "flat",
    }


def test_a_price_is_told_with_a_sale_only_while_it_is_special() -> None:
    sale = MarketEvent("c", EventKind.POST_HOLIDAY_CLEARANCE, START, 1, demand=1, price=0.8)
    world = SyntheticWorld([DEMO_ITEM], (sale,), START, 2, seed=0)
    paid = [
        {event["data"].get("price") for event in day_facts(world, n) if "sale" in event["type"]}
        for n in range(2)
    ]
    assert paid == [{40.0}, {None}]  # 50 x 0.8, then the usual price


def test_an_order_placed_during_a_disruption_comes_late_and_short() -> None:
    trouble = MarketEvent(
        "d", EventKind.SUPPLY_DISRUPTION, START, 2, lead_time_extra=4, filled_share=0.7
    )
    world = SyntheticWorld([DEMO_ITEM], (trouble,), START, 20, seed=0)
    late = world.delivery(order(placed_day="2024-01-02", due="2024-01-05"))
    assert (late.day, late.quantity, late.short) == (date(2024, 1, 9), 70, True)
    known = world.delivery(order(placed_day="2024-01-02", due="2024-01-09"))
    assert known.day == date(2024, 1, 9)  # the delay is not added a second time
    after = world.delivery(order(placed_day="2024-01-03", due="2024-01-06"))
    assert (after.day, after.quantity, after.short) == (date(2024, 1, 6), 100, False)


def test_an_order_placed_while_the_supplier_is_shut_waits_for_its_reopening() -> None:
    shut = MarketEvent("d", EventKind.SUPPLY_DISRUPTION, START, 5, supplier_shut=True)
    world = SyntheticWorld([DEMO_ITEM], (shut,), START, 20, seed=0)
    # Shut on days 0 to 4; from the evening of day 1 the supplier reopens in 4 days.
    assert world.delivery(order()).day == date(2024, 1, 9)


def test_a_delivery_brings_what_is_confirmed_and_not_yet_received() -> None:
    assert as_promised(order(confirmed_quantity=80, received=30)).quantity == 50


def test_items_of_a_profile_are_recognised_with_the_seed_of_their_catalogue() -> None:
    from streaming_production.deciding.profile_items import profile_items

    made = profile_items("m5_foods3_tx3", 8, seed=5)
    rows = [{"unique_id": one.unique_id, "unit_price": one.terms.unit_price} for one in made]
    found = {truth.unique_id: truth.pattern for truth in true_items(rows, seeds=(0, 5))}
    assert found == {one.unique_id: one.pattern for one in made}
    with pytest.raises(ValueError, match="--catalogue-seed"):
        true_items(rows, seeds=(0,))


def test_a_planners_own_items_are_refused_with_the_way_out() -> None:
    rows = [{"unique_id": "widget", "unit_price": 3.0}]
    with pytest.raises(ValueError, match=r"1 item \('widget' first\).*--replay FILE"):
        true_items(rows, seeds=(0,))


@pytest.mark.parametrize(
    ("scenario", "message"),
    [("sunny", "use one of demo, none, original"), ("missing.toml", "no such file")],
)
def test_a_scenario_that_is_not_there_is_refused(scenario: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        chosen_events(scenario, START, 20, 0)


def test_parcels_come_out_of_the_spool_in_the_order_they_went_in(tmp_path: Path) -> None:
    with Spool(tmp_path) as spool:
        for number in range(12):
            spool.put(Parcel("/api/events", {"a": "b"}, b"[%d]" % number))
    with Spool(tmp_path) as again:  # after a restart
        again.put(Parcel("/api/events", {}, b"[12]"))
        bodies = []
        while parcel := again.oldest():
            bodies.append(parcel.body)
            again.remove()
    assert bodies == [b"[%d]" % number for number in range(13)]
    assert not list(tmp_path.glob("*.parcel"))


def test_what_was_half_written_when_the_machine_stopped_is_not_sent(tmp_path: Path) -> None:
    (tmp_path / "000000000001.part").write_bytes(b'{"path": "/api/ev')
    with Spool(tmp_path) as spool:
        assert spool.oldest() is None
    assert not (tmp_path / "000000000001.part").exists()


def test_a_damaged_parcel_is_set_aside_and_the_next_one_sent(tmp_path: Path) -> None:
    (tmp_path / "000000000001.parcel").write_bytes(b"no parcel")
    with Spool(tmp_path) as spool:
        spool.put(Parcel("/api/events", {}, b"[1]"))
        parcel = spool.oldest()
        assert parcel is not None
        assert parcel.body == b"[1]"
    assert (tmp_path / "rejected" / "000000000001.parcel").read_bytes() == b"no parcel"


def test_a_second_generator_on_the_same_spool_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("fcntl", reason="Windows has no flock")
    with Spool(tmp_path), pytest.raises(SpoolError, match="another generator is using the spool"):
        Spool(tmp_path)
    with Spool(tmp_path):  # free again
        pass


def test_a_full_disk_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with Spool(tmp_path) as spool:
        spool.put(Parcel("/api/events", {}, b"[1]"))
        monkeypatch.setattr("os.fsync", full)
        with pytest.raises(SpoolError, match=r"No space left on device.*what waits in it stays"):
            spool.put(Parcel("/api/events", {}, b"[2]"))
        assert len(spool) == 1
    assert sorted(file.name for file in tmp_path.glob("0*")) == ["000000000001.parcel"]


def test_a_spool_that_cannot_be_made_says_how_to_mend_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SpoolError, match="choose another folder with --spool"):
        Spool(tmp_path / "file" / "spool")


def test_a_run_is_continued_while_it_has_days_and_the_wish_is_the_same(tmp_path: Path) -> None:
    record = RunRecord("http://a", 1, "demo", 1, 0, START, 20)
    record.save(tmp_path)
    assert RunRecord.load(tmp_path) == record
    wish = RunRecord("http://a", 1, "demo", 1, 0, date(2024, 1, 6), 20)
    assert record.continues(date(2024, 1, 5), wish)
    assert not record.continues(date(2024, 1, 20), wish)
    assert not record.continues(date(2024, 1, 5), RunRecord("http://a", 2, "demo", 1, 0, START, 20))


def test_a_record_that_cannot_be_read_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    assert RunRecord.load(tmp_path) is None


TRANSACTIONS = """InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
1,85123A,LANTERN,6,2010-12-01 08:26:00,2.5,7,UK
2,85123A,LANTERN,4,2010-12-01 15:00:00,3.0,8,UK
C3,85123A,LANTERN,-4,2010-12-01 16:00:00,3.0,8,UK
4,71053,HOLDER,2,2010-12-02 09:30:00,1.0,,UK
5,POST,POSTAGE,1,2010-12-02 09:31:00,18.0,,UK
"""


def transactions(tmp_path: Path) -> RealSales:
    path = tmp_path / "shop.csv"
    path.write_text(TRANSACTIONS)
    return read_real_sales(path, "auto")


def test_transactions_are_replayed_at_their_own_times_and_prices(tmp_path: Path) -> None:
    world = ReplayedWorld(transactions(tmp_path), date(2010, 12, 1))
    assert world.days == 2
    # The second sale was cancelled the same day: tier 1 counts 6 units, the replay too.
    (sale,) = day_facts(world, 0)
    assert (sale["time"], sale["subject"]) == ("2010-12-01T08:26:00Z", "85123A")
    assert sale["data"] == {"quantity": 6, "price": 2.5}
    assert [event["subject"] for event in day_facts(world, 1)] == ["71053"]


def test_old_sales_are_replayed_whole_weeks_later(tmp_path: Path) -> None:
    sales, weeks = transactions(tmp_path).dated_after(date(2024, 1, 1))
    # 2010-12-01 was a Wednesday, and so is 2024-01-03; there are sales on no other day.
    assert (sales.first_day, weeks) == (date(2024, 1, 3), 683)
    assert transactions(tmp_path).dated_after(date(2010, 12, 1))[1] == 0


def test_sales_of_items_the_agent_does_not_have_are_left_out(tmp_path: Path) -> None:
    sales = transactions(tmp_path)
    assert set(sales.of_items({"71053"}).frame["unique_id"]) == {"71053"}
    with pytest.raises(ValueError, match="the agent knows none of its items"):
        sales.of_items({"Electronics_DEMO_ITEM"})


def test_daily_sales_are_replayed_as_one_sale_an_item_and_day(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    pd.DataFrame(
        {
            "unique_id": np.repeat(["a", "b"], 3),
            "ds": [f"2024-02-{day:02d}" for day in (1, 2, 3)] * 2,
            "y": [1, 0, 2, 3, 4, 0],
        }
    ).to_csv(path, index=False)
    world = ReplayedWorld(read_real_sales(path, "auto"), date(2024, 2, 1))
    assert [world.demand(number) for number in range(world.days)] == [4, 4, 2]
    assert [event["subject"] for event in day_facts(world, 1)] == ["b"]
