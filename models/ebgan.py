"""EBGAN: energy-based generative adversarial network (Zhao, Mathieu & LeCun 2016).

Source: https://arxiv.org/abs/1609.03126, eqs. 1 and 2 (losses), section 2.3 (autoencoder), section 2.4 (pulling-away
term) and the grid search on MNIST for the recipe.

Idea: the discriminator is no classifier but an energy, low for real pictures and high elsewhere: the error with which
an autoencoder reconstructs a picture. Fakes are pushed up only as far as a margin m, so good ones are left alone. The
pulling-away term keeps the fakes of a batch apart by making their codes orthogonal. With [.]^+ the positive part:

    energy          D(x) = |Dec(Enc(x)) - x|, the norm over all pixels and channels
    discriminator   min  E D(x) + E [m - D(G(z))]^+
    generator       min  E D(G(z)) + w f(S), S = Enc(G(z)), w = 0.1 in EBGAN-PT and 0 in EBGAN
                    f(S) = 1 / (N (N - 1)) sum_{i != j} (S_i . S_j / (|S_i| |S_j|))^2

Scale: m = 10 fits the norm over a 28 x 28 picture; pictures are in [-1, 1], where it is twice that of [0, 1]. Other
sides and channels need another m: the norm grows as the root of their number.

Traps: the hinge is of each picture, and only then the mean is taken. The generator's gradient passes through the
reconstruction and through the target. The mean square of a pixel's error never reaches a margin of 10. The pulling-away
term squares the cosines, leaves out i = j, divides each code by its own norm, and is the generator's alone. Batch norm
in the autoencoder judges fakes by the statistics of fakes, and a lattice of dots passes.

Deviations of `neutral` and `pulling_away`
* Networks: the neutral generator, and the collections' autoencoder with a code of 32, without batch norm; the paper's
  for MNIST are fully connected.
* Adam: 2e-4, (0.5, 0.999); the paper's grid has 1e-3.
* A moving average of the generator's weights; the paper has none.

Deviations of `paper`
* One point of the grid: five layers in the generator, two in the encoder, one in the decoder; 800 and 1024 units.
* Batch norm in the generator's hidden layers and nowhere else, ReLU, 64 latents from U(-1, 1), batches of 64, no
  dropout, weights drawn as PyTorch draws them: our choice.
* Decoder ends in tanh, as the generator does.
* Budget of 20 passes through MNIST.
"""

from itertools import pairwise
from types import MappingProxyType
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import normalize, relu

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
)
from models._losses import precise
from models._noise import Noise
from models._search import LogUniform

# --- Hyperparameters ----------------------------------------------------------------------------------------


class EBGANHyperparameters(autoencoder.AutoencoderHyperparameters):
    """The margin, the pulling-away term, and the kind of networks."""

    margin: float = Field(10.0, gt=0, le=1e6, description="m: up to where the discriminator pushes the energy of fakes")
    pulling_away_weight: float = Field(0.0, ge=0, le=1e6, description="w, of the pulling-away term; 0.1 in EBGAN-PT")
    architecture: Literal["convolutional", "perceptron"] = Field("convolutional", description="kind of both networks")
    generator_layers: int = Field(5, ge=2, le=8, description="layers of a perceptron generator, of `hidden` units")
    encoder_layers: int = Field(2, ge=1, le=8, description="layers of a perceptron encoder, of `code_dim` units")


Config = ModelConfig[EBGANHyperparameters]

# --- Networks -----------------------------------------------------------------------------------------------


class PerceptronGenerator(nn.Sequential):
    """Latents (n, latent_dim) to pictures (n, c, h, w) in (-1, 1), by hidden layers with batch norm."""

    def __init__(self, config: Config) -> None:
        chosen, shape = config.hyperparameters, _shape(config)
        units = [chosen.latent_dim] + [chosen.hidden] * (chosen.generator_layers - 1)
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(units):
            layers += [nn.Linear(inputs, outputs, bias=False), nn.BatchNorm1d(outputs), nn.ReLU()]
        super().__init__(*layers, nn.Linear(units[-1], shape.numel()), nn.Unflatten(1, shape), nn.Tanh())


class PerceptronAutoencoder(autoencoder.Autoencoder):
    """Pictures (n, c, h, w) to their reconstructions in (-1, 1), by way of codes (n, code_dim) that are not negative.

    The decoder has one layer.
    """

    def __init__(self, config: Config) -> None:
        chosen, shape = config.hyperparameters, _shape(config)
        units = [shape.numel()] + [chosen.code_dim] * chosen.encoder_layers
        layers: list[nn.Module] = [nn.Flatten()]
        for inputs, outputs in pairwise(units):
            layers += [nn.Linear(inputs, outputs), nn.ReLU()]
        decoder = nn.Sequential(nn.Linear(chosen.code_dim, shape.numel()), nn.Unflatten(1, shape), nn.Tanh())
        super().__init__(nn.Sequential(*layers), decoder)


