"""What the papers behind the projection GAN say, in closed form."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn.functional import softplus

from models import MNIST, SEGMENTS, Batch, ModelConfig, StepNoise, find_family
from models.projection_gan import (
    ConditionalBatchNorm,
    ProjectionGANDiscriminator,
    ProjectionGANHyperparameters,
    build,
    compute_discriminator_loss,
    compute_generator_loss,
)
from tests.models.closed_form import PIXELS, Bowl, players, terms
from tests.training import train

FAMILY = find_family("projection_gan")


def configure(**values: object) -> ModelConfig[ProjectionGANHyperparameters]:
    chosen = {"generator_width": 2, "discriminator_width": 2, "feature_dim": 8} | values
    return ModelConfig(ProjectionGANHyperparameters.model_validate(chosen), MNIST)


def make_batch(step: int = 0, progress: float = 0.0) -> Batch:
    images = torch.rand(8, 1, 28, 28, generator=torch.Generator().manual_seed(3)) * 2 - 1
    return Batch(images, torch.arange(8) % 10, step, progress)


def make_noise() -> StepNoise:
    return StepNoise(torch.Generator().manual_seed(4), 8)


def test_logit_is_the_label_embedding_times_the_features_plus_a_realness() -> None:
    discriminator = ProjectionGANDiscriminator(configure())
    images = make_batch().images
    first, second = (discriminator(images, torch.full((8,), label)) for label in (2, 5))
    embedding = discriminator.embedding.weight
    features = torch.nn.functional.leaky_relu(discriminator.features(discriminator.convolutions(images)), 0.2)
    torch.testing.assert_close(first - second, features @ (embedding[2] - embedding[5]))


def test_conditional_norm_gives_each_class_its_own_mean_and_deviation() -> None:
    norm = ConditionalBatchNorm(3, classes=2)
    with torch.no_grad():
        norm.gain.weight.copy_(torch.tensor([[1.0] * 3, [2.0] * 3]))
        norm.offset.weight.copy_(torch.tensor([[0.0] * 3, [5.0] * 3]))
    one_class = norm(torch.randn(64, 3, 4, 4), torch.ones(64, dtype=torch.int64))
    assert one_class.mean().item() == pytest.approx(5, abs=1e-4)
    assert one_class.std().item() == pytest.approx(2, abs=1e-2)


@pytest.mark.parametrize(("loss", "count", "total"), [("non_saturating", 2, 2), ("relativistic", 1, 1)])
def test_an_undecided_discriminator_pays_log_two_for_each_term(loss: str, count: int, total: int) -> None:
    config = configure(loss=loss, penalty_weight=0, final_penalty_weight=0)
    networks = build(config)
    for parameter in networks["discriminator"].parameters():
        torch.nn.init.zeros_(parameter)
    objective = compute_discriminator_loss(networks, make_batch(), config, make_noise())
    assert len(objective.terms) == count
    assert objective.total().item() == pytest.approx(total * math.log(2))
    generator = compute_generator_loss(networks, make_batch(), config, make_noise())
    assert generator.total().item() == pytest.approx(math.log(2))


def test_relativistic_loss_ignores_a_shift_of_all_logits() -> None:
    config = configure(loss="relativistic", penalty_weight=0, final_penalty_weight=0)
    networks = build(config)
    before = compute_discriminator_loss(networks, make_batch(), config, make_noise()).total().item()
    torch.nn.init.constant_(networks["discriminator"].get_parameter("realness.bias"), 100)
    after = compute_discriminator_loss(networks, make_batch(), config, make_noise()).total().item()
    assert after == pytest.approx(before, rel=1e-3)


def test_the_best_relativistic_logit_is_the_log_ratio_of_the_densities_up_to_a_shift() -> None:
    """Over pairs of three pictures with known chances, the loss has no slope there, and a minimum: it is convex."""
    real, fake = torch.tensor([0.2, 0.3, 0.5]).double(), torch.tensor([0.6, 0.3, 0.1]).double()
    logits = (real / fake).log() + 7
    for nudge in torch.eye(3).double() * 1e-3:
        losses = [
            float((real[:, None] * fake * softplus(moved - moved[:, None])).sum())
            for moved in (logits - nudge, logits, logits + nudge)
        ]
        assert losses[1] < min(losses[0], losses[2])
        assert losses[2] == pytest.approx(losses[0], abs=1e-9)


def test_penalty_comes_every_interval_with_as_much_weight() -> None:
    every_step, every_fourth = configure(penalty_interval=1), configure(penalty_interval=4)
    networks = build(every_step)
    penalties = [
        compute_discriminator_loss(networks, make_batch(step), config, make_noise()).terms.get("penalty")
        for config, step in ((every_step, 0), (every_fourth, 0), (every_fourth, 1))
    ]
    assert penalties[0] is not None
    assert penalties[1] is not None
    torch.testing.assert_close(penalties[1], 4 * penalties[0])
    assert penalties[2] is None


def test_penalty_weight_changes_linearly_over_the_training() -> None:
    config = configure(penalty_weight=1.0, final_penalty_weight=0.2)
    networks = build(config)
    first, middle, last = (
        compute_discriminator_loss(networks, make_batch(progress=progress), config, make_noise()).terms["penalty"]
        for progress in (0.0, 0.5, 1.0)
    )
    torch.testing.assert_close(middle, 0.6 * first)
    torch.testing.assert_close(last, 0.2 * first)


def test_penalty_is_half_of_gamma_times_the_squared_slope_over_all_pixels() -> None:
    """The trap of the half, and of a probability's slope in the place of the logit's."""
    chosen = ProjectionGANHyperparameters(penalty_weight=0.5, penalty_interval=1)
    for norm in (3.0, 100.0):
        found = terms(compute_discriminator_loss, players(fake=-0.2, slope=norm * SEGMENTS.size), chosen, 0.5)
        assert found["penalty"] == pytest.approx(0.5 / 2 * norm**2)


def test_relativistic_penalty_is_on_real_and_on_fake_pictures() -> None:
    """R1 + R2: of the bowl, a picture is its own slope."""
    networks = players(fake=-0.25)
    networks["discriminator"] = Bowl()
    chosen = ProjectionGANHyperparameters(loss="relativistic", penalty_interval=1)
    found = terms(compute_discriminator_loss, networks, chosen, 0.5)
    assert set(found) == {"pairing", "penalty", "penalty_fake"}
    assert found["penalty"] == pytest.approx(PIXELS * 0.5**2 / 2)
    assert found["penalty_fake"] == pytest.approx(PIXELS * 0.25**2 / 2)


def test_both_players_have_the_relativistic_loss_where_it_is_chosen() -> None:
    """The trap of a generator whose loss is written over by the plain one."""
    networks = players(fake=-0.3, slope=4.0)
    chosen = ProjectionGANHyperparameters(loss="relativistic", penalty_weight=0, final_penalty_weight=0)
    difference = 4.0 * (0.5 + 0.3)
    assert terms(compute_discriminator_loss, networks, chosen, 0.5) == pytest.approx(
        {"pairing": math.log1p(math.exp(-difference))}
    )
    assert terms(compute_generator_loss, networks, chosen, 0.5) == pytest.approx(
        {"pairing": math.log1p(math.exp(difference))}
    )


@pytest.mark.parametrize("loss", ["non_saturating", "relativistic"])
def test_fakes_are_asked_for_by_the_labels_of_the_real_batch(loss: str) -> None:
    """Other labels would shift the best logit by their log ratio, and pair pictures of different classes."""
    trainer = train(FAMILY, generator_width=2, discriminator_width=2, feature_dim=8, loss=loss)
    told: list[Tensor] = []
    for network in trainer.networks.values():
        network.register_forward_pre_hook(lambda module, inputs: told.append(inputs[1]))
    wanted = trainer._batch(0).labels
    trainer.step()
    assert len(torch.unique(wanted)) > 1
    assert all(torch.equal(labels, wanted) for labels in told)
