"""How alembic reaches the store: by the connection that opens it, in its transaction.

A new step is written from the repository's root by
`alembic -c streaming_production/migrations/alembic.ini revision --autogenerate -m WHAT`.
"""

from alembic import context
from sqlalchemy import Connection

from streaming_production.storage.engine import Database
from streaming_production.storage.tables import metadata


def run_migrations() -> None:
    """Run the steps that are missing."""
    connection = context.config.attributes.get("connection")
    if connection is not None:
        _run(connection)
        return
    database = Database(context.config.get_main_option("sqlalchemy.url") or "results/live.db")
    with database.write() as own:
        _run(own)
    database.close()


def _run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


if __name__ == "env_py":  # the name under which alembic loads this file
    run_migrations()
