"""Moved pictures: what moves them, how far, and what comes in from outside."""

import math

import torch

from models import StepNoise, jitter


def noise(count: int) -> StepNoise:
    return StepNoise(torch.Generator().manual_seed(0), count)


def dot(column: int, row: int) -> torch.Tensor:
    image = torch.full((1, 1, 29, 29), -1.0)
    image[0, 0, row, column] = 1
    return image


def centre_of(images: torch.Tensor) -> torch.Tensor:
    """The centre of the brightness of each picture, from the middle, in pixels: (n, 2), x and y."""
    weight = images[:, 0] + 1
    places = torch.arange(29.0) - 14
    total = weight.sum(dim=(1, 2))
    return torch.stack([(weight.sum(dim=1) @ places) / total, (weight.sum(dim=2) @ places) / total], dim=1)


def test_pictures_keep_their_shape_and_range_and_each_moves_otherwise() -> None:
    images = dot(8, 20).repeat(16, 1, 1, 1)
    moved = jitter(images, noise(16))
    assert moved.shape == images.shape
    assert moved.min() >= -1 - 1e-5
    assert moved.max() <= 1 + 1e-5
    assert len({tuple(one.tolist()) for one in moved.flatten(1)}) == 16


def test_no_move_leaves_a_picture_as_it_is() -> None:
    images = torch.rand(4, 1, 28, 28) * 2 - 1
    assert torch.allclose(jitter(images, noise(4), angle=0, zoom=0, shift=0), images, atol=1e-4)


def test_a_shift_is_at_most_its_share_of_the_side() -> None:
    moved = centre_of(jitter(dot(14, 14).repeat(500, 1, 1, 1), noise(500), angle=0, zoom=0, shift=0.1))
    assert 0.9 * 2.9 < moved.abs().max() <= 2.9 + 1e-3


def test_a_turn_is_at_most_its_angle_and_keeps_the_distance_from_the_middle() -> None:
    moved = centre_of(jitter(dot(24, 14).repeat(500, 1, 1, 1), noise(500), angle=0.3, zoom=0, shift=0))
    angles = torch.atan2(moved[:, 1], moved[:, 0]).abs()
    assert 0.27 < angles.max() <= 0.3 + 0.02
    assert torch.allclose(moved.norm(dim=1), torch.full((500,), 10.0), atol=0.3)


def test_a_zoom_is_within_its_share() -> None:
    distances = centre_of(jitter(dot(24, 14).repeat(500, 1, 1, 1), noise(500), angle=0, zoom=0.2, shift=0)).norm(dim=1)
    assert 10 / 1.2 - 0.3 < distances.min() < 10 / 1.15
    assert 10 / 0.85 < distances.max() < 10 / 0.8 + 0.3


def test_what_comes_in_from_outside_is_background() -> None:
    moved = jitter(torch.ones(64, 1, 28, 28), noise(64), angle=0, zoom=0, shift=0.5)
    assert moved.min() == -1
    assert math.isclose(float(moved.max()), 1, abs_tol=1e-5)
