"""The process that fits demand models, and the only one that imports the forecaster.

`python -m streaming_production.forecast_worker --store URL`

It looks for items without a forecast, or with one that is old, fits them lot by lot and puts the
models into the store. It reports each round as a line of JSON, and ends with its parent.
"""

import os
import signal
import threading
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import orjson
import pandas as pd
import typer

from core_modules.command_options import EngineOption
from core_modules.forecasting.engines import Engine
from core_modules.forecasting.forecast_values import DemandModel
from core_modules.market_events import MarketEvent
from streaming_production.deciding.forecast_rounds import ForecastRounds, Round
from streaming_production.deciding.worker_process import STORE_VARIABLE
from streaming_production.events import utc_text
from streaming_production.store import Store, StoreError

LOOK_SECONDS = 1.0  # between two looks for work
MOST_TOLD = 5  # failures named in a report
NICENESS = 10  # fits give way to the agent, which shares the machine


@dataclass(frozen=True, slots=True)
class Forecaster:
    """Fits with the demand forecaster."""

    jobs: int  # processes, or threads of the batch engine
    cache: Path | None  # folder that keeps fits
    engine: Engine

    def __call__(
        self, frame: pd.DataFrame, horizon: int, events: Sequence[MarketEvent]
    ) -> Sequence[DemandModel]:
        """Fit a long frame; items of several groups are pooled within them too."""
        from core_modules.demand_forecaster import ForecastSettings, fit_models

        groups, items = frame["group"].nunique(), frame["unique_id"].nunique()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of libraries, about each other
            return fit_models(
                frame,
                horizon=horizon,
                events=events,
                groups=["group"] if 1 < groups < items else None,
                settings=ForecastSettings(engine=self.engine),
                jobs=self.jobs,
                cache=self.cache,
            )


def main(
    store: Annotated[
        str,
        typer.Option(help="The agent's store: a file or a database URL.", envvar=STORE_VARIABLE),
    ],
    jobs: Annotated[int, typer.Option(help="Processes that fit.", min=1)] = 1,
    engine: EngineOption = "prophet",
    refit_every: Annotated[int, typer.Option(help="Closed days between refits.", min=1)] = 7,
    cache: Annotated[Path | None, typer.Option(help="Folder that keeps fits.")] = None,
    parent: Annotated[int, typer.Option(help="Process to end with; 0: none.")] = 0,
    once: Annotated[bool, typer.Option("--once", help="Fit what is due, then end.")] = False,
) -> None:
    """Keep every item's demand forecast fresh until stopped."""
    ending = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ending.set())
    if parent:
        os.nice(NICENESS)

    def proceed() -> bool:
        return not ending.is_set() and (not parent or os.getppid() == parent)

    opened = Store.open(store)
    try:
        rounds = ForecastRounds(opened, Forecaster(jobs, cache, engine), refit_every)
        while proceed():
            looked_at = opened.last_seq
            done = _round(rounds, proceed)
            _report(done)
            if once:
                break
            while proceed() and not done.fitted and opened.last_seq == looked_at:
                ending.wait(LOOK_SECONDS)
    finally:
        opened.close()


def _round(rounds: ForecastRounds, proceed: Callable[[], bool]) -> Round:
    """Run a round; a store that is busy fails it and no more."""
    try:
        return rounds.run(proceed)
    except StoreError as error:
        return Round(0, {"": f"the store cannot be used: {error}"})


def _report(done: Round) -> None:
    failed = [f"{name}: {why}" if name else why for name, why in done.failed.items()]
    line = {
        "at": utc_text(datetime.now(UTC)),
        "fitted": done.fitted,
        "failed": len(failed),
        "error": "; ".join(failed[:MOST_TOLD]) or None,
    }
    typer.echo(orjson.dumps(line))


if __name__ == "__main__":
    typer.run(main)
