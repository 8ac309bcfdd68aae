"""Points of a mixture in the plane, drawn as pictures."""

import numpy as np
import torch
from torch import Tensor

from models import Mixture, derive_seed, draw_points, to_pixels

_COUNT = {"train": 50_000, "test": 10_000}


def draw_mixture(mixture: Mixture, split: str) -> tuple[Tensor, Tensor]:
    """Draw as many points of each mode: images (n, 1, h, w) uint8 and labels (n,) int64."""
    random = np.random.Generator(np.random.PCG64(derive_seed(mixture.spec.name, split)))
    labels = torch.arange(_COUNT[split]) % len(mixture.modes)
    around = torch.from_numpy(random.standard_normal((len(labels), 2), np.float32))
    points = torch.tensor(mixture.modes)[labels] + mixture.deviation * around
    return to_pixels(draw_points(points, mixture)), labels
