"""The Fréchet distance between the Gaussians of two sets of features."""

from typing import NamedTuple

import torch
from torch import Tensor


class Moments(NamedTuple):
    """The mean (d,) and the covariance (d, d) of features, in double precision."""

    mean: Tensor
    covariance: Tensor


def moments(features: Tensor) -> Moments:
    """Return the moments of features (n, d)."""
    features = features.double()
    return Moments(features.mean(dim=0), features.T.cov())


def frechet_distance(a: Tensor, b: Tensor) -> float:
    """Return |m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)): Heusel et al. 2017, eq. 6.

    a, b: features (n, d), n > d. Cannot see what moments beyond the second hold.
    """
    return distance_of_moments(moments(a), moments(b))


def distance_of_moments(a: Moments, b: Moments) -> float:
    """Return the same of two sets whose moments are known."""
    values, vectors = torch.linalg.eigh(a.covariance)
    root = vectors @ (values.clamp_min(0).sqrt()[:, None] * vectors.T)
    # the eigenvalues of C_a C_b are those of the symmetric root C_b root
    trace_of_root = torch.linalg.eigvalsh(root @ b.covariance @ root).clamp_min(0).sqrt().sum()
    means = (a.mean - b.mean).square().sum()
    return float(means + a.covariance.trace() + b.covariance.trace() - 2 * trace_of_root)
