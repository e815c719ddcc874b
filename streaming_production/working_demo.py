"""The live demo in one command: supplier, agent, dashboard and a stream of 20 market days."""

import os
import sys
from pathlib import Path

if not __package__:  # started as a script: our imports begin at the repository root
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from typing import Annotated

import typer

from core_modules.settings import REFERENCE_START
from streaming_production.generating.scenario_choice import chosen_events
from streaming_production.launching.demo_run import run_demo
from streaming_production.launching.demo_services import (
    DEFAULT_FOLDER,
    FAST,
    USUAL_SPEED,
    DemoOptions,
)
from streaming_production.launching.ports import PortTakenError, usable_ports

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
Port = Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")]


@app.command()
def demo(
    agent_port: Port = 5001,
    dashboard_port: Port = 5002,
    supplier_port: Port = 5003,
    days: Annotated[int, typer.Option(min=1, help="Market days to stream.")] = 20,
    speed: Annotated[
        float | None, typer.Option(min=0, max=3600, help="Seconds a day; 2, with --fast 0.5.")
    ] = None,
    scenario: Annotated[
        str, typer.Option(help="demo, none, original, stress, random, or a TOML file of events.")
    ] = "demo",
    seed: Annotated[int, typer.Option(min=0, help="Every random draw follows from it.")] = 0,
    items: Annotated[int, typer.Option(min=1, help="Items of a new catalogue.")] = 1,
    profile: Annotated[
        str, typer.Option(help="Of a new catalogue: demo, online_retail, m5_foods3_tx3, rossmann.")
    ] = "demo",
    no_supplier: Annotated[
        bool, typer.Option("--no-supplier", help="Orders count as confirmed at once.")
    ] = False,
    folder: Annotated[
        Path, typer.Option(help="Folder of the demo's store, spool and logs.")
    ] = DEFAULT_FOLDER,
    store: Annotated[
        str | None, typer.Option(help="A store of your own: a file, or a database's URL.")
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Go on with what the last demo left in the folder.")
    ] = False,
    fast: Annotated[
        bool, typer.Option("--fast", help="The 20 days in about 10 seconds, then end.")
    ] = False,
    leave: Annotated[
        bool, typer.Option("--exit", help="End after the stream instead of serving on.")
    ] = False,
    open_page: Annotated[
        bool, typer.Option("--open", help="Open the dashboard in the browser.")
    ] = False,
) -> None:
    """Start all services, stream market days, show them on the dashboard, and stop all again.

    Ctrl-C ends it at any time; every process that was started is stopped and waited for.
    """
    wanted = {"agent": agent_port, "dashboard": dashboard_port}
    if not no_supplier:
        wanted["supplier"] = supplier_port
    try:
        chosen_events(scenario, REFERENCE_START, days, seed)  # a wrong name is told at once
        ports = usable_ports(wanted)
    except (PortTakenError, ValueError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    options = DemoOptions(
        ports=ports,
        folder=folder.resolve(),
        store=store,
        keep=keep,
        days=days,
        speed=(FAST if fast else USUAL_SPEED) if speed is None else speed,
        scenario=scenario,
        seed=seed,
        items=items,
        profile=profile,
        leave=leave or fast,
        open_page=open_page,
    )
    raise typer.Exit(run_demo(options, os.environ.get("INVENTORY_API_TOKEN")))


if __name__ == "__main__":
    app()
