"""Directions in which a latent can be moved to change one thing of its picture, found by measuring pictures.

Pictures of random latents are drawn and an attribute a of each is measured. Its linear regression on the latents z,

    a  =  w . z  +  a constant for each class,

gives the direction w / |w| and how much a step of length 1 changes: |w|. Shen et al. 2020 (InterFaceGAN,
https://arxiv.org/abs/1907.10786) take the normal of the plane that parts the latents of two kinds of pictures; for an
attribute that is a number, its regression says the same and how much besides. Where no attribute is known, the
principal components of the pictures themselves take its place, regressed on the latents in the same manner: so do
Härkönen et al. 2020 (GANSpace, https://arxiv.org/abs/2004.02546) find what varies most, of a layer's activations there.

A share of the pictures is kept out of the fit. R^2 on these says how much of the attribute the direction explains:
about 0, or less, where the latents do not tell it, or not linearly. The fit is a ridge regression, so that it is
defined where a latent has more coordinates than there are pictures.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from models._attributes import ATTRIBUTES
from models._latents import LatentSpace
from models._noise import BLOCK, derive_seed

PICTURES_MEASURED = 128 * BLOCK
"""Pictures that are measured: a second or two of drawing, from which R^2 is known to some hundredths."""

KEPT_OUT = 4
"""One of so many is kept out of the fit."""

COMPONENTS = 4
"""Principal components of the pictures that are looked for."""

DIRECTION_NAMES = (*(one.name for one in ATTRIBUTES), *(f"component{place + 1}" for place in range(COMPONENTS)))
"""What directions may be called; a checkpoint may have less of them."""

_FEWEST = 64
"""Pictures with a thing on them, of which something is said."""


@dataclass(frozen=True, slots=True)
class Direction:
    """Where to move a latent. vector: (d,), of length 1. r_squared: on pictures that were kept out of the fit, below 1.

    per_step: what a step of length 1 changes, in the unit of each attribute; spread: the attribute's standard deviation
    over the pictures of a class. A component is measured in its standard deviations.
    """

    name: str
    description: str
    unit: str
    vector: Tensor
    r_squared: float
    spread: float
    per_step: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Column:
    """Something that was measured on all pictures: values (n,), of the class's mean or NaN."""

    name: str
    description: str
    unit: str
    values: Tensor


def find_directions(space: LatentSpace, *, pictures: int = PICTURES_MEASURED) -> Sequence[Direction]:
    """Draw pictures and return the direction of each attribute, and of the components in which they vary most.

    An attribute that no picture has, or all have alike, has no direction. The same networks give the same directions.
    """
    classes = len(space.sampler.config.dataset.classes)
    labels = [place % classes for place in range(pictures)]
    points = space.find(derive_seed("directions"), range(pictures))
    images = space.draw(points, space.weigh(labels))
    groups = torch.tensor(labels) if space.sampler.is_conditional else torch.zeros(pictures, dtype=torch.int64)
    measured = [
        _Column(one.name, one.description, one.unit, _centre(one.measure(images), groups)) for one in ATTRIBUTES
    ]
    columns = [one for one in (*measured, *_components(images, groups)) if _is_telling(one.values)]
    slopes = {one.name: regress(points, one.values) for one in columns}
    told = [one.name for one in measured if one.name in slopes]
    return [_direction(one, points, slopes, told) for one in columns if slopes[one.name].norm() > 0]


def regress(points: Tensor, values: Tensor) -> Tensor:
    """Return the slopes of values (n,), whose mean is 0, on points (n, d) from N(0, I): (d,). NaN is left out.

    Ridge regression with d as its weight: of n points in d dimensions it shrinks the slopes by n / (n + d), about as
    much as that many points would let them be too long by chance.
    """
    known = values.isfinite()
    rows, dim = points[known], points.shape[1]
    gram = rows.T @ rows + dim * torch.eye(dim, dtype=points.dtype)
    slopes: Tensor = torch.linalg.solve(gram, rows.T @ values[known])
    return slopes


def explained(points: Tensor, values: Tensor) -> float:
    """Return R^2, on the rows that were kept out, of the regression on the others: at most 1, maybe below 0."""
    known = values.isfinite()
    points, values = points[known], values[known]
    is_kept_out = torch.arange(len(values)) % KEPT_OUT == KEPT_OUT - 1
    slopes = regress(points[~is_kept_out], values[~is_kept_out])
    rest = values[is_kept_out]
    residual = rest - points[is_kept_out] @ slopes
    return float(1 - residual.square().sum() / rest.square().sum())


def _direction(column: _Column, points: Tensor, slopes: Mapping[str, Tensor], told: Sequence[str]) -> Direction:
    vector = slopes[column.name] / slopes[column.name].norm()
    names = [column.name, *(name for name in told if name != column.name)]
    return Direction(
        name=column.name,
        description=column.description,
        unit=column.unit,
        vector=vector,
        r_squared=explained(points, column.values),
        spread=float(column.values[column.values.isfinite()].square().mean().sqrt()),
        per_step={name: float(slopes[name] @ vector) for name in names},
    )


def _components(images: Tensor, groups: Tensor) -> list[_Column]:
    """Return the scores of the pictures on their principal components, in standard deviations."""
    pixels = _centre(images.flatten(1).double(), groups)
    variances, axes = torch.linalg.eigh(pixels.T @ pixels / len(pixels))
    total = variances.sum()
    columns = []
    for place in range(1, min(COMPONENTS, len(variances)) + 1):
        variance, axis = variances[-place], axes[:, -place]
        axis = axis * axis[axis.abs().argmax()].sign()  # an eigenvector has no sign of its own
        share = float(variance / total) if total > 0 else 0.0
        description = f"principal component {place} of the pictures, {100 * share:.0f} % of their variance"
        values = pixels @ axis / variance.sqrt() if variance > 0 else torch.zeros(len(pixels)).double()
        columns.append(_Column(f"component{place}", description, "standard deviations", values))
    return columns


def _centre(values: Tensor, groups: Tensor) -> Tensor:
    """Return values (n, ...) less the mean of their group, of those that are numbers."""
    known = values.isfinite()
    sums, counts = (
        values.new_zeros(int(groups.max()) + 1, *values.shape[1:]).index_add(0, groups, one)
        for one in (torch.where(known, values, 0), known.to(values.dtype))
    )
    return values - (sums / counts)[groups]


def _is_telling(values: Tensor) -> bool:
    known = values[values.isfinite()]
    return len(known) >= _FEWEST and float(known.abs().max()) > 1e-9
