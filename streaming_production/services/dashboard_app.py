"""The dashboard service: `create_app` builds it, the command line serves it (port 5002)."""

import sys
from pathlib import Path

if not __package__:  # started as a script: our imports begin at the repository root
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import secrets
from datetime import timedelta
from typing import Annotated, NoReturn

import typer
from flask import Flask, Response, request

from streaming_production.dashboard.agent_client import AgentClient
from streaming_production.dashboard.demo_api import demo_api
from streaming_production.dashboard.page_views import add_pages
from streaming_production.dashboard.page_words import add_words
from streaming_production.dashboard.passing_on import passing_on
from streaming_production.dashboard.plotly_file import add_plotly
from streaming_production.dashboard.relay import Relay
from streaming_production.dashboard.visitors import Visitors, add_sign_in
from streaming_production.service_settings import (
    DashboardSettings,
    SettingsError,
    load_settings,
)
from streaming_production.version import VERSION
from streaming_production.web.event_stream import stream_response
from streaming_production.web.limits import Slots, limit_rate
from streaming_production.web.problems import tell_problems
from streaming_production.web.request_log import configure_log, log_requests
from streaming_production.web.security import Gate, page_headers
from streaming_production.web.server import PortTakenError, serve

FOLDER = Path(__file__).resolve().parents[1]
UNLIMITED = frozenset({"/api/health", "/healthz"})


def create_app(
    agent: AgentClient, settings: DashboardSettings, relay: Relay | None = None
) -> Flask:
    """Build the dashboard on an agent's client; whoever gives a relay starts and stops it."""
    app = Flask(
        __name__, template_folder=str(FOLDER / "templates"), static_folder=str(FOLDER / "static")
    )
    app.url_map.merge_slashes = False  # an item's name may hold slashes side by side
    relay = relay or Relay(agent)
    secret = _session_secret(settings)
    app.config |= {
        "SECRET_KEY": secret,
        # Two dashboards on one host share its cookies, whatever their ports.
        "SESSION_COOKIE_NAME": f"inventory_{settings.port}",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Strict",
        "SESSION_COOKIE_SECURE": settings.secure_cookies,
        # An answer still on its way must not bring back the session that a sign-out ended.
        "SESSION_REFRESH_EACH_REQUEST": False,
        "PERMANENT_SESSION_LIFETIME": timedelta(hours=settings.session_hours),
        "MAX_CONTENT_LENGTH": settings.max_body,
    }
    gate = Gate.of(
        settings.host, settings.api_token, settings.read_token, settings.allowed_hosts
    )  # fmt: skip
    visitors = Visitors(gate, secret)
    slots = Slots(settings.max_streams)

    log_requests(app)
    limit_rate(app, settings.rate_limit, settings.rate_burst, UNLIMITED)
    tell_problems(app)
    add_words(app, settings.currency)
    add_plotly(app)
    add_sign_in(app, visitors)
    add_pages(app, agent, relay, visitors)
    app.register_blueprint(passing_on(agent, relay))
    app.register_blueprint(demo_api(agent, relay, VERSION))

    @app.get("/stream")
    def stream() -> Response:
        last_id = request.headers.get("Last-Event-ID") or request.args.get("last_event_id", "")
        return stream_response(relay.messages(last_id), slots)

    @app.get("/healthz")
    def healthz() -> Response:
        return Response("ok\n", content_type="text/plain")

    # A browser hides the origin of a form's post where no page may be named as referrer.
    headers = page_headers() | {"Referrer-Policy": "same-origin"}

    @app.after_request
    def secure(response: Response) -> Response:
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        return response

    return app


def _session_secret(settings: DashboardSettings) -> bytes:
    if settings.session_secret is None:
        return secrets.token_bytes(32)
    return settings.session_secret.get_secret_value().encode()


command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@command.command()
def main(
    host: Annotated[str | None, typer.Option(help="Address to listen at; 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(help="Port, 0 for a free one; 5002.")] = None,
    agent: Annotated[
        str | None, typer.Option(help="Address of the agent service; http://127.0.0.1:5001.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="TOML file, table dashboard.")] = None,
) -> None:
    """Serve the dashboard of a running agent service.

    Further settings by the file or the environment (INVENTORY_API_TOKEN, INVENTORY_READ_TOKEN,
    INVENTORY_DASHBOARD_...). On any address but loopback an access token is required.
    """
    try:
        settings = load_settings(DashboardSettings, config, host=host, port=port, agent_url=agent)
    except SettingsError as error:
        _fail(str(error))
    configure_log(settings.log_level, settings.log_format)
    token = settings.api_token.get_secret_value() if settings.api_token else None
    client = AgentClient(settings.agent_url, token, settings.agent_timeout)
    relay = Relay(client)
    app = create_app(client, settings, relay)
    relay.start()
    try:
        serve(
            app,
            settings.host,
            settings.port,
            threads=settings.max_streams + settings.api_threads,
            max_body=settings.max_body,
            on_ready=lambda url: typer.echo(f"dashboard at {url}, agent at {settings.agent_url}"),
            on_stop=relay.stop,
        )
    except PortTakenError as error:
        _fail(str(error))
    finally:
        relay.stop()
        client.close()


def _fail(words: str) -> NoReturn:
    typer.echo(f"dashboard: {words}", err=True)
    raise SystemExit(2)


if __name__ == "__main__":
    command()
