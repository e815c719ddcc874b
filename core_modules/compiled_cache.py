"""Lets go of compiled code that numba keeps on disk once any source file of the project changes.

numba renews what it keeps of a function when the function's own file changes, not when one that it
calls from another file does: without this, an update could go on with the old arithmetic.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

STAMP = "sources.txt"  # in __pycache__: the files that the compiled code was made from


def drop_stale_code(package: Path) -> bool:
    """Drop what is kept under a package whose files are others than last time; tell whether so.

    A folder that cannot be written to is left as it is: nothing is kept there either.
    """
    found = "".join(_described(file, package) for file in sorted(package.rglob("*.py")))
    stamp = package / "__pycache__" / STAMP
    with suppress(OSError):
        if stamp.read_text() == found:
            return False
    with suppress(OSError):
        for kept in package.rglob("__pycache__/*.nb[ic]"):
            kept.unlink(missing_ok=True)
        stamp.parent.mkdir(exist_ok=True)
        fresh = stamp.with_name(f"{STAMP}.{os.getpid()}")
        fresh.write_text(found)
        fresh.replace(stamp)
    return True


def _described(file: Path, package: Path) -> str:
    stat = file.stat()
    return f"{file.relative_to(package)} {stat.st_mtime_ns} {stat.st_size}\n"
