"""What Mescheder, Geiger & Nowozin say, in closed form."""

from math import hypot

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from models import SEGMENTS, Batch, ModelConfig
from models.gan_r1 import FAMILY, GANR1Hyperparameters, compute_discriminator_loss
from tests.models.closed_form import COUNT, SHAPE, Bowl, grey_batch, inputs_of, players, step_noise, terms
from tests.training import train

CONFIG = ModelConfig(GANR1Hyperparameters(), SEGMENTS)
STEEP = float(SEGMENTS.size)
"""Of this slope, a brightness has a gradient of norm 1."""


def pictures() -> Batch:
    images = torch.rand(COUNT, *SHAPE, generator=torch.Generator().manual_seed(1)) * 1.5 - 1
    return Batch(images, torch.zeros(COUNT, dtype=torch.int64))


# --- The penalty --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("gamma", "norm"), [(1.0, 1.0), (1.0, 3.0), (10.0, 0.5)])
def test_penalty_of_a_linear_logit_is_half_of_gamma_times_its_squared_slope(gamma: float, norm: float) -> None:
    chosen = GANR1Hyperparameters(penalty_weight=gamma)
    found = terms(compute_discriminator_loss, players(fake=-0.2, slope=norm * STEEP), chosen, 0.5)
    assert found["penalty"] == pytest.approx(gamma / 2 * norm**2)


def test_the_authors_ten_is_a_gamma_of_twenty() -> None:
    """The trap of the half: GAN_stability has reg_param E |grad|^2 with reg_param = 10."""
    chosen = FAMILY.preset("paper").hyperparameters
    found = terms(compute_discriminator_loss, players(fake=-0.2, slope=3 * STEEP), chosen, 0.5)
    assert found["penalty"] == pytest.approx(10 * 3**2)


def test_penalty_is_taken_at_real_pictures_alone_over_all_their_pixels() -> None:
    batch = pictures()
    norms = (batch.images.numpy().reshape(COUNT, -1) ** 2).sum(axis=1)
    for fake in (-0.9, 0.0, 0.9):
        networks = players(fake=fake)
        networks["discriminator"] = Bowl()
        found = compute_discriminator_loss(networks, batch, CONFIG, step_noise()).terms["penalty"]
        assert found.item() == pytest.approx(norms.mean() / 2, rel=1e-5)


def test_penalty_is_of_the_logit_and_not_of_the_probability() -> None:
    found = terms(compute_discriminator_loss, players(fake=-1.0, slope=100 * STEEP), CONFIG.hyperparameters, 1.0)
    assert found["penalty"] == pytest.approx(100**2 / 2)


def test_every_step_is_penalised() -> None:
    """A lazy penalty, now and then but heavier, is not the paper's."""
    found = [
        compute_discriminator_loss(players(fake=-0.2, slope=STEEP), grey_batch(0.5, step=step), CONFIG, step_noise())
        for step in range(4)
    ]
    assert [objective.terms["penalty"].item() for objective in found] == pytest.approx([0.5] * 4)


def test_the_batch_stays_as_it_was() -> None:
    batch = pictures()
    compute_discriminator_loss(players(fake=-0.2), batch, CONFIG, step_noise())
    assert not batch.images.requires_grad


def test_batch_norm_in_the_discriminator_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"batch_norm(.|\n)*couples"):
        FAMILY.configure({"batch_norm": True}, SEGMENTS)
    discriminator = FAMILY.build(CONFIG)["discriminator"]
    assert not any(isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) for module in discriminator.modules())


def test_losses_are_precise_where_the_networks_are_not() -> None:
    networks = FAMILY.build(CONFIG)
    with torch.autocast("cpu", torch.bfloat16):
        rough = compute_discriminator_loss(networks, pictures(), CONFIG, step_noise()).terms
    exact = compute_discriminator_loss(networks, pictures(), CONFIG, step_noise()).terms
    for name, term in rough.items():
        assert term.dtype == torch.float32
        assert term.item() == pytest.approx(exact[name].item(), rel=0.02, abs=0.02)


# --- The Dirac-GAN ------------------------------------------------------------------------------------------------


class Point(nn.Module):
    """A generator whose pictures have one pixel, of a value that it learns: the theta of definition 2.1."""

    def __init__(self) -> None:
        super().__init__()
        self.place = nn.Parameter(torch.tensor(0.1))

    def forward(self, latent: Tensor) -> Tensor:
        return self.place.expand(len(latent), 1, 1, 1)


class Line(nn.Module):
    """A discriminator psi x, of a slope that it learns."""

    def __init__(self) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(0.1))

    def forward(self, images: Tensor) -> Tensor:
        return self.slope * images.flatten()


def distance_after(steps: int, gamma: float) -> float:
    """How far theta and psi are from the solution (0, 0) after steps of 0.1; they begin at a distance of 0.14."""
    networks = nn.ModuleDict({"generator": Point(), "discriminator": Line()})
    config = ModelConfig(GANR1Hyperparameters(penalty_weight=gamma), SEGMENTS)
    batch = Batch(torch.zeros(1, 1, 1, 1), torch.zeros(1, dtype=torch.int64))
    for _ in range(steps):
        for phase in FAMILY.phases(config):
            parameters = [parameter for name in phase.trains for parameter in networks[name].parameters()]
            loss = phase.loss(networks, batch, config, step_noise(1)).total()
            for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
                parameter.data -= 0.1 * gradient
    return hypot(*(parameter.item() for parameter in networks.parameters()))


@pytest.mark.parametrize("gamma", [0.5, 1.0])
def test_the_dirac_gan_converges_with_the_penalty(gamma: float) -> None:
    assert distance_after(400, gamma) < 1e-3


def test_the_dirac_gan_circles_its_solution_without_the_penalty() -> None:
    assert distance_after(400, gamma=0.0) > 0.13


# --- The game -----------------------------------------------------------------------------------------------------


def test_one_step_of_the_discriminator_judges_the_real_and_the_fake_pictures_once() -> None:
    trainer = train(FAMILY, width=8, hidden=32)
    judged = inputs_of(trainer.networks["discriminator"])
    trainer.step()
    assert len(judged) == 2 + 1


def test_the_paper_preset_is_the_authors_recipe() -> None:
    preset = FAMILY.preset("paper")
    chosen = preset.hyperparameters
    assert (chosen.latent, chosen.latent_dim, preset.batch_size) == ("normal", 256, 64)
    assert 0.5 ** (preset.batch_size / preset.averaging_half_life) == pytest.approx(0.999, abs=1e-7)
    for phase in FAMILY.phases(ModelConfig(chosen, SEGMENTS)):
        optimizer = phase.optimizer([nn.Parameter(torch.zeros(1))])
        assert isinstance(optimizer, torch.optim.RMSprop)
        assert optimizer.param_groups[0]["lr"] == 1e-4


def test_the_neutral_preset_differs_from_others_by_its_loss_alone() -> None:
    chosen = FAMILY.preset("neutral").hyperparameters
    assert chosen.penalty_weight == 1
    (group,) = FAMILY.phases(CONFIG)[0].optimizer([nn.Parameter(torch.zeros(1))]).param_groups
    assert (group["lr"], group["betas"]) == (2e-4, (0.5, 0.999))
