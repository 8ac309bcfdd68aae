from dataclasses import replace
from pathlib import Path

import pytest
import torch

from checkpoints import library
from checkpoints.format import Checkpoint, CheckpointMissingError, CheckpointUnusableError, load, save
from checkpoints.library import (
    has_judge,
    judge_digest,
    judge_directory,
    load_judge,
    load_sampler,
    shipped,
    to_sampler,
)
from models import DATASETS, DERIVED_JUDGES, FLAGSHIP, MNIST, find_family
from models._classifier import Classifier
from tests.training import segments, train


@pytest.fixture
def pretrained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in the place of the one that ships."""
    monkeypatch.setattr(library, "PRETRAINED", tmp_path)
    return tmp_path


def test_sampler_of_a_checkpoint_draws_what_the_trainer_draws(tmp_path: Path) -> None:
    trainer = train(find_family(FLAGSHIP), steps=2)
    save(trainer.snapshot(), tmp_path / "step")
    drawn, expected = (
        sampler.sample(range(20), seed=1, labels=[3] * 20)
        for sampler in (load_sampler(tmp_path / "step"), trainer.sampler())
    )
    assert torch.equal(drawn, expected)


def test_sampler_prefers_the_averaged_weights() -> None:
    checkpoint = train(find_family(FLAGSHIP), steps=3, averaging_half_life=1e6).snapshot()
    sampler = to_sampler(checkpoint)
    for name, tensor in sampler.networks.state_dict().items():
        assert torch.equal(tensor, checkpoint.averaged.get(name, checkpoint.networks[name])), name
    differing = [
        name for name in checkpoint.averaged if not torch.equal(checkpoint.averaged[name], checkpoint.networks[name])
    ]
    assert differing


def test_every_shipped_checkpoint_loads() -> None:
    for name, directory in shipped().items():
        assert load(directory).metadata.dataset.name in name
        assert load_sampler(directory).sample([0], seed=0, labels=[0]).isfinite().all()


ACCURACY = {"mnist": 0.995, "fashion_mnist": 0.925}
"""What the judge of each data set recognises of its test pictures, at least."""


def test_what_ships_is_whole_small_and_good() -> None:
    folders = [*shipped().values(), *map(judge_directory, ACCURACY)]
    assert sum(file.stat().st_size for folder in folders for file in folder.iterdir()) <= 15_000_000
    for folder in folders:
        load(folder)  # every file as its digest says
        assert (folder / "README.md").is_file()
    flagship = load(shipped()[library.DEFAULT_CHECKPOINT]).metadata.metrics
    assert flagship["label_accuracy"] >= 0.995
    assert flagship["fd"] <= 1.5 * flagship["fd_floor"]
    assert flagship["gan_train"] >= 0.99
    for name in ("precision", "recall", "coverage"):
        assert abs(flagship[name] - flagship[f"{name}_floor"]) <= 0.03
    for dataset, accuracy in ACCURACY.items():
        assert load(judge_directory(dataset)).metadata.metrics["test_accuracy"] >= accuracy


def test_shipped_checkpoints_and_judges_are_told_apart(pretrained: Path) -> None:
    checkpoint = train(find_family(FLAGSHIP), steps=1).snapshot()
    assert shipped() == {}
    save(checkpoint, pretrained / "b-digits")
    save(checkpoint, pretrained / "a-digits")
    save(checkpoint, judge_directory("digits"))
    (pretrained / "unfinished").mkdir()
    assert shipped() == {"a-digits": pretrained / "a-digits", "b-digits": pretrained / "b-digits"}
    assert has_judge("digits")
    assert not has_judge("cats")


def test_what_a_killed_process_left_does_not_ship(pretrained: Path) -> None:
    save(train(find_family(FLAGSHIP)).snapshot(), pretrained / ".left")
    assert shipped() == {}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"family": "nonesuch"}, "there is no family 'nonesuch'"),
        ({"hyperparameters": {"novelty": 1}}, "novelty Extra inputs are not permitted"),
        ({"hyperparameters": {"width": 4}}, "size mismatch"),
        ({"dataset": segments().spec.model_copy(update={"size": 18})}, "pictures of side 18"),
    ],
)
def test_what_this_version_cannot_build_is_named(change: dict[str, object], reason: str) -> None:
    checkpoint = train(find_family("dcgan"), width=8).snapshot()
    metadata = checkpoint.metadata.model_copy(update=change)
    with pytest.raises(CheckpointUnusableError, match=f"this version cannot draw from .* at step 0: .*{reason}"):
        to_sampler(replace(checkpoint, metadata=metadata))


def test_judge_is_loaded_as_it_was_saved(pretrained: Path) -> None:
    judge = Classifier(segments().spec).eval()
    metadata = train(find_family(FLAGSHIP)).snapshot().metadata
    save(Checkpoint(metadata, judge.state_dict()), judge_directory("segments"))
    images = torch.rand(20, 1, 16, 16) * 2 - 1
    assert torch.equal(load_judge("segments").probabilities(images), judge.probabilities(images))


def test_a_derived_judge_is_made_of_those_that_ship(pretrained: Path) -> None:
    assert not has_judge("stacked_mnist")
    metadata = train(find_family(FLAGSHIP)).snapshot().metadata.model_copy(update={"dataset": MNIST})
    written = save(Checkpoint(metadata, Classifier(MNIST).state_dict()), judge_directory("mnist"))
    assert has_judge("stacked_mnist")
    assert judge_digest("stacked_mnist") == judge_digest("mnist") == written.digest
    stacked, judge = load_judge("stacked_mnist"), load_judge("mnist")
    images = torch.rand(5, 1, 28, 28) * 2 - 1
    torch.testing.assert_close(
        stacked.probabilities(images.repeat(1, 3, 1, 1))[:, [0, 555]], judge.probabilities(images)[:, [0, 5]] ** 3
    )


def test_a_derived_judge_does_not_ship_and_is_made_of_some_that_do() -> None:
    for name, derived in DERIVED_JUDGES.items():
        assert name in DATASETS
        assert not judge_directory(name).exists()
        assert not set(derived.trained) & set(DERIVED_JUDGES)
        assert has_judge(name)


def test_a_missing_judge_is_said_so(pretrained: Path) -> None:
    with pytest.raises(CheckpointMissingError):
        load_judge("segments")
