"""The spool: parcels for the agent wait on disk, in order, until each is acknowledged.

A parcel is one file. It is written beside its place, forced to disk and renamed, so that a crash
leaves it whole or not at all; it is removed after the agent's answer and never before.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import orjson

from streaming_production.generating.folder_lock import FolderInUseError, locked

_DIGITS = 12  # of a sequence number in a file's name
_HALF_WRITTEN = ".part"


class SpoolError(Exception):
    """The spool cannot be used; one line says why and how to mend it."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One request that must reach the agent."""

    path: str  # of the agent's API, such as /api/events
    headers: Mapping[str, str]
    body: bytes  # JSON

    def to_bytes(self) -> bytes:
        """Return the parcel as its file holds it: a line of JSON on top of the body."""
        return orjson.dumps({"path": self.path, "headers": dict(self.headers)}) + b"\n" + self.body

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Return the parcel that `to_bytes` wrote.

        Raises ValueError where the content is something else.
        """
        head, _, body = content.partition(b"\n")
        try:
            top = orjson.loads(head)
            return cls(str(top["path"]), {str(k): str(v) for k, v in top["headers"].items()}, body)
        except (AttributeError, KeyError, TypeError) as problem:
            raise ValueError(f"not a parcel: {problem!r}") from None


class Spool:
    """A folder of parcels that one generator at a time may use."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rejected = folder / "rejected"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = locked(folder)
            for leftover in folder.glob(f"*{_HALF_WRITTEN}"):
                leftover.unlink()
            self._waiting = sorted(folder.glob("[0-9]*.parcel"))
            kept = [*self._waiting, *self.rejected.glob("[0-9]*.parcel")]
        except FolderInUseError:
            raise SpoolError(
                f"another generator is using the spool {folder}: stop it first, or give this one "
                "a folder of its own with --spool"
            ) from None
        except OSError as error:
            raise self._unusable(error) from error
        self._next = 1 + max((int(file.name[:_DIGITS]) for file in kept), default=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lock.close()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, parcel: Parcel) -> None:
        """Add a parcel behind all others; it is on disk when this returns.

        Raises SpoolError where the disk is full or the folder cannot be written.
        """
        place = self.folder / f"{self._next:0{_DIGITS}d}.parcel"
        self._write(place, parcel)
        self._next += 1
        self._waiting.append(place)

    def oldest(self) -> Parcel | None:
        """Return the parcel to send next, None where none waits.

        A file that holds no parcel is set aside, for a person to look at.
        """
        while self._waiting:
            try:
                return Parcel.from_bytes(self._waiting[0].read_bytes())
            except ValueError as problem:
                self.reject(f"damaged file: {problem}")
            except OSError as error:
                raise self._unusable(error) from error
        return None

    def remove(self) -> None:
        """Drop the oldest parcel, which the agent has acknowledged."""
        try:
            self._waiting.pop(0).unlink()
            _sync_folder(self.folder)
        except OSError as error:
            raise self._unusable(error) from error

    def replace(self, parcel: Parcel) -> None:
        """Put another parcel in the oldest one's place."""
        self._write(self._waiting[0], parcel)

    def reject(self, answer: str, refused: Parcel | None = None) -> Path:
        """Set the oldest parcel aside with the agent's answer, or only what was `refused` of it.

        Returns where it now is.
        """
        source = self._waiting[0]
        aside = self.rejected / source.name
        try:
            self.rejected.mkdir(exist_ok=True)
        except OSError as error:
            raise self._unusable(error) from error
        if refused is None:
            source.rename(aside)
            self._waiting.pop(0)
        else:
            self._write(aside, refused)
        aside.with_suffix(".answer.txt").write_text(answer + "\n", encoding="utf-8")
        return aside

    def _write(self, place: Path, parcel: Parcel) -> None:
        part = place.with_suffix(_HALF_WRITTEN)
        try:
            with part.open("wb") as file:
                file.write(parcel.to_bytes())
                file.flush()
                os.fsync(file.fileno())
            part.rename(place)
            _sync_folder(place.parent)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise self._unusable(error) from error

    def _unusable(self, error: OSError) -> SpoolError:
        return SpoolError(
            f"the spool {self.folder} cannot be used ({error.strerror}): make room or mend its "
            "rights and start again, or choose another folder with --spool; what waits in it stays"
        )


def _sync_folder(folder: Path) -> None:
    """Force a folder's names to disk, so that a rename outlives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
