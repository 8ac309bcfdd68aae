from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from models import BLOCK, BlockNoise, Networks, NoScoreError, Sampler
from tests.training import TOY, TOY_SPEC, ToyConfig, toy_sampler


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


def test_without_batch_norm_a_score_in_play_is_the_score() -> None:
    sampler, images = toy_sampler(), torch.linspace(-1, 1, 51)[:, None, None, None].expand(-1, 1, 4, 4)
    labels = torch.zeros(51, dtype=torch.int64)
    assert torch.allclose(sampler.score_in_play(images, labels), sampler.score(images, labels), atol=1e-6)
    with pytest.raises(NoScoreError):
        Sampler(replace(TOY, score=None), sampler.config, sampler.networks).score_in_play(images, labels)


def test_a_score_in_play_goes_by_the_statistics_of_each_batch() -> None:
    norm = nn.BatchNorm1d(1, eps=1e-9)

    def score(networks: Networks, config: ToyConfig, images: Tensor, labels: Tensor) -> Tensor:
        scores: Tensor = networks["discriminator"](images.mean(dim=(1, 2, 3))[:, None])
        return scores.squeeze(1)

    sampler = Sampler(replace(TOY, score=score), TOY.configure({}, TOY_SPEC), nn.ModuleDict({"discriminator": norm}))
    images = torch.tensor([0.5, 0.7]).repeat(3)[:, None, None, None].expand(-1, 1, 4, 4)
    labels = torch.zeros(6, dtype=torch.int64)
    assert torch.allclose(sampler.score(images, labels), images.mean(dim=(1, 2, 3)))
    in_play = sampler.score_in_play(images, labels, batch_size=2)
    assert torch.allclose(in_play, torch.tensor([-1.0, 1.0]).repeat(3), atol=1e-5)
    assert torch.allclose(sampler.score(images, labels), images.mean(dim=(1, 2, 3)))  # as before
