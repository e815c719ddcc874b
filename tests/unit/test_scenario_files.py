"""A user's own events in TOML: what is read, and what a mistake is told as."""

import re
from datetime import date
from pathlib import Path

import pytest

from core_modules.market_scenarios import EventKind, MarketEvent, Shape, scenario_effects
from core_modules.scenario_files import ScenarioFileError, read_events

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "events.toml"
START = date(2024, 1, 1)
GOOD = '[[event]]\nkind = "viral"\nstart = 2024-03-15\ndays = 3\n'


def read(folder: Path, text: str | bytes, days: int = 180) -> tuple[MarketEvent, ...]:
    path = folder / "events.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_events(path, START, days)


def complaint(folder: Path, text: str | bytes) -> str:
    """The message of the error, without the folder; it is one line."""
    with pytest.raises(ScenarioFileError) as caught:
        read(folder, text)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{folder / 'events.toml'}")
    return message.removeprefix(f"{folder}/")


def test_every_key_of_an_event_is_read(tmp_path: Path) -> None:
    (event,) = read(
        tmp_path,
        """
        [[event]]
        kind = "promotion"
        name = "Spring offer"
        start = 2024-03-15
        days = 7
        demand = 2
        shape = "ramp"
        pull_forward = 0.5
        pull_forward_days = 9
        price = 0.8
        lead_time_extra = 2
        filled_share = 0.75
        supplier_shut = true
        announced = 21
        size_told = false
        length_told = false
        false_alarm = true
        items = ["a", "b"]
        """,
    )
    assert event == MarketEvent(
        "event-1-2024-03-15",
        EventKind.PROMOTION,
        date(2024, 3, 15),
        7,
        demand=2,
        shape=Shape.RAMP,
        pull_forward=0.5,
        pull_forward_days=9,
        price=0.8,
        lead_time_extra=2,
        filled_share=0.75,
        supplier_shut=True,
        announced=21,
        size_told=False,
        length_told=False,
        false_alarm=True,
        items=("a", "b"),
        name="Spring offer",
    )


def test_an_event_that_says_nothing_more_changes_nothing_and_shows_on_its_first_evening(
    tmp_path: Path,
) -> None:
    (event,) = read(tmp_path, GOOD)
    effects = scenario_effects([event], event.start, 3)
    assert effects.demand_multiplier.tolist() == [1, 1, 1]
    assert event.known_from == event.start
    assert event.items == ()


def test_an_unnoticed_event_is_read(tmp_path: Path) -> None:
    (event,) = read(tmp_path, GOOD + "unnoticed = true\n")
    assert event.known_from is None


def test_events_keep_the_order_of_the_file(tmp_path: Path) -> None:
    later_first = GOOD + GOOD.replace("03-15", "02-01")
    assert [event.start.month for event in read(tmp_path, later_first)] == [3, 2]


def test_an_event_of_every_year_is_there_in_every_year_that_the_run_can_notice(
    tmp_path: Path,
) -> None:
    text = GOOD.replace("2024-03-15", "2019-12-30") + "every_year = true\nannounced = 7\n"
    # the run goes from 1 January 2024 for 365 days, to 30 December 2024
    starts = [event.start for event in read(tmp_path, text, days=365)]
    assert starts == [date(2023, 12, 30), date(2024, 12, 30)]


