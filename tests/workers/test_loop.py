from pathlib import Path

import pytest

from store.checkpoints import NewCheckpoint
from store.events import EventKind
from store.states import Cancelled, Paused, Preempted, Succeeded, Wish
from tests.workers.service import STEPS, Result, Service


@pytest.fixture
def undisturbed(service: Service) -> Result:
    job_id = service.submit()
    assert service.train(service.claim(job_id)) == Succeeded()
    return service.result(job_id)


def test_what_is_due_is_recorded_at_its_steps(service: Service) -> None:
    job_id = service.submit()
    claim = service.claim(job_id)
    service.jobs.settle(claim, service.train(claim))
    steps = {
        kind: [event.step for event in service.events(job_id, kind)]
        for kind in (EventKind.METRIC, EventKind.SAMPLE, EventKind.CHECKPOINT)
    }
    assert steps == {
        EventKind.METRIC: [5, 8, 10, 15, 16, 20, 24],
        EventKind.SAMPLE: [0, 6, 12, 18, 24],
        EventKind.CHECKPOINT: [8, 16, 24],
    }
    assert service.jobs.get(job_id).checkpoint_step == STEPS


@pytest.mark.parametrize("step", [1, 8, 13, STEPS - 1])
def test_a_training_that_was_put_back_ends_as_if_undisturbed(service: Service, undisturbed: Result, step: int) -> None:
    job_id = service.submit()
    claim = service.claim(job_id)
    outcome = service.train(claim, until=step, wish=Wish.PREEMPT)
    assert outcome == Preempted()
    assert service.jobs.settle(claim, outcome).checkpoint_step == step
    assert service.train(service.claim(job_id)) == Succeeded()
    assert service.result(job_id) == undisturbed


@pytest.mark.parametrize("step", [0, 1, 13, STEPS - 1])
def test_a_training_that_broke_off_ends_as_if_undisturbed(service: Service, undisturbed: Result, step: int) -> None:
    job_id = service.submit()
    claim = service.claim(job_id)
    with pytest.raises(InterruptedError):
        service.train(claim, until=step, wish=InterruptedError("the process is gone"))
    service.jobs.release(claim, "the process is gone")
    assert service.train(service.claim(job_id)) == Succeeded()
    assert service.result(job_id) == undisturbed


@pytest.mark.parametrize(("wish", "outcome"), [(Wish.CANCEL, Cancelled()), (Wish.PAUSE, Paused())])
def test_a_wish_is_obeyed_with_a_checkpoint(service: Service, wish: Wish, outcome: object) -> None:
    job_id = service.submit()
    assert service.train(service.claim(job_id), until=11, wish=wish) == outcome
    assert service.jobs.get(job_id).checkpoint_step == 11


def test_before_the_first_step_there_is_no_checkpoint_to_keep(service: Service) -> None:
    job_id = service.submit()
    assert service.train(service.claim(job_id), until=0, wish=Wish.PAUSE) == Paused()
    assert service.checkpoints(job_id) == []


def test_a_finished_training_that_was_never_settled_has_nothing_left_to_do(
    service: Service, undisturbed: Result
) -> None:
    job_id = service.submit()
    claim = service.claim(job_id)
    service.train(claim)
    service.jobs.release(claim, "killed before it settled")
    assert service.train(service.claim(job_id)) == Succeeded()
    assert service.result(job_id) == undisturbed


def test_a_damaged_checkpoint_is_passed_over_and_written_anew(service: Service, undisturbed: Result) -> None:
    job_id = service.submit()
    claim = service.claim(job_id)
    service.train(claim, until=17)
    service.jobs.release(claim, "killed")
    newest, before = service.checkpoints(job_id)[:2]
    assert (newest.step, before.step) == (17, 16)
    weights = service.directory(before) / "networks.safetensors"
    whole = weights.read_bytes()
    for checkpoint in (newest, before):
        _flip_a_bit(service.directory(checkpoint) / "networks.safetensors")

    assert service.train(service.claim(job_id)) == Succeeded()

    warnings = [event.data["message"] for event in service.events(job_id, EventKind.WARNING)]
    assert [line.split(":")[0] for line in warnings] == ["not continuing from step 17", "not continuing from step 16"]
    assert all("networks.safetensors has sha256" in line for line in warnings)
    assert service.result(job_id) == undisturbed
    assert weights.read_bytes() == whole


def test_only_the_two_newest_checkpoints_can_be_continued_from(service: Service) -> None:
    job_id = service.submit()
    service.train(service.claim(job_id))
    has_state = [
        (service.directory(checkpoint) / "training_state.safetensors").exists()
        for checkpoint in service.checkpoints(job_id)
    ]
    assert has_state == [True, True, False]


def test_what_an_attempt_left_half_made_is_removed(service: Service) -> None:
    job_id = service.submit()
    leftovers = [service.settings.checkpoints / job_id / name for name in (".writing-x1", "00000008-0")]
    for directory in leftovers:
        directory.mkdir(parents=True)
    service.train(service.claim(job_id), until=9)
    assert not any(directory.exists() for directory in leftovers)
    assert len(service.checkpoints(job_id)) == 2


def test_no_registered_checkpoint_is_removed_however_many_there_are(service: Service) -> None:
    job_id = service.submit()
    claim = service.claim(job_id)
    for step in range(1, 103):
        path = f"{job_id}/{step:08d}-1"
        (service.settings.checkpoints / path).mkdir(parents=True)
        service.jobs.register_checkpoint(claim, NewCheckpoint(step, step, path, "digest"))
    service.train(claim, until=0)
    assert len(list((service.settings.checkpoints / job_id).iterdir())) == 102


def _flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
