"""Reads CSV and Parquet files of long rows table by table, and checks every cell of theirs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq

from core_modules.batch_prophet.panel import KEYS
from core_modules.history_files.csv_text import LONGEST_LINE, check_text, refuse_unreadable
from core_modules.history_files.sales_columns import flags, item_ids, numbers, require_columns
from core_modules.history_files.sales_dates import moments
from core_modules.history_files.sales_files import TextTable, first_record, open_text
from core_modules.history_files.sales_readers import SYNONYMS

BATCH_ROWS = 1 << 18  # read at a time
_CHECKED = (*KEYS, "in_stock")
_MISSING = pa.array(arrow_csv.ConvertOptions().null_values)  # how other programs write a missing y

Cells = Callable[[str], TextTable]  # one column of some rows as text, which knows its lines


def long_rows(
    file: Path, needed: Sequence[str] = (), optional: Sequence[str] = ()
) -> Iterator[pa.Table]:
    """Yield the rows of a file, `ds` as moments, `y` as numbers, `in_stock` as true or false.

    Columns are `unique_id`, `ds`, `y` and those `needed`, and where the file has them `in_stock`
    and those `optional`; others are not read. Raises SalesDataError at the first cell of
    `unique_id`, `ds`, `y` or `in_stock` that cannot be used.
    """
    csv = file.suffix != ".parquet"
    text = partial(open_text, file) if csv else None
    before = 0
    for table in (_csv_tables if csv else _parquet_tables)(file, needed, optional):

        def cells(name: str, table: pa.Table = table, before: int = before) -> TextTable:
            texts = table[name].combine_chunks().cast(pa.string()).fill_null("")
            columns = {name: texts.dictionary_encode()}
            return TextTable(file, columns, table.num_rows, "", text, before=before)

        yield _checked(table, cells)
        before += table.num_rows


def _parquet_tables(
    file: Path, needed: Sequence[str], optional: Sequence[str]
) -> Iterator[pa.Table]:
    with pq.ParquetFile(file) as parquet:
        columns = _chosen(file, parquet.schema_arrow.names, needed, optional)
        for batch in parquet.iter_batches(BATCH_ROWS, columns=columns):
            table = pa.Table.from_batches([batch])
            plain = (pa.field(one.name, _plain(one.type)) for one in table.schema)
            yield table.cast(pa.schema(plain))


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _csv_tables(file: Path, needed: Sequence[str], optional: Sequence[str]) -> Iterator[pa.Table]:
    header = _header(file)
    chosen = _chosen(file, header, needed, optional)
    try:
        reader = arrow_csv.open_csv(
            file,
            read_options=arrow_csv.ReadOptions(block_size=BATCH_ROWS * 32),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(
                include_columns=chosen, column_types=dict.fromkeys(_CHECKED, pa.string())
            ),
        )
        with reader:
            for batch in reader:
                yield pa.Table.from_batches([batch])
    except (pa.ArrowException, OSError) as error:
        with open_text(file) as stream:
            refuse_unreadable(file, stream, len(header), str(error))


def _header(file: Path) -> list[str]:
    with open_text(file) as stream:
        lines = iter(partial(stream.readline, LONGEST_LINE + 1), b"")
        line = next((line for line in lines if line.strip()), b"")
    check_text(file, line)
    return first_record(file, BytesIO(line))


def _chosen(
    file: Path, names: Sequence[str], needed: Sequence[str], optional: Sequence[str]
) -> list[str]:
    found = TextTable(file, dict.fromkeys(names), 0, "")
    require_columns(found, (*KEYS, *needed), SYNONYMS)
    return list(
        dict.fromkeys([*KEYS, *needed, *(one for one in ("in_stock", *optional) if one in names)])
    )


def _checked(table: pa.Table, cells: Cells) -> pa.Table:
    ids = table["unique_id"]
    if ids.null_count or _is_text(ids):
        item_ids(cells("unique_id"))
    for name, read in (("ds", _moments), ("y", _numbers), ("in_stock", _flags)):
        if name in table.column_names:
            place = table.column_names.index(name)
            table = table.set_column(place, name, read(table[name], cells))
    return table


def _moments(column: Any, cells: Cells) -> Any:
    try:
        found = column.cast(pa.timestamp("us"))
    except pa.ArrowException:
        return pa.array(moments(cells("ds"), "ds")).cast(pa.timestamp("us"))
    if found.null_count:
        moments(cells("ds"), "ds")
    return found


def _numbers(column: Any, cells: Cells) -> Any:
    """Return y as numbers of either sign, NaN where it is missing."""
    if not _is_text(column):
        values = column.cast(pa.float64())
        if not pc.any(pc.is_inf(values)).as_py():
            return values
    told = cells("y")
    texts = told.texts("y")
    seen = pc.if_else(pc.is_in(texts, _MISSING), "", texts).dictionary_encode()
    told = replace(told, columns={"y": seen})
    return pa.array(numbers(told, "y", least=-np.inf, most=np.inf, blank=True))


def _flags(column: Any, cells: Cells) -> Any:
    return pa.array(flags(cells("in_stock"), "in_stock")) if _is_text(column) else column


def _is_text(column: Any) -> bool:
    return bool(pa.types.is_string(column.type) or pa.types.is_large_string(column.type))
