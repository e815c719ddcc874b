"""Why the store refuses."""

# ruff: noqa: N818 - these say what is the case, and callers read better without "Error"

from collections.abc import Iterable


class StoreError(RuntimeError):
    """The database cannot be used now; nothing was written, the same call may be made again."""

    retry_after = 5  # seconds


class StoreBusy(StoreError):
    """Another writer held the database too long, or the database server is away."""


class StoreFull(StoreError):
    """No room is left on the disk."""


class StoreUnwritable(StoreError):
    """The database may not be written: read-only, or its folder is gone."""


class KeyTaken(ValueError):
    """A row has a key that another one has already."""


class EventConflict(ValueError):
    """Events whose ids were used before, for something else."""

    def __init__(self, ids: Iterable[str]) -> None:
        self.ids = sorted(set(ids))
        shown = ", ".join(self.ids[:20])
        super().__init__(f"these ids were sent before with another content: {shown}")


class UnknownItems(ValueError):
    """Events of items that are not in the catalogue."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = sorted(set(names))
        shown = ", ".join(self.names[:20])
        super().__init__(f"these items are not in the catalogue, register them first: {shown}")


class RuleBroken(ValueError):
    """A fact that contradicts what is already known; `code` says which rule."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
