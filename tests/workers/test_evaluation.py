"""The distances and shares against known answers and degenerate generators."""

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from workers.evaluation import compare_manifolds, frechet_distance


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
