"""The reader of a user's own market events: a TOML file with an [[event]] table for each."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from reprlib import repr as shortened
from typing import Any, TypeVar

from core_modules.market_events import FIRST_YEAR, LAST_YEAR, EventKind, MarketEvent, Shape

Member = TypeVar("Member", EventKind, Shape)

_KEYS: Mapping[str, type | tuple[type, ...]] = {
    "kind": str,
    "name": str,
    "source": str,
    "start": date,
    "days": int,
    "demand": (int, float),
    "shape": str,
    "pull_forward": (int, float),
    "pull_forward_days": int,
    "price": (int, float),
    "lead_time_extra": int,
    "filled_share": (int, float),
    "supplier_shut": bool,
    "announced": int,
    "unnoticed": bool,
    "size_told": bool,
    "length_told": bool,
    "false_alarm": bool,
    "items": list,
    "every_year": bool,
}
_TYPE_NAMES: Mapping[type | tuple[type, ...], str] = {
    str: "text in quotes",
    date: "a date such as 2024-03-15 (without quotes)",
    int: "a whole number",
    bool: "true or false",
    list: 'a list of item ids such as ["A-1", "A-2"]',
    (int, float): "a number",
}
_NEEDED = ("kind", "start", "days")
_HEADER = re.compile(r"^[ \t]*\[\[[ \t]*[\"']?event[\"']?[ \t]*\]\]", re.MULTILINE)


class ScenarioFileError(ValueError):
    """A scenario file that cannot be used; the message names file, line and key."""


def read_events(path: Path | str, start: date, days: int) -> tuple[MarketEvent, ...]:
    """Read the events of a TOML file for a run of `days` days from `start`.

    `every_year = true` repeats an event on its day of every year in which the run can notice it;
    the other events are all returned. Raises ScenarioFileError naming file, line and key.
    """
    path = Path(path)
    text = _text(path)
    entries = _entries(path, text)
    begins = [header.start() for header in _HEADER.finditer(text)]
    if len(begins) != len(entries):
        raise _not_tables(path, text)
    events: list[MarketEvent] = []
    for number, entry in enumerate(entries):
        end = begins[number + 1] if number + 1 < len(begins) else len(text)
        above = text.count("\n", 0, begins[number])
        table = _Table(path, number + 1, text[begins[number] : end], above)
        events.extend(_events_of(table, entry, start, days))
    return tuple(events)


def years_around(start: date, days: int) -> range:
    """Return the years whose events a run of `days` days from `start` can feel or know of.

    >>> years_around(date(2024, 1, 1), 366)
    range(2023, 2026)
    """
    last = date.fromordinal(min(start.toordinal() + days - 1, date.max.toordinal()))
    return range(max(start.year - 1, FIRST_YEAR), min(last.year + 1, LAST_YEAR) + 1)


def _text(path: Path) -> str:
    try:
        # Editors on Windows put a byte order mark first, which TOML does not know.
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise ScenarioFileError(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise ScenarioFileError(f"{path} is a folder: name a TOML file of events") from None
    except OSError as error:
        raise ScenarioFileError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        message = f"{path}: not UTF-8 at byte {error.start}: save it as UTF-8"
        raise ScenarioFileError(message) from None


def _entries(path: Path, text: str) -> list[Mapping[str, Any]]:
    try:
        tables = tomllib.loads(text)
    # A number of thousands of digits is a plain ValueError, thousands of brackets a RecursionError.
    except (ValueError, RecursionError) as error:
        raise ScenarioFileError(f"{path}: not valid TOML: {error}") from None
    unknown = sorted(set(tables) - {"event"})
    if unknown:
        raise ScenarioFileError(
            f"{path}, line {_line_of(unknown[0], text, 0)}, key {unknown[0]!r}: is not known; "
            "events are written as [[event]] tables, each with its keys below it"
        )
    entries = tables.get("event", [])
    if not isinstance(entries, list):
        raise _not_tables(path, text)
    return entries


def _not_tables(path: Path, text: str) -> ScenarioFileError:
    return ScenarioFileError(
        f"{path}, line {_line_of('event', text, 0)}, key 'event': write each event as a table "
        "[[event]], with two brackets, on a line of its own"
    )


def _line_of(key: str, text: str, above: int) -> int:
    """Return the line, from 1, on which a key is set in a text with `above` lines above it.

    The line of the text's beginning if the key is not there.
    """
    found = re.search(
        rf"^[ \t]*(?:\[+[ \t]*)?(?:event[ \t]*\.[ \t]*)?[\"']?{re.escape(key)}[\"']?[ \t]*[].=]",
        text,
        re.MULTILINE,
    )
    return above + 1 + (text.count("\n", 0, found.end()) if found else 0)


@dataclass(frozen=True, slots=True)
class _Table:
    """Where one [[event]] table stands, for messages."""

    path: Path
    number: int  # from 1, in file order
    text: str  # from its header to the next
    above: int  # lines above it

    def fail(self, key: str, message: str) -> ScenarioFileError:
        line = _line_of(key, self.text, self.above)
        return ScenarioFileError(f"{self.path}, line {line}, key {key!r}: {message}")


def _events_of(
    table: _Table, entry: Mapping[str, Any], start: date, days: int
) -> Iterator[MarketEvent]:
    for key, value in entry.items():
        _check(table, key, value)
    for key in _NEEDED:
        if key not in entry:
            raise table.fail(key, f"is missing: every event needs {', '.join(_NEEDED)}")
    values = dict(entry)
    values["kind"] = _member(table, "kind", values["kind"], EventKind)
    values["shape"] = _member(table, "shape", values.get("shape", Shape.FLAT), Shape)
    values["items"] = tuple(values.get("items", ()))
    every_year, first = values.pop("every_year", False), values.pop("start")
    yield from (
        event
        for begin in _beginnings(table, first, every_year, start, days)
        if (event := _event(table, begin, values)).concerns(start, days) or not every_year
    )


def _check(table: _Table, key: str, value: object) -> None:
    if key not in _KEYS:
        raise table.fail(key, f"is not known; the keys are {', '.join(_KEYS)}")
    expected = _KEYS[key]
    wrong = not isinstance(value, expected)
    wrong |= isinstance(value, bool) and expected is not bool
    wrong |= isinstance(value, datetime)
    if isinstance(value, list):
        wrong |= not value or not all(isinstance(item, str) for item in value)
    if wrong:
        raise table.fail(key, f"must be {_TYPE_NAMES[expected]}, got {_shown(value)}")
    if isinstance(value, int) and value.bit_length() > 63:
        raise table.fail(key, f"is a number of {value.bit_length()} bits, which is too large")


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, date | time) else shortened(value)


def _member(table: _Table, key: str, value: str, kinds: type[Member]) -> Member:
    try:
        return kinds(value)
    except ValueError:
        raise table.fail(key, f"{shortened(value)} is not one of {', '.join(kinds)}") from None


def _beginnings(
    table: _Table, first: date, every_year: bool, start: date, days: int
) -> Iterator[date]:
    if not every_year:
        yield first
        return
    if (first.month, first.day) == (2, 29):
        raise table.fail("start", f"{first} is not in every year: choose another day")
    for year in years_around(start, days):
        yield first.replace(year=year)


def _event(table: _Table, begin: date, values: Mapping[str, Any]) -> MarketEvent:
    try:
        return MarketEvent(f"event-{table.number}-{begin.isoformat()}", start=begin, **values)
    except ValueError as error:
        key, _, message = str(error).partition(" ")
        raise table.fail(key, message) from None
