"""Distances to the nearest of many points, and the shares that follow from them."""

from dataclasses import dataclass

import torch
from torch import Tensor

NEIGHBOURS = 5
_ROWS = 1000  # compared at once: all would be some hundred megabytes


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares by nearest neighbours: Kynkäänniemi et al. 2019 (first two), Naeem et al. 2020 (last two).

    precision, recall, coverage are in [0, 1]; density is 1 where fake and real are alike, and may exceed it.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def compare_shares(
    real: Tensor,
    fake: Tensor,
    *,
    neighbours: int = NEIGHBOURS,
    real_radius: Tensor | None = None,
    fake_radius: Tensor | None = None,
) -> Shares:
    """Compare features (n, d) by balls that reach to the k-th neighbour: Naeem et al. 2020, section 3.

    real_radius, fake_radius: what `radius` returns, where it is known. Cannot see whether pictures were copied from
    the training set.
    """
    real_radius = radius(real, neighbours) if real_radius is None else real_radius
    fake_radius = radius(fake, neighbours) if fake_radius is None else fake_radius
    balls_around_fake = torch.zeros(len(fake))
    recalled, covered = [], []
    for rows, row_radius in zip(torch.split(real, _ROWS), torch.split(real_radius, _ROWS), strict=True):
        distance = torch.cdist(rows, fake)
        in_real_ball = distance < row_radius[:, None]
        balls_around_fake += in_real_ball.sum(dim=0)
        recalled.append((distance < fake_radius).any(dim=1))
        covered.append(in_real_ball.any(dim=1))
    return Shares(
        precision=float((balls_around_fake > 0).float().mean()),
        recall=float(torch.cat(recalled).float().mean()),
        density=float(balls_around_fake.mean() / neighbours),
        coverage=float(torch.cat(covered).float().mean()),
    )


def radius(features: Tensor, neighbours: int) -> Tensor:
    """Return each row's distance to its k-th nearest other row: (n,)."""
    portions = torch.split(features, _ROWS)
    return torch.cat([torch.cdist(rows, features).kthvalue(neighbours + 1, dim=1).values for rows in portions])


def nearest(points: Tensor, others: Tensor) -> Tensor:
    """Return the distance of each row of points (n, d) to the nearest row of others (m, d): (n,)."""
    places = [_nearest_place(rows, others) for rows in torch.split(points, _ROWS)]
    return (points - others[torch.cat(places)]).square().sum(dim=1).sqrt()  # cdist is inexact where two are equal


def _nearest_place(points: Tensor, others: Tensor) -> Tensor:
    portions = [torch.cdist(points, rows).min(dim=1) for rows in torch.split(others, _ROWS)]
    best = torch.stack([portion.values for portion in portions]).argmin(dim=0)
    within = torch.stack([portion.indices for portion in portions])
    return best * _ROWS + within.gather(0, best[None])[0]
