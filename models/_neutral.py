"""The neutral backbone: equal networks and an equal recipe, so that what differs between families is the loss.

The networks are those of Chen et al. 2016 (InfoGAN, appendix C.1, https://arxiv.org/abs/1606.03657), on which Lucic
et al. 2018 (https://arxiv.org/abs/1711.10337) compared every loss:

    generator       FC 1024, BN, ReLU; FC 128 x (side/4)^2, BN, ReLU; deconv 4x4 64, BN, ReLU; deconv 4x4; tanh
    discriminator   conv 4x4 64, lReLU; conv 4x4 128, [BN], lReLU; FC 1024, [BN], lReLU; FC 1

Every stride is 2. Batch norm in the discriminator is a choice, and off where a penalty is taken picture by picture:
it would couple them. Weights are drawn as PyTorch draws them; without normalisation, N(0, 0.02^2) may never learn.

The preset `neutral` of each family has its loss on these networks in the study's frame: batches of 64, 20 passes
through MNIST, 64 latents from U(-1, 1), one step of the discriminator to one of the generator but where the method
itself says otherwise, and here a moving average of the generator's weights.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, TypeVar

from pydantic import Field, field_validator
from torch import Tensor, nn

from models._family import (
    AfterStep,
    Batch,
    Hyperparameters,
    LossFunction,
    ModelConfig,
    Networks,
    Objective,
    OptimizerFactory,
    Phase,
    Preset,
    Schedule,
    constant,
    require_size,
)
from models._losses import discriminator_loss, non_saturating_loss, precise, wasserstein_loss
from models._noise import Noise
from models._optimizers import adam, rmsprop
from models._search import Choice, LogUniform, Range, Uniform


class NeutralHyperparameters(Hyperparameters):
    """What the losses on the neutral backbone share; a family adds its own, and may change a default."""

    latent: Literal["uniform", "normal"] = Field("uniform", description="latents z are drawn from U(-1, 1) or N(0, 1)")
    latent_dim: int = Field(64, ge=1, le=1024, description="numbers in a latent")
    width: int = Field(64, ge=1, le=256, description="channels next to the pictures; twice as many inside")
    hidden: int = Field(1024, ge=1, le=8192, description="width of the dense layers")
    batch_norm: bool = Field(True, description="whether the discriminator has batch norm")
    learning_rate: float = Field(2e-4, gt=0, le=1, description="step size of both players")
    beta1: float = Field(0.5, ge=0, lt=1, description="Adam's decay of the first moment")
    beta2: float = Field(0.999, ge=0, lt=1, description="Adam's decay of the second moment")
    discriminator_steps: int = Field(1, ge=1, le=100, description="steps of the discriminator to one of the generator")


class PenalisedHyperparameters(NeutralHyperparameters):
    """Those of a loss with a penalty of each picture alone, to which batch norm would add the others' slopes."""

    batch_norm: bool = Field(False, description="whether the discriminator has batch norm; it must not")

    @field_validator("batch_norm")
    @classmethod
    def _refuse_batch_norm(cls, value: bool) -> bool:
        if value:
            raise ValueError("the penalty is taken picture by picture, and batch norm couples them: use false")
        return value


OptimizerName = Literal["adam", "rmsprop"]

HP = TypeVar("HP", bound=NeutralHyperparameters)
Config = ModelConfig[NeutralHyperparameters]

# --- Networks -----------------------------------------------------------------------------------------------


class NeutralGenerator(nn.Sequential):
    """Latents, or whatever the family draws by, (n, inputs) to pictures (n, c, h, w) in (-1, 1)."""

    def __init__(self, config: Config, *, inputs: int | None = None) -> None:
        chosen, channels, side = config.hyperparameters, config.dataset.channels, config.dataset.size // 4
        width, hidden = chosen.width, chosen.hidden
        super().__init__(
            *_dense(inputs or chosen.latent_dim, hidden),
            *_dense(hidden, 2 * width * side * side),
            nn.Unflatten(1, (2 * width, side, side)),
            nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.ConvTranspose2d(width, channels, 4, stride=2, padding=1),
            nn.Tanh(),
        )


