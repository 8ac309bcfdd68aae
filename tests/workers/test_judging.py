"""The judge is trained on pictures that are moved a little, and remembered with its accuracy."""

from pathlib import Path

import pytest
import torch

from checkpoints.format import load, save
from datasets import load_dataset
from models import SEGMENTS, StepNoise, from_pixels
from models._classifier import Classifier
from tests.training import segments_judge
from workers import judging


def test_jitter_moves_the_picture_and_keeps_the_background() -> None:
    images = from_pixels(load_dataset("segments", Path("unused")).images[:8])
    moved = judging.jitter(images, StepNoise(torch.Generator().manual_seed(0), 8))
    assert moved.shape == images.shape
    assert not torch.equal(moved, images)
    assert moved.min() >= -1 - 1e-5
    assert moved.max() <= 1 + 1e-5


def test_accuracy_is_the_share_of_recognised_pictures() -> None:
    data = load_dataset("segments", Path("unused"), split="test")
    classifier = Classifier(SEGMENTS)
    torch.nn.init.zeros_(classifier.get_parameter("head.1.weight"))
    bias = torch.nn.init.zeros_(classifier.get_parameter("head.1.bias"))
    with torch.no_grad():
        bias[3] = 1  # says 3 to every picture, and each class is a tenth of the data
    assert judging.accuracy(classifier, data) == pytest.approx(0.1)


def test_a_trained_judge_recognises_the_test_pictures() -> None:
    data = load_dataset("segments", Path("unused"), split="test")
    assert judging.accuracy(segments_judge(), data) > 0.9


def test_a_stored_judge_remembers_its_accuracy(tmp_path: Path) -> None:
    train, test = (load_dataset("segments", tmp_path, split=split) for split in ("train", "test"))
    lines: list[str] = []
    written = save(judging.train_judge(train, test, epochs=1, batch_size=100, report=lines.append), tmp_path / "judge")
    assert len(lines) == 1
    again = Classifier(SEGMENTS)
    again.load_state_dict(dict(load(tmp_path / "judge").networks))
    assert judging.accuracy(again, test) == written.metrics["test_accuracy"]
