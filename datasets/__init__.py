"""The pictures that networks learn from: fetched or drawn once, checked by digest, cached, held as uint8.

Each data set is a module, named after it, with a function

    load(directory, split, report) -> (images, labels)

directory: where all data sets are cached, each in a folder of its own name. split: "train" or "test". report: takes
lines of progress, one before anything is fetched; what it raises ends the load. images: (n, c, h, w) uint8; labels:
(n,) int64. A module whose pictures must be fetched has also

    is_here(directory) -> bool

which says, by a look at the directory alone, whether they were. To add a data set, write its module, and its shape and
classes into `models/_datasets.py`.
"""

import hashlib
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from datasets._sources import DatasetUnavailableError, Say
from models import DatasetSpec, find_dataset

__all__ = [
    "DatasetNotHereError",
    "DatasetUnavailableError",
    "Say",
    "TrainingData",
    "is_here",
    "load_dataset",
    "load_here",
]


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


class DatasetNotHereError(Exception):
    """The pictures of a data set would have to be fetched first, and were not."""

    def __init__(self, dataset: str) -> None:
        self.dataset = dataset
        super().__init__(
            f"the pictures of {dataset} are not on this machine yet: the first training on it fetches them"
        )


def load_here(name: str, directory: Path, *, split: str = "train") -> TrainingData:
    """Return what `load_dataset` does, and fetch nothing.

    Raises models.UnknownDatasetError, or DatasetNotHereError where something is missing or damaged.
    """

    def refuse(line: str) -> None:
        raise DatasetNotHereError(name)

    return load_dataset(name, directory, split=split, report=refuse)


def is_here(name: str, directory: Path) -> bool:
    """Whether the data set was fetched into the directory, or needs not be. Raises models.UnknownDatasetError."""
    module = importlib.import_module(f"datasets.{find_dataset(name).name}")
    look: Callable[[Path], bool] = getattr(module, "is_here", lambda directory: True)
    return look(directory)
