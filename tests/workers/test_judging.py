"""The judge is trained on pictures that are moved a little, and remembered with its accuracy."""

from pathlib import Path

import pytest
import torch

from checkpoints.format import load, save
from datasets import load_dataset
from models import SEGMENTS
from models._classifier import Classifier
from tests.training import segments_judge
from workers import judging


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
