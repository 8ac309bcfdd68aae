"""Fixtures that run a test on SQLite and on PostgreSQL. Import them in a conftest.

Migrating anew for every test would take longer than the tests: those that do not test migrations begin with a copy of
one migrated file, or with one migrated schema whose rows were deleted.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from store import tables
from store.database import Database, open_database, sqlite_url
from store.tables import metadata
from tests.postgres import PostgresServer, postgres_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One server for the whole session."""
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file to copy."""
    file = tmp_path_factory.mktemp("migrated") / "ganery.sqlite"
    _migrated(sqlite_url(file)).close()
    return file


@pytest.fixture(scope="session")
def migrated_schema(postgres: PostgresServer) -> Iterator[tuple[str, Database]]:
    """A PostgreSQL schema to use again and again, and its address."""
    url = postgres.new_url()
    database = _migrated(url)
    yield url, database
    database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    """Which database the test runs on."""
    return str(request.param)


@pytest.fixture
def empty_url(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database without tables; the file is not there yet, nor its directory."""
    if kind == "sqlite":
        return sqlite_url(tmp_path / "my data, 100%" / "ganery.sqlite")
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_url()


@pytest.fixture
def url_and_database(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Database]]:
    """A migrated database without records, and its address."""
    if kind == "sqlite":
        copy = shutil.copy(request.getfixturevalue("migrated_file"), tmp_path)
        url = sqlite_url(Path(copy))
        database = open_database(url)
        yield url, database
        database.close()
    else:
        url, database = request.getfixturevalue("migrated_schema")
        _empty(database)
        yield url, database


@pytest.fixture
def database_url(url_and_database: tuple[str, Database]) -> str:
    """The address of `database`."""
    return url_and_database[0]


@pytest.fixture
def database(url_and_database: tuple[str, Database]) -> Database:
    """A migrated database without records, one of each kind."""
    return url_and_database[1]


def end_lease(database: Database, job_id: str) -> None:
    """Let the job's lease be over, as if its worker had been silent for so long."""
    over = update(tables.jobs).where(tables.jobs.c.id == job_id).values(lease_until=1.0)
    with database.begin() as connection:
        connection.execute(over)


def _migrated(url: str) -> Database:
    database = open_database(url)
    database.migrate()
    return database


def _empty(database: Database) -> None:
    with database.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(delete(table))
