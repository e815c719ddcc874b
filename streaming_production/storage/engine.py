"""The database behind the store: SQLite or PostgreSQL, one writer at a time, errors by name."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import chain
from pathlib import Path
from threading import Lock, local
from time import monotonic, sleep
from typing import Any, Self, TypeAlias, TypeVar

import orjson
from sqlalchemy import (
    ARRAY,
    URL,
    Boolean,
    ColumnElement,
    Connection,
    Dialect,
    Engine,
    Row,
    Select,
    StaticPool,
    Table,
    Text,
    TypeDecorator,
    bindparam,
    create_engine,
    event,
    func,
    make_url,
    select,
)
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    OperationalError,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from streaming_production.storage.errors import (
    KeyTaken,
    StoreBusy,
    StoreError,
    StoreFull,
    StoreUnwritable,
)

# Rows and queries whose columns are known by their names only.
AnyRow: TypeAlias = Row[*tuple[Any, ...]]
AnySelect: TypeAlias = Select[*tuple[Any, ...]]
Answer = TypeVar("Answer")
Rows: TypeAlias = list[tuple[Any, ...]]

PATIENCE = 5  # seconds a writer waits for the one before it
# KiB of pages that one of SQLite's connections keeps. Writers take turns, mostly on one connection,
# and hold there what a batch changes; of readers there are many, and each write voids what they
# keep.
WRITER_CACHE, READER_CACHE = 8192, 1024
# Rows that one of SQLite's statements inserts: it takes two thirds of the time of single ones.
_TOGETHER = (250, 50, 10)
_TAKEN = (  # SQLite's codes for a key that another row has
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
    sqlite3.SQLITE_CONSTRAINT_ROWID,
    sqlite3.SQLITE_CONSTRAINT_UNIQUE,
)
WRITERS_LOCK = 7_140_019  # PostgreSQL's number of the lock that writers take in turn
_FORMS = "give a file such as results/live.db, sqlite:///PATH or postgresql://USER@HOST/NAME"


@dataclass(frozen=True, slots=True)
class _View:
    """One state of the database, and what was asked of it already."""

    connection: Connection
    answers: dict[Callable[[Connection], Any], Any] = field(default_factory=dict)


class Database:
    """Connections to one database; writers take turns."""

    def __init__(self, url: str) -> None:
        """Raise ValueError for an address that is none."""
        self.url = _database_url(url)
        self.engine = _make_engine(self.url, WRITER_CACHE)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._turn = Lock()
        self._view = local()  # .shared: what this thread's reads share
        self._readers: Engine = self.engine
        if not self.is_sqlite:
            self._readers = self.engine.execution_options(isolation_level="REPEATABLE READ")
        elif _is_file(self.url):
            self._readers = _make_engine(self.url, READER_CACHE)

    @property
    def name(self) -> str:
        """Its address as people may read it."""
        return self.url.render_as_string(hide_password=True)

    @staticmethod
    def check_exists(url: str) -> None:
        """Raise ValueError if `url` is a file that is not there."""
        database = _database_url(url).database or ""
        is_file = _database_url(url).get_backend_name() == "sqlite"
        if is_file and not Path(database).is_file():
            raise ValueError(f"there is no database {database}")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that sees one state of the database."""
        shared = self._shared
        with _named_errors():
            if shared is not None:
                yield shared.connection
                return
            with self._readers.connect() as connection:
                yield connection

    @contextmanager
    def one_view(self) -> Iterator[None]:
        """Let this thread's reads share one transaction, until it writes itself."""
        before = self._shared
        with self.read() as connection:
            self._view.shared = before or _View(connection)
            try:
                yield
            finally:
                self._view.shared = before

    def once(self, connection: Connection, ask: Callable[[Connection], Answer]) -> Answer:
        """Return what a connection answers; within a view it is asked a question once."""
        shared = self._shared
        if shared is None:
            return ask(connection)
        if ask not in shared.answers:
            shared.answers[ask] = ask(connection)
        answer: Answer = shared.answers[ask]
        return answer

    @property
    def _shared(self) -> "_View | None":
        return getattr(self._view, "shared", None)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open the one write transaction: all of it is kept, or nothing.

        Raises StoreError.
        """
        if not self._turn.acquire(timeout=PATIENCE):
            raise StoreBusy("another writer is at work: try again")
        try:
            self._renew_view()
            with _named_errors(), self.engine.connect() as plain:
                connection = plain.execution_options(immediate=True)
                with connection.begin():
                    if not self.is_sqlite:
                        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{PATIENCE}s'")
                        connection.execute(select(func.pg_advisory_xact_lock(WRITERS_LOCK)))
                    yield connection
        finally:
            self._turn.release()

    def _renew_view(self) -> None:
        """Let the next read of a shared view see what is written now."""
        shared = self._shared
        if shared is not None:
            shared.connection.rollback()
            shared.answers.clear()

    def keep_a_write_ahead_log(self) -> None:
        """Let SQLite's readers go on while a writer is at work; the file remembers it."""
        if not self.is_sqlite:
            return
        with _named_errors(), self.engine.connect() as connection:
            give_up = monotonic() + PATIENCE
            while True:
                try:
                    connection.connection.cursor().execute("PRAGMA journal_mode = WAL")
                    return
                except sqlite3.OperationalError as error:
                    # SQLite does not wait here by itself, and two may open a new file at once.
                    if "locked" not in str(error) or monotonic() > give_up:
                        raise _named(error) from error
                    sleep(0.02)

    def close(self) -> None:
        """Close all connections."""
        self._readers.dispose()
        self.engine.dispose()


