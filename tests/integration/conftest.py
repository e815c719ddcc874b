"""Databases for the tests: files, and databases of a PostgreSQL cluster of our own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.postgres_cluster import Cluster, running_cluster


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[Cluster]:
    """A running cluster; where PostgreSQL is missing the tests that need it fail."""
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The address of a new SQLite file."""
    return f"sqlite:///{tmp_path}/live.db"


@pytest.fixture
def postgres_url(postgres_cluster: Cluster) -> Iterator[str]:
    """The address of a new, empty PostgreSQL database."""
    address = postgres_cluster.new_database()
    yield address
    postgres_cluster.drop(address)


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str:
    """The address of an empty database: the test runs on both kinds."""
    name = {"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param]
    return str(request.getfixturevalue(name))
