"""Which checkpoint is meant, which ones ship, and the command that a model card shows."""

import shlex
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from checkpoints.cards import training_command
from checkpoints.format import Checkpoint, Metadata, load, read_metadata, save
from checkpoints.library import load_sampler, shipped
from ganery import quality
from ganery.holding import HeldError, hold
from models import find_family
from store.settings import StoreSettings
from tests.checkpoints.killing import kill_while_replacing
from tests.training import segments_judge, train, train_toy
from workers.inception import InceptionUnavailableError

PRESET = find_family("dcgan").preset("tutorial")


def metadata(**changes: object) -> Metadata:
    told = {
        "family": "dcgan",
        "preset": "tutorial",
        "hyperparameters": PRESET.hyperparameters.model_dump(mode="json"),
        "images": PRESET.images,
        "batch_size": PRESET.batch_size,
        "dataset": train_toy().snapshot().metadata.dataset.model_copy(update={"name": "mnist"}),
    }
    return train_toy().snapshot().metadata.model_copy(update=told | changes)


@pytest.fixture
def settings(tmp_path: Path) -> StoreSettings:
    return StoreSettings(data_dir=tmp_path)


def test_the_newest_attempts_checkpoint_that_is_not_damaged_is_found(settings: StoreSettings) -> None:
    for name in ("00000500-2", "00000500-9", "00000500-10", "00000500-11.damaged", "00000600-12"):
        (settings.checkpoints / "0123456789abcdef" / name).mkdir(parents=True)
    found = quality.find_checkpoint("0123456789abcdef-500", settings)
    assert found.name == "00000500-10"


def test_a_checkpoint_from_the_midst_of_a_training_does_not_ship(settings: StoreSettings, tmp_path: Path) -> None:
    snapshot = train_toy(steps=2).snapshot()
    save(replace(snapshot, metadata=snapshot.metadata.model_copy(update={"images": 24})), tmp_path / "part")
    with pytest.raises(quality.UnfinishedTrainingError, match="has seen 16 of 24 pictures"):
        quality.publish("part", tmp_path / "part", settings, print)


def finished() -> Checkpoint:
    """A checkpoint that might ship."""
    snapshot = train_toy(steps=2).snapshot()
    return replace(snapshot, metadata=snapshot.metadata.model_copy(update={"images": 16}))


def unreachable(*_: object, **__: object) -> None:
    raise OSError("no network")


@pytest.mark.parametrize(
    ("dataset", "advice"), [("stacked_mnist", "is made of: ganery judge train mnist"), ("ring", "needs no training")]
)
def test_a_judge_that_is_derived_is_not_trained(settings: StoreSettings, dataset: str, advice: str) -> None:
    with pytest.raises(quality.JudgeNotTrainedError, match=advice):
        quality.make_judge(dataset, settings, None, print)


def test_a_data_set_without_a_judge_says_how_to_make_one(settings: StoreSettings, tmp_path: Path) -> None:
    save(train(find_family("dcgan"), width=4).snapshot(), tmp_path / "trained")
    with pytest.raises(quality.NoJudgeError, match="ganery judge train segments"):
        quality.judge_checkpoint(tmp_path / "trained", settings, print)


