"""Other forecasters beside the batch engine, on the same generated items and days.

Prophet in a pool of two processes, as a shop would run it by itself; statsforecast's AutoETS and
AutoTheta with a weekly season, in an environment of their own.
"""

import os
import subprocess
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pandas as pd

from benchmarks.own_environment import python_with
from core_modules.batch_prophet.design import prophet_silence
from core_modules.batch_prophet.fitting import fit_batch
from core_modules.batch_prophet.prediction import predict_batch
from core_modules.batch_prophet.settings import BatchSettings, prophet_model

CORES = 2
LEVELS = (80, 95)  # % of the intervals

# Run by the Python of the peer's environment: items a second of each model, compiled before.
STATSFORECAST = """
import sys, time
import pandas as pd
from statsforecast import StatsForecast
from statsforecast.models import AutoETS, AutoTheta

def main():
    frame = pd.read_csv(sys.argv[1], parse_dates=["ds"])
    ahead, cores = int(sys.argv[2]), int(sys.argv[3])
    first = frame["unique_id"].iloc[0]
    for model in (AutoETS, AutoTheta):
        one = StatsForecast([model(season_length=7)], freq="D", n_jobs=1)
        one.forecast(df=frame[frame["unique_id"] == first], h=ahead, level=[80, 95])
        many = StatsForecast([model(season_length=7)], freq="D", n_jobs=cores)
        begun = time.perf_counter()
        many.forecast(df=frame, h=ahead, level=[80, 95])
        print(model.__name__, time.perf_counter() - begun)

if __name__ == "__main__":
    main()
"""


def peers(frame: pd.DataFrame, settings: BatchSettings, ahead: int, few: int) -> dict[str, float]:
    """Return items a second on both cores: engine, Prophet, statsforecast on the first `few`.

    `frame` is long: unique_id, ds, y.
    """
    names = frame["unique_id"].unique()
    part = frame[frame["unique_id"].isin(names[:few])]
    found = {
        "engine_items_a_second": len(names) / _engine_seconds(frame, settings, ahead),
        "prophet_pool_items_a_second": few / _pool_seconds(part, settings, ahead),
    }
    found["ratio_prophet_pool"] = (
        found["engine_items_a_second"] / found["prophet_pool_items_a_second"]
    )
    for model, seconds in _statsforecast_seconds(part, ahead).items():
        found[f"{model}_items_a_second"] = few / seconds
        found[f"ratio_{model}"] = found["engine_items_a_second"] / (few / seconds)
    return found


def _engine_seconds(frame: pd.DataFrame, settings: BatchSettings, ahead: int) -> float:
    times = []
    for _ in range(2):  # the first compiles what it must
        begun = time.perf_counter()
        predict_batch(fit_batch(frame, settings, threads=CORES), ahead)
        times.append(time.perf_counter() - begun)
    return times[-1]


def _forecast(task: tuple[pd.DataFrame, BatchSettings, int]) -> int:
    """Fit and forecast one item with Prophet, in a process of the pool."""
    rows, settings, ahead = task
    with prophet_silence():
        model = prophet_model(settings).fit(rows)
        return len(model.predict(model.make_future_dataframe(ahead, include_history=False)))


def _pool_seconds(frame: pd.DataFrame, settings: BatchSettings, ahead: int) -> float:
    tasks = [
        (rows.drop(columns="unique_id").reset_index(drop=True), settings, ahead)
        for _, rows in frame.groupby("unique_id", sort=False)
    ]
    with ProcessPoolExecutor(CORES) as pool:
        list(pool.map(_forecast, tasks[:CORES]))  # imports and the first call
        begun = time.perf_counter()
        list(pool.map(_forecast, tasks))
        return time.perf_counter() - begun


def _statsforecast_seconds(frame: pd.DataFrame, ahead: int) -> dict[str, float]:
    """Return seconds by model; none where statsforecast cannot be installed."""
    python = python_with("statsforecast")
    if python is None:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        frame.to_csv(Path(folder) / "sales.csv", index=False)
        script = Path(folder) / "peer.py"
        script.write_text(STATSFORECAST)
        answer = subprocess.run(
            [str(python), str(script), str(Path(folder) / "sales.csv"), str(ahead), str(CORES)],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"NIXTLA_ID_AS_COL": "1"},
        )
    pairs = (line.split() for line in answer.stdout.splitlines())
    return {name: float(seconds) for name, seconds in pairs}
