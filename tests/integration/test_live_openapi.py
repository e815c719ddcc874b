"""The OpenAPI document, and the API held against it with made-up requests, good and bad."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.generation import GenerationMode
from schemathesis.schemas import APIOperation

from streaming_production.store import DecisionQuery
from tests.live_agent import Agent, agent_of, closing, fit_flat, sale
from tests.live_server import wait_until

# What no schema can say (an item that is not there, a quantity off the pack size) is refused, so
# data that fit their schema are not always taken; the other checks need several users or resources
# that can be deleted.
LEFT_OUT = (
    "positive_data_acceptance",
    "use_after_free",
    "ensure_resource_availability",
    "ignored_auth",
    "object_level_authorization",
)


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    folder: Path = tmp_path_factory.mktemp("openapi")
    with agent_of(folder / "live.db", rate_limit=0) as made:
        made.send(sale(1, 100), closing(2, "2024-01-01"))
        # CPython 3.11 fails at times when two threads parse Python at once: the decider's first
        # decision does (numpy reads a table's header so), and so does hypothesis.
        wait_until(lambda: made.store.list_decisions(DecisionQuery(size=1)).total > 0)
        yield made


def operations(agent: Agent) -> list[APIOperation]:
    schema = schemathesis.openapi.from_wsgi("/openapi/openapi.json", agent.app)
    return [found.ok() for found in schema.get_all_operations()]


def takes_anything(operation: APIOperation) -> bool:
    """Say whether a request can be wrong at all."""
    raw = operation.definition.raw
    return bool(raw.get("parameters") or raw.get("requestBody"))


def bounded(agent: Agent, case: Any) -> Any:
    """Keep what would rightly take long short: a stream, thousands of items, a wait for a fit."""
    if case.path == "/api/stream" and isinstance(case.query, dict):
        case.query.setdefault("timeout", "0.05")
        if str(case.query["timeout"]).replace(".", "").isdigit():
            case.query["timeout"] = "0.05"
    if case.path == "/api/catalogue" and isinstance(case.body, dict):
        items = case.body.get("items")
        if isinstance(items, int) and 2 < items <= 20_000:
            case.body["items"] = 2
    if case.path == "/api/process-day" and isinstance(case.body, dict):
        said = str(case.body.get("date"))
        if re.fullmatch(r"\d{4}-\d\d-\d\d", said) and is_date(said):
            case.body["date"] = "2024-01-02"
        fit_flat(agent.store)
    return case


def is_date(text: str) -> bool:
    """Say whether a day is one of the calendar: any other has to be refused as it is."""
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def hold_against_document(agent: Agent, cases: int) -> int:
    """Send at least so many cases over all operations and both kinds; return how many it were."""
    load_all_checks()
    checks = {check.__name__: check for check in CHECKS.get_all()}
    kinds = [
        (one, mode)
        for one in operations(agent)
        for mode in GenerationMode
        if mode is GenerationMode.POSITIVE or takes_anything(one)
    ]
    each = -(-cases // len(kinds))
    sent = 0
    for operation, mode in kinds:

        @given(case=operation.as_strategy(mode))
        @hypothesis.settings(
            max_examples=each,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
            database=None,
        )
        def send(case: Any) -> None:
            nonlocal sent
            sent += 1
            # Not to be ready is told by a 503, as documented.
            unready = ("not_a_server_error",) if case.path == "/readyz" else ()
            left_out = [checks[name] for name in (*LEFT_OUT, *unready)]
            bounded(agent, case).call_and_validate(excluded_checks=left_out)

        send()
    return sent


def test_the_document_is_openapi_3_1_with_examples_and_all_answers(agent: Agent) -> None:
    document = agent.client.get("/openapi/openapi.json").get_json()
    assert document["openapi"].startswith("3.1")
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            answers = operation["responses"]
            assert operation["summary"], (path, method)
            assert {"400", "401", "403", "421", "422", "429", "503"} <= set(answers)
            assert min(answers) in {"200", "201", "202"}
            body = operation.get("requestBody")
            if body is not None:
                assert {"413", "415"} <= set(answers), (path, method)
                assert all(_has_example(document, one) for one in body["content"].values()), path
    assert "InventoryEvent" in document["components"]["schemas"]


def _has_example(document: dict[str, Any], media: dict[str, Any]) -> bool:
    name = media["schema"].get("$ref", "").rpartition("/")[2]
    return "example" in media or "example" in document["components"]["schemas"][name]


def test_the_api_is_as_its_document_says(agent: Agent) -> None:
    assert hold_against_document(agent, 150) >= 100
    assert agent.store.self_check() == []


@pytest.mark.long
def test_a_thousand_made_up_requests_find_the_api_as_its_document_says(agent: Agent) -> None:
    assert hold_against_document(agent, 1300) >= 1000  # some take no parameter
    assert agent.store.self_check() == []
