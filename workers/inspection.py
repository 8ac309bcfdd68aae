"""What a training's pictures look like while it goes on: a few metrics often, more of them at checkpoints.

They are drawn from the averaged weights, as everybody gets them, always from the same noise. How surely the
discriminator tells them from real ones is seen on pictures of the generator that it plays against, scored as in play:
the averaged one may be so far behind that it has never met the like. Nothing here changes the training: it has no
random numbers in common with it.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from checkpoints.format import CheckpointError
from checkpoints.library import current_judge, has_judge, load_judge
from datasets import DatasetUnavailableError, Say, TrainingData
from metrics import JUDGED, Evidence, Measurement, Reference, measure
from models import Sampler, from_pixels, to_pixels
from workers.evaluation import draw_beside, take_real
from workers.references import remember
from workers.watch import Look

GLANCED_AT = 500
"""Pictures that are drawn for a glance; for a judgement at a checkpoint it is `JUDGED`."""

GLANCE = ("pairwise_distance", "class_variance", "classes_covered", "label_accuracy")
JUDGEMENT = (*GLANCE, "fd", "precision", "recall", "density", "coverage")

HEADLINE = "fd"
"""The metric that says which checkpoint is the best: the lower, the better."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was measured at a step. count: pictures that were drawn for it. judge: the digest of who measured them."""

    count: int
    measurements: tuple[Measurement, ...]
    look: Look
    judge: str | None = None

    @property
    def event(self) -> dict[str, object]:
        """The same as an event tells it."""
        return {
            "count": self.count,
            "judge": self.judge,
            "progress": self.look.progress,
            "values": {one.name: one.value for one in self.measurements},
            "floors": {one.name: one.floor for one in self.measurements},
            "signs": self.look.signs,
        }

    @property
    def metrics(self) -> dict[str, float]:
        """The values by the metrics' names, each with its floor, as a checkpoint keeps them: numbers alone."""
        floors = {f"{one.name}_floor": one.floor for one in self.measurements}
        found = {one.name: one.value for one in self.measurements} | floors
        return {name: value for name, value in found.items() if math.isfinite(value)}

    @property
    def headline(self) -> float | None:
        """The value of the metric that decides, if it was measured and is a number."""
        found = next((one.value for one in self.measurements if one.name == HEADLINE), None)
        return found if found is not None and math.isfinite(found) else None


class _Effort(NamedTuple):
    """How many pictures are drawn, and which metrics look at them."""

    pictures: int
    names: tuple[str, ...]


class Inspector:
    """Looks at the pictures of one training.

    train: its data. load_test: returns the test pictures, which are asked for when the first judgement is due, and of a
    data set alone that has a judge. Without a judge, or where it or the test pictures cannot be had, only pixels and
    the discriminator tell something: no training ends because nobody could judge it. warn: takes the reason. judged:
    the directory where what the judge finds in real pictures is kept, for other trainings too; None keeps nothing.
    """

    def __init__(
        self,
        train: TrainingData,
        load_test: Callable[[], TrainingData],
        *,
        seed: int,
        warn: Say = lambda line: None,
        judged: Path | None = None,
    ) -> None:
        self._train, self._load_test, self._seed, self._warn = train, load_test, seed, warn
        self._judged = judged
        self._floors: dict[int, Evidence] = {}
        self._judge: str | None = None

    def glance(self, sampler: Sampler, *, step: int, progress: float, players: Sampler | None = None) -> Inspection:
        """Measure what is cheap: the signs of a collapse. players: the weights at play, where they are others."""
        return self._inspect(sampler, players or sampler, _Effort(GLANCED_AT, GLANCE), step, progress)

    def judge(self, sampler: Sampler, *, step: int, progress: float, players: Sampler | None = None) -> Inspection:
        """Measure how good the pictures are, too."""
        return self._inspect(sampler, players or sampler, _Effort(JUDGED, JUDGEMENT), step, progress)

    def _inspect(self, sampler: Sampler, players: Sampler, effort: _Effort, step: int, progress: float) -> Inspection:
        count, names = effort
        if self._reference is None:
            real, labels = self._train.images[:count], self._train.labels[:count]
            drawn = to_pixels(sampler.sample(range(len(real)), seed=self._seed, labels=labels.tolist()))
            found: tuple[Measurement, ...] = ()
        else:
            floor = self._floor(self._reference, count)
            evidence = draw_beside(floor, sampler, seed=self._seed)
            found = measure(evidence, floor, names)
            assert floor.drawn.labels is not None  # take_real
            real, labels, drawn = floor.drawn.pixels, floor.drawn.labels, evidence.drawn.pixels
        asked = labels if sampler.is_conditional else torch.zeros_like(labels)
        signs = {
            "spread": spread(drawn, asked) / max(spread(real, asked), 1e-6),
            **self._separate(players, real, labels),
        }
        signs |= _signs_of(found) if found else {}
        return Inspection(len(drawn), found, Look.of(step, progress, signs), self._judge)

    def _separate(self, players: Sampler, real: Tensor, labels: Tensor) -> dict[str, float]:
        """Return how surely the discriminator tells what its opponent draws from real pictures, if it scores any."""
        if players.family.score is None:
            return {}
        real, labels = real[:GLANCED_AT], labels[:GLANCED_AT]
        drawn = to_pixels(players.sample(range(len(labels)), seed=self._seed, labels=labels.tolist()))
        on_real, on_drawn = (players.score_in_play(from_pixels(pixels), labels) for pixels in (real, drawn))
        return {"separation": separation(on_real, on_drawn)}

    @cached_property
    def _reference(self) -> Reference | None:
        name = self._train.spec.name
        if not has_judge(name):
            return None
        try:
            self._judge = current_judge(name)
            test = self._load_test()
            reference = Reference.of(load_judge(name), self._train, test)
            if self._judged is not None:
                remember(reference.test, test, self._judged)
            return reference
        except (CheckpointError, DatasetUnavailableError) as error:
            self._warn(f"the pictures are not judged: {error}")
            return None

    def _floor(self, reference: Reference, count: int) -> Evidence:
        if count not in self._floors:
            self._floors[count] = take_real(reference, count=count, seed=self._seed)
        return self._floors[count]


def _signs_of(measurements: tuple[Measurement, ...]) -> dict[str, float]:
    """Return the signs that the judge tells."""
    ratios: Mapping[str, float] = {one.name: one.value / one.floor for one in measurements if one.floor}
    within = math.sqrt(max(0.0, ratios.get("class_variance", 1.0)))  # one picture a class is no variety either
    return {"variety": min(ratios.get("pairwise_distance", 1.0), within), "classes": ratios.get("classes_covered", 1.0)}


def spread(pixels: Tensor, groups: Tensor) -> float:
    """Return how much pixels vary from picture to picture of a group: the root of their mean variance, in levels.

    pixels: (n, c, h, w) uint8. groups: (n,), to be compared within.
    """
    values = pixels.float().flatten(1)
    squares = sum(float(_deviations(values[groups == one]).square().sum()) for one in set(groups.tolist()))
    return math.sqrt(squares / values.numel())


def _deviations(rows: Tensor) -> Tensor:
    return rows - rows.mean(dim=0)


def separation(real: Tensor, drawn: Tensor) -> float:
    """Return the share of pairs in which the real picture has the higher score, equal ones counted half: (n,), (m,)."""
    difference = real[:, None] - drawn
    return float(((difference > 0).float() + (difference == 0).float() / 2).mean())
