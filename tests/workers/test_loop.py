import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from sqlalchemy import update

from checkpoints.format import Checkpoint, drop_training_state, is_resumable, load, read_metadata
from checkpoints.library import to_sampler
from datasets import TrainingData
from models import FLAGSHIP, STACKED_MNIST, Sampler, Symptom, encode_png, lay_out, to_pixels
from store import tables
from store.checkpoints import NewCheckpoint
from store.events import EventKind
from store.jobs import OnCollapse
from store.phases import Phase
from store.retention import Keep
from store.settings import sample_name
from store.states import Cancelled, JobState, Paused, Preempted, Succeeded, Wish
from tests.workers.service import STEPS, TRAINING, Result, Service
from workers.inspection import Inspection, Inspector
from workers.keeper import CheckpointKeeper
from workers.loop import SAMPLE_SEED, TrainingCollapsedError
from workers.pace import Pace
from workers.reporter import Reporter
from workers.trainer import Trainer, TrainingDivergedError


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
        for kind in (EventKind.METRIC, EventKind.QUALITY, EventKind.SAMPLE, EventKind.CHECKPOINT)
    }
    assert steps == {
        EventKind.METRIC: [5, 8, 10, 15, 16, 20, 24],
        EventKind.QUALITY: [4, 8, 12, 16, 20, 24],
        EventKind.SAMPLE: [0, 6, 12, 18, 24],
        EventKind.CHECKPOINT: [8, 16, 24],
    }
    assert service.jobs.get(job_id).checkpoint_step == STEPS