def _dense(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    return nn.Linear(inputs, outputs, bias=False), nn.BatchNorm1d(outputs), nn.ReLU()


class NeutralFeatures(nn.Sequential):
    """All of the discriminator but its last layer: pictures (n, c, h, w) to features (n, hidden)."""

    def __init__(self, config: Config, *, slope: float = 0.2) -> None:
        chosen, channels, side = config.hyperparameters, config.dataset.channels, config.dataset.size // 4
        width, hidden, is_normalised = chosen.width, chosen.hidden, chosen.batch_norm
        super().__init__(
            nn.Conv2d(channels, width, 4, stride=2, padding=1),
            nn.LeakyReLU(slope),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1, bias=not is_normalised),
            nn.BatchNorm2d(2 * width) if is_normalised else nn.Identity(),
            nn.LeakyReLU(slope),
            nn.Flatten(),
            nn.Linear(2 * width * side * side, hidden, bias=not is_normalised),
            nn.BatchNorm1d(hidden) if is_normalised else nn.Identity(),
            nn.LeakyReLU(slope),
        )


class NeutralDiscriminator(nn.Sequential):
    """Pictures (n, c, h, w) to logits, or whatever numbers the loss makes of them: (n,)."""

    def __init__(self, config: Config) -> None:
        features = NeutralFeatures(config)
        super().__init__(features, nn.Linear(config.hyperparameters.hidden, 1), nn.Flatten(0))


def require_side(config: Config) -> None:
    """Raise UnsupportedShapeError unless the side is a multiple of 4 and at least 8: what the backbone can draw."""
    require_size(config.dataset, multiple=4, least=8)


def build(config: Config) -> Networks:
    """Build both players. Raises UnsupportedShapeError unless the side is a multiple of 4 and at least 8."""
    require_side(config)
    return nn.ModuleDict({"generator": NeutralGenerator(config), "discriminator": NeutralDiscriminator(config)})


# --- The game -----------------------------------------------------------------------------------------------


def judge_both(networks: Networks, batch: Batch, config: Config, noise: Noise) -> tuple[Tensor, Tensor]:
    """Return the discriminator's outputs for the real pictures and for as many fakes: (n,) each.

    Each is a batch of its own: batch norm must not mix them.
    """
    fake = sample(networks, config, noise, batch.labels)
    discriminator = networks["discriminator"]
    return discriminator(batch.images), discriminator(fake)


def judge_fakes(networks: Networks, batch: Batch, config: Config, noise: Noise) -> Tensor:
    """Return the discriminator's outputs for fakes: (n,)."""
    outputs: Tensor = networks["discriminator"](sample(networks, config, noise, batch.labels))
    return outputs


def two_players(
    config: ModelConfig[HP],
    discriminator_loss: LossFunction[HP],
    generator_loss: LossFunction[HP],
    *,
    optimizer: OptimizerFactory | None = None,
    generator_optimizer: OptimizerFactory | None = None,
    schedule: Schedule = constant,
) -> tuple[Phase[HP], Phase[HP]]:
    """Return the phases: the discriminator's, repeated as chosen, and then the generator's.

    optimizer: default Adam. generator_optimizer: default the same.
    """
    chosen = config.hyperparameters
    optimizer = optimizer or choose_optimizer(chosen)
    repeats = chosen.discriminator_steps
    return (
        Phase("discriminator", ("discriminator",), discriminator_loss, optimizer, repeats=repeats, schedule=schedule),
        Phase("generator", ("generator",), generator_loss, generator_optimizer or optimizer, schedule=schedule),
    )


def tell_apart(on_real: Tensor, on_fake: Tensor, **penalties: Tensor) -> Objective:
    """Return the discriminator's objective from its logits (n,) of real and of fake pictures, and its penalties."""
    real, fake = discriminator_loss(on_real, on_fake)
    observed = {"logit_real": on_real.mean(), "logit_fake": on_fake.mean()}
    return Objective({"real": real, "fake": fake, **penalties}, observed)


def compute_non_saturating_loss(networks: Networks, batch: Batch, config: Config, noise: Noise) -> Objective:
    """Draw pictures that the discriminator takes for real ones: Goodfellow et al. 2014, section 3."""
    return Objective({"non_saturating": non_saturating_loss(judge_fakes(networks, batch, config, noise))})


def choose_optimizer(chosen: NeutralHyperparameters, name: OptimizerName = "adam") -> OptimizerFactory:
    """Return Adam, or RMSProp, which has no use for Adam's decays, at the chosen learning rate."""
    if name == "rmsprop":
        return rmsprop(chosen.learning_rate)
    return adam(chosen.learning_rate, chosen.beta1, chosen.beta2)


