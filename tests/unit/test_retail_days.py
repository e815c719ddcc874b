"""Rules name the days that calendars do."""

from datetime import date

import numpy as np
import pytest
from dateutil.easter import easter as dateutil_easter

from core_modules.patterns.retail_days import days_from, easter, public_holidays, rule_day


def test_easter_is_the_day_that_another_library_computes() -> None:
    assert [easter(year) for year in range(1900, 2200)] == [
        dateutil_easter(year) for year in range(1900, 2200)
    ]


def test_distances_are_to_the_nearest_day_of_the_rule() -> None:
    dates = np.array(["2023-12-20", "2023-12-25", "2024-01-04"], dtype="datetime64[D]")
    assert days_from("12-25", dates).tolist() == [-5, 0, 10]
    assert days_from("01-01", dates).tolist() == [-12, -7, 3]


@pytest.mark.parametrize("rule", ["13-01", "02-30", "11/xyz/4", "11/thu/9", "carnival", ""])
def test_what_is_no_rule_is_refused(rule: str) -> None:
    with pytest.raises(ValueError, match="is no rule such as 12-25, 11/thu/4 or easter"):
        rule_day(rule, 2024)


def test_public_holidays_come_as_rules_that_hold_in_other_years() -> None:
    rules = public_holidays("US")
    assert rule_day(rules["Thanksgiving Day"], 2035) == date(2035, 11, 22)
    assert rule_day(rules["Memorial Day"], 2035) == date(2035, 5, 28)
    assert rule_day(public_holidays("DE")["Ascension Day"], 2035) == date(2035, 5, 3)


def test_an_unknown_country_is_named() -> None:
    with pytest.raises(ValueError, match="no holidays are known for country 'XX'"):
        public_holidays("XX")
