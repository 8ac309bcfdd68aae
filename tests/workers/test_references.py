"""What a judge finds in real pictures is computed once for all trainings of a machine."""

from pathlib import Path

import pytest
import torch

from datasets import TrainingData, load_dataset
from metrics import Pictures
from tests.training import segments_judge
from workers import references
from workers.references import remember


@pytest.fixture(autouse=True)
def digest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(references, "judge_digest", lambda dataset: "0" * 64)


def real() -> tuple[TrainingData, Pictures]:
    data = load_dataset("segments", Path("never-written"), split="test")
    return data, Pictures(segments_judge(), data.images, data.labels)


def remembered(directory: Path) -> Pictures:
    data, pictures = real()
    remember(pictures, data, directory)
    return pictures


class Blind:
    """A judge that must not be asked."""

    def features(self, *_: object, **__: object) -> torch.Tensor:
        raise AssertionError("asked")

    head = embed = probabilities = features


def test_the_second_training_asks_no_judge(tmp_path: Path) -> None:
    data, known = real()[0], remembered(tmp_path)
    again = Pictures(Blind(), data.images, data.labels)
    remember(again, data, tmp_path)
    assert torch.equal(again.features, known.features)
    assert torch.equal(again.radius, known.radius)
    _, fresh = real()
    assert torch.equal(fresh.features, known.features)
    assert torch.equal(fresh.radius, known.radius)


def test_another_judge_or_other_pictures_are_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remembered(tmp_path)
    monkeypatch.setattr(references, "judge_digest", lambda dataset: "1" * 64)
    remembered(tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("damage", [b"", b"no tensors"])
def test_a_damaged_file_is_computed_again(tmp_path: Path, damage: bytes) -> None:
    known = remembered(tmp_path)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    file.write_bytes(damage)
    assert torch.equal(remembered(tmp_path).features, known.features)
    assert file.read_bytes() == whole


def test_what_cannot_be_kept_is_known_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert len(remembered(tmp_path / "file").features) == len(real()[1])


def test_a_judge_that_nobody_trained_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(references, "judge_digest", lambda dataset: "")
    remembered(tmp_path)
    assert not list(tmp_path.iterdir())
