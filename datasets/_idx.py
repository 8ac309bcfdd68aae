"""Data sets in the four files and the format of MNIST (IDX): fetched once, checked by digest, cached."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from checkpoints.files import remove_asides, write_whole
from datasets._sources import DatasetUnavailableError, Say, Source, SourceError
from models import DatasetSpec

IMAGES = {"train": "train-images-idx3-ubyte", "test": "t10k-images-idx3-ubyte"}
LABELS = {"train": "train-labels-idx1-ubyte", "test": "t10k-labels-idx1-ubyte"}
_IMAGES_HEADER_BYTES = 16
_LABELS_HEADER_BYTES = 8
_LONGEST_WRITE_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class IdxFiles:
    """What is published. md5: of each file unpacked, by its name. sources: in the order in which they are tried."""

    spec: DatasetSpec
    md5: Mapping[str, str]
    sources: tuple[Source, ...]


def load_idx(published: IdxFiles, directory: Path, split: str, report: Say) -> tuple[Tensor, Tensor]:
    """Return a split: images (n, c, h, w) uint8 and labels (n,) int64, fetching what is missing or damaged.

    directory: where all data sets are cached. Raises DatasetUnavailableError.
    """
    spec, folder = published.spec, directory / published.spec.name
    remove_asides(folder, older_than_seconds=_LONGEST_WRITE_SECONDS)
    if not _is_whole(published, folder):
        _fetch(published, folder, report)
    pixels = np.fromfile(folder / IMAGES[split], np.uint8, offset=_IMAGES_HEADER_BYTES)
    labels = np.fromfile(folder / LABELS[split], np.uint8, offset=_LABELS_HEADER_BYTES)
    shape = (-1, spec.channels, spec.size, spec.size)
    return torch.from_numpy(pixels).view(shape), torch.from_numpy(labels).long()


def are_here(published: IdxFiles, directory: Path) -> bool:
    """Whether all files are in the data set's folder; their content is not looked at."""
    return all((directory / published.spec.name / name).is_file() for name in published.md5)


def _is_whole(published: IdxFiles, folder: Path) -> bool:
    return all(
        (folder / name).is_file() and _md5((folder / name).read_bytes()) == digest
        for name, digest in published.md5.items()
    )


def _fetch(published: IdxFiles, folder: Path, report: Say) -> None:
    dataset = published.spec.name
    failures: dict[str, str] = {}
    for source in published.sources:
        try:
            files = source.fetch(tuple(published.md5), lambda line: report(f"{dataset}: {line}"))
            _check(published, files)
        except SourceError as error:
            failures[source.name] = str(error)
            report(f"{dataset}: {source.name} failed: {error}")
        else:
            for name, data in files.items():
                write_whole(folder / name, data)  # several processes may fetch at once
            report(f"{dataset}: 70,000 pictures from {source.name}, every file as published")
            return
    raise DatasetUnavailableError(dataset, failures)


def _check(published: IdxFiles, files: Mapping[str, bytes]) -> None:
    for name, digest in published.md5.items():
        if (found := _md5(files[name])) != digest:
            raise SourceError(f"{name} has md5 {found}, not {digest}")


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
