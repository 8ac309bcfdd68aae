"""Transactions wait for each other, lose nothing, and say clearly when the database is away."""

import sqlite3
import threading
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import DBAPIError

from store import tables
from store.database import Database, open_database, sqlite_url
from store.errors import DatabaseUnavailableError, DatabaseUrlError
from store.jobs import JobStore
from tests.postgres import postgres_server
from tests.store.conftest import PROCESSES
from tests.store.examples import claimed, new_job

INCREMENTS = 200


def _increment(url: str) -> None:
    database = open_database(url)
    for _ in range(INCREMENTS):
        with database.begin() as connection:
            value = connection.execute(select(tables.jobs.c.priority)).scalar_one()
            connection.execute(update(tables.jobs).values(priority=value + 1))
    database.close()


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_processes_that_read_then_write_lose_no_update_on_sqlite(
    jobs: JobStore, database_url: str, processes: Executor
) -> None:
    job_id = new_job(jobs)
    list(processes.map(_increment, [database_url] * PROCESSES))
    assert jobs.get(job_id).priority == PROCESSES * INCREMENTS


def _write_row(stack: ExitStack, database: Database) -> None:
    """Begins to write, and holds what a writer of any job needs until the stack ends."""
    connection = stack.enter_context(database.begin())
    connection.execute(update(tables.jobs).values(priority=1))


def test_a_writer_waits_for_a_locked_database(jobs: JobStore, database: Database) -> None:
    claim = claimed(jobs)
    with ThreadPoolExecutor(1) as threads:
        with ExitStack() as lock:
            _write_row(lock, database)
            heartbeat = threads.submit(jobs.heartbeat, claim, step=7)
            threading.Event().wait(1.0)
            assert not heartbeat.done()
        heartbeat.result()
    assert jobs.get(claim.job.id).step == 7


def test_a_reader_does_not_wait_for_a_writer(jobs: JobStore, database: Database) -> None:
    job_id = new_job(jobs)
    with ExitStack() as lock:
        _write_row(lock, database)
        assert jobs.get(job_id).priority == 0
    assert jobs.get(job_id).priority == 1


def test_a_database_that_stays_locked_is_unavailable(jobs: JobStore, database: Database, database_url: str) -> None:
    job_id = new_job(jobs)
    hasty = open_database(database_url, lock_timeout_seconds=0.05)
    with ExitStack() as lock:
        _write_row(lock, database)
        with pytest.raises(DatabaseUnavailableError, match="lock"):
            JobStore(hasty).request_cancel(job_id)
    assert JobStore(hasty).request_cancel(job_id).state == "cancelled"
    hasty.close()


def _write_and_fail(database: Database) -> None:
    with ExitStack() as stack:
        _write_row(stack, database)
        raise ZeroDivisionError


def test_an_error_undoes_the_transaction(jobs: JobStore, database: Database) -> None:
    job_id = new_job(jobs)
    with pytest.raises(ZeroDivisionError):
        _write_and_fail(database)
    assert jobs.get(job_id).priority == 0


def test_a_reading_transaction_cannot_write(jobs: JobStore, database: Database) -> None:
    new_job(jobs)
    write = update(tables.jobs).values(priority=1)
    with (
        pytest.raises((DBAPIError, DatabaseUnavailableError), match=r"read-?only"),
        database.read() as connection,
    ):
        connection.execute(write)
    with database.begin() as connection:
        connection.execute(write)


def test_a_reading_transaction_sees_one_state(jobs: JobStore, database: Database) -> None:
    count = select(func.count()).select_from(tables.jobs)
    with database.read() as connection:
        assert connection.execute(count).scalar_one() == 0
        new_job(jobs)
        assert connection.execute(count).scalar_one() == 0


def test_the_clock_goes_forward(database: Database) -> None:
    with database.begin() as connection:
        first, second = database.now(connection), database.now(connection)
    assert 1.7e9 < first <= second


