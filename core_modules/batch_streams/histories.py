"""Reads histories piece by piece: Parquet and CSV files of long rows, or frames as they come."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from core_modules.batch_prophet.design import data_columns
from core_modules.batch_prophet.fitting import frame_columns
from core_modules.batch_prophet.panel import Panel, panel_of_frame
from core_modules.batch_prophet.settings import BatchSettings
from core_modules.batch_streams.long_rows import long_rows

ENDINGS = (".parquet", ".csv", ".csv.gz")

Source = str | Path | Iterable[pd.DataFrame]


def panels_of(source: Source, settings: BatchSettings) -> Iterator[Panel]:
    """Yield the histories of a file, a folder of Parquet files, or frames, in their order.

    A row is an item's value on a day; days without a row, with an empty y, or whose `in_stock` is
    false are missing, as in Prophet. Items are whole in every frame; a file is sorted by them.
    """
    frames = _frames(Path(source), settings) if isinstance(source, (str, Path)) else source
    for frame in frames:
        seen = frame
        if "in_stock" in frame.columns:
            seen = frame.assign(y=frame["y"].where(frame["in_stock"].astype(bool)))
        yield panel_of_frame(seen, frame_columns(settings, seen))


def last_day(path: str | Path) -> np.datetime64:
    """Return the last day of all items of a file, datetime64[us], having read all of its rows.

    Raises ValueError where the file has no rows, or a cell cannot be used: before anything of it
    is forecast.
    """
    days = (pc.max(table["ds"]) for table in _tables(Path(path)) if table.num_rows)
    found = max((day.as_py() for day in days), default=None)
    if found is None:
        raise ValueError(f"{path}: has no rows")
    return np.datetime64(found, "us")


def digest_of_files(path: str | Path) -> str:
    """Return the sha256 of the bytes of a source's files, hex."""
    whole = hashlib.sha256()
    for file in files_of(Path(path)):
        with file.open("rb") as stream:
            whole.update(hashlib.file_digest(stream, "sha256").digest())
    return whole.hexdigest()


def files_of(path: Path) -> list[Path]:
    """Return the file itself, or the Parquet files of a folder by name.

    Raises ValueError where there is none of a kind that is read.
    """
    if path.is_dir():
        found = sorted(path.glob("[!._]*.parquet"))
        if not found:
            raise ValueError(f"{path}: is a folder without Parquet files")
        return found
    if not path.exists():
        raise ValueError(f"{path}: there is no such file")
    if not path.name.endswith(ENDINGS):
        raise ValueError(f"{path}: must end in {', '.join(ENDINGS)}")
    return [path]


def _frames(path: Path, settings: BatchSettings) -> Iterator[pd.DataFrame]:
    """Yield a file's rows in frames that end where an item ends."""
    held: pa.Table | None = None
    for batch in _tables(path, data_columns(settings), ["floor"]):
        if not batch.num_rows:
            continue
        table = batch if held is None else pa.concat_tables([held, batch])
        names = table["unique_id"].combine_chunks()
        ends = pc.run_end_encode(names).run_ends
        cut = ends[-2].as_py() if len(ends) > 1 else 0
        held = table.slice(cut)
        if cut:
            yield table.slice(0, cut).to_pandas()
    if held is not None:
        yield held.to_pandas()


def _tables(
    path: Path, needed: Sequence[str] = (), optional: Sequence[str] = ()
) -> Iterator[pa.Table]:
    for file in files_of(path):
        yield from long_rows(file, needed, optional)