def _shape(config: Config) -> torch.Size:
    return torch.Size((config.dataset.channels, config.dataset.size, config.dataset.size))


def build(config: Config) -> Networks:
    """Build both players. Raises UnsupportedShapeError where convolutions meet a side that they cannot draw."""
    if config.hyperparameters.architecture == "convolutional":
        return autoencoder.build(config)
    return nn.ModuleDict({"generator": PerceptronGenerator(config), "discriminator": PerceptronAutoencoder(config)})


# --- Losses -------------------------------------------------------------------------------------------------

EPSILON = 1e-12
"""Added under the norm's root, whose slope at 0 would be infinite."""


def reconstruction_norm(images: Tensor, reconstructions: Tensor) -> Tensor:
    """Return |Dec(Enc(x)) - x| of each picture, over all its pixels and channels: (n,).

    images, reconstructions: (n, c, h, w). Its gradient passes through both.
    """
    errors = precise(reconstructions) - precise(images)
    return (errors.square().sum(dim=(1, 2, 3)) + EPSILON).sqrt()


def pulling_away_term(codes: Tensor) -> Tensor:
    """Return the mean squared cosine between the codes of different pictures: section 2.4.

    codes: (n, d), n at least 2. A scalar in [0, 1], not yet weighted: 0 for orthogonal codes, 1 for parallel ones.
    """
    directions = normalize(precise(codes), dim=1)
    squares = (directions @ directions.T).square()
    count = len(codes)
    return (squares.sum() - squares.diagonal().sum()) / (count * (count - 1))


def compute_discriminator_loss(networks: Networks, batch: Batch, config: Config, noise: Noise) -> Objective:
    """Lower the energy of real pictures, and raise that of each fake as far as the margin: eq. 1."""
    fake = neutral.sample(networks, config, noise, batch.labels)
    on_real, on_fake = (-score(networks, config, images, batch.labels) for images in (batch.images, fake))
    terms = {"real": on_real.mean(), "fake": relu(config.hyperparameters.margin - on_fake).mean()}
    return Objective(terms, {"energy_real": on_real.mean(), "energy_fake": on_fake.mean()})


def compute_generator_loss(networks: Networks, batch: Batch, config: Config, noise: Noise) -> Objective:
    """Draw pictures of low energy, eq. 2, and of different directions in the code: section 2.4."""
    discriminator, weight = networks["discriminator"], config.hyperparameters.pulling_away_weight
    fake = neutral.sample(networks, config, noise, batch.labels)
    codes = discriminator.get_submodule("encoder")(fake)
    reconstructions = discriminator.get_submodule("decoder")(codes)
    terms = {"energy": reconstruction_norm(fake, reconstructions).mean()}
    if weight > 0:
        terms["pulling_away"] = weight * pulling_away_term(codes)
    return Objective(terms)


# --- Phases -------------------------------------------------------------------------------------------------


def list_phases(config: Config) -> tuple[Phase[EBGANHyperparameters], ...]:
    """One step of the discriminator, one of the generator."""
    return neutral.two_players(config, compute_discriminator_loss, compute_generator_loss)


# --- Sampling -----------------------------------------------------------------------------------------------


def score(networks: Networks, config: Config, images: Tensor, labels: Tensor) -> Tensor:
    """Return the negative energy of each picture, (n,), in (-inf, 0]; labels are ignored."""
    return -reconstruction_norm(images, networks["discriminator"](images))


FAMILY = Family(
    name="ebgan",
    paper=Paper(
        title="Energy-based Generative Adversarial Network",
        authors="Junbo Zhao, Michael Mathieu, Yann LeCun",
        year=2016,
        url="https://arxiv.org/abs/1609.03126",
    ),
    conditioning=Conditioning.NONE,
    hyperparameters=EBGANHyperparameters,
    presets=MappingProxyType(
        {
            "neutral": neutral.neutral_preset(EBGANHyperparameters()),
            "pulling_away": neutral.neutral_preset(
                EBGANHyperparameters(pulling_away_weight=0.1),
                description="EBGAN-PT: as neutral, with the pulling-away term",
            ),
            "paper": Preset(
                EBGANHyperparameters(architecture="perceptron", hidden=800, code_dim=1024, learning_rate=1e-3),
                batch_size=64,
                images=20 * 60_000,
                averaging_half_life=0,
                description="fully connected networks from the paper's grid on MNIST, Adam at 1e-3, no moving average",
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
            Symptom.UNIFORM: "keep the pictures of a batch apart: `pulling_away_weight` 0.1, as in the preset "
            "pulling_away",
            Symptom.SATURATED: "set `margin` to 3 to 5 times the energy of real pictures: beyond it nothing pushes "
            "the fakes apart from them",
        }
    ),
    search=neutral.search(margin=LogUniform(1, 32)),
)
