"""What a planner does with the dashboard, in a real browser."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests.live_browser import ITEM, SEEN, OpenShop, chromium, open_shops
from tests.live_fake_agent import HOSTILE

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

__all__ = ["chromium", "open_shops"]  # fixtures


def first_row(page: "Page") -> "Locator":
    return page.locator(".need").first


def test_a_planner_goes_from_risk_to_why_to_another_quantity_to_the_order(
    shop: Callable[..., OpenShop],
) -> None:
    opened = shop(hostile=False)
    opened.allowed = ("Failed to load resource: the server responded with a status of 422",)
    page = opened.open()
    row = first_row(page)
    name = row.locator(".name").inner_text()
    assert "Asks you because" in row.inner_text()
    row.get_by_role("link", name=re.compile("^Why")).click()
    page.wait_for_selector("#chart-curve[data-drawn]")
    page.wait_for_selector("#chart-demand[data-drawn]")
    assert page.get_by_role("heading", level=1).inner_text() == name
    assert page.get_by_text("What would change it").is_visible()
    page.get_by_role("button", name="Change the quantity").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Quantity").fill("25")
    dialog.get_by_label("Why").fill("a pallet")
    dialog.get_by_label("Your name").fill("Maria")
    assert "in packs of 12, at least 24, at most 5,000" in dialog.inner_text()
    dialog.get_by_role("button", name="Order").click()
    page.get_by_text("quantity must be a multiple of 12").wait_for()
    dialog.get_by_label("Quantity").fill("36")
    dialog.get_by_role("button", name="Order").click()
    page.get_by_text(f"Ordered 36 of {name}.").wait_for()
    dialog.wait_for(state="hidden")
    page.get_by_text("Overridden by Maria: 36 units").wait_for()
    opened.go(page, "/orders")
    ordered = page.get_by_role("row").filter(has_text=name)
    assert "confirmed" in ordered.first.inner_text()
    assert "36" in ordered.first.inner_text()
    opened.go(page, "/")
    assert first_row(page).locator(".name").inner_text() != name
    page.get_by_role("button", name=re.compile("^Approve")).first.click()  # the name is remembered
    page.locator(".toast").wait_for()
    assert opened.agent.requests[-1] == {"verdict": "approve", "who": "Maria"}


def test_a_page_renews_itself_and_leaves_what_somebody_does_in_peace(
    shop: Callable[..., OpenShop],
) -> None:
    opened = shop(hostile=False)
    page = opened.open("/items?search=kettle")
    page.evaluate("window.same = true")
    search = page.get_by_label("Search")
    search.press("End")
    search.type(" 01")
    page.wait_for_url("**/items?search=kettle+01*")
    cell = page.get_by_role("row").filter(has_text="Kettle 013").locator("[data-label='On hand']")
    opened.agent.items["Kettle 013"]["on_hand"] = 4321
    opened.agent.sell("Kettle 013", 1)
    page.get_by_text("4,320").wait_for(timeout=SEEN)
    assert cell.inner_text() == "4,320"
    assert page.evaluate("window.same") is True
    assert search.input_value() == "kettle 01"
    assert page.evaluate("document.activeElement.name") == "search"


def test_open_details_stay_open_while_the_page_renews_itself(shop: Callable[..., OpenShop]) -> None:
    opened = shop(hostile=False)
    page = opened.open()
    page.get_by_text("Table of the key figures by day").click()
    opened.agent.sell("Kettle 013", 77)
    page.locator(".feed").get_by_text("sold 77").wait_for(timeout=SEEN)
    assert page.get_by_role("columnheader", name="Service level").is_visible()


def test_a_list_does_not_move_under_the_hand_that_is_about_to_approve(
    shop: Callable[..., OpenShop],
) -> None:
    opened = shop(hostile=False)
    page = opened.open()
    row = first_row(page)
    name = row.locator(".name").inner_text()
    row.get_by_role("button", name=re.compile("^Approve")).hover()
    item = opened.agent.items["Kettle 037"]
    item["stockout_risk"] = 2.0
    opened.agent._decide(item, "waiting")
    opened.agent.sell("Kettle 037", 55)
    page.locator(".feed").get_by_text("sold 55").wait_for(timeout=SEEN)
    assert first_row(page).locator(".name").inner_text() == name
    page.mouse.move(5, 5)
    opened.agent.sell("Kettle 037", 56)
    page.locator(".need .name").get_by_text("Kettle 037").wait_for(timeout=SEEN)


def test_a_page_says_since_when_it_is_stale_and_recovers_by_itself(
    shop: Callable[..., OpenShop],
) -> None:
    opened = shop(hostile=False)
    opened.allowed = ("Failed to load resource",)
    page = opened.open()
    name = first_row(page).locator(".name").inner_text()
    page.locator("#link-state[data-state=live]").wait_for()
    opened.fake.stop()
    banner = page.get_by_role("alert")
    banner.wait_for(timeout=5000)
    assert re.search(r"agent does not answer\. Stale since \d\d:\d\d:\d\d", banner.inner_text())
    assert first_row(page).locator(".name").inner_text() == name
    assert "Stale" in page.locator("#link-state").inner_text()
    opened.agent.sell("Kettle 013", 88)
    opened.fake.start()
    banner.wait_for(state="hidden", timeout=15000)
    page.locator(".feed").get_by_text("sold 88").wait_for(timeout=SEEN)


@pytest.mark.long  # its server takes its time to end streams
def test_a_dashboard_that_goes_away_and_returns_is_noticed_too(
    shop: Callable[..., OpenShop],
) -> None:
    opened = shop(hostile=False)
    opened.allowed = ("Failed to load resource", "Failed to fetch")
    page = opened.open("/orders")
    page.locator("#link-state[data-state=live]").wait_for()
    opened.served.stop()
    banner = page.get_by_role("alert")
    banner.wait_for(timeout=6000)
    assert "The dashboard does not answer. Stale since" in banner.inner_text()
    opened.served.start()
    banner.wait_for(state="hidden", timeout=15000)


def test_names_are_shown_letter_by_letter_everywhere(shop: Callable[..., OpenShop]) -> None:
    opened = shop()
    page = opened.open()
    shown = set(page.locator(".need .name").all_inner_texts())
    assert "{{ 7 * 7 }} ${7*7} </textarea>" in shown
    for name in (HOSTILE[0], HOSTILE[3]):
        opened.go(page, "/items/" + quote(name, safe=""))
        page.wait_for_selector("#chart-demand[data-drawn]")
        assert page.get_by_role("heading", level=1).text_content() == name
        assert page.locator("#chart-demand .annotation-text").first.text_content() == (
            "Port strike"
        )
        assert page.locator("main img").count() == 0
    opened.go(page, "/events")
    page.get_by_role("button", name="Edit Viral <b>video</b>").click()
    assert page.locator("#signal-label").input_value() == "Viral <b>video</b>"


def test_an_order_can_be_approved_with_the_keyboard_alone(shop: Callable[..., OpenShop]) -> None:
    opened = shop(hostile=False, waiting=2)
    page = opened.open()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.dataset.act") == "approve":
            break
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.wait_for()
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    assert page.evaluate("document.activeElement.dataset.act") == "approve"
    page.keyboard.press("Enter")
    page.keyboard.type("Ann")
    page.keyboard.press("Enter")
    page.locator(".toast").wait_for()
    assert opened.agent.requests == [{"verdict": "approve", "who": "Ann"}]
    page.wait_for_selector("#waiting-title .count:text-is('1')")
    assert page.evaluate("document.activeElement.dataset.act") == "approve"  # of the next row


def test_an_event_is_announced_once_however_often_its_button_is_pressed(
    shop: Callable[..., OpenShop],
) -> None:
    opened = shop(hostile=False)
    page = opened.open("/events")
    page.get_by_role("button", name="Announce an event").click()
    dialog = page.get_by_role("dialog")
    assert dialog.get_by_label("First day").input_value() == "2024-03-13"
    dialog.get_by_label("Name", exact=True).fill("Easter <i>sale</i>")
    dialog.get_by_label("First day").fill("2024-03-28")
    dialog.get_by_label("Last day", exact=True).fill("2024-04-01")
    dialog.get_by_label("Demand, times").fill("1.7")
    dialog.get_by_role("button", name="Announce").dblclick()
    card = page.locator(".signal").filter(has_text="Easter <i>sale</i>")
    card.wait_for(timeout=SEEN)
    sent = opened.agent.requests
    assert len({event["id"] for event in sent}) == 1
    assert sent[0]["type"] == "signal.announced"
    assert sent[0]["time"].startswith("2024-03-13T")
    data = sent[0]["data"]
    assert (data["kind"], data["start"], data["demand"]) == ("promotion", "2024-03-28", 1.7)
    card.get_by_role("button", name="Edit").click()
    dialog.get_by_label("Demand, times").fill("2")
    dialog.get_by_role("button", name="Save").click()
    card.get_by_text("demand \N{MULTIPLICATION SIGN}2.0").wait_for(timeout=SEEN)
    card.get_by_role("button", name="Withdraw").click()
    dialog.get_by_role("button", name="Withdraw").click()
    card.get_by_text("withdrawn").wait_for(timeout=SEEN)
    kinds = [event["type"] for event in opened.agent.requests]
    assert kinds[-2:] == ["signal.announced", "signal.withdrawn"]
    assert len({event["data"]["signal_id"] for event in opened.agent.requests}) == 1


def test_stopping_all_orders_asks_first_and_shows_on_every_page(
    shop: Callable[..., OpenShop],
) -> None:
    opened = shop(hostile=False)
    page = opened.open("/autonomy")
    page.get_by_role("button", name="Stop all orders").click()
    assert opened.agent.requests == []
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Why").fill("wrong prices")
    dialog.get_by_label("Your name").fill("Ann")
    dialog.get_by_role("button", name="Stop all orders").click()
    page.get_by_role("link", name="Kill switch on").wait_for(timeout=SEEN)
    assert opened.agent.requests[-1] == {
        "max_order_value": 500, "max_order_quantity": None, "kill_switch": True,
        "who": "Ann", "why": "wrong prices",
    }  # fmt: skip
    page.get_by_role("button", name="Change the limits").click()
    dialog.get_by_label("Largest order value").fill("")
    dialog.get_by_label("Largest order quantity").fill("500")
    dialog.get_by_label("Why").fill("trial")
    dialog.get_by_role("button", name="Save").click()
    page.get_by_text("500 units").wait_for(timeout=SEEN)
    assert opened.agent.autonomy == {
        "max_order_value": None, "max_order_quantity": 500, "kill_switch": True
    }  # fmt: skip


def test_what_if_answers_as_the_slider_moves(shop: Callable[..., OpenShop]) -> None:
    opened = shop(hostile=False)
    page = opened.open(ITEM)
    row = page.locator("#what-if-table tbody tr").filter(has_text="Order, units")
    page.locator("#what-if").scroll_into_view_if_needed()
    row.wait_for()
    before = row.locator("td").nth(1).inner_text()
    slider = page.locator("#what-if-demand")
    slider.focus()
    for _ in range(10):
        slider.press("ArrowRight")
    assert page.locator("#what-if-demand-words").inner_text() == "\N{MULTIPLICATION SIGN}1.50"
    wanted = f"{int(int(before.replace(',', '')) * 1.5):,}"
    row.locator("td").nth(1).get_by_text(wanted, exact=True).wait_for(timeout=SEEN)
    assert row.locator("td").nth(0).inner_text() == before


def test_a_hidden_page_gives_its_stream_back_and_takes_it_again(
    shop: Callable[..., OpenShop],
) -> None:
    opened = shop(hostile=False)
    page = opened.open()
    page.locator("#link-state[data-state=live]").wait_for()
    show = """(hidden) => {
      Object.defineProperty(document, 'hidden', {configurable: true, get: () => hidden});
      document.dispatchEvent(new Event('visibilitychange'));
    }"""
    page.evaluate(show, True)
    for _ in range(100):
        if opened.relay.pages == 0:
            break
        page.wait_for_timeout(100)
    assert opened.relay.pages == 0
    opened.agent.sell("Kettle 013", 66)
    page.evaluate(show, False)
    page.locator(".feed").get_by_text("sold 66").wait_for(timeout=SEEN)


def test_a_page_without_a_place_on_the_stream_polls(shop: Callable[..., OpenShop]) -> None:
    opened = shop(hostile=False, max_streams=1)
    opened.allowed = ("Failed to load resource: the server responded with a status of 503",)
    first = opened.open()
    first.locator("#link-state[data-state=live]").wait_for()
    second = opened.open()
    second.locator("#link-state[data-state=polling]").wait_for(timeout=SEEN)
    opened.agent.sell("Kettle 013", 44)
    second.locator(".feed").get_by_text("sold 44").wait_for(timeout=2 * SEEN)


def test_a_visitor_signs_in_sees_the_page_live_and_signs_out(shop: Callable[..., OpenShop]) -> None:
    opened = shop(hostile=False, api_token="write-token-0123456789")
    opened.allowed = ("Failed to load resource: the server responded with a status of 403",)
    page = opened.open_gate("/orders")
    page.get_by_label("Access token").fill("wrong-token-0123456789")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text("That is not one of the access tokens").wait_for()
    page.get_by_label("Access token").fill("write-token-0123456789")
    page.get_by_role("button", name="Sign in").click()
    page.locator("#link-state[data-state=live]").wait_for()
    assert page.url.endswith("/orders")
    assert page.evaluate("document.cookie") == ""  # no script reads the session
    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("Access token").wait_for()
