"""The agent service: the HTTP API around one core, one store, one process."""

import sys
from pathlib import Path

if not __package__:  # started as a script: our imports begin at the repository root
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import threading
from contextlib import closing
from dataclasses import dataclass
from typing import Annotated

import typer
from flask import Flask
from flask_openapi3.models.info import Info

from core_modules.forecasting.engines import Engine
from core_modules.planning.plan_inputs import PlanFiles
from streaming_production.agent_core import AgentCore
from streaming_production.api import (
    decision_views,
    event_views,
    item_views,
    order_views,
    status_views,
    wire_views,
)
from streaming_production.api.api_app import ApiApp
from streaming_production.api.context import Context, put_context
from streaming_production.api.event_documents import EVENT_SCHEMAS
from streaming_production.api.item_documents import CATALOGUE_SCHEMAS
from streaming_production.api.request_checks import check_queries
from streaming_production.api.status_answer import status_now
from streaming_production.api.store_problems import tell_store_problems
from streaming_production.api.wire_views import WIRE_PATHS
from streaming_production.deciding.core_settings import CoreSettings
from streaming_production.service_settings import (
    AgentServiceSettings,
    SettingsError,
    load_settings,
)
from streaming_production.store import Store, StoreError
from streaming_production.version import VERSION
from streaming_production.web.leaving import leave
from streaming_production.web.limits import limit_rate, limit_reads
from streaming_production.web.metrics import measure_requests
from streaming_production.web.problems import tell_problems
from streaming_production.web.request_log import QUIET_PATHS, configure_log, log_requests
from streaming_production.web.security import Gate, guard_api
from streaming_production.web.server import serve

READS_AT_ONCE = 4  # they compute, and share one core: more would only slow each other
OPEN_PATHS = frozenset({"/healthz", "/readyz"})  # a supervisor asks these without a token
READING_POSTS = frozenset({"/api/what-if"})
VIEWS = (event_views, item_views, decision_views, order_views, status_views, wire_views)


def create_app(
    core: AgentCore, settings: AgentServiceSettings, stop: threading.Event | None = None
) -> Flask:
    """Make the API around a core; `stop` ends its live streams."""
    info = Info(title="Autonomous inventory agent", version=VERSION)
    app = ApiApp("inventory agent", info, docs_page=settings.docs_page)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body
    context = Context(core, settings, stop or threading.Event())
    context.metrics.watch(lambda: status_now(context), core.store)
    put_context(app, context)
    log_requests(app)
    measure_requests(app, context.metrics.registry)
    tell_problems(app, WIRE_PATHS)
    tell_store_problems(app)
    limit_rate(app, settings.rate_limit, settings.rate_burst, QUIET_PATHS)
    gate = Gate.of(settings.host, settings.api_token, settings.read_token, settings.allowed_hosts)
    guard_api(app, gate, OPEN_PATHS, READING_POSTS)
    check_queries(app, lenient=WIRE_PATHS)
    limit_reads(app, READS_AT_ONCE, READING_POSTS, QUIET_PATHS)
    for views in VIEWS:
        app.register_api(views.api)
    app.finish_document(EVENT_SCHEMAS | CATALOGUE_SCHEMAS)
    return app


cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@cli.command()
def run(
    host: Annotated[
        str | None, typer.Option(help="Address to listen at; off loopback a token is required.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one.  [5001]")] = None,
    store: Annotated[
        str | None,
        typer.Option(help="SQLite file or database URL.  [results/live.db]"),
    ] = None,
    supplier_url: Annotated[
        str | None, typer.Option(help="Where orders are posted; without it they end here.")
    ] = None,
    engine: Annotated[
        Engine | None,
        typer.Option(help="What fits the patterns: Prophet, or its model for all items at once."),
    ] = None,
    profile: Annotated[
        str,
        typer.Option(
            help="Items of an empty catalogue: demo, online_retail, m5_foods3_tx3, rossmann."
        ),
    ] = "demo",
    items: Annotated[int, typer.Option(min=1, help="How many items of the profile.")] = 1,
    seed: Annotated[int | None, typer.Option(help="Seed of the items made.  [0]")] = None,
    sales: Annotated[
        Path | None, typer.Option(help="Own sales history instead of a profile, as CSV.")
    ] = None,
    stock: Annotated[Path | None, typer.Option(help="With --sales: stock on hand.")] = None,
    items_file: Annotated[Path | None, typer.Option(help="With --sales: item terms.")] = None,
    open_orders: Annotated[
        Path | None, typer.Option(help="With --sales: orders under way.")
    ] = None,
    events: Annotated[
        Path | None, typer.Option(help="With --sales: known events, as TOML.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="TOML file, table agent.")] = None,
) -> None:
    """Run the agent service until Ctrl-C or SIGTERM.

    Further settings come from --config or the environment as INVENTORY_NAME, such as
    INVENTORY_API_TOKEN, INVENTORY_READ_TOKEN, INVENTORY_RATE_LIMIT, INVENTORY_LOG_FORMAT=text.
    """
    settings = load_settings(
        AgentServiceSettings,
        config,
        host=host,
        port=port,
        store=store,
        supplier_url=supplier_url,
        engine=engine,
        seed=seed,
    )
    files = None
    if sales is not None:
        files = PlanFiles(
            sales=sales, stock=stock, items=items_file, open_orders=open_orders, events=events
        )
    elif stock or items_file or open_orders or events:
        raise SettingsError("--stock, --items-file, --open-orders and --events go with --sales")
    run_service(settings, Opening(profile, items, files))


@dataclass(frozen=True, slots=True)
class Opening:
    """What goes into a catalogue that is empty."""

    profile: str
    items: int
    files: PlanFiles | None = None  # a planner's own, instead of the profile


def run_service(settings: AgentServiceSettings, opening: Opening) -> None:
    """Open the store, start the core and serve until told to stop."""
    configure_log(settings.log_level, settings.log_format)
    stop = threading.Event()
    with closing(Store.open(settings.store)) as store:
        core = AgentCore(store, _core_settings(settings))
        app = create_app(core, settings, stop)

        def begin(url: str) -> None:
            if not store.item_records():
                _fill(core, opening, settings.seed)
            elif opening.files is not None:
                typer.echo(
                    f"{opening.files.sales} is not read: the store has a catalogue already; "
                    "POST files to /api/catalogue to add to it"
                )
            core.start()
            typer.echo(f"The agent listens at {url}")

        try:
            serve(
                app,
                settings.host,
                settings.port,
                threads=settings.max_streams + settings.api_threads,
                max_body=settings.max_body,
                stop=stop,
                wire_paths=WIRE_PATHS,
                on_ready=begin,
            )
        finally:
            core.stop()


def _core_settings(settings: AgentServiceSettings) -> CoreSettings:
    return CoreSettings(
        supplier_url=settings.supplier_url,
        refit_every=settings.refit_every,
        jobs=settings.jobs,
        engine=settings.engine,
        forecast_cache=settings.forecast_cache,
        start_worker=settings.start_worker,
        seed=settings.seed,
    )


def _fill(core: AgentCore, opening: Opening, seed: int) -> None:
    if opening.files is not None:
        registered = core.register_files(opening.files)
    else:
        registered = core.register_profile(opening.profile, opening.items, seed)
    for note in registered.notes:
        typer.echo(note)


def main(arguments: list[str] | None = None) -> int:
    """Run the service; 0 stopped as told, 2 bad settings or input, told in one line."""
    try:
        cli(arguments, standalone_mode=True)
    except (ValueError, OSError, StoreError) as error:
        typer.echo(f"error: {error}", err=True)
        return 2
    except SystemExit as end:
        return int(end.code or 0)
    return 0


if __name__ == "__main__":
    leave(main())
