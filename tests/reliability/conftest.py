"""Stores with items and forecasts, ready for an agent, on both kinds of database."""

import shutil
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from streaming_production.agent_core import AgentCore
from streaming_production.deciding.core_settings import CoreSettings
from streaming_production.store import Store
from tests.integration.postgres_cluster import Cluster, running_cluster
from tests.live_agent import fit_flat
from tests.reliability.bookkeeping import stock_in

ITEMS = 24
StoreMaker = Callable[[str], str]  # kind of database -> address of a new store


@pytest.fixture(scope="session")
def filled_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite store with a catalogue and a forecast for each item."""
    path = tmp_path_factory.mktemp("filled") / "live.db"
    _fill(str(path))
    return path


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[Cluster]:
    """A running cluster."""
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture
def new_store(
    request: pytest.FixtureRequest, filled_file: Path, tmp_path: Path
) -> Iterator[StoreMaker]:
    """Make a store with items and forecasts, of either kind, as often as asked."""
    numbers, databases = count(1), list[str]()

    def make(kind: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{shutil.copy(filled_file, tmp_path / f'store-{next(numbers)}.db')}"
        databases.append(request.getfixturevalue("postgres_cluster").new_database())
        _fill(databases[-1])
        return databases[-1]

    yield make
    for address in databases:
        request.getfixturevalue("postgres_cluster").drop(address)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, new_store: StoreMaker) -> str:
    """A store with items and forecasts: the test runs on both kinds."""
    return new_store(request.param)


@pytest.fixture(scope="session")
def opening(filled_file: Path) -> dict[str, int]:
    """The stock that each item begins with."""
    return stock_in(f"sqlite:///{filled_file}")


def _fill(url: str) -> None:
    with Store.open(url) as store:
        core = AgentCore(store, CoreSettings(start_worker=False))
        core.register_profile("demo", ITEMS, 0)
        core.stop()
        fit_flat(store)
