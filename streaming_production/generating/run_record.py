"""Remembers a run beside its spool, so that a generator that was stopped goes on where it was."""

import contextlib
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Self

import orjson

_FILE = "run.json"


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What a run's events follow from; the same record gives the same events with the same ids."""

    url: str  # of the agent
    epoch: int  # of the agent
    market: str  # scenario, or the file that is replayed
    items: int  # of the agent's catalogue that take part
    seed: int
    start: date
    days: int  # >= 1

    @property
    def name(self) -> str:
        """The run's name, with which the ids of its events begin."""
        return f"{self.seed}-{self.start.isoformat()}-{self.epoch}"

    @property
    def last_day(self) -> date:
        """The last day of the run."""
        return self.start + timedelta(days=self.days - 1)

    def continues(self, today: date | None, other: Self) -> bool:
        """Tell whether `other`, the wish for a new run, is this run with days still to come."""
        same = replace(other, start=self.start, days=self.days) == self
        return same and (today is None or today < self.last_day)

    def save(self, folder: Path) -> None:
        """Write the record into the spool's folder, whole or not at all."""
        part = folder / f"{_FILE}.part"
        part.write_bytes(orjson.dumps(asdict(self)))
        part.rename(folder / _FILE)

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """Read the record of the last run; None where there is none that can be read."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            content = orjson.loads((folder / _FILE).read_bytes())
            return cls(**{**content, "start": date.fromisoformat(content["start"])})
        return None