def test_next_years_event_is_there_if_it_is_announced_within_the_run(tmp_path: Path) -> None:
    text = GOOD.replace("2024-03-15", "2019-01-05") + "every_year = true\nannounced = 7\n"
    # 5 January 2025 is announced on 29 December 2024, the run's last day but one
    starts = [event.start for event in read(tmp_path, text, days=365)]
    assert starts == [date(2024, 1, 5), date(2025, 1, 5)]


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "event = []\n"])
def test_a_file_without_events_is_an_empty_calendar(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == ()


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    assert read(tmp_path, b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode()) == read(
        tmp_path, GOOD
    )


@pytest.mark.parametrize(
    ("line", "key", "message"),
    [
        ('colour = "red"', "colour", "is not known; the keys are kind, name, source, start"),
        ("demand = true", "demand", "must be a number, got true"),
        ('demand = "3"', "demand", "must be a number, got '3'"),
        ("demand = nan", "demand", "must be 0 to 1000, got nan"),
        ("demand = inf", "demand", "must be 0 to 1000, got inf"),
        ("demand = -1", "demand", "must be 0 to 1000, got -1"),
        ("price = 0", "price", "must be 0.01 to 100, got 0"),
        ("filled_share = 1.5", "filled_share", "must be 0 to 1, got 1.5"),
        ("lead_time_extra = 2.5", "lead_time_extra", "must be a whole number, got 2.5"),
        ("lead_time_extra = 999999", "lead_time_extra", "must be 0 to 3660, got 999999"),
        ("announced = true", "announced", "must be a whole number, got true"),
        ("announced = -3", "announced", "must be 0 to 3660, got -3"),
        ("supplier_shut = 1", "supplier_shut", "must be true or false, got 1"),
        ('shape = "zigzag"', "shape", "'zigzag' is not one of flat, ramp, peak, decay"),
        ('items = "a"', "items", "must be a list of item ids"),
        ("items = [417]", "items", "must be a list of item ids"),
        ("items = []", "items", "must be a list of item ids"),
        ("name = 3", "name", "must be text in quotes, got 3"),
        ('name = "Normal_Operations"', "name", "must be one line other than Normal_Operations"),
        ("pull_forward = 0.5\ndemand = 3", "pull_forward_days", "must be >= 3, got 0"),
        ("unnoticed = true\nannounced = 3", "unnoticed", "excludes announced and false_alarm"),
        ("demand = 0x" + "f" * 40, "demand", "is a number of 160 bits, which is too large"),
        ("every_year = 1", "every_year", "must be true or false, got 1"),
    ],
)
def test_a_wrong_value_is_told_with_file_line_and_key(
    tmp_path: Path, line: str, key: str, message: str
) -> None:
    # three lines, a good event of four, a blank line, four lines of an event: the key is on line 13
    text = f"# one\n# two\n# three\n{GOOD}\n{GOOD}{line}\n"
    there = re.search(rf"^{key} ", line, re.MULTILINE)
    number = 13 if there else 9  # a key that is not there: the line of its table
    expected = f"events.toml, line {number}, key {key!r}: {message}"
    assert complaint(tmp_path, text).startswith(expected)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("2024-03-15", '"2024-03-15"', "line 3, key 'start': must be a date such as 2024-03-15"),
        ("2024-03-15", "2024-03-15T10:00:00", "line 3, key 'start': must be a date"),
        ("2024-03-15", "10:00:00", "line 3, key 'start': must be a date"),
        ("2024-03-15", "2024", "line 3, key 'start': must be a date"),
        ("2024-03-15", "0001-01-01", "line 3, key 'start': must be in the years 1900 to 2999"),
        ("2024-03-15", "9999-12-31", "line 3, key 'start': must be in the years 1900 to 2999"),
        ("days = 3", "days = true", "line 4, key 'days': must be a whole number, got true"),
        ("days = 3", "days = 0", "line 4, key 'days': must be 1 to 3660, got 0"),
        ("days = 3", "days = 3.0", "line 4, key 'days': must be a whole number, got 3.0"),
        ("days = 3", "days = 99999999", "line 4, key 'days': must be 1 to 3660, got 99999999"),
        ('"viral"', '"virus"', "line 2, key 'kind': 'virus' is not one of viral, celebrity"),
        ('kind = "viral"\n', "", "line 1, key 'kind': is missing: every event needs kind, start"),
        ("start = 2024-03-15\n", "", "line 1, key 'start': is missing"),
        ("days = 3\n", "", "line 1, key 'days': is missing"),
        ("kind =", "kind.x =", "line 2, key 'kind': must be text in quotes"),
        ("days = 3", "days = 3\n[event.more]\nx = 1", "line 5, key 'more': is not known"),
    ],
)
def test_a_wrong_needed_key_is_told_with_file_line_and_key(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert complaint(tmp_path, GOOD.replace(old, new)).startswith(f"events.toml, {message}")


def test_an_event_of_every_year_cannot_begin_on_29_february(tmp_path: Path) -> None:
    text = GOOD.replace("2024-03-15", "2024-02-29")
    assert len(read(tmp_path, text)) == 1
    assert complaint(tmp_path, text + "every_year = true\n") == (
        "events.toml, line 3, key 'start': 2024-02-29 is not in every year: choose another day"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\n" + GOOD, "line 1, key 'x': is not known; events are written as [[event]] tables"),
        (GOOD + "[more]\nx = 1\n", "line 5, key 'more': is not known"),
        ("\n[event]\ndays = 3\n", "line 2, key 'event': write each event as a table [[event]]"),
        ("event = [1, 2]\n", "line 1, key 'event': write each event as a table [[event]]"),
        ('event = [{kind = "viral"}]\n', "line 1, key 'event': write each event as a table"),
        ("event = 3\n", "line 1, key 'event': write each event as a table"),
    ],
)
def test_a_file_of_another_form_is_told_with_its_line(
    tmp_path: Path, text: str, message: str
) -> None:
    assert complaint(tmp_path, text).startswith(f"events.toml, {message}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[event]]\nkind = viral\n", "not valid TOML: Invalid value (at line 2, column 8)"),
        (GOOD.replace("03-15", "02-30"), "not valid TOML: Invalid date or datetime (at line 3"),
        (GOOD + "days = 4\n", "not valid TOML: Cannot overwrite a value (at line 5"),
        ("[[event]]\ndays = " + "9" * 5000, "not valid TOML: "),
        ("[[event]]\nitems = " + "[" * 5000, "not valid TOML: "),
        (b"\xff\xfe[[event]]", "not UTF-8 at byte 0: save it as UTF-8"),
    ],
)
def test_a_file_that_is_not_toml_is_told_with_what_is_wrong(
    tmp_path: Path, text: str | bytes, message: str
) -> None:
    assert complaint(tmp_path, text).startswith(f"events.toml: {message}")