def test_the_networks_are_copied_once_for_a_judgement_and_a_sample_of_the_same_step(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = []
    original = Trainer.sampler

    def count(trainer: Trainer) -> Sampler:
        steps.append(trainer.step_count)
        return original(trainer)

    monkeypatch.setattr(Trainer, "sampler", count)
    service.train(service.claim(service.submit()))
    assert steps == [0, 4, 6, 8, 12, 16, 18, 20, 24]


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
    whole = (service.directory(before) / "networks.safetensors").read_bytes()
    for checkpoint in (newest, before):
        _flip_a_bit(service.directory(checkpoint) / "networks.safetensors")

    assert service.train(service.claim(job_id)) == Succeeded()

    warnings = [event.data["message"] for event in service.events(job_id, EventKind.WARNING)]
    assert [line.split(":")[0] for line in warnings] == ["not continuing from step 17", "not continuing from step 16"]
    assert all("networks.safetensors has sha256" in line for line in warnings)
    assert service.result(job_id) == undisturbed
    again = next(one for one in service.checkpoints(job_id) if one.step == before.step)
    assert (service.directory(again) / "networks.safetensors").read_bytes() == whole


def test_only_the_two_newest_checkpoints_can_be_continued_from(service: Service) -> None:
    job_id = service.submit()
    service.train(service.claim(job_id))
    has_state = [
        (service.directory(checkpoint) / "training_state.safetensors").exists()
        for checkpoint in service.checkpoints(job_id)
    ]
    assert has_state == [True, True, False]


def test_a_checkpoint_that_follows_damaged_ones_can_be_continued_from(service: Service) -> None:
    job_id = service.submit()
    claim = service.claim(job_id)
    service.train(claim, until=17)
    service.jobs.release(claim, "killed")
    for checkpoint in service.checkpoints(job_id):
        _flip_a_bit(service.directory(checkpoint) / "networks.safetensors")
    service.train(service.claim(job_id), until=9)
    states = {one.step: is_resumable(service.directory(one)) for one in service.checkpoints(job_id)}
    assert states == {17: False, 16: False, 9: True, 8: True}


def test_a_checkpoint_that_is_written_again_is_known_by_its_new_digest(service: Service) -> None:
    job_id = service.submit()
    claim = service.claim(job_id)
    service.train(claim, until=9)
    service.jobs.release(claim, "killed")
    for checkpoint in service.checkpoints(job_id):
        _flip_a_bit(service.directory(checkpoint) / "networks.safetensors")
    with service.database.begin() as connection:  # as if it had been trained on a device that rounds otherwise
        connection.execute(update(tables.checkpoints).values(digest="of other bytes"))
    service.train(service.claim(job_id), until=10)
    known = {one.step: one for one in service.checkpoints(job_id)}
    assert known[8].digest == read_metadata(service.directory(known[8])).digest


def test_a_checkpoint_without_a_training_state_is_written_again(service: Service) -> None:
    job_id = service.submit()
    claim = service.claim(job_id)
    service.train(claim, until=9)
    service.jobs.release(claim, "killed")
    for checkpoint in service.checkpoints(job_id):
        drop_training_state(service.directory(checkpoint))
    service.train(service.claim(job_id), until=9)
    assert all(is_resumable(service.directory(one)) for one in service.checkpoints(job_id))


def test_of_very_many_classes_ten_are_shown(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    data = TrainingData(STACKED_MNIST, torch.zeros(8, 3, 28, 28, dtype=torch.uint8), torch.arange(8), "a digest")
    monkeypatch.setattr("workers.loop.load_dataset", lambda *_, **__: data)
    widths = {"generator_width": 2, "discriminator_width": 2}
    request = TRAINING.model_copy(
        update={"family": FLAGSHIP, "preset": None, "dataset": STACKED_MNIST.name, "hyperparameters": widths}
    )
    job_id = service.submit(request)
    service.train(service.claim(job_id), until=0, wish=Wish.PAUSE)
    (sample,) = service.events(job_id, EventKind.SAMPLE)
    assert sample.data["count"] == 10 * sample.data["columns"]


def test_sample_grids_are_of_the_noise_that_all_jobs_share(service: Service) -> None:
    job_id = service.submit()
    service.train(service.claim(job_id))
    sampler = to_sampler(load(service.directory(service.checkpoints(job_id)[0])))
    drawn = sampler.sample(range(64), seed=SAMPLE_SEED, labels=[0] * 64)
    grid = (service.settings.samples(job_id) / sample_name(STEPS)).read_bytes()
    assert grid == encode_png(lay_out(to_pixels(drawn), columns=8), {"Software": "Ganery"})
    assert {event.data["seed"] for event in service.events(job_id, EventKind.SAMPLE)} == {SAMPLE_SEED}


def test_a_sample_grid_that_was_served_never_changes(service: Service) -> None:
    job_id = service.submit()
    grid = service.settings.samples(job_id) / sample_name(6)
    grid.parent.mkdir(parents=True)
    grid.write_bytes(b"as it was served")
    service.train(service.claim(job_id), until=9)
    assert grid.read_bytes() == b"as it was served"
    assert [event.step for event in service.events(job_id, EventKind.SAMPLE)] == [0, 6]
    assert {path.name for path in grid.parent.iterdir()} == {sample_name(0), sample_name(6)}


def test_a_wish_keeps_no_network_that_diverged(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.dcgan.non_saturating_loss", lambda fake: fake.mean() * float("nan"))
    job_id = service.submit()
    with pytest.raises(TrainingDivergedError, match="weights of the generator"):
        service.train(service.claim(job_id), until=2, wish=Wish.CANCEL)
    assert service.checkpoints(job_id) == []


def test_what_an_attempt_left_half_made_is_removed(service: Service) -> None:
    job_id = service.submit()
    names = (".writing-00000008-0-x1", "00000008-0", "00000008-7", ".writing-00000008-7-x1", "00000008-0.damaged")
    left = [service.settings.checkpoints / job_id / name for name in names]
    for directory in left:
        directory.mkdir(parents=True)
    service.train(service.claim(job_id), until=9)
    assert [directory.exists() for directory in left] == [False, False, True, True, True]
    assert len(service.checkpoints(job_id)) == 2


def test_a_sample_grid_that_an_attempt_left_half_made_is_removed(service: Service) -> None:
    job_id = service.submit()
    samples = service.settings.samples(job_id)
    samples.mkdir(parents=True)
    (samples / ".aside-00000006.png-x1").touch()
    service.train(service.claim(job_id), until=1)
    assert [path.name for path in samples.iterdir()] == [sample_name(0)]


def test_a_sample_grid_that_another_attempt_served_meanwhile_never_changes(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This one was stopped after it had looked whether there is one."""
    job_id = service.submit()
    grid = service.settings.samples(job_id) / sample_name(6)
    sync = os.fsync

    def wake(descriptor: int) -> None:
        if grid.parent.exists() and not grid.exists():
            grid.write_bytes(b"as it was served")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", wake)
    service.train(service.claim(job_id), until=7)
    assert grid.read_bytes() == b"as it was served"


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


# --- Collapse -----------------------------------------------------------------------------------------------------

LIVELESS = {"learning_rate": 1e-12}  # the first pictures of these networks are all grey, and stay so


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.watch.LEAST_STEPS", 0)


def collapsing(service: Service, on_collapse: OnCollapse) -> str:
    hyperparameters = {**TRAINING.hyperparameters, **LIVELESS}
    return service.submit(TRAINING.model_copy(update={"hyperparameters": hyperparameters, "on_collapse": on_collapse}))


def collapses(service: Service, job_id: str) -> list[tuple[int | None, str]]:
    told = service.events(job_id, EventKind.WARNING)
    return [(event.step, event.data["symptom"]) for event in told if "symptom" in event.data]


@pytest.mark.usefixtures("impatient")
def test_a_collapse_is_told_once_whatever_interrupts(service: Service) -> None:
    job_id = collapsing(service, "warn")
    for step in (9, 13):
        claim = service.claim(job_id)
        service.train(claim, until=step)
        service.jobs.release(claim, "killed")
    assert service.train(service.claim(job_id)) == Succeeded()
    assert collapses(service, job_id) == [(12, Symptom.DEAD)]
    (told,) = service.events(job_id, EventKind.WARNING)
    assert "whatever the noise" in told.data["message"]


@pytest.mark.usefixtures("impatient")
def test_a_collapsing_training_pauses_where_it_was_asked_to_and_goes_on_when_resumed(service: Service) -> None:
    job_id = collapsing(service, "pause")
    claim = service.claim(job_id)
    outcome = service.train(claim)
    assert outcome == Paused()
    job = service.jobs.settle(claim, outcome)
    assert (job.state, job.checkpoint_step) == (JobState.PAUSED, 12)
    service.jobs.resume(job_id)
    assert service.train(service.claim(job_id)) == Succeeded()
    assert collapses(service, job_id) == [(12, Symptom.DEAD)]


@pytest.mark.usefixtures("impatient")
def test_a_collapsing_training_ends_where_it_was_asked_to_with_its_checkpoint(service: Service) -> None:
    job_id = collapsing(service, "stop")
    with pytest.raises(TrainingCollapsedError, match=r"collapsed before step 12.*another seed"):
        service.train(service.claim(job_id))
    assert [one.step for one in service.checkpoints(job_id)] == [12, 8]


# --- Retention ----------------------------------------------------------------------------------------------------


def test_only_what_the_job_keeps_stays_on_disk_whatever_interrupts(service: Service) -> None:
    keeping = TRAINING.model_copy(update={"keep": Keep(last=1, every=2), "checkpoint_interval": 4})
    job_id = service.submit(keeping)
    for step in (6, 15):
        claim = service.claim(job_id)
        service.jobs.settle(claim, service.train(claim, until=step))
    assert service.train(service.claim(job_id)) == Succeeded()
    kept = service.checkpoints(job_id)
    assert [one.step for one in kept] == [24, 16, 8]
    on_disk = sorted(path.name for path in (service.settings.checkpoints / job_id).iterdir())
    assert on_disk == sorted(service.directory(one).name for one in kept)


# --- What attempts leave to those after them ----------------------------------------------------------------------


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("on_collapse", ["pause", "stop"])
def test_a_collapse_that_was_told_and_not_acted_on_is_acted_on_by_the_next_attempt(
    service: Service, monkeypatch: pytest.MonkeyPatch, on_collapse: OnCollapse
) -> None:
    job_id = collapsing(service, on_collapse)
    claim = service.claim(job_id)
    with monkeypatch.context() as patch:
        patch.setattr(CheckpointKeeper, "keep", _killed_at(12, CheckpointKeeper.keep))
        with pytest.raises(InterruptedError):
            service.train(claim)
    service.jobs.release(claim, "killed")
    assert collapses(service, job_id) == [(12, Symptom.DEAD)]
    claim = service.claim(job_id)
    if on_collapse == "stop":
        with pytest.raises(TrainingCollapsedError):
            service.train(claim)
    else:
        assert service.train(claim) == Paused()
    assert collapses(service, job_id) == [(12, Symptom.DEAD)]


def _killed_at(step: int, keep: Callable[..., None]) -> Callable[..., None]:
    def keep_or_die(keeper: CheckpointKeeper, checkpoint: Checkpoint, *rest: object) -> None:
        if checkpoint.metadata.step == step:
            raise InterruptedError("killed")
        keep(keeper, checkpoint, *rest)

    return keep_or_die


@pytest.mark.usefixtures("impatient")
def test_a_collapse_while_a_cancel_is_under_way_ends_as_cancelled(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = collapsing(service, "pause")
    claim = service.claim(job_id)
    ask_pause = Reporter.ask_pause

    def cancel_first(reporter: Reporter) -> None:
        service.jobs.request_cancel(job_id)
        ask_pause(reporter)

    monkeypatch.setattr(Reporter, "ask_pause", cancel_first)
    assert service.jobs.settle(claim, service.train(claim)).state is JobState.CANCELLED


def test_an_attempt_that_finds_all_done_still_removes_what_is_not_kept(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = service.submit(TRAINING.model_copy(update={"keep": Keep(best=False, last=1, every=None)}))
    claim = service.claim(job_id)
    with monkeypatch.context() as patch:
        patch.setattr(Reporter, "retire", lambda reporter, newest: [])
        service.train(claim)
    service.jobs.release(claim, "killed between registering and retiring")
    assert [one.step for one in service.checkpoints(job_id)] == [24, 16, 8]
    assert service.train(service.claim(job_id)) == Succeeded()
    assert [one.step for one in service.checkpoints(job_id)] == [24]


def test_pictures_that_cannot_be_measured_end_no_training(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(inspector: Inspector, *_: object, **__: object) -> Inspection:
        raise RuntimeError("kthvalue(): selected number k out of range")

    monkeypatch.setattr(Inspector, "_inspect", fail)
    job_id = service.submit()
    assert service.train(service.claim(job_id)) == Succeeded()
    told = [event.data["message"] for event in service.events(job_id, EventKind.WARNING)]
    assert told[0].startswith("the pictures of step 4 are not judged: kthvalue")


def test_a_training_tells_what_it_does(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Phase] = []
    turn = Pace.turn

    def note(pace: Pace, phase: Phase) -> None:
        told.append(phase)
        turn(pace, phase)

    monkeypatch.setattr(Pace, "turn", note)
    service.train(service.claim(service.submit()))
    judged, saved = [Phase.JUDGING, Phase.TRAINING], [Phase.SAVING, Phase.TRAINING]
    assert told == [Phase.TRAINING, *3 * [*judged, *judged, *saved]]
