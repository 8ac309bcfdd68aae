"""Projection GAN: a small class-conditional GAN that trains in minutes on a CPU; the flagship.

Source: Miyato & Koyama, "cGANs with Projection Discriminator", ICLR 2018, https://arxiv.org/abs/1802.05637, section 3.
The penalty is R1 of Mescheder, Geiger & Nowozin, "Which Training Methods for GANs do actually Converge?", ICML
2018, https://arxiv.org/abs/1801.04406, eq. 9.

Idea: the best discriminator of a class-conditional game is a sum of log p(y|x) / q(y|x) and log p(x) / q(x). So
the label meets an inner product with its features, and not its input:

    D(x, y) = v_y . phi(x) + psi(phi(x))

and the generator gets it by class-conditional batch normalisation. With s the sigmoid, the players minimise

    discriminator   -E log s(D(x, y)) - E log(1 - s(D(G(z, y), y))) + gamma/2 E |grad_x D(x, y)|^2
    generator       -E log s(D(G(z, y), y))

or, with loss = "relativistic", the pairing loss of R3GAN (Huang et al. 2024, https://arxiv.org/abs/2501.05441,
eq. 2) on pairs (x, G(z, y)) of one class, with the penalty on real and on fake pictures (R1 + R2). Without penalty the
best D is then the logarithm of the ratio of the densities too, up to a constant for each class: a pair of x and x' has
the odds p(x) q(x') / q(x) p(x').

Traps: fakes are judged with the labels that they were drawn for, and those are of the real batch: other frequencies of
the classes would move v_y. Pairs are of one class, since the odds above are. The slope is that of the logit. A penalty
at every n-th step needs n times the weight.

Deviations
* Loss: the paper's is the hinge; here it is the non-saturating one with R1, which needs no spectral norm.
* Penalty interval: Mescheder penalises every step; here every 4th with 4 times the weight, after StyleGAN2's lazy
  regularisation, but with Adam's rates as they are.
* Relativistic loss: R3GAN draws real pictures anew for the generator; here it sees the discriminator's.
* Networks: the paper's are ResNets for 128 x 128; here plain convolutions for 16 to 64 pixels.
* Labels also enter the generator beside the latent: an embedding of 32 numbers; the paper has none.
* Adam: the paper's is 2e-4, (0, 0.9), constant; here 3e-3 and 1.5e-3, (0, 0.99), falling in the second half.
* Steps: the paper's five of the discriminator to one of the generator; here one to one.
"""

from math import prod
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
    Paper,
    Phase,
    Preset,
    ScoreKind,
    Symptom,
    require_size,
)
from models._losses import (
    discriminator_loss,
    non_saturating_loss,
    relativistic_pairing_loss,
    zero_centred_penalty,
)
from models._noise import Noise
from models._optimizers import adam, linear_decay
from models._search import Choice, LogUniform

# --- Hyperparameters ----------------------------------------------------------------------------------------


class ProjectionGANHyperparameters(Hyperparameters):
    """What the recipe leaves to choose; the defaults are the preset `quick`."""

    loss: Literal["non_saturating", "relativistic"] = Field("non_saturating", description="the game's loss")
    latent_dim: int = Field(64, ge=1, le=1024, description="dimensions of z, drawn from N(0, I)")
    generator_width: int = Field(
        16, ge=1, le=512, description="channels at full size; double at half, fourfold at a quarter"
    )
    discriminator_width: int = Field(
        32, ge=1, le=512, description="channels at half size; double at a quarter, fourfold at an eighth"
    )
    feature_dim: int = Field(
        128,
        ge=1,
        le=4096,
        description="numbers by which the discriminator describes a picture: the dimensions of phi(x)",
    )
    penalty_weight: float = Field(
        1.0,
        ge=0,
        le=1e6,
        description="gamma: how strongly a steep discriminator is punished, by half its squared gradient norm",
    )
    final_penalty_weight: float = Field(
        1.0, ge=0, le=1e6, description="gamma at the end of the training; it changes linearly, as in R3GAN"
    )
    penalty_interval: int = Field(
        4, ge=1, le=10**6, description="steps from penalty to penalty, each weighted by as much"
    )
    generator_learning_rate: float = Field(3e-3, gt=0, le=1, description="Adam's step size for the generator")
    discriminator_learning_rate: float = Field(1.5e-3, gt=0, le=1, description="Adam's step size for the discriminator")
    beta1: float = Field(0.0, ge=0, lt=1, description="Adam's decay of the first moment")
    beta2: float = Field(0.99, ge=0, lt=1, description="Adam's decay of the second moment")
    decay_start: float = Field(0.5, ge=0, lt=1, description="share of the training after which the rates fall linearly")


