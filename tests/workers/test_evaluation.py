"""The distances and shares against known answers and degenerate generators."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from models import Controls, Sampler, from_pixels
from tests.training import TOY, segments, segments_judge
from workers.data import load_dataset
from workers.evaluation import Report, compare_manifolds, evaluate, frechet_distance


def draw(count: int, dimensions: int, seed: int, mean: float = 0.0, scale: float = 1.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return mean + scale * torch.randn(count, dimensions, generator=generator)


def test_distance_of_features_to_themselves_is_zero() -> None:
    features = draw(500, 8, seed=0)
    assert frechet_distance(features, features) == pytest.approx(0, abs=1e-9)


def test_distance_of_shifted_features_is_the_squared_shift() -> None:
    features = draw(500, 8, seed=0)
    assert frechet_distance(features, features + 2) == pytest.approx(8 * 4)


def test_distance_of_scaled_features_is_the_squared_difference_of_deviations() -> None:
    features = draw(500, 8, seed=0)
    centred = features - features.mean(0)
    expected = float(centred.double().T.cov().trace())  # (3 - 2)^2 tr C
    assert frechet_distance(2 * centred, 3 * centred) == pytest.approx(expected)


def test_distance_equals_the_formula_with_a_general_matrix_root() -> None:
    a = draw(300, 6, seed=1) @ draw(6, 6, seed=2)
    b = draw(300, 6, seed=3) @ draw(6, 6, seed=4) + 1
    x, y = a.double().numpy(), b.double().numpy()
    covariance_x, covariance_y = np.cov(x.T), np.cov(y.T)
    root = sqrtm(covariance_x @ covariance_y).real
    expected = ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(covariance_x + covariance_y - 2 * root)
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)


def test_shares_of_two_equal_gaussians_are_the_printed_ones() -> None:
    """The reference implementation of Naeem et al. prints these for N(0, I) in 1,000 dimensions, 10,000 rows."""
    found = compare_manifolds(draw(10_000, 1000, seed=5), draw(10_000, 1000, seed=6), neighbours=5)
    assert found.precision == pytest.approx(0.477, abs=0.03)
    assert found.recall == pytest.approx(0.471, abs=0.03)
    assert found.density == pytest.approx(1.056, abs=0.04)
    assert found.coverage == pytest.approx(0.974, abs=0.01)


def test_a_copier_has_full_precision_recall_and_coverage() -> None:
    real = draw(400, 4, seed=7)
    found = compare_manifolds(real, real.clone())
    assert (found.precision, found.recall, found.coverage) == (1, 1, 1)


def test_a_constant_picture_inside_the_data_has_precision_without_recall_or_coverage() -> None:
    real = draw(400, 4, seed=8)
    found = compare_manifolds(real, real[:1].repeat(400, 1))
    assert found.precision == 1
    assert found.recall < 0.05
    assert found.coverage < 0.1


def test_pictures_far_from_the_data_have_no_share() -> None:
    found = compare_manifolds(draw(300, 4, seed=9), draw(300, 4, seed=10, mean=50))
    assert (found.precision, found.recall, found.density, found.coverage) == (0, 0, 0, 0)


# --- The whole report ---------------------------------------------------------------------------------------------


class Copier(Sampler):
    """Draws training pictures of the class that is asked for, or of the one after it."""

    def __init__(self, *, class_shift: int = 0, is_conditional: bool = True) -> None:
        config = TOY.configure({}, segments().spec)
        super().__init__(TOY, config, TOY.build(config))
        self._class_shift, self._is_conditional = class_shift, is_conditional

    @property
    def is_conditional(self) -> bool:
        return self._is_conditional

    def sample(
        self,
        indices: Sequence[int],
        *,
        seed: int,
        labels: Sequence[int],
        truncation: float = 1.0,
        controls: Controls | None = None,
    ) -> torch.Tensor:
        data = segments()
        places = {label: (data.labels == label).nonzero()[:, 0] for label in range(10)}
        chosen = [places[(label + self._class_shift) % 10][index % 200] for index, label in enumerate(labels)]
        return from_pixels(data.images[torch.stack(chosen)])


def report_on(sampler: Sampler) -> Report:
    test = load_dataset("segments", Path("unused"), split="test")
    return evaluate(sampler, segments_judge(), segments(), test, count=500)


def test_real_pictures_score_as_real_ones() -> None:
    report = report_on(Copier())
    assert report.count == 500
    assert report.distance_ratio == pytest.approx(1, abs=0.5)
    assert report.drawn.accuracy == pytest.approx(report.real.accuracy, abs=0.05)
    assert report.drawn.manifold.coverage == pytest.approx(report.real.manifold.coverage, abs=0.1)


def test_pictures_of_another_class_than_asked_for_are_not_recognised_and_as_near() -> None:
    right, wrong = report_on(Copier()), report_on(Copier(class_shift=1))
    assert wrong.drawn.accuracy is not None
    assert wrong.drawn.accuracy < 0.1
    assert wrong.drawn.distance == pytest.approx(right.drawn.distance, rel=0.5, abs=0.2)


def test_a_network_without_labels_has_no_label_accuracy() -> None:
    report = report_on(Copier(is_conditional=False))
    assert report.drawn.accuracy is None
    assert report.real.accuracy is not None


def test_the_real_column_is_at_most_the_whole_training_set() -> None:
    test = load_dataset("segments", Path("unused"), split="test")
    assert evaluate(Copier(), segments_judge(), segments(), test, count=10_000).count == len(segments().labels)


def test_shares_do_not_depend_on_how_many_rows_are_compared_at_once() -> None:
    """2,500 rows are compared in portions; the same by whole matrices."""
    real, fake = draw(2500, 4, seed=11), draw(2500, 4, seed=12, mean=0.5)
    distance = torch.cdist(real, fake)
    real_radius, fake_radius = (torch.cdist(x, x).kthvalue(6, dim=1).values for x in (real, fake))
    inside = distance < real_radius[:, None]
    found = compare_manifolds(real, fake)
    assert found.precision == pytest.approx(inside.any(0).float().mean().item(), abs=1e-3)
    assert found.recall == pytest.approx((distance < fake_radius).any(1).float().mean().item(), abs=1e-3)
    assert found.density == pytest.approx(inside.float().sum(0).mean().item() / 5, abs=1e-2)
    assert found.coverage == pytest.approx(inside.any(1).float().mean().item(), abs=1e-3)
