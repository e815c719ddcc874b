"""The data generator: streams a market's events to the agent, or replays a real sales file."""

import sys
from pathlib import Path

if not __package__:  # started as a script: our imports begin at the repository root
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from typing import Annotated

import typer

from core_modules.command_options import day

ROOT = Path(__file__).resolve().parents[2]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def stream(
    agent: Annotated[
        str, typer.Option(help="Address of the agent service.")
    ] = "http://127.0.0.1:5001",
    token: Annotated[
        str | None,
        typer.Option(envvar="INVENTORY_API_TOKEN", help="Access token, if the agent wants one."),
    ] = None,
    days: Annotated[
        int | None,
        typer.Option(min=0, help="Days to stream: 20, or all of a file; 0: only what waits."),
    ] = None,
    speed: Annotated[
        float, typer.Option(min=0, max=3600, help="Seconds a day; 0: as fast as it goes.")
    ] = 2.0,
    scenario: Annotated[
        str, typer.Option(help="demo, none, original, stress, random, or a TOML file of events.")
    ] = "demo",
    seed: Annotated[int, typer.Option(min=0, help="Every random draw follows from it.")] = 0,
    catalogue_seed: Annotated[
        int | None,
        typer.Option(min=0, help="Seed that the agent's catalogue was made with, if another."),
    ] = None,
    items: Annotated[
        int | None, typer.Option(min=1, help="Only the first N items of the catalogue, by id.")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(help="First day, such as 2024-01-01; default: where the agent stands."),
    ] = None,
    replay: Annotated[
        Path | None, typer.Option(help="Replay this sales file in place of a made-up market.")
    ] = None,
    sales_format: Annotated[
        str, typer.Option("--format", help="Of the file: auto, long, m5, online-retail, rossmann.")
    ] = "auto",
    spool: Annotated[
        Path, typer.Option(help="Folder where events wait while the agent is away.")
    ] = ROOT / "results" / "spool",
    wire: Annotated[
        bool, typer.Option("--wire", help="Post the demo's wire contract, /api/process-day.")
    ] = False,
    wait: Annotated[
        float, typer.Option(min=0, help="Seconds to wait for an absent agent, first and last.")
    ] = 60.0,
) -> None:
    """Stream a market's days to the agent: signals, sales, deliveries, returns, day closes.

    Without options: the demo's 20 days, two seconds each. What the agent cannot take at once waits
    in the spool and is sent in order; a run that was stopped goes on where it was.
    """
    from streaming_production.generating.generator_command import run_generator
    from streaming_production.generating.run_choice import GeneratorOptions

    options = GeneratorOptions(
        agent=agent.rstrip("/"),
        token=token,
        days=days,
        speed=speed,
        scenario=scenario,
        seed=seed,
        catalogue_seed=catalogue_seed,
        items=items,
        start=day(start),
        replay=replay,
        sales_format=sales_format,
        spool=spool,
        wire=wire,
        wait=wait,
    )
    raise typer.Exit(run_generator(options))


if __name__ == "__main__":
    app()
