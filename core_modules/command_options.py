"""The options that several commands share, and how their text is read."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from core_modules.forecasting.engines import Engine

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
EngineOption = Annotated[
    Engine,
    typer.Option(help="What fits the patterns: Prophet, or its model for all items at once."),
]
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


def numbers(text: str) -> list[float]:
    """Read numbers above 0 with commas between them."""
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a list of numbers such as 0.5,1,2") from None
    if not all(0 < number < 1e6 for number in values):
        raise typer.BadParameter(f"{text!r} holds a number that is not above 0")
    return values


def day(text: str | None) -> date | None:
    """Read a day such as 2024-06-30."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a day such as 2024-06-30") from None
