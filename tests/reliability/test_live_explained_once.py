"""Many who look at one decision at once cost as much as one."""

from pathlib import Path
from typing import Any

from tests.live_agent import DEMO, agent_of
from tests.reliability.agents import together


def test_a_decision_that_many_look_at_at_once_is_explained_once(
    tmp_path: Path, monkeypatch: Any
) -> None:
    with agent_of(tmp_path / "live.db", start=False) as agent:
        made = agent.core.decide_now(DEMO)
        read, asked = agent.store.decision_inputs, list[str]()

        def counted(decision_id: str) -> bytes | None:
            asked.append(decision_id)
            return read(decision_id)

        monkeypatch.setattr(agent.store, "decision_inputs", counted)
        together([lambda: agent.core.explain_decision(made.decision_id)] * 8)
        assert asked == [made.decision_id]
