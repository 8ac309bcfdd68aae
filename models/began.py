"""BEGAN: boundary equilibrium generative adversarial networks (Berthelot, Schumm & Metz 2017).

Source: https://arxiv.org/abs/1703.10717, sections 3.3 (the equilibrium) and 3.4 (the objective and, 3.4.1, the
measure of convergence), and a well-known implementation (carpedm20/BEGAN-tensorflow) for the recipe.

Idea: the discriminator is an autoencoder, and the players fight over the distribution of its errors, not of pictures.
A weight k balances them: it is steered so that E L(G(z)) stays the share gamma of E L(x), so neither player wins. A
small gamma gives smooth pictures of little variety. With AE the autoencoder and L the mean over pixels and channels:

    error           L(v) = mean |v - AE(v)|
    discriminator   min  E L(x) - k_t E L(G(z_D))
    generator       min  E L(G(z_G))                                     z_D and z_G are drawn apart
    balance         k_{t+1} = clip(k_t + lambda (gamma E L(x) - E L(G(z_G))), 0, 1),  k_0 = 0
    convergence     M = E L(x) + |gamma E L(x) - E L(G(z_G))|

k is a number in a network without parameters, `balance`, so that a training continues with it.

Traps: k leaves [0, 1] unless it is clipped. It follows both errors, the real pictures' and the fakes'. M may fall while
modes vanish: it is no measure of variety.

Deviations of all presets
* The players take turns, so L(x) is taken before the discriminator's step and L(G(z_G)) after it; in the paper both
  are of the same weights.
* Pictures and reconstructions are in [-1, 1]; on [0, 1] the errors, and so the steps of k, would be half as large.
* The generator and the decoder end in tanh; the implementation has linear outputs.

Deviations of `neutral`
* Networks: the neutral generator, and the collections' autoencoder with a code of 32, without batch norm.
* gamma: 0.75; the implementation has 0.5, and the paper varies it.
* Adam: 2e-4, constant; the implementation has 8e-5, halved twice.
* Batches of 64, and a moving average of the generator's weights; 16 and none there.

Deviations of `paper`
* Networks: 64 channels and three scales, 7 to 28; the implementation has 128 channels and four, 8 to 64.
* The learning rate is halved after each third of the budget; there after each 100,000 steps, down to 2e-5.
* Budget of 20 passes through MNIST; theirs is for CelebA.
"""

from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from models import _autoencoder as autoencoder
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
    ScoreKind,
    Symptom,
    require_size,
)
from models._layers import UpsampleConv2d
from models._losses import precise
from models._noise import Noise
from models._search import LogUniform, Uniform

# --- Hyperparameters ----------------------------------------------------------------------------------------


class BEGANHyperparameters(autoencoder.AutoencoderHyperparameters):
    """The balance of the players, the kind of networks, and the fall of the learning rate."""

    diversity: float = Field(0.75, ge=0, le=1, description="gamma: the share of E L(x) that E L(G(z)) is kept at")
    balance_rate: float = Field(1e-3, gt=0, le=1, description="lambda_k: the step size of k")
    architecture: Literal["neutral", "mirrored"] = Field(
        "neutral", description="neutral generator and small autoencoder, or generator and decoder of one shape"
    )
    halvings: int = Field(0, ge=0, le=20, description="how often the learning rate is halved, at equal distances")


Config = ModelConfig[BEGANHyperparameters]

# --- Networks -----------------------------------------------------------------------------------------------


class Balance(nn.Module):
    """What the players' balance remembers: k, and E L(x) of the discriminator's last step. No parameters."""

    k: Tensor
    error_real: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("k", torch.zeros(()))
        self.register_buffer("error_real", torch.zeros(()))


SCALES = 2
"""How often a mirrored network doubles or halves the side."""


class MirroredDecoder(nn.Sequential):
    """Codes or latents (n, inputs) to pictures (n, c, h, w) in (-1, 1): the paper's decoder and generator, fig. 1."""

    def __init__(self, config: Config, inputs: int) -> None:
        width, channels, side = config.hyperparameters.width, config.dataset.channels, config.dataset.size // 2**SCALES
        layers: list[nn.Module] = [
            nn.Linear(inputs, width * side * side),
            nn.Unflatten(1, (width, side, side)),
            *_convolution(width, width),
            *_convolution(width, width),
        ]
        for _ in range(SCALES):
            layers += [UpsampleConv2d(width, width, 3), nn.ELU(), *_convolution(width, width)]
        super().__init__(*layers, nn.Conv2d(width, channels, 3, padding=1), nn.Tanh())


class MirroredEncoder(nn.Sequential):
    """Pictures (n, c, h, w) to codes (n, code_dim): the paper's encoder, fig. 1, a width wider at each scale."""

    def __init__(self, config: Config) -> None:
        chosen, dataset = config.hyperparameters, config.dataset
        width, side = chosen.width, dataset.size // 2**SCALES
        layers: list[nn.Module] = [*_convolution(dataset.channels, width)]
        for scale in range(1, SCALES + 1):
            layers += _convolution(scale * width, scale * width)
            layers += _convolution(scale * width, (scale + 1) * width, stride=2)
        last = (SCALES + 1) * width
        layers += [*_convolution(last, last), *_convolution(last, last), nn.Flatten()]
        super().__init__(*layers, nn.Linear(last * side * side, chosen.code_dim))


