"""Stacked MNIST: three digits as the channels of one picture, 1000 classes, to count the modes that a GAN drops.

The protocol is VEEGAN's (Srivastava et al. 2017, section 5.2): 128,000 training pictures; measures are taken of 26,000.
The three pictures of each are drawn at random, once and for ever: by a seed of our own, since theirs is not known.
Unrolled GANs (Metz et al. 2017) draw new triples without end, DDGAN (Xiao et al. 2022) has 120,000 of them: figures of
other protocols compare roughly.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from datasets import mnist
from datasets._sources import Say
from models import STACKED_MNIST, derive_seed

_COUNT = {"train": 128_000, "test": 26_000}


def load(directory: Path, split: str, report: Say) -> tuple[Tensor, Tensor]:
    """Stack pictures of the same split of MNIST, fetching that where it is missing.

    The training pictures take 301 MB. Raises DatasetUnavailableError.
    """
    images, labels = mnist.load(directory, split, report)
    random = np.random.Generator(np.random.PCG64(derive_seed("stacked_mnist", split)))
    places = torch.from_numpy(random.integers(0, len(labels), (_COUNT[split], STACKED_MNIST.channels)))
    worth = torch.tensor([100, 10, 1])  # of the digit of each channel
    return images.squeeze(1)[places], (labels[places] * worth).sum(dim=1)


def is_here(directory: Path) -> bool:
    """Whether MNIST was fetched."""
    return mnist.is_here(directory)
