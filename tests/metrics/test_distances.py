"""KID by the plain formula, and FID at the seam where Inception's features come in."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from metrics import find_metric, frechet_distance
from metrics.distances import fd, fid, kid
from tests.metrics.points import between, floor, fresh, gaussian, reference, seen


def plain_kid(x: Tensor, y: Tensor) -> float:
    """Bińkowski et al. 2018, eq. 4, by whole matrices in double precision."""
    a, b = x.double().numpy(), y.double().numpy()
    of_a, of_b, across = ((p @ q.T / p.shape[1] + 1) ** 3 for p, q in ((a, a), (b, b), (a, b)))
    n, m = len(a), len(b)
    within = (of_a.sum() - np.trace(of_a)) / (n * (n - 1)) + (of_b.sum() - np.trace(of_b)) / (m * (m - 1))
    return float(within - 2 * across.mean())


def test_fd_is_the_frechet_distance_of_the_judges_features() -> None:
    assert fd(fresh()) == frechet_distance(fresh().drawn.features, reference().test.features)


def test_kid_equals_the_plain_formula() -> None:
    assert kid(fresh()) == pytest.approx(plain_kid(fresh().drawn.features, reference().test.features), abs=1e-6)


def test_kid_of_equal_gaussians_is_about_zero_and_may_be_negative() -> None:
    """Unbiased, where FD is not: the values of several draws lie on both sides."""
    found = [kid(between(seen(gaussian(300, 8, seed)), seen(gaussian(300, 8, seed + 50)))) for seed in range(10)]
    values = [value for value in found if value is not None]
    assert min(values) < 0 < max(values)
    assert abs(np.mean(values)) < 0.02


def thirds(pixels: Tensor) -> Tensor:
    """Stand for Inception: two numbers of each colour."""
    assert pixels.dtype == torch.uint8
    assert pixels.shape[1] == 3
    colours = pixels.float().flatten(2)
    return torch.cat([colours.mean(dim=2), colours.std(dim=2)[:, :1]], dim=1) + torch.arange(4)


def test_fid_does_not_apply_without_inception() -> None:
    assert fid(fresh()) is None


def test_fid_sees_grey_pictures_as_three_equal_colours_of_256_levels() -> None:
    batches: list[Tensor] = []

    def extract(pixels: Tensor) -> Tensor:
        batches.append(pixels)
        return thirds(pixels)

    evidence = replace(reference(), inception=extract).compare(fresh().drawn.pixels, None)
    value = fid(evidence)
    assert torch.equal(torch.cat(batches[:10])[:, 2:], fresh().drawn.pixels)
    tiled = [pictures.expand(-1, 3, -1, -1) for pictures in (fresh().drawn.pixels, reference().test.pixels)]
    assert value == pytest.approx(frechet_distance(*map(thirds, tiled)), abs=1e-4)
    before = len(batches)
    fid(replace(evidence, drawn=floor().drawn))
    assert len(batches) == before + 10  # the test pictures are kept


def test_fid_is_named_for_inception_alone() -> None:
    assert "inception" in find_metric("fid").needs
    assert "judge" not in find_metric("fid").needs
