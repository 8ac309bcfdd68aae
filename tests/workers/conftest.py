import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from store.database import Database, open_database, sqlite_url
from store.jobs import JobStore
from tests.databases import migrated_file
from tests.workers.service import LEASE_SECONDS, Service
from workers.settings import WorkerSettings

__all__ = ["migrated_file"]


@pytest.fixture
def settings(tmp_path: Path) -> WorkerSettings:
    return WorkerSettings(
        data_dir=tmp_path,
        database_url=sqlite_url(tmp_path / "ganery.sqlite"),
        lease_seconds=LEASE_SECONDS,
        heartbeat_seconds=0.02,
        training_threads=1,
        device="cpu",
    )


@pytest.fixture
def database(settings: WorkerSettings, migrated_file: Path) -> Iterator[Database]:
    shutil.copy(migrated_file, settings.data_dir)
    database = open_database(settings.database)
    yield database
    database.close()


@pytest.fixture
def jobs(database: Database) -> JobStore:
    return JobStore(database, lease_seconds=LEASE_SECONDS)


@pytest.fixture
def service(settings: WorkerSettings, database: Database, jobs: JobStore) -> Service:
    return Service(settings, database, jobs)
