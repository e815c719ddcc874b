"""The command line: simulate, extract, forecast, compare, verify, backtest, plan, replay."""

import sys
from pathlib import Path

if not __package__:  # started as a script: our imports begin at the repository root
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from datetime import date
from typing import Annotated

import typer

app = typer.Typer(
    add_completion=False,
    no_args_is_help=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)

Seed = Annotated[int, typer.Option(min=0, help="Every random draw follows from it.")]
Sales = Annotated[
    Path | None,
    typer.Option(
        "--sales",
        help="Sales history: CSV or Parquet with unique_id, ds, y (and in_stock, price, promo), "
        "M5, Online Retail or Rossmann.",
    ),
]
Format = Annotated[str, typer.Option("--format", help="auto, long, m5, online-retail or rossmann.")]
Items = Annotated[
    list[str] | None, typer.Option("--item", help="Only this item; may be given several times.")
]
Top = Annotated[
    int | None, typer.Option("--top", min=1, help="Only the N best sellers of the history.")
]
AsOf = Annotated[
    str | None, typer.Option("--as-of", help="Last day of the history, such as 2024-06-30.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the figures as JSON on standard output.")]
Jobs = Annotated[int, typer.Option(min=1, help="Processes that fit demand models.")]
Out = Annotated[
    Path | None, typer.Option(help="Folder of the results; default: one under results/.")
]
Priorities = Annotated[
    str, typer.Option(help="What the agent puts first: service, balanced or cost.")
]
RefitEvery = Annotated[int, typer.Option(min=1, help="Days between refits of the demand models.")]
Country = Annotated[
    str | None, typer.Option(help="Country whose public holidays matter, such as US or GB.")
]
Scenarios = Annotated[
    str | None,
    typer.Option(help="Calendar none, original, stress or random, or a TOML file of events."),
]


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
    jobs: Jobs = 2,
    json: Json = False,
) -> None:
    """Run days of business with honest physics and report what each policy earned.

    Without --sales: the reference run of 180 days. With --sales: the last --days of the file are
    the market, what came before is all that the agent may learn from.
    """
    if policy == "agent":
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
        as_of=_day(as_of),
        seed=seed,
        out=out,
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
        as_of=_day(as_of),
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
        lead_times=[int(number) for number in _numbers(lead_times)],
        origins=origins,
        country=country,
        as_of=_day(as_of),
        out=out,
        jobs=jobs,
        json=json,
    )


@app.command()
def compare(
    scenarios: Annotated[
        str, typer.Option(help="Calendars or TOML files, with commas between them.")
    ] = "original,stress,random",
    seeds: Annotated[int, typer.Option(min=1, help="Seeds, the same for every policy.")] = 20,
    tuning_seeds: Annotated[
        int, typer.Option(min=1, help="Other seeds on which the baselines are tuned.")
    ] = 100,
    shocks: Annotated[
        str, typer.Option(help="Factors on the frequency of the shocks the agent hedges against.")
    ] = "1",
    days: Annotated[int, typer.Option(min=1, help="Length of a run.")] = 180,
    priority: Priorities = "service",
    refit_every: RefitEvery = 7,
    out: Out = None,
    jobs: Jobs = 2,
    json: Json = False,
) -> None:
    """Compare the agent with the baselines and the bound on the reference item, seed by seed."""
    from core_modules.commands import run_compare

    run_compare(
        scenarios=[name.strip() for name in scenarios.split(",")],
        seeds=seeds,
        tuning_seeds=tuning_seeds,
        days=days,
        priority=priority,
        refit_every=refit_every,
        shock_factors=_numbers(shocks),
        out=out,
        jobs=jobs,
        json=json,
    )


@app.command()
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


def _numbers(text: str) -> list[float]:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a list of numbers such as 0.5,1,2") from None
    if not all(0 < number < 1e6 for number in numbers):
        raise typer.BadParameter(f"{text!r} holds a number that is not above 0")
    return numbers


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a day such as 2024-06-30") from None


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
