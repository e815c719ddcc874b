"""Forecasts from files to files: here, resumed, and on a Dask cluster of two worker processes."""

import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core_modules.batch_prophet.fitting import fit_batch
from core_modules.batch_prophet.prediction import predict_batch
from core_modules.batch_prophet.settings import BatchSettings, Regressor, Seasonality
from core_modules.batch_streams import cluster as cluster_module
from core_modules.batch_streams.cluster import check_engine, completed, connected
from core_modules.batch_streams.forecasts import ForecastFiles, forecast_to_parquet
from core_modules.batch_streams.part_folder import MANIFEST
from core_modules.batch_streams.streaming import forecast_stream, item_chunks
from tests.batch_series import long_frame, sales, with_gaps, with_regressors

AHEAD, PART = 7, 10
LOOPBACK = "127.0.0.1:0"  # without an address its page would listen everywhere
SETTINGS = BatchSettings(yearly_seasonality=False, weekly_seasonality=True)


class StoppedError(Exception):
    """Raised in the driver, as Ctrl-C would be."""


def stop_after(parts: int) -> Any:
    def progress(done: int) -> None:
        if done == parts:
            raise StoppedError

    return progress


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """80 items of 120 days: 40 on one calendar, 20 that start late, 20 with gaps of their own."""
    values = sales(80, days=120)
    values[40:60, :50] = np.nan
    values[60:] = with_gaps(values[60:])
    return long_frame(values).dropna().reset_index(drop=True)


