"""The text of a CSV file: whether it is one, and which record stands in which line."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NoReturn

import numpy as np

from core_modules.history_files.sales_errors import SalesDataError

LONGEST_LINE = 131_072  # bytes; M5's widest line has about 12,000


def check_text(path: Path, content: bytes) -> None:
    """Raise SalesDataError unless the bytes are UTF-8 lines of a sane length."""
    if content[:4] == b"PK\x03\x04":
        raise SalesDataError(f"{path}: is a spreadsheet or zip file; save it as CSV (UTF-8)")
    if content[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in content:
        raise SalesDataError(f"{path}: is not UTF-8 text; save it as CSV (UTF-8)")
    _check_letters(path, content)
    _check_lines(path, content)


def _check_letters(path: Path, content: bytes, before: int = 0) -> None:
    """Raise SalesDataError unless the bytes are UTF-8; `before` lines came earlier."""
    try:
        if not content.isascii():
            content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = before + content.count(b"\n", 0, error.start) + 1
        raise SalesDataError(
            f"{path}, line {line}: byte 0x{content[error.start]:02x} is not UTF-8; "
            "save the file as CSV (UTF-8)"
        ) from None


def _check_lines(path: Path, content: bytes) -> None:
    if not _short_lines(content):
        ends = np.flatnonzero(np.frombuffer(content, dtype=np.uint8) == ord("\n"))
        lengths = np.diff(ends, prepend=-1, append=len(content))
        line = int(lengths.argmax()) + 1
        raise SalesDataError(
            f"{path}, line {line}: has {lengths.max():,} bytes, more than {LONGEST_LINE:,}; "
            "is this a table of sales with one row a line?"
        )
    if content.count(b'"') % 2:
        raise SalesDataError(f"{path}: a quotation mark is opened and never closed; close it")


def _short_lines(content: bytes) -> bool:
    """Return whether no line is too long, from one line end in every so many bytes."""
    start = 0
    while len(content) - start >= LONGEST_LINE:
        end = content.rfind(b"\n", start, start + LONGEST_LINE)
        if end < 0:
            return False
        start = end + 1
    return True


def records(stream: BinaryIO) -> Iterator[tuple[int, list[str]]]:
    """Yield each record that is not an empty line with the number of its first line."""
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
    reader = csv.reader(text)
    line = 1
    try:
        for record in reader:
            if record:
                yield line, record
            line = reader.line_num + 1
    finally:
        text.detach()  # whoever opened the stream closes it


def line_of_record(stream: BinaryIO, wanted: int) -> int:
    """Return the first line of the `wanted`-th record, the header being record 0.

    Blank lines and line breaks inside quotes make line and record differ, so an error (and only
    an error) pays for a second, slow reading.
    """
    try:
        for number, (line, _) in enumerate(records(stream)):
            if number == wanted:
                return line
    except csv.Error:
        pass  # a field too long for Python's reader; the record's number is the best that is left
    return wanted + 1


def refuse_unreadable(path: Path, stream: BinaryIO, columns: int, reason: str) -> NoReturn:
    """Raise SalesDataError at the first line that makes a CSV unreadable, found by reading it all.

    `reason` is told where the letters and the number of columns are as they should be.
    """
    for before, line in enumerate(stream):
        _check_letters(path, line, before)
    stream.seek(0)
    try:
        for number, record in records(stream):
            if len(record) != columns:
                refuse_shape(path, number, len(record), columns)
    except csv.Error:
        pass  # as in `line_of_record`
    raise unreadable(path, reason)


def unreadable(path: Path, reason: str) -> SalesDataError:
    """Return the error of a CSV that cannot be read for a `reason` in a reader's own words."""
    first = reason.splitlines()[0][:120]
    return SalesDataError(f"{path}: is not a readable CSV ({first}); export it again")


def refuse_shape(path: Path, line: int, found: int, expected: int) -> NoReturn:
    """Raise SalesDataError for a record of another number of columns than the header."""
    mend = "complete the row; is the file cut short?"
    if found > expected:
        mend = "put text that holds a comma in double quotes, and write decimals with a point"
    raise SalesDataError(f"{path}, line {line}: has {found} columns instead of {expected}; {mend}")
