"""How good drawn pictures are: distances and shares in the features of the data set's judge.

A distance in the judge's features is called FD, never FID, and stands beside its floor: the same distance between
real training and real test pictures.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from models import Sampler, derive_seed, from_pixels, to_pixels
from models._classifier import Classifier
from workers.data import TrainingData

NEIGHBOURS = 5


@dataclass(frozen=True, slots=True)
class Manifold:
    """Shares by nearest neighbours: Kynkäänniemi et al. 2019 (first two), Naeem et al. 2020 (last two).

    precision, recall, coverage are in [0, 1]; density is 1 where fake and real are alike, and may exceed it.
    """

    precision: float
    recall: float
    density: float
    coverage: float


@dataclass(frozen=True, slots=True)
class Quality:
    """How like the test pictures some pictures are.

    accuracy: the share in which the judge recognises the class that was asked for.
    """

    count: int
    distance: float
    accuracy: float
    manifold: Manifold


@dataclass(frozen=True, slots=True)
class Report:
    """The quality of drawn pictures, and of as many real training pictures: what can be reached."""

    drawn: Quality
    real: Quality

    @property
    def distance_ratio(self) -> float:
        """FD as a multiple of its floor."""
        return self.drawn.distance / self.real.distance


def evaluate(
    sampler: Sampler, judge: Classifier, train: TrainingData, test: TrainingData, *, count: int = 10_000, seed: int = 0
) -> Report:
    """Judge `count` pictures, each class equally often, and as many training pictures, against the test pictures."""
    classes = len(test.spec.classes)
    labels = torch.arange(count) % classes
    images = sampler.sample(range(count), seed=seed, labels=labels.tolist())
    shuffle = torch.Generator().manual_seed(derive_seed("evaluation", seed))
    places = torch.randperm(len(train.labels), generator=shuffle)[:count]
    test_features = judge.features(from_pixels(test.images))
    return Report(
        drawn=_judge_pictures(judge, from_pixels(to_pixels(images)), labels, test_features),
        real=_judge_pictures(judge, from_pixels(train.images[places]), train.labels[places], test_features),
    )


def _judge_pictures(judge: Classifier, images: Tensor, labels: Tensor, test_features: Tensor) -> Quality:
    features = judge.features(images)
    recognised = judge.head(features).argmax(dim=1)
    return Quality(
        count=len(images),
        distance=frechet_distance(features, test_features),
        accuracy=float((recognised == labels).float().mean()),
        manifold=compare_manifolds(test_features, features),
    )


def frechet_distance(a: Tensor, b: Tensor) -> float:
    """Return |m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)): Heusel et al. 2017, eq. 6.

    a, b: features (n, d), n > d. Cannot see what moments beyond the second hold.
    """
    a, b = a.double(), b.double()
    covariance_a, covariance_b = a.T.cov(), b.T.cov()
    values, vectors = torch.linalg.eigh(covariance_a)
    root = vectors @ (values.clamp_min(0).sqrt()[:, None] * vectors.T)
    # the eigenvalues of C_a C_b are those of the symmetric root C_b root
    trace_of_root = torch.linalg.eigvalsh(root @ covariance_b @ root).clamp_min(0).sqrt().sum()
    means = (a.mean(dim=0) - b.mean(dim=0)).square().sum()
    return float(means + covariance_a.trace() + covariance_b.trace() - 2 * trace_of_root)


def compare_manifolds(real: Tensor, fake: Tensor, *, neighbours: int = NEIGHBOURS) -> Manifold:
    """Compare features (n, d) by balls that reach to the k-th neighbour: Naeem et al. 2020, section 3.

    Cannot see whether pictures were copied from the training set.
    """
    real_radius, fake_radius = _radius(real, neighbours), _radius(fake, neighbours)
    distance = torch.cdist(real, fake)
    in_real_ball = distance < real_radius[:, None]
    return Manifold(
        precision=float(in_real_ball.any(dim=0).float().mean()),
        recall=float((distance < fake_radius).any(dim=1).float().mean()),
        density=float(in_real_ball.float().sum(dim=0).mean() / neighbours),
        coverage=float(in_real_ball.any(dim=1).float().mean()),
    )


def _radius(features: Tensor, neighbours: int) -> Tensor:
    """Return each row's distance to its k-th nearest other row: (n,)."""
    return torch.cdist(features, features).kthvalue(neighbours + 1, dim=1).values
