"""VAE: auto-encoding variational Bayes (Kingma & Welling 2013). No GAN: the baseline that the losses are measured by.

Source: https://arxiv.org/abs/1312.6114, eqs. 7 and 10, appendices B and C; on the neutral backbone it is the baseline
of Lucic et al. 2018 (https://arxiv.org/abs/1711.10337).

Idea: the encoder gives each picture x a normal distribution q(z|x) of latents, and the generator a likelihood p(x|z)
to each latent. Trained together they maximise a lower bound of log p(x), so no player judges the pictures, and none
of them has a score; in its place there is a reconstruction, and it pays for blurred pictures. With m and v the mean
and the variance of q:

    both   min  -E log p(x|z) + KL(q(z|x) || N(0, I)),   z = m + sqrt(v) e,   e from N(0, I)
    KL     1/2 sum over latents of m^2 + v - log v - 1                                       appendix B

    bernoulli   -log p(x|z) = cross entropy of x and s(a), both in [0, 1], s the sigmoid of the generator's numbers a
    gaussian    -log p(x|z) = sum (x - tanh(a/2))^2 / 2 sigma^2 + log(sigma sqrt(2 pi)), in [-1, 1]

A picture that is drawn is the mean of p(x|z): s(a), which on our scale is tanh(a/2), z from N(0, I).

Traps: both terms are sums over a picture, or a latent, and means over the batch; a mean over pixels would make the
divergence 784 times as heavy, and all pictures one. The sigmoid is a part of the cross entropy: on its own it rounds
to 0 and 1.

Deviations of `neutral`
* Networks: the neutral generator, and the neutral discriminator with a last layer of means and log variances.
* Adam: 2e-4, (0.5, 0.999), as all that is compared; the paper has Adagrad, and a prior on the weights.

Deviations of `paper`
* Biases begin at 0; the paper draws them as it draws the weights.
* Budget of 100 passes through MNIST; the paper's lasts until nothing improves.
"""

from collections.abc import Callable
from math import log, pi, prod
from types import MappingProxyType
from typing import Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from models import _neutral as neutral
from models._family import (
    Batch,
    Conditioning,
    Family,
    ModelConfig,
    Networks,
    Objective,
    Paper,
    Phase,
    Preset,
    Symptom,
)
from models._layers import initialise_normal, sigmoid_pixels, to_unit_range
from models._losses import precise
from models._noise import Noise
from models._optimizers import adagrad, adam

# --- Hyperparameters ----------------------------------------------------------------------------------------


class VAEHyperparameters(neutral.NeutralHyperparameters):
    """The likelihood, and what there is no choice of without a game."""

    latent: Literal["normal"] = Field("normal", description="latents z are drawn from N(0, 1)")
    batch_norm: bool = Field(True, description="whether the encoder has batch norm")
    architecture: Literal["convolutional", "perceptron"] = Field(
        "convolutional", description="kind of both networks: the neutral backbone, or the paper's"
    )
    optimizer: Literal["adam", "adagrad"] = Field("adam", description="optimiser of both networks")
    learning_rate: float = Field(2e-4, gt=0, le=1, description="step size of both networks")
    weight_decay: float = Field(0.0, ge=0, le=1, description="share of the weight added to its gradient")
    discriminator_steps: Literal[1] = Field(1, description="1: there is no discriminator")
    likelihood: Literal["bernoulli", "gaussian"] = Field("bernoulli", description="what p(x|z) is, pixel by pixel")
    deviation: float = Field(0.5, gt=0, le=10, description="sigma of the gaussian likelihood, in pixels of [-1, 1]")


Config = ModelConfig[VAEHyperparameters]

# --- Networks -----------------------------------------------------------------------------------------------


class PerceptronFeatures(nn.Module):
    """Pictures (n, c, h, w), seen in [0, 1], to one hidden layer (n, hidden): appendix C."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        spec = config.dataset
        dense = nn.Linear(spec.channels * spec.size**2, config.hyperparameters.hidden)
        self.layers = nn.Sequential(nn.Flatten(), initialise_normal(dense, 0.1), nn.Tanh())

    def forward(self, images: Tensor) -> Tensor:
        """Return the hidden layer."""
        hidden: Tensor = self.layers(to_unit_range(images))
        return hidden


def _perceptron_decoder(config: Config) -> nn.Module:
    chosen, spec = config.hyperparameters, config.dataset
    shape = (spec.channels, spec.size, spec.size)
    layers = nn.Linear(chosen.latent_dim, chosen.hidden), nn.Tanh(), nn.Linear(chosen.hidden, prod(shape))
    return initialise_normal(nn.Sequential(*layers, nn.Unflatten(1, shape)), 0.1)


def _neutral_decoder(config: Config) -> nn.Module:
    *layers, _ = neutral.NeutralGenerator(config)
    return nn.Sequential(*layers)


_FEATURES: dict[str, Callable[[Config], nn.Module]] = {
    "convolutional": neutral.NeutralFeatures,
    "perceptron": PerceptronFeatures,
}
_DECODERS = {"convolutional": _neutral_decoder, "perceptron": _perceptron_decoder}


class Encoder(nn.Module):
    """Pictures (n, c, h, w) to means and log variances of their latents: (n, latent_dim) each."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        chosen = config.hyperparameters
        self.features = _FEATURES[chosen.architecture](config)
        self.moments = nn.Linear(chosen.hidden, 2 * chosen.latent_dim)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return m and log v of q(z|x)."""
        mean, log_variance = precise(self.moments(self.features(images))).chunk(2, dim=1)
        return mean, log_variance


class Decoder(nn.Module):
    """Latents (n, latent_dim) to numbers a, (n, c, h, w), whose sigmoid is the mean of a pixel: no tanh at the end."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.layers = _DECODERS[config.hyperparameters.architecture](config)

    def forward(self, latents: Tensor) -> Tensor:
        """Return a."""
        logits: Tensor = self.layers(latents)
        return logits


