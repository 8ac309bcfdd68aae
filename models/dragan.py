"""DRAGAN: a GAN with a penalty on the slope around real pictures (Kodali, Abernethy, Hays & Kira 2017).

Source: https://arxiv.org/abs/1705.07215 for the gradient penalty, which its abstract names DRAGAN; the loss as Lucic et
al. 2018 (https://arxiv.org/abs/1711.10337) print it in table 1; the authors' notebook (kodalinaveen3/DRAGAN) for the
noise and the recipe.

Idea: collapse comes with sharp slopes of the discriminator around real pictures, which make many latents prefer one
picture. So its slope is kept near 1 at points close to the data; nothing is asked between data and fakes, where WGAN-GP
looks. With logits D and the sigmoid s:

    discriminator   min  -E log s(D(x)) - E log(1 - s(D(G(z)))) + lambda E (|grad D(x')| - 1)^2
    generator       min  -E log s(D(G(z)))

    x' = x + a 0.5 std(x) u        u from U(0, 1) for each pixel, a from U(0, 1) for each picture

std(x) is the deviation of all pixels of the batch. The noise only brightens.

Traps: the slope is the logit's; the probability's would vanish where the discriminator is sure. Its norm is over all
pixels of a picture, and the share a is one number for a picture. No fake picture enters the penalty. With batch norm
the slope at a picture depends on its batch, so it is off unless asked for.

Deviations of `neutral`
* Noise: uniform and one-sided, as in the notebook; the paper's text has a normal one.
* Pixels: [-1, 1]; the notebook's are in [0, 1], where a slope of 1 is half as steep.
* Networks: the neutral backbone; the notebook's are perceptrons with one hidden layer of 128.
* Latents: 64 from U(-1, 1); the notebook's 100.
* Adam: 2e-4, (0.5, 0.999); the notebook's 1e-4, (0.5, 0.9).
* A moving average of the generator's weights; the notebook has none.

Deviations of `paper`
* Noise, pixels and networks: as in `neutral`.
* Budget of 3 million pictures, 50 passes through MNIST; the notebook's 200,000 steps see 25.6 million.
"""

from types import MappingProxyType

from pydantic import Field
from torch import Tensor

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


class DRAGANHyperparameters(neutral.NeutralHyperparameters):
    """The penalty, and where it is taken."""

    penalty_weight: float = Field(10.0, ge=0, le=1e6, description="lambda, of the squared distance of the slope from 1")
    noise_scale: float = Field(
        0.5, gt=0, le=1e6, description="largest noise on a pixel, in deviations of the batch's pixels"
    )
    batch_norm: bool = Field(False, description="whether the discriminator has batch norm, which couples pictures")


Config = ModelConfig[DRAGANHyperparameters]

# --- Losses -------------------------------------------------------------------------------------------------


def compute_discriminator_loss(networks: Networks, batch: Batch, config: Config, noise: Noise) -> Objective:
    """Tell real from fake pictures, with a slope of about 1 close to the real ones."""
    on_real, on_fake = neutral.judge_both(networks, batch, config, noise)
    points = perturb(batch.images, config.hyperparameters.noise_scale, noise).requires_grad_()
    penalty = config.hyperparameters.penalty_weight * one_centred_penalty(points, networks["discriminator"](points))
    return neutral.tell_apart(on_real, on_fake, penalty=penalty)


def perturb(images: Tensor, scale: float, noise: Noise) -> Tensor:
    """Return x + a scale std(x) u: each picture moved a share of the way to a noisy one, which is brighter.

    images: (n, c, h, w), a row for each of the noise; so is what is returned.
    """
    noisy = images + scale * images.std(correction=0) * noise.uniform(*images.shape[1:], low=0.0, high=1.0)
    return interpolate(noisy, images, noise.uniform(low=0.0, high=1.0))


# --- Phases -------------------------------------------------------------------------------------------------


def list_phases(config: Config) -> tuple[Phase[DRAGANHyperparameters], ...]:
    """One step of the discriminator, one of the generator."""
    return neutral.two_players(config, compute_discriminator_loss, neutral.compute_non_saturating_loss)


FAMILY = Family(
    name="dragan",
    paper=Paper(
        title="On Convergence and Stability of GANs",
        authors="Naveen Kodali, Jacob Abernethy, James Hays, Zsolt Kira",
        year=2017,
        url="https://arxiv.org/abs/1705.07215",
    ),
    conditioning=Conditioning.NONE,
    hyperparameters=DRAGANHyperparameters,
    presets=MappingProxyType(
        {
            "neutral": neutral.neutral_preset(DRAGANHyperparameters()),
            "paper": Preset(
                DRAGANHyperparameters(latent_dim=100, learning_rate=1e-4, beta2=0.9),
                batch_size=128,
                images=50 * 60_000,
                averaging_half_life=0,
                description="the authors' recipe: Adam at 1e-4 with a short memory, 100 latents, no moving average",
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
            Symptom.SATURATED: "raise `penalty_weight`, or widen `noise_scale`: the slope is held where the noise "
            "reaches alone",
            Symptom.UNIFORM: "raise `penalty_weight`, or begin anew with another seed",
        }
    ),
    search=neutral.search(penalty_weight=neutral.PENALTY_WEIGHTS),
)
