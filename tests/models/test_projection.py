"""Projection: of the toy, whose picture is one number, and of a small network whose own pictures are found again."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from models import (
    FLAGSHIP,
    MOST_MATCHES,
    Conditioning,
    LatentSpace,
    Networks,
    Noise,
    Sampler,
    find_family,
    project,
)
from models._projection import Likeness, begin, descend
from tests.training import TOY, TOY_SPEC, ToyConfig, segments, segments_judge, toy_sampler, train


def picture(brightness: float) -> Tensor:
    return torch.full((1, 1, 4, 4), brightness)


@pytest.fixture(scope="module")
def space() -> LatentSpace:
    """A generator with more than one layer, which nobody has taught much."""
    return LatentSpace(train(find_family(FLAGSHIP), steps=2).sampler())


@pytest.mark.parametrize("brightness", [-0.6, 0.0, 0.75])
def test_the_latent_of_a_toys_picture_is_found(brightness: float) -> None:
    toy = LatentSpace(toy_sampler())
    matches = project(toy, picture(brightness), None, labels=[0], count=3)
    best = matches[0]
    assert len(matches) == 3
    assert torch.erf(best.point / 2**0.5).item() == pytest.approx(brightness, abs=1 / 64)
    assert best.pixel_error == pytest.approx(abs(best.image.mean().item() - brightness) / 2, abs=1e-6)
    assert torch.equal(toy.settle(best.point), best.point)


@pytest.mark.parametrize("label", [0, 319, 320, 700, 999])
def test_of_a_thousand_classes_the_right_one_is_found(label: int) -> None:
    space = LatentSpace(shades(1000))
    matches = project(space, picture(shade(label, 1000)), None, labels=range(1000), count=2)
    assert matches[0].label == label
    assert matches[0].pixel_error < 1 / 1000 / 2  # half the way to the next class


def shade(label: Tensor | int, classes: int) -> Any:
    return 2 * label / (classes - 1) - 1


def shades(classes: int) -> Sampler:
    """A conditional toy whose picture is its class's brightness, and a little noise that reaches no other class."""

    def draw(networks: Networks, config: ToyConfig, noise: Noise, labels: Tensor) -> Tensor:
        level = shade(labels, classes).view(-1, 1, 1, 1) + noise.uniform(1, 1, 1) / classes / 2
        drawn: Tensor = level.expand(-1, 1, 4, 4)
        return drawn

    family = replace(TOY, conditioning=Conditioning.LABEL, sample=draw)
    spec = TOY_SPEC.model_copy(update={"classes": tuple(map(str, range(classes)))})
    config = family.configure({}, spec)
    return Sampler(family, config, family.build(config))


def test_pictures_of_the_network_itself_are_found_again(space: LatentSpace) -> None:
    target = space.draw(space.find(77, [5]), space.weigh([3]))
    matches = project(space, target, segments_judge(), labels=range(10), count=MOST_MATCHES)
    assert [one.distance for one in matches] == sorted(one.distance for one in matches)
    likeness = Likeness(target, segments_judge())
    first, weights = begin(space, likeness, range(10))
    assert matches[0].distance < likeness.distance(space.draw(first, weights)).min().item() / 2
    best = matches[0]
    again = space.draw(best.point[None], space.weigh([best.label]))
    assert torch.equal(again[0], best.image)


def test_the_same_picture_has_the_same_matches(space: LatentSpace) -> None:
    target = space.draw(space.find(77, [5]), space.weigh([3]))
    first, second = (project(space, target, segments_judge(), labels=[3, 4], count=2) for _ in range(2))
    assert {one.label for one in first} <= {3, 4}
    for one, other in zip(first, second, strict=True):
        assert torch.equal(one.point, other.point)


def test_every_step_goes_down_and_stays_where_the_draws_are(space: LatentSpace) -> None:
    target = space.draw(space.find(77, [5]), space.weigh([3]))
    likeness = Likeness(target, segments_judge())
    points, weights = 4 * space.find(8, [0, 1]), space.weigh([3, 3])
    before = likeness.distance(space.draw(points, weights))
    moved = descend(space, likeness, points, weights, [0.05] * 10)
    assert (likeness.distance(space.draw(moved, weights)) < before).all()
    assert (moved.norm(dim=1) <= space.dim**0.5 + 1 + 1e-9).all()


def test_a_picture_is_like_itself_and_the_unlike_the_farther() -> None:
    target = segments_picture(0)
    likeness = Likeness(target, segments_judge())
    same, faint, other = likeness.distance(torch.cat([target, target / 2 - 0.5, segments_picture(1)])).tolist()
    assert same == pytest.approx(0, abs=1e-9)
    assert 0 < faint < other


def test_pixels_count_at_full_and_at_half_size() -> None:
    likeness = Likeness(picture(-1), None)
    board = picture(-1)
    board[0, 0, ::2, ::2] = 1  # a quarter of the pixels is white, so that each of half the size is a quarter bright
    assert likeness.distance(board).item() == pytest.approx(1 / 4 + 1 / 16)


def segments_picture(place: int) -> Tensor:
    return segments().images[place : place + 1] / 127.5 - 1
