"""Bad bodies: each is refused with a 4xx that says why, and nothing is written."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live_agent import Agent, agent_of
from tests.live_bad_bodies import BadBody, bad_bodies


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    folder: Path = tmp_path_factory.mktemp("bad")
    with agent_of(folder / "live.db", rate_limit=0) as made:
        yield made


def refused(agent: Agent, bad: BadBody) -> bool:
    answer = agent.client.open(
        bad.path, method=bad.method, data=bad.body, content_type=bad.media_type
    )
    told = answer.get_json()
    return 400 <= answer.status_code < 500 and bool(told.get("detail") or told.get("message"))


def test_five_hundred_bad_bodies_are_refused_and_nothing_is_written(agent: Agent) -> None:
    bodies = bad_bodies()
    assert len(bodies) >= 500
    before = agent.store.last_seq
    taken = [bad.name for bad in bodies if not refused(agent, bad)]
    assert taken == []
    assert agent.store.last_seq == before
    assert agent.store.self_check() == []
