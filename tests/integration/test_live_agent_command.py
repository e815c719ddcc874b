"""The agent's command line: help that reads well, and one line about what is wrong."""

from pathlib import Path

import pytest

from streaming_production.services import agent_service


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_service, "configure_log", lambda *_: None)


def test_help_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert agent_service.main(["--help"]) == 0
    told = capsys.readouterr().out
    for option in ("--port", "--store", "--supplier-url", "--profile", "--sales", "--config"):
        assert option in told
    assert "INVENTORY_API_TOKEN" in told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--host", "0.0.0.0"), "set INVENTORY_API_TOKEN"),
        (("--port", "99999"), "setting port"),
        (("--config", "/nowhere.toml"), "cannot read /nowhere.toml"),
        (("--store", "mysql://x/y"), "mysql"),
        (("--stock", "stock.csv"), "go with --sales"),
        (("--supplier-url", "shop"), "setting supplier_url"),
        (("--profile", "shop"), "profile must be one of demo"),
        (("--sales", "/nowhere.csv"), "/nowhere.csv"),
        (("--nonsense",), "No such option"),
    ],
)
def test_what_is_wrong_is_told_in_one_line_and_exit_2(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    told: str,
) -> None:
    usual = ["--store", str(tmp_path / "live.db"), "--port", "0"]
    assert agent_service.main([*usual, *arguments]) == 2
    errors = capsys.readouterr().err
    assert told in errors
    assert "Traceback" not in errors
