"""LAPGAN: a Laplacian pyramid of generative adversarial networks (Denton, Chintala, Szlam & Fergus 2015).

Source: https://arxiv.org/abs/1506.05751, sections 2.2 (the pyramid) and 2.3 (the games), and the authors' code for
CIFAR-10 (facebook/eyescream) for networks and recipe.

Idea: a picture is drawn from coarse to fine. One GAN draws the coarsest picture; at each finer level another one,
given the enlarged picture of the level below, draws what is missing. Each level is a game of its own, on real pictures
alone. Here the levels have the sides n, n/2 and n/4, and with logits D and the sigmoid s:

    pyramid         I_0 = x,  I_{k+1} = down(I_k),  l_k = up(I_{k+1}),  h_k = I_k - l_k
    level 0, 1      D_k: min  -E log s(D_k(h_k + l_k)) - E log(1 - s(D_k(G_k(z_k, l_k) + l_k)))
                    G_k: min  -E log s(D_k(G_k(z_k, l_k) + l_k))
    level 2         the same without l: the GAN of Goodfellow et al. 2014 on I_2
    drawing         I_2 = G_2(z_2),  I_k = up(I_{k+1}) + G_k(z_k, up(I_{k+1})) for k = 1, 0

A discriminator sees the residual with the low-pass picture added to it, as in the authors' code. up and down are
bilinear, down with a filter against aliasing.

The sum of the logits of all levels is the score: where each D_k is at its best, it is the logarithm of the ratio of the
two joint distributions of I_2, h_1 and h_0.

Traps: up and down must be the same in training and in drawing. A fine level may learn to draw nothing: the deviations
of real and drawn residuals are logged. Errors of the coarse levels are not corrected, since the fine ones see only real
low-pass pictures in training.

Deviations of both presets
* Pyramid: 7, 14, 28 on MNIST; the paper's for CIFAR-10 is 8, 16, 32 or less, the released code's has two levels.
* Labels: none; in the paper they are a choice.
* Generator's loss is the non-saturating one, as in the authors' code; the paper states the minimax game.
* Pictures are kept in [-1, 1] at each level when they are drawn, and the coarsest generator ends in tanh; the authors'
  outputs are linear.
* All of the training pictures are trained on; the authors keep a part to validate.

Deviations of `neutral`
* Fine levels: 32 channels and 5 x 5 kernels in the generators, which cost as much as the neutral backbone; theirs have
  64 and 7 x 7. The coarsest pictures are too small for the backbone: perceptrons as in `paper`, with batch norm.
* Batch norm in the discriminators and in the coarsest generator, no dropout; theirs have dropout 0.5 and no norm.
* Adam: 2e-4, (0.5, 0.999); theirs is SGD at 0.02 with momentum.
* A moving average of the generators' weights; the paper has none.

Deviations of `paper`
* SGD with momentum 0.5 and a constant rate of 0.02; theirs has momentum 0, or 0.5 rising to 0.7, and a rate that hardly
  falls.
* Coarsest level: 1024 ReLU units in each hidden layer; in their generator the second one is a sigmoid.
* Budget of 20 passes through MNIST.
"""

from collections.abc import Iterator
from functools import partial
from types import MappingProxyType
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import interpolate

from models import _neutral as neutral
from models._family import (
    Batch,
    Conditioning,
    Controls,
    Family,
    ModelConfig,
    Networks,
    Objective,
    Paper,
    Phase,
    Preset,
    ScoreKind,
    Steering,
    Symptom,
    require_size,
)
from models._losses import discriminator_loss, non_saturating_loss, precise
from models._noise import Noise
from models._optimizers import sgd

COARSEST = 2
"""The number of the smallest level; 0 is the full picture."""

# --- Hyperparameters ----------------------------------------------------------------------------------------


