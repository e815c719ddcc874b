"""The command that makes everything again from the event log and says where it differs.

    python -m streaming_production.self_check --store results/live.db

Exits 0 where all follows from the log, 1 where something differs, 2 for a store it cannot read.
"""

import sys
from pathlib import Path

if not __package__:  # started as a script: our imports begin at the repository root
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from typing import Annotated

import typer

from core_modules.reporting.report_wording import plural
from streaming_production.store import Store, StoreError

MOST_SHOWN = 50

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    store: Annotated[
        str, typer.Option(help="The store: a file, or the address of a database.")
    ] = "results/live.db",
) -> None:
    """Make stock, orders and decisions again from the event log, and compare."""
    try:
        with Store.open_existing(store) as opened:
            events, found = opened.last_seq, opened.self_check()
    except (ValueError, StoreError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    for one in found[:MOST_SHOWN]:
        place = f"{one.table} [{one.key}] {one.column}".rstrip()
        typer.echo(f"{place}: stored {one.stored}, from the log {one.recomputed}")
    if len(found) > MOST_SHOWN:
        typer.echo(f"... and {len(found) - MOST_SHOWN} more")
    if found:
        typer.echo(f"{plural(len(found), 'difference')} in {plural(events, 'event')}")
        raise typer.Exit(1)
    typer.echo(f"all follows from the log: {plural(events, 'event')}, no difference")


if __name__ == "__main__":
    app()
