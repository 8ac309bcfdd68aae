"""Three digits of MNIST as one picture, and their classes as one class."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from datasets import TrainingData, load_dataset, mnist, stacked_mnist

COUNTS = {"train": 400, "test": 300}


@pytest.fixture
def digits(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[Tensor, Tensor]]:
    """A tiny MNIST in the place of the real one: each picture tells its number, and whether it is of the test split."""
    splits = {}
    for number, split in enumerate(("train", "test")):
        count = 50
        images = torch.zeros(count, 1, 28, 28, dtype=torch.uint8)
        images[:, 0, 0, 0], images[:, 0, 0, 1] = torch.arange(count), number
        splits[split] = images, torch.arange(count) * 7 % 10
    monkeypatch.setattr(mnist, "load", lambda directory, split, report: splits[split])
    monkeypatch.setattr(stacked_mnist, "_COUNT", COUNTS)
    return splits


def load(split: str = "train") -> TrainingData:
    return load_dataset("stacked_mnist", Path("never-written"), split=split)


@pytest.mark.parametrize(("split", "number"), [("train", 0), ("test", 1)])
def test_each_channel_is_a_digit_of_the_same_split(
    digits: dict[str, tuple[Tensor, Tensor]], split: str, number: int
) -> None:
    found = load(split)
    images, labels = digits[split]
    assert found.images.shape == (COUNTS[split], 3, 28, 28)
    assert found.images.dtype == torch.uint8
    assert (found.images[:, :, 0, 1] == number).all()
    places = found.images[:, :, 0, 0].long()
    assert torch.equal(found.images, images[places, 0])
    assert [found.spec.classes[label] for label in found.labels] == [
        "".join(str(int(labels[place])) for place in row) for row in places
    ]


def test_triples_are_the_same_each_time_and_differ_between_splits(digits: dict[str, tuple[Tensor, Tensor]]) -> None:
    assert load().digest == load().digest
    assert not torch.equal(load().labels[:300], load("test").labels)


def test_the_triples_are_fixed_for_ever(digits: dict[str, tuple[Tensor, Tensor]]) -> None:
    assert load().images[:3, :, 0, 0].tolist() == [[36, 32, 47], [5, 40, 47], [24, 28, 26]]


def test_the_protocol_is_veegans() -> None:
    assert stacked_mnist._COUNT == {"train": 128_000, "test": 26_000}