Config = ModelConfig[ProjectionGANHyperparameters]

# --- Networks -----------------------------------------------------------------------------------------------

SLOPE = 0.2
EMBEDDING_DIM = 32


class ConditionalBatchNorm(nn.Module):
    """Batch normalisation with a gain and an offset for each class: as in Miyato & Koyama's generator."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.normalise = nn.BatchNorm2d(channels, affine=False)
        self.gain = nn.Embedding(classes, channels)
        self.offset = nn.Embedding(classes, channels)
        nn.init.ones_(self.gain.weight)
        nn.init.zeros_(self.offset.weight)

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """Map (n, c, h, w) and labels (n,) to (n, c, h, w)."""
        gain, offset = self.gain(labels)[:, :, None, None], self.offset(labels)[:, :, None, None]
        return torch.addcmul(offset, self.normalise(features), gain)


class ProjectionGANGenerator(nn.Module):
    """Latents (n, latent_dim) and labels (n,) to pictures (n, c, h, w) in (-1, 1)."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        chosen, dataset = config.hyperparameters, config.dataset
        width, classes, side = chosen.generator_width, len(dataset.classes), dataset.size // 4
        self.start = (4 * width, side, side)
        self.embedding = nn.Embedding(classes, EMBEDDING_DIM)
        self.project = nn.Linear(chosen.latent_dim + EMBEDDING_DIM, prod(self.start), bias=False)
        self.upsample = nn.ModuleList(
            nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, bias=False)
            for inputs, outputs in ((4 * width, 2 * width), (2 * width, width))
        )
        self.norms = nn.ModuleList(
            ConditionalBatchNorm(channels, classes) for channels in (4 * width, 2 * width, width)
        )
        self.to_image = nn.Conv2d(width, dataset.channels, 3, padding=1)

    def forward(self, latent: Tensor, labels: Tensor) -> Tensor:
        """Draw a picture for each latent."""
        features = self.project(torch.cat([latent, self.embedding(labels)], dim=1)).view(-1, *self.start)
        features = features.contiguous(memory_format=torch.channels_last)
        features = leaky_relu(self.norms[0](features, labels), SLOPE)
        for upsample, norm in zip(self.upsample, list(self.norms)[1:], strict=True):
            features = leaky_relu(norm(upsample(features), labels), SLOPE)
        return torch.tanh(self.to_image(features))


class ProjectionGANDiscriminator(nn.Module):
    """Pictures (n, c, h, w) and labels (n,) to logits (n,). No normalisation: the penalty is per picture."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        chosen, dataset = config.hyperparameters, config.dataset
        width, side = chosen.discriminator_width, dataset.size // 4
        self.convolutions = nn.Sequential(
            nn.Conv2d(dataset.channels, width, 4, stride=2, padding=1),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(2 * width, 4 * width, 3, stride=2, padding=1),
            nn.LeakyReLU(SLOPE),
            nn.Flatten(),
        )
        self.features = nn.Linear(4 * width * ((side + 1) // 2) ** 2, chosen.feature_dim)
        self.realness = nn.Linear(chosen.feature_dim, 1)
        self.embedding = nn.Embedding(len(dataset.classes), chosen.feature_dim)
        nn.init.normal_(self.embedding.weight, std=chosen.feature_dim**-0.5)

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return D(x, y) = v_y . phi(x) + psi(phi(x)): Miyato & Koyama 2018, section 3."""
        features = leaky_relu(self.features(self.convolutions(images)), SLOPE)
        logits: Tensor = self.realness(features)[:, 0] + (self.embedding(labels) * features).sum(dim=1)
        return logits


def build(config: Config) -> Networks:
    """Build the two networks. Raises UnsupportedShapeError unless the side is a multiple of 4."""
    require_size(config.dataset, multiple=4, least=4)
    return nn.ModuleDict(
        {"generator": ProjectionGANGenerator(config), "discriminator": ProjectionGANDiscriminator(config)}
    )


# --- Losses -------------------------------------------------------------------------------------------------


