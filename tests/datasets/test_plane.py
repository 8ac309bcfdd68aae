"""The points in the plane are those of the mixture, and their labels say of which mode."""

from pathlib import Path

import pytest
import torch

from datasets import load_dataset
from models import MIXTURES, count_modes, from_pixels
from models._toys import PlaneJudge

DIRECTORY = Path("never-written")
EVERY_NAME = pytest.mark.parametrize("name", list(MIXTURES))


@EVERY_NAME
def test_real_pictures_are_of_every_mode_and_of_the_quality_that_gaussians_have(name: str) -> None:
    found = load_dataset(name, DIRECTORY, split="test")
    assert found.images.shape == (10_000, 1, 16, 16)
    images = from_pixels(found.images)
    count = count_modes(images, MIXTURES[name])
    assert count.modes == len(found.spec.classes)
    assert count.high_quality == pytest.approx(1 - 2.718281828**-4.5, abs=0.004)
    assert torch.equal(PlaneJudge(MIXTURES[name]).probabilities(images, batch_size=500).argmax(dim=1), found.labels)


@EVERY_NAME
def test_it_is_drawn_alike_each_time_and_writes_nothing(name: str) -> None:
    first, again = (load_dataset(name, DIRECTORY, split="test") for _ in range(2))
    assert first.digest == again.digest
    assert not DIRECTORY.exists()


@EVERY_NAME
def test_splits_differ_and_modes_come_equally_often(name: str) -> None:
    training, test = (load_dataset(name, DIRECTORY, split=split) for split in ("train", "test"))
    assert not torch.equal(training.images[:10_000], test.images)
    assert torch.bincount(training.labels).tolist() == [50_000 // len(MIXTURES[name].modes)] * len(MIXTURES[name].modes)