def test_a_file_that_was_removed_gets_no_records_that_nobody_would_find(tmp_path: Path) -> None:
    file = tmp_path / "ganery.sqlite"
    database = open_database(sqlite_url(file))
    database.migrate()
    new_job(JobStore(database))
    for path in tmp_path.glob("ganery.sqlite*"):
        path.unlink()
    with pytest.raises(DatabaseUnavailableError, match="no such table"):
        new_job(JobStore(database))
    database.migrate()
    job_id = new_job(JobStore(database))
    database.close()
    again = open_database(sqlite_url(file))
    assert JobStore(again).get(job_id).id == job_id
    again.close()


def test_a_directory_is_made_for_a_new_file(tmp_path: Path) -> None:
    file = tmp_path / "not there" / "100% new?#" / "ganery.sqlite"
    database = open_database(sqlite_url(file))
    database.ping()
    database.close()
    assert file.exists()


def _new_file_in_use(file: Path) -> sqlite3.Connection:
    """Holds a file as a process does that opened it first, and has not yet set its journal mode."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("CREATE TABLE any_table (any_column)")
    connection.execute("BEGIN IMMEDIATE")
    return connection


def test_opening_waits_for_the_first_to_open_a_new_file(tmp_path: Path) -> None:
    first = _new_file_in_use(tmp_path / "ganery.sqlite")
    database = open_database(sqlite_url(tmp_path / "ganery.sqlite"))
    with ThreadPoolExecutor(1) as threads:
        ping = threads.submit(database.ping)
        threading.Event().wait(0.2)
        assert not ping.done()
        first.rollback()
        ping.result()
    database.close()
    first.close()


def test_opening_does_not_wait_for_ever(tmp_path: Path) -> None:
    first = _new_file_in_use(tmp_path / "ganery.sqlite")
    database = open_database(sqlite_url(tmp_path / "ganery.sqlite"), lock_timeout_seconds=0.05)
    with pytest.raises(DatabaseUnavailableError, match="locked"):
        database.ping()
    first.close()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "not an address"),
        ("nonsense", "not an address"),
        ("mysql://user:secret@host/db", "neither SQLite nor PostgreSQL"),
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
    ],
)
def test_an_address_that_cannot_serve_is_refused(url: str, reason: str) -> None:
    with pytest.raises(DatabaseUrlError, match=reason) as caught:
        open_database(url)
    assert "secret" not in str(caught.value)


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DatabaseUrlError, match="its directory cannot be made"):
        open_database(sqlite_url(tmp_path / "file" / "ganery.sqlite"))


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    file = tmp_path / "ganery.sqlite"
    file.write_text("this is a letter, not a database; " * 100)
    database = open_database(sqlite_url(file))
    with pytest.raises(DatabaseUnavailableError, match=r"ganery\.sqlite.*not a database"):
        database.migrate()
    database.close()


def test_a_server_that_is_away_is_unavailable(tmp_path: Path) -> None:
    database = open_database(f"postgresql://user:secret@/ganery?host={tmp_path}")
    with pytest.raises(DatabaseUnavailableError, match="connection") as caught:
        database.ping()
    assert "secret" not in str(caught.value)


def test_a_database_without_tables_is_unavailable(empty_url: str) -> None:
    database = open_database(empty_url)
    with pytest.raises(DatabaseUnavailableError, match=r"no tables yet|no such table"):
        JobStore(database).counts()
    database.close()


def test_a_restarted_server_costs_no_request() -> None:
    with postgres_server() as server:
        database = open_database(server.url())
        database.migrate()
        jobs = JobStore(database)
        claim = claimed(jobs)
        server.stop()
        with pytest.raises(DatabaseUnavailableError):
            jobs.heartbeat(claim)
        server.start()
        jobs.heartbeat(claim, step=7)
        assert jobs.get(claim.job.id).step == 7
        database.close()