class LAPGANHyperparameters(neutral.NeutralHyperparameters):
    """What the paper and the authors' code leave to choose; all levels share it."""

    latent_dim: int = Field(100, ge=1, le=1024, description="numbers in a latent of the coarsest level")
    width: int = Field(32, ge=1, le=256, description="channels inside the networks of the fine levels")
    kernel_size: Literal[3, 5, 7] = Field(5, description="side of the inner kernels of the fine generators")
    batch_norm: bool = Field(True, description="whether the discriminators and the coarsest generator have batch norm")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of the discriminators' hidden units dropped")
    optimizer: Literal["adam", "sgd"] = Field("adam", description="optimiser of all players")
    beta1: float = Field(0.5, ge=0, lt=1, description="Adam's decay of the first moment, or the momentum of SGD")


Config = ModelConfig[LAPGANHyperparameters]

# --- Networks -----------------------------------------------------------------------------------------------


class ResidualGenerator(nn.Module):
    """A plane of noise (n, 1, h, w) and a low-pass picture (n, c, h, w) to a residual (n, c, h, w), unbounded."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        chosen, channels = config.hyperparameters, config.dataset.channels
        width, kernel_size = chosen.width, chosen.kernel_size
        self.layers = nn.Sequential(
            nn.Conv2d(channels + 1, width, kernel_size, padding=kernel_size // 2),
            nn.ReLU(),
            nn.Conv2d(width, width, kernel_size, padding=kernel_size // 2),
            nn.ReLU(),
            nn.Conv2d(width, channels, 5, padding=2),
        )

    def forward(self, plane: Tensor, low_pass: Tensor) -> Tensor:
        """Return residuals: (n, c, h, w)."""
        residuals: Tensor = self.layers(torch.cat([plane, low_pass], dim=1))
        return residuals


class ResidualDiscriminator(nn.Module):
    """A residual and its low-pass picture, (n, c, h, w) each, to logits (n,): it sees their sum."""

    def __init__(self, config: Config, side: int) -> None:
        super().__init__()
        chosen = config.hyperparameters
        width, is_normalised = chosen.width, chosen.batch_norm
        self.layers = nn.Sequential(
            nn.Conv2d(config.dataset.channels, width, 5, padding=2),
            nn.ReLU(),
            nn.Conv2d(width, width, 5, stride=2, padding=2, bias=not is_normalised),
            nn.BatchNorm2d(width) if is_normalised else nn.Identity(),
            nn.ReLU(),
            nn.Flatten(),
            nn.Dropout(chosen.dropout),
            nn.Linear(width * (side // 2) ** 2, 1),
            nn.Flatten(0),
        )

    def forward(self, residuals: Tensor, low_pass: Tensor) -> Tensor:
        """Return logits: (n,)."""
        logits: Tensor = self.layers(residuals + low_pass)
        return logits


class CoarseGenerator(nn.Sequential):
    """Latents (n, latent_dim) to the coarsest pictures (n, c, side, side) in (-1, 1), by two hidden layers."""

    def __init__(self, config: Config, side: int) -> None:
        chosen, channels = config.hyperparameters, config.dataset.channels
        super().__init__(
            *_dense(chosen.latent_dim, chosen.hidden, is_normalised=chosen.batch_norm),
            *_dense(chosen.hidden, chosen.hidden, is_normalised=chosen.batch_norm),
            nn.Linear(chosen.hidden, channels * side * side),
            nn.Unflatten(1, (channels, side, side)),
            nn.Tanh(),
        )


class CoarseDiscriminator(nn.Sequential):
    """The coarsest pictures (n, c, side, side) to logits (n,), by two hidden layers."""

    def __init__(self, config: Config, side: int) -> None:
        chosen = config.hyperparameters
        super().__init__(
            nn.Flatten(),
            *_dense(config.dataset.channels * side * side, chosen.hidden, is_normalised=False),
            nn.Dropout(chosen.dropout),
            *_dense(chosen.hidden, chosen.hidden, is_normalised=chosen.batch_norm),
            nn.Dropout(chosen.dropout),
            nn.Linear(chosen.hidden, 1),
            nn.Flatten(0),
        )


def _dense(inputs: int, outputs: int, *, is_normalised: bool) -> tuple[nn.Module, ...]:
    norm = nn.BatchNorm1d(outputs) if is_normalised else nn.Identity()
    return nn.Linear(inputs, outputs, bias=not is_normalised), norm, nn.ReLU()


def build(config: Config) -> Networks:
    """Build both players of each level. Raises UnsupportedShapeError unless the side is 8, 12, 16, 20, ..."""
    require_size(config.dataset, multiple=2**COARSEST, least=8)
    side = config.dataset.size >> COARSEST
    networks = nn.ModuleDict()
    for level in range(COARSEST):
        networks[f"generator_{level}"] = ResidualGenerator(config)
        networks[f"discriminator_{level}"] = ResidualDiscriminator(config, config.dataset.size >> level)
    networks[f"generator_{COARSEST}"] = CoarseGenerator(config, side)
    networks[f"discriminator_{COARSEST}"] = CoarseDiscriminator(config, side)
    return networks


# --- Pyramid ------------------------------------------------------------------------------------------------


def shrink(images: Tensor) -> Tensor:
    """Halve the side, without aliasing: each pixel is a mean with the weights 1, 3, 3, 1 along both axes."""
    return interpolate(images, scale_factor=0.5, mode="bilinear", antialias=True)


def enlarge(images: Tensor) -> Tensor:
    """Double the side, bilinearly: the low-pass picture of the level above."""
    return interpolate(images, scale_factor=2, mode="bilinear")


def split(images: Tensor) -> tuple[Tensor, Tensor]:
    """Return the residual h and the low-pass picture l of pictures (n, c, h, w), whose sum they are."""
    low_pass = enlarge(shrink(images))
    return images - low_pass, low_pass


def descend(images: Tensor, levels: int) -> Tensor:
    """Return the pictures so many levels below, of a side as often halved."""
    for _ in range(levels):
        images = shrink(images)
    return images


# --- Losses -------------------------------------------------------------------------------------------------


def compute_discriminator_loss(
    networks: Networks, batch: Batch, config: Config, noise: Noise, *, level: int
) -> Objective:
    """Tell real from drawn residuals on the low-pass pictures of the real ones; on the coarsest level, pictures."""
    real = descend(batch.images, level)
    discriminator = networks[f"discriminator_{level}"]
    fake, real_parts = _draw_level(networks, real, config, noise, level)
    real_term, fake_term = discriminator_loss(discriminator(*real_parts), discriminator(fake, *real_parts[1:]))
    observed = {"deviation_real": precise(real_parts[0]).std(), "deviation_fake": precise(fake).std()}
    return Objective({"real": real_term, "fake": fake_term}, observed)


def compute_generator_loss(networks: Networks, batch: Batch, config: Config, noise: Noise, *, level: int) -> Objective:
    """Draw residuals, or the coarsest pictures, that are taken for real ones."""
    fake, real_parts = _draw_level(networks, descend(batch.images, level), config, noise, level)
    logits = networks[f"discriminator_{level}"](fake, *real_parts[1:])
    return Objective({"non_saturating": non_saturating_loss(logits)})


def _draw_level(
    networks: Networks, real: Tensor, config: Config, noise: Noise, level: int
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return what the level's generator draws, and what its discriminator sees of the real pictures.

    That is a residual and its low-pass picture, or the coarsest picture alone; what is drawn stands for the first.
    """
    real_parts = (real,) if level == COARSEST else split(real)
    return _generate(networks, config, noise, level, *real_parts[1:]), real_parts