def build(config: Config) -> Networks:
    """Build both networks. Raises UnsupportedShapeError where the neutral backbone meets a side it has no place for."""
    if config.hyperparameters.architecture == "convolutional":
        neutral.require_side(config)
    return nn.ModuleDict({"encoder": Encoder(config), "generator": Decoder(config)})


# --- Losses -------------------------------------------------------------------------------------------------


def compute_loss(networks: Networks, batch: Batch, config: Config, noise: Noise) -> Objective:
    """Return the negated lower bound of log p(x), in nats a picture, with one latent for each: eq. 7.

    It is one term, for the divergence by itself teaches the generator nothing; its two parts are logged.
    """
    mean, log_variance = networks["encoder"](batch.images)
    latents = mean + (log_variance / 2).exp() * noise.normal(config.hyperparameters.latent_dim)
    reconstruction = negative_log_likelihood(precise(networks["generator"](latents)), batch.images, config).mean()
    divergence = divergence_from_prior(mean, log_variance).mean()
    parts = {"reconstruction": reconstruction, "divergence": divergence}
    return Objective({"negative_bound": reconstruction + divergence}, parts)


def negative_log_likelihood(logits: Tensor, images: Tensor, config: Config) -> Tensor:
    """Return -log p(x|z) of each picture: (n,). logits: a, (n, c, h, w); images: (n, c, h, w) in [-1, 1]."""
    if config.hyperparameters.likelihood == "bernoulli":
        by_pixel = binary_cross_entropy_with_logits(logits, to_unit_range(images), reduction="none")
    else:
        sigma = config.hyperparameters.deviation
        by_pixel = ((images - sigmoid_pixels(logits)) / sigma).square() / 2 + log(sigma) + log(2 * pi) / 2
    return by_pixel.sum(dim=(1, 2, 3))


def divergence_from_prior(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return KL(N(m, v) || N(0, I)) of each row: (n,), from m and log v (n, d): appendix B, negated."""
    return (mean.square() + log_variance.exp() - log_variance - 1).sum(dim=1) / 2


# --- Phases -------------------------------------------------------------------------------------------------


def list_phases(config: Config) -> tuple[Phase[VAEHyperparameters], ...]:
    """One step of both networks together."""
    chosen = config.hyperparameters
    if chosen.optimizer == "adam":
        optimizer = adam(chosen.learning_rate, chosen.beta1, chosen.beta2, weight_decay=chosen.weight_decay)
    else:
        optimizer = adagrad(chosen.learning_rate, weight_decay=chosen.weight_decay)
    return (Phase("autoencoder", ("encoder", "generator"), compute_loss, optimizer),)


# --- Sampling -----------------------------------------------------------------------------------------------


def sample(networks: Networks, config: Config, noise: Noise, labels: Tensor) -> Tensor:
    """Draw latents from the prior and return the means of their pictures: (n, c, h, w) in [-1, 1]."""
    return sigmoid_pixels(neutral.sample(networks, config, noise, labels))


FAMILY = Family(
    name="vae",
    paper=Paper(
        title="Auto-Encoding Variational Bayes",
        authors="Diederik P. Kingma, Max Welling",
        year=2013,
        url="https://arxiv.org/abs/1312.6114",
    ),
    conditioning=Conditioning.NONE,
    hyperparameters=VAEHyperparameters,
    presets=MappingProxyType(
        {
            "neutral": neutral.neutral_preset(VAEHyperparameters()),
            "paper": Preset(
                VAEHyperparameters(
                    architecture="perceptron",
                    latent_dim=20,
                    hidden=500,
                    optimizer="adagrad",
                    learning_rate=0.02,
                    weight_decay=1 / 60_000,
                ),
                batch_size=100,
                images=100 * 60_000,
                averaging_half_life=0,
                description="the paper's perceptrons with one hidden layer each, Adagrad, 20 latents",
            ),
        }
    ),
    build=build,
    phases=list_phases,
    sample=sample,
    advice=MappingProxyType(
        {
            Symptom.UNIFORM: "raise `latent_dim`, or lower `deviation`: an exact decoder needs its latents",
            Symptom.MISSING_CLASSES: "train for longer: a variational autoencoder covers classes late, and blurs "
            "them rather than leave them out",
        }
    ),
    search=neutral.search(without=("discriminator_steps",)),
)
