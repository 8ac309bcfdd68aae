"""InfoGAN: interpretable representation learning by information maximising GANs (Chen et al. 2016).

Source: https://arxiv.org/abs/1606.03657, sections 4 to 7 and appendix C.1, and the authors' code (openai/InfoGAN).

Idea: some of the numbers that the generator draws by are codes c, which must be found again in the picture. A head Q
on the discriminator's features guesses them, and E log Q(c|x) + H(c) bounds their mutual information with the
picture from below (eq. 4). Without any label the categorical code comes to be the digit, and the continuous ones come
to be slant and width. With logits D and the sigmoid s:

    L_I            = E log Q(c | G(z, c)) + H(c)                          eq. 5
    discriminator  min  -E log s(D(x)) - E log(1 - s(D(G(z, c)))) - lambda L_I
    generator      min  -E log s(D(G(z, c)))                      - lambda L_I

What the categories become is settled early, by whatever tells pictures apart most easily; on MNIST two of them often
share 4 and 9 by their slant. The preset `invariant` adds that a code shall not depend on how a digit is turned, scaled
or shifted: Q's answers q on a real picture and q' on a moved copy of it shall inform of each other, without any label
as well (Ji et al. 2019, IIC, https://arxiv.org/abs/1807.06653, section 3.1, eq. 3), as Elastic-InfoGAN (Ojha et al.
2020, https://arxiv.org/abs/1910.01112, section 3.2) does with another, contrastive loss:

    P              = E [q(x) q'(x)^T], made symmetric                     the joint distribution of two codes
    discriminator  ... - mu sum_ij P_ij log (P_ij / (P_i P_j))

c is one of k categories, with H = log k, and some numbers from U(-1, 1), with H = log 2 each. Q is a softmax for
the first and a normal distribution for each of the others: its mean is the head's, its standard deviation 1 (the
authors' program for MNIST, half a squared error but for a constant) or the exponential of another output (the paper).

The paper's Q learns with the generator (eq. 6). In the authors' code the bound stands in both losses, and the head
and the features that it shares learn in the discriminator's step alone; so they do here.

Traps: the head gives logits, not probabilities, to the cross entropy. The bound must pass its gradient on to the
generator. Without H(c) the observed values would be no bound on the information.

Deviations of both presets
* Pictures: in [-1, 1], drawn by tanh; the authors' are in [0, 1], drawn by a sigmoid.
* Weights are drawn as PyTorch draws them; the authors' from N(0, 0.02^2).
* Entropy of the continuous codes: log 2, that of U(-1, 1); the authors' code takes a normal distribution's cross
  entropy with them. The gradient is the same.
* The categorical code is drawn as the place of the largest of k numbers: so a truncation leaves it alone.

Deviations of `paper`
* Leaky ReLU: slope 0.1, the paper's; the authors' code has 0.01.

Deviations of `neutral`
* Noise beside the codes: 64 numbers; the paper's are 62.
* Leaky ReLU: slope 0.2; the paper's is 0.1.
* Batches of 64, 1,200,000 pictures, a moving average of the generator; the authors have 128, 640,000 and none.

Deviations of `invariant`
* mu is 1; the paper has no such term, and IIC has it alone. Its classifier sees five moved copies of a picture in a
  batch of 700, ours one in a batch of 128.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import log, pi
from types import MappingProxyType

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from models import _neutral as neutral
from models._family import (
    Batch,
    Conditioning,
    ControlError,
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
)
from models._jitter import jitter
from models._layers import encode_labels
from models._losses import discriminator_loss, non_saturating_loss, precise
from models._noise import Noise
from models._optimizers import adam

# --- Hyperparameters ----------------------------------------------------------------------------------------


class InfoGANHyperparameters(neutral.NeutralHyperparameters):
    """The codes, and how much they count."""

    latent_dim: int = Field(64, ge=1, le=1024, description="numbers of noise beside the codes")
    categories: int = Field(10, ge=2, le=10, description="values of the categorical code")
    continuous_codes: int = Field(2, ge=0, le=2, description="continuous codes, from U(-1, 1)")
    information_weight: float = Field(
        1.0, ge=0, le=1e6, description="lambda, of the information in the categorical code"
    )
    continuous_weight: float = Field(
        1.0, ge=0, le=1e6, description="lambda, of the information in the continuous codes"
    )
    invariance_weight: float = Field(
        0.0,
        ge=0,
        le=1e6,
        description="mu: how much it counts that a real picture and its moved copy get the same codes",
    )
    fixed_deviation: bool = Field(
        True, description="whether the deviations of the codes that Q tells are 1, or else learnt"
    )
    slope: float = Field(0.2, ge=0, lt=1, description="slope of the discriminator's leaky ReLU")
    learning_rate: float = Field(2e-4, gt=0, le=1, description="step size of the discriminator")
    generator_learning_rate: float = Field(1e-3, gt=0, le=1, description="step size of the generator")


Config = ModelConfig[InfoGANHyperparameters]

# --- Networks -----------------------------------------------------------------------------------------------

RECOGNITION_WIDTH = 128
TURNED, ZOOMED, SHIFTED = 0.35, 0.15, 1 / 14
"""How far a real picture is moved for `invariance_weight`: 20 degrees, 15 % and two of 28 pixels."""
LEAST = 1e-9
"""The least probability whose logarithm is taken."""


class InfoGANDiscriminator(nn.Module):
    """Pictures (n, c, h, w) to logits (n,) and to what Q says of their codes (n, outputs), by shared features.

    outputs: a logit for each category, a mean for each continuous code, and where the standard deviations are learnt
    the logarithm of each.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        chosen = config.hyperparameters
        self.features = neutral.NeutralFeatures(config, slope=chosen.slope)
        self.logit = nn.Sequential(nn.Linear(chosen.hidden, 1), nn.Flatten(0))
        self.recognition = nn.Sequential(
            nn.Linear(chosen.hidden, RECOGNITION_WIDTH, bias=False),
            nn.BatchNorm1d(RECOGNITION_WIDTH),
            nn.LeakyReLU(chosen.slope),
            nn.Linear(
                RECOGNITION_WIDTH, chosen.categories + chosen.continuous_codes * (1 if chosen.fixed_deviation else 2)
            ),
        )

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (n,) and Q's outputs (n, outputs)."""
        features = self.features(images)
        return self.logit(features), self.recognition(features)


