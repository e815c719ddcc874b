"""What commands show: tables on standard output, notes and progress on standard error."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import typer
from rich.console import Console
from rich.table import Table

from core_modules.plain_json import to_json
from core_modules.policy_comparison import Comparison
from core_modules.reporting.run_report import RunReport

WIDEST = 400  # columns
MOST_ROWS = 30  # printed of a long table; the file has them all


def say(line: str) -> None:
    """Print a note for people."""
    typer.echo(line, err=True)


@contextmanager
def progress_bar(what: str, total: int) -> Iterator[Callable[..., None]]:
    """Show a progress bar; yields a function of what is done, and of how much if that was open."""
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


def print_comparison(comparison: Comparison) -> None:
    """Print one calendar's summary."""
    console = _console()
    table = _table(f"calendar {comparison.scenarios}")
    headings = (
        "policy", "level", "service\nmedian", "fill rate\nmean", "profit\nmean", "5 to 95 %",
        "of\nbound", "regret", "agent ahead by", "stock\nmean", "orders\nmean",
    )  # fmt: skip
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="left" if number < 2 else "right")
    for row in comparison.summary.to_dict("records"):
        ahead = (
            f"{row['behind_agent']:,.0f} ({row['behind_low']:,.0f} to {row['behind_high']:,.0f})"
        )
        table.add_row(
            str(row["policy"]),
            str(row["parameter"]),
            f"{row['service_median']:.1%}",
            f"{row['fill_rate']:.2%}",
            f"{row['profit']:,.0f}",
            f"{row['profit_p5']:,.0f} to {row['profit_p95']:,.0f}",
            f"{row['share_of_bound']:.2%}",
            f"{row['regret']:,.0f}",
            "" if row["policy"] == "agent" else ahead,
            f"{row['average_stock']:,.0f}",
            f"{row['orders_placed']:,.0f}",
        )
    console.print(table)


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
