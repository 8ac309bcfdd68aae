"""DCGAN: unsupervised representation learning with deep convolutional GANs (Radford, Metz & Chintala 2015).

Source: https://arxiv.org/abs/1511.06434, sections 3 (the rules) and 4 (the recipe), its constants as in the
authors' code (Newmu/dcgan_code). The preset `tutorial` is the network and the recipe of jacobgil/keras-dcgan, with
which many a reader drew a first digit.

Idea: both players are all convolutions. The generator doubles the side by transposed convolutions, the
discriminator halves it by strided ones; batch norm everywhere but at the pictures, no hidden dense layer.

With logits D and the sigmoid s:

    discriminator   min  -E log s(D(x)) - E log(1 - s(D(G(z))))
    generator       min  -E log s(D(G(z)))                          z from U(-1, 1)^100

Traps: real and drawn pictures go through the discriminator in batches of their own: batch norm over both would tell
which is which. Weights begin at a deviation of 0.02, and Adam's beta 1 is 0.5: at 0.9 the players swing.

Deviations of `paper`
* Sides of 28: two stages of width 128 and 64; the paper's 64 x 64 generator has four, 1024 to 128.
* Kernels of 4 x 4, which the stride of 2 divides; the authors' are 5 x 5.
* Budget of 25 passes through MNIST; the paper gives none for it.
* Batch norm keeps its scale and shift; on MNIST the paper dropped both.

Deviations of `tutorial`
* Pictures are shuffled anew in each pass, none left out; there the order is fixed, the last 96 are dropped.
* Moving variances are of n - 1 degrees of freedom; Keras' are of n.
* Upsampling and convolution are computed as one smaller convolution: equal but for rounding.
"""

from types import MappingProxyType
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

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
    ScoreKind,
    Symptom,
    require_size,
)
from models._layers import UpsampleConv2d, evaluating, initialise_glorot, initialise_normal
from models._losses import discriminator_loss, non_saturating_loss
from models._noise import Noise
from models._optimizers import adam, sgd
from models._search import LogUniform, Uniform

# --- Hyperparameters ----------------------------------------------------------------------------------------


class DCGANHyperparameters(Hyperparameters):
    """What the paper and the tutorial leave to choose."""

    architecture: Literal["dcgan", "tutorial"] = Field("dcgan", description="the paper's or the tutorial's networks")
    latent_dim: int = Field(100, ge=1, le=1024, description="numbers in a latent z, drawn from U(-1, 1)")
    width: int = Field(64, ge=1, le=256, description="channels next to the pictures; twice as many inside")
    optimizer: Literal["adam", "sgd"] = Field("adam", description="Adam, or SGD with Nesterov momentum")
    learning_rate: float = Field(2e-4, gt=0, le=1, description="step size of both players")
    momentum: float = Field(0.5, gt=0, lt=1, description="Adam's beta 1, or the momentum of SGD")
    discriminator_batch: Literal["separate", "joint"] = Field(
        "separate",
        description="separate: real and fake pass one after the other and their losses add up; joint: they "
        "pass as one batch, whose mean is taken, the fakes drawn with the generator's moving statistics",
    )


Config = ModelConfig[DCGANHyperparameters]

# --- Networks -----------------------------------------------------------------------------------------------


def _paper_generator(latent_dim: int, width: int, channels: int, side: int) -> nn.Module:
    network = nn.Sequential(
        nn.Linear(latent_dim, 2 * width * side * side, bias=False),
        nn.Unflatten(1, (2 * width, side, side)),
        nn.BatchNorm2d(2 * width),
        nn.ReLU(),
        nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.ConvTranspose2d(width, channels, 4, stride=2, padding=1),
        nn.Tanh(),
    )
    return initialise_normal(network)