def build(config: Config) -> Networks:
    """Build both players. Raises UnsupportedShapeError unless the side is a multiple of 4 and at least 8."""
    neutral.require_side(config)
    chosen = config.hyperparameters
    inputs = chosen.latent_dim + chosen.categories + chosen.continuous_codes
    return nn.ModuleDict(
        {
            "generator": neutral.NeutralGenerator(config, inputs=inputs),
            "discriminator": InfoGANDiscriminator(config),
        }
    )


# --- Latents ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Latents:
    """What pictures are drawn by. noise: (n, latent_dim). code: (n,), int64. continuous: (n, continuous_codes)."""

    noise: Tensor
    code: Tensor
    continuous: Tensor


def draw_latents(config: Config, noise: Noise) -> Latents:
    """Draw noise and codes; each category is as likely, whatever the truncation of the noise."""
    chosen = config.hyperparameters
    return Latents(
        noise=neutral.draw_latent(config, noise),
        code=noise.uniform(chosen.categories).argmax(dim=1),
        continuous=noise.uniform(chosen.continuous_codes),
    )


def generate(networks: Networks, config: Config, latents: Latents) -> Tensor:
    """Draw the pictures of noise and codes: (n, c, h, w) in [-1, 1]."""
    code = encode_labels(latents.code, config.hyperparameters.categories)
    images: Tensor = networks["generator"](torch.cat([latents.noise, code, latents.continuous], dim=1))
    return images


# --- Losses -------------------------------------------------------------------------------------------------


