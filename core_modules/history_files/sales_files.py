"""Opens a CSV or Parquet file, gzipped or not, as a table of text that knows its line numbers."""

import csv
import gzip
import hashlib
import io
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NoReturn, cast

import pyarrow as pa
import pyarrow.csv as arrow_csv

from core_modules.history_files.csv_text import (
    check_text,
    line_of_record,
    records,
    refuse_shape,
    unreadable,
)
from core_modules.history_files.sales_errors import SalesDataError, quoted

LARGEST_FILE = 2 * 1024**3  # bytes after decompression
_UNNAMED = ("", "__index_level_0__", "Unnamed: 0")  # what an index becomes when it is written

TextOpener = Callable[[], AbstractContextManager[BinaryIO]]


@dataclass(frozen=True, slots=True, eq=False)
class TextTable:
    """A file's columns, or those of some of its rows, as text as written; an empty cell is ''."""

    path: Path
    columns: Mapping[str, Any]  # name -> pyarrow array of numbers into distinct texts (rows,)
    rows: int  # data rows, the header not counted
    digest: str  # sha256 of the file's bytes, hex
    text: TextOpener | None = field(default=None, repr=False)  # to find lines; None for Parquet
    floats: frozenset[str] = frozenset()  # columns that Parquet holds as fractions
    before: int = 0  # rows of the file that come before these

    def __contains__(self, column: object) -> bool:
        return column in self.columns

    def texts(self, column: str) -> Any:
        """Return a column as a pyarrow string array (rows,)."""
        return self.columns[column].dictionary_decode()

    def cell(self, row: int, column: str) -> str:
        """Return the text of one cell; rows count from 0."""
        return str(self.columns[column][row].as_py())

    def place(self, row: int) -> str:
        """Return 'line 7' of a CSV (its header is line 1) or 'row 6' of a Parquet file."""
        number = self.before + row + 1
        if not self.text:
            return f"row {number}"
        with self.text() as stream:
            return f"line {line_of_record(stream, number)}"

    def refuse(self, problem: str, row: int | None = None) -> NoReturn:
        """Raise SalesDataError naming the file and, where given, the row."""
        where = "" if row is None else f", {self.place(row)}"
        raise SalesDataError(f"{self.path}{where}: {problem}")

    def refuse_cell(self, row: int, column: str, problem: str) -> NoReturn:
        """Raise SalesDataError naming the file, the line, the column and the value."""
        self.refuse(f"{column} {quoted(self.cell(row, column))} {problem}", row)


def read_table(path: str | Path, *, may_be_empty: bool = False) -> TextTable:
    """Read a CSV (UTF-8, commas, a header) or Parquet file, either of them gzipped or not.

    What the file is follows from its first bytes, not from its name. Every cell stays text, so
    that '00123' keeps its zeros and nothing is guessed.

    Raises
    ------
    SalesDataError
        The file is missing, a directory, empty, damaged, not UTF-8, or its rows differ in length;
        or it has no rows and `may_be_empty` is False.
    """
    path = Path(path)
    stored = _read_bytes(path)
    content = _decompressed(path, stored)
    digest = hashlib.sha256(stored).hexdigest()
    parse = _parse_parquet if content[:4] == b"PAR1" else _parse_csv
    table = parse(path, content, digest)
    _check_names(table, list(table.columns))
    if not table.rows and not may_be_empty:
        table.refuse("has a header but no rows; export it again with its data")
    return table


