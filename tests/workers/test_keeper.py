"""What an attempt does to the checkpoints of others, whenever it was stopped or killed."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from checkpoints.format import is_resumable
from store.checkpoints import CheckpointStore, TrainedCheckpoint
from store.errors import LeaseLostError
from store.events import EventStore
from store.jobs import Claim
from store.pages import Page
from store.retention import Headline
from tests.checkpoints.killing import kill_while_replacing
from tests.training import train_toy
from tests.workers.service import Service
from workers.keeper import CheckpointKeeper
from workers.reporter import Reporter


class StoppingStore(CheckpointStore):
    """Lets something happen before what it has read is used, as if the process had been stopped for so long."""

    def __init__(self, service: Service, meanwhile: Callable[[], None]) -> None:
        super().__init__(service.database)
        self._meanwhile: list[Callable[[], None]] = [meanwhile]

    def list(self, **wanted: Any) -> Page[TrainedCheckpoint]:
        page = super().list(**wanted)
        if self._meanwhile:
            self._meanwhile.pop()()
        return page


class CountingStore(CheckpointStore):
    """Counts the pages that are read."""

    pages = 0

    def list(self, **wanted: Any) -> Page[TrainedCheckpoint]:
        self.pages += 1
        return super().list(**wanted)


def keeper(service: Service, claim: Claim, store: CheckpointStore | None = None) -> CheckpointKeeper:
    store = store or CheckpointStore(service.database)
    return CheckpointKeeper(
        service.settings.checkpoints, store, Reporter(service.jobs, claim, EventStore(service.database)), claim
    )


def test_an_attempt_that_wakes_up_late_removes_nothing_of_the_living_one(service: Service) -> None:
    job_id = service.submit()
    stopped = service.claim(job_id)
    half_made = service.settings.checkpoints / job_id / ".writing-00000016-2-x1"

    def live_on() -> None:
        service.jobs.release(stopped, "stopped")
        service.train(service.claim(job_id), until=9)
        half_made.mkdir()

    late = keeper(service, stopped, StoppingStore(service, live_on))
    found = late.latest()  # by the records as it read them: of a job that has nothing to continue from
    assert found is None
    with pytest.raises(LeaseLostError):
        late.keep(train_toy().snapshot(), {}, Headline(None))
    assert half_made.exists()
    assert [one.step for one in service.checkpoints(job_id)] == [9, 8]
    assert all(service.directory(one).exists() for one in service.checkpoints(job_id))


def test_an_attempt_that_wakes_up_late_sets_nothing_aside(service: Service) -> None:
    job_id = service.submit()
    first = service.claim(job_id)
    service.train(first, until=9)
    service.jobs.release(first, "killed")
    stopped = service.claim(job_id)
    newest = service.directory(service.checkpoints(job_id)[0])
    (newest / "networks.safetensors").write_bytes(b"damaged")
    store = StoppingStore(service, lambda: _lose(service, stopped))
    with pytest.raises(LeaseLostError):
        keeper(service, stopped, store).latest()
    assert newest.exists()


def test_what_is_written_again_stands_beside_what_another_attempt_wrote(service: Service) -> None:
    job_id = service.submit()
    first = service.claim(job_id)
    service.train(first, until=9)
    service.jobs.release(first, "killed")
    for one in service.checkpoints(job_id):
        (service.directory(one) / "training_state.safetensors").unlink()
    service.train(service.claim(job_id), until=9)
    assert _names(service, job_id) == {"00000008-1", "00000008-2", "00000009-1", "00000009-2"}
    assert {Path(one.path).name for one in service.checkpoints(job_id)} == {"00000008-2", "00000009-2"}


def test_a_checkpoint_whose_replacement_was_killed_is_continued_from(service: Service) -> None:
    job_id = service.submit()
    first = service.claim(job_id)
    service.train(first, until=9)
    service.jobs.release(first, "killed")
    newest = service.directory(service.checkpoints(job_id)[0])
    kill_while_replacing(newest)
    assert not newest.exists()
    found = keeper(service, service.claim(job_id)).latest()
    assert found is not None
    assert found.metadata.step == 9
    assert _names(service, job_id) == {"00000008-1", "00000009-1"}


def test_the_records_are_read_once_to_continue_and_once_to_keep(service: Service) -> None:
    job_id = service.submit()
    first = service.claim(job_id)
    service.train(first, until=9)
    service.jobs.release(first, "killed")
    store = CountingStore(service.database)
    ours = keeper(service, service.claim(job_id), store)
    found = ours.latest()
    assert found is not None
    assert store.pages == 1
    metadata = found.metadata.model_copy(update={"step": 10})
    ours.keep(replace(found, metadata=metadata), {}, Headline(None))
    assert store.pages == 2
    assert _names(service, job_id) == {"00000008-1", "00000010-2"}
    assert all(is_resumable(service.directory(one)) for one in service.checkpoints(job_id))


def _lose(service: Service, claim: Claim) -> None:
    service.jobs.release(claim, "stopped")
    service.claim(claim.job.id)


def _names(service: Service, job_id: str) -> set[str]:
    return {path.name for path in (service.settings.checkpoints / job_id).iterdir()}
