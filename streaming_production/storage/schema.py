"""Bringing the tables of a database to the newest version, whoever opens it first."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from streaming_production.storage.engine import Database

_STEPS = Path(__file__).resolve().parents[1] / "migrations"


def migrate(database: Database) -> None:
    """Make the tables, or take the steps that they miss.

    Raises StoreError.
    """
    config = Config()
    config.set_main_option("script_location", str(_STEPS).replace("%", "%%"))
    newest = ScriptDirectory.from_config(config).get_current_head()
    database.keep_a_write_ahead_log()
    with database.read() as connection:
        if MigrationContext.configure(connection).get_current_revision() == newest:
            return
    with database.write() as connection:
        # Where another process was first meanwhile, no step is left to take.
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