def compute_discriminator_loss(networks: Networks, batch: Batch, config: Config, noise: Noise) -> Objective:
    """Tell real from fake pictures of the same classes; every few steps also keep the slope low."""
    chosen, discriminator = config.hyperparameters, networks["discriminator"]
    gamma = chosen.penalty_weight + (chosen.final_penalty_weight - chosen.penalty_weight) * batch.progress
    is_penalised = batch.step % chosen.penalty_interval == 0 and gamma > 0
    is_relativistic = chosen.loss == "relativistic"
    real = batch.images.detach().requires_grad_(is_penalised)
    fake = sample(networks, config, noise, batch.labels)
    if is_penalised and is_relativistic:
        fake.requires_grad_()
    on_real, on_fake = discriminator(real, batch.labels), discriminator(fake, batch.labels)
    if is_relativistic:
        terms = {"pairing": relativistic_pairing_loss(on_real, on_fake)}
    else:
        terms = dict(zip(("real", "fake"), discriminator_loss(on_real, on_fake), strict=True))
    if is_penalised:
        weight = gamma * chosen.penalty_interval
        terms["penalty"] = weight * zero_centred_penalty(real, on_real)
        if is_relativistic:
            terms["penalty_fake"] = weight * zero_centred_penalty(fake, on_fake)
    return Objective(terms, {"logit_real": on_real.mean(), "logit_fake": on_fake.mean()})


def compute_generator_loss(networks: Networks, batch: Batch, config: Config, noise: Noise) -> Objective:
    """Draw pictures that the discriminator takes for real ones of their class."""
    discriminator = networks["discriminator"]
    on_fake = discriminator(sample(networks, config, noise, batch.labels), batch.labels)
    if config.hyperparameters.loss == "relativistic":
        on_real = discriminator(batch.images, batch.labels)
        return Objective({"pairing": relativistic_pairing_loss(on_fake, on_real)})
    return Objective({"non_saturating": non_saturating_loss(on_fake)})


# --- Phases -------------------------------------------------------------------------------------------------


def list_phases(config: Config) -> tuple[Phase[ProjectionGANHyperparameters], ...]:
    """First the discriminator, then the generator, once each."""
    chosen = config.hyperparameters

    def falling(progress: float) -> float:
        return linear_decay(progress, start=chosen.decay_start)

    return (
        Phase(
            name="discriminator",
            trains=("discriminator",),
            loss=compute_discriminator_loss,
            optimizer=adam(chosen.discriminator_learning_rate, chosen.beta1, chosen.beta2),
            schedule=falling,
        ),
        Phase(
            name="generator",
            trains=("generator",),
            loss=compute_generator_loss,
            optimizer=adam(chosen.generator_learning_rate, chosen.beta1, chosen.beta2),
            schedule=falling,
        ),
    )


# --- Sampling -----------------------------------------------------------------------------------------------


def sample(networks: Networks, config: Config, noise: Noise, labels: Tensor) -> Tensor:
    """Draw a picture for each label: (n, c, h, w) in (-1, 1)."""
    images: Tensor = networks["generator"](noise.normal(config.hyperparameters.latent_dim), labels)
    return images


def score(networks: Networks, config: Config, images: Tensor, labels: Tensor) -> Tensor:
    """Return the discriminator's logits for the pictures as ones of their classes: (n,)."""
    logits: Tensor = networks["discriminator"](images, labels)
    return logits


FAMILY = Family(
    name="projection_gan",
    paper=Paper(
        title="cGANs with Projection Discriminator",
        authors="Takeru Miyato, Masanori Koyama",
        year=2018,
        url="https://arxiv.org/abs/1802.05637",
    ),
    conditioning=Conditioning.LABEL,
    hyperparameters=ProjectionGANHyperparameters,
    presets=MappingProxyType(
        {
            "quick": Preset(
                hyperparameters=ProjectionGANHyperparameters(),
                batch_size=64,
                images=240_000,
                averaging_half_life=10_000,
                description="digits in about 5 minutes on two CPU cores",
            ),
            "best": Preset(
                hyperparameters=ProjectionGANHyperparameters(
                    generator_width=80,
                    discriminator_width=64,
                    feature_dim=512,
                    penalty_weight=0.5,
                    final_penalty_weight=0.1,
                    decay_start=0.3,
                ),
                batch_size=64,
                images=1_200_000,
                averaging_half_life=25_000,
                description="wider networks, more pictures, a penalty that lets go; it made the checkpoint that ships",
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
            Symptom.UNIFORM: "raise `penalty_weight` tenfold, and halve both learning rates",
            Symptom.SATURATED: "raise `penalty_weight` tenfold, and keep it to the end with `final_penalty_weight`",
            Symptom.DEAD: "halve `generator_learning_rate` and `discriminator_learning_rate`: they suit short "
            "trainings on digits",
        }
    ),
    search=MappingProxyType(
        {
            "generator_learning_rate": LogUniform(1e-4, 1e-2),
            "discriminator_learning_rate": LogUniform(1e-4, 1e-2),
            "beta1": Choice((0.0, 0.5)),
            "penalty_weight": LogUniform(0.1, 10),
        }
    ),
)
