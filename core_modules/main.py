"""The command line: simulate, extract, forecasts, compare, verify, backtest, plan, replay."""

import os
import sys
from pathlib import Path

if not __package__:  # started as a script: our imports begin at the repository root
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from typing import Annotated, Literal

import typer

from core_modules.command_options import (
    AsOf,
    Country,
    EngineOption,
    Format,
    Items,
    Jobs,
    Json,
    Out,
    Priorities,
    RefitEvery,
    Sales,
    Scenarios,
    Seed,
    Top,
    day,
    numbers,
)
from core_modules.order_commands import add_order_commands

app = typer.Typer(
    add_completion=False,
    no_args_is_help=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


@app.callback()
def commands() -> None:
    """Inventory manager: forecasts demand, decides orders, simulates and explains them.

    Without a command it runs the reference simulation.
    """


@app.command()
def simulate(
    sales: Sales = None,
    sales_format: Format = "auto",
    item: Items = None,
    top: Top = None,
    items: Annotated[
        Path | None, typer.Option(help="CSV of item terms: prices, costs, lead times, limits.")
    ] = None,
    stock: Annotated[
        Path | None, typer.Option(help="CSV of opening stock: unique_id, on_hand.")
    ] = None,
    open_orders: Annotated[
        Path | None, typer.Option(help="CSV of orders under way: unique_id, due, quantity.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, help="Length of the run.")] = 180,
    scenarios: Scenarios = None,
    policy: Annotated[
        str, typer.Option(help="agent, original-rules, order-up-to, days-of-cover, clairvoyant.")
    ] = "agent",
    priority: Priorities = "service",
    refit_every: RefitEvery = 7,
    backorders: Annotated[
        bool, typer.Option(help="Demand that cannot be served waits instead of being lost.")
    ] = False,
    as_of: AsOf = None,
    seed: Seed = 0,
    out: Out = None,
    engine: EngineOption = "prophet",
    jobs: Jobs = 2,
    json: Json = False,
) -> None:
    """Run days of business with honest physics and report what each policy earned.

    Without --sales: the reference run of 180 days. With --sales: the last --days of the file are
    the market, what came before is all that the agent may learn from.
    """
    if policy == "agent" and engine == "prophet":
        from core_modules.forecasting.prophet_batch import warm_up

        warm_up(jobs)
    from core_modules.commands import run_simulate

    run_simulate(
        sales=sales,
        sales_format=sales_format,
        item=item,
        top=top,
        items=items,
        stock=stock,
        open_orders=open_orders,
        days=days,
        scenarios=scenarios,
        policy=policy,
        priority=priority,
        refit_every=refit_every,
        backorders=backorders,
        as_of=day(as_of),
        seed=seed,
        out=out,
        engine=engine,
        jobs=jobs,
        json=json,
    )


@app.command()
def extract(
    sales: Annotated[Path, typer.Option("--sales", help="Sales history, in any of the formats.")],
    sales_format: Format = "auto",
    item: Items = None,
    top: Top = None,
    by: Annotated[
        str, typer.Option(help="One pattern per item, for all together, or per group column.")
    ] = "item",
    country: Country = None,
    as_of: AsOf = None,
    report: Annotated[
        bool, typer.Option("--report", help="Also compare generated with real demand.")
    ] = False,
    out: Out = None,
    json: Json = False,
) -> None:
    """Extract demand patterns: level, trend, seasons, holidays, noise, intermittency, shocks."""
    from core_modules.commands import run_extract

    run_extract(
        sales=sales,
        sales_format=sales_format,
        item=item,
        top=top,
        by=by,
        country=country,
        as_of=day(as_of),
        report=report,
        out=out,
        json=json,
    )


@app.command()
def forecast(
    sales: Annotated[Path, typer.Option("--sales", help="Sales history, in any of the formats.")],
    sales_format: Format = "auto",
    item: Items = None,
    top: Top = None,
    horizon: Annotated[int, typer.Option(min=1, help="Days to forecast.")] = 28,
    lead_times: Annotated[
        str, typer.Option(help="Lead times in days whose totals are tested, such as 3,7,14.")
    ] = "3,7,14",
    origins: Annotated[
        int, typer.Option(min=1, help="Refits of the backtest, one every 60 days.")
    ] = 3,
    country: Country = None,
    as_of: AsOf = None,
    out: Out = None,
    engine: EngineOption = "prophet",
    jobs: Jobs = 2,
    json: Json = False,
) -> None:
    """Forecast demand with its uncertainty, beside how such forecasts did on the past."""
    from core_modules.commands import run_forecast

    run_forecast(
        sales=sales,
        sales_format=sales_format,
        item=item,
        top=top,
        horizon=horizon,
        lead_times=[int(number) for number in numbers(lead_times)],
        origins=origins,
        country=country,
        as_of=day(as_of),
        out=out,
        engine=engine,
        jobs=jobs,
        json=json,
    )


@app.command()
def batch_forecast(
    sales: Annotated[
        Path,
        typer.Option(
            "--sales",
            help="Sales history, CSV or Parquet with unique_id, ds, y, sorted by unique_id, or a "
            "folder of Parquet files; days without a row are missing, not zero.",
        ),
    ],
    horizon: Annotated[int, typer.Option(min=1, help="Days to forecast.")] = 28,
    mode: Annotated[
        Literal["additive", "multiplicative"], typer.Option(help="How seasons join the trend.")
    ] = "additive",
    scheduler: Annotated[
        str | None,
        typer.Option(help="Address of a Dask scheduler, such as tcp://host:8786; default: here."),
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads that fit a part.")] = 1,
    part_items: Annotated[int, typer.Option(min=1, help="Most items of a part.")] = 2_000,
    out: Out = None,
    json: Json = False,
) -> None:
    """Forecast any number of items with Prophet's plain model into a folder of Parquet files.

    The file is read piece by piece; memory does not grow with it. The same command again computes
    what is missing in the folder.
    """
    # Before numpy is loaded: parts are what runs side by side, and Dask's workers do the same, so
    # that sums are rounded alike here and there.
    for library in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(library, "1")
    from core_modules.batch_command import run_batch_forecast

    run_batch_forecast(
        sales=sales,
        horizon=horizon,
        mode=mode,
        scheduler=scheduler,
        threads=threads,
        part_items=part_items,
        out=out,
        json=json,
    )


@app.command()
def compare(
    scenarios: Annotated[
        str, typer.Option(help="Calendars or TOML files, with commas between them.")
    ] = "original,stress,random",
    seeds: Annotated[int, typer.Option(min=1, help="Seeds, the same for every policy.")] = 20,
    tuning_seeds: Annotated[
        int, typer.Option(min=1, help="Other seeds on which the rules are tuned.")
    ] = 20,
    shocks: Annotated[
        str, typer.Option(help="Factors on the frequency of the shocks the agent hedges against.")
    ] = "1",
    policies: Annotated[
        str | None,
        typer.Option(help="Textbook rules, with commas between them; default: all."),
    ] = None,
    days: Annotated[int, typer.Option(min=1, help="Length of a run.")] = 180,
    priority: Priorities = "service",
    refit_every: RefitEvery = 7,
    out: Out = None,
    jobs: Jobs = 2,
    json: Json = False,
) -> None:
    """Compare the agent with the textbook's rules and the bound on the reference item."""
    from core_modules.commands import run_compare

    run_compare(
        scenarios=[name.strip() for name in scenarios.split(",")],
        seeds=seeds,
        tuning_seeds=tuning_seeds,
        days=days,
        priority=priority,
        refit_every=refit_every,
        shock_factors=numbers(shocks),
        policies=[name.strip() for name in policies.split(",")] if policies else None,
        out=out,
        jobs=jobs,
        json=json,
    )


add_order_commands(app)


def main(arguments: list[str] | None = None) -> int:
    """Run a command; 0 done, 2 bad input, told in one line."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or (given[0].startswith("-") and given[0] != "--help"):
        given.insert(0, "simulate")
    try:
        app(given)
    except (ValueError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        return 2
    except SystemExit as end:
        return int(end.code or 0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
