"""A demand pattern: what history says of an item's demand, as one value that JSON can carry."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

FORMAT = "demand-patterns/1"
PROFILES = Path(__file__).resolve().parent / "profiles"
LONG_INTERVAL = 1.32  # days from sale to sale; Syntetos, Boylan and Croston's border
LARGE_VARIATION = 0.49  # CV^2 of the sizes sold; the other border of the same scheme


class PatternFileError(ValueError):
    """A file that does not hold demand patterns."""


class DemandClass(StrEnum):
    """The four kinds of demand of Syntetos and Boylan."""

    SMOOTH = "smooth"
    ERRATIC = "erratic"  # sells nearly every day, in very different sizes
    INTERMITTENT = "intermittent"  # sells seldom, in like sizes
    LUMPY = "lumpy"  # sells seldom, in very different sizes


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a pattern comes from."""

    source: str  # short name of the sales file
    digest: str  # sha256 of its bytes, hex; '' where there is no file
    first_day: date  # first day used
    last_day: date  # last day used
    items: int  # items pooled in the pattern, >= 1
    observations: int  # item-days that the pattern was fitted on, >= 0
    settings: Mapping[str, str] = field(default_factory=dict)  # of the extraction


@dataclass(frozen=True, slots=True)
class LevelStep:
    """The level from a changepoint on."""

    start: date
    level: float  # units a period, were the period quite ordinary; > 0 or 0 for no sales


@dataclass(frozen=True, slots=True)
class HolidayEffect:
    """What the days around a holiday, or a season of the trade, do to demand."""

    name: str
    rule: str  # when it is: see core_modules.patterns.retail_days
    offset: int  # days from the holiday to the first day of the effect
    days: int  # length, >= 1
    multiplier: float  # demand over that of the same day without it, >= 0; 0: closed


@dataclass(frozen=True, slots=True)
class Shock:
    """Days of the past on which sales left their pattern by more than chance."""

    start: date
    days: int  # length, >= 1
    multiplier: float  # sales over expectation; above 1 a surge, 0 nothing sold


@dataclass(frozen=True, slots=True)
class Memory:
    """Autocorrelation of demand about its expectation, on the scale of normal scores.

    At lag k it is `strength * decay**k`: a first-order autoregression seen through fresh noise.
    """

    strength: float = 0.0  # share of the variance that is remembered, 0 to 1
    decay: float = 0.0  # share of it kept from period to period, 0 to below 1


