"""What Zhao, Mathieu & LeCun say, in closed form."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from models import MNIST, SEGMENTS, Batch, ModelConfig
from models.ebgan import (
    FAMILY,
    EBGANHyperparameters,
    build,
    compute_discriminator_loss,
    compute_generator_loss,
    pulling_away_term,
    reconstruction_norm,
    score,
)
from tests.models.closed_form import COUNT, PIXELS, SHAPE, Grey, grey_batch, step_noise, terms

NORM_OF_WHITE = PIXELS**0.5


class Share(nn.Flatten):
    """A share of each number of a picture, in a row."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, images: Tensor) -> Tensor:
        return self.share * super().forward(images)


class Scaling(nn.Module):
    """An autoencoder that reconstructs `share` of a picture; the code is that share."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.encoder = Share(share)
        self.decoder = nn.Unflatten(1, SHAPE)

    def forward(self, images: Tensor) -> Tensor:
        reconstructions: Tensor = self.decoder(self.encoder(images))
        return reconstructions


class Shades(nn.Module):
    """A generator whose pictures are of one grey each."""

    def __init__(self, *levels: float) -> None:
        super().__init__()
        self.levels = torch.tensor(levels)

    def forward(self, latent: Tensor) -> Tensor:
        return self.levels[:, None, None, None].expand(-1, *SHAPE)


def networks_of(generator: nn.Module, share: float = 0.5) -> nn.ModuleDict:
    return nn.ModuleDict({"generator": generator, "discriminator": Scaling(share)})


def small(**values: Any) -> ModelConfig[EBGANHyperparameters]:
    return ModelConfig(EBGANHyperparameters(**({"width": 8, "hidden": 32} | values)), SEGMENTS)


# --- The energy ---------------------------------------------------------------------------------------------------


def test_energy_is_the_norm_over_all_pixels_of_each_picture() -> None:
    images, reconstructions = torch.randn(3, 2, 5, 5), torch.randn(3, 2, 5, 5)
    by_hand = [np.linalg.norm((i - r).numpy().ravel()) for i, r in zip(images, reconstructions, strict=True)]
    found = reconstruction_norm(images, reconstructions)
    torch.testing.assert_close(found, torch.tensor(np.array(by_hand)))


def test_energy_is_computed_in_full_precision() -> None:
    images = torch.randn(3, 1, 16, 16)
    assert reconstruction_norm(images, images.bfloat16()).dtype == torch.float32
    assert pulling_away_term(torch.randn(3, 4).bfloat16()).dtype == torch.float32


def test_a_perfect_reconstruction_has_a_finite_slope() -> None:
    images = torch.zeros(2, 1, 4, 4, requires_grad=True)
    reconstruction_norm(images, torch.zeros(2, 1, 4, 4)).sum().backward()  # type: ignore[no-untyped-call]
    assert images.grad is not None
    assert images.grad.isfinite().all()


def test_gradient_passes_through_the_reconstruction_and_through_the_target() -> None:
    """|x/2 - x| has the slope x / (2 |x|); a target that is held would turn it round."""
    images = torch.randn(2, 1, 4, 4).double().requires_grad_()
    (slope,) = torch.autograd.grad(reconstruction_norm(images, 0.5 * images).sum(), images)
    norms = images.detach().flatten(1).norm(dim=1)[:, None, None, None]
    torch.testing.assert_close(slope, images.detach() / (2 * norms))


def test_the_generator_learns_through_the_target_too() -> None:
    """Half of a picture is missed, so its pictures shrink; towards a target that is held they would grow."""
    networks = networks_of(Shades(0.5, 0.5))
    levels = networks["generator"].levels = nn.Parameter(torch.tensor([0.5, 0.5]))
    energy = compute_generator_loss(networks, grey_batch(0), small(), step_noise(2)).total()
    assert energy.item() == pytest.approx(0.25 * NORM_OF_WHITE)
    (slope,) = torch.autograd.grad(energy, levels)
    torch.testing.assert_close(slope, torch.full((2,), 0.5 * NORM_OF_WHITE / 2))


# --- The losses ---------------------------------------------------------------------------------------------------


def test_losses_are_the_energy_and_a_hinge_below_the_margin() -> None:
    networks = networks_of(Grey(0.5))
    found = terms(compute_discriminator_loss, networks, EBGANHyperparameters(margin=10), 0.25)
    energy_real, energy_fake = 0.125 * NORM_OF_WHITE, 0.25 * NORM_OF_WHITE
    assert found == pytest.approx({"real": energy_real, "fake": 10 - energy_fake})


def test_the_hinge_closes_at_the_margin() -> None:
    networks = networks_of(Grey(1.0))
    energy = 0.5 * NORM_OF_WHITE
    for margin, expected in ((energy + 1, 1.0), (energy, 0.0), (energy - 1, 0.0)):
        found = terms(compute_discriminator_loss, networks, EBGANHyperparameters(margin=margin), 0.0)
        assert found["fake"] == pytest.approx(expected, abs=1e-5)


def test_the_hinge_is_taken_of_each_picture_before_the_mean() -> None:
    """Energies 0, 0, 0 and 16 with m = 4: the mean of the hinges is 3, the hinge of the mean 0."""
    networks = networks_of(Shades(0.0, 0.0, 0.0, 1.0), share=0.0)
    found = terms(compute_discriminator_loss, networks, EBGANHyperparameters(margin=4), 0.0)
    assert found["fake"] == pytest.approx(3.0, abs=1e-5)


def test_the_margin_is_on_the_scale_of_the_norm() -> None:
    """A bad reconstruction of a digit is beyond 10; the mean square of a pixel's error is at most 4."""
    black, white = -torch.ones(2, 1, 28, 28), torch.ones(2, 1, 28, 28)
    margin = FAMILY.preset("paper").hyperparameters.margin
    assert margin == 10
    assert (reconstruction_norm(black, white) > margin).all()
    assert (reconstruction_norm(black, 0 * white) > margin).all()
    assert (black - white).square().mean() < margin


