"""Points and pictures whose right answers are known."""

from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from metrics import Evidence, Pictures, Reference
from tests.training import segments, segments_judge
from workers.data import load_dataset

TRAINING = 1000


def gaussian(count: int, dimensions: int, seed: int, mean: float = 0.0, scale: float = 1.0) -> Tensor:
    """Points (count, dimensions) from N(mean, scale^2 I)."""
    generator = torch.Generator().manual_seed(seed)
    return mean + scale * torch.randn(count, dimensions, generator=generator)


@cache
def reference() -> Reference:
    """The drawn data set, of whose 2,000 training pictures the first 1,000 are those that a generator may know."""
    judge, data = segments_judge(), segments()
    test = load_dataset("segments", Path("unused"), split="test")
    known = Pictures(judge, data.images[:TRAINING], data.labels[:TRAINING])
    return Reference(judge, known, Pictures(judge, test.images, test.labels))


@cache
def fresh() -> Evidence:
    """500 real pictures that no generator knows, as many of each class."""
    data = segments()
    return reference().compare(data.images[TRAINING : TRAINING + 500], data.labels[TRAINING : TRAINING + 500])


@cache
def floor() -> Evidence:
    """500 training pictures."""
    known = reference().train
    assert known.labels is not None
    return reference().compare(known.pixels[:500], known.labels[:500])
