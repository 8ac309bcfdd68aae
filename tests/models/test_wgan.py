"""What Arjovsky, Chintala & Bottou say, in closed form."""

from typing import Any

import pytest
import torch
from torch import nn

from models import SEGMENTS, ModelConfig
from models.wgan import FAMILY, WGANHyperparameters, clip_weights, compute_critic_loss
from tests.models.closed_form import all_differ, grey_batch, inputs_of, players, step_noise, terms
from tests.training import BATCH_SIZE, train
from workers.trainer import Trainer

CONFIG = ModelConfig(WGANHyperparameters(), SEGMENTS)
CLIP = 0.01


def small(*, steps: int = 0, **values: Any) -> Trainer:
    return train(FAMILY, steps=steps, width=8, hidden=32, **values)


def weights_of(critic: nn.Module) -> list[nn.Parameter]:
    """All but batch norm's."""
    kept = [m for m in critic.modules() if not isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
    return [parameter for module in kept for parameter in module.parameters(recurse=False)]


# --- Losses -------------------------------------------------------------------------------------------------------


def test_losses_are_mean_scores() -> None:
    networks = players(fake=-0.2, slope=3.0, judge="critic")
    critic, generator = (terms(phase.loss, networks, WGANHyperparameters(), 0.5) for phase in FAMILY.phases(CONFIG))
    assert critic == pytest.approx({"real": -1.5, "fake": -0.6})
    assert generator == pytest.approx({"wasserstein": 0.6})


def test_estimate_of_a_critic_of_slope_one_is_the_distance_of_two_pictures() -> None:
    networks = players(fake=-0.2, slope=SEGMENTS.size, judge="critic")
    observed = compute_critic_loss(networks, grey_batch(0.5), CONFIG, step_noise()).observed
    distance = torch.full((SEGMENTS.size**2,), 0.7).norm().item()
    assert observed["wasserstein_estimate"].item() == pytest.approx(distance)


def test_estimate_is_a_metric_of_the_job_and_the_critics_loss_negated() -> None:
    found = small().step()
    expected = -(found["critic/real"] + found["critic/fake"])
    assert found["critic/wasserstein_estimate"].item() == pytest.approx(expected.item())


def test_scores_are_not_bounded() -> None:
    """The trap of a sigmoid or a logarithm: the losses of a critic a thousand times as steep grow as much."""
    once, more = (
        terms(compute_critic_loss, players(fake=-0.2, slope=slope, judge="critic"), WGANHyperparameters(), 0.5)
        for slope in (1.0, 1000.0)
    )
    assert more == pytest.approx({name: 1000 * value for name, value in once.items()})
    assert not any(isinstance(module, nn.Sigmoid) for module in FAMILY.build(CONFIG).modules())


# --- Clipping -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_norm", [True, False])
def test_clipping_bounds_every_critic_weight_and_nothing_else(batch_norm: bool) -> None:
    trainer = small(batch_norm=batch_norm)
    weights = {id(weight) for weight in weights_of(trainer.networks["critic"])}
    loss = FAMILY.phases(trainer.config)[0].loss(trainer.networks, grey_batch(0.5), trainer.config, step_noise())
    with torch.no_grad():
        for value in trainer.networks.state_dict().values():
            value.fill_(3)
    clip_weights(trainer.networks, trainer.config, loss)
    for name, value in trainer.networks.state_dict(keep_vars=True).items():
        assert (value == (torch.tensor(CLIP) if id(value) in weights else 3)).all(), name


def test_clipping_keeps_what_is_within_and_reaches_both_ends() -> None:
    networks = FAMILY.build(ModelConfig(WGANHyperparameters(width=8, hidden=32), SEGMENTS))
    weight = weights_of(networks["critic"])[0]
    with torch.no_grad():
        weight.view(-1)[:4] = torch.tensor([-1.0, -0.004, 0.004, 1.0])
    clip_weights(networks, CONFIG, compute_critic_loss(networks, grey_batch(0.0), CONFIG, step_noise()))
    assert weight.view(-1)[:4].tolist() == pytest.approx([-CLIP, -0.004, 0.004, CLIP])


def test_weights_are_clipped_after_every_step_of_the_critic() -> None:
    trainer = small()
    critic = trainer.networks["critic"]
    largest: list[float] = []
    critic.register_forward_pre_hook(
        lambda module, inputs: largest.append(max(weight.abs().max().item() for weight in weights_of(critic)))
    )
    for _ in range(2):
        trainer.step()
    first_step, later = largest[:2], largest[2:]
    assert min(first_step) > CLIP  # the initial weights
    assert len(later) == 2 * (5 * 2 + 1) - 2
    assert max(later) <= CLIP * (1 + 1e-6)


def test_batch_norm_is_not_switched_off_by_the_clipping() -> None:
    """The trap of clipping all parameters, or even buffers."""
    critic = small(steps=2).networks["critic"]
    norms = [module for module in critic.modules() if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)]
    assert len(norms) == 2
    for norm in norms:
        assert norm.weight.min() > 0.9
        assert norm.running_var is not None
        assert norm.running_var.max() > CLIP


# --- The game -----------------------------------------------------------------------------------------------------


def test_each_step_of_the_critic_has_real_pictures_and_latents_of_its_own() -> None:
    trainer = small()
    judged, latents = inputs_of(trainer.networks["critic"]), inputs_of(trainer.networks["generator"])
    trainer.step()
    assert (len(judged), len(latents)) == (5 * 2 + 1, 5 + 1)
    assert all_differ(judged[0:10:2])
    assert all_differ(latents)
    assert trainer.images_seen == 5 * BATCH_SIZE


def test_the_optimiser_is_rmsprop_without_momentum() -> None:
    """Adam's momentum makes the critic unstable; it is there for whoever wants to see."""
    for phase in FAMILY.phases(CONFIG):
        optimizer = phase.optimizer([nn.Parameter(torch.zeros(1))])
        assert isinstance(optimizer, torch.optim.RMSprop)
        assert (optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["momentum"]) == (5e-5, 0)
    with_adam = ModelConfig(WGANHyperparameters(optimizer="adam"), SEGMENTS)
    assert isinstance(FAMILY.phases(with_adam)[0].optimizer([nn.Parameter(torch.zeros(1))]), torch.optim.Adam)


def test_presets_are_the_authors_recipe() -> None:
    for name, latent in (("neutral", ("uniform", 64)), ("paper", ("normal", 100))):
        preset = FAMILY.preset(name)
        chosen = preset.hyperparameters
        assert (chosen.discriminator_steps, chosen.weight_clip, chosen.learning_rate) == (5, 0.01, 5e-5)
        assert (chosen.latent, chosen.latent_dim, preset.batch_size) == (*latent, 64)
