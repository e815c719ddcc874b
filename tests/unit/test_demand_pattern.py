"""A pattern survives JSON, and nothing else passes for one."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from core_modules.demand_pattern import (
    DemandClass,
    DemandPattern,
    HolidayEffect,
    LevelStep,
    Memory,
    PatternFileError,
    Provenance,
    Shock,
    read_patterns,
    shipped_patterns,
    write_patterns,
)

SOURCE = Provenance(
    "shop", "ab" * 32, date(2020, 1, 1), date(2021, 6, 30), 3, 500, {"country": "US"}
)
PATTERN = DemandPattern(
    name='a "quoted" name, ü',
    provenance=SOURCE,
    steps=(LevelStep(date(2020, 1, 1), 3.5), LevelStep(date(2020, 9, 1), 1 / 3)),
    growth=-0.01,
    yearly=(0.1, -0.2),
    holidays=(HolidayEffect("Christmas", "12-25", -3, 2, 1.7),),
    dispersion=0.25,
    extra_zeros=0.1,
    memory=Memory(0.3, 0.7),
    autocorrelation=(0.21, 0.1),
    interval=2.0,
    size_variation=0.6,
    zero_share=0.5,
    promotion=1.4,
    shocks=(Shock(date(2020, 5, 1), 3, 4.2),),
    pooled=("months",),
)


def test_json_returns_the_very_same_pattern() -> None:
    assert DemandPattern.from_json(PATTERN.to_json()) == PATTERN


def test_a_file_returns_the_very_same_patterns(tmp_path: Path) -> None:
    other = replace(PATTERN, name="other", price_elasticity=-1.5)
    write_patterns([PATTERN, other], tmp_path / "patterns.json")
    assert read_patterns(tmp_path / "patterns.json") == (PATTERN, other)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": "x"}', "not json", '{"provenance": 3}'])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(PatternFileError, match="not a demand pattern"):
        DemandPattern.from_json(text)


def test_a_file_of_another_format_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "odd.json"
    path.write_text('{"format": "recipes", "patterns": []}', encoding="utf-8")
    with pytest.raises(PatternFileError, match=r"odd\.json does not hold demand patterns"):
        read_patterns(path)


@pytest.mark.parametrize(
    ("interval", "variation", "expected"),
    [
        (1.32, 0.49, DemandClass.SMOOTH),
        (1.32, 0.50, DemandClass.ERRATIC),
        (1.33, 0.49, DemandClass.INTERMITTENT),
        (1.33, 0.50, DemandClass.LUMPY),
    ],
)
def test_classes_follow_the_borders_of_syntetos_and_boylan(
    interval: float, variation: float, expected: DemandClass
) -> None:
    pattern = replace(PATTERN, interval=interval, size_variation=variation)
    assert pattern.demand_class is expected


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"steps": ()}, "steps must hold at least one level"),
        ({"weekday": (1.0,) * 6}, "weekday must have 7 factors, got 6"),
        ({"dispersion": -0.1}, "dispersion must be >= 0, got -0.1"),
        ({"extra_zeros": 1.0}, "extra_zeros must be 0 to < 1, got 1.0"),
        ({"growth": float("nan")}, "every factor must be finite"),
        ({"yearly": (0.1,)}, "yearly must hold pairs"),
    ],
)
def test_impossible_patterns_cannot_be_made(part: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(PATTERN, **part)


def test_an_unknown_profile_is_named_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="one of m5_foods3_tx3, online_retail, rossmann, got 'x'"):
        shipped_patterns("x")
