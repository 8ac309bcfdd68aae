from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from store.checkpoints import CheckpointStore
from store.database import Database
from store.events import EventStore
from store.jobs import JobStore
from tests.databases import (
    database,
    database_url,
    empty_url,
    kind,
    migrated_file,
    migrated_schema,
    postgres,
    url_and_database,
)

__all__ = [
    "database",
    "database_url",
    "empty_url",
    "kind",
    "migrated_file",
    "migrated_schema",
    "postgres",
    "url_and_database",
]

PROCESSES = 4


@pytest.fixture
def jobs(database: Database) -> JobStore:
    return JobStore(database)


@pytest.fixture
def events(database: Database) -> EventStore:
    return EventStore(database)


@pytest.fixture
def checkpoints(database: Database) -> CheckpointStore:
    return CheckpointStore(database)


@pytest.fixture(scope="session")
def processes() -> Iterator[Executor]:
    """Processes of their own that call what they are given."""
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        yield pool
