"""Small trainings for tests: real families on the drawn data set, and a toy whose right answers are known."""

from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from datasets import TrainingData, load_dataset
from models import (
    SEGMENTS,
    Batch,
    Conditioning,
    DatasetSpec,
    Family,
    Hyperparameters,
    ModelConfig,
    Networks,
    Noise,
    Objective,
    Paper,
    Phase,
    Preset,
    Sampler,
    ScoreKind,
)
from models._classifier import Classifier
from models._optimizers import sgd
from workers.judging import train_judge
from workers.trainer import Plan, Trainer

BATCH_SIZE = 8


@cache
def segments() -> TrainingData:
    """The drawn data set: 16x16, no download."""
    return load_dataset("segments", Path("never-written"))


def train(
    family: Family[Any],
    *,
    preset: str | None = None,
    seed: int = 0,
    steps: int = 0,
    images: int = 64 * BATCH_SIZE,
    averaging_half_life: float = 100.0,
    data: TrainingData | None = None,
    **hyperparameters: object,
) -> Trainer:
    """Return a trainer of the family's preset in batches of 8, after that many steps."""
    data = data or segments()
    name = preset or family.default_preset
    values = family.preset(name).hyperparameters.model_dump(mode="json") | hyperparameters
    plan = Plan(name, seed, BATCH_SIZE, images, averaging_half_life)
    trainer = Trainer(family, family.configure(values, data.spec), plan, data)
    for _ in range(steps):
        trainer.step()
    return trainer


@cache
def segments_judge() -> Classifier:
    """A classifier that recognises most of the drawn data set, trained for a second."""
    train, test = segments(), load_dataset("segments", Path("never-written"), split="test")
    checkpoint = train_judge(train, test, epochs=2, batch_size=32)
    classifier = Classifier(SEGMENTS)
    classifier.load_state_dict(dict(checkpoint.networks))
    return classifier.eval().requires_grad_(False)


# --- The toy: a generator that is one number ----------------------------------------------------------------------


class ToyHyperparameters(Hyperparameters):
    """Gradient descent on half the squared distance: each step goes this share of the way."""

    learning_rate: float = 0.5
    repeats: int = 1


ToyConfig = ModelConfig[ToyHyperparameters]


class Level(nn.Module):
    """Draws pictures of one brightness, which it learns."""

    def __init__(self) -> None:
        super().__init__()
        self.level = nn.Parameter(torch.zeros(()))

    def forward(self, deviations: Tensor) -> Tensor:
        """Return the level plus each deviation."""
        return self.level + deviations


def _distance(networks: Networks, batch: Batch, config: ToyConfig, noise: Noise) -> Objective:
    distance = networks["generator"](-batch.images.mean())
    return Objective({"distance": distance.square() / 2}, {"progress": torch.tensor(batch.progress)})


def _phases(config: ToyConfig) -> tuple[Phase[ToyHyperparameters], ...]:
    optimizer = sgd(config.hyperparameters.learning_rate, momentum=0)
    return (Phase("generator", ("generator",), _distance, optimizer, repeats=config.hyperparameters.repeats),)


def _draw(networks: Networks, config: ToyConfig, noise: Noise, labels: Tensor) -> Tensor:
    size = config.dataset.size
    brightness: Tensor = networks["generator"](noise.uniform(1, 1, 1))
    return brightness.expand(-1, config.dataset.channels, size, size)


def _score(networks: Networks, config: ToyConfig, images: Tensor, labels: Tensor) -> Tensor:
    return images.mean(dim=(1, 2, 3))


TOY = Family(
    name="toy",
    paper=Paper(title="A toy", authors="Nobody", year=2020, url="https://example.org"),
    conditioning=Conditioning.NONE,
    hyperparameters=ToyHyperparameters,
    presets=MappingProxyType({"only": Preset(ToyHyperparameters(), BATCH_SIZE, 64, 0, "the only one")}),
    build=lambda config: nn.ModuleDict({"generator": Level()}),
    phases=_phases,
    sample=_draw,
    score=_score,
    score_kind=ScoreKind.LOGIT,
)
"""Its picture is the level plus one number from U(-1, 1), its score the brightness: a right answer for everything."""

TOY_SPEC = DatasetSpec(name="bright", channels=1, size=4, classes=("dark", "bright"))


def toy_data(pictures: int = 20, *, brightness: int = 255) -> TrainingData:
    """Pictures of one brightness, each with its number as label."""
    images = torch.full((pictures, 1, 4, 4), brightness, dtype=torch.uint8)
    return TrainingData(TOY_SPEC, images, torch.arange(pictures), digest="0" * 64)


def toy_sampler() -> Sampler:
    """Return the toy's sampler at level 0: pictures of a brightness from U(-1, 1)."""
    config = TOY.configure({}, TOY_SPEC)
    return Sampler(TOY, config, TOY.build(config))


train_toy = partial(train, TOY, averaging_half_life=0)
