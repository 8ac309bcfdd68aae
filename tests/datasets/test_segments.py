from pathlib import Path

import pytest
import torch

from datasets import load_dataset

DIRECTORY = Path("never-written")


def test_it_is_drawn_alike_each_time_and_writes_nothing() -> None:
    first, again = (load_dataset("segments", DIRECTORY) for _ in range(2))
    assert first.digest == again.digest
    assert torch.equal(first.images, again.images)
    assert not DIRECTORY.exists()


@pytest.mark.parametrize(("split", "count"), [("train", 2000), ("test", 500)])
def test_digits_come_equally_often(split: str, count: int) -> None:
    found = load_dataset("segments", DIRECTORY, split=split)
    assert found.images.shape == (count, 1, 16, 16)
    assert torch.bincount(found.labels).tolist() == [count // 10] * 10


def test_splits_differ() -> None:
    training, test = (load_dataset("segments", DIRECTORY, split=split) for split in ("train", "test"))
    assert training.digest != test.digest
    assert not torch.equal(training.images[:500], test.images)


def test_pictures_of_a_digit_differ_and_hold_its_segments() -> None:
    found = load_dataset("segments", DIRECTORY)
    assert len(torch.unique(found.images, dim=0)) == 2000
    lit = (found.images > 100).flatten(1).sum(dim=1).float()
    mean_lit = [lit[found.labels == digit].mean().item() for digit in range(10)]
    assert mean_lit.index(min(mean_lit)) == 1
    assert mean_lit.index(max(mean_lit)) == 8
