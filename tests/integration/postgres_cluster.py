"""A PostgreSQL cluster of our own for the tests, on loopback and in a folder of its own."""

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg

BINARIES = "/usr/lib/postgresql"
# Nothing of it needs to outlive the tests, so nothing waits for the disk.
SETTINGS = "-F -c synchronous_commit=off -c full_page_writes=off -c shared_buffers=32MB"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running cluster."""

    port: int
    _numbers: Iterator[int]

    def new_database(self) -> str:
        """Make an empty database and return its address."""
        name = f"store_{next(self._numbers)}"
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.address(name)

    def drop(self, address: str) -> None:
        """Drop a database, even if something is still connected to it."""
        name = address.rpartition("/")[2]
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def address(self, name: str) -> str:
        """Return the address of one of its databases."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """Make a cluster in a folder of its own, run it, and throw it away.

    Raises FileNotFoundError where PostgreSQL is not installed.
    """
    folder = Path(tempfile.mkdtemp(prefix="store-tests-"))
    as_root = os.geteuid() == 0  # the server refuses to run as root
    if as_root:
        shutil.chown(folder, "postgres", "postgres")
    port, data = _free_port(), folder / "data"
    try:
        _run(as_root, "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "-N")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -k {folder} {SETTINGS}"
        log = folder / "server.log"
        _run(as_root, "pg_ctl", "-D", data, "-l", log, "-o", options, "-w", "start")
        try:
            yield Cluster(port, count(1))
        finally:
            _run(as_root, "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(as_root: bool, program: str, *arguments: object) -> None:
    command = [str(_binary(program)), *(str(one) for one in arguments)]
    if as_root:
        command = ["runuser", "-u", "postgres", "--", *command]
    # A pipe would be inherited by the server, and reading it to its end would never return.
    subprocess.run(
        command,
        check=True,
        timeout=60,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )


def _binary(program: str) -> Path:
    newest = sorted(Path(BINARIES).glob(f"*/bin/{program}"))
    found = newest[-1] if newest else shutil.which(program)
    if found is None:
        raise FileNotFoundError(
            f"these tests need PostgreSQL's {program}, for {getpass.getuser()}: "
            "apt-get install postgresql"
        )
    return Path(found)


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
