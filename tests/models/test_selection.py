"""Selection against a straightforward reference, on the toy whose score is its brightness."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from models import NoScoreError, Sampler
from models._selection import Selection, TooFewOfClassError, draw, draw_class
from tests.training import TOY, TOY_SPEC, toy_sampler

SEED = 11


def brightness(selection: Selection) -> list[float]:
    values: list[float] = selection.images[:, 0, 0, 0].tolist()
    return values


def candidates(count: int) -> list[float]:
    images = toy_sampler().sample(range(count), seed=SEED, labels=[0] * count)
    values: list[float] = images[:, 0, 0, 0].tolist()
    return values


def classify(images: Tensor) -> Tensor:
    """Bright pictures are surely of class 1, dark ones surely of class 0."""
    is_bright = images.mean(dim=(1, 2, 3)) > 0
    return torch.stack([~is_bright, is_bright], dim=1).float()


# --- The nice ones ------------------------------------------------------------------------------------------------


def test_pictures_are_the_candidates_where_nothing_is_chosen() -> None:
    selection = draw(toy_sampler(), seed=SEED, labels=[0] * 9)
    assert brightness(selection) == candidates(9)
    assert (selection.candidates, selection.scores, selection.threshold) == (9, None, None)


def test_nice_keeps_the_best_of_each_run() -> None:
    selection = draw(toy_sampler(), seed=SEED, labels=[0] * 7, nice_factor=20)
    drawn = candidates(140)
    expected = [max(drawn[20 * picture : 20 * picture + 20]) for picture in range(7)]
    assert brightness(selection) == expected
    assert selection.candidates == 140
    assert selection.scores is not None
    assert selection.scores.tolist() == pytest.approx(expected)
    assert selection.threshold == pytest.approx(min(expected))


@pytest.mark.parametrize("count", [1, 3, 10])
def test_nice_picture_i_does_not_depend_on_the_count(count: int) -> None:
    most = draw(toy_sampler(), seed=SEED, labels=[0] * 12, nice_factor=5)
    assert brightness(draw(toy_sampler(), seed=SEED, labels=[0] * count, nice_factor=5)) == brightness(most)[:count]


def test_candidates_of_a_picture_have_its_label() -> None:
    told: list[int] = []

    def sample(networks: object, config: object, noise: object, labels: Tensor) -> Tensor:
        told.extend(labels.tolist())
        return torch.zeros(len(labels), 1, 4, 4)

    config = TOY.configure({}, TOY_SPEC)
    sampler = Sampler(replace(TOY, sample=sample), config, TOY.build(config))
    draw(sampler, seed=SEED, labels=[1, 0, 1, 0], nice_factor=4)
    assert told == [1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0]


def test_first_of_equal_candidates_is_kept() -> None:
    config = TOY.configure({}, TOY_SPEC)
    indifferent = replace(TOY, score=lambda networks, config, images, labels: torch.zeros(len(images)))
    selection = draw(Sampler(indifferent, config, TOY.build(config)), seed=SEED, labels=[0] * 4, nice_factor=4)
    assert brightness(selection) == candidates(16)[::4]


def test_nice_needs_a_score() -> None:
    config = TOY.configure({}, TOY_SPEC)
    sampler = Sampler(replace(TOY, score=None), config, TOY.build(config))
    assert len(draw(sampler, seed=SEED, labels=[0] * 3).images) == 3
    with pytest.raises(NoScoreError):
        draw(sampler, seed=SEED, labels=[0] * 3, nice_factor=2)


# --- Of a class, by a classifier ----------------------------------------------------------------------------------


def test_class_takes_the_candidates_that_the_classifier_passes_in_their_order() -> None:
    selection = draw_class(toy_sampler(), classify, seed=SEED, label=1, count=30)
    assert brightness(selection) == [value for value in candidates(256) if value > 0][:30]
    assert selection.scores is None


def test_nice_of_a_class_keeps_the_best_of_each_run_that_passed() -> None:
    selection = draw_class(toy_sampler(), classify, seed=SEED, label=0, count=6, nice_factor=7)
    passed = [value for value in candidates(256) if value <= 0]
    assert brightness(selection) == [max(passed[7 * picture : 7 * picture + 7]) for picture in range(6)]
    assert selection.threshold == pytest.approx(min(brightness(selection)))


@pytest.mark.parametrize("nice_factor", [1, 3])
def test_picture_i_of_a_class_does_not_depend_on_the_count(nice_factor: int) -> None:
    most, few = (
        draw_class(toy_sampler(), classify, seed=SEED, label=1, count=count, nice_factor=nice_factor)
        for count in (90, 4)
    )
    assert brightness(few) == brightness(most)[:4]


def test_candidates_below_half_of_the_probability_are_not_of_the_class() -> None:
    unsure = draw_class(toy_sampler(), lambda x: classify(x) * 0.1 + 0.45, seed=SEED, label=1, count=5)
    assert brightness(unsure) == [value for value in candidates(128) if value > 0][:5]


@pytest.mark.parametrize("every", [3, 0])
def test_a_class_too_rare_for_so_many_is_given_up_early(every: int) -> None:
    """Half of the candidates had to be of the class; a third is, or none."""

    def classify_few(images: Tensor) -> Tensor:
        passes = torch.arange(len(images)) % every == 0 if every else torch.zeros(len(images))
        return torch.stack([torch.zeros(len(images)), passes.float()], dim=1)

    with pytest.raises(TooFewOfClassError) as refused:
        draw_class(toy_sampler(), classify_few, seed=SEED, label=1, count=100_000, most_per_picture=2)
    assert refused.value.candidates <= 1024


def test_a_class_that_just_suffices_is_not_given_up() -> None:
    selection = draw_class(toy_sampler(), classify, seed=SEED, label=1, count=400, most_per_picture=3)
    assert len(selection.images) == 400


def test_a_class_that_is_hardly_ever_drawn_is_given_up_with_a_reason() -> None:
    with pytest.raises(TooFewOfClassError, match=r"of 256 candidates .* recognised 0 as class 1, but 2 are needed"):
        draw_class(toy_sampler(), lambda x: torch.zeros(len(x), 2), seed=SEED, label=1, count=2, most_per_picture=100)
