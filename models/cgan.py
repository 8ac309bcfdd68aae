"""CGAN: conditional generative adversarial nets (Mirza & Osindero 2014).

Source: https://arxiv.org/abs/1411.1784, eq. 2 and section 4.1 (MNIST). The preset `conv` is the DCGAN authors'
conditional network for MNIST (Newmu/dcgan_code, mnist/train_cond_dcgan.py); the preset `paper` has the perceptrons of
the paper itself.

Idea: both players are told the class y, so the generator must draw it and the discriminator checks that it
did. With logits D and the sigmoid s:

    discriminator   min  -E log s(D(x, y)) - E log(1 - s(D(G(z, y), y)))
    generator       min  -E log s(D(G(z, y), y))                          z from U(-1, 1)^100

Traps: y is the label of a real picture in both terms: labels from another distribution r would shift the best D by
log p(y) / r(y).

Where D is at its best, the first line is E_y 2 JS(p(.|y), q(.|y)) - 2 log 2, negated.

Theirs are pictures in [0, 1], drawn by a sigmoid. Here the discriminator brings ours there, and the generator ends
in tanh(a / 2), which is s(a) brought to [-1, 1].

Deviations of both presets
* The generator's loss is the non-saturating one; the paper states the minimax game, with E log(1 - s(D)).

Deviations of `conv`
* Both players see every batch; in the authors' code they take turns, so each sees half of them.
* All 60,000 pictures are trained on; theirs leaves a part out to validate.
* Moving statistics of batch norm serve for sampling; theirs are those of the batch.

Deviations of `paper`
* Momentum rises from 0.5 to 0.7 over the preset's steps; the paper does not say over how many.
* Weights are drawn as PyTorch draws them; the paper does not say how.
* The learning rate falls from 0.1 to 1e-6 over the budget, whatever it is. The preset's 287,829 steps make
  that the paper's factor of 1 / 1.00004 at each.
"""

from functools import partial
from types import MappingProxyType
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from models._family import (
    Batch,
    Conditioning,
    Family,
    Hyperparameters,
    ModelConfig,
    Networks,
    Objective,
    OptimizerFactory,
    Paper,
    Phase,
    Preset,
    Schedule,
    ScoreKind,
    Symptom,
    require_size,
)
from models._layers import (
    Maxout,
    SigmoidPixels,
    append_label,
    encode_labels,
    initialise_normal,
    sigmoid_pixels,
    to_unit_range,
)
from models._losses import discriminator_loss, non_saturating_loss
from models._noise import Noise
from models._optimizers import adam, exponential_decay, linear_decay, sgd_with_rising_momentum
from models._search import LogUniform, Uniform

# --- Hyperparameters ----------------------------------------------------------------------------------------


class CGANHyperparameters(Hyperparameters):
    """What the paper and the DCGAN authors' network leave to choose."""

    architecture: Literal["convolutional", "perceptron"] = Field("convolutional", description="kind of both networks")
    latent_dim: int = Field(100, ge=1, le=1024, description="numbers in a latent z, drawn from U(-1, 1)")
    optimizer: Literal["adam", "sgd"] = Field("adam", description="optimiser of both players")
    learning_rate: float = Field(2e-4, gt=0, le=1, description="step size of both players at first")
    decay: Literal["linear", "exponential"] = Field(
        "linear",
        description="how the learning rate falls: linear, in the second half, to 0; exponential, from the start, "
        "to 1e-5 of itself",
    )
    momentum: float = Field(0.5, ge=0, lt=1, description="Adam's beta 1, or the momentum of SGD at first")
    final_momentum: float = Field(0.7, ge=0, lt=1, description="momentum of SGD that it rises to")
    momentum_steps: int = Field(287_829, ge=1, le=10**9, description="steps in which it does so")
    weight_decay: float = Field(2.5e-5, ge=0, le=1, description="share of the weight added to Adam's gradient")
    dropout: float = Field(0.5, ge=0, lt=1, description="share of a perceptron's hidden units dropped")


Config = ModelConfig[CGANHyperparameters]

# --- Networks: convolutional --------------------------------------------------------------------------------


class ConvolutionalGenerator(nn.Module):
    """Latents (n, latent_dim) and one-hot labels (n, classes) to pictures; every layer is told the label.

    No layer has a bias and batch norm neither scale nor shift: on MNIST that was better (Radford et al. 2015).
    """

    def __init__(self, latent_dim: int, classes: int, channels: int, size: int) -> None:
        super().__init__()
        side = size // 4
        self.hidden = _dense_block(latent_dim + classes, 1024, nn.ReLU())
        self.small = nn.Sequential(
            _dense_block(1024 + classes, 128 * side * side, nn.ReLU()), nn.Unflatten(1, (128, side, side))
        )
        self.middle = nn.Sequential(_doubling(128 + classes, 64), nn.BatchNorm2d(64, affine=False), nn.ReLU())
        self.large = _doubling(64 + classes, channels)
        initialise_normal(self)

    def forward(self, latents: Tensor, label: Tensor) -> Tensor:
        """Return pictures: (n, c, h, w) in [-1, 1]."""
        values = latents
        for layer in (self.hidden, self.small, self.middle, self.large):
            values = layer(append_label(values, label))
        return sigmoid_pixels(values)


