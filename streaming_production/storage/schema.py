"""Bringing the tables of a database to the newest version, whoever opens it first."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from streaming_production.storage.engine import Database
from streaming_production.storage.errors import StoreUnwritable

_STEPS = Path(__file__).resolve().parents[1] / "migrations"


def migrate(database: Database, *, make: bool = True) -> None:
    """Make the tables, or take the steps that they miss; without `make` there must be some.

    Raises StoreError, also for a database of something else, which is left as it is.
    """
    config = Config()
    config.set_main_option("script_location", str(_STEPS).replace("%", "%%"))
    newest = ScriptDirectory.from_config(config).get_current_head()
    with database.read() as connection:
        revision = MigrationContext.configure(connection).get_current_revision()
        if revision is None and (not make or inspect(connection).get_table_names()):
            raise StoreUnwritable(f"{database.name} is no store: name another database")
    database.keep_a_write_ahead_log()
    if revision == newest:
        return
    with database.write() as connection:
        # Where another process was first meanwhile, no step is left to take.
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
