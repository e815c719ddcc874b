"""The inputs that each decision of a run followed from, kept so that it can be made again."""

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import numpy as np

from core_modules.agent_policy import DecisionRecord
from core_modules.forecasting.forecast_values import DemandModel
from core_modules.inventory_agent import AgentSettings, Decision, ItemState, Situation, decide
from core_modules.item_terms import ItemTerms
from core_modules.market_beliefs import EventBelief, Experience, MarketBeliefs, ShockPrior
from core_modules.market_scenarios import EventKind, MarketSignal, Shape
from core_modules.plain_json import plain


def decision_id(decision: Decision) -> str:
    """Name a decision within its run: day and item."""
    return f"{decision.day.isoformat()}/{decision.unique_id}"


def write_decision_inputs(
    records: Sequence[DecisionRecord], terms: Sequence[ItemTerms], path: Path
) -> None:
    """Write, compressed, one JSON line a decision: all that it followed from."""
    by_id = {one.unique_id: one for one in terms}
    # No file name and no time in the header: the same inputs are the same bytes.
    with (
        path.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0, compresslevel=6) as packed,
        TextIOWrapper(packed, encoding="utf-8", newline="\n") as lines,
    ):
        for record in records:
            lines.write(json.dumps(_inputs(record, by_id[record.decision.unique_id])) + "\n")


def _inputs(record: DecisionRecord, terms: ItemTerms) -> dict[str, Any]:
    beliefs = record.state.beliefs
    content: dict[str, Any] = {
        "decision_id": decision_id(record.decision),
        "day": record.decision.day,
        "terms": asdict(terms),
        "model": record.state.model.to_dict(),
        "on_hand": record.situation.on_hand,
        "backlog": record.situation.backlog,
        "due": record.situation.due,
        "prior": asdict(beliefs.prior),
        "surge": beliefs.surge,
        "experience": {kind: asdict(seen) for kind, seen in beliefs.experience.items()},
        "events": [
            {"signal": asdict(event.signal), "sizes": event.sizes} for event in beliefs.events
        ],
    }
    values: dict[str, Any] = plain(content)
    return values


def read_decision_inputs(path: Path) -> Iterator[tuple[str, date, ItemTerms, ItemState, Situation]]:
    """Read back what `write_decision_inputs` wrote, bit for bit."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            content = json.loads(line)
            state = ItemState(DemandModel.from_dict(content["model"]), _beliefs(content))
            situation = Situation(
                content["on_hand"], content["backlog"], np.array(content["due"], dtype=np.int64)
            )
            yield (
                content["decision_id"],
                date.fromisoformat(content["day"]),
                ItemTerms(**content["terms"]),
                state,
                situation,
            )


def _beliefs(content: Mapping[str, Any]) -> MarketBeliefs:
    return MarketBeliefs(
        prior=ShockPrior(**content["prior"]),
        events=tuple(
            EventBelief(_signal(event["signal"]), np.array(event["sizes"]))
            for event in content["events"]
        ),
        surge=np.array(content["surge"]),
        experience={
            EventKind(kind): Experience(**seen) for kind, seen in content["experience"].items()
        },
    )


def _signal(content: Mapping[str, Any]) -> MarketSignal:
    last = content["last_day"]
    changed = {
        "kind": EventKind(content["kind"]),
        "shape": Shape(content["shape"]),
        "start": date.fromisoformat(content["start"]),
        "last_day": None if last is None else date.fromisoformat(last),
        "items": tuple(content["items"]),
    }
    return MarketSignal(**{**content, **changed})


def replayed(path: Path, settings: AgentSettings) -> Iterator[tuple[str, Decision]]:
    """Make every decision of a run again from the inputs kept with it."""
    for name, day, terms, state, situation in read_decision_inputs(path):
        yield name, decide(state, terms, day, situation, settings)
