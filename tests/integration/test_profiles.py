"""The profiles shipped are what extraction finds in the real sets, and generate what these sold.

Reads the sales in ../shared/data/ beside the project; they are never part of it.
"""

import time
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from core_modules.demand_pattern import DemandPattern, shipped_patterns
from core_modules.pattern_extractor import ExtractionSettings, extract_patterns
from core_modules.patterns.fidelity_page import write_fidelity
from core_modules.patterns.pattern_fidelity import compare_fidelity
from core_modules.sales_history import SalesHistory, read_sales, select_items
from core_modules.synthetic_generator import generate_demand

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
PROFILES = ("online_retail", "m5_foods3_tx3", "rossmann")


def real_sales(folder: str) -> SalesHistory:
    path = DATA / folder
    if not path.exists():
        pytest.fail(f"missing {path}: put the data set there, beside the project")
    return read_sales(path)


@pytest.fixture(scope="module")
def groceries() -> SalesHistory:
    history = real_sales("m5_foods3_tx3")
    return select_items(history, items=sorted(history.frame["unique_id"].unique())[::5])


@pytest.mark.parametrize("name", PROFILES)
def test_shipped_profiles_name_their_source_and_settings(name: str) -> None:
    pooled, *items = shipped_patterns(name)
    assert len(items) >= 3
    for pattern in (pooled, *items):
        assert name in pattern.provenance.source
        assert len(pattern.provenance.digest) == 64
        assert pattern.provenance.settings["country"] in ("GB", "US", "DE")
    assert pooled.provenance.items > 100


@pytest.mark.parametrize("name", PROFILES)
def test_shipped_profiles_generate_demand(name: str) -> None:
    patterns = [pattern for pattern in shipped_patterns(name) if pattern.level > 0]
    rng = np.random.default_rng(0)
    demand = generate_demand(patterns, None, date(2026, 1, 1), 180, 20, rng)
    assert demand.shape == (len(patterns), 20, 180)
    assert np.all(demand.mean(axis=(1, 2)) > 0)


def test_known_habits_of_the_shops_are_in_their_profiles() -> None:
    wholesale, grocer, chemist = (shipped_patterns(name)[0] for name in PROFILES)
    assert wholesale.weekday[5] == 0  # no Saturdays
    assert grocer.weekday[6] == max(grocer.weekday)  # Sunday is the day for food
    # Texas pays food benefits on days between the 1st and the 15th.
    assert np.mean(grocer.month_days[:15]) > 1.1 * np.mean(grocer.month_days[15:])
    assert closed_on(grocer, "12-25")
    assert chemist.promotion is not None
    assert chemist.promotion > 1.3
    assert chemist.weekday[6] < 0.05  # Germany shops on six days


def closed_on(pattern: DemandPattern, rule: str) -> bool:
    return any(
        effect.rule == rule and effect.offset == 0 and effect.multiplier == 0
        for effect in pattern.holidays
    )


def test_generated_demand_is_like_what_then_came(groceries: SalesHistory) -> None:
    # Half of every fifth item, a year held back; the page docs/pattern_fidelity.md has them all.
    report = compare_fidelity(groceries, ExtractionSettings(country="US"))
    figures = report.summary.set_index("measure")
    zeros, lag = figures.loc["share of zeros"], figures.loc["autocorrelation at lag 1"]
    assert zeros["generated"] == pytest.approx(zeros["real"], abs=0.05)
    assert lag["generated"] == pytest.approx(lag["real"], abs=0.06)
    for run in (1, 7):
        spread = figures.loc[f"standard deviation of {run}-period totals"]
        assert spread["generated"] == pytest.approx(spread["real"], rel=0.15)
    weekday = report.weekday
    assert weekday["generated"].to_numpy() == pytest.approx(weekday["real"].to_numpy(), abs=0.08)


def test_the_fidelity_page_shows_its_figures_and_picture(
    groceries: SalesHistory, tmp_path: Path
) -> None:
    report = write_fidelity(groceries, tmp_path)
    page = (tmp_path / "pattern_fidelity.md").read_text(encoding="utf-8")
    assert f"{report.items} items, 365 periods held back" in page
    assert "| share of zeros |" in page
    picture = (tmp_path / "pattern_fidelity.png").read_bytes()
    write_fidelity(groceries, tmp_path)
    assert (tmp_path / "pattern_fidelity.png").read_bytes() == picture


def test_items_sold_by_group_pool_in_that_group(groceries: SalesHistory) -> None:
    (pattern,) = extract_patterns(groceries, "category")
    assert pattern.name == "FOODS_3"
    assert pattern.provenance.items == 165


@pytest.mark.long
def test_the_whole_of_online_retail_is_extracted_in_minutes() -> None:
    history = real_sales("online_retail")
    began = time.perf_counter()
    patterns = extract_patterns(history, settings=ExtractionSettings(country="GB"))
    assert len(patterns) > 3_500
    assert time.perf_counter() - began < 120
    names = {pattern.name for pattern in patterns}
    assert {pattern.name for pattern in shipped_patterns("online_retail")[1:]} <= names