def _convolution(inputs: int, outputs: int, *, stride: int = 1) -> tuple[nn.Module, nn.Module]:
    return nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1), nn.ELU()


def build(config: Config) -> Networks:
    """Build both players and their balance. Raises UnsupportedShapeError unless the side is 8, 12, 16, 20, ..."""
    if config.hyperparameters.architecture == "neutral":
        networks = autoencoder.build(config)
    else:
        require_size(config.dataset, multiple=2**SCALES, least=8)
        chosen = config.hyperparameters
        decoder = MirroredDecoder(config, chosen.code_dim)
        discriminator = autoencoder.Autoencoder(MirroredEncoder(config), decoder)
        generator = MirroredDecoder(config, chosen.latent_dim)
        networks = nn.ModuleDict({"generator": generator, "discriminator": discriminator})
    networks["balance"] = Balance()
    return networks


# --- Losses -------------------------------------------------------------------------------------------------


def reconstruction_error(discriminator: nn.Module, images: Tensor) -> Tensor:
    """Return L(v) = mean |v - AE(v)| of each picture, over its pixels and channels: section 3.1, eta = 1. (n,)."""
    return (precise(images) - precise(discriminator(images))).abs().mean(dim=(1, 2, 3))


def compute_discriminator_loss(networks: Networks, batch: Batch, config: Config, noise: Noise) -> Objective:
    """Reconstruct real pictures well and, as much as the balance asks for, fakes badly: L(x) - k L(G(z_D))."""
    fake = neutral.sample(networks, config, noise, batch.labels)
    on_real, on_fake = (reconstruction_error(networks["discriminator"], v).mean() for v in (batch.images, fake))
    k = networks["balance"].get_buffer("k").clone()
    return Objective({"error_gap": on_real - k * on_fake}, {"error_real": on_real, "error_fake": on_fake, "k": k})


def compute_generator_loss(networks: Networks, batch: Batch, config: Config, noise: Noise) -> Objective:
    """Draw pictures that are reconstructed well; measure the convergence, M."""
    fake = neutral.sample(networks, config, noise, batch.labels)
    on_fake = reconstruction_error(networks["discriminator"], fake).mean()
    on_real = networks["balance"].get_buffer("error_real")
    gap = config.hyperparameters.diversity * on_real - on_fake
    return Objective({"error": on_fake}, {"convergence": on_real + gap.abs()})


def remember_real_error(networks: Networks, config: Config, objective: Objective) -> None:
    """Keep E L(x) of the discriminator's step for the balance."""
    networks["balance"].get_buffer("error_real").copy_(objective.observed["error_real"].detach())


def update_balance(networks: Networks, config: Config, objective: Objective) -> None:
    """Move k by lambda (gamma L(x) - L(G(z_G))), and keep it in [0, 1]."""
    chosen, balance = config.hyperparameters, networks["balance"]
    gap = chosen.diversity * balance.get_buffer("error_real") - objective.terms["error"].detach()
    balance.get_buffer("k").add_(chosen.balance_rate * gap).clamp_(0, 1)


# --- Phases -------------------------------------------------------------------------------------------------


def list_phases(config: Config) -> tuple[Phase[BEGANHyperparameters], ...]:
    """One step of the discriminator, one of the generator, and then the balance."""
    schedule = partial(halve, times=config.hyperparameters.halvings)
    discriminator, generator = neutral.two_players(
        config, compute_discriminator_loss, compute_generator_loss, schedule=schedule
    )
    return replace(discriminator, after_step=remember_real_error), replace(generator, after_step=update_balance)


def halve(progress: float, *, times: int) -> float:
    """Return the factor of the learning rate: 1, halved so many times at equal distances."""
    return float(0.5 ** min(times, int(progress * (times + 1))))


# --- Sampling -----------------------------------------------------------------------------------------------


def score(networks: Networks, config: Config, images: Tensor, labels: Tensor) -> Tensor:
    """Return the negative error of each picture's reconstruction, (n,), in [-2, 0]; labels are ignored."""
    return -reconstruction_error(networks["discriminator"], images)


FAMILY = Family(
    name="began",
    paper=Paper(
        title="BEGAN: Boundary Equilibrium Generative Adversarial Networks",
        authors="David Berthelot, Thomas Schumm, Luke Metz",
        year=2017,
        url="https://arxiv.org/abs/1703.10717",
    ),
    conditioning=Conditioning.NONE,
    hyperparameters=BEGANHyperparameters,
    presets=MappingProxyType(
        {
            "neutral": neutral.neutral_preset(BEGANHyperparameters()),
            "paper": Preset(
                BEGANHyperparameters(
                    architecture="mirrored", code_dim=64, diversity=0.5, learning_rate=8e-5, halvings=2
                ),
                batch_size=16,
                images=20 * 60_000,
                averaging_half_life=0,
                description="the paper's mirrored networks with ELU, Adam from 8e-5 down to 2e-5, gamma 0.5",
            ),
        }
    ),
    build=build,
    phases=list_phases,
    sample=neutral.sample,
    score=score,
    score_kind=ScoreKind.ENERGY,
    advice=MappingProxyType(
        {
            Symptom.UNIFORM: "raise `diversity`, gamma: a small one gives smooth pictures that are all alike",
            Symptom.DEAD: "raise `diversity`, and look whether k stands at 0 or 1: then `balance_rate` is too large",
        }
    ),
    search=neutral.search(diversity=Uniform(0, 1), balance_rate=LogUniform(1e-4, 1e-2)),
)
