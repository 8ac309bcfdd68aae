"""How far the distribution of the drawn pictures is from that of the test pictures."""

import torch
from torch import Tensor

from metrics._evidence import Evidence, Extract, Pictures, once
from metrics._frechet import Moments, distance_of_moments, moments
from metrics._metric import metric

_ROWS = 100  # compared at once: what stays near the processor is done several times as fast
_PHOTOGRAPHS = 50  # brought to 299 x 299 at once


@metric("FD", better="lower")
def fd(evidence: Evidence) -> float:
    """Fréchet distance to the test pictures in the judge's features: Heusel et al. 2017, eq. 6. No FID.

    Biased: it grows as pictures become fewer, so it compares with the floor of the same count alone. Cannot see what
    moments beyond the second hold, pictures that were copied from the training set, or whether a picture is of the
    class that was asked for.
    """
    return distance_of_moments(_moments(evidence.drawn), _moments(evidence.real))


@metric("KID", better="lower")
def kid(evidence: Evidence) -> float:
    """Squared maximum mean discrepancy to the test pictures in the judge's features: Bińkowski et al. 2018.

    The kernel is (x y / d + 1)^3. Unbiased, of all pairs rather than of subsets: it is about 0 for real pictures, and
    may be negative. Cannot see what moments beyond the third hold, copied pictures, or wrong classes.
    """
    across = _kernel_sum(evidence.drawn.features, evidence.real.features)
    pairs = len(evidence.drawn) * len(evidence.real)
    return _mean_within(evidence.drawn) + _mean_within(evidence.real) - 2 * across / pairs


@metric("FID", better="lower", cost="slow", needs=("inception",))
def fid(evidence: Evidence) -> float:
    """Fréchet distance to the test pictures in Inception's features: the protocol of Lucic et al. 2018.

    Comparable with printed values for 10,000 drawn against 10,000 test pictures alone. Grey pictures are tiled to
    three channels. Cannot see what that network for photographs does not heed in small drawings, moments beyond the
    second, copied pictures, or wrong classes.
    """
    extract = evidence.reference.inception
    assert extract is not None
    return distance_of_moments(_inception_moments(evidence.drawn, extract), _inception_moments(evidence.real, extract))


@once
def _moments(pictures: Pictures) -> Moments:
    return moments(pictures.features)


@once
def _mean_within(pictures: Pictures) -> float:
    """Return the mean kernel of all pairs of two different pictures."""
    features, n = pictures.features, len(pictures)
    of_itself = _sum(_kernel(features.square().sum(dim=1), features.shape[1]))
    return (_kernel_sum(features, features) - of_itself) / (n * (n - 1))


def _kernel_sum(a: Tensor, b: Tensor) -> float:
    """Return the sum of the kernel over all pairs of rows of (n, d) and (m, d)."""
    return sum(_sum(_kernel(rows @ b.T, b.shape[1])) for rows in torch.split(a, _ROWS))


def _kernel(products: Tensor, dimensions: int) -> Tensor:
    """Return the kernel in place of the products."""
    return products.div_(dimensions).add_(1).pow_(3)


def _sum(kernel: Tensor) -> float:
    return float(kernel.sum(dtype=torch.float64))


def _inception_moments(pictures: Pictures, extract: Extract) -> Moments:
    return pictures.keep((_inception_moments, extract), lambda: moments(_inception_features(pictures.pixels, extract)))


def _inception_features(pixels: Tensor, extract: Extract) -> Tensor:
    colours = pixels.expand(-1, 3, -1, -1) if pixels.shape[1] == 1 else pixels
    return torch.cat([extract(batch.contiguous()) for batch in torch.split(colours, _PHOTOGRAPHS)])
