"""The dashboard in front of a hand-written agent: pages, actions and sign-in."""

import gzip
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from typer.testing import CliRunner

from streaming_production.dashboard.pages import PAGES
from streaming_production.services import dashboard_app
from tests.live_fake_agent import HOSTILE
from tests.live_shop import Shop

WRITE, READ = "write-token-0123456789", "read-token-0123456789"
PATHS = [*PAGES, "/items/Kettle%20013", "/items/" + quote(HOSTILE[3], safe="")]


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    opened = Shop()
    yield opened
    opened.close()


@pytest.fixture
def fresh() -> Iterator[Callable[..., Shop]]:
    opened: list[Shop] = []

    def make(**settings: Any) -> Shop:
        opened.append(Shop(**settings))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


class Page(HTMLParser):
    """The elements of a page, and the text of its JSON blocks."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.blocks: dict[str, Any] = {}
        self._block = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.elements.append((tag, found))
        self._block = str(found.get("id")) if found.get("type") == "application/json" else ""

    def handle_data(self, data: str) -> None:
        if self._block:
            self.blocks[self._block] = json.loads(data)
            self._block = ""

    def find(self, tag: str, **wanted: str) -> list[dict[str, str | None]]:
        return [
            found
            for name, found in self.elements
            if name == tag and all(found.get(key) == value for key, value in wanted.items())
        ]


def token_of(browser: FlaskClient) -> str:
    page = Page(browser.get("/events").get_data(as_text=True))
    return str(page.find("meta", name="csrf-token")[0]["content"])


def act(browser: FlaskClient, path: str, body: Any, method: str = "POST", **headers: str) -> Any:
    sent = {"X-CSRF-Token": token_of(browser), "Origin": "http://localhost"} | headers
    return browser.open(path, method=method, json=body, headers=sent)


@pytest.mark.parametrize("path", PATHS)
def test_a_page_shows_every_name_letter_by_letter_and_holds_nothing_inline(
    shop: Shop, path: str
) -> None:
    answer = shop.browser().get(path)
    text = answer.get_data(as_text=True)
    page = Page(text)
    assert answer.status_code == 200
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert "<b>video" not in text
    assert "49" not in page.find("title")  # a name with {{ 7 * 7 }} is no template
    for tag, found in page.elements:
        assert not [name for name in found if name == "style" or name.startswith("on")], tag
        if tag == "script":
            assert found.get("src") or found.get("type") == "application/json"
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "script-src 'self'" in policy


def test_json_in_a_page_reads_back_as_it_was(shop: Shop) -> None:
    text = shop.browser().get("/items/Kettle%20013").get_data(as_text=True)
    signals = Page(text).blocks["item-data"]["signals"]
    assert signals[0]["label"] == "Viral <b>video</b>"


def test_an_item_whose_name_holds_slashes_and_signs_has_its_page(shop: Shop) -> None:
    answer = shop.browser().get("/items/" + quote(HOSTILE[3], safe=""))
    assert answer.status_code == 200
    assert Page(answer.get_data(as_text=True)).find("main", **{"data-item": HOSTILE[3]})


def test_what_does_not_exist_is_said_on_a_page_of_ours(shop: Shop) -> None:
    missing = shop.browser().get("/items/no-such-item")
    nowhere = shop.browser().get("/no-such-page")
    assert missing.status_code == nowhere.status_code == 404
    assert "there is no item no-such-item" in missing.get_data(as_text=True)
    assert "There is no page at this address" in nowhere.get_data(as_text=True)


def test_a_script_gets_the_live_parts_alone(shop: Shop) -> None:
    answer = shop.browser().get("/", headers={"X-Live": "1"})
    text = answer.get_data(as_text=True)
    assert text.startswith('<div id="chip"')
    assert "<html" not in text
    assert answer.headers["X-CSRF-Token"]


def test_searching_filtering_and_turning_pages_are_left_to_the_agent(shop: Shop) -> None:
    text = shop.browser().get("/items?search=kettle&sort=name").get_data(as_text=True)
    assert "Kettle 013" in text
    assert "Desk lamp 014" not in text
    assert 'aria-sort="ascending"' in text


def test_the_demos_clients_get_its_data_and_health(shop: Shop) -> None:
    data = shop.browser().get("/api/data").get_json()
    assert set(data) == {"agent_metrics", "current_day", "decisions", "last_update"}
    assert set(data["agent_metrics"]) == {
        "service_level", "total_revenue", "total_costs", "profit", "orders_placed", "stockouts"
    }  # fmt: skip
    assert shop.browser().get("/api/health").get_json()["status"] == "healthy"


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/api/catalogue"), ("POST", "/api/reset"), ("POST", "/api/process-day"),
     ("GET", "/api/current-state"), ("DELETE", "/api/items/a"), ("PUT", "/api/items/a"),
     ("POST", "/api/decisions/a/forge"), ("GET", "/metrics"), ("GET", "/api/stream")],
)  # fmt: skip
def test_only_the_listed_calls_are_passed_on(shop: Shop, method: str, path: str) -> None:
    before = shop.agent.calls[path]
    assert act(shop.browser(), path, {}, method).status_code in (404, 405)
    assert shop.agent.calls[path] == before


def test_an_approval_reaches_the_agent_and_its_refusals_come_back(shop: Shop) -> None:
    browser = shop.browser()
    waiting = shop.agent.items["emoji \U0001f4e6\U0001f69a box"]
    waiting["waiting_decision_id"] = None
    decision = shop.agent._decide(waiting, "waiting")["decision_id"]
    path = f"/api/decisions/{decision}"
    odd = act(browser, f"{path}/override", {"who": "Ann", "why": "a pallet", "quantity": 7})
    assert odd.status_code == 422
    assert "multiple of 12" in odd.get_json()["detail"]
    done = act(browser, f"{path}/override", {"who": "Ann", "why": "a pallet", "quantity": 24})
    assert done.get_json()["status"] == "overridden"
    assert act(browser, f"{path}/approve", {"who": "Ann"}).status_code == 409


def test_an_action_needs_the_pages_secret_and_the_pages_origin(shop: Shop) -> None:
    browser = shop.browser()
    body = {"specversion": "1.0", "type": "signal.withdrawn"}
    assert browser.post("/api/events", json=body).status_code == 403
    for headers in (
        {"X-CSRF-Token": "wrong"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        assert act(browser, "/api/events", body, **headers).status_code == 403, headers
    other = shop.browser()
    token_of(other)
    stolen = {"X-CSRF-Token": token_of(browser)}
    assert other.post("/api/events", json=body, headers=stolen).status_code == 403


def test_a_page_sends_announcements_and_no_sales(shop: Shop) -> None:
    sale = {"specversion": "1.0", "type": "sale.recorded", "data": {"quantity": 1}}
    signal = {
        "specversion": "1.0", "type": "signal.announced", "id": "1", "source": "dashboard",
        "data": {"signal_id": "s", "kind": "promotion", "start": "2024-04-01"},
    }  # fmt: skip
    browser = shop.browser()
    assert act(browser, "/api/events", sale).status_code == 403
    assert act(browser, "/api/events", [signal, sale]).status_code == 403
    assert act(browser, "/api/events", signal).status_code == 200
    assert shop.agent.requests[-1]["data"]["signal_id"] == "s"


def test_a_host_name_that_is_not_ours_is_refused(shop: Shop) -> None:
    assert shop.browser().get("/", headers={"Host": "evil.example"}).status_code == 421


def test_tables_are_exported_as_the_agent_streams_them(shop: Shop) -> None:
    answer = shop.browser().get("/api/orders.csv?search=kettle")
    assert answer.headers["Content-Disposition"] == "attachment; filename=orders.csv"
    assert answer.content_type.startswith("text/csv")
    assert "'Kettle 013" in answer.get_data(as_text=True)


def test_the_chart_library_comes_from_the_installed_package_once(shop: Shop) -> None:
    spec = find_spec("plotly")
    assert spec is not None
    file = Path(str(spec.origin)).parent / "package_data" / "plotly.min.js"
    answer = shop.browser().get("/static/plotly.min.js", headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(answer.get_data()) == file.read_bytes()
    assert "immutable" in answer.headers["Cache-Control"]


def test_those_who_look_at_once_cost_the_agent_one_reading(fresh: Callable[..., Shop]) -> None:
    shop = fresh()
    with ThreadPoolExecutor(8) as pool:
        texts = set(pool.map(lambda _: shop.browser().get("/orders").status_code, range(24)))
    assert texts == {200}
    assert shop.agent.calls["/api/orders"] == 1


def test_a_page_seen_before_is_kept_while_the_agent_is_away(fresh: Callable[..., Shop]) -> None:
    shop = fresh()
    browser = shop.browser()
    browser.get("/orders")
    shop.fake.stop()
    shop.relay.renew()
    kept, new = browser.get("/orders"), browser.get("/items")
    assert kept.status_code == 200
    assert "Kettle 013" in kept.get_data(as_text=True)
    assert "The agent does not answer." in kept.get_data(as_text=True)
    assert new.status_code == 503
    assert "fills itself as soon as the agent is back" in new.get_data(as_text=True)
    refused = act(browser, "/api/decisions", {"unique_id": "Kettle 013"})
    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "2"


def sign_in(browser: FlaskClient, token: str, **more: str) -> Any:
    page = Page(browser.get("/sign-in").get_data(as_text=True))
    csrf = str(page.find("input", name="csrf")[0]["value"])
    form = {"csrf": csrf, "token": token} | more
    return browser.post("/sign-in", data=form, headers={"Origin": "http://localhost"})


def test_with_tokens_nobody_sees_anything_before_signing_in(fresh: Callable[..., Shop]) -> None:
    browser = fresh(api_token=WRITE, read_token=READ).browser()
    away = browser.get("/items?page=2")
    assert away.status_code == 303
    assert away.headers["Location"] == "/sign-in?next=/items?page%3D2"
    assert browser.get("/api/items").status_code == 401
    assert browser.get("/stream").status_code == 401
    assert browser.post("/api/what-if", json={}).status_code == 401
    assert browser.get("/api/data").status_code == 401
    assert sign_in(browser, "wrong-token-0123456789").status_code == 403
    entered = sign_in(browser, WRITE, next="/items?page=2")
    assert entered.headers["Location"] == "/items?page=2"
    cookie = entered.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert WRITE not in cookie
    assert browser.get("/items").status_code == 200
    assert act(browser, "/api/what-if", {"unique_id": "Kettle 013"}).status_code == 200
    csrf = token_of(browser)
    browser.post("/sign-out", data={"csrf": csrf}, headers={"Origin": "http://localhost"})
    assert browser.get("/items").status_code == 303


def test_a_reading_token_sees_no_actions_and_may_take_none(fresh: Callable[..., Shop]) -> None:
    shop = fresh(api_token=WRITE, read_token=READ)
    browser = shop.browser()
    sign_in(browser, READ)
    for path in ("/", "/events", "/autonomy", "/items/Kettle%20013"):
        page = Page(browser.get(path).get_data(as_text=True))
        assert not [found for _, found in page.elements if "data-act" in found], path
        assert not page.find("dialog"), path
    assert act(browser, "/api/decisions", {"unique_id": "Kettle 013"}).status_code == 403
    limits = {"who": "Ann", "why": "trial", "kill_switch": True}
    assert act(browser, "/api/autonomy", limits, "PUT").status_code == 403
    assert act(browser, "/api/what-if", {"unique_id": "Kettle 013"}).status_code == 200
    assert shop.agent.requests == []


def test_guessing_tokens_is_slowed_down_and_leads_to_no_other_site(
    fresh: Callable[..., Shop],
) -> None:
    shop = fresh(api_token=WRITE)
    browser = shop.browser()
    for target in ("//evil.example", "/\\evil.example", "https://evil.example", "/sign-in"):
        assert sign_in(shop.browser(), WRITE, next=target).headers["Location"] == "/"
    statuses = [sign_in(browser, f"guess-number-{n:06d}").status_code for n in range(8)]
    assert statuses[-1] == 429
    assert sign_in(browser, WRITE).status_code == 429


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["--host", "0.0.0.0"], "a token is required"), (["--port", "70000"], "port"),
     (["--agent", "nonsense"], "agent_url")],
)  # fmt: skip
def test_a_wrong_setting_ends_in_one_line_and_exit_code_2(
    arguments: list[str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("INVENTORY_API_TOKEN", raising=False)
    ended = CliRunner().invoke(dashboard_app.command, arguments)
    assert ended.exit_code == 2
    assert words in ended.output
    assert "Traceback" not in ended.output
