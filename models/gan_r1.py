"""GAN-R1: a non-saturating GAN with a penalty on the slope at real pictures (Mescheder, Geiger & Nowozin 2018).

Source: https://arxiv.org/abs/1801.04406, eq. 9, and the authors' code (LMescheder/GAN_stability) for the recipe.

Idea: where the generator already draws the data, a discriminator with a slope still pushes it away, and the two circle
each other for ever. A penalty on the discriminator's slope at real pictures, R1, takes that slope away, so that the
training converges from near the solution for every gamma > 0. With logits D and the sigmoid s:

    discriminator   min  -E log s(D(x)) - E log(1 - s(D(G(z)))) + gamma/2 E |grad_x D(x)|^2
    generator       min  -E log s(D(G(z)))

Traps: the half. The authors' reg_param stands before the squared norm without one, so that their 10 is gamma = 20 here
and in StyleGAN2. The penalty is of the logit and at real pictures alone, its norm over all the pixels of a picture; and
batch norm in the discriminator would couple the pictures, so it is refused. Gamma belongs to a scale of pixels: [0, 1]
would need a quarter of what [-1, 1] needs.

Deviations of `neutral`
* Networks: the neutral backbone; the paper's are ResNets.
* gamma: 1, for small pictures of one channel; the authors' 20.
* Optimiser: Adam at 2e-4, (0.5, 0.999); the authors' RMSProp at 1e-4.
* Latents: 64 from U(-1, 1); the authors' 256 from N(0, 1).
* Moving average: a half-life of 10,000 pictures; the authors' factor of 0.999 a step makes 44,361 in batches of 64.

Deviations of `paper`
* Networks: the neutral backbone with the authors' recipe.
* Pictures: as they are; the authors' code flips them, and adds noise from U(0, 1/128).
* Moving average: its half-life grows up to the authors' in the first part of the training, as with every family.
* Budget of 20 passes through MNIST.
"""

from math import log
from types import MappingProxyType

from pydantic import Field

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
from models._losses import zero_centred_penalty
from models._noise import Noise

# --- Hyperparameters ----------------------------------------------------------------------------------------


class GANR1Hyperparameters(neutral.PenalisedHyperparameters):
    """The penalty, and the optimiser."""

    penalty_weight: float = Field(
        1.0,
        ge=0,
        le=1e6,
        description="gamma: how strongly a steep discriminator is punished, by half its squared slope at real pictures",
    )
    optimizer: neutral.OptimizerName = Field("adam", description="the optimiser of both players")


Config = ModelConfig[GANR1Hyperparameters]

# --- Losses -------------------------------------------------------------------------------------------------


def compute_discriminator_loss(networks: Networks, batch: Batch, config: Config, noise: Noise) -> Objective:
    """Tell real from fake pictures, with little slope at the real ones: eq. 9."""
    discriminator = networks["discriminator"]
    images = batch.images.detach().requires_grad_()
    on_real, on_fake = discriminator(images), neutral.judge_fakes(networks, batch, config, noise)
    penalty = config.hyperparameters.penalty_weight * zero_centred_penalty(images, on_real)
    return neutral.tell_apart(on_real, on_fake, penalty=penalty)


# --- Phases -------------------------------------------------------------------------------------------------


def list_phases(config: Config) -> tuple[Phase[GANR1Hyperparameters], ...]:
    """One step of the discriminator, penalised each time, and one of the generator."""
    return neutral.two_players(
        config,
        compute_discriminator_loss,
        neutral.compute_non_saturating_loss,
        optimizer=neutral.choose_optimizer(config.hyperparameters, config.hyperparameters.optimizer),
    )


FAMILY = Family(
    name="gan_r1",
    paper=Paper(
        title="Which Training Methods for GANs do actually Converge?",
        authors="Lars Mescheder, Andreas Geiger, Sebastian Nowozin",
        year=2018,
        url="https://arxiv.org/abs/1801.04406",
    ),
    conditioning=Conditioning.NONE,
    hyperparameters=GANR1Hyperparameters,
    presets=MappingProxyType(
        {
            "neutral": neutral.neutral_preset(GANR1Hyperparameters()),
            "paper": Preset(
                GANR1Hyperparameters(
                    latent="normal", latent_dim=256, penalty_weight=20, optimizer="rmsprop", learning_rate=1e-4
                ),
                batch_size=64,
                images=20 * 60_000,
                averaging_half_life=round(64 * log(0.5, 0.999)),
                description="the authors' recipe: RMSProp, 256 normal latents, a strong penalty",
            ),
        }
    ),
    build=neutral.build,
    phases=list_phases,
    sample=neutral.sample,
    score=neutral.score,
    score_kind=ScoreKind.LOGIT,
    advice=MappingProxyType(
        {
            Symptom.UNIFORM: "change `penalty_weight` by a factor of 10, between 0.1 and 10 for pictures of this size",
            Symptom.SATURATED: "raise `penalty_weight` tenfold",
            Symptom.DIVERGED: "raise `penalty_weight` tenfold, and halve the `learning_rate`",
        }
    ),
    search=neutral.search(without=("batch_norm",), penalty_weight=neutral.PENALTY_WEIGHTS),
)
