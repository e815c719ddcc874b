"""A lock on a folder: one process at a time works in it."""

from pathlib import Path
from typing import IO


class FolderInUseError(Exception):
    """Another process works in the folder."""


def locked(folder: Path) -> IO[bytes]:
    """Return the folder's lock file, which holds the lock for as long as it is open.

    Raises FolderInUseError where another process holds it; a process that dies lets go of it.
    """
    file = (folder / "lock").open("ab")
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:  # Windows: two processes in one folder are the user's care
        return file
    except BlockingIOError:
        file.close()
        raise FolderInUseError(str(folder)) from None
    return file