def _paper_discriminator(width: int, channels: int, side: int) -> nn.Module:
    network = nn.Sequential(
        nn.Conv2d(channels, width, 4, stride=2, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(width, 2 * width, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(2 * width),
        nn.LeakyReLU(0.2),
        nn.Flatten(),
        nn.Linear(2 * width * side * side, 1),
        nn.Flatten(0),
    )
    return initialise_normal(network)


_TUTORIAL_HIDDEN = 1024


def _tutorial_generator(latent_dim: int, width: int, channels: int, side: int) -> nn.Module:
    inner = 2 * width * side * side
    network = nn.Sequential(
        nn.Linear(latent_dim, _TUTORIAL_HIDDEN),
        nn.Tanh(),
        nn.Linear(_TUTORIAL_HIDDEN, inner),
        nn.BatchNorm1d(inner, eps=1e-3, momentum=0.01),  # Keras' defaults; its momentum of 0.99 is 1 - ours
        nn.Tanh(),
        nn.Unflatten(1, (2 * width, side, side)),
        UpsampleConv2d(2 * width, width, 5),
        nn.Tanh(),
        UpsampleConv2d(width, channels, 5),
        nn.Tanh(),
    )
    return initialise_glorot(network)


def _tutorial_discriminator(width: int, channels: int, side: int) -> nn.Module:
    # The tutorial's tanh comes before the pooling. As tanh grows, the other order is the same and cheaper.
    network = nn.Sequential(
        nn.Conv2d(channels, width, 5, padding=2),
        nn.MaxPool2d(2),
        nn.Tanh(),
        nn.Conv2d(width, 2 * width, 5),
        nn.MaxPool2d(2),
        nn.Tanh(),
        nn.Flatten(),
        nn.Linear(2 * width * (side - 2) ** 2, _TUTORIAL_HIDDEN),
        nn.Tanh(),
        nn.Linear(_TUTORIAL_HIDDEN, 1),
        nn.Flatten(0),
    )
    return initialise_glorot(network)


_NETWORKS = {
    "dcgan": (_paper_generator, _paper_discriminator),
    "tutorial": (_tutorial_generator, _tutorial_discriminator),
}


def build(config: Config) -> Networks:
    """Build both players. Raises UnsupportedShapeError unless the side is a multiple of 4 and at least 12."""
    require_size(config.dataset, multiple=4, least=12)
    chosen, channels, side = config.hyperparameters, config.dataset.channels, config.dataset.size // 4
    generator, discriminator = _NETWORKS[chosen.architecture]
    return nn.ModuleDict(
        {
            "generator": generator(chosen.latent_dim, chosen.width, channels, side),
            "discriminator": discriminator(chosen.width, channels, side),
        }
    )


# --- Losses -------------------------------------------------------------------------------------------------


def compute_discriminator_loss(networks: Networks, batch: Batch, config: Config, noise: Noise) -> Objective:
    """Tell real from fake, each a batch of its own: batch norm must not mix them."""
    fake = sample(networks, config, noise, batch.labels)
    real_logits, fake_logits = (networks["discriminator"](images) for images in (batch.images, fake))
    real_term, fake_term = discriminator_loss(real_logits, fake_logits)
    return Objective({"real": real_term, "fake": fake_term})


def compute_joint_discriminator_loss(networks: Networks, batch: Batch, config: Config, noise: Noise) -> Objective:
    """Tell real from fake in one batch of both: the mean over 2 n pictures, so each half counts a half."""
    with evaluating(networks["generator"]):
        fake = sample(networks, config, noise, batch.labels)
    real_logits, fake_logits = networks["discriminator"](torch.cat([batch.images, fake])).chunk(2)
    real_term, fake_term = discriminator_loss(real_logits, fake_logits)
    return Objective({"real": real_term / 2, "fake": fake_term / 2})


def compute_generator_loss(networks: Networks, batch: Batch, config: Config, noise: Noise) -> Objective:
    """Be taken for real."""
    fake = sample(networks, config, noise, batch.labels)
    return Objective({"non_saturating": non_saturating_loss(networks["discriminator"](fake))})


# --- Phases -------------------------------------------------------------------------------------------------

_DISCRIMINATOR_LOSSES = {"separate": compute_discriminator_loss, "joint": compute_joint_discriminator_loss}


def list_phases(config: Config) -> tuple[Phase[DCGANHyperparameters], ...]:
    """One step of the discriminator, one of the generator on latents of its own."""
    chosen = config.hyperparameters
    optimizer = _optimizer(chosen)
    return (
        Phase(
            "discriminator",
            ("discriminator",),
            _DISCRIMINATOR_LOSSES[chosen.discriminator_batch],
            optimizer,
        ),
        Phase("generator", ("generator",), compute_generator_loss, optimizer),
    )


def _optimizer(chosen: DCGANHyperparameters) -> OptimizerFactory:
    if chosen.optimizer == "adam":
        return adam(chosen.learning_rate, chosen.momentum, 0.999)
    return sgd(chosen.learning_rate, chosen.momentum, nesterov=True)


# --- Sampling -----------------------------------------------------------------------------------------------


def sample(networks: Networks, config: Config, noise: Noise, labels: Tensor) -> Tensor:
    """Draw pictures, (n, c, h, w) in [-1, 1]; labels are ignored."""
    images: Tensor = networks["generator"](noise.uniform(config.hyperparameters.latent_dim))
    return images


def score(networks: Networks, config: Config, images: Tensor, labels: Tensor) -> Tensor:
    """Return the discriminator's logits, (n,): the tutorial keeps the best of 20; labels are ignored."""
    logits: Tensor = networks["discriminator"](images)
    return logits


FAMILY = Family(
    name="dcgan",
    paper=Paper(
        title="Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks",
        authors="Alec Radford, Luke Metz, Soumith Chintala",
        year=2015,
        url="https://arxiv.org/abs/1511.06434",
    ),
    conditioning=Conditioning.NONE,
    hyperparameters=DCGANHyperparameters,
    presets=MappingProxyType(
        {
            "paper": Preset(
                DCGANHyperparameters(),
                batch_size=128,
                images=25 * 60_000,
                averaging_half_life=0,
                description="the paper's rules for small pictures: transposed convolutions, batch norm, Adam",
            ),
            "tutorial": Preset(
                DCGANHyperparameters(
                    architecture="tutorial",
                    optimizer="sgd",
                    learning_rate=5e-4,
                    momentum=0.9,
                    discriminator_batch="joint",
                ),
                batch_size=128,
                images=100 * 468 * 128,
                averaging_half_life=0,
                description="the Keras tutorial's own networks and recipe: tanh, upsampling, SGD, 100 passes",
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
            Symptom.DEAD: "begin anew with another seed: weights drawn this small may never learn",
            Symptom.UNIFORM: "halve the `learning_rate`, or take gan_r1, whose penalty calms the players",
        }
    ),
    search=MappingProxyType({"learning_rate": LogUniform(1e-5, 1e-2), "momentum": Uniform(0.1, 0.9)}),
)
