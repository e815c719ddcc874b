"""The commands about orders, plan, backtest and replay, and verify, which checks their ground."""

from pathlib import Path
from typing import Annotated

import typer

from core_modules.command_options import (
    AsOf,
    EngineOption,
    Format,
    Items,
    Jobs,
    Json,
    Seed,
    Top,
    day,
)

History = Annotated[
    Path, typer.Option("--sales", help="Sales history: CSV or Parquet with unique_id, ds, y.")
]
Terms = Annotated[
    Path | None,
    typer.Option("--items", help="CSV of prices, costs, lead times, limits; the rest are groups."),
]
OpenOrders = Annotated[
    Path | None, typer.Option(help="CSV of orders under way: unique_id, due, quantity.")
]
Events = Annotated[
    Path | None, typer.Option(help="TOML of promotions and other events that are known.")
]
Freq = Annotated[str, typer.Option(help="Periods of files and costs: D days or W weeks.")]


def add_order_commands(app: typer.Typer) -> None:
    """Add the commands to the application."""
    for command in (plan, backtest, replay, verify):
        app.command()(command)


def plan(
    sales: History,
    stock: Annotated[Path, typer.Option(help="CSV of stock: unique_id, on_hand.")],
    items: Terms = None,
    open_orders: OpenOrders = None,
    events: Events = None,
    suppliers: Annotated[
        Path | None,
        typer.Option(help="CSV or TOML: supplier, minimum_order_value, order_days."),
    ] = None,
    service_by_class: Annotated[
        Path | None, typer.Option(help="CSV of classes such as AX and their service targets.")
    ] = None,
    budget: Annotated[
        float | None, typer.Option(min=0, help="Money that all orders together may cost.")
    ] = None,
    capacity: Annotated[
        float | None, typer.Option(min=0, help="Units, or volume, that the warehouse holds.")
    ] = None,
    profile: Annotated[
        Path | None, typer.Option(help="What `backtest --save` tuned; default: a shipped one.")
    ] = None,
    freq: Freq = "D",
    as_of: AsOf = None,
    sales_format: Format = "auto",
    seed: Seed = 0,
    out: Annotated[Path, typer.Option(help="File of the orders.")] = Path("orders.csv"),
    engine: EngineOption = "prophet",
    jobs: Jobs = 2,
    json: Json = False,
) -> None:
    """Plan tonight's orders from your files, one row an item, each with its reason."""
    from core_modules.order_planning import PlanFiles, RoomLimits
    from core_modules.plan_command import run_plan

    run_plan(
        files=PlanFiles(sales, stock, open_orders, items, events, suppliers, service_by_class),
        sales_format=sales_format,
        freq=freq,
        as_of=day(as_of),
        profile=profile,
        limits=RoomLimits(budget, capacity),
        seed=seed,
        out=out,
        engine=engine,
        jobs=jobs,
        json=json,
    )


def backtest(
    sales: History,
    stock: Annotated[
        Path | None, typer.Option(help="CSV of opening stock: unique_id, on_hand; with --orders.")
    ] = None,
    items: Terms = None,
    events: Events = None,
    orders: Annotated[
        Path | None, typer.Option(help="CSV of what was received: unique_id, ds, quantity.")
    ] = None,
    freq: Freq = "D",
    as_of: AsOf = None,
    item: Items = None,
    top: Top = None,
    origins: Annotated[
        int, typer.Option(help="Stretches of the history; the last is reported, the others tune.")
    ] = 3,
    periods: Annotated[
        int | None, typer.Option(min=1, help="Days or weeks a stretch; default 28 or 8.")
    ] = None,
    save: Annotated[
        Path | None, typer.Option(help="Keep what was tuned as a profile for `plan`.")
    ] = None,
    sales_format: Format = "auto",
    seed: Seed = 0,
    out: Annotated[Path | None, typer.Option(help="Folder that keeps the tables.")] = None,
    jobs: Jobs = 2,
    json: Json = False,
) -> None:
    """Tell what the agent would have cost on your past, beside other rules and what was done."""
    from core_modules.backtest_command import run_backtest
    from core_modules.order_planning import PlanFiles

    run_backtest(
        files=PlanFiles(sales, stock, None, items, events),
        orders=orders,
        sales_format=sales_format,
        freq=freq,
        as_of=day(as_of),
        item=item,
        top=top,
        origins=origins,
        periods=periods,
        save=save,
        seed=seed,
        out=out,
        jobs=jobs,
        json=json,
    )


def replay(
    run: Annotated[Path, typer.Argument(help="A run's folder, or a plan's file of orders.")],
    decision_id: Annotated[str, typer.Argument(help="Such as 2024-06-30/ITEM.")],
    json: Json = False,
) -> None:
    """Make a recorded decision again, compare it bit for bit, and explain it."""
    from core_modules.replay_command import replay as run_replay

    code = run_replay(run, decision_id, json)
    if code:
        raise typer.Exit(code)


def verify(
    exact: Annotated[
        bool,
        typer.Option("--exact", help="Cost long lead times by dynamic programs, not simulated."),
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Folder that keeps the table, if any.")] = None,
    jobs: Jobs = 2,
    json: Json = False,
) -> None:
    """Recompute the published tables of inventory theory; exit 1 where a figure differs."""
    from core_modules.verify_command import run_verify

    if not run_verify(exact=exact, out=out, jobs=jobs, as_json=json):
        raise typer.Exit(1)
