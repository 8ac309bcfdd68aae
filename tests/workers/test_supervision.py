import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from store.jobs import JobStore
from store.states import JobState
from tests.chaos.stack import training_pids
from tests.workers.service import Service, eventually
from workers.supervision import Supervisor

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")


@pytest.fixture
def thread() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


@pytest.fixture
def service(service: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    """The same records, for processes of their own."""
    for name in ("data_dir", "database_url", "lease_seconds"):
        monkeypatch.setenv(f"GANERY_{name.upper()}", str(getattr(service.settings, name)))
    return service


def hurt(job_id: str, with_signal: signal.Signals) -> None:
    """Send a signal to the job's training process as soon as there is one."""
    eventually(lambda: training_pids(job_id))
    os.kill(training_pids(job_id)[0], with_signal)


def test_a_job_that_kills_its_process_every_time_fails_after_three_attempts(
    service: Service, thread: ThreadPoolExecutor
) -> None:
    job_id = service.submit()
    supervision = thread.submit(Supervisor(service.settings, service.jobs).run_all)
    for attempt in (1, 2, 3):
        eventually(lambda attempt=attempt: service.jobs.get(job_id).attempt == attempt)  # type: ignore[misc]
        hurt(job_id, signal.SIGKILL)
        eventually(lambda: not training_pids(job_id))
    assert supervision.result() is None
    job = service.jobs.get(job_id)
    assert job.state is JobState.FAILED
    assert job.error == {
        "type": "attempts_exhausted",
        "detail": "the training process was killed by SIGKILL, attempt 3 of 3",
    }


def test_a_process_that_ignores_a_cancel_is_killed_after_the_grace(
    service: Service, thread: ThreadPoolExecutor
) -> None:
    settings = service.settings.model_copy(update={"grace_seconds": 0.1})
    job_id = service.submit()
    supervision = thread.submit(Supervisor(settings, service.jobs).run_all)
    hurt(job_id, signal.SIGSTOP)
    service.jobs.request_cancel(job_id)
    assert supervision.result() is None
    assert training_pids(job_id) == []
    assert service.jobs.get(job_id).state is JobState.CANCELLED


def test_a_process_that_does_not_see_that_its_lease_is_lost_is_killed_after_the_grace(
    service: Service, thread: ThreadPoolExecutor
) -> None:
    settings = service.settings.model_copy(update={"grace_seconds": 0.1})
    job_id = service.submit()
    impatient = JobStore(service.database, lease_seconds=-1)
    supervision = thread.submit(Supervisor(settings, impatient).run_all)
    hurt(job_id, signal.SIGSTOP)
    service.jobs.reap()
    service.jobs.request_cancel(job_id)
    assert supervision.result() is None
    assert training_pids(job_id) == []


def test_a_process_whose_job_another_worker_has_as_the_same_attempt_is_killed_after_the_grace(
    service: Service, thread: ThreadPoolExecutor
) -> None:
    settings = service.settings.model_copy(update={"grace_seconds": 0.1})
    job_id = service.submit()
    supervision = thread.submit(Supervisor(settings, JobStore(service.database, lease_seconds=-1)).run_all)
    hurt(job_id, signal.SIGSTOP)
    service.jobs.request_pause(job_id)
    service.jobs.reap()
    service.jobs.resume(job_id)
    assert service.claim(job_id).job.attempt == 1
    assert supervision.result() is None
    assert training_pids(job_id) == []


def test_a_worker_with_nothing_to_do_returns(service: Service) -> None:
    assert Supervisor(service.settings, service.jobs).run_all() is None