def insert_rows(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert rows given in the order of the table's columns.

    Raises KeyTaken where a row like one of them is there already.
    """
    _put_rows(connection, _insertion(table), rows)


def upsert_rows(
    connection: Connection,
    table: Table,
    rows: Rows,
    names: tuple[str, ...] = (),
    changed: tuple[str, ...] = (),
) -> None:
    """Insert rows, or give those of the same primary key other values in `changed` columns.

    `names` are the columns of the rows, by default the table's; all but the key change by default.
    """
    _put_rows(connection, _upsertion(table, names, changed), rows)


@dataclass(frozen=True, slots=True)
class _Insertion:
    """A statement that inserts rows."""

    beginning: str
    columns: int
    end: str = ""
    made: dict[tuple[str, int], str] = field(default_factory=dict)

    def sql(self, mark: str, rows: int) -> str:
        """Return the statement for so many rows; `mark` stands for a value."""
        if (mark, rows) not in self.made:
            row = f"({', '.join([mark] * self.columns)})"
            self.made[mark, rows] = self.beginning + ", ".join([row] * rows) + self.end
        return self.made[mark, rows]


@cache
def _insertion(table: Table, names: tuple[str, ...] = (), end: str = "") -> _Insertion:
    names = names or tuple(column.name for column in table.columns)
    return _Insertion(f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ", len(names), end)


@cache
def _upsertion(table: Table, names: tuple[str, ...], changed: tuple[str, ...]) -> _Insertion:
    keys = ", ".join(column.name for column in table.primary_key)
    rest = tuple(column.name for column in table.columns if not column.primary_key)
    taken = ", ".join(f"{name} = excluded.{name}" for name in changed or rest)
    return _insertion(table, names, f" ON CONFLICT ({keys}) DO UPDATE SET {taken}")


def _put_rows(connection: Connection, what: _Insertion, rows: Rows) -> None:
    """Insert rows by the driver itself: SQLAlchemy's own way costs as much again as the insert."""
    if not rows:
        return
    try:
        if connection.dialect.name != "sqlite":
            connection.exec_driver_sql(what.sql("%s", 1), rows)
            return
        driver: Any = connection.connection.driver_connection
        first = 0
        for size in _TOGETHER:
            while len(rows) - first >= size:
                some = chain.from_iterable(rows[first : first + size])
                driver.execute(what.sql("?", size), tuple(some))
                first += size
        driver.executemany(what.sql("?", 1), rows[first:])
    except (sqlite3.IntegrityError, IntegrityError) as error:
        if not _is_taken(error):
            raise
        raise KeyTaken(f"such a row is there already: {error}") from error


def _is_taken(error: sqlite3.IntegrityError | IntegrityError) -> bool:
    if isinstance(error, sqlite3.IntegrityError):
        return error.sqlite_errorcode in _TAKEN
    return getattr(error.orig, "sqlstate", None) == "23505"  # PostgreSQL: unique_violation


class _Texts(TypeDecorator[Sequence[str]]):
    """Many texts in one parameter: JSON for SQLite, an array for PostgreSQL."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else ARRAY(Text))

    def process_bind_param(self, value: Sequence[str] | None, dialect: Dialect) -> Any:
        texts = list(value or ())
        return orjson.dumps(texts).decode() if dialect.name == "sqlite" else texts


class _Among(FunctionElement[bool]):
    type = Boolean()
    inherit_cache = True

    def self_group(self, against: object = None) -> Self:  # noqa: ARG002 - its signature
        # It is a condition by itself; made `... = 1`, as for SQLite, it would use no index.
        return self


@compiles(_Among, "sqlite")
def _among_on_sqlite(element: _Among, compiler: SQLCompiler, **how: Any) -> str:
    column, texts = (compiler.process(one, **how) for one in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({texts}))"


@compiles(_Among, "postgresql")
def _among_on_postgresql(element: _Among, compiler: SQLCompiler, **how: Any) -> str:
    column, texts = (compiler.process(one, **how) for one in element.clauses)
    return f"{column} = ANY ({texts})"


def among(column: ColumnElement[Any], parameter: str = "names") -> ColumnElement[bool]:
    """Return the condition that a text column is one of those that the parameter lists."""
    return _Among(column, bindparam(parameter, type_=_Texts()))


def _database_url(text: str) -> URL:
    if "://" not in text:
        return URL.create("sqlite", database=str(Path(text).expanduser().absolute()))
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ValueError(f"{text!r} is no address of a database: {_FORMS}") from None
    backend = url.get_backend_name()
    if backend not in ("sqlite", "postgresql"):
        raise ValueError(f"{backend!r} is no database that the store knows: {_FORMS}")
    return url.set(drivername="postgresql+psycopg") if backend == "postgresql" else url


def _is_file(url: URL) -> bool:
    return bool(url.database) and url.database != ":memory:"


def _make_engine(url: URL, cache: int) -> Engine:
    if url.get_backend_name() == "postgresql":
        return create_engine(
            url,
            paramstyle="format",
            pool_pre_ping=True,
            pool_size=8,
            max_overflow=24,
            connect_args={"connect_timeout": PATIENCE},
        )
    if _is_file(url):
        try:
            Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ValueError(f"no folder for the database {url.database}: {error}") from None
        # The connection used last knows most pages: SQLite keeps them by connection.
        pooling: dict[str, Any] = {"pool_size": 8, "max_overflow": 120, "pool_use_lifo": True}
    else:
        pooling = {"poolclass": StaticPool}
    engine = create_engine(
        url, connect_args={"timeout": PATIENCE, "check_same_thread": False}, **pooling
    )
    event.listen(engine, "connect", partial(_prepare_sqlite, cache=cache))
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object, cache: int) -> None:
    # We begin transactions ourselves: the driver would begin none before reads.
    connection.isolation_level = None
    connection.execute("PRAGMA page_size = 8192")  # of a new file: a batch touches fewer of them
    connection.execute("PRAGMA synchronous = FULL")
    # Pages (32 MiB): taken over less often, a page that changes all the time is written once.
    connection.execute("PRAGMA wal_autocheckpoint = 4000")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute(f"PRAGMA cache_size = -{cache}")


def _begin_sqlite(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("immediate")
    # Straight to the driver: the detour would cost more than the beginning itself.
    driver: Any = connection.connection.driver_connection
    driver.execute("BEGIN IMMEDIATE" if immediate else "BEGIN")


@contextmanager
def _named_errors() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError, sqlite3.OperationalError) as error:
        raise _named(error) from error
    except (DBAPIError, sqlite3.DatabaseError) as error:
        if "not a database" in str(error):
            raise StoreUnwritable("the file is not a database: choose another one") from error
        if getattr(getattr(error, "orig", None), "sqlstate", None) in _STATES:
            raise _named(error) from error
        raise


_STATES = {"53100": StoreFull, "25006": StoreUnwritable}  # PostgreSQL: disk full, read-only
_SIGNS: tuple[tuple[str, type[StoreError]], ...] = (
    ("disk is full", StoreFull),
    ("disk i/o error", StoreFull),
    ("readonly", StoreUnwritable),
    ("unable to open", StoreUnwritable),
)


def _named(error: Exception) -> StoreError:
    cause = getattr(error, "orig", error)
    state, text = getattr(cause, "sqlstate", None), str(cause)
    if state in _STATES:
        return _STATES[state](f"the database refuses to write: {text}")
    for sign, kind in _SIGNS:
        if sign in text.lower():
            return kind(f"the database refuses to write: {text}")
    return StoreBusy(f"the database is busy or away: {text}")
