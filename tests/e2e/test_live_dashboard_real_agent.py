"""The dashboard as a process of its own, before the real agent and a supplier."""

import contextlib
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from streaming_production.supplier.mock_supplier import create_app
from streaming_production.supplier.order_book import OrderBook
from tests.live_agent import DEMO, agent_of, closing, sale
from tests.live_browser import SEEN, chromium
from tests.live_server import ROOT, agent_process, running, wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["chromium"]  # a fixture

SERVICES = ROOT / "streaming_production" / "services"


@contextlib.contextmanager
def dashboard_process(agent: str) -> Iterator[str]:
    """Run the dashboard the way the README says, on a free port."""
    process = subprocess.Popen(
        [sys.executable, "dashboard_app.py", "--port", "0", "--agent", agent],
        cwd=SERVICES,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        told = process.stdout.readline()
        found = re.search(r"http://\S+:\d+", told)
        assert found is not None, told
        yield found.group()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(10)
        process.stdout.close()


@pytest.fixture
def filled_store(tmp_path: Path) -> Path:
    """A store whose item has its forecast, so that no test waits for a fit."""
    url = tmp_path / "live.db"
    with agent_of(url, start=False):
        pass
    return url


def look_at_the_why(page: "Page") -> None:
    page.get_by_role("link", name=re.compile("^Why")).click()
    page.wait_for_selector("#chart-curve[data-drawn]")
    page.wait_for_selector("#chart-demand[data-drawn]")
    page.locator("#what-if").scroll_into_view_if_needed()
    page.wait_for_selector("#chart-what-if[data-drawn]")


def check_the_other_pages(page: "Page", dashboard: str) -> None:
    for path in ("/items", "/decisions", "/events", "/autonomy", "/log"):
        page.goto(dashboard + path, wait_until="domcontentloaded")
        page.wait_for_selector("body[data-ready]")
        assert page.locator("main section, main ul").count() > 0, path
    assert "approved by Maria" in page.locator("main").inner_text()
    data = requests.get(f"{dashboard}/api/data", timeout=10).json()
    assert set(data) == {"agent_metrics", "current_day", "decisions", "last_update"}


def test_an_order_goes_from_the_day_s_close_over_the_planners_approval_to_the_supplier(
    browser: "Browser", filled_store: Path
) -> None:
    book = OrderBook()
    with (
        running(create_app(book)) as supplier,
        agent_process(filled_store, "--supplier-url", supplier.url) as agent,
        dashboard_process(agent.url) as dashboard,
    ):
        limits = {"max_order_value": None, "max_order_quantity": 0, "kill_switch": False}
        asked = limits | {"who": "tests", "why": "every order waits"}
        requests.put(f"{agent.url}/api/autonomy", json=asked, timeout=10).raise_for_status()
        page = browser.new_page()
        troubles: list[str] = []
        page.on("console", lambda message: troubles.append(message.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.goto(dashboard, wait_until="domcontentloaded")
        page.locator("#link-state[data-state=live]").wait_for()
        events = [sale(1, 2900), closing(2, "2024-01-01")]
        requests.post(f"{agent.url}/api/events", json=events, timeout=10).raise_for_status()
        decisions = f"{agent.url}/api/decisions"
        # The first decision on a fresh machine waits until its code is compiled.
        wait_until(lambda: requests.get(decisions, timeout=10).json()["total"] > 0, 120)
        approve = page.get_by_role("button", name=re.compile("^Approve"))
        approve.wait_for(timeout=2 * SEEN)  # without a reload
        look_at_the_why(page)
        assert book.all() == []
        approve.click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Your name").fill("Maria")
        dialog.get_by_role("button", name="Approve").click()
        page.get_by_text(re.compile("^✓ Ordered")).wait_for(timeout=SEEN)
        wait_until(lambda: len(book.all()) == 1)
        assert book.all()[0]["unique_id"] == DEMO
        page.get_by_role("link", name="Orders", exact=True).click()
        page.locator(".word.confirmed").wait_for(timeout=SEEN)
        check_the_other_pages(page, dashboard)
        page.close()
        assert troubles == []
