"""What commands show: tables on standard output, notes and progress on standard error."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import typer
from rich.console import Console
from rich.table import Table

from core_modules.plain_json import to_json
from core_modules.reporting.run_report import RunReport

if TYPE_CHECKING:
    from core_modules.policy_comparison import Comparison

WIDEST = 400  # columns
MOST_ROWS = 30  # printed of a long table; the file has them all


def say(line: str) -> None:
    """Print a note for people."""
    typer.echo(line, err=True)


@contextmanager
def progress_bar(what: str, total: int | None) -> Iterator[Callable[..., None]]:
    """Show a progress bar; yields a function of what is done, and of how much if that was open.

    A total of None is never known: the bar counts.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done, of=total: bar.update(task, completed=done, total=of)


def print_table(frame: pd.DataFrame, title: str, rows: int = MOST_ROWS) -> None:
    """Print the first rows of a frame; shares called coverage as percent, numbers to 3 digits."""
    table = _table(title)
    for column in frame.columns:
        numeric = pd.api.types.is_numeric_dtype(frame[column])
        name = str(column).replace("coverage_", "in ").replace("_", " ")
        table.add_column(
            f"{name} %" if "coverage" in str(column) else name,
            justify="right" if numeric else "left",
            no_wrap=True,
        )
    for row in frame.head(rows).to_dict("records"):
        table.add_row(*(_cell(str(column), cell) for column, cell in row.items()))
    console = _console()
    console.print(table)
    if len(frame) > rows:
        console.print(f"... and {len(frame) - rows:,} more", highlight=False)


def _cell(column: str, cell: str | float | None) -> str:
    if pd.isna(cell):
        return "-"
    if isinstance(cell, float):
        return f"{cell:.1%}" if "coverage" in column else f"{cell:,.3g}"
    return str(cell)


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))


def _console() -> Console:
    """Return a console wide enough for our tables, whatever the terminal says.

    A table takes the room it needs; no figure is ever cut for want of columns.
    """
    return Console(width=WIDEST)


def print_comparison(comparison: "Comparison") -> None:
    """Print one calendar's summary, the bound apart from the policies."""
    console = _console()
    table = _table(f"calendar {comparison.scenarios}")
    headings = (
        "policy", "parameter", "cost\nmean", "more than the agent", "fill rate\nmean",
        "service\nmean", "stock\nmean", "orders\nmean", "without events:\ncost",
        "more than the agent", "fill rate",
    )  # fmt: skip
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="left" if number < 2 else "right")
    for row in comparison.summary.to_dict("records"):
        if row["policy"] == "clairvoyant":
            table.add_section()
        plain = not pd.isna(row["plain_cost"])
        table.add_row(
            str(row["policy"]),
            str(row["parameter"]),
            f"{row['cost']:,.0f}",
            "" if row["policy"] == "agent" else _interval(row, "more"),
            f"{row['fill_rate']:.2%}",
            f"{row['service_level']:.1%}",
            f"{row['average_stock']:,.0f}",
            f"{row['orders_placed']:,.0f}",
            f"{row['plain_cost']:,.0f}" if plain else "",
            _interval(row, "plain_more") if plain else "",
            f"{row['plain_fill_rate']:.2%}" if plain else "",
        )
    console.print(table)
    for row in comparison.summary.to_dict("records"):
        if row["dominated_by"]:
            line = f"{row['policy']} costs more and fills no more than: {row['dominated_by']}"
            console.print(line, highlight=False)


def _interval(row: Mapping[Any, Any], name: str) -> str:
    """Return a difference with its 95 % interval."""
    return f"{row[name]:,.0f} ({row[f'{name}_low']:,.0f} to {row[f'{name}_high']:,.0f})"


def print_run(report: RunReport, folder: Path, *, as_json: bool) -> None:
    """Print how the policies did, or the figures as JSON."""
    if as_json:
        typer.echo(to_json(report.kpis))
        return
    figures, sign = report.kpis, report.currency
    console = _console()
    console.print(f"[bold]{report.title}[/bold]", highlight=False)
    table = _table("")
    for heading in ("policy", "service", "fill rate", "profit", "of bound", "stock", "orders"):
        table.add_column(heading, justify="left" if heading == "policy" else "right", no_wrap=True)
    bound = figures["clairvoyant_profit"]
    for row in report.policies.to_dict("records"):
        table.add_row(
            str(row["policy"]),
            f"{row['service_level']:.1%}",
            f"{row['fill_rate']:.2%}",
            f"{sign}{row['profit']:,.0f}",
            f"{row['profit'] / bound:.1%}" if bound > 0 else "-",
            f"{row['average_stock']:,.0f}",
            f"{row['orders_placed']:,}",
        )
    console.print(table)
    console.print(
        f"days without a market event {figures['normal_share']:.1%}, decisions taken alone "
        f"{figures['autonomous_share']:.1%}, cash view {sign}{figures['cash_profit']:,.0f}",
        highlight=False,
    )
    say(f"report: {folder / 'report.html'}")
