"""What Kingma & Welling say, in closed form."""

from math import log
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn
from torch.distributions import Normal, kl_divergence
from torch.nn.functional import binary_cross_entropy

from models import MNIST, SEGMENTS, ModelConfig, NoScoreError, Objective
from models._neutral import NeutralGenerator
from models.vae import (
    FAMILY,
    VAEHyperparameters,
    build,
    compute_loss,
    divergence_from_prior,
    negative_log_likelihood,
    sample,
)
from tests.models.closed_form import COUNT, PIXELS, SHAPE, grey_batch, step_noise
from tests.training import train

DIM = 5


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def configure(**values: Any) -> ModelConfig[VAEHyperparameters]:
    return ModelConfig(VAEHyperparameters.model_validate({"latent_dim": DIM} | values), SEGMENTS)


class Believes(nn.Module):
    """An encoder that says the same of every picture."""

    def __init__(self, mean: float, variance: float) -> None:
        super().__init__()
        self.mean, self.log_variance = (nn.Parameter(torch.tensor(value)) for value in (mean, log(variance)))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return self.mean.expand(len(images), DIM), self.log_variance.expand(len(images), DIM)


class Paints(nn.Module):
    """A generator whose numbers are `slope` times the first latent, and which remembers its latents."""

    def __init__(self, slope: float = 0.0) -> None:
        super().__init__()
        self.slope = slope
        self.latents: list[Tensor] = []

    def forward(self, latents: Tensor) -> Tensor:
        self.latents.append(latents)
        return (self.slope * latents[:, :1, None, None]).expand(-1, *SHAPE)


def bound(encoder: nn.Module, generator: nn.Module, *, count: int = COUNT, **values: Any) -> Objective:
    batch = grey_batch(0.5)
    batch = type(batch)(batch.images[:1].expand(count, -1, -1, -1), batch.labels[:1].expand(count))
    networks = nn.ModuleDict({"encoder": encoder, "generator": generator})
    return compute_loss(networks, batch, configure(**values), step_noise(count))


# --- The two parts ------------------------------------------------------------------------------------------------


def test_divergence_is_that_of_two_normal_distributions() -> None:
    mean, log_variance = random(6, DIM, seed=1), random(6, DIM, seed=2)
    ours = Normal(mean, (log_variance / 2).exp())
    prior = Normal(torch.zeros_like(mean), torch.ones_like(mean))
    torch.testing.assert_close(divergence_from_prior(mean, log_variance), kl_divergence(ours, prior).sum(dim=1))


def test_divergence_vanishes_at_the_prior_alone() -> None:
    zero = torch.zeros(2, DIM)
    assert divergence_from_prior(zero, zero).tolist() == [0.0, 0.0]
    assert (divergence_from_prior(zero + 0.1, zero) > 0).all()
    assert (divergence_from_prior(zero, zero - 0.1) > 0).all()
    assert (divergence_from_prior(zero, zero + 0.1) > 0).all()


def test_bernoulli_likelihood_is_the_cross_entropy_summed_over_pixels_in_the_unit_range() -> None:
    logits, images = 3 * random(6, 1, 4, 4, seed=1), random(6, 1, 4, 4, seed=2).tanh()
    expected = binary_cross_entropy(logits.sigmoid(), (images + 1) / 2, reduction="none").flatten(1).sum(dim=1)
    torch.testing.assert_close(negative_log_likelihood(logits, images, configure()), expected)


def test_gaussian_likelihood_is_that_of_normal_pixels_around_the_picture_that_is_drawn() -> None:
    logits, images = 3 * random(6, 1, 4, 4, seed=1), random(6, 1, 4, 4, seed=2).tanh()
    drawn = 2 * logits.sigmoid() - 1
    density = Normal(drawn, torch.full_like(drawn, 0.3)).log_prob(images)  # type: ignore[no-untyped-call]
    expected = -density.flatten(1).sum(dim=1)
    found = negative_log_likelihood(logits, images, configure(likelihood="gaussian", deviation=0.3))
    torch.testing.assert_close(found, expected)


def test_a_wrong_pixel_is_corrected_however_sure_the_generator_is() -> None:
    """The trap of a sigmoid on its own, which rounds to 1: then no gradient would be left."""
    logits = torch.full((1, 1, 1, 2), 100.0, requires_grad=True)
    loss = negative_log_likelihood(logits, torch.full((1, 1, 1, 2), -1.0), configure())
    (gradient,) = torch.autograd.grad(loss.sum(), logits)
    assert loss.item() == pytest.approx(200)
    torch.testing.assert_close(gradient, torch.ones_like(gradient))


# --- The bound ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [COUNT, 3 * COUNT])
def test_bound_is_a_sum_over_pixels_and_latents_and_a_mean_over_the_batch(count: int) -> None:
    """A generator that knows nothing pays log 2 for a pixel; means 2 away from the prior cost 2 for a latent."""
    objective = bound(Believes(2.0, 1.0), Paints(), count=count)
    assert objective.observed["reconstruction"].item() == pytest.approx(PIXELS * log(2))
    assert objective.observed["divergence"].item() == pytest.approx(2 * DIM)
    assert list(objective.terms) == ["negative_bound"]
    assert objective.total().item() == pytest.approx(PIXELS * log(2) + 2 * DIM)


