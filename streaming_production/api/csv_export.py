"""Lists as CSV files, written as they are read."""

import csv
import io
from collections.abc import Callable, Generator, Iterator
from typing import Any

from flask import Response

from streaming_production.api.shared_schemas import Answer
from streaming_production.storage.rows import Page
from streaming_production.web.event_stream import held_response
from streaming_production.web.limits import Slots

ROWS_A_PAGE = 500
CSV = "text/csv; charset=utf-8"
CSV_RESPONSE: dict[str, Any] = {
    "description": "one row each, with the names of the columns first",
    "content": {"text/csv": {"schema": {"type": "string"}}},
}
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would run


def csv_answer(
    schema: type[Answer], page: Callable[[int], Page[Any]], file_name: str, slots: Slots
) -> Response:
    """Answer with the fields of `schema` of all rows, read page by page, newest first."""
    columns = tuple(schema.model_fields)
    headers = {"Content-Disposition": f'attachment; filename="{file_name}"'}
    return held_response(_chunks(columns, _pages(page)), slots, "exports", CSV, headers)


def _pages(page: Callable[[int], Page[Any]]) -> Iterator[list[Any]]:
    number, before = 1, list[Any]()
    while True:
        rows = page(number).rows
        # What came in meanwhile moved rows on to this page that were on the one before.
        yield [row for row in rows if row not in before]
        if len(rows) < ROWS_A_PAGE:
            return
        number, before = number + 1, rows


def _chunks(columns: tuple[str, ...], pages: Iterator[list[Any]]) -> Generator[bytes]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(columns)
    for rows in pages:
        writer.writerows([_cell(getattr(row, column)) for column in columns] for row in rows)
        yield buffer.getvalue().encode()
        buffer.seek(0)
        buffer.truncate()


def _cell(value: object) -> object:
    """Return a cell; text that a spreadsheet would take for a formula gets an apostrophe.

    >>> _cell("=1+2"), _cell(-3), _cell(("late", "corrected"))
    ("'=1+2", -3, 'late; corrected')
    """
    if isinstance(value, tuple):
        value = "; ".join(value)
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value
