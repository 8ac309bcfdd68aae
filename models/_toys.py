"""Points in the plane as pictures: yardsticks for mode collapse, whose right answer is known.

A point is drawn as one soft round blob, so every family can learn it as it learns any picture, and its place is read
back as the centre of mass of the squared brightness v^2. Squares weigh the blob, and hardly a background that is not
quite black. The blob is v = exp(-r^2 / (2 s^2)), so for a clean one

    sum of v^2 = pi s^2        mean of r^2, weighted by v^2 = s^2

and both are read too, as shares of what is right: a picture that is no single blob has others than 1 and 1. Rounding to
256 levels moves a place by about a fiftieth of a mode's deviation.

Source of the mixtures: VEEGAN (Srivastava et al. 2017), section 5.1, as PacGAN (Lin et al. 2018) states them: eight
Gaussians of deviation 0.01 on a circle of radius 1; 25 of deviation 0.05 at a distance of 2.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import cos, pi, sin
from types import MappingProxyType

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from models._datasets import GRID, RING, DatasetSpec
from models._noise import BLOCK

BLOB_PIXELS = 1.2
"""s, the deviation of the blob: narrow enough to stay in the picture, wide enough for its place between the pixels."""
LARGEST_DEVIATIONS = 3.0
"""A picture is of high quality up to so many deviations from a mode (VEEGAN)."""
BLOB_TOLERANCE = 0.25
"""By how much brightness and spread of a picture of high quality may miss 1: a rule of ours, points need none."""


@dataclass(frozen=True, slots=True)
class Mixture:
    """Round Gaussians in the plane, equally likely.

    modes: their centres (x, y), by label. deviation: of each. pixels_per_unit: how large the plane is drawn, with its
    origin in the middle of the picture and y upwards.
    """

    spec: DatasetSpec
    modes: tuple[tuple[float, float], ...]
    deviation: float
    pixels_per_unit: float


MIXTURES: Mapping[str, Mixture] = MappingProxyType(
    {
        RING.name: Mixture(RING, tuple((cos(pi * k / 4), sin(pi * k / 4)) for k in range(8)), 0.01, 4.5),
        GRID.name: Mixture(
            GRID, tuple((2.0 * column - 4, 2.0 * row - 4) for row in range(5) for column in range(5)), 0.05, 1.125
        ),
    }
)
"""By data set."""


def draw_points(points: Tensor, mixture: Mixture) -> Tensor:
    """Draw points (n, 2) of the plane as blobs: (n, 1, h, w) in [-1, 1]."""
    across, down = _places(mixture)
    columns, rows = (
        ((places - centres[:, None]) / _blob(mixture)).square().div(-2).exp()
        for places, centres in ((across, points[:, 0]), (down, points[:, 1]))
    )
    return (rows[:, :, None] * columns[:, None, :]).mul(2).sub(1).unsqueeze(1)


def read_blobs(images: Tensor, mixture: Mixture) -> Tensor:
    """Read pictures (n, 1, h, w) in [-1, 1] as blobs: x, y, brightness, spread (n, 4).

    x, y: in the plane. brightness, spread: 1 for a clean blob; 0 for a black picture, whose place is the origin.
    """
    side = mixture.spec.size
    images = images if images.shape[-1] == side else interpolate(images, (side, side), mode="bilinear")
    weights = images[:, 0].add(1).div(2).clamp_min(0).square()
    total = weights.sum(dim=(1, 2))
    shares = weights / total.clamp_min(1e-12)[:, None, None]
    across, down = _places(mixture)
    x, y = shares.sum(dim=1) @ across, shares.sum(dim=2) @ down
    square_x = (shares.sum(dim=1) * (across - x[:, None]).square()).sum(dim=1)
    square_y = (shares.sum(dim=2) * (down - y[:, None]).square()).sum(dim=1)
    spread = (square_x + square_y).sqrt() / _blob(mixture)
    return torch.stack([x, y, total / (pi * BLOB_PIXELS**2), spread], dim=1)


class PlaneJudge:
    """Tells the mode that a picture is of, by the place of its blob. Nothing of it was trained."""

    def __init__(self, mixture: Mixture) -> None:
        self._mixture = mixture
        self._modes = torch.tensor(mixture.modes)

    def embed(self, images: Tensor) -> Tensor:
        """Return x, y, brightness, spread, through which gradients flow: (n, 4)."""
        return read_blobs(images, self._mixture)

    def features(self, images: Tensor, *, batch_size: int = 500) -> Tensor:
        """Return x, y, brightness, spread: (n, 4)."""
        return torch.cat([self.embed(batch) for batch in torch.split(images, batch_size)])

    def head(self, features: Tensor) -> Tensor:
        """Return the logarithms of the modes' densities at x, y, but for a constant: (n, modes)."""
        return self.distances(features).square().div(-2 * self._mixture.deviation**2)

    def probabilities(self, images: Tensor, *, batch_size: int = BLOCK) -> Tensor:
        """Return the probability that the point is of each mode: (n, modes)."""
        return self.head(self.features(images, batch_size=batch_size)).softmax(dim=1)

    def distances(self, features: Tensor) -> Tensor:
        """Return how far x, y is from each mode: (n, modes), in the plane."""
        return (features[:, None, :2] - self._modes).square().sum(dim=2).sqrt()


@dataclass(frozen=True, slots=True)
class ModeCount:
    """modes: those that at least one picture of high quality is of. high_quality: the share of such, in [0, 1]."""

    modes: int
    high_quality: float


def count_modes(images: Tensor, mixture: Mixture) -> ModeCount:
    """Count the modes that pictures (n, 1, h, w) in [-1, 1] are of: VEEGAN, section 5.

    A picture is of high quality if it is one clean blob, at most three deviations from the nearest mode: 98.9 % of the
    real ones are.
    """
    judge = PlaneJudge(mixture)
    features = judge.features(images)
    distance, nearest = judge.distances(features).min(dim=1)
    is_blob = ((features[:, 2:] - 1).abs() <= BLOB_TOLERANCE).all(dim=1)
    is_good = is_blob & (distance <= LARGEST_DEVIATIONS * mixture.deviation)
    captured = torch.bincount(nearest[is_good]).count_nonzero()
    return ModeCount(int(captured), float(is_good.float().mean()))


def _places(mixture: Mixture) -> tuple[Tensor, Tensor]:
    """Return x of each column and y of each row."""
    middle = (mixture.spec.size - 1) / 2
    across = (torch.arange(mixture.spec.size) - middle) / mixture.pixels_per_unit
    return across, -across


def _blob(mixture: Mixture) -> float:
    """Return s in the plane."""
    return BLOB_PIXELS / mixture.pixels_per_unit
