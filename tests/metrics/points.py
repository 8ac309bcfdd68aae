"""Points and pictures whose right answers are known."""

from functools import cache
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from datasets import load_dataset
from metrics import Evidence, Pictures, Reference
from tests.training import segments, segments_judge

TRAINING = 1000


def gaussian(count: int, dimensions: int, seed: int, mean: float = 0.0, scale: float = 1.0) -> Tensor:
    """Points (count, dimensions) from N(mean, scale^2 I)."""
    generator = torch.Generator().manual_seed(seed)
    return mean + scale * torch.randn(count, dimensions, generator=generator)


def seen(features: Tensor, *, recognised: Tensor | None = None, labels: Tensor | None = None) -> Pictures:
    """Pictures that the judge sees with these features, and recognises as these classes: nobody knows their pixels."""
    pictures = Pictures(segments_judge(), torch.zeros(len(features), 1, 16, 16, dtype=torch.uint8), labels)
    known = {"features": features}
    if recognised is not None:
        known["logits"] = one_hot(recognised, len(segments().spec.classes)).float()
    pictures.__dict__.update(known)  # where a cached property keeps its value
    return pictures


def between(drawn: Pictures, real: Pictures) -> Evidence:
    """Evidence on drawn pictures beside these real ones, which nobody learnt from."""
    return Evidence(Reference(segments_judge(), real, real), drawn)


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
