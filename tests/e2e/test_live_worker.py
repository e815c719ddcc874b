"""The worker process: fits, comes back after a kill, and never outlives its agent."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from streaming_production.agent_core import AgentCore
from streaming_production.deciding.core_settings import CoreSettings
from streaming_production.deciding.worker_process import ROOT
from streaming_production.store import Store
from tests.live_stock_room import StockRoom, terms, wait_for

PATIENCE = 90.0  # seconds: importing and fitting is slow on a busy machine


def children() -> list[int]:
    """Return the workers that this process has started and that still run."""
    told = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(os.getpid())],
        capture_output=True, text=True, timeout=10, check=False,
    )  # fmt: skip
    lines = [line.split(maxsplit=1) for line in told.stdout.splitlines()]
    return [int(pid) for pid, command in lines if "forecast_worker" in command]


@pytest.fixture
def store(tmp_path: Path):
    with Store.open(str(tmp_path / "live.db")) as opened:
        yield opened


def test_the_worker_fits_comes_back_after_a_kill_and_ends_with_the_core(store: Store) -> None:
    shop = StockRoom(store)
    shop.register(terms("a"))
    core = AgentCore(store, CoreSettings())
    core.start()
    try:
        wait_for(lambda: "a" in store.forecast_stamps(), PATIENCE)
        first = children()
        assert len(first) == 1
        os.kill(first[0], signal.SIGKILL)
        shop.register(terms("b"))
        wait_for(lambda: "b" in store.forecast_stamps(), PATIENCE)
        assert children() != first
        wait_for(lambda: core.ready() == [], PATIENCE)
    finally:
        core.stop()
    assert children() == []


def test_a_worker_whose_agent_is_gone_ends_by_itself(tmp_path: Path) -> None:
    with Store.open(str(tmp_path / "live.db")):
        ended = subprocess.run(
            [
                sys.executable, "-m", "streaming_production.forecast_worker",
                "--store", str(tmp_path / "live.db"), "--parent", "1000000",
            ],
            cwd=ROOT, timeout=PATIENCE, check=False,
        )  # fmt: skip
    assert ended.returncode == 0


@pytest.mark.parametrize("engine", ["prophet", "batch"])
def test_one_round_by_hand_fits_what_is_due_and_reports_it(tmp_path: Path, engine: str) -> None:
    address = str(tmp_path / "live.db")
    with Store.open(address) as store:
        StockRoom(store).register(terms("a"), terms("b"))
        told = subprocess.run(
            [sys.executable, "-m", "streaming_production.forecast_worker", "--store", address,
             "--once", "--engine", engine],
            cwd=ROOT, capture_output=True, timeout=PATIENCE, check=True,
        )  # fmt: skip
        report = orjson.loads(told.stdout.splitlines()[-1])
        assert (report["fitted"], report["error"]) == (2, None)
        assert set(store.forecast_stamps()) == {"a", "b"}
