"""The inputs that each decision of a run followed from, kept so that it can be made again."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path

from core_modules.agent_policy import DecisionRecord
from core_modules.explaining.decision_rows import DECISION_COLUMNS, decision_id, write_rows
from core_modules.explaining.kept_values import kept, rebuilt
from core_modules.inventory_agent import AgentSettings, Decision, decide
from core_modules.item_terms import ItemTerms

__all__ = [
    "DECISIONS",
    "DECISION_INPUTS",
    "KeptDecision",
    "RecordError",
    "RecordPart",
    "decision_id",
    "decision_ids",
    "digests_kept",
    "read_decision_inputs",
    "replayed",
    "write_record",
]

DECISION_INPUTS = "decision_inputs.jsonl.gz"
DECISIONS = "decisions.csv"
UNREADABLE = (EOFError, KeyError, TypeError, ValueError, zlib.error, gzip.BadGzipFile)


class RecordError(ValueError):
    """A record of decisions that cannot be read, or is not what was written."""


@dataclass(frozen=True, slots=True, eq=False)
class KeptDecision:
    """A decision as recorded, with all that it followed from but the settings."""

    decision_id: str  # day/item
    terms: ItemTerms
    record: DecisionRecord

    def again(self, settings: AgentSettings) -> Decision:
        """Make the decision again."""
        record = self.record
        return decide(record.state, self.terms, record.decision.day, record.situation, settings)


@dataclass(frozen=True, slots=True)
class RecordPart:
    """What was decided for some items, and all it followed from, as the bytes of two files."""

    rows: bytes  # of `DECISIONS`, without its header
    inputs: bytes  # of `DECISION_INPUTS`; gzip files may stand one behind the other

    @staticmethod
    def of(records: Sequence[DecisionRecord], terms: Sequence[ItemTerms]) -> RecordPart:
        """Lay decisions out, one CSV row and one compressed JSON line each."""
        by_id = {one.unique_id: one for one in terms}
        rows, inputs = StringIO(newline=""), BytesIO()
        write_rows([record.decision for record in records], rows)
        # No file name and no time in the header: the same inputs are the same bytes.
        with (
            gzip.GzipFile("", "wb", compresslevel=6, fileobj=inputs, mtime=0) as packed,
            TextIOWrapper(packed, encoding="utf-8", newline="\n") as lines,
        ):
            for record in records:
                decision = record.decision
                line = KeptDecision(decision_id(decision), by_id[decision.unique_id], record)
                lines.write(json.dumps(kept(line)) + "\n")
        return RecordPart(rows.getvalue().encode(), inputs.getvalue())


def write_record(parts: Sequence[RecordPart], folder: Path) -> None:
    """Write the files of a record, one part behind the other; without parts no inputs."""
    header = ",".join(DECISION_COLUMNS) + "\n"
    (folder / DECISIONS).write_bytes(header.encode() + b"".join(part.rows for part in parts))
    if parts:
        (folder / DECISION_INPUTS).write_bytes(b"".join(part.inputs for part in parts))


def read_decision_inputs(path: Path, only: str | None = None) -> Iterator[KeptDecision]:
    """Read back the inputs that `write_record` wrote, bit for bit; `only` one id if given.

    Raises RecordError where a line cannot be read.
    """
    # `decision_id` is the first field of a line: others are passed over without reading them.
    start = None if only is None else f'{{"decision_id": {json.dumps(only)},'
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                if start is None or line.startswith(start):
                    yield rebuilt(KeptDecision, json.loads(line))
    except UNREADABLE as error:
        raise _unreadable(path) from error


def decision_ids(path: Path) -> list[str]:
    """List the ids of a record, in its order."""
    skipped, decoder = len('{"decision_id": '), json.JSONDecoder()
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            return [str(decoder.raw_decode(line, skipped)[0]) for line in lines]
    except UNREADABLE as error:
        raise _unreadable(path) from error


def _unreadable(path: Path) -> RecordError:
    return RecordError(f"{path.name} is no record of this version: make the run again")


def digests_kept(folder: Path) -> dict[str, str]:
    """Return the sha256, hex, of each file of the record that a folder holds."""
    return {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in (DECISION_INPUTS, DECISIONS)
        if (folder / name).exists()
    }


def replayed(path: Path, settings: AgentSettings) -> Iterator[tuple[str, Decision]]:
    """Make every decision of a run again from the inputs kept with it."""
    for one in read_decision_inputs(path):
        yield one.decision_id, one.again(settings)
