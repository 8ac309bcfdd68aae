"""What Kodali et al. and their notebook say, in closed form."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from models import SEGMENTS, Batch, ModelConfig, Noise
from models.dragan import FAMILY, DRAGANHyperparameters, compute_discriminator_loss, perturb
from tests.models.closed_form import COUNT, SHAPE, Bowl, grey_batch, inputs_of, players, step_noise, terms
from tests.training import train

CONFIG = ModelConfig(DRAGANHyperparameters(), SEGMENTS)
STEEP = float(SEGMENTS.size)
"""Of this slope, a brightness has a gradient of norm 1."""


def penalty(*, real: float, fake: float, slope: float) -> float:
    networks = players(fake=fake, slope=slope)
    return terms(compute_discriminator_loss, networks, CONFIG.hyperparameters, real)["penalty"]


def pictures(count: int = COUNT) -> Tensor:
    return torch.rand(count, *SHAPE, generator=torch.Generator().manual_seed(1)) * 1.5 - 1


class KnownNoise(Noise):
    """Gives what it is given, and refuses other shapes, other ranges and normal numbers."""

    def __init__(self, *draws: Tensor) -> None:
        self.count = len(draws[0])
        self._draws: Iterator[Tensor] = iter(draws)

    def normal(self, *shape: int) -> Tensor:
        raise AssertionError("the noise is uniform")

    def uniform(self, *shape: int, low: float = -1.0, high: float = 1.0) -> Tensor:
        drawn = next(self._draws)
        assert ((self.count, *shape), low, high) == (drawn.shape, 0, 1)
        return drawn


# --- The noise ----------------------------------------------------------------------------------------------------


def test_noise_is_drawn_for_each_pixel_and_its_share_for_each_picture() -> None:
    """The trap of a share for each pixel."""
    real, noise, share = pictures(), torch.rand(COUNT, *SHAPE), torch.rand(COUNT)
    found = perturb(real, 0.5, KnownNoise(noise, share))
    deviation = real.numpy().std()  # numpy's: over all pixels of the batch, divided by their number
    torch.testing.assert_close(found, real + share[:, None, None, None] * 0.5 * deviation * noise)


def test_noise_only_brightens_and_has_a_bound() -> None:
    real = pictures(400)
    moved = perturb(real, 0.5, step_noise(400)) - real
    bound = 0.5 * real.std(correction=0)
    assert moved.min() > -1e-6
    assert moved.max() < bound
    assert (moved.mean() / bound).item() == pytest.approx(1 / 4, abs=0.02)  # E a u


# --- The penalty --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("norm", [0.25, 1.0, 3.0])
def test_penalty_of_a_linear_logit_is_ten_times_the_squared_distance_of_its_slope_from_one(norm: float) -> None:
    assert penalty(real=0.5, fake=-0.2, slope=norm * STEEP) == pytest.approx(10 * (norm - 1) ** 2, rel=1e-5, abs=1e-6)


def test_penalty_takes_the_norm_of_each_picture_over_all_its_pixels() -> None:
    networks = players(fake=0.0)
    networks["discriminator"] = Bowl()
    judged = inputs_of(networks["discriminator"])
    batch = Batch(pictures(), torch.zeros(COUNT, dtype=torch.int64))
    found = compute_discriminator_loss(networks, batch, CONFIG, step_noise()).terms["penalty"]
    norms = (judged[-1].numpy().reshape(COUNT, -1) ** 2).sum(axis=1) ** 0.5
    assert found.item() == pytest.approx(10 * ((norms - 1) ** 2).mean(), rel=1e-5)


def test_penalty_is_taken_around_real_pictures_alone() -> None:
    """Real pictures of one grey have no deviation, so the points are the pictures; no fake is among them."""
    networks = players(fake=0.9)
    judged = inputs_of(networks["discriminator"])
    compute_discriminator_loss(networks, grey_batch(-0.2), CONFIG, step_noise())
    assert len(judged) == 3
    for images, level in zip(judged, (-0.2, 0.9, -0.2), strict=True):
        torch.testing.assert_close(images, torch.full_like(images, level))


def test_penalty_is_of_the_logit_and_not_of_the_probability() -> None:
    """Where the discriminator is sure, the probability has no slope, and its penalty would be lambda."""
    assert penalty(real=1.0, fake=-1.0, slope=100 * STEEP) == pytest.approx(10 * 99**2, rel=1e-5)


def test_a_discriminator_without_slope_has_a_finite_penalty() -> None:
    assert penalty(real=0.5, fake=-0.2, slope=0.0) == pytest.approx(10, rel=1e-5)


def test_losses_are_precise_where_the_networks_are_not() -> None:
    networks = FAMILY.build(CONFIG)
    batch = Batch(pictures(), torch.zeros(COUNT, dtype=torch.int64))
    with torch.autocast("cpu", torch.bfloat16):
        rough = compute_discriminator_loss(networks, batch, CONFIG, step_noise()).terms
    exact = compute_discriminator_loss(networks, batch, CONFIG, step_noise()).terms
    for name, term in rough.items():
        assert term.dtype == torch.float32
        assert term.item() == pytest.approx(exact[name].item(), rel=0.02, abs=0.02)


# --- The game -----------------------------------------------------------------------------------------------------


def test_one_step_of_the_discriminator_judges_three_batches() -> None:
    trainer = train(FAMILY, width=8, hidden=32)
    judged = inputs_of(trainer.networks["discriminator"])
    trainer.step()
    real, _fake, points, _next_fake = judged
    assert (points - real).min() >= -1e-6
    assert (points - real).max() > 0


def test_the_discriminator_has_batch_norm_only_where_asked_for() -> None:
    for preset in FAMILY.presets.values():
        assert preset.hyperparameters.batch_norm is False
        networks = FAMILY.build(ModelConfig(preset.hyperparameters, SEGMENTS))
        assert not any("Norm" in type(module).__name__ for module in networks["discriminator"].modules())


def test_the_paper_preset_is_the_notebooks_recipe() -> None:
    preset = FAMILY.preset("paper")
    chosen = preset.hyperparameters
    assert (chosen.penalty_weight, chosen.noise_scale, chosen.discriminator_steps) == (10, 0.5, 1)
    assert (chosen.latent, chosen.latent_dim, preset.batch_size) == ("uniform", 100, 128)
    for phase in FAMILY.phases(ModelConfig(chosen, SEGMENTS)):
        (group,) = phase.optimizer([nn.Parameter(torch.zeros(1))]).param_groups
        assert (group["lr"], group["betas"]) == (1e-4, (0.5, 0.9))
