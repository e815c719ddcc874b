"""The command `replay`: a recorded decision is made again, compared and explained."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import typer

from core_modules.decision_inputs import (
    DECISION_INPUTS,
    DECISIONS,
    KeptDecision,
    RecordError,
    decision_ids,
    digests_kept,
    read_decision_inputs,
)
from core_modules.explaining.decision_rows import DECISION_COLUMNS, decision_row
from core_modules.explaining.explanation import Explanation, explain
from core_modules.explaining.explanation_text import explanation_lines
from core_modules.explaining.kept_values import kept, rebuilt
from core_modules.inventory_agent import AgentSettings, Decision
from core_modules.plain_json import to_json
from core_modules.planning.period_calendar import PeriodCalendar

NEAREST = 3  # ids named when one is unknown


@dataclass(frozen=True, slots=True)
class Replay:
    """A decision made again beside the one recorded."""

    decision_id: str
    digest: str  # sha256 of the inputs kept; empty where the record proves none
    differs: tuple[str, ...]  # a line for each field that is not the same, bit for bit
    explanation: Explanation

    @property
    def identical(self) -> bool:
        """Whether every recorded field is the same, bit for bit."""
        return not self.differs


def replay(run: Path, decision_id: str, as_json: bool) -> int:
    """Make a decision again and print it: 0 identical to the recorded one, 1 not.

    `run` is a run's folder, or the file of orders of a plan. Raises RecordError where the record is
    missing or changed, ValueError for an unknown id.
    """
    folder = record_folder(run)
    facts = _facts(folder)
    result = replay_decision(folder, facts, decision_id)
    say_day = _calendar(facts).in_calendar
    if as_json:
        typer.echo(say_day(to_json(kept(result) | {"identical": result.identical})))
    else:
        for line in (*_verdict(result, facts), "", *explanation_lines(result.explanation)):
            typer.echo(say_day(line))
    return 0 if result.identical else 1


def replay_decision(folder: Path, facts: Mapping[str, Any], decision_id: str) -> Replay:
    """Make a decision of a record again; `facts` is what its run.json holds."""
    digest = _check_digests(folder, facts)
    one = next(read_decision_inputs(folder / DECISION_INPUTS, only=decision_id), None)
    if one is None:
        ids = decision_ids(folder / DECISION_INPUTS)
        nearest = ", ".join(get_close_matches(decision_id, ids, n=NEAREST, cutoff=0.0))
        raise ValueError(
            f"there is no decision {decision_id!r} in {folder}; the nearest are {nearest}"
        )
    settings = _settings(facts, one.terms.unique_id)
    record = one.record
    explanation = explain(record.state, one.terms, record.decision.day, record.situation, settings)
    differs = (
        *_different_fields(record.decision, explanation.decision),
        *_different_cells(folder / DECISIONS, one, explanation.decision),
    )
    return Replay(decision_id, digest, differs, explanation)


def record_folder(run: Path) -> Path:
    """Return the folder in which a run, or the plan that wrote a file of orders, keeps its record.

    Raises RecordError where there is none.
    """
    folder = run if run.is_dir() else run.with_name(f"{run.stem}-record")
    if not run.exists() or not folder.is_dir():
        raise RecordError(
            f"{run}: there is no such run; name the folder of a run, or a plan's file of orders"
        )
    if not (folder / DECISION_INPUTS).exists():
        raise RecordError(
            f"{folder} holds no {DECISION_INPUTS}: only runs and plans of the agent can be replayed"
        )
    return folder


def _facts(folder: Path) -> dict[str, Any]:
    try:
        facts: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RecordError(f"{folder / 'run.json'} cannot be read: make the run again") from error
    return facts


def _check_digests(folder: Path, facts: Mapping[str, Any]) -> str:
    """Raise RecordError where a file of the record is not the one written with run.json."""
    recorded, now = facts.get("kept", {}), digests_kept(folder)
    for name, digest in recorded.items():
        if now.get(name) != digest:
            raise RecordError(
                f"{folder / name} was changed after the run: its sha256 is not the one that "
                "run.json keeps; make the run again"
            )
    return str(recorded.get(DECISION_INPUTS, ""))


def _settings(facts: Mapping[str, Any], unique_id: str) -> AgentSettings:
    try:
        settings = rebuilt(AgentSettings, facts["settings"]["agent"])
    except (KeyError, TypeError, ValueError) as error:
        raise RecordError(
            f"run.json holds no settings of this version: {error}; make the run again"
        ) from error
    target = facts.get("service_targets", {}).get(unique_id, settings.service_target)
    return replace(settings, service_target=target)


def _calendar(facts: Mapping[str, Any]) -> PeriodCalendar:
    """Return the calendar in which a plan's periods lie; a run's are days."""
    step = 7 if facts.get("freq") == "W" else 1
    return PeriodCalendar(date.fromisoformat(facts.get("as_of") or facts["start"]), step)


def _different_fields(recorded: Decision, again: Decision) -> list[str]:
    before, after = kept(recorded), kept(again)
    return [
        f"{name}: recorded {before[name]!r}, now {after[name]!r}"
        for name in after
        if before[name] != after[name]
    ]


def _different_cells(path: Path, one: KeptDecision, again: Decision) -> list[str]:
    """Compare with the row of decisions.csv, where the record has one."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        rows = (row for row in csv.DictReader(file) if row["decision_id"] == one.decision_id)
        recorded = next(rows, {})
    cells = zip(DECISION_COLUMNS, decision_row(again), strict=True)
    return [
        f"{path.name}, {name}: recorded {recorded.get(name)!r}, now {cell!r}"
        for name, cell in cells
        if recorded.get(name) != cell
    ]


def _verdict(result: Replay, facts: Mapping[str, Any]) -> list[str]:
    proof = (
        f"inputs unchanged since the run: sha256 {result.digest}"
        if result.digest
        else "no digest was kept with these inputs: nothing proves them unchanged"
    )
    if result.identical:
        return [f"{result.decision_id}: identical to the recorded decision", proof]
    return [
        f"{result.decision_id}: NOT identical to the recorded decision",
        *[f"  {line}" for line in result.differs],
        *_other_versions(facts),
        proof,
    ]


def _other_versions(facts: Mapping[str, Any]) -> list[str]:
    """Tell which libraries are not those of the run, as they may be why."""
    import platform
    from importlib import metadata

    return [
        f"  the run was made with {name} {then}, this is {now}"
        for name, then in facts.get("versions", {}).items()
        if (now := platform.python_version() if name == "python" else metadata.version(name))
        != then
    ]
