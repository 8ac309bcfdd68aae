"""How good drawn pictures are: distances and shares in the features of the data set's judge.

A distance in the judge's features is called FD, never FID, and stands beside its floor: the same distance between
real training and real test pictures.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from models import Classifier, Sampler, derive_seed, from_pixels, to_pixels
from workers.data import TrainingData

NEIGHBOURS = 5
_ROWS = 1000  # compared at once: all would be some hundred megabytes


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

    recognised: the class that the judge sees in each picture, (n,). accuracy: the share in which that is the class that
    was asked for; None where none could be asked.
    """

    distance: float
    accuracy: float | None
    manifold: Manifold
    recognised: Tensor = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Report:
    """The quality of drawn pictures, and of as many real training pictures of the same classes: what can be reached."""

    count: int
    drawn: Quality
    real: Quality

    @property
    def distance_ratio(self) -> float:
        """FD as a multiple of its floor."""
        return self.drawn.distance / self.real.distance


def evaluate(
    sampler: Sampler, judge: Classifier, train: TrainingData, test: TrainingData, *, count: int = 10_000, seed: int = 0
) -> Report:
    """Judge drawn and training pictures against the test pictures.

    `count` training pictures are taken at random, or all where there are fewer; the drawn ones are of their classes,
    so both differ from the test pictures' classes alike.
    """
    shuffle = torch.Generator().manual_seed(derive_seed("evaluation", seed))
    places = torch.randperm(len(train.labels), generator=shuffle)[:count]
    labels = train.labels[places]
    drawn = to_pixels(sampler.sample(range(len(labels)), seed=seed, labels=labels.tolist()))
    compare = Comparison(judge, judge.features(from_pixels(test.images)))
    return Report(
        count=len(labels),
        drawn=compare.judge_pictures(drawn, labels if sampler.is_conditional else None),
        real=compare.judge_pictures(train.images[places], labels),
    )


class Comparison:
    """Compares pictures with the real ones that it was made with."""

    def __init__(self, judge: Classifier, real_features: Tensor) -> None:
        self._judge, self._real = judge, real_features
        self._radius = radius(real_features, NEIGHBOURS)

    def judge_pictures(self, pixels: Tensor, labels: Tensor | None) -> Quality:
        """Judge pictures (n, c, h, w) uint8 that were asked for by these classes (n,), or by none."""
        features = self._judge.features(from_pixels(pixels))
        recognised = self._judge.head(features).argmax(dim=1)
        return Quality(
            distance=frechet_distance(features, self._real),
            accuracy=None if labels is None else float((recognised == labels).float().mean()),
            manifold=compare_manifolds(self._real, features, real_radius=self._radius),
            recognised=recognised,
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


def compare_manifolds(
    real: Tensor, fake: Tensor, *, neighbours: int = NEIGHBOURS, real_radius: Tensor | None = None
) -> Manifold:
    """Compare features (n, d) by balls that reach to the k-th neighbour: Naeem et al. 2020, section 3.

    real_radius: what `radius` returns for the real ones, where it is known. Cannot see whether pictures were copied
    from the training set.
    """
    real_radius = radius(real, neighbours) if real_radius is None else real_radius
    fake_radius = radius(fake, neighbours)
    balls_around_fake = torch.zeros(len(fake))
    recalled, covered = [], []
    for rows, row_radius in zip(torch.split(real, _ROWS), torch.split(real_radius, _ROWS), strict=True):
        distance = torch.cdist(rows, fake)
        in_real_ball = distance < row_radius[:, None]
        balls_around_fake += in_real_ball.sum(dim=0)
        recalled.append((distance < fake_radius).any(dim=1))
        covered.append(in_real_ball.any(dim=1))
    return Manifold(
        precision=float((balls_around_fake > 0).float().mean()),
        recall=float(torch.cat(recalled).float().mean()),
        density=float(balls_around_fake.mean() / neighbours),
        coverage=float(torch.cat(covered).float().mean()),
    )


def radius(features: Tensor, neighbours: int) -> Tensor:
    """Return each row's distance to its k-th nearest other row: (n,)."""
    portions = torch.split(features, _ROWS)
    return torch.cat([torch.cdist(rows, features).kthvalue(neighbours + 1, dim=1).values for rows in portions])