def test_energies_are_logged_and_the_score_is_their_negative() -> None:
    networks, batch = networks_of(Grey(0.5)), grey_batch(0.25)
    observed = compute_discriminator_loss(networks, batch, small(), step_noise()).observed
    assert observed["energy_real"].item() == pytest.approx(0.125 * NORM_OF_WHITE)
    assert observed["energy_fake"].item() == pytest.approx(0.25 * NORM_OF_WHITE)
    scores = score(networks, small(), batch.images, batch.labels)
    torch.testing.assert_close(scores, torch.full((COUNT,), -0.125 * NORM_OF_WHITE))


# --- The pulling-away term ----------------------------------------------------------------------------------------


def test_orthogonal_codes_have_no_pulling_away_term_and_parallel_ones_the_largest() -> None:
    assert pulling_away_term(3 * torch.eye(4)).item() == 0
    parallel = torch.tensor([[1.0, 2.0], [2.0, 4.0], [-1.0, -2.0]])
    assert pulling_away_term(parallel).item() == pytest.approx(1)


def test_pulling_away_term_is_the_double_sum_of_the_paper() -> None:
    codes = np.random.default_rng(0).normal(size=(5, 3))
    total = 0.0
    for i in range(5):
        for j in range(5):
            if i != j:
                cosine = codes[i] @ codes[j] / (np.linalg.norm(codes[i]) * np.linalg.norm(codes[j]))
                total += cosine**2
    assert pulling_away_term(torch.tensor(codes)).item() == pytest.approx(total / (5 * 4))


def test_pulling_away_term_squares_the_cosines() -> None:
    """Opposite codes are as bad as equal ones: without the square they would cancel equal ones."""
    codes = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    assert pulling_away_term(codes).item() == pytest.approx(1)


def test_pulling_away_term_ignores_the_lengths_of_codes() -> None:
    """Each is divided by its norm over the features: dividing over the batch would see lengths."""
    codes = torch.randn(4, 6)
    lengths = torch.tensor([0.1, 1.0, 10.0, 3.0])[:, None]
    torch.testing.assert_close(pulling_away_term(codes), pulling_away_term(lengths * codes))


def test_a_code_of_zeros_has_a_finite_slope() -> None:
    codes = torch.tensor([[0.0, 0.0], [1.0, 1.0], [1.0, 0.0]], requires_grad=True)
    (slope,) = torch.autograd.grad(pulling_away_term(codes), codes)
    assert slope.isfinite().all()


def test_pulling_away_is_the_generators_alone_and_of_a_tenth() -> None:
    networks, batch = networks_of(Grey(0.5)), grey_batch(0.5)
    chosen = FAMILY.preset("pulling_away").hyperparameters
    config = ModelConfig(chosen, SEGMENTS)
    assert chosen.pulling_away_weight == 0.1
    assert set(compute_discriminator_loss(networks, batch, config, step_noise()).terms) == {"real", "fake"}
    generator = compute_generator_loss(networks, batch, config, step_noise()).terms
    assert generator["pulling_away"].item() == pytest.approx(0.1)
    assert set(compute_generator_loss(networks, batch, small(), step_noise()).terms) == {"energy"}


@pytest.mark.parametrize("preset", list(FAMILY.presets))
def test_pulling_away_is_taken_on_the_encoders_output(preset: str) -> None:
    values = FAMILY.preset(preset).hyperparameters.model_dump() | {"hidden": 32, "width": 8, "code_dim": 16}
    config = FAMILY.configure(values | {"pulling_away_weight": 2.0}, SEGMENTS)
    networks = build(config).eval()
    batch = Batch(torch.zeros(6, *SHAPE), torch.zeros(6).long())
    term = compute_generator_loss(networks, batch, config, step_noise(6)).terms["pulling_away"]
    fake = FAMILY.sample(networks, config, step_noise(6), batch.labels)
    codes = networks["discriminator"].get_submodule("encoder")(fake)
    assert codes.shape == (6, 16)
    torch.testing.assert_close(term, 2 * pulling_away_term(codes))


# --- The paper's preset -------------------------------------------------------------------------------------------


def test_paper_preset_is_fully_connected_with_a_decoder_of_one_layer() -> None:
    config = ModelConfig(FAMILY.preset("paper").hyperparameters, MNIST)
    networks = build(config)
    shapes = {
        name: [(m.in_features, m.out_features) for m in network.modules() if isinstance(m, nn.Linear)]
        for name, network in networks.items()
    }
    assert shapes["generator"] == [(64, 800), (800, 800), (800, 800), (800, 800), (800, 784)]
    assert shapes["discriminator"] == [(784, 1024), (1024, 1024), (1024, 784)]
    assert not any(isinstance(m, nn.Conv2d | nn.ConvTranspose2d) for m in networks.modules())
    for phase in FAMILY.phases(config):
        (group,) = phase.optimizer([nn.Parameter(torch.zeros(1))]).param_groups
        assert group["lr"] == 1e-3
