from dataclasses import replace

import pytest
import torch
from torch import nn

from models import BLOCK, BlockNoise, NoScoreError, Sampler
from tests.training import TOY, TOY_SPEC, toy_sampler


def brightness(images: torch.Tensor) -> torch.Tensor:
    return images[:, 0, 0, 0]


def test_picture_i_takes_row_i_of_its_block() -> None:
    images = toy_sampler().sample(range(3 * BLOCK), seed=5, labels=[0] * 3 * BLOCK)
    expected = BlockNoise(5, [0, 1, 2]).uniform(1)[:, 0]
    assert torch.equal(brightness(images), expected)


def test_pictures_come_in_the_order_of_their_numbers() -> None:
    sampler = toy_sampler()
    numbers = [0, 3, 15, 16, 17, 40, 1000]
    alone = [sampler.sample([number], seed=5, labels=[0]) for number in numbers]
    assert torch.equal(sampler.sample(numbers, seed=5, labels=[0] * 7), torch.cat(alone))


def test_pictures_out_of_range_are_clamped() -> None:
    sampler = toy_sampler()
    nn.init.constant_(next(sampler.networks.parameters()), 0.9)
    images = sampler.sample(range(64), seed=5, labels=[0] * 64)
    assert images.max() == 1
    assert images.min() < 0


def test_truncation_reaches_the_noise() -> None:
    sampler = toy_sampler()
    whole, tenth = (sampler.sample(range(9), seed=5, labels=[0] * 9, truncation=t) for t in (1.0, 0.1))
    torch.testing.assert_close(tenth, whole / 10)


def test_scores_are_those_of_the_family_whatever_the_count() -> None:
    sampler = toy_sampler()
    images = sampler.sample(range(37), seed=5, labels=[0] * 37)
    scores = sampler.score(images, torch.zeros(37).long())
    torch.testing.assert_close(scores, brightness(images))


def test_a_family_without_a_score_says_so() -> None:
    config = TOY.configure({}, TOY_SPEC)
    sampler = Sampler(replace(TOY, score=None), config, TOY.build(config))
    with pytest.raises(NoScoreError, match="toy has no score"):
        sampler.score(torch.zeros(1, 1, 4, 4), torch.zeros(1).long())


def test_sampling_leaves_no_gradient_behind() -> None:
    sampler = toy_sampler()
    assert not any(parameter.requires_grad for parameter in sampler.networks.parameters())
    assert not sampler.sample([0], seed=5, labels=[0]).requires_grad
