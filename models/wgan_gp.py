"""WGAN-GP: improved training of Wasserstein GANs (Gulrajani et al. 2017).

Source: https://arxiv.org/abs/1704.00028, eq. 3 and algorithm 1, and the authors' script for MNIST
(igul222/improved_wgan_training, gan_mnist.py) for the recipe.

Idea: the best critic of WGAN has a slope of 1 almost everywhere on straight lines between real and fake pictures
(proposition 1). So the critic is asked for that slope at random points of such lines, in the place of clipping its
weights, which wastes its capacity.

    critic      min  -E f(x) + E f(G(z)) + lambda E (|grad f(x')| - 1)^2      x' = a x + (1 - a) G(z), a from U(0, 1)
    generator   min  -E f(G(z))

Traps: a is one number for a picture, not for a pixel. The norm is over all pixels of a picture, neither over a row nor
over the batch; and its root has no gradient at 0, so a small number is added beneath. Batch norm in the critic would
make the slope at a picture depend on the others, so it is refused. A slope of 1 remains where real and fake pictures
are alike: unlike R1, the method need not converge there.

Deviations of `neutral`
* Networks: the neutral backbone, with batch norm in the generator; the script's have none.
* Pixels: [-1, 1]; the script's are in [0, 1], where a slope of 1 is half as steep.
* Adam: 2e-4, (0.5, 0.999); the script's 1e-4, (0.5, 0.9).
* Latents: 64 from U(-1, 1); the script's 128 from N(0, 1).
* A moving average of the generator's weights; the script has none.

Deviations of `paper`
* Pixels: [-1, 1] from a tanh; the script's [0, 1] from a sigmoid, which is half of one plus a tanh.
* Initial weights: as PyTorch draws them; the script has Glorot's and He's.
* Budget of 3 million pictures, 50 passes through MNIST; the script's 200,000 steps of the generator see 50 million.
"""

from types import MappingProxyType
from typing import Literal

from pydantic import Field
from torch import Tensor, nn

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
from models._losses import interpolate, one_centred_penalty
from models._noise import Noise

# --- Hyperparameters ----------------------------------------------------------------------------------------


class WGANGPHyperparameters(neutral.PenalisedHyperparameters):
    """The penalty, the critic's share of the steps, and the networks."""

    architecture: Literal["neutral", "script"] = Field(
        "neutral", description="the neutral backbone, or the networks of the authors' script for MNIST"
    )
    penalty_weight: float = Field(10.0, ge=0, le=1e6, description="lambda, of the squared distance of the slope from 1")
    discriminator_steps: int = Field(5, ge=1, le=100, description="n_critic: steps of the critic to one of G")


Config = ModelConfig[WGANGPHyperparameters]

# --- Networks -----------------------------------------------------------------------------------------------


class Crop(nn.Module):
    """Keep the upper left corner: (n, c, h, w) to (n, c, side, side)."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def forward(self, images: Tensor) -> Tensor:
        """Return the corner."""
        return images[:, :, : self.side, : self.side]


class ScriptGenerator(nn.Sequential):
    """Latents (n, latent_dim) to pictures (n, c, h, w) in (-1, 1), without normalisation.

    For 28 x 28: dense to 4 x 4, then three deconvolutions 5x5 of stride 2, the first one's 8 x 8 cropped to 7 x 7.
    """

    def __init__(self, config: Config) -> None:
        chosen, channels, quarter = config.hyperparameters, config.dataset.channels, config.dataset.size // 4
        width, side = chosen.width, -(-quarter // 2)
        super().__init__(
            nn.Linear(chosen.latent_dim, 4 * width * side * side),
            nn.ReLU(),
            nn.Unflatten(1, (4 * width, side, side)),
            _double(4 * width, 2 * width),
            nn.ReLU(),
            Crop(quarter),
            _double(2 * width, width),
            nn.ReLU(),
            _double(width, channels),
            nn.Tanh(),
        )


def _double(inputs: int, outputs: int) -> nn.Module:
    return nn.ConvTranspose2d(inputs, outputs, 5, stride=2, padding=2, output_padding=1)


class ScriptCritic(nn.Sequential):
    """Pictures (n, c, h, w) to scores (n,): thrice a convolution 5x5 of stride 2, then dense; no normalisation."""

    def __init__(self, config: Config) -> None:
        width, quarter = config.hyperparameters.width, config.dataset.size // 4
        side = -(-quarter // 2)
        super().__init__(
            nn.Conv2d(config.dataset.channels, width, 5, stride=2, padding=2),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 5, stride=2, padding=2),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 4 * width, 5, stride=2, padding=2),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(4 * width * side * side, 1),
            nn.Flatten(0),
        )


def build(config: Config) -> Networks:
    """Build both players. Raises UnsupportedShapeError unless the side is a multiple of 4 and at least 8."""
    if config.hyperparameters.architecture == "neutral":
        return neutral.name_critic(neutral.build(config))
    neutral.require_side(config)
    return nn.ModuleDict({"generator": ScriptGenerator(config), "critic": ScriptCritic(config)})


# --- Losses -------------------------------------------------------------------------------------------------


def compute_critic_loss(networks: Networks, batch: Batch, config: Config, noise: Noise) -> Objective:
    """Raise the scores of real above those of fake pictures, with a slope of about 1 between them: eq. 3."""
    critic, real = networks["critic"], batch.images
    fake = neutral.sample(networks, config, noise, batch.labels).to(real.dtype)
    points = interpolate(real, fake, noise.uniform(low=0.0, high=1.0)).requires_grad_()
    penalty = config.hyperparameters.penalty_weight * one_centred_penalty(points, critic(points))
    return neutral.estimate_distance(critic(real), critic(fake), penalty=penalty)


# --- Phases -------------------------------------------------------------------------------------------------


def list_phases(config: Config) -> tuple[Phase[WGANGPHyperparameters], ...]:
    """Steps of the critic, and one of the generator."""
    return neutral.wasserstein_players(config, compute_critic_loss)


FAMILY = Family(
    name="wgan_gp",
    paper=Paper(
        title="Improved Training of Wasserstein GANs",
        authors="Ishaan Gulrajani, Faruk Ahmed, Martin Arjovsky, Vincent Dumoulin, Aaron Courville",
        year=2017,
        url="https://arxiv.org/abs/1704.00028",
    ),
    conditioning=Conditioning.NONE,
    hyperparameters=WGANGPHyperparameters,
    presets=MappingProxyType(
        {
            "neutral": neutral.neutral_preset(WGANGPHyperparameters()),
            "paper": Preset(
                WGANGPHyperparameters(
                    architecture="script", latent="normal", latent_dim=128, learning_rate=1e-4, beta2=0.9
                ),
                batch_size=50,
                images=50 * 60_000,
                averaging_half_life=0,
                description="the authors' script for MNIST: its networks, no normalisation, no moving average",
            ),
        }
    ),
    build=build,
    phases=list_phases,
    sample=neutral.sample,
    score=neutral.score_by_critic,
    score_kind=ScoreKind.CRITIC,
    advice=MappingProxyType(
        {
            Symptom.SATURATED: None,
            Symptom.UNIFORM: "take more steps of the critic, `discriminator_steps`, or a smaller `learning_rate`",
            Symptom.DIVERGED: "halve the `learning_rate`, or raise `penalty_weight`",
        }
    ),
    search=neutral.search(without=("batch_norm",), penalty_weight=neutral.PENALTY_WEIGHTS),
)
