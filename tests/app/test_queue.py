"""The doorbell, and the sweeper that rings again."""

import os
from pathlib import Path

import pytest
from celery import Celery

from app.queue import Doorbell
from app.sweeper import Sweeper
from store.blobs import Blobs
from store.database import open_database
from store.doorbell import QUEUE, TASK
from store.errors import DatabaseUnavailableError
from store.jobs import JobStore
from store.pictures import PictureStore
from store.requests import complete
from store.states import JobState
from tests.app.service import WISH
from tests.workers.service import eventually


class Bells(Doorbell):
    """Notes what it rings for."""

    def __init__(self) -> None:
        self.rung: list[str] = []

    def ring(self, job_id: str) -> bool:
        self.rung.append(job_id)
        return True


@pytest.fixture
def jobs(tmp_path: Path) -> JobStore:
    database = open_database(f"sqlite:///{tmp_path / 'test.sqlite'}")
    database.migrate()
    return JobStore(database, lease_seconds=0.01)


def queue(jobs: JobStore) -> str:
    request, total_steps = complete(WISH)
    return jobs.create(request, total_steps=total_steps).job.id


def sweeper(jobs: JobStore, bells: Bells, directory: Path = Path("nowhere")) -> Sweeper:
    pictures = PictureStore(jobs._database, Blobs(directory))
    return Sweeper(jobs._database, jobs, pictures, bells.ring, pause_seconds=0.01, again_seconds=60)


def test_the_message_names_the_task_and_the_job_and_nothing_else() -> None:
    doorbell = Doorbell("memory://")
    assert doorbell.ring("abc")
    assert doorbell.reaches_broker()
    with Celery(broker="memory://").connection_for_read() as connection:
        message = connection.SimpleQueue(QUEUE).get(block=False)
    assert message.headers["task"] == TASK
    assert message.payload[:2] == [["abc"], {}]
    doorbell.close()


def test_a_broker_that_is_away_costs_a_log_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    doorbell = Doorbell(f"redis+socket://{tmp_path}/nobody")
    assert not doorbell.ring("abc")
    assert not doorbell.reaches_broker()
    assert "the sweeper will ring again" in caplog.text
    doorbell.close()


def test_the_sweeper_rings_for_what_was_never_rung(jobs: JobStore) -> None:
    bells, job_id = Bells(), queue(jobs)
    sweeper(jobs, bells).sweep()
    sweeper(jobs, bells).sweep()
    assert bells.rung == [job_id]


def test_the_sweeper_gives_away_the_jobs_of_dead_workers(jobs: JobStore) -> None:
    bells, job_id = Bells(), queue(jobs)
    jobs.claim("a worker that dies")

    def rings_again() -> bool:
        sweeper(jobs, bells).sweep()
        return bells.rung != []

    eventually(rings_again)
    assert bells.rung == [job_id]
    assert jobs.get(job_id).state is JobState.QUEUED


def test_the_sweeper_removes_what_killed_writers_left(jobs: JobStore, tmp_path: Path) -> None:
    sweep = sweeper(jobs, Bells(), tmp_path).sweep
    aside = tmp_path / "ab" / ".aside-abcd-0123"
    for is_left in (False, True):  # it looks at first, and then once an hour
        aside.parent.mkdir(exist_ok=True)
        aside.write_bytes(b"half")
        os.utime(aside, (0, 0))
        sweep()
        assert aside.exists() == is_left


@pytest.mark.parametrize("fault", [DatabaseUnavailableError("x", "locked"), RuntimeError("a fault")])
def test_the_thread_survives_whatever_fails(jobs: JobStore, monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    failures: list[Exception] = []

    def fail() -> list[str]:
        failures.append(fault)
        raise fault

    bells = Bells()
    monkeypatch.setattr(jobs, "reap", fail)
    thread = sweeper(jobs, bells)
    thread.start()
    eventually(lambda: len(failures) > 2)
    monkeypatch.undo()
    job_id = queue(jobs)
    eventually(lambda: job_id in bells.rung)
    thread.stop()