# --- Phases -------------------------------------------------------------------------------------------------


def list_phases(config: Config) -> tuple[Phase[LAPGANHyperparameters], ...]:
    """For each level a step of its discriminator and one of its generator; no level needs another."""
    return tuple(phase for level in range(COARSEST + 1) for phase in _phases_of_level(config, level))


def _phases_of_level(config: Config, level: int) -> Iterator[Phase[LAPGANHyperparameters]]:
    chosen = config.hyperparameters
    if chosen.optimizer == "adam":
        optimizer = neutral.choose_optimizer(chosen)
    else:
        optimizer = sgd(chosen.learning_rate, chosen.beta1)
    discriminator, generator = f"discriminator_{level}", f"generator_{level}"
    loss = partial(compute_discriminator_loss, level=level)
    yield Phase(discriminator, (discriminator,), loss, optimizer, repeats=chosen.discriminator_steps)
    yield Phase(generator, (generator,), partial(compute_generator_loss, level=level), optimizer)


# --- Sampling -----------------------------------------------------------------------------------------------


class LAPGANControls(Controls):
    """How far a picture is drawn."""

    level: int | None = Field(
        None,
        ge=0,
        le=COARSEST,
        description="level of the pyramid: 0 is the full picture, each further one half its side",
    )


def sample(networks: Networks, config: Config, noise: Noise, labels: Tensor) -> Tensor:
    """Draw pictures from the coarsest level up, (n, c, h, w) in [-1, 1]; labels are ignored."""
    return draw_down_to(networks, config, noise, 0)