def test_what_a_killed_publication_left_is_put_in_order_by_the_next(
    settings: StoreSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = tmp_path / "pretrained" / "ours"
    monkeypatch.setattr(quality, "PRETRAINED", shipped.parent)
    monkeypatch.setattr(quality, "load_dataset", unreachable)
    monkeypatch.setattr(quality, "has_judge", lambda dataset: True)
    save(finished(), tmp_path / "trained")
    save(finished(), shipped)
    kill_while_replacing(shipped)
    with pytest.raises(OSError, match="no network"):
        quality.publish("ours", tmp_path / "trained", settings, print)
    assert load(shipped).networks


def test_two_publish_one_after_the_other(settings: StoreSettings, tmp_path: Path) -> None:
    save(finished(), tmp_path / "trained")
    with hold(settings.data_dir / "publish.lock"), pytest.raises(HeldError, match=r"holds .*publish\.lock"):
        quality.publish("ours", tmp_path / "trained", settings, print)


def test_the_command_of_a_preset_is_short() -> None:
    expected = "ganery train --local --family dcgan --preset tutorial --seed 0 --out DIR"
    assert training_command(metadata()) == expected


def test_the_command_says_all_that_differs_from_the_preset() -> None:
    hyperparameters = PRESET.hyperparameters.model_dump(mode="json") | {"latent_dim": 7, "optimizer": "adam"}
    told = training_command(metadata(hyperparameters=hyperparameters, images=640, batch_size=32, precision="bfloat16"))
    assert shlex.split(told)[0] == "GANERY_PRECISION=bfloat16"
    assert "--images 640 --batch-size 32 --set latent_dim=7 --set optimizer=adam --out DIR" in told


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkpoint on the drawn data set, which has a judge here."""
    monkeypatch.setattr(quality, "load_judge", lambda dataset: segments_judge())
    monkeypatch.setattr(quality, "has_judge", lambda dataset: True)
    save(
        train(find_family("dcgan"), steps=2, images=16, averaging_half_life=0, width=4).snapshot(), tmp_path / "trained"
    )
    return tmp_path / "trained"


def test_the_chosen_metrics_are_measured_and_what_does_not_apply_is_told(
    settings: StoreSettings, trained: Path
) -> None:
    lines: list[str] = []
    names = ["label_accuracy", "fd", "sharpness"]
    _, report = quality.judge_checkpoint(trained, settings, lines.append, names=names, count=200)
    assert [(one.name, one.count) for one in report.measurements] == [("fd", 200), ("sharpness", 200)]
    assert lines[-2:] == [
        f"FD is {report.distance_ratio:.2f} times its floor",
        "not to be measured here: label accuracy",
    ]


def test_another_seed_draws_other_pictures(settings: StoreSettings, trained: Path) -> None:
    def measured(seed: int) -> float:
        _, report = quality.judge_checkpoint(trained, settings, print, names=["sharpness"], count=200, seed=seed)
        return report["sharpness"].value

    assert measured(0) == measured(0) != measured(1)


def test_fid_is_refused_before_anything_is_drawn_where_inception_is_not_installed(
    settings: StoreSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch_fidelity", None)
    with pytest.raises(InceptionUnavailableError, match="torch-fidelity"):
        quality.judge_checkpoint(tmp_path / "nothing", settings, print, names=[quality.FID])


def test_a_published_checkpoint_draws_the_same_pictures(
    settings: StoreSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a family that keeps no average: its generator must not be packed."""
    monkeypatch.setattr(quality, "PRETRAINED", tmp_path / "pretrained")
    monkeypatch.setattr(quality, "EVALUATED", 100)
    monkeypatch.setattr(quality, "load_judge", lambda dataset: segments_judge())
    monkeypatch.setattr(quality, "has_judge", lambda dataset: True)
    trainer = train(find_family("dcgan"), steps=2, images=16, averaging_half_life=0, width=4)
    save(trainer.snapshot(), tmp_path / "trained")
    place = quality.publish("ours", tmp_path / "trained", settings, print)
    assert "FD is" in (place / "README.md").read_text()
    published, original = load_sampler(place), trainer.sampler()
    labels = [0] * 20
    assert torch.equal(
        published.sample(range(20), seed=1, labels=labels), original.sample(range(20), seed=1, labels=labels)
    )
    assert published.networks["discriminator"].get_parameter("0.weight").dtype == torch.float32
    assert {"fd", "fd_floor", "coverage", "nearest_training_picture"} <= set(read_metadata(place).metrics)


def test_an_unknown_checkpoint_is_told_with_those_that_there_are(settings: StoreSettings) -> None:
    with pytest.raises(
        quality.UnknownCheckpointError, match=r"no checkpoint 'nonesuch': .*projection_gan-mnist.*none is"
    ):
        quality.find_checkpoint("nonesuch", settings)
    for token in (1, 2):
        save(finished(), settings.checkpoints / "job" / f"00000002-{token}")
    assert quality.find_checkpoint("job-2", settings) == settings.checkpoints / "job" / "00000002-2"
    with pytest.raises(quality.UnknownCheckpointError, match="trained are job-2;"):
        quality.find_checkpoint("job-4", settings)
    here = settings.checkpoints / "job" / "00000002-1"
    assert quality.find_checkpoint(str(here), settings) == here


@pytest.mark.parametrize("name", list(shipped()))
def test_the_card_of_a_shipped_checkpoint_is_that_of_its_metadata(name: str) -> None:
    place = shipped()[name]
    assert (place / "README.md").read_text() == quality.shipped_card(name, read_metadata(place))
