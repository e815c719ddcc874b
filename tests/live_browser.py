"""A real browser on a shop whose agent is a fake: what the browser tests of the dashboard share."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.live_shop import Shop

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
DESK, PHONE = (1280, 900), (390, 844)
ITEM = "/items/Trail%20shoes%20010"
SEEN = 6000  # milliseconds within which a change shows


@pytest.fixture(name="browser", scope="module")
def chromium() -> "Iterator[Browser]":
    from playwright.sync_api import sync_playwright

    if not CHROMIUM.exists():
        pytest.fail(f"this test drives {CHROMIUM}, which is missing: apt-get install chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield opened
        opened.close()


class OpenShop(Shop):
    """A shop and the pages opened on it, with everything that went wrong in them."""

    def __init__(self, browser: "Browser", **given: Any) -> None:
        super().__init__(**given)
        self._browser = browser
        self.troubles: list[str] = []
        self.allowed: tuple[str, ...] = ()  # beginnings of console messages that are meant to come

    def open(self, path: str = "/", size: tuple[int, int] = DESK, **context: Any) -> "Page":
        """Open a page in a browser of its own."""
        page = self.open_gate(path, size, **context)
        page.wait_for_selector("body[data-ready]")
        return page

    def open_gate(self, path: str, size: tuple[int, int] = DESK, **context: Any) -> "Page":
        """Open an address that leads to the sign-in page."""
        opened = self._browser.new_context(
            viewport={"width": size[0], "height": size[1]}, **context
        )
        page = opened.new_page()
        page.on("console", lambda message: self._note(message.text))
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("dialog", lambda dialog: self.troubles.append(f"alert {dialog.message}"))
        page.on("request", self._note_request)
        page.goto(self.served.url + path, wait_until="domcontentloaded")
        return page

    def go(self, page: "Page", path: str) -> None:
        """Go to another page."""
        page.goto(self.served.url + path, wait_until="domcontentloaded")
        page.wait_for_selector("body[data-ready]")

    def _note(self, text: str) -> None:
        if not text.startswith(self.allowed or ("\0",)):
            self.troubles.append(text)

    def _note_request(self, request: Any) -> None:
        address = urlsplit(request.url)
        if address.scheme != "data" and address.port != self.served.port:
            self.troubles.append(f"asked the network for {request.url}")

    def close(self) -> None:
        for context in self._browser.contexts:
            context.close()
        super().close()


@pytest.fixture(name="shop")
def open_shops(browser: "Browser") -> Iterator[Callable[..., OpenShop]]:
    opened: list[OpenShop] = []

    def make(**given: Any) -> OpenShop:
        opened.append(OpenShop(browser, **given))
        return opened[-1]

    yield make
    for one in opened:
        one.close()
    troubles = [trouble for one in opened for trouble in one.troubles]
    assert not troubles, troubles
