"""Pictures moved by chance so little that they still show the same: what a classifier, or a code, should not see."""

from torch import Tensor, stack
from torch.nn.functional import affine_grid, grid_sample

from models._noise import Noise


def jitter(images: Tensor, noise: Noise, *, angle: float = 0.17, zoom: float = 0.1, shift: float = 1 / 14) -> Tensor:
    """Turn, scale and shift each picture by chance.

    images: (n, c, h, w) in [-1, 1], background -1, which fills what comes in from outside. angle: at most so many
    radians either way. zoom: the scale is within 1 - zoom and 1 + zoom. shift: at most this share of the side, either
    way. Returns the same shape.
    """
    angles, scales = noise.uniform(low=-angle, high=angle), noise.uniform(low=1 - zoom, high=1 + zoom)
    shifts = noise.uniform(2, low=-2 * shift, high=2 * shift)  # the side of the grid is 2
    cosine, sine = angles.cos() * scales, angles.sin() * scales
    transform = stack([cosine, -sine, shifts[:, 0], sine, cosine, shifts[:, 1]], dim=1).view(-1, 2, 3)
    places = affine_grid(transform, list(images.shape), align_corners=False)
    above_background = images + 1  # grid_sample fills with 0 outside
    return grid_sample(above_background, places, align_corners=False) - 1
