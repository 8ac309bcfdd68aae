"""The pictures that networks learn from: fetched or drawn once, checked by digest, cached, held as uint8.

Each data set is a module, named after it, with a function

    load(directory, split, report) -> (images, labels)

directory: where all data sets are cached, each in a folder of its own name. split: "train" or "test". report: takes
lines of progress. images: (n, c, h, w) uint8; labels: (n,) int64. To add a data set, write its module, and its shape
and classes into `models/_datasets.py`.
"""

import hashlib
import importlib
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from datasets._sources import DatasetUnavailableError, Say
from models import DatasetSpec, find_dataset

__all__ = ["DatasetUnavailableError", "Say", "TrainingData", "load_dataset"]


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Pictures (n, c, h, w) uint8, their labels (n,) int64, and the sha256 of both."""

    spec: DatasetSpec
    images: Tensor
    labels: Tensor
    digest: str


def load_dataset(name: str, directory: Path, *, split: str = "train", report: Say = lambda line: None) -> TrainingData:
    """Return a split ("train" or "test") of a data set, fetching what it is made of into `directory` where missing.

    Raises models.UnknownDatasetError, or DatasetUnavailableError with every source that was tried.
    """
    spec = find_dataset(name)
    images, labels = importlib.import_module(f"datasets.{spec.name}").load(directory, split, report)
    digest = hashlib.sha256(images.numpy().data)
    digest.update(labels.numpy().data)
    return TrainingData(spec, images, labels, digest.hexdigest())