def test_latents_are_the_mean_plus_the_deviation_times_normal_noise() -> None:
    generator = Paints()
    bound(Believes(3.0, 4.0), generator)
    (latents,) = generator.latents
    torch.testing.assert_close(latents, 3 + 2 * step_noise().normal(DIM))


def test_the_reconstruction_teaches_the_encoder_through_the_latents() -> None:
    """With s(a) for a pixel of 0.75 in the unit range, the slope by the mean is PIXELS * slope * E(s(a) - 0.75)."""
    encoder, noise = Believes(1.0, 0.25), step_noise().normal(DIM)[:, 0]
    reconstruction = bound(encoder, Paints(slope=2.0)).observed["reconstruction"]
    by_mean, by_log_variance = torch.autograd.grad(reconstruction, list(encoder.parameters()))
    excess = PIXELS * 2.0 * ((2 * (1 + 0.5 * noise)).sigmoid() - 0.75)
    torch.testing.assert_close(by_mean, excess.mean())
    torch.testing.assert_close(by_log_variance, (excess * 0.5 * noise / 2).mean())


def test_training_raises_the_bound() -> None:
    trainer = train(FAMILY, width=8, hidden=32, learning_rate=2e-3)
    first = trainer.step()["autoencoder/negative_bound"]
    for _ in range(40):
        last = trainer.step()["autoencoder/negative_bound"]
    assert last < 0.8 * first


# --- Networks and sampling ----------------------------------------------------------------------------------------


def test_networks_are_the_neutral_ones_with_moments_at_one_end_and_numbers_at_the_other() -> None:
    config = FAMILY.configure({}, MNIST)
    networks = build(config)
    neutral = [parameter.shape for parameter in NeutralGenerator(config).parameters()]
    assert [parameter.shape for parameter in networks["generator"].parameters()] == neutral
    assert not any(isinstance(module, nn.Tanh) for module in networks["generator"].modules())
    *_, weight, bias = networks["encoder"].parameters()
    assert (weight.shape, bias.shape) == ((2 * 64, 1024), (2 * 64,))
    mean, log_variance = networks["encoder"](torch.zeros(3, 1, 28, 28))
    assert mean.shape == log_variance.shape == (3, 64)
    assert not torch.equal(mean, log_variance)


def test_pictures_are_the_means_of_latents_from_the_prior() -> None:
    generator = Paints(slope=1.5)
    networks = nn.ModuleDict({"encoder": Believes(3.0, 4.0), "generator": generator})
    images = sample(networks, configure(), step_noise(), torch.zeros(COUNT, dtype=torch.int64))
    prior = step_noise().normal(DIM)
    torch.testing.assert_close(generator.latents[0], prior)
    torch.testing.assert_close(images[:, 0, 0, 0], 2 * (1.5 * prior[:, 0]).sigmoid() - 1)


def test_nothing_tells_which_pictures_look_real() -> None:
    sampler = train(FAMILY, width=8, hidden=32).sampler()
    images = sampler.sample(range(2), seed=0, labels=[0, 0])
    with pytest.raises(NoScoreError, match="vae has no score"):
        sampler.score(images, torch.zeros(2, dtype=torch.int64))


@pytest.mark.parametrize(("name", "value"), [("latent", "uniform"), ("discriminator_steps", 2)])
def test_choices_that_a_game_has_are_refused(name: str, value: object) -> None:
    with pytest.raises(ValidationError, match=name):
        configure(**{name: value})


def test_the_papers_perceptrons_have_one_hidden_layer_each() -> None:
    config = ModelConfig(FAMILY.preset("paper").hyperparameters, MNIST)
    networks = build(config)
    weights = {
        name: [tuple(p.shape) for p in network.parameters() if p.dim() == 2] for name, network in networks.items()
    }
    assert weights == {"encoder": [(500, 784), (40, 500)], "generator": [(500, 20), (784, 500)]}
    for network in networks.values():
        assert sum(isinstance(module, nn.Tanh) for module in network.modules()) == 1
    seen: list[Tensor] = []
    flatten = next(m for m in networks["encoder"].modules() if isinstance(m, nn.Flatten))
    flatten.register_forward_hook(lambda module, inputs, output: seen.append(output))
    networks["encoder"](torch.stack([torch.full((1, 28, 28), level) for level in (-1.0, 1.0)]))
    assert [torch.unique(row).tolist() for row in seen[0]] == [[0.0], [1.0]]


def test_the_paper_preset_has_adagrad_and_a_prior_on_the_weights() -> None:
    (phase,) = FAMILY.phases(ModelConfig(FAMILY.preset("paper").hyperparameters, MNIST))
    optimizer = phase.optimizer([nn.Parameter(torch.zeros(1))])
    assert isinstance(optimizer, torch.optim.Adagrad)
    (group,) = optimizer.param_groups
    assert (group["lr"], group["weight_decay"]) == (0.02, 1 / 60_000)
