"""The `batch-forecast` command: Prophet's model for every item of a file, into Parquet files."""

import time
from pathlib import Path
from typing import Literal

import typer

from core_modules.batch_prophet.settings import BatchSettings
from core_modules.batch_streams.forecasts import forecast_to_parquet
from core_modules.command_output import progress_bar, say
from core_modules.plain_json import to_json
from core_modules.run_folders import RESULTS

Mode = Literal["additive", "multiplicative"]


def run_batch_forecast(
    *,
    sales: Path,
    horizon: int,
    mode: Mode,
    scheduler: str | None,
    threads: int,
    part_items: int,
    out: Path | None,
    json: bool,
) -> None:
    """Forecast every item of a long file, here or on a cluster, and say what was done."""
    folder = out or RESULTS / f"{sales.name.split('.')[0]}-batch-forecast"
    begun = time.monotonic()
    with progress_bar("parts", None) as step:
        found = forecast_to_parquet(
            sales,
            horizon,
            BatchSettings(seasonality_mode=mode),
            folder=folder,
            scheduler=scheduler,
            threads=threads,
            part_items=part_items,
            progress=step,
        )
    seconds = time.monotonic() - begun
    if json:
        counts = {"parts": found.parts, "computed": found.computed, "routes": found.routes}
        typer.echo(to_json(counts | {"folder": str(found.folder), "seconds": seconds}))
        return
    there = found.parts - found.computed
    solved = ", ".join(f"{name} {count:,}" for name, count in found.routes.items() if count)
    typer.echo(f"items by what solved them: {solved}")
    typer.echo(f"parts: {found.computed} computed, {there} were there, {seconds:.1f} s")
    say(f"forecasts: {found.folder}")
