"""The HTML report in a real browser: drawn, silent, without network, legible on desk and phone."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from core_modules.reporting.html_report import write_html_report
from core_modules.reporting.run_report import RunReport
from tests.report_samples import MANY_EVENTS, sample_report

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
DESK, PHONE = (1440, 900), (390, 844)
MARKUP = "<img src=x onerror=\"document.title='run'\"> & 'co' </script>"
CHARTS = (
    "chart-policies", "chart-demand", "chart-stock", "chart-money", "chart-scenarios",
    "chart-urgency",
)  # fmt: skip

# Boxes of the texts that a chart shows, with the chart they belong to.
TEXT_BOXES = """() => [...document.querySelectorAll('.chart')].flatMap((chart) =>
  [...chart.querySelectorAll(
    '.xtick text, .ytick text, .annotation-text, .legendtext, .xtitle, .ytitle')]
    .filter((text) => text.textContent.trim() && text.getBoundingClientRect().width > 0)
    .map((text) => {
      const box = text.getBoundingClientRect();
      const size = parseFloat(getComputedStyle(text).fontSize);
      return {chart: chart.id, text: text.textContent, size, x0: box.left, x1: box.right,
              y0: box.top, y1: box.bottom, width: window.innerWidth};
    }))"""


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    from playwright.sync_api import sync_playwright

    if not CHROMIUM.exists():
        pytest.fail(f"this test drives {CHROMIUM}, which is missing: apt-get install chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield chromium
        chromium.close()


class OpenReport:
    """A report open in the browser, with everything that went wrong in it."""

    def __init__(self, browser: "Browser", report: RunReport, path: Path, size: tuple[int, int]):
        write_html_report(report, path)
        self.troubles: list[str] = []
        self.page: Page = browser.new_page(viewport={"width": size[0], "height": size[1]})
        self.page.on("console", lambda message: self.troubles.append(message.text))
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("request", self._note_request)
        self.page.goto(path.as_uri())
        self.page.wait_for_function("document.body.dataset.ready === 'true'")

    def _note_request(self, request: Any) -> None:
        if not request.url.startswith(("file:", "data:", "blob:")):
            self.troubles.append(f"asked the network for {request.url}")

    def series(self, chart: str, column: str) -> list[float | None]:
        """Return what a chart shows of one column."""
        return self.page.evaluate(
            "([id, column]) => [...document.getElementById(id).data.find("
            "(trace) => trace.meta === column).y]",
            [chart, column],
        )

    def rows(self, table: str) -> int:
        """Return the number of rows that a table shows."""
        return self.page.locator(f"#{table} tbody tr").count()


RUNS = {
    "one item": sample_report,
    "many items": lambda: sample_report(
        names=[f"FOODS_3_{i:03d}_TX_3" for i in range(30)], events=MANY_EVENTS, cover=7.0
    ),
    "ten days": lambda: sample_report(days=10),
    "no demand": lambda: sample_report(mean=0, events=()),
}


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("run", RUNS)
def test_a_report_is_drawn_silently_fits_the_screen_and_can_be_read(
    browser: "Browser", run: str, size: tuple[int, int], tmp_path: Path
) -> None:
    opened = OpenReport(browser, RUNS[run](), tmp_path / "report.html", size)
    for chart in CHARTS:
        box = opened.page.locator(f"#{chart} .main-svg").first.bounding_box()
        assert box is not None, chart
        assert box["width"] > 250, chart
        assert box["height"] > 100, chart
    assert opened.page.evaluate("document.documentElement.scrollWidth") == size[0]
    assert opened.troubles == []
    check_legible(opened.page.evaluate(TEXT_BOXES))
    opened.page.close()


def check_legible(boxes: list[dict[str, Any]]) -> None:
    """Fail where a text of a chart is tiny, leaves the screen or meets another text."""
    assert len(boxes) > 30
    for index, one in enumerate(boxes):
        assert one["size"] >= 11, one
        assert one["x0"] >= -1, one
        assert one["x1"] <= one["width"] + 1, one
        for other in boxes[index + 1 :]:
            wide = min(one["x1"], other["x1"]) - max(one["x0"], other["x0"])
            tall = min(one["y1"], other["y1"]) - max(one["y0"], other["y0"])
            assert wide <= 1 or tall <= 3, (one, other)


def test_names_with_markup_are_shown_letter_by_letter(browser: "Browser", tmp_path: Path) -> None:
    report = replace(sample_report(names=(MARKUP, "b"), days=40), title=MARKUP)
    opened = OpenReport(browser, report, tmp_path / "report.html", DESK)
    assert opened.page.title() == MARKUP
    assert opened.page.locator("main img").count() == 0
    assert opened.page.get_by_role("cell", name=MARKUP).count() > 0
    opened.page.select_option("#item-choice", label=MARKUP)
    assert opened.troubles == []
    opened.page.close()


def test_an_item_can_be_picked_and_all_of_them_again(browser: "Browser", tmp_path: Path) -> None:
    report = sample_report(names=("a", "b"), days=60)
    opened = OpenReport(browser, report, tmp_path / "report.html", DESK)
    total = report.daily.groupby("ds")["demand"].sum().tolist()
    alone = report.daily.loc[report.daily["unique_id"] == "b", "demand"].tolist()
    assert opened.series("chart-demand", "demand") == total
    assert set(opened.series("chart-demand", "forecast_p90")) == {None}
    opened.page.select_option("#item-choice", label="b")
    opened.page.wait_for_function("document.getElementById('chart-stock').dataset.item === 'b'")
    assert opened.series("chart-demand", "demand") == alone
    assert None not in opened.series("chart-demand", "forecast_p90")
    opened.page.select_option("#item-choice", label="all items")
    opened.page.wait_for_function("document.getElementById('chart-stock').dataset.item === ''")
    assert opened.series("chart-demand", "demand") == total
    opened.page.close()


def test_decisions_can_be_searched_filtered_sorted_and_turned(
    browser: "Browser", tmp_path: Path
) -> None:
    report = sample_report()
    orders = report.daily["ordered"].gt(0).sum()
    opened = OpenReport(browser, report, tmp_path / "report.html", DESK)
    table = opened.page.locator("#table-decisions")
    assert opened.rows("table-decisions") == 25
    assert table.locator(".shown").inner_text() == "1 to 25 of 180"
    table.get_by_role("button", name="Next").click()
    assert table.locator(".shown").inner_text() == "26 to 50 of 180"
    table.get_by_label("orders only").check()
    assert table.locator(".shown").inner_text() == f"1 to 25 of {orders}"
    table.get_by_role("button", name="Order, units").click()
    largest = table.locator("tbody tr").first.locator("td.number").inner_text()
    assert largest == f"{report.daily['ordered'].max():,}"
    table.get_by_role("searchbox").fill("viral")
    viral = report.daily["scenario"].str.contains("Viral") & report.daily["ordered"].gt(0)
    assert opened.rows("table-decisions") == viral.sum()
    table.get_by_role("searchbox").fill("no such word")
    assert table.locator(".shown").inner_text() == "nothing found"
    assert opened.troubles == []
    opened.page.close()


def test_zooming_one_chart_zooms_the_other(browser: "Browser", tmp_path: Path) -> None:
    opened = OpenReport(browser, sample_report(), tmp_path / "report.html", DESK)
    opened.page.evaluate(
        "Plotly.relayout('chart-demand', {'xaxis.range': ['2024-03-01', '2024-03-31']})"
    )
    opened.page.wait_for_function(
        "document.getElementById('chart-stock').layout.xaxis.range[0].startsWith('2024-03-01')"
    )
    shown = opened.page.locator("#chart-demand .annotation-text").all_text_contents()
    assert shown == ["Viral Social Media Boost"]
    assert opened.troubles == []
    opened.page.close()


def test_a_phone_gets_numbers_for_events_and_a_list_of_them(
    browser: "Browser", tmp_path: Path
) -> None:
    opened = OpenReport(browser, sample_report(), tmp_path / "report.html", PHONE)
    shown = opened.page.locator("#chart-demand .annotation-text").all_text_contents()
    assert shown == ["1", "2", "3"]
    listed = opened.page.locator("#event-key li").all_inner_texts()
    assert listed[1] == "Viral Social Media Boost, 2024-03-15 to 2024-03-17"
    assert opened.page.locator("#event-key").is_visible()
    opened.page.close()
