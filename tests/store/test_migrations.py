"""The schema's history leads to the tables of this version, both ways, on both databases."""

import json
import logging
from collections.abc import Iterator
from concurrent.futures import Executor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text

from store import migrations
from store.database import Database, open_database
from store.errors import NewerSchemaError
from store.jobs import JobStore
from store.retention import Keep
from store.tables import metadata
from tests.store.conftest import PROCESSES
from tests.store.examples import REQUEST, TOTAL_STEPS, new_job


@pytest.fixture
def database(empty_url: str) -> Iterator[Database]:
    """Migrated for this test alone, which may spoil it."""
    database = open_database(empty_url)
    database.migrate()
    yield database
    database.close()


def _tables(database: Database) -> set[str]:
    with database.read() as connection:
        return set(inspect(connection).get_table_names())


def test_the_migrated_schema_is_that_of_the_tables(database: Database) -> None:
    with database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_revisions_run_up_and_down_and_up_again(database: Database) -> None:
    with database.begin() as connection:
        migrations.downgrade(connection)
    assert _tables(database) == {"alembic_version"}
    database.migrate()
    assert _tables(database) == {"alembic_version", *metadata.tables}
    assert new_job(JobStore(database))


def test_a_release_before_can_read_what_its_jobs_were_asked(database: Database) -> None:
    jobs = JobStore(database)
    asked = REQUEST.model_copy(update={"keep": Keep(last=3), "quality_interval": 5, "on_collapse": "stop"})
    chosen, usual = (jobs.create(one, total_steps=TOTAL_STEPS).job.id for one in (asked, REQUEST))
    known = {"family", "preset", "dataset", "seed", "images", "batch_size", "hyperparameters"} | {
        f"{what}_interval" for what in ("checkpoint", "sample", "metrics")
    }
    with database.begin() as connection:
        migrations.downgrade(connection, "0001")
        left = connection.execute(text("SELECT request FROM jobs")).scalars().all()
    requests = [json.loads(one) if isinstance(one, str) else one for one in left]
    assert [request.keys() for request in requests] == [known, known]
    database.migrate()
    assert jobs.get(chosen).request == jobs.get(usual).request == REQUEST


def test_migrating_again_keeps_the_records(database: Database) -> None:
    job_id = new_job(JobStore(database))
    database.migrate()
    assert JobStore(database).get(job_id).id == job_id


def _migrate(url: str) -> None:
    database = open_database(url)
    database.migrate()
    database.close()


def test_processes_may_migrate_at_once(empty_url: str, processes: Executor) -> None:
    list(processes.map(_migrate, [empty_url] * PROCESSES))
    database = open_database(empty_url)
    assert _tables(database) == {"alembic_version", *metadata.tables}
    database.close()


def test_a_newer_schema_is_refused_and_left_alone(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(NewerSchemaError, match=r"schema 9999.*up to 0007") as caught:
        database.migrate()
    assert (caught.value.found, caught.value.known) == ("9999", "0007")
    assert _tables(database) == {"alembic_version", *metadata.tables}


def test_migrating_says_nothing(
    empty_url: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    _migrate(empty_url)
    assert capfd.readouterr() == ("", "")
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
