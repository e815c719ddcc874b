"""Reads the dates of a file: ISO ones, as everything else would be a guess."""

import re
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray

from core_modules.history_files.sales_columns import distinct
from core_modules.history_files.sales_files import TextTable

YEARS = (1900, 2199)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MIDNIGHT = re.compile(r"[T ]00:00(:00(\.0+)?)?")
_MINUTE = re.compile(r"[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?")
_PARTS = re.compile(r"(\d{1,2})[/. -](\d{1,2})[/. -](\d{4})\b.*")


def days(table: TextTable, column: str) -> NDArray[np.datetime64]:
    """Return a column of ISO dates (YYYY-MM-DD, midnight at most) as datetime64[D], (rows,)."""
    return moments(table, column, _MIDNIGHT).astype("datetime64[D]")


def moments(
    table: TextTable, column: str, clock: re.Pattern[str] = _MINUTE
) -> NDArray[np.datetime64]:
    """Return a column of ISO dates with a time of day as datetime64[s], shape (rows,).

    Only the ISO order year-month-day is read: 03/04/2024 is a day in March or in April, and a
    guess would be wrong without anybody noticing.
    """
    codes, texts = distinct(table.columns[column])
    parsed = [_parse_moment(text, clock) for text in texts]
    problems = np.array([isinstance(moment, str) for moment in parsed], dtype=bool)
    if problems[codes].any():
        row = int(problems[codes].argmax())
        mixed = not problems.all() and not _DAY.match(texts[codes[row]])
        also = " (the file mixes date formats)" if mixed else ""
        table.refuse_cell(row, column, f"{parsed[codes[row]]}{also}")
    return np.array(parsed, dtype="datetime64[s]")[codes]


def _parse_moment(text: str, clock: re.Pattern[str]) -> datetime | str:
    """Return the moment, or what is wrong with it."""
    if not _DAY.match(text):
        return _not_iso(text)
    if len(text) > 10 and not clock.fullmatch(text, 10):
        wanted = "YYYY-MM-DD" if clock is _MIDNIGHT else "YYYY-MM-DD HH:MM:SS"
        return f"is not written {wanted}, without a time zone; write it like that"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return "is a day that no calendar has; mend it"
    if not YEARS[0] <= moment.year <= YEARS[1]:
        return f"is outside the years {YEARS[0]} to {YEARS[1]}; mend it"
    return moment


def _not_iso(text: str) -> str:
    parts = _PARTS.fullmatch(text)
    if not parts:
        return "is not an ISO date; write YYYY-MM-DD, such as 2024-03-31"
    first, second, year = (int(part) for part in parts.groups())
    readings = {_iso(year, second, first), _iso(year, first, second)} - {""}
    return (
        "is not an ISO date; day-first and month-first are never guessed: write "
        f"{' or '.join(sorted(readings)) or 'YYYY-MM-DD'}"
    )


def _iso(year: int, month: int, day: int) -> str:
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return ""
