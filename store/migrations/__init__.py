"""The schema's history. Each revision under versions/ runs up and down on both databases.

A new one is written by hand; tests/store/test_migrations.py tells whether it leads to the tables of tables.py.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from store.errors import NewerSchemaError


def is_current(connection: Connection) -> bool:
    """Whether the database has this version's schema."""
    return _found(connection) == _known().get_current_head()


def upgrade(connection: Connection) -> None:
    """Brings the schema to this version's, inside the connection's transaction.

    Raises NewerSchemaError if the database has a revision that this version does not know.
    """
    found, known = _found(connection), _known()
    if found not in {None, *(script.revision for script in known.walk_revisions())}:
        raise NewerSchemaError(str(found), str(known.get_current_head()))
    command.upgrade(_configuration(connection), "head")


def downgrade(connection: Connection, revision: str = "base") -> None:
    """Brings the schema back to an earlier revision, inside the connection's transaction; "base" has no table."""
    command.downgrade(_configuration(connection), revision)


def _found(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _known() -> ScriptDirectory:
    return ScriptDirectory.from_config(_configuration())


def _configuration(connection: Connection | None = None) -> Config:
    configuration = Config(attributes={"connection": connection})
    configuration.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return configuration
