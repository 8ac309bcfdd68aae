import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from store.jobs import Claim, JobStore
from store.states import JobState
from tests.chaos.stack import training_pids
from tests.databases import end_lease
from tests.workers.service import Service, eventually
from workers.supervision import Supervisor, name_worker, owner_prefix
from workers.training import EXIT_FAULT

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


def test_after_a_fault_that_may_pass_a_job_is_tried_again_after_ever_longer_pauses(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meet_a_fault(_: Supervisor, claim: Claim) -> int:
        service.jobs.release(claim, "no space left")
        return EXIT_FAULT

    pauses: list[float] = []
    monkeypatch.setattr("workers.supervision.time", SimpleNamespace(sleep=pauses.append))
    monkeypatch.setattr(Supervisor, "_run", meet_a_fault)
    job_id = service.submit()
    assert Supervisor(service.settings, service.jobs).run_all() is None
    assert pauses == [10, 20, 40]
    assert service.jobs.get(job_id).error == {
        "type": "attempts_exhausted",
        "detail": "no space left, attempt 3 of 3",
    }


def test_a_process_that_is_slow_to_start_keeps_its_job_until_it_beats_itself(service: Service) -> None:
    """The process is away for longer than its lease; the job is neither lost nor anybody else's."""
    service.submit()
    claim = service.jobs.claim("owner")
    assert claim is not None
    supervisor = Supervisor(service.settings, service.jobs)
    end_lease(service.database, claim.job.id)
    assert not supervisor._is_due(claim, is_starting=True)
    assert service.jobs.reap() == []
    service.jobs.heartbeat(claim, step=0)
    end_lease(service.database, claim.job.id)
    assert not supervisor._is_due(claim, is_starting=True)
    assert service.jobs.reap() == [claim.job.id]
    assert supervisor._is_due(claim, is_starting=True)


def test_a_process_that_never_beats_loses_its_job(service: Service) -> None:
    service.submit()
    claim = service.jobs.claim("owner")
    assert claim is not None
    end_lease(service.database, claim.job.id)
    assert not Supervisor(service.settings, service.jobs)._is_due(claim, is_starting=False)
    assert service.jobs.reap() == [claim.job.id]


def test_workers_of_one_host_and_process_number_have_different_names(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As two containers have."""
    monkeypatch.setenv("GANERY_WORKER_NAME", "to be restored")
    first, second = name_worker(), name_worker()
    assert not first.startswith(second)
    assert owner_prefix() == second
    claim = Supervisor(service.settings, service.jobs)._owner
    assert claim.startswith(second)


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
