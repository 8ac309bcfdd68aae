"""What a GAN family is: a frozen value that says what to build, how to train it and how to sample.

A family declares phases. A phase names the networks that it may change and a pure loss that returns named
terms; the trainer fetches a batch, lets only the named networks learn, sums the terms, and steps. So the terms
that are logged are the terms that are minimised, and a loss needs no `detach`.
"""

import json
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Generic, TypeVar

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from models._datasets import DatasetSpec
from models._noise import Noise
from models._search import Range

Networks = nn.ModuleDict
"""The networks of a family by name, for example `generator` and `discriminator`."""


class Hyperparameters(BaseModel):
    """What a paper leaves to choose; the defaults of a subclass are the paper's.

    Frozen. Refuses unknown keys, and values of another type: "64" and true are no integers.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


HP = TypeVar("HP", bound=Hyperparameters)
HP_co = TypeVar("HP_co", bound=Hyperparameters, covariant=True)


class Controls(BaseModel):
    """What pictures of a family can be asked for by, beside their class; None leaves it to the noise.

    Frozen. Refuses unknown keys. A control's name means the same in every family that has it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


CLASS_CONTROL = "code"
"""The control that stands for a class, where a family found its classes itself."""


class Conditioning(StrEnum):
    """What a picture is asked for by."""

    NONE = "none"
    LABEL = "label"


class ScoreKind(StrEnum):
    """What a score estimates, beside that it is higher for what looks more real."""

    LOGIT = "logit"
    """At its best log p(x) / q(x) up to a constant: p the data's density, q the drawn one."""
    CRITIC = "critic"
    """A function of bounded slope that tells the means of real and drawn pictures apart."""
    ENERGY = "energy"
    """How well an autoencoder knows the picture: the error of its reconstruction, negated."""
    REGRESSION = "regression"
    """A number that was brought to one mark for real and to another for drawn pictures."""


class Symptom(StrEnum):
    """How a training goes wrong."""

    DIVERGED = "diverged"  # a loss or a weight is no longer a finite number
    DEAD = "dead"  # the generator draws one picture whatever the noise
    UNIFORM = "uniform"  # the pictures have lost their variety
    MISSING_CLASSES = "missing_classes"  # some classes are not drawn
    SATURATED = "saturated"  # the discriminator is sure of every picture


@dataclass(frozen=True, slots=True)
class Paper:
    """The source of a family."""

    title: str
    authors: str
    year: int
    url: str


@dataclass(frozen=True, slots=True)
class ModelConfig(Generic[HP_co]):
    """All that fixes the shapes of the networks: what a checkpoint must remember."""

    hyperparameters: HP_co
    dataset: DatasetSpec


@dataclass(frozen=True, slots=True)
class Batch:
    """Real pictures, and where in the training they stand.

    images: (n, c, h, w) in [-1, 1]. labels: (n,), int64. step: passes through all phases before this one.
    progress: the share of the image budget used before this step, in [0, 1].
    """

    images: Tensor
    labels: Tensor
    step: int = 0
    progress: float = 0.0


@dataclass(frozen=True, slots=True)
class Objective:
    """The weighted terms of a loss, whose sum is minimised, and values that are only logged."""

    terms: Mapping[str, Tensor]
    observed: Mapping[str, Tensor] = field(default_factory=lambda: MappingProxyType({}))

    def total(self) -> Tensor:
        """Return the sum of the terms: a scalar."""
        return torch.stack(tuple(self.terms.values())).sum()


LossFunction = Callable[[Networks, Batch, ModelConfig[HP], Noise], Objective]
OptimizerFactory = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]
AfterStep = Callable[[Networks, ModelConfig[HP], Objective], None]
"""May change the networks after a step; the objective is that of the step."""

Schedule = Callable[[float], float]


def constant(progress: float) -> float:
    """Keep the learning rate: the factor 1 at every progress."""
    return 1.0


@dataclass(frozen=True, slots=True)
class Phase(Generic[HP]):
    """One player's move: the networks that it may change, its loss, its optimiser, and what follows a step."""

    name: str
    trains: tuple[str, ...]
    loss: LossFunction[HP]
    optimizer: OptimizerFactory
    repeats: int = 1
    schedule: Schedule = constant
    after_step: AfterStep[HP] | None = None


@dataclass(frozen=True, slots=True)
class Preset(Generic[HP]):
    """A named recipe: hyperparameters and the budget that they are meant for.

    images: pictures that the discriminator sees in the whole training. averaging_half_life: pictures after which
    a weight's share in the moving average has halved; 0 keeps no average.
    """

    hyperparameters: HP
    batch_size: int
    images: int
    averaging_half_life: float
    description: str


