"""The `verify` command: every published table recomputed, with what differs said first."""

import json
from pathlib import Path

import typer

from core_modules.command_output import print_table, progress_bar, say
from core_modules.run_folders import check_folder, whole_folder
from core_modules.textbook.verification import checks_table, summary_table, verify_tables


def run_verify(*, exact: bool, out: Path | None, jobs: int, as_json: bool) -> bool:
    """Print value, ours, deviation and verdict of every published figure; tell whether all agree.

    With `out` the table is kept there as `verify.csv`.
    """
    if out is not None:
        check_folder(out)
    with progress_bar("verifying", 1) as progress:
        checks = verify_tables(exact=exact, progress=progress, jobs=jobs)
    table = checks_table(checks)
    if as_json:
        typer.echo(json.dumps(table.to_dict("records"), indent=1))
    else:
        for name, rows in table.groupby("table", sort=False):
            print_table(rows.drop(columns="table"), f"\n{name}", rows=len(rows))
        print_table(summary_table(checks), "\nin short")
    if out is not None:
        with whole_folder(out) as folder:
            table.to_csv(folder / "verify.csv", index=False)
    wrong = [check for check in checks if not check.agrees]
    if wrong:
        say(f"{len(wrong)} of {len(checks)} figures differ from what is published")
    return not wrong
