"""What Mao et al. say, in closed form."""

from typing import Any

import pytest
import torch
from torch import nn

from models import SEGMENTS, ModelConfig
from models.lsgan import FAMILY, LSGANHyperparameters, compute_discriminator_loss, compute_generator_loss
from tests.models.closed_form import grey_batch, players, step_noise, terms


def losses(fake: float, **values: Any) -> tuple[dict[str, float], dict[str, float]]:
    """The terms of both players where D(x) = 0.5 and D(G(z)) = fake."""
    chosen, networks = LSGANHyperparameters(**values), players(fake=fake)
    discriminator = terms(compute_discriminator_loss, networks, chosen, 0.5)
    return discriminator, terms(compute_generator_loss, networks, chosen, 0.5)


def test_losses_are_half_the_squared_distances_to_the_marks() -> None:
    discriminator, generator = losses(-0.2)
    assert discriminator == pytest.approx({"real": 0.5 * 0.5**2, "fake": 0.5 * 0.2**2})
    assert generator == pytest.approx({"least_squares": 0.5 * 1.2**2})


def test_the_marks_can_be_those_of_pearsons_divergence() -> None:
    discriminator, generator = losses(0.3, fake_mark=-1.0, real_mark=1.0, aim=0.0)
    assert discriminator == pytest.approx({"real": 0.5 * 0.5**2, "fake": 0.5 * 1.3**2})
    assert generator == pytest.approx({"least_squares": 0.5 * 0.3**2})


def test_pearsons_divergence_is_what_the_generator_minimises() -> None:
    """Section 3, on a distribution over three points, at the best discriminator, eq. 5."""
    p, q = torch.tensor([0.5, 0.3, 0.2]).double(), torch.tensor([0.1, 0.3, 0.6]).double()
    a, b, c = -1.0, 1.0, 0.0
    best = (b * p + a * q) / (p + q)
    slope = p * (best - b) + q * (best - a)
    torch.testing.assert_close(slope, torch.zeros(3).double())
    both_sides = (p * (best - c) ** 2).sum() / 2 + (q * (best - c) ** 2).sum() / 2
    divergence = ((2 * q - (p + q)) ** 2 / (p + q)).sum()
    torch.testing.assert_close(2 * both_sides, divergence)


def test_no_sigmoid_comes_before_the_squares() -> None:
    """The trap of a probability in the place of the output: a fake beyond its mark would not be brought back."""
    _, generator = losses(3.0)
    assert generator == pytest.approx({"least_squares": 0.5 * 2**2})
    assert not any(isinstance(m, nn.Sigmoid) for m in FAMILY.build(FAMILY.configure({}, SEGMENTS)).modules())


def test_both_mean_outputs_are_logged() -> None:
    """The trap of a drift, which the losses of both players hide."""
    networks, config = players(fake=-0.2, slope=3.0), ModelConfig(LSGANHyperparameters(), SEGMENTS)
    observed = compute_discriminator_loss(networks, grey_batch(0.5), config, step_noise()).observed
    assert {name: value.item() for name, value in observed.items()} == pytest.approx(
        {"output_real": 1.5, "output_fake": -0.6}
    )


def test_the_paper_preset_is_the_authors_recipe() -> None:
    chosen = FAMILY.preset("paper").hyperparameters
    assert (chosen.latent_dim, chosen.learning_rate, chosen.beta1, chosen.latent) == (1024, 1e-3, 0.5, "uniform")
