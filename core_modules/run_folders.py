"""Folders of results: checked before the work, complete or not there after it."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "results"
FIT_CACHE = ROOT / ".cache" / "fits"  # fits of Prophet, by the digest of their input


def check_folder(folder: Path) -> None:
    """Raise ValueError where a run's folder cannot be written, before the work is done."""
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file: name a folder with --out")
    parent = folder if folder.exists() else folder.parent
    while not parent.exists():
        parent = parent.parent
    if not os.access(parent, os.W_OK):
        raise ValueError(f"{parent} cannot be written: name another folder with --out")


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Yield a folder to write into that becomes `folder` only once everything is in it.

    Files of an earlier run are replaced; others in `folder` are left alone.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield part
        folder.mkdir(exist_ok=True)
        for file in part.iterdir():
            file.replace(folder / file.name)
    finally:
        shutil.rmtree(part, ignore_errors=True)