def test_a_missing_file_and_a_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(ScenarioFileError, match=r"none\.toml: there is no such file$"):
        read_events(tmp_path / "none.toml", START, 180)
    with pytest.raises(ScenarioFileError, match=r" is a folder: name a TOML file of events$"):
        read_events(tmp_path, START, 180)


@pytest.mark.parametrize(("start", "days"), [(date(1, 1, 1), 180), (date(9999, 12, 31), 9999)])
def test_a_run_at_the_ends_of_the_calendar_reads_its_events(
    tmp_path: Path, start: date, days: int
) -> None:
    path = tmp_path / "events.toml"
    path.write_text(GOOD + "every_year = true\n")
    assert read_events(path, start, days) == ()


def test_the_example_shows_an_offer_a_rumour_a_disruption_and_a_yearly_event() -> None:
    """It goes with the example sales, which end on 31 December 2025."""
    events = read_events(EXAMPLE, date(2025, 11, 1), 120)
    assert [event.kind for event in events] == [
        EventKind.PROMOTION,
        EventKind.VIRAL,
        EventKind.SUPPLY_DISRUPTION,
        EventKind.BLACK_FRIDAY,
    ]
    offer, rumour, disruption, black_friday = events
    assert (offer.announced, offer.price, offer.pull_forward) == (21, 0.8, 0.33)
    assert rumour.known_from == rumour.start
    assert not rumour.size_told
    assert (disruption.lead_time_extra, disruption.filled_share) == (3, 0.6)
    assert black_friday.items == ()
    next_year = read_events(EXAMPLE, date(2026, 11, 1), 60)[-1]
    assert next_year.start == date(2026, 11, 28)


def test_the_items_of_the_example_are_items_of_the_example_sales() -> None:
    rows = (EXAMPLE.parent / "items.csv").read_text(encoding="utf-8").splitlines()[1:]
    known = {row.split(",")[0] for row in rows}
    events = read_events(EXAMPLE, date(2025, 11, 1), 120)
    assert {item for event in events for item in event.items} <= known
