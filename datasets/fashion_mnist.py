"""Fashion-MNIST: 60,000 and 10,000 pictures of clothes, in the format of MNIST (Xiao, Rasul & Vollgraf 2017)."""

from pathlib import Path

from torch import Tensor

from datasets._idx import IdxFiles, are_here, load_idx
from datasets._sources import DebianPackage, Mirror, Say
from models import FASHION_MNIST

FILES = IdxFiles(
    FASHION_MNIST,
    md5={
        "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
        "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
        "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
    },
    sources=(
        # the bucket answers no https; each file is checked by its digest
        Mirror("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"),
        Mirror("https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion"),
        DebianPackage("dataset-fashion-mnist", "usr/share/datasets/fashion-mnist"),
    ),
)


def load(directory: Path, split: str, report: Say) -> tuple[Tensor, Tensor]:
    """Return a split, fetching it where it is missing. Raises DatasetUnavailableError."""
    return load_idx(FILES, directory, split, report)


def is_here(directory: Path) -> bool:
    """Whether the files were fetched."""
    return are_here(FILES, directory)
