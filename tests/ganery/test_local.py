"""Training and drawing without a service."""

import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.console import Console

from app.settings import AppSettings
from checkpoints.format import CheckpointMissingError, is_resumable, load
from ganery import cli, local_drawing, local_training
from ganery.client import RefusedError
from ganery.display import TrainingBar
from ganery.holding import hold
from ganery.local_training import AlreadyTrainingError, AnotherTrainingError, Result, WishError
from ganery.watch_notes import WatchNotes
from models import Symptom
from store.requests import RequestError
from tests.checkpoints.killing import kill_while_replacing
from workers import watch
from workers.settings import WorkerSettings
from workers.watch import Past

WISH: Mapping[str, Any] = {
    "family": "dcgan",
    "preset": "paper",
    "dataset": "segments",
    "images": 20 * 8,
    "batch_size": 8,
    "checkpoint_interval": 1,
    "keep": {"every": 1},
    "hyperparameters": {"width": 8},
}
WEIGHTS = ("networks.safetensors", "averaged.safetensors")


class Recording(TrainingBar):
    """Notes what is shown, and presses Ctrl-C at a step."""

    def __init__(self, *, interrupt_at: int | None = None) -> None:
        super().__init__(Console(quiet=True))
        self.lines: list[str] = []
        self._interrupt_at = interrupt_at

    def say(self, line: str) -> None:
        self.lines.append(line)

    def move(self, state: str, step: int, total: int) -> None:
        super().move(state, step, total)
        if step == self._interrupt_at:
            os.kill(os.getpid(), signal.SIGINT)


def train(directory: Path, bar: TrainingBar | None = None, **wish: object) -> Result:
    settings = WorkerSettings(data_dir=directory.parent, device="cpu", training_threads=1)
    return local_training.train({**WISH, **wish}, directory, settings, bar or Recording())


def weights(result: Result) -> list[bytes]:
    return [(result.checkpoint / name).read_bytes() for name in WEIGHTS if (result.checkpoint / name).exists()]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Result:
    return train(tmp_path_factory.mktemp("local") / "whole")


def test_a_training_leaves_checkpoints_and_sample_grids(trained: Result) -> None:
    assert (trained.step, trained.total_steps, trained.is_finished) == (20, 20, True)
    assert trained.checkpoint.name == "00000020"
    samples = sorted((trained.checkpoint.parents[1] / "samples").iterdir())
    assert (samples[0].name, samples[-1].name) == ("00000000.png", "00000020.png")


def test_an_interrupted_training_goes_on_to_the_same_weights(trained: Result, tmp_path: Path) -> None:
    part = train(tmp_path / "part", Recording(interrupt_at=7))
    assert (part.step, part.is_finished) == (7, False)
    bar = Recording()
    whole = train(tmp_path / "part", bar)
    assert "continuing from step 7, which was trained in float32" in bar.lines
    assert whole.is_finished
    assert weights(whole) == weights(trained)


def test_a_finished_training_is_not_repeated(trained: Result) -> None:
    directory = trained.checkpoint.parents[1]
    before = weights(trained)
    assert train(directory).is_finished
    assert weights(trained) == before


def test_before_the_first_step_there_is_no_checkpoint_to_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    result = train(tmp_path / "none", Recording(interrupt_at=0))
    assert (result.step, result.checkpoint.exists()) == (0, False)
    monkeypatch.setattr(local_training, "train", lambda *_: result)
    with pytest.raises(typer.Exit):
        cli._train_here({}, None)
    assert "no checkpoint yet: after 0 of 20 steps" in capsys.readouterr().out


def test_a_training_that_begins_anew_draws_its_own_grids(trained: Result, tmp_path: Path) -> None:
    first, other = tmp_path / "part" / "samples" / "00000000.png", trained.checkpoint.parents[1] / "samples"
    train(tmp_path / "part", Recording(interrupt_at=0), hyperparameters={"width": 4})
    assert first.read_bytes() != (other / first.name).read_bytes()
    train(tmp_path / "part", Recording(interrupt_at=0))
    assert first.read_bytes() == (other / first.name).read_bytes()


def test_an_interruption_before_the_next_step_writes_nothing_again(tmp_path: Path) -> None:
    part = train(tmp_path / "part", Recording(interrupt_at=7))
    before = part.checkpoint.stat().st_ino
    again = train(tmp_path / "part", Recording(interrupt_at=7))
    assert again.step == 7
    assert part.checkpoint.stat().st_ino == before


def test_a_damaged_checkpoint_is_passed_over(tmp_path: Path) -> None:
    part = train(tmp_path / "part", Recording(interrupt_at=7))
    (part.checkpoint / "networks.safetensors").write_bytes(b"damaged")
    bar = Recording()
    assert train(tmp_path / "part", bar).is_finished
    assert any("the checkpoint 00000007 is damaged" in line for line in bar.lines)
    assert "continuing from step 6, which was trained in float32" in bar.lines


def test_a_checkpoint_that_follows_damaged_ones_can_be_continued_from(tmp_path: Path) -> None:
    part = train(tmp_path / "part", Recording(interrupt_at=7))
    for directory in part.checkpoint.parent.iterdir():
        (directory / "networks.safetensors").write_bytes(b"damaged")
    first = train(tmp_path / "part", Recording(interrupt_at=2))
    assert is_resumable(first.checkpoint)