@pytest.fixture(scope="module")
def shop(frame: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a file."""
    path = tmp_path_factory.mktemp("shop") / "sales.parquet"
    frame.to_parquet(path, index=False)
    return path


@pytest.fixture(scope="module")
def local(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that this process wrote in one go."""
    folder = tmp_path_factory.mktemp("local") / "out"
    found = forecast(shop, folder)
    assert found.computed == found.parts == 8
    assert found.routes["engine"] == 80
    return folder


@pytest.fixture(scope="module")
def cluster(local: Path) -> Iterator[Any]:
    """Two worker processes, after this one has compiled what they need."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=LOOPBACK, host="127.0.0.1"
    ) as two:
        two.wait_for_workers(2)
        yield two


def forecast(source: Any, folder: Path, **changes: Any) -> ForecastFiles:
    chosen = {"future": AHEAD, "settings": SETTINGS, "part_items": PART} | changes
    return forecast_to_parquet(source, folder=folder, **chosen)


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.name != MANIFEST}


def read(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder).sort_values(["unique_id", "ds"], ignore_index=True)


def assert_same(found: pd.DataFrame, wanted: pd.DataFrame) -> None:
    """All rows, numbers to 1e-9: matrix products of other sizes may round otherwise."""
    wanted = wanted.sort_values(["unique_id", "ds"], ignore_index=True)
    found = found.sort_values(["unique_id", "ds"], ignore_index=True)
    pd.testing.assert_frame_equal(found, wanted, check_dtype=False, rtol=1e-9, atol=1e-9)


def test_parts_hold_the_forecasts_of_all_items_at_once(local: Path, frame: pd.DataFrame) -> None:
    assert_same(read(local), predict_batch(fit_batch(frame, SETTINGS), AHEAD))


def test_items_of_one_calendar_share_parts(local: Path, frame: pd.DataFrame) -> None:
    ids = [set(pd.read_parquet(file)["unique_id"]) for file in sorted(local.glob("part-*"))]
    assert set().union(*ids[:4]) == {f"item{number:05d}" for number in range(40)}


def test_a_stopped_run_computes_only_what_is_missing(
    shop: Path, local: Path, tmp_path: Path
) -> None:
    with pytest.raises(StoppedError):
        forecast(shop, tmp_path / "out", progress=stop_after(3))
    before = contents(tmp_path / "out")
    assert len(before) == 3
    assert before.items() <= contents(local).items()
    assert forecast(shop, tmp_path / "out").computed == 5
    assert contents(tmp_path / "out") == contents(local)
    again = forecast(shop, tmp_path / "out")
    assert (again.parts, again.computed, again.routes["engine"]) == (8, 0, 80)


def test_a_part_that_was_lost_is_computed_again(shop: Path, local: Path, tmp_path: Path) -> None:
    forecast(shop, tmp_path / "out")
    sorted((tmp_path / "out").glob("part-*"))[2].unlink()
    assert forecast(shop, tmp_path / "out").computed == 1
    assert contents(tmp_path / "out") == contents(local)


def test_frames_of_any_size_give_the_same_files(
    frame: pd.DataFrame, local: Path, tmp_path: Path
) -> None:
    future = pd.date_range(frame["ds"].max() + pd.Timedelta(days=1), periods=AHEAD)
    for items in (7, 30):
        found = forecast(item_chunks(frame, items), tmp_path / "out", future=future)
        assert found.computed == (8 if items == 7 else 0)
    assert contents(tmp_path / "out") == contents(local)


def test_other_settings_days_or_data_are_refused(
    shop: Path, frame: pd.DataFrame, local: Path, tmp_path: Path
) -> None:
    before = contents(local)
    settings = BatchSettings("flat", yearly_seasonality=False, weekly_seasonality=True)
    with pytest.raises(ValueError, match=r"settings\.growth was 'linear', is 'flat'"):
        forecast(shop, local, settings=settings)
    with pytest.raises(ValueError, match=r"future was 7 days, .* is 8 days"):
        forecast(shop, local, future=AHEAD + 1)
    with pytest.raises(ValueError, match="part_items was 10, is 20"):
        forecast(shop, local, part_items=20)
    changed = tmp_path / "changed.parquet"
    frame.assign(y=frame["y"] + (frame.index == 5)).to_parquet(changed, index=False)
    with pytest.raises(ValueError, match=r"input was files, sha256 .*; go on as it was begun"):
        forecast(changed, local)
    assert contents(local) == before


def test_other_frames_are_refused_at_the_first_part_that_differs(
    frame: pd.DataFrame, tmp_path: Path
) -> None:
    future = pd.date_range("2024-01-01", periods=2)
    with pytest.raises(StoppedError):
        forecast([frame], tmp_path / "out", future=future, progress=stop_after(2))
    before = contents(tmp_path / "out")
    changed = frame.assign(y=frame["y"] + (frame["unique_id"] == "item00012"))
    with pytest.raises(ValueError, match="part 1 was made from another history"):
        forecast([changed], tmp_path / "out", future=future)
    assert contents(tmp_path / "out") == before


def test_items_without_rows_or_with_one_are_reported_unfit(tmp_path: Path) -> None:
    values = sales(4, days=60)
    values[1] = np.nan
    values[2, 1:] = np.nan
    future = pd.date_range("2024-01-01", periods=2)
    found = forecast([long_frame(values)], tmp_path / "out", future=future, part_items=2)
    assert (found.routes["engine"], found.routes["unfit"]) == (2, 2)
    unfit = read(tmp_path / "out").groupby("unique_id")["yhat"].apply(lambda y: y.isna().all())
    assert unfit.tolist() == [False, True, True, False]


def test_each_part_gets_its_items_rows_of_a_future_frame(tmp_path: Path) -> None:
    rows = with_regressors(long_frame(sales(25, days=90)))
    past, future = rows[rows["ds"] < "2023-03-25"], rows[rows["ds"] >= "2023-03-25"]
    settings = BatchSettings(yearly_seasonality=False, regressors=(Regressor("price"),))
    forecast([past], tmp_path / "out", future=future, settings=settings)
    assert_same(read(tmp_path / "out"), predict_batch(fit_batch(past, settings), future))
    with pytest.raises(ValueError, match=r"the future must be a frame with the columns \['price'"):
        forecast([past], tmp_path / "other", settings=settings)


def test_days_ahead_of_frames_and_none_are_refused(frame: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="give the dates instead"):
        forecast([frame], tmp_path / "out")
    with pytest.raises(ValueError, match="days ahead must be >= 1, got 0"):
        forecast([frame], tmp_path / "out", future=0)


def test_a_cluster_writes_the_same_files(
    cluster: Any, shop: Path, local: Path, tmp_path: Path
) -> None:
    found = forecast(shop, tmp_path / "out", scheduler=cluster.scheduler_address)
    assert found.computed == 8
    assert_same(read(tmp_path / "out"), read(local))
    assert contents(tmp_path / "out").keys() == contents(local).keys()


def test_a_run_stopped_on_the_cluster_goes_on_there_or_here(
    cluster: Any, shop: Path, local: Path, tmp_path: Path
) -> None:
    address = cluster.scheduler_address
    for stop, scheduler in ((3, address), (2, None)):
        with pytest.raises(StoppedError):
            forecast(shop, tmp_path / "out", scheduler=scheduler, progress=stop_after(stop))
    assert len(contents(tmp_path / "out")) == 5
    assert forecast(shop, tmp_path / "out", scheduler=address).computed == 3
    assert forecast(shop, tmp_path / "out", scheduler=address).computed == 0
    assert_same(read(tmp_path / "out"), read(local))


def test_few_parts_are_under_way_at_a_time(cluster: Any, tmp_path: Path) -> None:
    values = long_frame(sales(20, days=30))
    taken, done, most = 0, 0, 0

    def chunks() -> Iterator[pd.DataFrame]:
        nonlocal taken
        for chunk in item_chunks(values, 1):
            taken += 1
            yield chunk

    for _ in forecast_stream(chunks(), 3, SETTINGS, scheduler=cluster.scheduler_address):
        done += 1
        most = max(most, taken - done + 1)
    assert done == 20
    assert most <= cluster_module.IN_FLIGHT * 3  # three threads while a killed worker returns


def test_a_stream_over_the_cluster_yields_every_forecast(cluster: Any, frame: pd.DataFrame) -> None:
    chunks = item_chunks(frame, 30)
    future = pd.date_range("2023-05-01", periods=AHEAD)
    found = forecast_stream(chunks, future, SETTINGS, scheduler=cluster.scheduler_address)
    wanted = predict_batch(fit_batch(frame, SETTINGS), future)
    assert_same(pd.concat(list(found), ignore_index=True), wanted)


def test_what_a_worker_cannot_fit_is_told_as_here(
    cluster: Any, frame: pd.DataFrame, tmp_path: Path
) -> None:
    settings = BatchSettings(seasonalities=(Seasonality("odd", 5, 0),))
    future = pd.date_range("2024-01-01", periods=2)
    messages = []
    for scheduler in (None, cluster.scheduler_address):
        with pytest.raises(ValueError, match="Fourier Order must be > 0") as caught:
            forecast(
                [frame],
                tmp_path / str(scheduler is None),
                future=future,
                settings=settings,
                scheduler=scheduler,
            )
        messages.append(str(caught.value))
    assert messages[0] == messages[1]


def test_a_lost_worker_loses_nothing(cluster: Any, shop: Path, local: Path, tmp_path: Path) -> None:
    killed: list[int] = []

    def kill_one(done: int) -> None:
        if done == 2:
            killed.append(next(iter(cluster.workers.values())).pid)
            os.kill(killed[0], signal.SIGKILL)

    found = forecast(shop, tmp_path / "out", scheduler=cluster.scheduler_address, progress=kill_one)
    assert killed
    assert found.computed == found.parts == 8
    assert contents(tmp_path / "out").keys() == contents(local).keys()
    assert_same(read(tmp_path / "out"), read(local))


def test_a_task_that_kills_its_workers_is_told(
    cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster.scheduler, "allowed_failures", 0)
    with (
        connected(cluster.scheduler_address) as client,
        pytest.raises(ConnectionError, match="a part brought down one worker after another"),
    ):
        list(completed(client, os._exit, [1]))


def test_a_scheduler_out_of_reach_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_module, "ANSWER_SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # listens, and is no scheduler
        for address in (f"tcp://127.0.0.1:{silent.getsockname()[1]}", "tcp://127.0.0.1:1", "host"):
            with (
                pytest.raises(ConnectionError, match=f"no Dask scheduler answers at {address} "),
                connected(address),
            ):
                pass


def test_a_scheduler_without_workers_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from distributed import LocalCluster

    monkeypatch.setattr(cluster_module, "WORKERS_SECONDS", 1)
    with (
        LocalCluster(n_workers=0, dashboard_address=LOOPBACK, host="127.0.0.1") as empty,
        pytest.raises(
            ConnectionError, match="has no worker after 1 s: start some by `python -m dask worker"
        ),
        connected(empty.scheduler_address),
    ):
        pass


def test_a_missing_extra_is_told(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ValueError, match="needs the extra dask: pip install"):
        forecast(shop, tmp_path / "out", scheduler="tcp://127.0.0.1:8786")


def test_workers_of_another_version_are_refused() -> None:
    with pytest.raises(ValueError, match=r"tcp://b:1 runs another engine \(old\) than asked for"):
        check_engine("tcp://b:1", "old", "new")
