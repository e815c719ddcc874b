"""Who may come in: host names, tokens, headers, and nothing secret in the log."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from streaming_production.web.request_log import configure_log
from streaming_production.web.security import page_headers
from tests.live_agent import DEMO, Agent, agent_of, sale

WRITE, READ = "write-token-of-the-test", "read-token-of-the-tests"


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    with agent_of(tmp_path_factory.mktemp("open") / "live.db") as made:
        yield made


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    store = tmp_path_factory.mktemp("guarded") / "live.db"
    with agent_of(store, api_token=WRITE, read_token=READ) as made:
        yield made


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:5001", "127.0.0.1:80", "[::1]:5001", "LOCALHOST"]
)
def test_names_of_this_machine_are_answered(agent: Agent, host: str) -> None:
    assert agent.client.get("/api/status", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:5001", "[::2]"]
)
@pytest.mark.parametrize("path", ["/api/status", "/healthz", "/nowhere", "/api/health"])
def test_other_names_are_refused_whatever_is_asked(agent: Agent, host: str, path: str) -> None:
    answer = agent.client.get(path, headers={"Host": host})
    assert answer.status_code == 421
    assert host not in answer.get_data(as_text=True)


def test_a_name_can_be_allowed(tmp_path: Path) -> None:
    with agent_of(tmp_path / "live.db", allowed_hosts=("Shop.example",)) as made:
        headers = {"Host": "shop.EXAMPLE:443"}
        assert made.client.get("/api/status", headers=headers).status_code == 200


def test_without_a_token_nothing_is_told(guarded: Agent) -> None:
    answer = guarded.client.get("/api/items")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.get_json()["detail"].startswith("a token is required")


@pytest.mark.parametrize(
    "header",
    [
        "Bearer wrong-token-of-the-test",
        "Bearer ",
        "Bearer",
        f"Basic {WRITE}",
        f"Bearer {WRITE}x",
        f"Bearer {WRITE[:-1]}",
        "Bearer \u00fc",
    ],
)
def test_a_wrong_token_is_none(guarded: Agent, header: str) -> None:
    answer = guarded.client.get("/api/items", headers={"Authorization": header})
    assert answer.status_code == 401


def test_the_reading_token_reads_and_tries_but_changes_nothing(guarded: Agent) -> None:
    client = guarded.client
    assert client.get("/api/items", headers=bearer(READ)).status_code == 200
    tried = client.post("/api/what-if", json={"unique_id": DEMO}, headers=bearer(READ))
    assert tried.status_code == 200
    before = guarded.store.last_seq
    for method, path, body in _CHANGES:
        answer = client.open(path, method=method, json=body, headers=bearer(READ))
        assert answer.status_code == 403, path
    assert guarded.store.last_seq == before


def test_the_writing_token_writes(guarded: Agent) -> None:
    answer = guarded.client.post("/api/events", json=sale(1), headers=bearer(WRITE))
    assert answer.status_code == 200


def test_a_supervisor_needs_no_token_to_see_that_the_service_lives(guarded: Agent) -> None:
    assert guarded.client.get("/healthz").status_code == 200
    assert guarded.client.get("/readyz").status_code == 200
    assert guarded.client.get("/metrics").status_code == 401


def test_answers_carry_the_headers_that_keep_browsers_from_harm(agent: Agent) -> None:
    for path in ("/api/items", "/nowhere", "/api/decisions.csv"):
        headers = agent.client.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["Cache-Control"] == "no-store"
        assert not [name for name, _ in headers if name.startswith("Access-Control")]


def test_another_origin_is_never_allowed(agent: Agent) -> None:
    answer = agent.client.options(
        "/api/events",
        headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"},
    )
    assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


def test_a_page_may_only_load_what_is_of_this_service() -> None:
    policy = page_headers("abc")["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self' 'nonce-abc'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_a_client_that_asks_too_fast_is_told_when_to_come_back(tmp_path: Path) -> None:
    with agent_of(tmp_path / "live.db", rate_limit=0.5, rate_burst=3) as made:
        answers = [made.client.get("/api/autonomy") for _ in range(4)]
        assert [one.status_code for one in answers] == [200, 200, 200, 429]
        assert 1 <= int(answers[3].headers["Retry-After"]) <= 3
        wire = made.client.get("/api/health")
        assert (wire.status_code, wire.get_json()["status"]) == (429, "error")
        other = made.client.get("/api/autonomy", environ_base={"REMOTE_ADDR": "10.0.0.9"})
        assert other.status_code == 200
        assert made.client.get("/healthz").status_code == 200


def test_the_log_tells_of_requests_without_tokens_and_bodies(
    guarded: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = io.StringIO()
    monkeypatch.setattr("sys.stderr", written)
    kept = logging.getLogger().handlers[:]
    try:
        configure_log("debug", "json")
        guarded.client.post(
            "/api/events?x=hidden-in-query",
            json=sale("hidden-in-body"),
            headers={**bearer(WRITE), "X-Request-Id": "abc-123"},
        )
    finally:
        logging.getLogger().handlers[:] = kept
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    told = next(line for line in lines if line["event"] == "request")
    assert told["request_id"] == "abc-123"
    assert (told["method"], told["path"], told["status"]) == ("POST", "/api/events", 422)
    assert told["ms"] > 0
    for secret in (WRITE, "hidden-in-query", "hidden-in-body"):
        assert secret not in written.getvalue()


@pytest.mark.parametrize("given", ["", "x" * 200, "a b", "\u00e9", "a;b"])
def test_a_request_id_that_is_not_well_formed_is_replaced(agent: Agent, given: str) -> None:
    answer = agent.client.get("/healthz", headers={"X-Request-Id": given})
    assert answer.headers["X-Request-Id"] != given
    assert len(answer.headers["X-Request-Id"]) == 32


_CHANGES: list[tuple[str, str, Any]] = [
    ("POST", "/api/events", sale(1)),
    ("POST", "/api/reset", None),
    ("POST", "/api/process-day", {"date": "2024-01-01", "sales": 1}),
    ("POST", "/api/decisions", {"unique_id": DEMO}),
    ("POST", "/api/decisions/x/approve", {"who": "eve"}),
    ("POST", "/api/catalogue", {"profile": "rossmann"}),
    ("PUT", "/api/autonomy", {}),
    ("PATCH", f"/api/items/{DEMO}", {}),
]