def test_a_checkpoint_whose_replacement_was_killed_is_continued_from(tmp_path: Path) -> None:
    part = train(tmp_path / "part", Recording(interrupt_at=7))
    kill_while_replacing(part.checkpoint)
    assert not part.checkpoint.exists()
    bar = Recording()
    train(tmp_path / "part", bar)
    assert "continuing from step 7, which was trained in float32" in bar.lines
    assert load(part.checkpoint).metadata.step == 7


def test_two_trainings_in_one_directory_are_refused(tmp_path: Path) -> None:
    directory = tmp_path / "part"
    with hold(directory / "training.lock"):
        owner = rf"another training runs in .*part \(process {os.getpid()}\): .*--out"
        with pytest.raises(AlreadyTrainingError, match=owner):
            train(directory)
        assert [path.name for path in directory.iterdir()] == ["training.lock"]
    assert train(directory, Recording(interrupt_at=1)).step == 1


def test_a_directory_with_another_training_is_refused(trained: Result) -> None:
    with pytest.raises(AnotherTrainingError, match=r"has seed 5, .*name another directory with --out"):
        train(trained.checkpoint.parents[1], seed=5)


def test_ctrl_c_means_afterwards_what_it_meant_before(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)  # a shell's background job ignores it
    train(tmp_path / "part", Recording(interrupt_at=2))
    assert signal.getsignal(signal.SIGINT) is before


def test_a_wish_that_cannot_be_trained_is_told_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(WishError, match="images: should be a whole number from 1 up to 1,000,000,000; 0 came"):
        train(tmp_path, images=0)
    with pytest.raises(RequestError, match="there is no family 'nonesuch'"):
        train(tmp_path, family="nonesuch")


def test_the_drawn_data_set_is_fetched(tmp_path: Path) -> None:
    lines: list[str] = []
    local_training.fetch("segments", WorkerSettings(data_dir=tmp_path), lines.append)
    assert lines[-2:] == [
        f"segments: 2000 pictures to train are in {tmp_path / 'datasets'}",
        f"segments: 500 pictures to test are in {tmp_path / 'datasets'}",
    ]


def draw(directory: Path, **parameters: object) -> bytes:
    return local_drawing.generate(parameters, AppSettings(data_dir=directory)).png


def test_pictures_are_drawn_from_a_directory(trained: Result, tmp_path: Path) -> None:
    picture = local_drawing.generate(
        {"checkpoint": str(trained.checkpoint), "seed": 3, "count": 4, "nice": True}, AppSettings(data_dir=tmp_path)
    )
    assert picture.png.startswith(b"\x89PNG")
    assert (picture.seed, picture.candidates) == (3, 80)
    assert picture.checkpoint.startswith("00000020")
    assert picture.threshold is not None


def test_the_same_seed_draws_the_same_bytes(trained: Result, tmp_path: Path) -> None:
    here = str(trained.checkpoint)
    assert draw(tmp_path, checkpoint=here, seed=3) == draw(tmp_path, checkpoint=here, seed=3)
    assert draw(tmp_path, checkpoint=here, seed=3) != draw(tmp_path, checkpoint=here, seed=4)


def test_what_cannot_be_drawn_is_refused_as_the_service_refuses_it(trained: Result, tmp_path: Path) -> None:
    with pytest.raises(CheckpointMissingError, match="there is no checkpoint in not/there"):
        draw(tmp_path, checkpoint="not/there")
    with pytest.raises(RefusedError, match="no checkpoint and no alias is called 'nonesuch'"):
        draw(tmp_path, checkpoint="nonesuch")
    with pytest.raises(RefusedError, match="digit: "):
        draw(tmp_path, checkpoint=str(trained.checkpoint), digit=10)


def test_only_what_the_training_keeps_stays(tmp_path: Path) -> None:
    result = train(tmp_path / "few", keep={"last": 1, "every": 8})
    kept = sorted(result.checkpoint.parent.iterdir())
    assert [int(one.name) for one in kept] == [8, 16, 20]
    assert [is_resumable(one) for one in kept] == [False, True, True]


def test_a_training_that_goes_on_remembers_what_its_watch_saw_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "LEAST_STEPS", 0)
    monkeypatch.setattr(watch, "DEAD_SPREAD", 1e9)  # so every generator counts as dead
    monkeypatch.setattr(watch, "_DEAD_FROM", 0.0)
    told: list[list[str]] = []
    for interrupt_at in (7, 9, None):  # at the third look, at the fourth, and at the end
        bar = Recording(interrupt_at=interrupt_at)
        train(tmp_path / "part", bar, quality_interval=2)
        told.append([line for line in bar.lines if "nearly the same picture" in line])
    assert [len(lines) for lines in told] == [1, 0, 0]
    assert told[0][0].startswith("step 4: ")
    train(tmp_path / "short", Recording(interrupt_at=3), quality_interval=2)
    bar = Recording()
    train(tmp_path / "short", bar, quality_interval=2)
    assert [line[:7] for line in bar.lines if "nearly the same picture" in line] == ["step 4:"]  # one look was before


def test_a_training_that_begins_anew_forgets_what_its_watch_saw(tmp_path: Path) -> None:
    notes = WatchNotes(tmp_path / "part" / "watch.json")
    notes.tell(4, Symptom.DEAD)
    train(tmp_path / "part", Recording(interrupt_at=0))
    notes.read()
    assert notes.past(1000) == Past()
