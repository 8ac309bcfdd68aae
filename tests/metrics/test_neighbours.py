"""Shares and nearest points against known answers, the reference implementation, and whole matrices."""

import pytest
import torch
from prdc import compute_prdc

from metrics import compare_shares, nearest
from tests.metrics.points import gaussian


def test_shares_of_two_equal_gaussians_are_the_printed_ones() -> None:
    """The reference implementation of Naeem et al. prints these for N(0, I) in 1,000 dimensions, 10,000 rows."""
    found = compare_shares(gaussian(10_000, 1000, seed=5), gaussian(10_000, 1000, seed=6), neighbours=5)
    assert found.precision == pytest.approx(0.477, abs=0.03)
    assert found.recall == pytest.approx(0.471, abs=0.03)
    assert found.density == pytest.approx(1.056, abs=0.04)
    assert found.coverage == pytest.approx(0.974, abs=0.01)


@pytest.mark.parametrize("neighbours", [3, 5])
def test_shares_are_those_of_the_reference_implementation(neighbours: int, capsys: pytest.CaptureFixture[str]) -> None:
    """On 1,500 rows, which are compared in two portions."""
    real, fake = gaussian(1500, 16, seed=1), gaussian(1300, 16, seed=2, mean=0.2, scale=1.1)
    expected = compute_prdc(real.double().numpy(), fake.double().numpy(), neighbours)
    found = compare_shares(real.double(), fake.double(), neighbours=neighbours)
    assert found.precision == pytest.approx(expected["precision"], abs=1e-6)
    assert found.recall == pytest.approx(expected["recall"], abs=1e-6)
    assert found.density == pytest.approx(expected["density"], abs=1e-6)
    assert found.coverage == pytest.approx(expected["coverage"], abs=1e-6)


def test_a_copier_has_full_precision_recall_and_coverage() -> None:
    real = gaussian(400, 4, seed=7)
    found = compare_shares(real, real.clone())
    assert (found.precision, found.recall, found.coverage) == (1, 1, 1)


def test_a_constant_picture_inside_the_data_has_precision_without_recall_or_coverage() -> None:
    real = gaussian(400, 4, seed=8)
    found = compare_shares(real, real[:1].repeat(400, 1))
    assert found.precision == 1
    assert found.recall < 0.05
    assert found.coverage < 0.1


def test_pictures_far_from_the_data_have_no_share() -> None:
    found = compare_shares(gaussian(300, 4, seed=9), gaussian(300, 4, seed=10, mean=50))
    assert (found.precision, found.recall, found.density, found.coverage) == (0, 0, 0, 0)


def test_shares_do_not_depend_on_how_many_rows_are_compared_at_once() -> None:
    """2,500 rows are compared in portions; the same by whole matrices."""
    real, fake = gaussian(2500, 4, seed=11), gaussian(2500, 4, seed=12, mean=0.5)
    distance = torch.cdist(real, fake)
    real_radius, fake_radius = (torch.cdist(x, x).kthvalue(6, dim=1).values for x in (real, fake))
    inside = distance < real_radius[:, None]
    found = compare_shares(real, fake)
    assert found.precision == pytest.approx(inside.any(0).float().mean().item(), abs=1e-3)
    assert found.recall == pytest.approx((distance < fake_radius).any(1).float().mean().item(), abs=1e-3)
    assert found.density == pytest.approx(inside.float().sum(0).mean().item() / 5, abs=1e-2)
    assert found.coverage == pytest.approx(inside.any(1).float().mean().item(), abs=1e-3)


def test_the_nearest_point_is_found_across_portions_and_exactly() -> None:
    points, others = gaussian(1200, 5, seed=13), gaussian(2600, 5, seed=14)
    others[2345] = points[7]
    found = nearest(points, others)
    assert found[7] == 0
    expected = torch.cdist(points, others, compute_mode="donot_use_mm_for_euclid_dist").min(dim=1).values
    torch.testing.assert_close(found, expected)
