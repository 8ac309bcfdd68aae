"""GAN: generative adversarial networks (Goodfellow et al. 2014).

Source: https://arxiv.org/abs/1406.2661, eq. 1 and sections 3 and 4; for the recipe of `paper` the authors' code
(goodfeli/adversarial, mnist.yaml).

Idea: the generator turns noise into pictures and the discriminator tells them from real ones; each is the other's
teacher. Where the discriminator is at its best, D = log p/q, the generator faces 2 JS(p, q) - 2 log 2, which is
smallest where its distribution q is the data's p. With logits D and s the sigmoid:

    discriminator   min  -E log s(D(x)) - E log(1 - s(D(G(z))))
    generator       min  -E log s(D(G(z)))         non-saturating, section 3: what the authors train with
                    min   E log(1 - s(D(G(z))))    minimax, eq. 1: one value, which the players pull apart

Traps: the minimax gradient vanishes where the discriminator wins, and it wins first; so the non-saturating loss. Where
nobody can tell, the discriminator's terms add up to 2 log 2 and the generator's are log 2 and -log 2.

Deviations of `neutral` and `minimax`
* Networks and recipe: the neutral backbone, and Adam; the paper's perceptrons and SGD are in `paper`.

Deviations of `paper`
* Latents: from U(-1, 1); the authors' code has U(-sqrt 3, sqrt 3), whose variance is 1.
* The generator's output biases begin at 0; theirs at the logits of each pixel's mean, which need the data.
* Each player sees latents of its own, one after the other; in the authors' code both step at once, on the same.
* Momentum rises from step to step; theirs after each pass, over the same 250 passes.
* All 60,000 pictures are trained on, 250 times; theirs are 50,000, until stopped by hand.
* The learning rate falls to `final_rate` over the budget, whatever it is. With the preset's 150,000 steps that is
  the authors' factor of 1 / 1.000004 at each; their floor of 1e-6 is far beyond.
"""

from dataclasses import replace
from functools import partial
from math import prod
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
    OptimizerFactory,
    Paper,
    Phase,
    Preset,
    ScoreKind,
    Symptom,
)
from models._layers import Maxout, SigmoidPixels, initialise_uniform, to_unit_range
from models._losses import non_saturating_loss, saturating_loss
from models._noise import Noise
from models._optimizers import exponential_decay, sgd_with_rising_momentum

# --- Hyperparameters ----------------------------------------------------------------------------------------


class GANHyperparameters(neutral.NeutralHyperparameters):
    """The generator's side of the game, and what the paper's perceptrons need."""

    loss: Literal["non_saturating", "minimax"] = Field("non_saturating", description="what the generator minimises")
    architecture: Literal["convolutional", "perceptron"] = Field(
        "convolutional", description="kind of both networks: the neutral backbone, or the paper's"
    )
    dropout: float = Field(0.5, ge=0, lt=1, description="share of the perceptron discriminator's hidden units dropped")
    input_dropout: float = Field(0.2, ge=0, lt=1, description="share of the pixels that it does not see in training")
    optimizer: Literal["adam", "sgd"] = Field("adam", description="optimiser of both players")
    momentum: float = Field(0.5, ge=0, lt=1, description="momentum of SGD at first")
    final_momentum: float = Field(0.7, ge=0, lt=1, description="momentum of SGD that it rises to")
    momentum_steps: int = Field(150_000, ge=1, le=10**9, description="steps in which it does so")
    final_rate: float = Field(
        1.0, gt=0, le=1, description="share of the learning rate left at the end, after falling by equal factors"
    )
    discriminator_weight: float = Field(1.0, gt=0, le=1e6, description="factor of the discriminator's loss")


Config = ModelConfig[GANHyperparameters]

# --- Networks: perceptrons ----------------------------------------------------------------------------------


class PerceptronGenerator(nn.Sequential):
    """Latents (n, latent_dim) to pictures (n, c, h, w) in [-1, 1], by two layers of ReLU."""

    def __init__(self, config: Config) -> None:
        chosen, spec = config.hyperparameters, config.dataset
        shape = (spec.channels, spec.size, spec.size)
        super().__init__(
            nn.Linear(chosen.latent_dim, chosen.hidden),
            nn.ReLU(),
            nn.Linear(chosen.hidden, chosen.hidden),
            nn.ReLU(),
            nn.Linear(chosen.hidden, prod(shape)),
            nn.Unflatten(1, shape),
            SigmoidPixels(),
        )
        initialise_uniform(self, 0.05)


