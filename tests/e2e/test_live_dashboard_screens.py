"""How the dashboard's pages look: they fit their screens and can be used by everybody."""

import os
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest

from streaming_production.dashboard.pages import PAGES
from tests.live_browser import DESK, ITEM, PHONE, OpenShop, chromium, open_shops

__all__ = ["chromium", "open_shops"]  # fixtures

WIDTH = "document.documentElement.scrollWidth"
SMALL_TARGETS = """[...document.querySelectorAll('main button, .filters input, .filters select')]
  .filter((one) => one.offsetHeight && one.offsetHeight < 44)
  .map((one) => one.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize(
    ("size", "theme"),
    [
        pytest.param(DESK, "light", id="desk, light"),
        pytest.param(PHONE, "dark", id="phone, dark"),
        pytest.param(DESK, "dark", id="desk, dark", marks=pytest.mark.long),
        pytest.param(PHONE, "light", id="phone, light", marks=pytest.mark.long),
    ],
)
def test_every_page_fits_its_screen_and_has_no_serious_fault_of_access(
    shop: Callable[..., OpenShop], size: tuple[int, int], theme: str
) -> None:
    opened = shop(items=12, waiting=3)
    touch = size == PHONE
    page = opened.open("/", size, color_scheme=theme, bypass_csp=True, has_touch=touch)
    axe = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    decision = next(iter(opened.agent.decisions))
    for path in [*PAGES, ITEM, f"/decisions/{decision}"]:
        opened.go(page, path)
        if path == ITEM:
            page.wait_for_selector("#chart-stock[data-drawn]")
        page.evaluate(axe)
        found = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
        serious = [
            (fault["id"], [node["html"][:160] for node in fault["nodes"][:3]])
            for fault in found
            if fault["impact"] in ("serious", "critical")
        ]
        assert serious == [], path
        assert page.evaluate(WIDTH) <= size[0], path
        if touch:
            assert page.evaluate(SMALL_TARGETS) == [], path
            page.set_viewport_size({"width": 360, "height": 740})
            assert page.evaluate(WIDTH) <= 360, path
            page.set_viewport_size({"width": size[0], "height": size[1]})


def test_an_empty_shop_says_what_there_will_be(shop: Callable[..., OpenShop]) -> None:
    page = shop(items=0, waiting=0).open()
    assert "There are no items yet" in page.locator("main").inner_text()
    assert "Nothing has happened yet" in page.locator("main").inner_text()


@pytest.mark.skipif("INVENTORY_SCREENSHOTS" not in os.environ, reason="takes pictures for docs/")
def test_take_the_pictures(shop: Callable[..., OpenShop]) -> None:
    folder = Path(os.environ["INVENTORY_SCREENSHOTS"])
    opened = shop(items=300, waiting=12, hostile=False)
    for name, path, size, theme in (
        ("live_dashboard_desktop", "/", (1280, 1790), "light"),
        ("live_dashboard_phone", "/", PHONE, "light"),
        ("live_dashboard_dark", "/", (1280, 1790), "dark"),
        ("live_item", ITEM, (1280, 1500), "light"),
    ):
        page = opened.open(path, size, color_scheme=theme)
        if path == ITEM:
            page.wait_for_selector("#chart-stock[data-drawn]")
        page.locator("#link-state[data-state=live]").wait_for()
        folder.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=folder / f"{name}.png")
