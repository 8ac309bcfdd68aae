"""What can be measured on a picture of a thing: how slanted it is, how thick its strokes are, how large it is.

A picture's ink is how bright a pixel is, from 0 for black to 1: of several channels the mean.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from models._layers import to_unit_range

BARE = 1.0
"""Less ink than one full pixel is no thing, and has no attributes."""

EDGE = 0.5
"""The ink above which a pixel belongs to the thing, where it must be one or the other."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """Something to measure. measure: pictures (n, c, h, w) in [-1, 1] to numbers (n,); NaN where there is no thing."""

    name: str
    unit: str
    description: str
    measure: Callable[[Tensor], Tensor]


def measure_slant(images: Tensor) -> Tensor:
    """Return how far the thing leans to the right, in degrees: (n,), below 0 to the left.

    By the shear of the second moments, mu_11 / mu_02, by which LeCun et al. 1998 deskewed the digits.
    """
    ink = _ink(images)
    down, across = (torch.arange(side, dtype=ink.dtype) for side in ink.shape[1:])
    shares = ink / ink.sum(dim=(1, 2), keepdim=True)
    rows, columns = shares.sum(dim=2), shares.sum(dim=1)
    y, x = rows @ down, columns @ across
    mixed = ((shares @ across) * down).sum(dim=1) - x * y
    vertical = rows @ down.square() - y.square()
    return _of_things(ink, torch.rad2deg(torch.atan2(-mixed, vertical)))


def measure_thickness(images: Tensor) -> Tensor:
    """Return the mean width of the strokes in pixels: (n,).

    A stroke of length l and width w has the area l w, and an outline of about 2 l: so twice the area over the outline.
    The outline is the sum of the slopes of the ink, which for a thing of one brightness is its perimeter times it.
    """
    ink = _ink(images)
    framed = pad(ink, (1, 1, 1, 1))
    down, across = framed.diff(dim=1)[:, :, :-1], framed.diff(dim=2)[:, :-1]
    outline = torch.hypot(down, across).sum(dim=(1, 2))
    return _of_things(ink, 2 * ink.sum(dim=(1, 2)) / outline)


def measure_size(images: Tensor) -> Tensor:
    """Return the side in pixels of a square as large as the smallest upright box around the thing: (n,)."""
    ink = _ink(images)
    is_thing = ink > EDGE
    height, width = (_extent(is_thing.any(dim=dim)) for dim in (2, 1))
    return _of_things(ink, (height * width).sqrt())


ATTRIBUTES: Sequence[Attribute] = (
    Attribute("thickness", "pixels", "mean width of the strokes", measure_thickness),
    Attribute("slant", "degrees", "how far it leans to the right", measure_slant),
    Attribute("size", "pixels", "root of the area of the box around it", measure_size),
)


def _ink(images: Tensor) -> Tensor:
    """Return the ink of pictures: (n, h, w), in [0, 1], double precision."""
    return to_unit_range(images.double()).mean(dim=1)


def _of_things(ink: Tensor, values: Tensor) -> Tensor:
    """Return the values of pictures (n,), NaN of those that are all but black."""
    return torch.where(ink.sum(dim=(1, 2)) >= BARE, values, torch.nan)


def _extent(is_there: Tensor) -> Tensor:
    """Return the distance from the first to behind the last place that is there: (n,) of (n, length)."""
    first = is_there.int().argmax(dim=1)
    last = is_there.shape[1] - is_there.int().flip(dims=(1,)).argmax(dim=1)
    return torch.where(is_there.any(dim=1), last - first, 0).double()
