"""Generators that fail in one known way each, on the drawn data set. They know its first 1,000 training pictures."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from models import SEGMENTS, Classifier, from_pixels
from tests.metrics.points import fresh, gaussian, reference

LABELS = torch.arange(500) % 10
"""What is asked for: as the data set's pictures stand."""


def _real() -> Tensor:
    """Pictures of the data set that nobody knows."""
    return fresh().drawn.pixels


def _copier() -> Tensor:
    """Training pictures of the classes that are asked for."""
    return reference().train.pixels[:500]


def _one_a_class() -> Tensor:
    """One training picture of each class."""
    return reference().train.pixels[LABELS]


def _constant() -> Tensor:
    """One training picture."""
    return reference().train.pixels[:1].expand(500, -1, -1, -1)


def _noise() -> Tensor:
    """Pixels from U(0, 255), independent."""
    return torch.randint(0, 256, (500, 1, 16, 16), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


def _wrong_class() -> Tensor:
    """Pictures like the real ones, of the class after the one that is asked for."""
    return _real().roll(-1, dims=0)


def _blurred() -> Tensor:
    """Real pictures, each pixel the mean of nine."""
    return nn.functional.avg_pool2d(_real().float(), 3, stride=1, padding=1).round().to(torch.uint8)


GENERATORS: Mapping[str, Callable[[], Tensor]] = {
    "real": _real,
    "copier": _copier,
    "one a class": _one_a_class,
    "constant": _constant,
    "noise": _noise,
    "wrong class": _wrong_class,
    "blurred": _blurred,
}
"""Each draws 500 pictures (500, 1, 16, 16) uint8 for `LABELS`."""


# --- Tools in the place of costly ones ----------------------------------------------------------------------------


class PixelClassifier(Classifier):
    """Linear in the pixels: learns in milliseconds, and less from poorer pictures."""

    def __init__(self, weights: Tensor) -> None:
        super().__init__(SEGMENTS)
        self.head = nn.Sequential(nn.Linear(len(weights), weights.shape[1], bias=False))
        self.head.load_state_dict({"0.weight": weights.T})

    def features(self, images: Tensor, *, batch_size: int = 500) -> Tensor:
        return images.flatten(1)


def least_squares(pixels: Tensor, labels: Tensor) -> PixelClassifier:
    """Train a classifier in closed form."""
    x, y = from_pixels(pixels).flatten(1), nn.functional.one_hot(labels, 10).float()
    return PixelClassifier(torch.linalg.solve(x.T @ x + 10 * torch.eye(x.shape[1]), x.T @ y))


def projections(pixels: Tensor) -> Tensor:
    """Stand for Inception: 32 numbers of pictures in three colours, by fixed random weights."""
    weights = gaussian(3 * 16 * 16, 32, seed=0, scale=768**-0.5)
    return (from_pixels(pixels).flatten(1) @ weights).tanh()
