"""ABC, XYZ and the service targets that follow from them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core_modules.item_terms import ItemTerms
from core_modules.planning.item_classes import (
    annual_values,
    class_table,
    classify,
    read_service_by_class,
    service_targets,
)

NO_SPREAD = np.zeros(5)


def test_a_is_the_first_eighty_percent_of_value_and_b_the_next_fifteen() -> None:
    # Reached with each: 50, 80, 90, 95, 100 %; before each: 0, 50, 80, 90, 95 %.
    found = classify("abcde", np.array([50.0, 30, 10, 5, 5]), NO_SPREAD)
    assert [one.abc for one in found] == ["A", "A", "B", "B", "C"]


def test_one_item_with_nearly_all_value_is_an_a() -> None:
    found = classify("ab", np.array([1.0, 999.0]), NO_SPREAD[:2])
    assert [one.abc for one in found] == ["C", "A"]


def test_items_without_value_are_c_even_where_nothing_has_value() -> None:
    assert [one.abc for one in classify("ab", np.zeros(2), NO_SPREAD[:2])] == ["C", "C"]


def test_forecastability_is_the_variation_of_lead_time_demand() -> None:
    found = classify("abcd", np.ones(4), np.array([0.5, 0.51, 1.0, np.inf]))
    assert [one.xyz for one in found] == ["X", "Y", "Y", "Z"]


def test_the_order_of_the_items_changes_no_class() -> None:
    value, spread = np.array([5.0, 5, 90]), np.array([0.1, 2, 0.7])
    there = {one.unique_id: one.name for one in classify("abc", value, spread)}
    back = {one.unique_id: one.name for one in classify("cba", value[::-1], spread[::-1])}
    assert there == back


def test_the_years_sales_are_valued_at_the_unit_price() -> None:
    days = pd.date_range("2023-01-01", periods=400, unit="us")
    frame = pd.DataFrame({"unique_id": "a", "ds": days, "y": 1.0})
    terms = [ItemTerms("a", 3, 2, 0.1), ItemTerms("new", 3, 2, 0.1)]
    assert annual_values(frame, terms, "D").tolist() == [365 * 3, 0]


def test_the_table_counts_each_class_that_has_items() -> None:
    table = class_table(classify("abc", np.array([80.0, 15, 5]), np.array([0.1, 0.1, 4])))
    assert table["class"].tolist() == ["AX", "BX", "CZ"]
    assert table["value_share"].tolist() == [0.8, 0.15, 0.05]


def test_the_narrower_class_sets_the_service_target() -> None:
    classes = classify("abc", np.array([80.0, 15, 5]), np.array([0.1, 4, 4]))
    targets = service_targets(classes, {"A": 0.9, "AX": 0.99, "Z": 0.8})
    assert targets == {"a": 0.99, "b": 0.8, "c": 0.8}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("class,service\nA,98\n", "write 98 % as 0.98"),
        ("class,service\nQ,0.9\n", "there is no class 'Q'"),
        ("class,service\nA,0.9\nA,0.8\n", "a second time"),
        ("class,target\nA,0.9\n", "service"),
        ("class,service\nA,high\n", "is not a number"),
    ],
)
def test_a_wrong_file_of_targets_is_refused_in_one_line(
    content: str, told: str, tmp_path: Path
) -> None:
    file = tmp_path / "targets.csv"
    file.write_text(content)
    with pytest.raises(ValueError, match=told) as refused:
        read_service_by_class(file)
    assert "targets.csv" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_of_targets_is_read(tmp_path: Path) -> None:
    file = tmp_path / "targets.csv"
    file.write_text("class,service\nAX,0.99\nC,0.9\n")
    assert read_service_by_class(file) == {"AX": 0.99, "C": 0.9}
