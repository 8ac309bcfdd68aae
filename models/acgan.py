"""AC-GAN: conditional image synthesis with auxiliary classifier GANs (Odena, Olah & Shlens 2016).

Source: https://arxiv.org/abs/1610.09585, section 3, eq. 2 and 3.

Idea: the generator is told a class c, the discriminator is not. It guesses the class by a second head on the same
features, and both players want the guess to be right. With source logits D, class probabilities P, and the sigmoid s:

    L_S            = E log s(D(x)) + E log(1 - s(D(G(z, c))))             eq. 2
    L_C            = E log P(c | x) + E log P(c | G(z, c))                eq. 3
    discriminator  max  L_S + w L_C
    generator      max  -L_S + w L_C                                      w = 1

Traps: the heads give logits; a softmax before the cross entropy, which has one, would flatten it. The fakes' classes
are those of the real batch: by others the features could tell real from fake. The generator is paid for pictures that
are easy to classify, so those of a class may come to look alike.

Deviations of both presets
* Source loss of the generator: the non-saturating -E log s(D(G(z, c))); the paper's is E log(1 - s(D(G(z, c)))).
* Networks: the neutral backbone; the paper's are for 32 x 32 and 128 x 128 pictures in colour.
* The one-hot class is appended to the latent.

Deviations of `neutral`
* Batches of 64, a moving average of the generator's weights; the paper has 100 and none.
* Latents: 64 numbers and the class; `paper` has 100.
* Dropout: none; the paper's discriminator drops half of its hidden units.

Deviations of `paper`
* Budget of 50 passes through MNIST; the paper did not train on it.
"""

from types import MappingProxyType

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

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
from models._layers import encode_labels
from models._losses import discriminator_loss, non_saturating_loss, precise
from models._noise import Noise

# --- Hyperparameters ----------------------------------------------------------------------------------------


class ACGANHyperparameters(neutral.NeutralHyperparameters):
    """How much the class counts."""

    class_weight: float = Field(1.0, ge=0, le=1e6, description="w: weight of the class terms, for both players")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of the discriminator's hidden units dropped")


Config = ModelConfig[ACGANHyperparameters]

# --- Networks -----------------------------------------------------------------------------------------------


class ACGANDiscriminator(nn.Module):
    """Pictures (n, c, h, w) to source logits (n,) and class logits (n, classes), by shared features."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        hidden, dropout = config.hyperparameters.hidden, config.hyperparameters.dropout
        self.features = nn.Sequential()
        for layer in neutral.NeutralFeatures(config):
            self.features.append(layer)
            if dropout and isinstance(layer, nn.LeakyReLU):
                self.features.append(nn.Dropout(dropout))
        self.source = nn.Sequential(nn.Linear(hidden, 1), nn.Flatten(0))
        self.classes = nn.Linear(hidden, len(config.dataset.classes))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return source logits (n,) and class logits (n, classes)."""
        features = self.features(images)
        return self.source(features), self.classes(features)


def build(config: Config) -> Networks:
    """Build both players. Raises UnsupportedShapeError unless the side is a multiple of 4 and at least 8."""
    neutral.require_side(config)
    inputs = config.hyperparameters.latent_dim + len(config.dataset.classes)
    generator = neutral.NeutralGenerator(config, inputs=inputs)
    return nn.ModuleDict({"generator": generator, "discriminator": ACGANDiscriminator(config)})


# --- Losses -------------------------------------------------------------------------------------------------


def compute_discriminator_loss(networks: Networks, batch: Batch, config: Config, noise: Noise) -> Objective:
    """Tell real from fake pictures, and the class of both: -L_S - w L_C."""
    weight, discriminator = config.hyperparameters.class_weight, networks["discriminator"]
    source_of_real, class_of_real = discriminator(batch.images)
    source_of_fake, class_of_fake = discriminator(sample(networks, config, noise, batch.labels))
    real_term, fake_term = discriminator_loss(source_of_real, source_of_fake)
    terms = {
        "real": real_term,
        "fake": fake_term,
        "class_real": weight * cross_entropy(precise(class_of_real), batch.labels),
        "class_fake": weight * cross_entropy(precise(class_of_fake), batch.labels),
    }
    return Objective(
        terms,
        {
            "class_accuracy_real": _accuracy(class_of_real, batch.labels),
            "class_accuracy_fake": _accuracy(class_of_fake, batch.labels),
        },
    )


def compute_generator_loss(networks: Networks, batch: Batch, config: Config, noise: Noise) -> Objective:
    """Be taken for real, and for the class: L_S in its non-saturating form, and -w L_C."""
    source, classes = networks["discriminator"](sample(networks, config, noise, batch.labels))
    class_term = config.hyperparameters.class_weight * cross_entropy(precise(classes), batch.labels)
    return Objective({"non_saturating": non_saturating_loss(source), "class": class_term})


def _accuracy(logits: Tensor, labels: Tensor) -> Tensor:
    return (logits.argmax(dim=1) == labels).float().mean()


# --- Phases -------------------------------------------------------------------------------------------------


def list_phases(config: Config) -> tuple[Phase[ACGANHyperparameters], ...]:
    """One step of the discriminator, one of the generator."""
    return neutral.two_players(config, compute_discriminator_loss, compute_generator_loss)


# --- Sampling -----------------------------------------------------------------------------------------------


def sample(networks: Networks, config: Config, noise: Noise, labels: Tensor) -> Tensor:
    """Draw a picture of each label: (n, c, h, w) in [-1, 1]."""
    classes = encode_labels(labels, len(config.dataset.classes))
    images: Tensor = networks["generator"](torch.cat([neutral.draw_latent(config, noise), classes], dim=1))
    return images


def score(networks: Networks, config: Config, images: Tensor, labels: Tensor) -> Tensor:
    """Return the source logits: (n,); they know no label, so the ratio is that of all classes together."""
    source: Tensor = networks["discriminator"](images)[0]
    return source


def classify(networks: Networks, config: Config, images: Tensor) -> Tensor:
    """Return P(c | x): (n, classes)."""
    logits: Tensor = networks["discriminator"](images)[1]
    return precise(logits).softmax(dim=1)


FAMILY = Family(
    name="acgan",
    paper=Paper(
        title="Conditional Image Synthesis with Auxiliary Classifier GANs",
        authors="Augustus Odena, Christopher Olah, Jonathon Shlens",
        year=2016,
        url="https://arxiv.org/abs/1610.09585",
    ),
    conditioning=Conditioning.LABEL,
    hyperparameters=ACGANHyperparameters,
    presets=MappingProxyType(
        {
            "neutral": neutral.neutral_preset(ACGANHyperparameters()),
            "paper": Preset(
                ACGANHyperparameters(latent_dim=100, dropout=0.5),
                batch_size=100,
                images=50 * 60_000,
                averaging_half_life=0,
                description="the paper's Adam, batches of 100, 100 latents, dropout in the discriminator",
            ),
        }
    ),
    build=build,
    phases=list_phases,
    sample=sample,
    score=score,
    score_kind=ScoreKind.LOGIT,
    classify=classify,
    advice=MappingProxyType(
        {
            Symptom.UNIFORM: "lower `class_weight`: the generator is paid for pictures that are easy to classify, "
            "and these are all alike",
            Symptom.MISSING_CLASSES: "raise `class_weight` up to 1, or train for longer",
        }
    ),
    search=neutral.search(),
)
