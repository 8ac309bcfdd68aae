"""Points from 25 Gaussians on a grid, as pictures: `models/_toys.py`."""

from pathlib import Path

from torch import Tensor

from datasets._plane import draw_mixture
from datasets._sources import Say
from models import GRID, MIXTURES


def load(directory: Path, split: str, report: Say) -> tuple[Tensor, Tensor]:
    """Draw 50,000 points for training, or 10,000 for tests. Writes nothing."""
    return draw_mixture(MIXTURES[GRID.name], split)
