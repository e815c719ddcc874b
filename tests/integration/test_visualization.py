"""Pictures and HTML report of many kinds of runs: complete, legible, the same bytes each time."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from core_modules import visualization_dashboard as pictures
from core_modules.reporting.html_charts import TIME_CHARTS
from core_modules.reporting.html_tables import MOST_DECISIONS
from core_modules.reporting.run_report import RunReport
from tests.report_samples import MANY_EVENTS, SampleEvent, sample_report

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.text import Text

NAMES = ("inventory_dashboard", "performance_timeline", "scenario_comparison")
MARKUP = "<script>alert('x')</script> & $5 %{y} \"quoted\" </td>"
LONG = "a name as long as the label of a carton, with its colour, size and country of origin"
STRESS_NAMES = [f"FOODS_3_{index:03d}_TX_3_evaluation" for index in range(100)]


def blind(report: RunReport) -> RunReport:
    """Return the run as a policy tells it that neither forecasts nor has a reorder point."""
    unknown = ("forecast_mean", "forecast_p10", "forecast_p90", "reorder_point", "order_up_to")
    shares = ("autonomous_share", "adapted_share", "escalated_share", "forecast_wape")
    return replace(
        report,
        daily=report.daily.assign(**dict.fromkeys(unknown, np.nan), urgency="low", reason=""),
        kpis={**report.kpis, **dict.fromkeys(shares, float("nan"))},
        policies=report.policies.drop(columns=["profit_low", "profit_high"]),
    )


RUNS: dict[str, Callable[[], RunReport]] = {
    "one item": sample_report,
    "a crowded calendar": lambda: sample_report(events=MANY_EVENTS, cover=6.0),
    "forty events": lambda: sample_report(
        events=[SampleEvent(f"Promotion_number_{i}", 4 * i, 6, 1.3) for i in range(40)]
    ),
    "a hundred items": lambda: sample_report(
        names=STRESS_NAMES, mean=60, cover=7.0, events=MANY_EVENTS
    ),
    "ten days": lambda: sample_report(days=10),
    "one day": lambda: sample_report(days=1),
    "no events": lambda: sample_report(events=()),
    "no demand": lambda: sample_report(mean=0),
    "hard names": lambda: sample_report(names=(MARKUP, LONG, "漢字の品目"), currency="$"),
    "no forecast": lambda: blind(sample_report()),
    "late forecasts": lambda: late(sample_report(names=("a", "b", "c"))),
    "losses": lambda: losing(sample_report(names=("a", "b"))),
}


def late(report: RunReport) -> RunReport:
    """Return the run with a lead time so long that its first twenty days have no forecast."""
    known = report.daily["ds"] >= report.daily["ds"].min() + pd.Timedelta(days=20)
    columns = ["forecast_mean", "forecast_p10", "forecast_p90"]
    return replace(
        report, daily=report.daily.assign(**report.daily[columns].where(known, other=np.nan))
    )


def losing(report: RunReport) -> RunReport:
    """Return the run with so much holding cost that every policy makes a loss."""
    holding = report.money["holding"] + 3 * report.money["revenue"]
    money = {**report.money, "holding": holding}
    money["profit"] = report.money["profit"] - 3 * report.money["revenue"]
    scenarios = report.by_scenario.assign(profit=-report.by_scenario["profit"])
    policies = report.policies.assign(
        profit=-report.policies["profit"], profit_low=np.nan, profit_high=np.nan
    )
    return replace(report, money=money, by_scenario=scenarios, policies=policies)


@pytest.fixture(scope="module", params=RUNS)
def report(request: pytest.FixtureRequest) -> RunReport:
    return RUNS[request.param]()


@pytest.fixture
def drawn_texts(monkeypatch: pytest.MonkeyPatch) -> list["Text"]:
    """Every text that matplotlib really draws, in the order of drawing."""
    from matplotlib.text import Text

    texts: list[Text] = []
    draw = Text.draw

    def noted(text: Text, renderer: Any) -> None:
        if text.get_visible() and text.get_text().strip():
            texts.append(text)
        draw(text, renderer)

    monkeypatch.setattr(Text, "draw", noted)
    return texts


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore:Glyph .* missing:UserWarning")  # as write_pictures does
def test_no_text_of_a_picture_meets_another_or_leaves_the_page(
    report: RunReport, name: str, drawn_texts: list["Text"]
) -> None:
    import matplotlib as mpl

    with mpl.rc_context(pictures.STYLE):
        figure: Figure = getattr(pictures, name)(report)
        figure.canvas.draw()
        boxes = [(text.get_text(), text.get_window_extent()) for text in drawn_texts]
    page = figure.bbox
    assert len(boxes) > 30
    for text, box in boxes:
        assert min(box.x0, box.y0, page.x1 - box.x1, page.y1 - box.y1) >= 0, text
    for (first, one), (second, other) in combinations(boxes, 2):
        wide = min(one.x1, other.x1) - max(one.x0, other.x0)
        tall = min(one.y1, other.y1) - max(one.y0, other.y0)
        assert wide <= 1 or tall <= 1, f"{first!r} meets {second!r} by {wide:.0f} x {tall:.0f}"


def test_every_run_has_a_page_of_modest_size(report: RunReport, tmp_path: Path) -> None:
    pictures.write_html_report(report, tmp_path / "new" / "report.html")
    assert 4_000_000 < (tmp_path / "new" / "report.html").stat().st_size <= 8_000_000


@pytest.mark.parametrize("name", ["hard names", "a hundred items"])
def test_a_run_gives_three_pictures_of_two_megabytes_at_most(name: str, tmp_path: Path) -> None:
    pictures.write_pictures(RUNS[name](), tmp_path / "new" / "folder")
    sizes = {path.name: path.stat().st_size for path in (tmp_path / "new" / "folder").iterdir()}
    assert set(sizes) == {f"{name}.png" for name in NAMES}
    assert max(sizes.values()) <= 2_000_000


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("first", "second"):
        run = sample_report(names=("b", "a"), events=MANY_EVENTS)
        pictures.write_pictures(run, tmp_path / folder)
        pictures.write_html_report(run, tmp_path / folder / "report.html")
    for path in sorted((tmp_path / "first").iterdir()):
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes(), path.name


def test_pictures_carry_no_software_name_and_no_date(tmp_path: Path) -> None:
    from PIL import Image

    pictures.write_pictures(sample_report(days=10), tmp_path)
    with Image.open(tmp_path / "inventory_dashboard.png") as image:
        assert set(image.info) <= {"dpi"}
        assert image.size[0] == 1920


def page_of(run: RunReport, path: Path) -> tuple[str, dict[str, Any]]:
    """Return a report's own HTML, without plotly's code, and the data in it."""
    pictures.write_html_report(run, path)
    page = path.read_text(encoding="utf-8")
    data = re.search(r'<script type="application/json" id="report-data">(.*?)</script>', page)
    assert data is not None
    return page[: data.start()] + page[data.end() :].split("</script>", 1)[1], json.loads(data[1])


def test_the_page_names_no_address_to_load_from(tmp_path: Path) -> None:
    own, _ = page_of(sample_report(), tmp_path / "report.html")
    assert re.findall(r"https?://|src=|@import", own) == []
    assert own.count("Content-Security-Policy") == 1


def test_markup_in_names_stays_text(tmp_path: Path) -> None:
    run = sample_report(names=(MARKUP,), days=10)
    run = replace(run, title=MARKUP, settings={MARKUP: MARKUP}, currency="<b>")
    own, data = page_of(run, tmp_path / "report.html")
    assert "<script>alert" not in own
    assert "<b>" not in own
    assert data["item"] == MARKUP
    raw = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<script>alert" not in raw


def test_element_ids_are_fixed_and_unique(tmp_path: Path) -> None:
    own, data = page_of(RUNS["a hundred items"](), tmp_path / "report.html")
    ids = re.findall(r'\bid="([^"]+)"', own)
    assert len(ids) == len(set(ids))
    assert {*data["charts"], *data["tables"], "item-choice"} <= set(ids)
    assert set(TIME_CHARTS) <= set(data["charts"])


def test_each_decision_of_one_item_is_told_with_its_reason(tmp_path: Path) -> None:
    run = sample_report()
    _, data = page_of(run, tmp_path / "report.html")
    rows = data["tables"]["table-decisions"]["rows"]
    assert len(rows) == 180
    reasons = [column["label"] for column in data["tables"]["table-decisions"]["columns"]]
    assert [row[reasons.index("Reason")] for row in rows] == run.daily["reason"].tolist()


def test_of_many_decisions_the_page_keeps_the_most_urgent_and_says_so(tmp_path: Path) -> None:
    run = RUNS["a hundred items"]()
    own, data = page_of(run, tmp_path / "report.html")
    rows = data["tables"]["table-decisions"]["rows"]
    assert len(rows) == MOST_DECISIONS
    assert f"The 5,000 most urgent of {len(run.daily):,} decisions" in own
    assert sum(row[3] == "critical" for row in rows) == (run.daily["urgency"] == "critical").sum()
    assert sum(row[-1] == "yes" for row in rows) == run.daily["escalated"].sum()


def test_items_add_up_to_their_totals_row(tmp_path: Path) -> None:
    run = sample_report(names=("a", "b", "c"))
    own, data = page_of(run, tmp_path / "report.html")
    demand = sum(row[1] for row in data["tables"]["table-items"]["rows"])
    assert demand == run.daily["demand"].sum()
    assert f'data-label="Demand">{demand:,}</td>' in own


def test_a_page_without_plotly_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(FileNotFoundError, match="plotly is not installed"):
        pictures.write_html_report(sample_report(days=10), tmp_path / "report.html")
