"""A plan on disk: the order list, and beside it the record from which it can be made again."""

import csv
import platform
from collections.abc import Mapping
from dataclasses import asdict, fields
from importlib import metadata
from pathlib import Path
from typing import Any

from core_modules.decision_inputs import digests_kept, write_record
from core_modules.order_planning import Plan, PlanInputs, PlannedOrder, PlanProfile, RoomLimits
from core_modules.plain_json import plain, write_json
from core_modules.planning.item_classes import ItemClass
from core_modules.run_folders import whole_folder
from core_modules.run_record import VERSIONED
from core_modules.settings import Settings

COLUMNS = tuple(field.name for field in fields(PlannedOrder))


def record_folder(out: Path) -> Path:
    """Return where the record of an order list is kept.

    >>> record_folder(Path("orders.csv")).as_posix()
    'orders-record'
    """
    return out.with_name(f"{out.stem}-record")


def write_plan(
    plan: Plan, inputs: PlanInputs, facts: Mapping[str, Any], settings: Settings, out: Path
) -> None:
    """Write the record, then the order list; neither is ever half there."""
    with whole_folder(record_folder(out)) as part:
        write_record(plan.record, part)
        _write_rows(
            [[getattr(one, name) for name in _CLASS_COLUMNS] + [one.name] for one in plan.classes],
            (*_CLASS_COLUMNS, "class"),
            part / "classes.csv",
        )
        run = _run(plan, inputs, facts, settings) | {"kept": digests_kept(part)}
        write_json(run, part / "run.json")
    whole = out.with_name(f".{out.name}.part")
    _write_rows([order_row(one) for one in plan.orders], COLUMNS, whole)
    whole.replace(out)


_CLASS_COLUMNS = tuple(field.name for field in fields(ItemClass))


def order_row(order: PlannedOrder) -> list[object]:
    """Return the cells of one line of the order list."""
    return [_cell(getattr(order, name)) for name in COLUMNS]


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    return "" if value is None else plain(value)


def _write_rows(rows: list[list[object]], names: tuple[str, ...], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([_cell(value) for value in row] for row in rows)


def plan_facts(
    profile: PlanProfile, source: str, limits: RoomLimits, digests: Mapping[str, str]
) -> dict[str, Any]:
    """Gather what a plan depends on beside its items."""
    return {
        "profile": asdict(profile) | {"source": source},
        "limits": asdict(limits),
        "inputs": dict(digests),
    }


def _run(
    plan: Plan, inputs: PlanInputs, facts: Mapping[str, Any], settings: Settings
) -> dict[str, Any]:
    """Return what `run.json` holds; as a run's, with the plan's own facts."""
    return {
        "title": f"Plan of {inputs.history.name}, {len(plan.orders)} items",
        "policy": "agent",
        "as_of": inputs.calendar.last,
        "freq": inputs.history.freq,
        "settings": asdict(settings),
        # An item's own target, where its class has one, stands for that of the settings.
        "service_targets": {
            one.record.decision.unique_id: one.settings.service_target for one in plan.decided
        },
        "notes": plan.notes,
        "versions": {"python": platform.python_version()}
        | {name: metadata.version(name) for name in VERSIONED},
        **facts,
    }
