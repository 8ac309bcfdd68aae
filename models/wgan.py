"""WGAN: Wasserstein generative adversarial networks (Arjovsky, Chintala & Bottou 2017).

Source: https://arxiv.org/abs/1701.07875, eq. 3 and algorithm 1, and the authors' code (martinarjovsky/WassersteinGAN)
for the recipe.

Idea: a critic f gives scores in the place of logits, without sigmoid or logarithm. Among all f with slopes of at most
1, the largest difference of the mean scores is the Wasserstein distance of the two distributions, which falls steadily
as they come closer, even where they do not overlap. To bound the slopes, every weight is clipped to [-c, c].

    critic      min  -E f(x) + E f(G(z))     and then every weight w of f becomes max(-c, min(c, w))
    generator   min  -E f(G(z))

The critic's loss, negated, estimates the distance times an unknown constant, and tends to fall as the pictures get
better: it is logged as `wasserstein_estimate`.

Traps: the critic must be trained well before each step of the generator. It is unstable under momentum, hence RMSProp.
Weights pile up at -c and c; too small a c makes gradients vanish, too large a one makes them explode. Batch norm's
scales, shifts and statistics are no weights: clipping them to c would switch the layer off.

Deviations of `neutral`
* Steps of the critic to one of the generator: 5 throughout; the authors' code has 100 in the first 25 steps of the
  generator and in every 500th.
* Clipping: the weights and biases of convolutions and dense layers; the authors' code clips batch norm's scales too.
  It follows each step of the critic, as in algorithm 1; the authors' code has it before each.
* Networks: the neutral backbone; the paper's is DCGAN's for 64 x 64 pictures, drawn from N(0, 0.02^2).
* Latents: 64 from U(-1, 1); the authors' code has 100 from N(0, 1).
* A moving average of the generator's weights; the paper has none.

Deviations of `paper`
* Steps of the critic, clipping and networks: as in `neutral`.
* Budget of 50 passes through MNIST; the authors' default is 25 through LSUN's bedrooms.
"""

from types import MappingProxyType

import torch
from pydantic import Field
from torch import nn

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
from models._noise import Noise
from models._search import LogUniform

# --- Hyperparameters ----------------------------------------------------------------------------------------


class WGANHyperparameters(neutral.NeutralHyperparameters):
    """The clipping, and the recipe that the method needs."""

    weight_clip: float = Field(0.01, gt=0, le=1, description="c: every weight of the critic is kept in [-c, c]")
    discriminator_steps: int = Field(5, ge=1, le=100, description="n_critic: steps of the critic to one of G")
    batch_norm: bool = Field(True, description="whether the critic has batch norm")
    optimizer: neutral.OptimizerName = Field("rmsprop", description="the optimiser of both players")
    learning_rate: float = Field(5e-5, gt=0, le=1, description="alpha: step size of both players")


Config = ModelConfig[WGANHyperparameters]

# --- Networks -----------------------------------------------------------------------------------------------


def build(config: Config) -> Networks:
    """Build both players. Raises UnsupportedShapeError unless the side is a multiple of 4 and at least 8."""
    return neutral.name_critic(neutral.build(config))


# --- Losses -------------------------------------------------------------------------------------------------


def compute_critic_loss(networks: Networks, batch: Batch, config: Config, noise: Noise) -> Objective:
    """Raise the scores of real above those of fake pictures: eq. 3. Real and fake are batches of their own."""
    critic = networks["critic"]
    fake = neutral.sample(networks, config, noise, batch.labels)
    return neutral.estimate_distance(critic(batch.images), critic(fake))


@torch.no_grad()
def clip_weights(networks: Networks, config: Config, objective: Objective) -> None:
    """Bring every weight and bias of the critic's convolutions and dense layers to [-c, c]: algorithm 1, line 7."""
    bound = config.hyperparameters.weight_clip
    for layer in networks["critic"].modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            for weight in layer.parameters():
                weight.clamp_(-bound, bound)


# --- Phases -------------------------------------------------------------------------------------------------


def list_phases(config: Config) -> tuple[Phase[WGANHyperparameters], ...]:
    """Steps of the critic, each followed by the clipping, and one step of the generator."""
    optimizer = neutral.choose_optimizer(config.hyperparameters, config.hyperparameters.optimizer)
    return neutral.wasserstein_players(config, compute_critic_loss, optimizer, after_critic_step=clip_weights)


FAMILY = Family(
    name="wgan",
    paper=Paper(
        title="Wasserstein GAN",
        authors="Martin Arjovsky, Soumith Chintala, Léon Bottou",
        year=2017,
        url="https://arxiv.org/abs/1701.07875",
    ),
    conditioning=Conditioning.NONE,
    hyperparameters=WGANHyperparameters,
    presets=MappingProxyType(
        {
            "neutral": neutral.neutral_preset(WGANHyperparameters()),
            "paper": Preset(
                WGANHyperparameters(latent="normal", latent_dim=100),
                batch_size=64,
                images=50 * 60_000,
                averaging_half_life=0,
                description="the authors' recipe: 100 normal latents, no moving average",
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
            Symptom.UNIFORM: "change `weight_clip` by a factor of 3: too small a bound starves the generator of "
            "slopes, too large a one lets them explode",
            Symptom.DIVERGED: "lower `weight_clip` or the `learning_rate`, and keep `optimizer` rmsprop: momentum "
            "upsets the critic",
        }
    ),
    search=neutral.search(without=("beta1",), weight_clip=LogUniform(1e-3, 1)),
)
