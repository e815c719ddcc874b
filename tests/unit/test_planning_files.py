"""Suppliers, profiles and periods as a planner writes them."""

from datetime import date
from pathlib import Path

import pytest

from core_modules.agent_rules import Priority
from core_modules.market_events import EventKind, MarketEvent, signals_known
from core_modules.planning.period_calendar import PeriodCalendar
from core_modules.planning.profiles import (
    PlanProfile,
    default_profile,
    read_profile,
    write_profile,
)
from core_modules.planning.supplier_terms import Supplier, read_suppliers

WRITTEN = (
    '{"format": "planning-profile/1", "name": "a", "freq": "D", "priority": "cost", '
    '"shortage_weight": 1.5, "service_by_class": {"A": 0.9}}'
)
WEEKS = PeriodCalendar(date(2024, 4, 8), 7)


def test_suppliers_are_read_from_csv(tmp_path: Path) -> None:
    file = tmp_path / "suppliers.csv"
    file.write_text("supplier,minimum_order_value,order_days\nNorth,250,mon thu\nSouth,,\n")
    assert read_suppliers(file) == {
        "North": Supplier("North", 250.0, (0, 3)),
        "South": Supplier("South", 0.0, (0, 1, 2, 3, 4, 5, 6)),
    }


def test_suppliers_are_read_from_toml(tmp_path: Path) -> None:
    file = tmp_path / "suppliers.toml"
    file.write_text('[[supplier]]\nsupplier = "North"\norder_days = ["Friday"]\n')
    assert read_suppliers(file) == {"North": Supplier("North", 0.0, (4,))}


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("s.csv", "supplier,minimum_order_value\nA,much\n", "is not a number"),
        ("s.csv", "supplier,minimum_order_value\nA,-1\n", "must be >= 0"),
        ("s.csv", "supplier,order_days\nA,mon noday\n", "'noday' is no weekday"),
        ("s.csv", "supplier,order_days\nA,mon\nA,tue\n", "is there twice"),
        ("s.csv", "supplier,mov\nA,1\n", "rename it to minimum_order_value"),
        ("s.csv", "name\nA\n", "rename 'name' to supplier"),
        ("s.csv", "supplier,colour\nA,red\n", "unknown columns"),
        ("s.toml", "supplier = 3\n", "as a table"),
        ("s.toml", '[[supplier]]\nsupplier = "A"\nday = 1\n', "'day' is not known"),
        ("s.toml", '[[supplier]]\nsupplier = "A"\nminimum_order_value = true\n', "number >= 0"),
        ("s.toml", "[[supplier", "not valid TOML"),
    ],
)
def test_a_wrong_file_of_suppliers_is_refused_in_one_line(
    name: str, content: str, told: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=told) as refused:
        read_suppliers(tmp_path / name)
    assert name in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_profile_survives_its_file(tmp_path: Path) -> None:
    profile = PlanProfile("mine", "W", Priority.COST, 0.7, 0.5, {"AX": 0.99}, {"source": "shop"})
    write_profile(profile, tmp_path / "mine.json")
    assert read_profile(tmp_path / "mine.json") == profile
    assert [file.name for file in tmp_path.iterdir()] == ["mine.json"]


@pytest.mark.parametrize("freq", ["D", "W"])
def test_a_profile_is_shipped_for_each_rhythm(freq: str) -> None:
    assert default_profile(freq).freq == freq


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "is not JSON"),
        ("[1]", "is no profile"),
        (WRITTEN.replace("freq", "colour"), "'colour' is not known"),
        (WRITTEN.replace('"name": "a", ', ""), "has no name"),
        (WRITTEN.replace("1.5", "true"), "must be a number"),
        (WRITTEN.replace("1.5", "0"), "must be 0.01 to 100"),
        (WRITTEN.replace('"D"', '"M"'), "freq must be D or W"),
        (WRITTEN.replace("cost", "fast"), "fast"),
        (WRITTEN.replace("0.9", "2"), "above 0 and below 1"),
        (WRITTEN.replace("0.9", '"high"'), "must hold numbers"),
    ],
)
def test_a_wrong_profile_is_refused_in_one_line(content: str, told: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text(content)
    with pytest.raises(ValueError, match=told) as refused:
        read_profile(file)
    assert "mine.json" in str(refused.value)


def test_any_day_of_a_week_is_that_week() -> None:
    assert [WEEKS.periods_after(date(2024, 4, day)) for day in (7, 8, 14, 15)] == [-1, 0, 0, 1]
    assert WEEKS.first_day(WEEKS.agent_day(date(2024, 5, 1))) == date(2024, 4, 29)


def test_an_event_of_days_acts_on_whole_weeks_with_its_mean_effect() -> None:
    # 13 to 18 April: a weekend of the week of the 8th and four days of that of the 15th; six of
    # 14 days sell three times the usual, so the weeks sell 1 + 2 x 6 / 14 times the usual.
    event = MarketEvent("e", EventKind.PROMOTION, date(2024, 4, 13), 6, 3.0, announced=10)
    (weekly,) = WEEKS.agent_events([event])
    assert (weekly.start, weekly.days) == (date(2024, 4, 8), 2)
    assert weekly.demand == pytest.approx(1 + 2 * 6 / 14)
    assert weekly.announced == 1  # known on 3 April, in the week before
    assert signals_known([weekly], WEEKS.last)[0].last_day == date(2024, 4, 9)


def test_daily_periods_leave_events_and_texts_alone() -> None:
    event = MarketEvent("e", EventKind.PROMOTION, date(2024, 4, 13), 6, 3.0)
    days = PeriodCalendar(date(2024, 4, 8), 1)
    assert days.agent_events([event]) == (event,)
    assert days.in_calendar("on 2024-04-11") == "on 2024-04-11"