def bound_information(config: Config, recognised: Tensor, latents: Latents) -> dict[str, Tensor]:
    """Return lower bounds on the information that pictures hold on their codes, in nats: eq. 4.

    recognised: Q's outputs for the pictures of these latents. A scalar for the categorical code, at most log
    categories, and one for all continuous codes together, where there are any.
    """
    chosen = config.hyperparameters
    logits, means, spare = precise(recognised).tensor_split(
        (chosen.categories, chosen.categories + chosen.continuous_codes), dim=1
    )
    bounds = {"categorical": log(chosen.categories) - cross_entropy(logits, latents.code)}
    if chosen.continuous_codes:
        log_deviations = torch.zeros_like(means) if chosen.fixed_deviation else spare
        deviates = (latents.continuous - means) * torch.exp(-log_deviations)
        log_likelihoods = -deviates.square() / 2 - log_deviations - log(2 * pi) / 2
        bounds["continuous"] = (log(2) + log_likelihoods).sum(dim=1).mean()
    return bounds


def compute_discriminator_loss(networks: Networks, batch: Batch, config: Config, noise: Noise) -> Objective:
    """Tell real from fake pictures, and find the codes of the fake ones."""
    latents = draw_latents(config, noise)
    on_real, recognised_real = networks["discriminator"](batch.images)
    on_fake, recognised = networks["discriminator"](generate(networks, config, latents))
    real_term, fake_term = discriminator_loss(on_real, on_fake)
    terms = {"real": real_term, "fake": fake_term}
    weight = config.hyperparameters.invariance_weight
    if weight:
        moved = jitter(batch.images, noise, angle=TURNED, zoom=ZOOMED, shift=SHIFTED)
        _, recognised_moved = networks["discriminator"](moved)
        codes, codes_of_moved = (categorise(config, one) for one in (recognised_real, recognised_moved))
        terms["invariance"] = -weight * share_information(codes, codes_of_moved)
    return _with_information(terms, config, recognised, latents)


def compute_generator_loss(networks: Networks, batch: Batch, config: Config, noise: Noise) -> Objective:
    """Be taken for real, by pictures in which the codes can be found."""
    latents = draw_latents(config, noise)
    on_fake, recognised = networks["discriminator"](generate(networks, config, latents))
    return _with_information({"non_saturating": non_saturating_loss(on_fake)}, config, recognised, latents)


def share_information(first: Tensor, second: Tensor) -> Tensor:
    """Return what codes of pairs of pictures tell of each other, in nats: Ji et al. 2019, eq. 3.

    first, second: the probability of each category for one and the other of a pair, (n, categories). A scalar from 0,
    where either says nothing of the other, to log categories, where both are sure, equal, and each category is as
    frequent.
    """
    joint = first.T @ second / len(first)
    joint = (joint + joint.T).clamp(min=2 * LEAST) / 2
    alone = joint.sum(dim=0)
    return (joint * (joint / torch.outer(alone, alone)).log()).sum()


def _with_information(terms: Mapping[str, Tensor], config: Config, recognised: Tensor, latents: Latents) -> Objective:
    """Add -lambda L_I for each kind of code: eq. 6."""
    chosen = config.hyperparameters
    weights = {"categorical": chosen.information_weight, "continuous": chosen.continuous_weight}
    bounds = bound_information(config, recognised, latents)
    information = {f"information_{kind}": -weights[kind] * bound for kind, bound in bounds.items()}
    return Objective({**terms, **information}, {f"mutual_information_{kind}": bound for kind, bound in bounds.items()})


# --- Phases -------------------------------------------------------------------------------------------------


def list_phases(config: Config) -> tuple[Phase[InfoGANHyperparameters], ...]:
    """Steps of the discriminator, Q in it, then one of the generator."""
    chosen = config.hyperparameters
    return neutral.two_players(
        config,
        compute_discriminator_loss,
        compute_generator_loss,
        generator_optimizer=adam(chosen.generator_learning_rate, chosen.beta1, chosen.beta2),
    )


# --- Sampling -----------------------------------------------------------------------------------------------