SampleFunction = Callable[[Networks, ModelConfig[HP], Noise, Tensor], Tensor]
ScoreFunction = Callable[[Networks, ModelConfig[HP], Tensor, Tensor], Tensor]
ClassifyFunction = Callable[[Networks, ModelConfig[HP], Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Steering(Generic[HP]):
    """How pictures are asked for by more than their class.

    controls: the names, ranges and meanings. sample(networks, config, noise, labels, controls): as the family's, and
    equal to it where every control is None; a control may change the side of the pictures. Raises ControlError where
    a value depends on the model's hyperparameters.
    """

    controls: type[Controls]
    sample: Callable[[Networks, ModelConfig[HP], Noise, Tensor, Any], Tensor]


@dataclass(frozen=True, slots=True)
class Family(Generic[HP]):
    """A GAN family. Its module's name is its name, and the module's `FAMILY` is this value.

    sample(networks, config, noise, labels): (n, c, h, w) in [-1, 1], a row for each of the noise; labels (n,) are
    ignored where conditioning is NONE. score(networks, config, images, labels): (n,), higher looks more real; what it
    estimates says score_kind, and where there is a score there is a kind. A penalty on the slope, or labels that a
    discriminator is not told, leave a logit one, though it is farther from its best.
    classify(networks, config, images): the probability of each class, (n, classes), where a network tells it.
    generators: the networks that sampling needs and whose moving average is kept. advice: what to do about a symptom
    where this family wants another remedy than most. search: what a study varies, by hyperparameters, made for the
    default preset; where it is empty, the seed alone.
    """

    name: str
    paper: Paper
    conditioning: Conditioning
    hyperparameters: type[HP]
    presets: Mapping[str, Preset[HP]]
    build: Callable[[ModelConfig[HP]], Networks]
    phases: Callable[[ModelConfig[HP]], tuple[Phase[HP], ...]]
    sample: SampleFunction[HP]
    score: ScoreFunction[HP] | None = None
    score_kind: ScoreKind | None = None
    steering: Steering[HP] | None = None
    classify: ClassifyFunction[HP] | None = None
    generators: tuple[str, ...] = ("generator",)
    advice: Mapping[Symptom, str | None] = field(default_factory=lambda: MappingProxyType({}))
    search: Mapping[str, Range] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def default_preset(self) -> str:
        """The name of the first preset."""
        return next(iter(self.presets))

    def preset(self, name: str) -> Preset[HP]:
        """Return the preset of that name. Raises UnknownPresetError, which names those that there are."""
        try:
            return self.presets[name]
        except KeyError:
            raise UnknownPresetError(name, self.name, tuple(self.presets)) from None

    def configure(self, values: Mapping[str, Any], dataset: DatasetSpec) -> ModelConfig[HP]:
        """Check complete or partial hyperparameters and return the model's configuration.

        Raises pydantic.ValidationError, which names each wrong value.
        """
        return ModelConfig(self.hyperparameters.model_validate(values), dataset)

    def require_buildable(self, config: ModelConfig[HP]) -> None:
        """Raise what `build` raises, in milliseconds and without memory whatever the size of the networks."""
        with torch.device("meta"):
            self.build(config)

    def architecture(self, config: ModelConfig[HP]) -> Hashable:
        """Return what the shapes of the networks depend on: the data set, and the hyperparameters.

        Of a fractional one only whether it is 0, as a dropout may be. Of two configurations that are alike in it,
        either both are buildable or none is.
        """
        chosen = config.hyperparameters.model_dump(mode="json")
        shaping = {name: value != 0 if isinstance(value, float) else value for name, value in chosen.items()}
        return self.name, config.dataset.name, json.dumps(shaping, sort_keys=True)

    def images_per_step(self, config: ModelConfig[HP], batch_size: int) -> int:
        """Return the real pictures that a step uses: a batch for each repeat of the most repeated phase."""
        return batch_size * max(phase.repeats for phase in self.phases(config))

    def total_steps(self, config: ModelConfig[HP], batch_size: int, images: int) -> int:
        """Return the steps that use up a budget of images, rounded up."""
        return -(-images // self.images_per_step(config, batch_size))


class ControlError(ValueError):
    """A control whose value this model has no use for: another of its family may."""

    def __init__(self, control: str, detail: str) -> None:
        self.control, self.detail = control, detail
        super().__init__(f"{control}: {detail}")


class UnknownPresetError(KeyError):
    """A preset that the family does not have."""

    def __init__(self, name: str, family: str, known: tuple[str, ...]) -> None:
        self.name, self.family, self.known = name, family, known
        super().__init__(name)

    def __str__(self) -> str:
        return f"{self.family} has no preset {self.name!r}; it has {', '.join(self.known)}"


class UnsupportedShapeError(ValueError):
    """A data set whose pictures the family has no networks for."""

    def __init__(self, dataset: DatasetSpec, multiple: int, least: int) -> None:
        self.dataset, self.multiple, self.least = dataset, multiple, least
        super().__init__(
            f"{dataset.name} has pictures of side {dataset.size}; the family's networks need a multiple of "
            f"{multiple} that is at least {least}"
        )


def require_size(dataset: DatasetSpec, *, multiple: int, least: int) -> None:
    """Raise UnsupportedShapeError unless the side is a multiple of `multiple` and at least `least`."""
    if dataset.size % multiple or dataset.size < least:
        raise UnsupportedShapeError(dataset, multiple, least)
