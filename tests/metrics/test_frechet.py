"""The Fréchet distance in closed form, and by a general matrix root."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from metrics import frechet_distance
from tests.metrics.points import gaussian


def test_distance_of_features_to_themselves_is_zero() -> None:
    features = gaussian(500, 8, seed=0)
    assert frechet_distance(features, features) == pytest.approx(0, abs=1e-9)


def test_distance_of_shifted_features_is_the_squared_shift() -> None:
    features = gaussian(500, 8, seed=0)
    assert frechet_distance(features, features + 2) == pytest.approx(8 * 4)


def test_distance_of_scaled_features_is_the_squared_difference_of_deviations() -> None:
    features = gaussian(500, 8, seed=0)
    centred = features - features.mean(0)
    expected = float(centred.double().T.cov().trace())  # (3 - 2)^2 tr C
    assert frechet_distance(2 * centred, 3 * centred) == pytest.approx(expected)


def test_distance_equals_the_formula_with_a_general_matrix_root() -> None:
    a = gaussian(300, 6, seed=1) @ gaussian(6, 6, seed=2)
    b = gaussian(300, 6, seed=3) @ gaussian(6, 6, seed=4) + 1
    x, y = a.double().numpy(), b.double().numpy()
    covariance_x, covariance_y = np.cov(x.T), np.cov(y.T)
    root = sqrtm(covariance_x @ covariance_y).real
    expected = ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(covariance_x + covariance_y - 2 * root)
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)
