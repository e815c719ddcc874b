"""What a forecast follows from, in words and digests: two runs that agree may share a folder."""

import hashlib
from dataclasses import fields
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

from core_modules.batch_prophet import fitting
from core_modules.batch_prophet.futures import Future
from core_modules.batch_prophet.panel import Panel
from core_modules.batch_prophet.settings import BatchSettings

LIBRARIES = ("numba", "numpy", "pandas", "prophet", "pyarrow", "scipy")
SHOWN = 16  # hex digits of a digest


@lru_cache(maxsize=1)
def engine_version() -> str:
    """Return a digest of the engine's source and the versions of the libraries that it runs on."""
    digest = hashlib.sha256()
    for file in sorted(Path(fitting.__file__).parent.glob("*.py")):
        digest.update(file.name.encode() + file.read_bytes())
    return " ".join([digest.hexdigest()[:SHOWN], *(f"{one} {version(one)}" for one in LIBRARIES)])


def described(settings: BatchSettings) -> dict[str, str]:
    """Return every setting as text; a frame by its digest."""
    found: dict[str, str] = {}
    for field in fields(settings):
        value = getattr(settings, field.name)
        frame = isinstance(value, pd.DataFrame)
        found[field.name] = described_frame(value) if frame else repr(value)
    return found


def described_future(future: Future) -> str:
    """Return the days that are asked for as text."""
    if isinstance(future, pd.DataFrame):
        return described_frame(future)
    days = pd.DatetimeIndex(pd.to_datetime(np.asarray(future)))
    digest = hashlib.sha256(days.to_numpy("datetime64[us]").tobytes()).hexdigest()
    return f"{len(days)} days, {days.min():%Y-%m-%d} to {days.max():%Y-%m-%d}, {digest[:SHOWN]}"


def described_frame(frame: pd.DataFrame) -> str:
    """Return a frame's size and a digest of its columns and values."""
    digest = hashlib.sha256(repr(list(frame.columns)).encode())
    digest.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
    return f"frame of {len(frame)} rows, {digest.hexdigest()[:SHOWN]}"


def panel_digest(panel: Panel) -> str:
    """Return a digest of a part's items, days and values."""
    digest = hashlib.sha256(repr(panel.ids.tolist()).encode())
    for array in (panel.dates.view(np.int64), panel.offsets, panel.rows, panel.y):
        digest.update(array.data)
    for name in sorted(panel.columns):
        digest.update(name.encode())
        digest.update(panel.columns[name].data)
    return digest.hexdigest()[:SHOWN]