class MaxoutDiscriminator(nn.Module):
    """Pictures (n, c, h, w), seen in [0, 1], to logits (n,), by two layers of maxout and with dropout."""

    def __init__(self, config: Config, *, units: int = 240, pieces: int = 5) -> None:
        super().__init__()
        chosen, spec = config.hyperparameters, config.dataset
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Dropout(chosen.input_dropout),
            Maxout(spec.channels * spec.size**2, units, pieces),
            nn.Dropout(chosen.dropout),
            Maxout(units, units, pieces),
            nn.Dropout(chosen.dropout),
            nn.Linear(units, 1),
            nn.Flatten(0),
        )
        initialise_uniform(self, 0.005)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits: (n,)."""
        logits: Tensor = self.layers(to_unit_range(images))
        return logits


def build(config: Config) -> Networks:
    """Build both players. Raises UnsupportedShapeError where the neutral backbone meets a side it has no place for."""
    if config.hyperparameters.architecture == "convolutional":
        return neutral.build(config)
    return nn.ModuleDict({"generator": PerceptronGenerator(config), "discriminator": MaxoutDiscriminator(config)})


# --- Losses -------------------------------------------------------------------------------------------------

_GENERATOR_LOSSES = {"non_saturating": non_saturating_loss, "minimax": saturating_loss}


def compute_discriminator_loss(networks: Networks, batch: Batch, config: Config, noise: Noise) -> Objective:
    """Tell real from fake: eq. 1, negated, times the weight."""
    weight = config.hyperparameters.discriminator_weight
    unweighted = neutral.tell_apart(*neutral.judge_both(networks, batch, config, noise))
    return replace(unweighted, terms={name: weight * term for name, term in unweighted.terms.items()})


def compute_generator_loss(networks: Networks, batch: Batch, config: Config, noise: Noise) -> Objective:
    """Be taken for real, or not be told from it: section 3, or eq. 1."""
    loss = config.hyperparameters.loss
    return Objective({loss: _GENERATOR_LOSSES[loss](neutral.judge_fakes(networks, batch, config, noise))})


# --- Phases -------------------------------------------------------------------------------------------------


def list_phases(config: Config) -> tuple[Phase[GANHyperparameters], ...]:
    """So many steps of the discriminator as chosen, then one of the generator: algorithm 1."""
    return neutral.two_players(
        config,
        compute_discriminator_loss,
        compute_generator_loss,
        optimizer=_optimizer(config.hyperparameters),
        schedule=partial(exponential_decay, end=config.hyperparameters.final_rate),
    )


def _optimizer(chosen: GANHyperparameters) -> OptimizerFactory:
    if chosen.optimizer == "adam":
        return neutral.choose_optimizer(chosen)
    return sgd_with_rising_momentum(chosen.learning_rate, chosen.momentum, chosen.final_momentum, chosen.momentum_steps)


_PAPER_STEPS = 250 * 600

FAMILY = Family(
    name="gan",
    paper=Paper(
        title="Generative Adversarial Networks",
        authors="Ian J. Goodfellow, Jean Pouget-Abadie, Mehdi Mirza, Bing Xu, David Warde-Farley, Sherjil Ozair, "
        "Aaron Courville, Yoshua Bengio",
        year=2014,
        url="https://arxiv.org/abs/1406.2661",
    ),
    conditioning=Conditioning.NONE,
    hyperparameters=GANHyperparameters,
    presets=MappingProxyType(
        {
            "neutral": neutral.neutral_preset(GANHyperparameters()),
            "minimax": neutral.neutral_preset(
                GANHyperparameters(loss="minimax"),
                description="the minimax game on the neutral backbone, whose gradient vanishes where the other wins",
            ),
            "paper": Preset(
                GANHyperparameters(
                    architecture="perceptron",
                    latent_dim=100,
                    hidden=1200,
                    optimizer="sgd",
                    learning_rate=0.1,
                    momentum_steps=_PAPER_STEPS,
                    final_rate=1.000004**-_PAPER_STEPS,
                    discriminator_weight=0.5,
                ),
                batch_size=100,
                images=_PAPER_STEPS * 100,
                averaging_half_life=0,
                description="the authors' perceptrons with maxout and dropout, SGD from 0.1 with rising momentum",
            ),
        }
    ),
    build=build,
    phases=list_phases,
    sample=neutral.sample,
    score=neutral.score,
    score_kind=ScoreKind.LOGIT,
    advice=MappingProxyType(
        {
            Symptom.SATURATED: "take `loss` non_saturating, whose gradient stays where the discriminator wins, or a "
            "smaller `learning_rate`",
            Symptom.UNIFORM: "halve the `learning_rate`, or take gan_r1: the same loss with a penalty",
        }
    ),
    search=neutral.search(),
)
