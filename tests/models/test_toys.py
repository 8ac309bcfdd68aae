"""A point is read from its picture where it was drawn, and modes are counted as VEEGAN counts them."""

from dataclasses import replace
from math import dist, exp

import pytest
import torch
from torch import Tensor

from models import from_pixels, to_pixels
from models._toys import MIXTURES, Mixture, ModeCount, PlaneJudge, count_modes, draw_points, read_blobs

EVERY_MIXTURE = pytest.mark.parametrize("mixture", list(MIXTURES.values()), ids=list(MIXTURES))


def points_of(mixture: Mixture, *, deviations: float, each: int = 20) -> Tensor:
    """Points at this distance of every mode, in all directions: (modes * each, 2)."""
    angles = torch.arange(each) * 2 * torch.pi / each
    around = torch.stack([angles.cos(), angles.sin()], dim=1) * deviations * mixture.deviation
    return (torch.tensor(mixture.modes)[:, None, :] + around).flatten(0, 1)


def shown(points: Tensor, mixture: Mixture) -> Tensor:
    """What a client would get of pictures of these points."""
    return from_pixels(to_pixels(draw_points(points, mixture)))


@EVERY_MIXTURE
def test_there_is_a_mode_for_each_class(mixture: Mixture) -> None:
    assert len(mixture.modes) == len(set(mixture.modes)) == len(mixture.spec.classes)


def test_the_mixtures_are_those_of_the_papers() -> None:
    ring, grid = torch.tensor(MIXTURES["ring"].modes), torch.tensor(MIXTURES["grid"].modes)
    torch.testing.assert_close(ring.norm(dim=1), torch.ones(8))
    assert sorted({x for x, _ in grid.tolist()}) == sorted({y for _, y in grid.tolist()}) == [-4, -2, 0, 2, 4]
    assert (MIXTURES["ring"].deviation, MIXTURES["grid"].deviation) == (0.01, 0.05)


@EVERY_MIXTURE
def test_a_place_is_read_back_from_the_rounded_picture(mixture: Mixture) -> None:
    points = points_of(mixture, deviations=3)
    found = read_blobs(shown(points, mixture), mixture)
    assert (found[:, :2] - points).norm(dim=1).max() < 0.1 * mixture.deviation
    torch.testing.assert_close(found[:, 2:], torch.ones(len(points), 2), atol=0.02, rtol=0)


def test_right_and_up_are_where_one_expects_them() -> None:
    (picture,) = draw_points(torch.tensor([[1.0, 0.5]]), MIXTURES["ring"])
    row, column = divmod(int(picture.argmax()), 16)
    assert column > 8 > row


@EVERY_MIXTURE
def test_a_background_that_is_not_quite_black_hardly_moves_a_place(mixture: Mixture) -> None:
    points = points_of(mixture, deviations=0, each=1)
    found = read_blobs(draw_points(points, mixture).clamp_min(-0.99), mixture)
    assert (found[:, :2] - points).norm(dim=1).max() < mixture.deviation


@EVERY_MIXTURE
def test_a_clean_picture_of_each_mode_counts(mixture: Mixture) -> None:
    images = shown(points_of(mixture, deviations=2.5), mixture)
    assert count_modes(images, mixture) == ModeCount(len(mixture.modes), 1.0)


@EVERY_MIXTURE
def test_what_is_too_far_from_every_mode_counts_for_none(mixture: Mixture) -> None:
    good, far = points_of(mixture, deviations=0, each=1)[:1], points_of(mixture, deviations=3.5, each=1)[:3]
    assert count_modes(shown(torch.cat([good, far]), mixture), mixture) == ModeCount(1, 0.25)


def test_what_is_no_single_blob_counts_for_none() -> None:
    grid = MIXTURES["grid"]
    left, right, middle = draw_points(torch.tensor([[-2.0, 0.0], [2.0, 0.0], [0.0, 0.0]]), grid)
    images = torch.stack(
        [
            torch.maximum(left, right),  # the centre of mass of both is a mode
            torch.full_like(middle, -1),
            torch.full_like(middle, 1),
            middle.add(1).mul(0.8).sub(1),
        ]
    )
    assert count_modes(images, grid) == ModeCount(0, 0.0)


@EVERY_MIXTURE
def test_the_judge_tells_the_nearest_mode(mixture: Mixture) -> None:
    judge, images = PlaneJudge(mixture), shown(points_of(mixture, deviations=3), mixture)
    labels = torch.arange(len(mixture.modes)).repeat_interleave(20)
    probabilities = judge.probabilities(images)
    assert torch.equal(probabilities.argmax(dim=1), labels)
    torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(len(images)))
    assert torch.equal(judge.head(judge.features(images)).argmax(dim=1), labels)


def test_the_probabilities_are_those_of_the_mixture() -> None:
    wide = replace(MIXTURES["ring"], deviation=0.5)
    near = torch.tensor([[1 - 0.6 * (1 - 0.5**0.5), 0.6 * 0.5**0.5, 1.0, 1.0]])  # between modes 0 and 1
    densities = [exp(-(dist(near[0, :2].tolist(), mode) ** 2) / (2 * wide.deviation**2)) for mode in wide.modes]
    expected = torch.tensor([[density / sum(densities) for density in densities]])
    torch.testing.assert_close(PlaneJudge(wide).head(near).softmax(dim=1), expected, atol=1e-4, rtol=0)


def test_a_picture_of_another_side_is_brought_to_ours() -> None:
    assert read_blobs(torch.zeros(2, 1, 8, 8), MIXTURES["ring"]).shape == (2, 4)