class InfoGANControls(Controls):
    """The codes; the paper went beyond the range that the continuous ones are trained on."""

    code: int | None = Field(None, ge=0, le=9, description="categorical code, below the number that the model has")
    c1: float | None = Field(None, ge=-2, le=2, description="first continuous code; trained on [-1, 1]")
    c2: float | None = Field(None, ge=-2, le=2, description="second continuous code; trained on [-1, 1]")


def sample(networks: Networks, config: Config, noise: Noise, labels: Tensor) -> Tensor:
    """Draw pictures of random codes: (n, c, h, w) in [-1, 1]; labels are ignored."""
    return generate(networks, config, draw_latents(config, noise))


def steer(networks: Networks, config: Config, noise: Noise, labels: Tensor, controls: InfoGANControls) -> Tensor:
    """Draw pictures of the codes asked for: (n, c, h, w) in [-1, 1]; what is left out is as in `sample`.

    Raises ControlError where the model has no such code.
    """
    chosen, latents = config.hyperparameters, draw_latents(config, noise)
    if controls.code is not None:
        if controls.code >= chosen.categories:
            raise ControlError("code", f"must be below {chosen.categories}: the model has no code {controls.code}")
        latents = replace(latents, code=torch.full_like(latents.code, controls.code))
    continuous = latents.continuous.clone()
    for place, value in enumerate((controls.c1, controls.c2)):
        if value is not None:
            if place >= chosen.continuous_codes:
                raise ControlError(f"c{place + 1}", f"the model has {chosen.continuous_codes} continuous codes")
            continuous[:, place] = value
    return generate(networks, config, replace(latents, continuous=continuous))


def score(networks: Networks, config: Config, images: Tensor, labels: Tensor) -> Tensor:
    """Return the discriminator's logits: (n,); labels are ignored."""
    logits: Tensor = networks["discriminator"](images)[0]
    return logits


def recognise(networks: Networks, config: Config, images: Tensor) -> Tensor:
    """Return Q(c|x), the probability of each category of the code: (n, categories). Which is which digit is open."""
    return categorise(config, networks["discriminator"](images)[1])


def categorise(config: Config, recognised: Tensor) -> Tensor:
    """Return the probability of each category, (n, categories), of Q's outputs (n, outputs)."""
    return precise(recognised[:, : config.hyperparameters.categories]).softmax(dim=1)


FAMILY = Family(
    name="infogan",
    paper=Paper(
        title="InfoGAN: Interpretable Representation Learning by Information Maximizing Generative Adversarial Nets",
        authors="Xi Chen, Yan Duan, Rein Houthooft, John Schulman, Ilya Sutskever, Pieter Abbeel",
        year=2016,
        url="https://arxiv.org/abs/1606.03657",
    ),
    conditioning=Conditioning.NONE,
    hyperparameters=InfoGANHyperparameters,
    presets=MappingProxyType(
        {
            "neutral": neutral.neutral_preset(InfoGANHyperparameters()),
            "paper": Preset(
                InfoGANHyperparameters(latent_dim=62, slope=0.1),
                batch_size=128,
                images=50 * 100 * 128,
                averaging_half_life=0,
                description="the authors' program for MNIST: 62 + 12 latents, 50 x 100 steps of batches of 128",
            ),
            "invariant": Preset(
                InfoGANHyperparameters(latent_dim=62, slope=0.1, invariance_weight=1.0),
                batch_size=128,
                images=50 * 100 * 128,
                averaging_half_life=0,
                description="the paper's, and codes that a small turn, scale or shift of a real picture leaves alone",
            ),
        }
    ),
    build=build,
    phases=list_phases,
    sample=sample,
    score=score,
    score_kind=ScoreKind.LOGIT,
    steering=Steering(InfoGANControls, steer),
    advice=MappingProxyType(
        {
            Symptom.MISSING_CLASSES: "two digits share a code: begin anew with another seed, or train for longer",
            Symptom.UNIFORM: "lower `information_weight`: codes that are easy to find pay more than variety",
        }
    ),
    search=neutral.search(generator_learning_rate=neutral.LEARNING_RATES),
)
