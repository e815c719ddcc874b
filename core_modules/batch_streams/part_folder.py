"""A folder of parts: each a Parquet file written whole or not at all, resumed where it stopped.

A part's file is named by its number and the digest of the history behind it, so a file that is
there is one that need not be computed. `_manifest.json` says what all parts follow from.
"""

import json
import os
import time
import uuid
from collections.abc import Mapping
from pathlib import Path

from core_modules.plain_json import to_json
from core_modules.run_folders import check_folder

MANIFEST = "_manifest.json"  # readers of Parquet folders skip names that begin with _ or .
STALE = 3_600  # seconds after which an unfinished file belongs to nobody

Facts = Mapping[str, str]


class PartFolder:
    """The parts of one forecast in one folder; several writers of the same do not clash."""

    def __init__(self, folder: Path, facts: Facts) -> None:
        """Open a new folder, or one that was begun with the same facts.

        Raises ValueError where it cannot be written, holds other things, or was begun with other
        facts, saying which.
        """
        check_folder(folder)
        self._begun = False  # here and now
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        _clear_stale(folder)
        manifest = folder / MANIFEST
        if manifest.exists():
            _compare(folder, _read(manifest), facts)
        elif any(not file.name.startswith(".") for file in folder.iterdir()):
            raise ValueError(f"{folder} holds other files: name an empty folder, or a new one")
        else:
            write_whole(manifest, (to_json(facts) + "\n").encode())
            self._begun = True
        self.digests = dict(_number_and_digest(file) for file in folder.glob("part-*.parquet"))

    def has(self, number: int, digest: str) -> bool:
        """Whether a part is there; raises ValueError where it is one of another history."""
        there = self.digests.get(number)
        if there not in (None, digest):
            raise ValueError(
                f"{self.folder}: part {number} was made from another history ({there}, now "
                f"{digest}): go on with the data it was begun with, or name another folder"
            )
        return there is not None

    def write(self, number: int, digest: str, content: bytes) -> None:
        """Write a part; what is there under its name is the same."""
        write_whole(self.path(number, digest), content)
        self.digests[number] = digest

    def path(self, number: int, digest: str) -> Path:
        """Return a part's file."""
        return self.folder / f"part-{number:05d}-{digest}.parquet"

    def give_up(self) -> None:
        """Take back the beginning of a folder that has no part yet, so that it may begin anew."""
        if self._begun and not self.digests:
            (self.folder / MANIFEST).unlink(missing_ok=True)

    def check_end(self, parts: int) -> None:
        """Raise ValueError where the folder has parts beyond the last one of this history."""
        beyond = [number for number in self.digests if number >= parts]
        if beyond:
            raise ValueError(
                f"{self.folder}: holds part {min(beyond)}, but this history has {parts} parts: "
                "go on with the data it was begun with, or name another folder"
            )


def write_whole(path: Path, content: bytes) -> None:
    """Write a file under another name and rename it: it is there whole or not at all."""
    unfinished = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with unfinished.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _read(manifest: Path) -> dict[str, str]:
    try:
        return dict(json.loads(manifest.read_text(encoding="utf-8")))
    except ValueError:
        raise ValueError(f"{manifest} is not what was written there: name another folder") from None


def _compare(folder: Path, begun: Facts, now: Facts) -> None:
    names = [name for name in sorted({*begun, *now}) if begun.get(name) != now.get(name)]
    if names:
        changes = "; ".join(f"{name} was {begun.get(name)}, is {now.get(name)}" for name in names)
        raise ValueError(
            f"{folder} was begun with something else: {changes}; go on as it was begun, or name "
            "another folder"
        )


def _number_and_digest(file: Path) -> tuple[int, str]:
    number, digest = file.stem.removeprefix("part-").split("-")
    return int(number), digest


def _clear_stale(folder: Path) -> None:
    """Delete what a writer left that was killed between writing and renaming."""
    for file in folder.glob(".part-*"):
        try:
            old = time.time() - file.stat().st_mtime > STALE
        except FileNotFoundError:  # its writer has just finished
            continue
        if old:
            file.unlink(missing_ok=True)
