"""Profiles: what was tuned on the past for `plan`, as a JSON file that says where it comes from."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from core_modules.agent_rules import Priority
from core_modules.plain_json import to_json
from core_modules.planning.item_classes import check_targets

FORMAT = "planning-profile/1"
SHIPPED = Path(__file__).resolve().parent / "shipped"
WEIGHTS = (0.01, 100.0)  # of a lost unit


@dataclass(frozen=True, slots=True)
class PlanProfile:
    """How the agent weighs its costs when it plans."""

    name: str  # for people
    freq: str  # 'D' or 'W', the rhythm it was tuned on
    priority: Priority
    shortage_weight: float  # a lost unit counts this many times its cost, 0.01 to 100
    shock_factor: float = 1.0  # how often unannounced shocks come, times the prior, 0 to 100
    service_by_class: Mapping[str, float] = field(default_factory=dict)  # class -> chance, 0 to 1
    tuned_on: Mapping[str, Any] = field(default_factory=dict)  # source, digest, origins, costs

    def __post_init__(self) -> None:
        if self.freq not in ("D", "W"):
            raise ValueError(f"freq must be D or W, got {self.freq!r}")
        low, high = WEIGHTS
        if not (math.isfinite(self.shortage_weight) and low <= self.shortage_weight <= high):
            raise ValueError(
                f"shortage_weight must be {low} to {high:g}, got {self.shortage_weight}"
            )
        if not (math.isfinite(self.shock_factor) and 0 <= self.shock_factor <= high):
            raise ValueError(f"shock_factor must be 0 to {high:g}, got {self.shock_factor}")
        check_targets(self.service_by_class, "service_by_class")


def default_profile(freq: str) -> PlanProfile:
    """Return the profile that is shipped for a rhythm."""
    return read_profile(SHIPPED / f"planning_{'daily' if freq == 'D' else 'weekly'}.json")


def read_profile(path: Path) -> PlanProfile:
    """Read a profile that `write_profile` wrote.

    Raises ValueError, in one line, for a file that is none or holds a value that none can have.
    """
    content = _content(path)
    if content.get("format") != FORMAT:
        raise ValueError(
            f"{path}: is no profile of format {FORMAT!r}; make one with backtest --save FILE"
        )
    given = {name: value for name, value in content.items() if name != "format"}
    _check_values(given, path)
    try:
        return PlanProfile(**{**given, "priority": Priority(str(given["priority"]))})
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _check_values(given: Mapping[str, Any], path: Path) -> None:
    """Raise ValueError where a key is unknown, missing or holds the wrong kind of value."""
    names = {one.name for one in fields(PlanProfile)}
    if unknown := sorted(given.keys() - names):
        raise ValueError(f"{path}: key {unknown[0]!r} is not known; remove it or correct it")
    for name in ("name", "freq", "priority", "shortage_weight"):
        if name not in given:
            raise ValueError(f"{path}: has no {name}; make it again with backtest --save FILE")
    for name in ("shortage_weight", "shock_factor"):
        number = given.get(name, 1.0)
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            raise ValueError(f"{path}: {name} must be a number, got {number!r}")
    for name in ("service_by_class", "tuned_on"):
        if not isinstance(given.get(name, {}), dict):
            raise ValueError(f"{path}: {name} must be a table of names and values")
    if not all(isinstance(one, (int, float)) for one in given.get("service_by_class", {}).values()):
        raise ValueError(f"{path}: service_by_class must hold numbers, such as 0.98")


def _content(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise ValueError(f"{path}: there is no such profile; check the path") from None
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror}); name a profile") from None
    except (ValueError, RecursionError):
        raise ValueError(f"{path}: is not JSON; make it with backtest --save FILE") from None
    return content if isinstance(content, dict) else {}


def write_profile(profile: PlanProfile, path: Path) -> None:
    """Write a profile; the file is whole or as it was before."""
    text = to_json({"format": FORMAT, **asdict(profile)}) + "\n"
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