class ConvolutionalDiscriminator(nn.Module):
    """Pictures (n, c, h, w) and one-hot labels (n, classes) to logits (n,); every layer is told the label."""

    def __init__(self, classes: int, channels: int, size: int) -> None:
        super().__init__()
        side = size // 4
        self.large = nn.Conv2d(channels + classes, 64, 5, stride=2, padding=2, bias=False)
        self.middle = nn.Sequential(
            nn.Conv2d(64 + classes, 128, 5, stride=2, padding=2, bias=False),
            nn.BatchNorm2d(128, affine=False),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
        )
        self.hidden = _dense_block(128 * side * side + classes, 1024, nn.LeakyReLU(0.2))
        self.logit = nn.Linear(1024 + classes, 1, bias=False)
        initialise_normal(self)

    def forward(self, images: Tensor, label: Tensor) -> Tensor:
        """Return logits: (n,)."""
        values = leaky_relu(self.large(append_label(to_unit_range(images), label)), 0.2)
        for layer in (self.middle, self.hidden, self.logit):
            values = layer(append_label(values, label))
        return values.flatten()


def _dense_block(inputs: int, outputs: int, activation: nn.Module) -> nn.Module:
    dense = nn.Linear(inputs, outputs, bias=False)
    return nn.Sequential(dense, nn.BatchNorm1d(outputs, affine=False), activation)


def _doubling(inputs: int, outputs: int) -> nn.Module:
    return nn.ConvTranspose2d(inputs, outputs, 5, stride=2, padding=2, output_padding=1, bias=False)


# --- Networks: perceptrons ----------------------------------------------------------------------------------


class PerceptronGenerator(nn.Module):
    """Latents (n, latent_dim) and one-hot labels (n, classes) to pictures, by one joint hidden layer."""

    def __init__(self, latent_dim: int, classes: int, channels: int, size: int, dropout: float) -> None:
        super().__init__()
        self.from_latent = nn.Sequential(nn.Linear(latent_dim, 200), nn.ReLU(), nn.Dropout(dropout))
        self.from_label = nn.Sequential(nn.Linear(classes, 1000), nn.ReLU(), nn.Dropout(dropout))
        self.joint = nn.Sequential(
            nn.Linear(1200, 1200),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(1200, channels * size * size),
            nn.Unflatten(1, (channels, size, size)),
            SigmoidPixels(),
        )

    def forward(self, latents: Tensor, label: Tensor) -> Tensor:
        """Return pictures: (n, c, h, w) in [-1, 1]."""
        hidden = torch.cat([self.from_latent(latents), self.from_label(label)], dim=1)
        images: Tensor = self.joint(hidden)
        return images


class PerceptronDiscriminator(nn.Module):
    """Pictures (n, c, h, w) and one-hot labels (n, classes) to logits (n,), by maxout layers."""

    def __init__(self, classes: int, channels: int, size: int, dropout: float) -> None:
        super().__init__()
        pixels = channels * size * size
        self.from_image = nn.Sequential(nn.Flatten(), Maxout(pixels, 240, pieces=5), nn.Dropout(dropout))
        self.from_label = nn.Sequential(Maxout(classes, 50, pieces=5), nn.Dropout(dropout))
        self.joint = nn.Sequential(Maxout(290, 240, pieces=4), nn.Dropout(dropout), nn.Linear(240, 1), nn.Flatten(0))

    def forward(self, images: Tensor, label: Tensor) -> Tensor:
        """Return logits: (n,)."""
        hidden = torch.cat([self.from_image(to_unit_range(images)), self.from_label(label)], dim=1)
        logits: Tensor = self.joint(hidden)
        return logits


def _convolutional(config: Config) -> Networks:
    spec, latent_dim = config.dataset, config.hyperparameters.latent_dim
    require_size(spec, multiple=4, least=4)
    classes = len(spec.classes)
    return nn.ModuleDict(
        {
            "generator": ConvolutionalGenerator(latent_dim, classes, spec.channels, spec.size),
            "discriminator": ConvolutionalDiscriminator(classes, spec.channels, spec.size),
        }
    )


