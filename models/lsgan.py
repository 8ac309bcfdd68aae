"""LSGAN: least squares generative adversarial networks (Mao et al. 2016).

Source: https://arxiv.org/abs/1611.04076, eq. 2, and the authors' code (xudonmao/LSGAN) for the recipe.

Idea: the discriminator's output is no probability but a number, brought to b for real and to a for fake pictures;
the generator brings it to c. A fake on the right side of the border but far from it still gets a gradient.

    discriminator   min  1/2 E (D(x) - b)^2 + 1/2 E (D(G(z)) - a)^2
    generator       min  1/2 E (D(G(z)) - c)^2

With b - c = 1 and b - a = 2, as in (a, b, c) = (-1, 1, 0), the generator minimises the Pearson chi-squared
divergence between p + q and 2 q (section 3); the default (0, 1, 1) makes it aim at the real pictures' own mark.

Traps: no sigmoid before the squares. The outputs may drift: both means are logged.

Deviations of `neutral`
* Networks: the neutral backbone; the paper's are for 112 x 112 pictures.
* Latents: 64 from U(-1, 1); the paper's are 1024.
* Adam: 2e-4; the authors' code has 1e-3 on its networks.

Deviations of `paper`
* Networks: the neutral backbone with the authors' recipe; theirs are for 112 x 112 pictures.
* Budget of 20 passes through MNIST; theirs is for LSUN.
"""

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
from models._losses import precise
from models._noise import Noise

# --- Hyperparameters ----------------------------------------------------------------------------------------


class LSGANHyperparameters(neutral.NeutralHyperparameters):
    """The marks that the outputs are brought to."""

    fake_mark: float = Field(0.0, ge=-1e3, le=1e3, description="a: where the discriminator brings fake pictures")
    real_mark: float = Field(1.0, ge=-1e3, le=1e3, description="b: where the discriminator brings real pictures")
    aim: float = Field(1.0, ge=-1e3, le=1e3, description="c: where the generator brings its pictures")


Config = ModelConfig[LSGANHyperparameters]

# --- Losses -------------------------------------------------------------------------------------------------


def compute_discriminator_loss(networks: Networks, batch: Batch, config: Config, noise: Noise) -> Objective:
    """Bring real pictures to b and fake ones to a: eq. 2, first line."""
    chosen = config.hyperparameters
    on_real, on_fake = neutral.judge_both(networks, batch, config, noise)
    terms = {
        "real": (precise(on_real) - chosen.real_mark).square().mean() / 2,
        "fake": (precise(on_fake) - chosen.fake_mark).square().mean() / 2,
    }
    return Objective(terms, {"output_real": on_real.mean(), "output_fake": on_fake.mean()})


def compute_generator_loss(networks: Networks, batch: Batch, config: Config, noise: Noise) -> Objective:
    """Bring the fakes to c: eq. 2, second line."""
    on_fake = neutral.judge_fakes(networks, batch, config, noise)
    return Objective({"least_squares": (precise(on_fake) - config.hyperparameters.aim).square().mean() / 2})


# --- Phases -------------------------------------------------------------------------------------------------


def list_phases(config: Config) -> tuple[Phase[LSGANHyperparameters], ...]:
    """One step of the discriminator, one of the generator."""
    return neutral.two_players(config, compute_discriminator_loss, compute_generator_loss)


FAMILY = Family(
    name="lsgan",
    paper=Paper(
        title="Least Squares Generative Adversarial Networks",
        authors="Xudong Mao, Qing Li, Haoran Xie, Raymond Y. K. Lau, Zhen Wang, Stephen Paul Smolley",
        year=2016,
        url="https://arxiv.org/abs/1611.04076",
    ),
    conditioning=Conditioning.NONE,
    hyperparameters=LSGANHyperparameters,
    presets=MappingProxyType(
        {
            "neutral": neutral.neutral_preset(LSGANHyperparameters()),
            "paper": Preset(
                LSGANHyperparameters(latent_dim=1024, learning_rate=1e-3),
                batch_size=64,
                images=20 * 60_000,
                averaging_half_life=0,
                description="the authors' recipe: Adam at 1e-3, 1024 latents, no moving average",
            ),
        }
    ),
    build=neutral.build,
    phases=list_phases,
    sample=neutral.sample,
    score=neutral.score,
    score_kind=ScoreKind.REGRESSION,
    advice=MappingProxyType(
        {
            Symptom.UNIFORM: "begin anew with another seed: some trainings with squares fail outright, and most do not",
            Symptom.DIVERGED: "halve the `learning_rate`, or keep `batch_norm`: the outputs drift without a bound",
        }
    ),
    search=neutral.search(),
)
