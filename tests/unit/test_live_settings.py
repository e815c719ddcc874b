"""Settings of the services: where they come from, and what is told of a wrong one."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from streaming_production.service_settings import (
    AgentServiceSettings,
    DashboardSettings,
    SettingsError,
    load_settings,
)

TOKEN = "a-token-of-enough-letters"


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("INVENTORY_PORT", "INVENTORY_API_TOKEN", "INVENTORY_READ_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def test_without_anything_the_agent_is_open_on_loopback_only() -> None:
    settings = load_settings(AgentServiceSettings, None)
    assert (settings.host, settings.port, settings.api_token) == ("127.0.0.1", 5001, None)


def test_the_command_line_comes_before_the_environment_and_that_before_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "inventory.toml"
    config.write_text("[agent]\nport = 1\nmax_streams = 5\nseed = 3\n[dashboard]\nport = 9\n")
    monkeypatch.setenv("INVENTORY_PORT", "2")
    monkeypatch.setenv("INVENTORY_SEED", "4")
    settings = load_settings(AgentServiceSettings, config, port=7, seed=None)
    assert (settings.port, settings.seed, settings.max_streams) == (7, 4, 5)
    assert load_settings(DashboardSettings, config).port == 9


def test_both_services_take_their_tokens_from_the_same_variables(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("INVENTORY_API_TOKEN", TOKEN)
    for kind in (AgentServiceSettings, DashboardSettings):
        settings = load_settings(kind, None)
        assert settings.api_token is not None
        assert settings.api_token.get_secret_value() == TOKEN
        assert TOKEN not in repr(settings)


def test_names_of_hosts_may_be_written_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INVENTORY_ALLOWED_HOSTS", "shop.example, 10.0.0.7")
    settings = load_settings(AgentServiceSettings, None)
    assert settings.allowed_hosts == ("shop.example", "10.0.0.7")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[agent]\nport = 70000\n", "setting port: Input should be less than or equal to 65535"),
        ("[agent]\nprot = 1\n", "setting prot: Extra inputs are not permitted"),
        ("[agnet]\nport = 1\n", "expected tables [agent], [dashboard], got agnet"),
        ("[agent\n", "is not TOML"),
        ('[agent]\nhost = "0.0.0.0"\n', "a token is required: set INVENTORY_API_TOKEN"),
        ('[agent]\napi_token = "short"\n', "api_token must have at least 16 characters"),
        ('[agent]\nsupplier_url = "ftp://x"\n', "setting supplier_url"),
    ],
)
def test_a_wrong_setting_is_told_in_one_line(tmp_path: Path, text: str, told: str) -> None:
    config = tmp_path / "inventory.toml"
    config.write_text(text)
    with pytest.raises(SettingsError) as raised:
        load_settings(AgentServiceSettings, config)
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_secret_that_is_wrong_is_not_shown(tmp_path: Path) -> None:
    config = tmp_path / "inventory.toml"
    config.write_text('[agent]\napi_token = "hush"\n')
    with pytest.raises(SettingsError) as raised:
        load_settings(AgentServiceSettings, config)
    assert "hush" not in str(raised.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"cannot read .*nowhere\.toml"):
        load_settings(AgentServiceSettings, tmp_path / "nowhere.toml")


def test_settings_cannot_be_changed_afterwards() -> None:
    settings = load_settings(AgentServiceSettings, None)
    with pytest.raises(ValidationError):
        settings.port = 1  # type: ignore[misc]