def _perceptron(config: Config) -> Networks:
    spec, chosen = config.dataset, config.hyperparameters
    shape = len(spec.classes), spec.channels, spec.size, chosen.dropout
    return nn.ModuleDict(
        {
            "generator": PerceptronGenerator(chosen.latent_dim, *shape),
            "discriminator": PerceptronDiscriminator(*shape),
        }
    )


_NETWORKS = {"convolutional": _convolutional, "perceptron": _perceptron}


def build(config: Config) -> Networks:
    """Build both players. Raises UnsupportedShapeError where convolutions meet a side not divisible by 4."""
    return _NETWORKS[config.hyperparameters.architecture](config)


# --- Losses -------------------------------------------------------------------------------------------------


def compute_discriminator_loss(networks: Networks, batch: Batch, config: Config, noise: Noise) -> Objective:
    """Tell a real picture of a class from a fake one of the same class."""
    fake = sample(networks, config, noise, batch.labels)
    real_logits = score(networks, config, batch.images, batch.labels)
    fake_logits = score(networks, config, fake, batch.labels)
    real_term, fake_term = discriminator_loss(real_logits, fake_logits)
    return Objective({"real": real_term, "fake": fake_term})


def compute_generator_loss(networks: Networks, batch: Batch, config: Config, noise: Noise) -> Objective:
    """Be taken for a real picture of the class."""
    fake = sample(networks, config, noise, batch.labels)
    return Objective({"non_saturating": non_saturating_loss(score(networks, config, fake, batch.labels))})


# --- Phases -------------------------------------------------------------------------------------------------

_SCHEDULES: dict[str, Schedule] = {
    "linear": partial(linear_decay, floor=0.0),
    "exponential": partial(exponential_decay, end=1e-5),
}


def list_phases(config: Config) -> tuple[Phase[CGANHyperparameters], ...]:
    """One step of the discriminator, one of the generator on latents of its own."""
    chosen = config.hyperparameters
    optimizer, schedule = _optimizer(chosen), _SCHEDULES[chosen.decay]
    return (
        Phase("discriminator", ("discriminator",), compute_discriminator_loss, optimizer, schedule=schedule),
        Phase("generator", ("generator",), compute_generator_loss, optimizer, schedule=schedule),
    )


def _optimizer(chosen: CGANHyperparameters) -> OptimizerFactory:
    if chosen.optimizer == "adam":
        return adam(chosen.learning_rate, chosen.momentum, 0.999, weight_decay=chosen.weight_decay)
    return sgd_with_rising_momentum(chosen.learning_rate, chosen.momentum, chosen.final_momentum, chosen.momentum_steps)


# --- Sampling -----------------------------------------------------------------------------------------------


def sample(networks: Networks, config: Config, noise: Noise, labels: Tensor) -> Tensor:
    """Draw a picture of each label: (n, c, h, w) in [-1, 1]."""
    latents = noise.uniform(config.hyperparameters.latent_dim)
    images: Tensor = networks["generator"](latents, _one_hot(config, labels))
    return images


def score(networks: Networks, config: Config, images: Tensor, labels: Tensor) -> Tensor:
    """Return the discriminator's logits, given the labels: (n,)."""
    logits: Tensor = networks["discriminator"](images, _one_hot(config, labels))
    return logits


def _one_hot(config: Config, labels: Tensor) -> Tensor:
    return encode_labels(labels, len(config.dataset.classes))


FAMILY = Family(
    name="cgan",
    paper=Paper(
        title="Conditional Generative Adversarial Nets",
        authors="Mehdi Mirza, Simon Osindero",
        year=2014,
        url="https://arxiv.org/abs/1411.1784",
    ),
    conditioning=Conditioning.LABEL,
    hyperparameters=CGANHyperparameters,
    presets=MappingProxyType(
        {
            "conv": Preset(
                CGANHyperparameters(),
                batch_size=128,
                images=200 * 60_000,
                averaging_half_life=0,
                description="the DCGAN authors' conditional network for MNIST, every layer told the label",
            ),
            "paper": Preset(
                CGANHyperparameters(
                    architecture="perceptron",
                    optimizer="sgd",
                    learning_rate=0.1,
                    decay="exponential",
                    weight_decay=0,
                ),
                batch_size=100,
                images=287_829 * 100,
                averaging_half_life=0,
                description="the paper's perceptrons with maxout and dropout, SGD from 0.1 down to 1e-6",
            ),
        }
    ),
    build=build,
    phases=list_phases,
    sample=sample,
    score=score,
    score_kind=ScoreKind.LOGIT,
    advice=MappingProxyType(
        {
            Symptom.MISSING_CLASSES: "look at the grid of each class: a class that shows others is ignored, and "
            "projection_gan is told it in a stronger way",
        }
    ),
    search=MappingProxyType({"learning_rate": LogUniform(1e-5, 1e-2), "momentum": Uniform(0, 1)}),
)
