"""The metrics that look at pixels or at distances alone, in closed form."""

import pytest
import torch

from metrics import Evidence
from metrics.diversity import pairwise_distance
from metrics.memorisation import nearest_training_picture
from metrics.sharpness import sharpness
from tests.metrics.points import between, gaussian, reference, seen


def compare(pixels: torch.Tensor) -> Evidence:
    return reference().compare(pixels, None)


def test_a_copier_is_at_no_distance_and_who_copies_a_little_brighter_at_that_step() -> None:
    """A step of the pixels is 1 / 127.5, and a picture has 256 of them."""
    copied = reference().train.pixels[:300]
    assert nearest_training_picture(compare(copied)) == 0
    unseen, known = (side.pixels.flatten(1) / 127.5 for side in (reference().test, reference().train))
    held_out = torch.cdist(unseen, known)
    expected = 16 / 127.5 / float(held_out.min(dim=1).values.median())
    assert nearest_training_picture(compare(copied + 1)) == pytest.approx(expected, rel=1e-3)


def test_the_test_pictures_are_as_far_from_the_training_pictures_as_they_are() -> None:
    assert nearest_training_picture(reference().held_out) == 1


def test_no_more_than_2000_pictures_are_compared_with_the_training_pictures() -> None:
    """Copies after the 2,000th are not looked at."""
    far, copied = torch.full((2000, 1, 16, 16), 255, dtype=torch.uint8), reference().train.pixels
    value = nearest_training_picture(compare(torch.cat([far, copied, copied, copied])))
    assert value is not None
    assert value > 1


def test_flat_pictures_have_no_sharpness_and_one_bright_pixel_what_the_kernel_says() -> None:
    dark = torch.zeros(2, 1, 16, 16, dtype=torch.uint8)
    assert sharpness(compare(dark)) == 0
    dark[:, :, 8, 8] = 255  # 2 above the ground
    assert sharpness(compare(dark)) == pytest.approx((8**2 + 4 * 2**2) / 14**2)


def test_the_pairwise_distance_of_gaussians_is_the_known_one() -> None:
    """|x - y| for x, y from N(0, I) in d dimensions is about (2 d)^(1/2)."""
    pictures = seen(gaussian(1500, 200, seed=0))
    assert pairwise_distance(between(pictures, pictures)) == pytest.approx(20, rel=0.01)