def neutral_preset(
    hyperparameters: HP,
    description: str = "the loss on the neutral backbone, for comparison with the others on equal networks",
) -> Preset[HP]:
    """Return the preset `neutral` of a family, or a variant of it: hyperparameters in the frame that all share."""
    return Preset(
        hyperparameters,
        batch_size=64,
        images=20 * 60_000,
        averaging_half_life=10_000,
        description=description,
    )


# --- What a study varies ------------------------------------------------------------------------------------

LEARNING_RATES = LogUniform(1e-5, 1e-2)
PENALTY_WEIGHTS = LogUniform(0.1, 100)

SEARCH: Mapping[str, Range] = MappingProxyType(
    {
        "beta1": Uniform(0, 1),
        "learning_rate": LEARNING_RATES,
        "discriminator_steps": Choice((1, 5)),
        "batch_norm": Choice((True, False)),
    }
)
"""The wide ranges of Lucic et al. 2018, as the authors' code has them (google/compare_gan), whatever the loss."""


def search(*, without: tuple[str, ...] = (), **own: Range) -> Mapping[str, Range]:
    """Return the ranges that all share but for some, and a family's own."""
    return MappingProxyType({name: one for name, one in SEARCH.items() if name not in without} | own)


# --- The Wasserstein game -----------------------------------------------------------------------------------


def name_critic(networks: Networks) -> Networks:
    """Return both players with the discriminator called a critic: its outputs are scores, and no logits."""
    return nn.ModuleDict({"generator": networks["generator"], "critic": networks["discriminator"]})


def estimate_distance(on_real: Tensor, on_fake: Tensor, **penalties: Tensor) -> Objective:
    """Return the critic's objective from its scores (n,) of real and of fake pictures, and its penalties.

    Observed is E f(x) - E f(G(z)), which the critic raises: for a critic with the Lipschitz constant K an estimate
    of K times the Wasserstein distance, from below but for the sampling (Arjovsky et al. 2017, eq. 3).
    """
    real, fake = wasserstein_loss(on_real, on_fake)
    return Objective({"real": real, "fake": fake, **penalties}, {"wasserstein_estimate": -(real + fake)})


def compute_wasserstein_generator_loss(networks: Networks, batch: Batch, config: Config, noise: Noise) -> Objective:
    """Raise the critic's scores of the fakes: Arjovsky et al. 2017, theorem 3."""
    scores = networks["critic"](sample(networks, config, noise, batch.labels))
    return Objective({"wasserstein": -precise(scores).mean()})


def wasserstein_players(
    config: ModelConfig[HP],
    critic_loss: LossFunction[HP],
    optimizer: OptimizerFactory | None = None,
    *,
    after_critic_step: AfterStep[HP] | None = None,
) -> tuple[Phase[HP], Phase[HP]]:
    """Return the phases: the critic's, repeated as chosen, and then the generator's. optimizer: default Adam."""
    optimizer = optimizer or choose_optimizer(config.hyperparameters)
    steps = config.hyperparameters.discriminator_steps
    return (
        Phase("critic", ("critic",), critic_loss, optimizer, repeats=steps, after_step=after_critic_step),
        Phase("generator", ("generator",), compute_wasserstein_generator_loss, optimizer),
    )


def score_by_critic(networks: Networks, config: Config, images: Tensor, labels: Tensor) -> Tensor:
    """Return the critic's scores, (n,), which grow with the realness; labels are ignored."""
    scores: Tensor = networks["critic"](images)
    return scores


# --- Sampling -----------------------------------------------------------------------------------------------


def draw_latent(config: Config, noise: Noise) -> Tensor:
    """Draw latents as chosen: (n, latent_dim)."""
    chosen = config.hyperparameters
    return noise.latent(chosen.latent, chosen.latent_dim)


def sample(networks: Networks, config: Config, noise: Noise, labels: Tensor) -> Tensor:
    """Draw pictures, (n, c, h, w) in [-1, 1]; labels are ignored."""
    images: Tensor = networks["generator"](draw_latent(config, noise))
    return images


def score(networks: Networks, config: Config, images: Tensor, labels: Tensor) -> Tensor:
    """Return the discriminator's outputs, (n,), which grow with the realness; labels are ignored."""
    outputs: Tensor = networks["discriminator"](images)
    return outputs