@dataclass(frozen=True, slots=True)
class DemandPattern:
    """The pattern of one item, or of the typical item of a group.

    The expected demand of a period is `level * weekday * yearly * month * month_day * holidays`;
    each profile has the mean 1. Demand is 0 in a share `extra_zeros` of periods, and else negative
    binomial with mean `m = expected / (1 - extra_zeros)` and variance `m + dispersion * m**2`.
    """

    name: str  # the item or group
    provenance: Provenance
    steps: tuple[LevelStep, ...]  # the changepoints, earliest first; the last holds from then on
    quantity: str = "units"  # 'units', 'fractions' or 'money'
    freq: str = "D"  # 'D' or 'W'
    growth: float = 0.0  # change of the log level a year within the history; flat outside
    weekday: tuple[float, ...] = (1.0,) * 7  # Monday first
    yearly: tuple[float, ...] = ()  # cos and sin coefficients of the log factor, order by order
    months: tuple[float, ...] = (1.0,) * 12  # January first; what the smooth year leaves
    month_days: tuple[float, ...] = (1.0,) * 31  # day of the month
    holidays: tuple[HolidayEffect, ...] = ()
    dispersion: float = 0.0  # 1 / shape of the negative binomial, >= 0; 0 is Poisson
    extra_zeros: float = 0.0  # share of periods without demand beyond the law's own, 0 to below 1
    memory: Memory = Memory()
    autocorrelation: tuple[float, ...] = ()  # of standardised residuals, lags 1, 2, ...
    interval: float = 1.0  # ADI: open periods for each period with a sale, >= 1
    size_variation: float = 0.0  # CV^2 of the quantities of periods with a sale, >= 0
    zero_share: float = 0.0  # open periods without a sale, 0 to 1
    promotion: float | None = None  # multiplier of a promoted period; None: not known
    price_elasticity: float | None = None  # of demand, usually < 0; None: not known
    shocks: tuple[Shock, ...] = ()
    pooled: tuple[str, ...] = ()  # parts that rest more on the pool than on the item's own sales

    def __post_init__(self) -> None:
        rules = (
            (len(self.steps) > 0, "steps must hold at least one level"),
            (len(self.weekday) == 7, f"weekday must have 7 factors, got {len(self.weekday)}"),
            (len(self.months) == 12, f"months must have 12 factors, got {len(self.months)}"),
            (len(self.month_days) == 31, f"month_days must have 31, got {len(self.month_days)}"),
            (len(self.yearly) % 2 == 0, "yearly must hold pairs of cos and sin"),
            (self.dispersion >= 0, f"dispersion must be >= 0, got {self.dispersion}"),
            (0 <= self.extra_zeros < 1, f"extra_zeros must be 0 to < 1, got {self.extra_zeros}"),
            (0 <= self.memory.decay < 1, f"memory.decay must be 0 to < 1: {self.memory.decay}"),
            (0 <= self.memory.strength <= 1, f"memory.strength: 0 to 1: {self.memory.strength}"),
        )
        for holds, message in rules:
            if not holds:
                raise ValueError(f"demand pattern {self.name!r}: {message}")
        numbers = (*self.weekday, *self.months, *self.month_days, *self.yearly, self.growth)
        if not all(map(math.isfinite, (*numbers, *(step.level for step in self.steps)))):
            raise ValueError(f"demand pattern {self.name!r}: every factor must be finite")

    @property
    def level(self) -> float:
        """The last level, units a period."""
        return self.steps[-1].level

    @property
    def changepoints(self) -> tuple[date, ...]:
        """The days from which a new level holds."""
        return tuple(step.start for step in self.steps[1:])

    @property
    def demand_class(self) -> DemandClass:
        """The class of Syntetos and Boylan, from the interval and the CV^2 of sizes."""
        seldom, uneven = self.interval > LONG_INTERVAL, self.size_variation > LARGE_VARIATION
        if seldom:
            return DemandClass.LUMPY if uneven else DemandClass.INTERMITTENT
        return DemandClass.ERRATIC if uneven else DemandClass.SMOOTH

    def to_json(self) -> str:
        """Return the pattern as one JSON object."""
        return json.dumps(_plain(self), default=_plain_value, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "DemandPattern":
        """Return the pattern that `to_json` wrote.

        Raises PatternFileError where the text is something else.
        """
        try:
            return _pattern(json.loads(text))
        except (KeyError, TypeError, ValueError) as problem:
            raise PatternFileError(f"not a demand pattern: {problem}") from problem


def _plain(pattern: DemandPattern) -> dict[str, Any]:
    return asdict(pattern)


def _plain_value(value: object) -> object:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"no JSON for {type(value).__name__}")


def _pattern(content: Mapping[str, Any]) -> DemandPattern:
    source = dict(content["provenance"])
    for name in ("first_day", "last_day"):
        source[name] = date.fromisoformat(source[name])
    parts: dict[str, Any] = dict(content) | {
        "provenance": Provenance(**source),
        "steps": tuple(LevelStep(**_with_start(step)) for step in content["steps"]),
        "holidays": tuple(HolidayEffect(**effect) for effect in content["holidays"]),
        "shocks": tuple(Shock(**_with_start(shock)) for shock in content["shocks"]),
        "memory": Memory(**content["memory"]),
    }
    parts = {key: tuple(part) if isinstance(part, list) else part for key, part in parts.items()}
    return DemandPattern(**parts)


def _with_start(content: Mapping[str, Any]) -> dict[str, Any]:
    return dict(content) | {"start": date.fromisoformat(content["start"])}


def write_patterns(patterns: Sequence[DemandPattern], path: Path) -> None:
    """Write patterns to a JSON file, one a line, so that a change shows as one line."""
    lines = ",\n".join(pattern.to_json() for pattern in patterns)
    path.write_text(f'{{"format": "{FORMAT}", "patterns": [\n{lines}\n]}}\n', encoding="utf-8")


def read_patterns(path: Path) -> tuple[DemandPattern, ...]:
    """Read patterns that `write_patterns` wrote.

    Raises PatternFileError where the file holds something else, FileNotFoundError where there is
    none.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise PatternFileError(f"format is {content['format']!r}, not {FORMAT!r}")
        return tuple(_pattern(part) for part in content["patterns"])
    except (KeyError, TypeError, ValueError) as problem:
        raise PatternFileError(f"{path} does not hold demand patterns: {problem}") from problem


def shipped_patterns(name: str) -> tuple[DemandPattern, ...]:
    """Return the patterns that the project ships of a source: its pooled ones, then single items.

    Raises ValueError for a name that is not shipped.
    """
    path = PROFILES / f"{name}.json"
    if not path.exists():
        known = ", ".join(sorted(file.stem for file in PROFILES.glob("*.json")))
        raise ValueError(f"profile must be one of {known}, got {name!r}")
    return read_patterns(path)