def sample_level(networks: Networks, config: Config, noise: Noise, labels: Tensor, controls: LAPGANControls) -> Tensor:
    """Draw pictures of a level: (n, c, h, w) in [-1, 1], the side halved for each level above 0."""
    return draw_down_to(networks, config, noise, controls.level or 0)


def draw_down_to(networks: Networks, config: Config, noise: Noise, finest: int) -> Tensor:
    """Draw the coarsest pictures and add residuals level by level, up to the level `finest`."""
    images = precise(_generate(networks, config, noise, COARSEST))
    for level in range(COARSEST - 1, finest - 1, -1):
        low_pass = enlarge(images)
        images = (low_pass + _generate(networks, config, noise, level, low_pass)).clamp(-1, 1)
    return images


def _generate(networks: Networks, config: Config, noise: Noise, level: int, *low_pass: Tensor) -> Tensor:
    """Let a level's generator draw residuals for low-pass pictures, or the coarsest pictures for none."""
    chosen, side = config.hyperparameters, config.dataset.size >> level
    if level == COARSEST:
        latents = noise.latent(chosen.latent, chosen.latent_dim)
    else:
        latents = noise.latent(chosen.latent, side * side).view(-1, 1, side, side)
    drawn: Tensor = networks[f"generator_{level}"](latents, *low_pass)
    return drawn


def score(networks: Networks, config: Config, images: Tensor, labels: Tensor) -> Tensor:
    """Return the sum of the logits of all levels of the pictures' pyramids: (n,).

    images: (n, c, h, w) of the full side or of a coarser level's, which then has the levels from there on.
    """
    finest = (config.dataset.size // images.shape[-1]).bit_length() - 1
    total = torch.zeros(len(images), device=images.device)
    for level in range(finest, COARSEST):
        total = total + precise(networks[f"discriminator_{level}"](*split(images)))
        images = shrink(images)
    logits: Tensor = networks[f"discriminator_{COARSEST}"](images)
    return total + precise(logits)


FAMILY = Family(
    name="lapgan",
    paper=Paper(
        title="Deep Generative Image Models using a Laplacian Pyramid of Adversarial Networks",
        authors="Emily Denton, Soumith Chintala, Arthur Szlam, Rob Fergus",
        year=2015,
        url="https://arxiv.org/abs/1506.05751",
    ),
    conditioning=Conditioning.NONE,
    hyperparameters=LAPGANHyperparameters,
    presets=MappingProxyType(
        {
            "neutral": neutral.neutral_preset(LAPGANHyperparameters()),
            "paper": Preset(
                LAPGANHyperparameters(
                    width=64,
                    kernel_size=7,
                    batch_norm=False,
                    dropout=0.5,
                    optimizer="sgd",
                    learning_rate=0.02,
                ),
                batch_size=128,
                images=20 * 60_000,
                averaging_half_life=0,
                description="the authors' networks and recipe for CIFAR-10: SGD at 0.02, dropout, no batch norm",
            ),
        }
    ),
    build=build,
    phases=list_phases,
    sample=sample,
    score=score,
    score_kind=ScoreKind.LOGIT,
    steering=Steering(LAPGANControls, sample_level),
    generators=tuple(f"generator_{level}" for level in range(COARSEST + 1)),
    advice=MappingProxyType(
        {
            Symptom.UNIFORM: "the coarsest level decides on variety: give it more passes, or a smaller `learning_rate`",
            Symptom.MISSING_CLASSES: "the coarsest level decides which classes are drawn: train for longer",
        }
    ),
    search=neutral.search(),
)