def _read_bytes(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise SalesDataError(f"{path}: there is no such file; check the path") from None
    except IsADirectoryError:
        raise SalesDataError(f"{path}: is a folder; name the file in it") from None
    except OSError as error:
        raise SalesDataError(f"{path}: cannot be read ({error.strerror}); mend that") from None
    if not content:
        raise SalesDataError(f"{path}: is empty (0 bytes); export it again")
    return content


@contextmanager
def open_text(path: Path) -> Iterator[BinaryIO]:
    """Open a CSV to be read piece by piece, gzipped where it is named .gz.

    Raises SalesDataError where the gzip data proves to be damaged, while it is read too.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            yield cast(BinaryIO, stream)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise _damaged(path) from None


def _damaged(path: Path) -> SalesDataError:
    return SalesDataError(
        f"{path}: the gzip data is damaged or cut short; copy or download it again"
    )


def _decompressed(path: Path, content: bytes) -> bytes:
    if content[:2] == b"\x1f\x8b":
        try:
            with gzip.open(io.BytesIO(content)) as stream:
                content = stream.read(LARGEST_FILE + 1)
        except (EOFError, gzip.BadGzipFile, zlib.error):
            raise _damaged(path) from None
        if not content:
            raise SalesDataError(f"{path}: is empty inside its gzip; export it again")
    elif path.suffix == ".gz":
        raise SalesDataError(f"{path}: is named .gz but is not gzip; rename it or gzip it")
    if len(content) > LARGEST_FILE:
        raise SalesDataError(f"{path}: holds more than 2 GB; split it by item")
    return content


def _parse_parquet(path: Path, content: bytes, digest: str) -> TextTable:
    import pyarrow.parquet as arrow_parquet

    try:
        table = arrow_parquet.read_table(pa.BufferReader(content))
    except (pa.ArrowException, OSError):
        raise SalesDataError(f"{path}: the Parquet data is damaged; write it again") from None
    _check_repeats(path, table.column_names)
    columns: dict[str, Any] = {}
    for name in table.column_names:
        kind = table.column(name).type
        try:
            texts = table.column(name).combine_chunks().cast(pa.string())
        except pa.ArrowException:
            raise SalesDataError(
                f"{path}: column {quoted(name)} holds {kind}; "
                "write it as text, a number, a date or true/false"
            ) from None
        columns[name] = texts.fill_null("").dictionary_encode()
    floats = (name for name in table.column_names if pa.types.is_floating(table.field(name).type))
    return TextTable(path, columns, table.num_rows, digest, floats=frozenset(floats))


def _parse_csv(path: Path, content: bytes, digest: str) -> TextTable:
    check_text(path, content)
    header = first_record(path, io.BytesIO(content))
    misshapen: list[Any] = []

    def keep(row: Any) -> str:
        misshapen.append(row)
        return "skip"

    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(content),
            # One thread, because the row number of a misshapen row is known to that one only.
            read_options=arrow_csv.ReadOptions(
                use_threads=False, block_size=1 << 24, column_names=header, skip_rows=0
            ),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=keep),
            # Each text is kept once: most come back in row after row.
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.dictionary(pa.int32(), pa.string())),
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowException as error:
        raise unreadable(path, str(error)) from None
    if misshapen:
        row = misshapen[0]  # its number counts records from 1, the header included
        line = line_of_record(io.BytesIO(content), row.number - 1)
        refuse_shape(path, line, row.actual_columns, len(header))
    table = table.slice(1)
    columns = {name: table.column(name).combine_chunks() for name in header}
    return TextTable(path, columns, table.num_rows, digest, text=partial(io.BytesIO, content))


def first_record(path: Path, stream: BinaryIO) -> list[str]:
    """Return a CSV's header.

    Raises SalesDataError where there is none, it names a column twice, or its separator is no
    comma.
    """
    try:
        _, header = next(records(stream), (0, []))
    except csv.Error as error:
        raise SalesDataError(f"{path}, line 1: is no header ({error}); write one") from None
    if not header:
        raise SalesDataError(f"{path}: holds nothing but empty lines; export it again")
    _check_repeats(path, header)
    for separator, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        if len(header) == 1 and separator in header[0]:
            raise SalesDataError(
                f"{path}, line 1: columns are separated by {name}; save the file with commas "
                "(and decimal points)"
            )
    return header


def _check_repeats(path: Path, names: list[str]) -> None:
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise SalesDataError(
            f"{path}: has the column {quoted(repeated[0])} twice; rename or remove one"
        )


def _check_names(table: TextTable, names: list[str]) -> None:
    for position, name in enumerate(names, start=1):
        if name in _UNNAMED:
            table.refuse(
                f"column {position} has no name (an index that was written along?); "
                "name it or leave it out"
            )
        if name != name.strip() or not name.isprintable():
            table.refuse(f"the column name {quoted(name)} has blanks or marks in it; retype it")
