"""Settings of the two services: file, environment and command line in one frozen object.

The command line is asked first, then the environment (`INVENTORY_PORT=5011`, for the dashboard
`INVENTORY_DASHBOARD_PORT`), then the file. A file may hold both services, each in its own table:
`[agent]` and `[dashboard]`.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import (
    AliasChoices,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from core_modules.forecasting.engines import Engine
from streaming_production.web.security import is_loopback

ROOT = Path(__file__).resolve().parents[1]
MEBIBYTE = 1024 * 1024


def _names(given: object) -> object:
    return tuple(given.replace(",", " ").split()) if isinstance(given, str) else given


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)]  # "a, b" or a list


class SettingsError(ValueError):
    """Say in one line which setting is wrong and what it may be."""


class WebSettings(BaseSettings):
    """Hold what both services have: an address, who may come in, limits, a log."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    table: ClassVar[str]  # the table of the TOML file

    host: str = "127.0.0.1"  # off loopback only with a token
    port: int = Field(default=0, ge=0, le=65535)  # 0 takes a free one
    api_token: SecretStr | None = None  # may read and write
    read_token: SecretStr | None = None  # may only read
    allowed_hosts: Names = ()  # further names that the Host header may hold
    max_streams: int = Field(default=110, ge=1, le=1000)  # live pages at once, a thread each
    api_threads: int = Field(default=24, ge=1, le=200)  # requests worked on at once
    max_body: int = Field(default=16 * MEBIBYTE, ge=1024, le=256 * MEBIBYTE)  # bytes
    rate_limit: float = Field(default=200, ge=0, le=1e6)  # requests a second a client; 0 for none
    rate_burst: int = Field(default=400, ge=1, le=1_000_000)  # requests at once before that holds
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "text"] = "json"

    @model_validator(mode="after")
    def _only_with_a_token_off_loopback(self) -> Self:
        for name in ("api_token", "read_token"):
            token: SecretStr | None = getattr(self, name)
            if token is not None and len(token.get_secret_value()) < 16:
                raise ValueError(f"{name} must have at least 16 characters")
        if not is_loopback(self.host) and self.api_token is None:
            raise ValueError(
                f"host {self.host} can be reached from other machines, so a token is required: "
                "set INVENTORY_API_TOKEN, or use --host 127.0.0.1"
            )
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # the library's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take the file's values out of the arguments and ask them last."""
        given = dict(init_settings())
        from_file = given.pop("from_file", {})
        return (
            InitSettingsSource(settings_cls, init_kwargs=given),
            env_settings,
            InitSettingsSource(settings_cls, init_kwargs=from_file),
        )


class AgentServiceSettings(WebSettings):
    """Hold the settings of the agent service."""

    model_config = SettingsConfigDict(env_prefix="INVENTORY_")
    table: ClassVar[str] = "agent"

    port: int = Field(default=5001, ge=0, le=65535)
    store: str = str(ROOT / "results" / "live.db")  # a file, or a database's URL
    supplier_url: str | None = Field(default=None, pattern=r"^https?://")  # None: orders end here
    refit_every: int = Field(default=7, ge=1, le=90)  # closed days
    jobs: int = Field(default=2, ge=1, le=64)  # processes, or threads of the batch engine, that fit
    engine: Engine = "prophet"  # what fits the patterns of demand
    forecast_cache: Path = ROOT / ".cache" / "forecasts"
    start_worker: bool = True  # False: forecasts come from elsewhere
    seed: int = Field(default=0, ge=0)
    max_events: int = Field(default=10_000, ge=1, le=100_000)  # in one request
    docs_page: bool = False  # a page to try the API on, besides the OpenAPI document


class DashboardSettings(WebSettings):
    """Hold the settings of the dashboard; it shares the agent's tokens."""

    model_config = SettingsConfigDict(env_prefix="INVENTORY_DASHBOARD_", populate_by_name=True)
    table: ClassVar[str] = "dashboard"

    port: int = Field(default=5002, ge=0, le=65535)
    agent_url: str = Field(default="http://127.0.0.1:5001", pattern=r"^https?://")
    agent_timeout: float = Field(default=5.0, gt=0, le=60)  # seconds
    api_token: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("INVENTORY_DASHBOARD_API_TOKEN", "INVENTORY_API_TOKEN"),
    )
    read_token: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("INVENTORY_DASHBOARD_READ_TOKEN", "INVENTORY_READ_TOKEN"),
    )
    session_secret: SecretStr | None = None  # signs cookies; None: made anew at each start
    session_hours: float = Field(default=12, gt=0, le=24 * 31)
    secure_cookies: bool = False  # True behind a proxy that speaks https
    currency: str = Field(default="$", min_length=1, max_length=4)


S = TypeVar("S", bound=WebSettings)


def load_settings(kind: type[S], config: Path | None, **given: Any) -> S:
    """Return the settings of a service; what is None in `given` was not given.

    Raises:
        SettingsError: in one line, what is wrong with which setting.
    """
    arguments = {name: value for name, value in given.items() if value is not None}
    try:
        return kind(from_file=_table(config, kind.table), **arguments)  # type: ignore[call-arg]
    except ValidationError as error:
        raise SettingsError(_in_one_line(error)) from None


def _table(config: Path | None, name: str) -> dict[str, Any]:
    if config is None:
        return {}
    try:
        tables = tomllib.loads(config.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"cannot read {config}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{config} is not TOML: {error}") from None
    unknown = set(tables) - {"agent", "dashboard"}
    if unknown:
        raise SettingsError(f"{config}: expected tables [agent], [dashboard], got {unknown.pop()}")
    table = tables.get(name, {})
    return table if isinstance(table, dict) else {}


def _in_one_line(error: ValidationError) -> str:
    parts = []
    for problem in error.errors(include_url=False, include_context=False):
        where = ".".join(str(part) for part in problem["loc"])
        words = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "string_pattern_mismatch":  # only addresses have a pattern
            words = "must begin with http:// or https://"
        parts.append(f"setting {where}: {words}" if where else words)
    return "; ".join(parts)
